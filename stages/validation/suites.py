"""What must hold of a data set's files: one suite for the samples, one for the splits, one per modality.

A suite looks at a frame with one row per sample (splits: per repeat and sample). What concerns several rows, such as a group that
is split, is first counted per row, so that every expectation is about values of a column and can name unexpected samples.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.modality import Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.model_selection.target_forms import FORMS
from stages.samples.absent_samples import PRESENT, has_sample

Expectations = list[tuple[str, dict[str, Any]]]

CLASS_COUNT = "samples of the row's class, or of its rarest label: one per outer fold; `rare_classes: drop` or `merge` treats rarer ones"
CLASS_GROUPS = "groups with samples of the row's class or label: one to train on and one to test on"
KNOWN = "targets that are known"
SAME_ROW = "as in the same row of samples, repeat after repeat"
FOLD = "outer fold whose test rows hold the row (-1: none)"
GROUP_FOLDS = "outer folds among which the row's group is split within its repeat"
GROUP_INNER = "inner folds among which the row's group is split, in the worst outer fold"
INNER = "inner folds whose validation rows hold the row, the least and the greatest index (-1: in the outer test set)"
INNER_AGREES = "the row has an inner fold exactly where it is in the outer training set"
CLASS_MISSING = "outer and inner training sets of the row's repeat that lack the row's class or a label of it"
AS_OFFICIAL = "a test row exactly where the official split has it"
PRESENT_AS_SAMPLES = "which modalities the sample has: not null in samples"
AS_GIVEN = "a test row of the fold that the data set names"
SAME_TIME = "as in the same row of samples"
OF_THE_FUTURE = "outer folds that train on the row though it is not before all rows that are tested or, if it is not among these, validated"
TIME_AGREES = "the row is trained on exactly where it is in an earlier block than the test rows"
TIME_CODE = ", 1 if it is trained on and never held out"


@dataclass(frozen=True)
class Suite:
    """Expectations over the columns of a frame, `sample_id` among them; `notes` in an expectation: what a column is.

    n_absent: samples that lack the modality, which have no row in the frame.
    """

    name: str
    frame: Mapping[str, np.ndarray]
    expectations: Expectations
    n_absent: int = 0


def samples_suite(samples: pa.Table, metadata: SamplesMetadata, n_folds: int, n_skipped: int) -> Suite:
    """Return the suite of a samples table without those skipped: ids, groups, and enough of each class or label to train and test on."""
    frame = {"sample_id": _strings(samples["sample_id"]), "group": _strings(samples["group"])}
    expectations: Expectations = [
        ("expect_table_row_count_to_equal", {"value": metadata.rows.used - n_skipped}),
        ("expect_column_values_to_not_be_null", {"column": "sample_id"}),
        ("expect_column_values_to_be_unique", {"column": "sample_id"}),
        ("expect_column_values_to_not_be_null", {"column": "group"}),
    ]
    target = column_values(samples["target"])
    outputs = metadata.target.outputs
    if metadata.target.form == "continuous":
        known = (~np.isnan(target)).sum(axis=1)
        frame |= {"target_finite": ~np.isinf(target).any(axis=1), "target_known": known}
        expectations += [
            ("expect_column_values_to_be_in_set", {"column": "target_finite", "value_set": [True]}),
            ("expect_column_values_to_be_between", {"column": "target_known", "min_value": 1, "max_value": len(outputs), "notes": KNOWN}),
        ]
    else:
        counted = FORMS[metadata.target.form].strata(target, len(outputs))
        more, expected = _class_expectations(counted, frame["group"].astype(str), n_folds)
        frame, expectations = frame | more, expectations + expected
        if target.ndim == 1:
            frame["target"] = target
            expectations.append(("expect_column_values_to_be_in_set", {"column": "target", "value_set": list(range(len(outputs)))}))
            expectations.append(_unique_values("target", len(outputs)))
    if "split" in samples.column_names:
        frame["split"] = _strings(samples["split"])
        expectations.append(("expect_column_values_to_be_in_set", {"column": "split", "value_set": ["test", "train"]}))
    return Suite("samples", frame, expectations)


def _class_expectations(counted: np.ndarray, groups: np.ndarray, n_folds: int) -> tuple[dict[str, np.ndarray], Expectations]:
    """Return per row the samples and the groups of its rarest class or label, and what must hold of them.

    Args:
        counted: (n, n_outputs), 1 where the row is of the class or has the label.
    """
    sizes = counted.sum(axis=0)
    n_groups = np.array([len(np.unique(groups[column > 0])) for column in counted.T])
    plenty = len(counted)  # of a row without a label
    frame = {
        "class_count": np.where(counted > 0, sizes, plenty).min(axis=1).astype(np.int64),
        "class_groups": np.where(counted > 0, n_groups, plenty).min(axis=1).astype(np.int64),
    }
    return frame, [
        ("expect_column_values_to_be_between", {"column": "class_count", "min_value": max(2, n_folds), "notes": CLASS_COUNT}),
        ("expect_column_values_to_be_between", {"column": "class_groups", "min_value": 2, "notes": CLASS_GROUPS}),
    ]


def splits_suite(splits: pa.Table, metadata: SplitsMetadata, samples: pa.Table) -> Suite:
    """Return the suite of a splits table: the samples' own rows, whole groups, and every class in every training set."""
    repeat, fold = column_values(splits["repeat"]), column_values(splits["fold"])
    target = metadata.target
    counted = FORMS[target.form].strata(column_values(splits["target"]), len(target.outputs))
    inner, groups = column_values(splits["inner"]), _strings(splits["group"])
    n_folds, n_inner, n_repeats = metadata.n_folds, metadata.n_inner_folds, metadata.n_repeats
    official, in_time = "split" in samples.column_names, metadata.time_ordered
    n_outer = inner.shape[1]
    expected = {name: _aligned(values, n_repeats, len(splits)) for name, values in _identity(samples).items()}
    frame = {
        "sample_id": _strings(splits["sample_id"]),
        "expected_id": expected["sample_id"],
        "group": groups,
        "expected_group": expected["group"],
        "target": _targets(splits["target"]),
        "expected_target": expected["target"],
        "repeat": repeat,
        "fold": fold,
        "group_folds": _folds_of_group(repeat, groups, fold),
        "group_inner_folds": np.max([_folds_of_group(repeat, groups, column) for column in inner.T], axis=0),
        "inner_min": inner.min(axis=1),
        "inner_max": inner.max(axis=1),
        "inner_agrees": ((inner == -1) == (np.greater_equal if in_time else np.equal)(fold[:, None], np.arange(n_outer))).all(axis=1),
        "class_missing": _training_sets_without_class(
            counted if target.form != "continuous" else counted[:, :0], repeat,
            np.where(inner >= n_inner, -1, inner), inner >= 0 if in_time else fold[:, None] != np.arange(n_outer)),
    }
    expectations: Expectations = [
        ("expect_table_row_count_to_equal", {"value": len(samples) * n_repeats}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "sample_id", "column_B": "expected_id", "notes": SAME_ROW}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "group", "column_B": "expected_group", "notes": SAME_ROW}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "target", "column_B": "expected_target", "notes": SAME_ROW}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["repeat", "sample_id"], "notes": "a test row once in a repeat at most"}),
        (
            "expect_column_values_to_be_between",
            {"column": "fold", "min_value": -1 if official or in_time else 0, "max_value": n_folds - 1, "notes": FOLD},
        ),
        _unique_values("repeat", n_repeats),
        _unique_values("fold", n_folds + int(bool((fold == -1).any()))),
        ("expect_column_values_to_be_between", {"column": "group_folds", "min_value": 1, "max_value": 1, "notes": GROUP_FOLDS}),
        ("expect_column_values_to_be_between", {"column": "group_inner_folds", "min_value": 1, "max_value": 1, "notes": GROUP_INNER}),
        ("expect_column_values_to_be_between", {"column": "inner_min", "min_value": -1, "notes": INNER}),
        ("expect_column_values_to_be_between", {"column": "inner_max", "min_value": -1, "max_value": n_inner - (not in_time),
                                                "notes": INNER + TIME_CODE * in_time}),
        ("expect_column_values_to_be_in_set", {"column": "inner_agrees", "value_set": [True],
                                               "notes": TIME_AGREES if in_time else INNER_AGREES}),
        ("expect_column_values_to_be_between", {"column": "class_missing", "min_value": 0, "max_value": 0, "notes": CLASS_MISSING}),
    ]
    if official:
        is_test = _aligned(np.array([split == "test" for split in samples["split"].to_pylist()], dtype=object), n_repeats, len(splits))
        frame["as_official"] = (fold >= 0) == is_test
        expectations.append(("expect_column_values_to_be_in_set", {"column": "as_official", "value_set": [True], "notes": AS_OFFICIAL}))
    if metadata.incomplete:
        known = [has_sample(samples[name]).astype(np.uint8) for name in metadata.incomplete]
        frame["present"] = _texts(column_values(splits["present"]))
        frame["expected_present"] = _aligned(_texts(np.array(known).T), n_repeats, len(splits))
        expectations.append(("expect_column_pair_values_to_be_equal",
                             {"column_A": "present", "column_B": "expected_present", "notes": PRESENT_AS_SAMPLES}))
    if in_time:
        more, expected_in_time = _in_time(splits, samples, inner, n_inner)
        frame, expectations = frame | more, expectations + expected_in_time
    if "fold" in samples.column_names:
        given, name_of = _aligned(_strings(samples["fold"]), n_repeats, len(splits)), dict(enumerate(metadata.fold_names))
        frame["as_given"] = np.array([name_of.get(number) for number in fold.tolist()], dtype=object) == given
        expectations.append(("expect_column_values_to_be_in_set", {"column": "as_given", "value_set": [True], "notes": AS_GIVEN}))
    return Suite("splits", frame, expectations)


def _in_time(splits: pa.Table, samples: pa.Table, inner: np.ndarray, n_inner: int) -> tuple[dict[str, np.ndarray], Expectations]:
    """Return per row its time, and in how many outer folds it is trained on though it is not of the past, and what must hold of them."""
    times = pc.rank(splits["time"], tiebreaker="dense").to_numpy().astype(np.int64)
    fold, of_the_future = column_values(splits["fold"]), np.zeros(len(splits), dtype=np.int64)
    for index, codes in enumerate(inner.T):
        for trained, judged in ((codes >= 0, fold == index), (codes >= n_inner, (codes >= 0) & (codes < n_inner))):
            of_the_future += trained & (times >= times[judged].min(initial=np.iinfo(np.int64).max))
    shown = samples["time"].cast(pa.string()) if "time" in samples.column_names else pa.chunked_array([[]], pa.string())
    frame = {"time": _strings(splits["time"].cast(pa.string())), "expected_time": _aligned(_strings(shown), 1, len(splits)),
             "of_the_future": of_the_future}  # fmt: skip
    return frame, [
        ("expect_column_pair_values_to_be_equal", {"column_A": "time", "column_B": "expected_time", "notes": SAME_TIME}),
        ("expect_column_values_to_be_between", {"column": "of_the_future", "min_value": 0, "max_value": 0, "notes": OF_THE_FUTURE}),
    ]


def modality_suite(label: str, features: pa.Table | Iterable[pa.Table], metadata: FeaturesMetadata, samples: pa.Table) -> Suite:
    """Return the suite of one features file: the samples' ids in their order, and what the modality itself expects of those that have it.

    Args:
        features: the whole table, or its chunks, of which only the summary is kept.
        samples: with the column `label` only if some samples lack the modality.
    """
    modality = component("modalities", metadata.modality)
    chunks = [features] if isinstance(features, pa.Table) else features
    parts = [_summary(chunk, modality, metadata) for chunk in chunks]
    summary = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    n, ids = len(samples), summary.pop("sample_id")
    if label in samples.column_names:
        samples = samples.filter(pa.array(has_sample(samples[label])))
    frame = {"sample_id": ids, "expected_id": _aligned(_strings(samples["sample_id"]), 1, len(ids)), **summary}
    expectations: Expectations = [
        ("expect_table_row_count_to_equal", {"value": len(samples)}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "sample_id", "column_B": "expected_id", "notes": SAME_ROW}),
        *modality.expectations(metadata),
    ]
    return Suite(label, frame, expectations, n - len(samples))


def _summary(chunk: pa.Table, modality: Modality[Any], metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return sample_id and the modality's summary of the samples of a chunk that have it."""
    if PRESENT in chunk.column_names:
        chunk = chunk.filter(chunk[PRESENT])
    return {"sample_id": _strings(chunk["sample_id"]), **modality.summarise(chunk, metadata)}


def skipped_suite(skipped: pa.Table, n_samples: int, max_share: float) -> Suite:
    """Return the suite of the samples that could not be read: no more than were declared."""
    frame = {name: _strings(skipped[name]) for name in ("sample_id", "modality", "reason")}
    nearest = round(max_share * n_samples)  # the product may be less than it should: 0.29 * 100 = 28.999999999999996
    n_allowed = nearest if nearest / n_samples <= max_share else nearest - 1
    notes = f"samples that could not be read, of {n_samples}; at most {max_share:.1%} may be skipped (max_bad_share)"
    most = {"min_value": 0, "max_value": n_allowed, "notes": notes}
    return Suite("skipped", frame, [("expect_table_row_count_to_be_between", most), (
        "expect_column_values_to_not_be_null", {"column": "reason", "notes": "why it could not be read"})])


def _unique_values(column: str, n: int) -> tuple[str, dict[str, Any]]:
    return "expect_column_unique_value_count_to_be_between", {"column": column, "min_value": n, "max_value": n}


def _identity(samples: pa.Table) -> dict[str, np.ndarray]:
    return {"sample_id": _strings(samples["sample_id"]), "group": _strings(samples["group"]), "target": _targets(samples["target"])}


def _targets(column: pa.ChunkedArray) -> np.ndarray:
    """Return one comparable value per row: the code, or the labels or targets as text."""
    values = column_values(column)
    return np.array(values.tolist(), dtype=object) if values.ndim == 1 else _texts(values)


def _texts(values: np.ndarray) -> np.ndarray:
    """Return each row of (n, d) as text."""
    return np.array([" ".join(map(str, row)) for row in values.tolist()], dtype=object)


def _strings(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist(), dtype=object)


def _aligned(values: np.ndarray, times: int, n: int) -> np.ndarray:
    """Return `values` repeated, cut or filled with None to `n` rows: the row count has an expectation of its own."""
    repeated = np.tile(values, times)[:n]
    return np.concatenate([repeated, np.full(n - len(repeated), None, dtype=object)])


def _codes(*columns: np.ndarray) -> np.ndarray:
    """Return int64 (n, n_columns): each column's values as codes; integers stay themselves."""
    as_codes = [c if c.dtype.kind in "iu" else np.unique(c.astype(str), return_inverse=True)[1] for c in columns]
    return np.stack(as_codes, axis=1).astype(np.int64)


def _counts(values: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
    """Return for each of `of` (default: of `values`) how often it stands in `values`."""
    unique, counts = np.unique(values, return_counts=True)
    return counts[np.searchsorted(unique, values if of is None else of)]


def _folds_of_group(repeat: np.ndarray, groups: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return per row how many values `fold` has among the rows of its repeat and group."""
    codes = _codes(repeat, groups, fold)
    member = codes[:, 0] * (codes[:, 1].max(initial=0) + 1) + codes[:, 1]
    pairs = np.unique(np.stack([member, codes[:, 2]], axis=1), axis=0)
    return _counts(pairs[:, 0], member)


def _training_sets_without_class(counted: np.ndarray, repeat: np.ndarray, inner: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Return per row how many outer and inner training sets of its repeat have no row of its class, or of one of its labels.

    Args:
        counted: (n, n_outputs), 1 where the row is of the class or has the label.
        inner: (n, n_folds), the inner fold that validates a row, -1: none. trained: bool (n, n_folds), the outer training sets.
    """
    missing = np.zeros(len(counted), dtype=np.int64)
    for number in np.unique(repeat):
        rows = repeat == number
        for index in range(inner.shape[1]):
            outer = rows & trained[:, index]
            excluded = [None, *np.unique(inner[outer & (inner[:, index] >= 0), index])]  # None: the whole outer training set
            for part in excluded:
                absent = ~counted[outer if part is None else outer & (inner[:, index] != part)].any(axis=0)
                missing += rows & counted[:, absent].any(axis=1)
    return missing
