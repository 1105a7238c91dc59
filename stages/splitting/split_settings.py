"""What the section `split:` may hold."""

from pydantic import Field

from stages.contracts.settings import Settings


class SplitEntry(Settings):
    folds: int = Field(5, ge=2, le=100, description="outer folds (ignored where there is an official test split)")
    repeats: int = Field(1, ge=1, le=100, description="repeats of the whole outer cross-validation")
    inner_folds: int = Field(3, ge=2, le=100, description="inner folds, which choose the configuration")
