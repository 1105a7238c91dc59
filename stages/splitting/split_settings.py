"""The settings of the section `split:`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from stages.contracts.settings import Settings

RENAMED: Mapping[str, str] = {"folds": "n_splits", "repeats": "n_repeats", "inner_folds": "n_inner_splits"}


class OneSplitEntry(Settings):
    """Numbers of folds of one data set; those that are not given are the section's."""

    n_splits: int | None = Field(None, ge=2, le=100, description="outer folds of this data set")
    n_repeats: int | None = Field(None, ge=1, le=100, description="repeats of this data set's outer cross-validation")
    n_inner_splits: int | None = Field(None, ge=2, le=100, description="inner folds of this data set")

    renamed: ClassVar[Mapping[str, str]] = RENAMED


class SplitEntry(Settings):
    n_splits: int = Field(5, ge=2, le=100, description="outer folds (ignored where the data set has own folds or an official test split)")
    n_repeats: int = Field(1, ge=1, le=100, description="repeats of the whole outer cross-validation (ignored in the same cases, and in "
                           "time order)")
    n_inner_splits: int = Field(3, ge=2, le=100, description="inner folds, which choose the configuration (in time order the latest of "
                                "n_inner_splits + 1 parts alone)")
    datasets: dict[str, OneSplitEntry] = Field(
        {}, description="other numbers for single data sets: name: {n_splits, n_repeats, n_inner_splits}"
    )

    renamed: ClassVar[Mapping[str, str]] = RENAMED

    def of(self, dataset: str) -> "SplitEntry":
        """Return the numbers of one data set: its own where given, else the section's."""
        own = self.datasets.get(dataset)
        return self.model_copy(update={**(own.model_dump(exclude_none=True) if own else {}), "datasets": {}})
