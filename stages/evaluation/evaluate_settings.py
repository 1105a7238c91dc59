"""What the section `evaluate:` may hold."""

from pydantic import Field

from stages.contracts.settings import Settings


class EvaluateEntry(Settings):
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of the intervals")
