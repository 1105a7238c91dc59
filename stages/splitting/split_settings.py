"""The settings of the section `split:`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from stages.contracts.settings import Settings


class SplitEntry(Settings):
    n_splits: int = Field(5, ge=2, le=100, description="outer folds (ignored where there is an official test split)")
    n_repeats: int = Field(1, ge=1, le=100, description="repeats of the whole outer cross-validation")
    n_inner_splits: int = Field(3, ge=2, le=100, description="inner folds, which choose the configuration")

    renamed: ClassVar[Mapping[str, str]] = {"folds": "n_splits", "repeats": "n_repeats", "inner_folds": "n_inner_splits"}
