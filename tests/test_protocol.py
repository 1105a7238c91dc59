"""The protocol's own rules: which combinations are trained on, which of equals is kept, from what score on a label is predicted."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from toy_problem import toy_problem

from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.feature_blocks import load_block
from stages.foundation.registry import component
from stages.foundation.tables import fixed_lists
from stages.model_selection.protocol import best_overall
from stages.model_selection.target_forms import FORMS, fit_scale, known_means
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each
from stages.training.read_problem import all_combinations, trained_combinations


def test_every_combination_is_trained_on_small_ones_first() -> None:
    assert all_combinations(["b"]) == (("b",),)
    assert trained_combinations(["b", "a", "c"], None) == all_combinations(["b", "a", "c"])
    assert trained_combinations(["b", "a", "c"], [["c", "a", "b"], ["c", "a"], ["a"]]) == (
        ("b",), ("a",), ("c",), ("a", "c"), ("b", "a", "c"))  # fmt: skip
    assert trained_combinations(["b", "a"], []) == (("b",), ("a",))
    assert all_combinations(["b", "a", "c"]) == (
        ("b",), ("a",), ("c",), ("b", "a"), ("b", "c"), ("a", "c"), ("b", "a", "c"))  # fmt: skip


def test_a_features_file_tells_which_samples_have_the_modality() -> None:
    """Combinations that share their samples are one part; a fold of a part holds only the samples that have all of it."""
    problem = toy_problem(modalities=("image", "text", "table"))
    n = len(problem.target)
    present = np.arange(n) % 3 != 0
    metadata = FeaturesMetadata(
        dataset="toy", modality_name="text", modality="image", settings={}, encoding="dense", shape=(1,), names=(), fit={})  # fmt: skip
    vectors = fixed_lists(np.zeros((n, 1), np.float32))
    text = load_block("text", pa.table({"present": present, "vector": vectors}), metadata)
    assert load_block("text", pa.table({"vector": vectors}), metadata).present is None
    parts = replace(problem, blocks={**problem.blocks, "text": text}).parts()
    assert [part.combinations for part in parts] == [
        (("image",), ("table",), ("image", "table")),
        (("text",), ("image", "text"), ("text", "table"), ("image", "text", "table")),
    ]
    assert parts[0].folds == problem.folds
    (whole_problem,) = problem.parts()
    assert (whole_problem.combinations, whole_problem.folds) == (problem.combinations, problem.folds)
    for whole, fold in zip(problem.folds, parts[1].folds, strict=True):
        assert fold.test.tolist() == [row for row in whole.test if row % 3]
        inner = dict(zip(whole.train.tolist(), whole.inner.tolist(), strict=True))
        assert dict(zip(fold.train.tolist(), fold.inner.tolist(), strict=True)) == {row: inner[row] for row in inner if row % 3}
    assert parts[1].final_fold().train.tolist() == [row for row in range(n) if row % 3]


@pytest.mark.parametrize("name", ["accuracy", "rmse"])
def test_of_equal_combinations_the_smallest_is_kept_and_of_equal_configurations_the_first(name: str) -> None:
    problem = toy_problem(modalities=("image", "table"))
    scores = np.array([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]])  # equal means
    largest_first = sorted(problem.combinations, key=len, reverse=True)
    reached = [FoldResult(problem.folds[0], some, {name: scores}, 0, np.zeros(0), None) for some in largest_first]
    assert best_overall(reached, component("metrics", name)) == (("image",), "early", 0)


def test_a_label_is_predicted_from_its_threshold_on() -> None:
    scores = np.array([[0.5, 0.2], [0.49, 0.3], [0.51, 0.1]], dtype=np.float64)
    assert FORMS["labels"].decide(scores, np.array([0.5, 0.2])).tolist() == [[1, 1], [0, 1], [1, 0]]


@pytest.mark.parametrize(("scoring", "threshold"), [("micro_f1", 0.3), ("macro_f1", 0.3), ("subset_accuracy", 0.5), ("hamming_loss", 0.5)])
def test_thresholds_serve_the_metric_that_chooses(scoring: str, threshold: float) -> None:
    """Two of ten rows have the label; at 0.32 stand both and three others. Up to there F1 is 4/7 and 7 rows are right; above, 0 and 8."""
    problem = replace(toy_problem(modalities=("image",), task="multilabel"), scoring=scoring)
    target = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.uint8)[:, None]
    scores = np.array([0.32] * 5 + [0.01] * 5, dtype=np.float32)[:, None]
    assert needs_thresholds(problem) and not needs_thresholds(replace(problem, form="classes"))
    fold = Fold(0, 0, np.arange(10), np.arange(0), np.zeros(10, np.int16), 1)
    assert thresholds_of_each(replace(problem, target=target), fold, scores[None]).tolist() == [[threshold]]
    longer = replace(problem, target=np.concatenate([target, np.ones_like(target)]))  # rows that are always trained on do not count
    fold = Fold(0, 0, np.arange(20), np.arange(0), np.repeat([0, 1], 10).astype(np.int16), 1)
    assert thresholds_of_each(longer, fold, np.concatenate([scores, np.full_like(scores, 0.22)])[None]).tolist() == [[threshold]]


def test_of_equal_scores_the_first_class_is_predicted() -> None:
    assert FORMS["classes"].decide(np.array([[0.2, 0.4, 0.4], [0.4, 0.2, 0.4]])).tolist() == [1, 0]


def test_means_and_scales_are_of_the_known_targets() -> None:
    target = np.array([[1.0, np.nan, 5.0, np.nan], [3.0, 7.0, 5.0, np.nan], [np.nan, 9.0, 5.0, np.nan]])
    assert known_means(target).tolist() == [2.0, 8.0, 5.0, 0.0]
    scale = fit_scale(target)
    assert (scale.mean.tolist(), scale.deviation.tolist()) == ([2.0, 8.0, 5.0, 0.0], [1.0, 1.0, 1.0, 1.0])
    assert fit_scale(np.array([[0.0], [0.0], [6.0], [np.nan]])).deviation == pytest.approx(np.sqrt(8.0))
    standardised = scale.standardised(target)
    np.testing.assert_array_equal(standardised[:2, 0], [-1.0, 1.0])
    np.testing.assert_array_equal(scale.restored(standardised), target)
