"""What the section `evaluate:` may hold."""

from pydantic import Field

from stages.contracts.settings import Settings


class EvaluateEntry(Settings):
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of the intervals")
    rope: float = Field(0.01, ge=0, lt=1, description="region of practical equivalence: differences up to it count as equal in "
                        "practice; in the metric's unit, of RMSE, MAE and log-loss a share of the score")
    gallery: int = Field(6, ge=0, le=50, description="samples of the largest errors that the report shows, with what they hold (images, "
                         "sounds, texts, rows); 0: none")
