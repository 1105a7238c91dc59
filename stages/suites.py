"""What must hold of a data set's files: one suite for the samples, one for the splits, one per modality.

A suite looks at a frame with one row per sample (splits: per repeat and sample). What concerns several rows, such as a group that
is parted, is first counted per row, so that every expectation is about values of a column and can name the samples that offend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.registry import component
from stages.tables import column_values

Expectations = list[tuple[str, dict[str, Any]]]

CLASS_COUNT = "samples of the row's class; each outer fold needs one"
CLASS_GROUPS = "groups with samples of the row's class; one to train on and one to test on"
SAME_ROW = "as in the same row of samples, repeat after repeat"
FOLD = "outer fold that holds the row out (-1: never held out)"
GROUP_FOLDS = "outer folds over which the row's group is spread within its repeat"
GROUP_INNER = "inner folds over which the row's group is spread, in the worst outer fold"
INNER = "inner folds that hold the row out, the least and the greatest number (-1: in the outer test set)"
INNER_AGREES = "an inner fold is given exactly where the row is in the outer training set"
CLASS_MISSING = "outer and inner training sets of the row's repeat that lack the row's class"
AS_OFFICIAL = "held out exactly if the official split says so"


@dataclass(frozen=True)
class Suite:
    """Expectations over the columns of a frame, `sample_id` among them; `notes` in an expectation say what a column is."""

    name: str
    frame: Mapping[str, np.ndarray]
    expectations: Expectations


def samples_suite(samples: pa.Table, metadata: Mapping[str, Any], n_folds: int) -> Suite:
    """Return the suite of a samples table: ids, groups, classes, and enough of each class to learn and to test."""
    target = column_values(samples["target"])
    groups = _strings(samples["group"])
    n_classes = len(metadata["target"]["classes"])
    frame = {
        "sample_id": _strings(samples["sample_id"]),
        "group": groups,
        "target": target,
        "class_count": _counts(target),
        "class_groups": _counts(np.unique(_codes(target, groups), axis=0)[:, 0], target),
    }
    expectations: Expectations = [
        ("expect_table_row_count_to_equal", {"value": metadata["rows"]["used"]}),
        ("expect_column_values_to_not_be_null", {"column": "sample_id"}),
        ("expect_column_values_to_be_unique", {"column": "sample_id"}),
        ("expect_column_values_to_not_be_null", {"column": "group"}),
        ("expect_column_values_to_be_in_set", {"column": "target", "value_set": list(range(n_classes))}),
        ("expect_column_unique_value_count_to_be_between", {"column": "target", "min_value": n_classes, "max_value": n_classes}),
        ("expect_column_values_to_be_between", {"column": "class_count", "min_value": max(2, n_folds), "notes": CLASS_COUNT}),
        ("expect_column_values_to_be_between", {"column": "class_groups", "min_value": 2, "notes": CLASS_GROUPS}),
    ]
    if "split" in samples.column_names:
        frame["split"] = _strings(samples["split"])
        expectations.append(("expect_column_values_to_be_in_set", {"column": "split", "value_set": ["test", "train"]}))
    return Suite("samples", frame, expectations)


def splits_suite(splits: pa.Table, metadata: Mapping[str, Any], samples: pa.Table) -> Suite:
    """Return the suite of a splits table: the samples' own rows, whole groups, and every class in every training set."""
    target, repeat, fold = (column_values(splits[name]) for name in ("target", "repeat", "fold"))
    inner, groups = column_values(splits["inner"]), _strings(splits["group"])
    n_folds, n_inner, n_repeats = metadata["n_folds"], metadata["n_inner_folds"], metadata["n_repeats"]
    official = "split" in samples.column_names
    expected = {name: _aligned(values, n_repeats, len(splits)) for name, values in _identity(samples).items()}
    frame = {
        "sample_id": _strings(splits["sample_id"]),
        "expected_id": expected["sample_id"],
        "group": groups,
        "expected_group": expected["group"],
        "target": target,
        "expected_target": expected["target"],
        "repeat": repeat,
        "fold": fold,
        "group_folds": _folds_of_group(repeat, groups, fold),
        "group_inner_folds": np.max([_folds_of_group(repeat, groups, column) for column in inner.T], axis=0),
        "inner_min": inner.min(axis=1),
        "inner_max": inner.max(axis=1),
        "inner_agrees": ((inner == -1) == (fold[:, None] == np.arange(inner.shape[1]))).all(axis=1),
        "class_missing": _training_sets_without_class(target, repeat, fold, inner),
    }
    expectations: Expectations = [
        ("expect_table_row_count_to_equal", {"value": len(samples) * n_repeats}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "sample_id", "column_B": "expected_id", "notes": SAME_ROW}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "group", "column_B": "expected_group", "notes": SAME_ROW}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "target", "column_B": "expected_target", "notes": SAME_ROW}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["repeat", "sample_id"], "notes": "held out once in a repeat at most"}),
        (
            "expect_column_values_to_be_between",
            {"column": "fold", "min_value": -1 if official else 0, "max_value": n_folds - 1, "notes": FOLD},
        ),
        _unique_values("repeat", n_repeats),
        _unique_values("fold", n_folds + int(bool((fold == -1).any()))),
        ("expect_column_values_to_be_between", {"column": "group_folds", "min_value": 1, "max_value": 1, "notes": GROUP_FOLDS}),
        ("expect_column_values_to_be_between", {"column": "group_inner_folds", "min_value": 1, "max_value": 1, "notes": GROUP_INNER}),
        ("expect_column_values_to_be_between", {"column": "inner_min", "min_value": -1, "notes": INNER}),
        ("expect_column_values_to_be_between", {"column": "inner_max", "min_value": -1, "max_value": n_inner - 1, "notes": INNER}),
        ("expect_column_values_to_be_in_set", {"column": "inner_agrees", "value_set": [True], "notes": INNER_AGREES}),
        ("expect_column_values_to_be_between", {"column": "class_missing", "min_value": 0, "max_value": 0, "notes": CLASS_MISSING}),
    ]
    if official:
        held_out = _aligned(np.array([split == "test" for split in samples["split"].to_pylist()], dtype=object), n_repeats, len(splits))
        frame["as_official"] = (fold >= 0) == held_out
        expectations.append(("expect_column_values_to_be_in_set", {"column": "as_official", "value_set": [True], "notes": AS_OFFICIAL}))
    return Suite("splits", frame, expectations)


def modality_suite(label: str, features: pa.Table, metadata: Mapping[str, Any], samples: pa.Table) -> Suite:
    """Return the suite of one features file: the samples' ids in their order, and what the modality itself expects."""
    modality = component("modalities", metadata["modality"])
    frame = {
        "sample_id": _strings(features["sample_id"]),
        "expected_id": _aligned(_strings(samples["sample_id"]), 1, len(features)),
        **modality.summarise(features, metadata),
    }
    expectations: Expectations = [
        ("expect_table_row_count_to_equal", {"value": len(samples)}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "sample_id", "column_B": "expected_id", "notes": SAME_ROW}),
        *modality.expectations(metadata),
    ]
    return Suite(label, frame, expectations)


def _unique_values(column: str, n: int) -> tuple[str, dict[str, Any]]:
    return "expect_column_unique_value_count_to_be_between", {"column": column, "min_value": n, "max_value": n}


def _identity(samples: pa.Table) -> dict[str, np.ndarray]:
    target = np.array(column_values(samples["target"]).tolist(), dtype=object)
    return {"sample_id": _strings(samples["sample_id"]), "group": _strings(samples["group"]), "target": target}


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


def _training_sets_without_class(target: np.ndarray, repeat: np.ndarray, fold: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return per row how many outer and inner training sets of its repeat have no row of its class."""
    missing = np.zeros(len(target), dtype=np.int64)
    for number in np.unique(repeat):
        rows = repeat == number
        for index in range(inner.shape[1]):
            outer = rows & (fold != index)
            held_out = [-1, *np.unique(inner[outer, index])]  # -1: the whole outer training set
            for part in dict.fromkeys(held_out):
                missing += rows & ~np.isin(target, target[outer & (inner[:, index] != part)])
    return missing
