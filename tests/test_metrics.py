"""One battery over every file in stages/metrics/."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from stages.contracts import Metric
from stages.registry import component, names

NAMES = names("metrics")

# target, prediction, probabilities of three classes, and what each metric must say to 1e-12
TARGET = np.array([0, 0, 1, 1, 2, 2], dtype=np.int32)
PREDICTION = np.array([0, 1, 1, 1, 2, 0], dtype=np.int32)
SCORES = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.25, 0.5, 0.25], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.5, 0.25, 0.25]])
GOLDEN = {
    "accuracy": 4 / 6,
    "balanced_accuracy": (1 / 2 + 1 + 1 / 2) / 3,
    "macro_f1": (1 / 2 + 4 / 5 + 2 / 3) / 3,
    "log_loss": -(math.log(0.8) + math.log(0.2) + math.log(0.5) + math.log(0.8) + math.log(0.5) + math.log(0.25)) / 6,
    # per class, 8 pairs of a row of it and another: won pairs, ties one half
    "roc_auc": ((4 + 1.5) / 8 + (3.5 + 4) / 8 + (4 + 2.5) / 8) / 3,
}

REFERENCE: dict[str, Any] = {
    "accuracy": lambda t, p, s: reference.accuracy_score(t, p),
    "balanced_accuracy": lambda t, p, s: reference.balanced_accuracy_score(t, p),
    "macro_f1": lambda t, p, s: reference.f1_score(t, p, average="macro"),
    "log_loss": lambda t, p, s: reference.log_loss(t, s, labels=np.arange(s.shape[1])),
    "roc_auc": lambda t, p, s: reference.roc_auc_score(t, s[:, 1]) if s.shape[1] == 2 else reference.roc_auc_score(t, s, multi_class="ovr"),
}


def draw(seed: int, n_rows: int, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return random targets with every class present, predictions, and probabilities in steps, so that ties occur."""
    generator = np.random.default_rng(seed)
    target = np.concatenate([np.arange(n_classes), generator.integers(0, n_classes, n_rows - n_classes)]).astype(np.int32)
    steps = generator.integers(0, 5, (n_rows, n_classes)) + np.eye(n_classes)[generator.integers(0, n_classes, n_rows)]
    scores = steps / steps.sum(axis=1, keepdims=True)
    return target, generator.integers(0, n_classes, n_rows).astype(np.int32), scores


def test_every_metric_is_covered() -> None:
    assert set(GOLDEN) == set(REFERENCE) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_golden_value(name: str) -> None:
    assert component("metrics", name).score(TARGET, PREDICTION, SCORES) == pytest.approx(GOLDEN[name], abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n_rows", "n_classes"), [(30, 2), (200, 2), (50, 3), (400, 9)])
def test_agrees_with_scikit_learn(name: str, n_rows: int, n_classes: int) -> None:
    for seed in range(5):
        drawn = draw(seed, n_rows, n_classes)
        assert component("metrics", name).score(*drawn) == pytest.approx(REFERENCE[name](*drawn), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_input_is_best(name: str) -> None:
    metric: Metric = component("metrics", name)
    target, prediction, scores = draw(1, 60, 4)
    perfect = metric.score(target, target, np.eye(4)[target])
    assert perfect == pytest.approx(metric.bounds[1] if metric.greater_is_better else metric.bounds[0], abs=1e-12)
    noisy = metric.score(target, prediction, scores)
    assert metric.bounds[0] <= noisy <= metric.bounds[1]
    assert (noisy < perfect) == metric.greater_is_better


@pytest.mark.parametrize("name", NAMES)
def test_row_order_does_not_matter(name: str) -> None:
    drawn = draw(2, 80, 3)
    order = np.random.default_rng(0).permutation(80)
    score = component("metrics", name).score
    assert score(*(part[order] for part in drawn)) == pytest.approx(score(*drawn), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_raises(name: str) -> None:
    with pytest.raises(ValueError, match="no rows"):
        component("metrics", name).score(np.array([], np.int32), np.array([], np.int32), np.empty((0, 3)))


@pytest.mark.parametrize("name", [name for name in NAMES if not component("metrics", name).needs_scores])
def test_metric_without_probabilities_takes_none(name: str) -> None:
    assert component("metrics", name).score(TARGET, PREDICTION, None) == pytest.approx(GOLDEN[name], abs=1e-12)


def test_balanced_accuracy_leaves_out_a_class_absent_from_the_target() -> None:
    target, prediction = np.array([0, 0, 2], np.int32), np.array([0, 1, 2], np.int32)
    assert component("metrics", "balanced_accuracy").score(target, prediction, None) == pytest.approx((0.5 + 1) / 2)


def test_macro_f1_counts_a_class_that_is_only_predicted_as_zero() -> None:
    target, prediction = np.array([0, 0, 2], np.int32), np.array([0, 1, 2], np.int32)
    assert component("metrics", "macro_f1").score(target, prediction, None) == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_roc_auc_leaves_out_a_class_absent_from_the_target() -> None:
    target = np.array([0, 0, 1, 1], np.int32)
    scores = np.array([[0.6, 0.2, 0.2], [0.2, 0.3, 0.5], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]])
    assert component("metrics", "roc_auc").score(target, target, scores) == pytest.approx((3 / 4 + 1) / 2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_roc_auc_of_a_single_class_is_undefined(n_classes: int) -> None:
    target = np.ones(4, np.int32)
    assert math.isnan(component("metrics", "roc_auc").score(target, target, np.full((4, n_classes), 1 / n_classes)))


def test_log_loss_of_a_zero_probability_is_finite() -> None:
    loss = component("metrics", "log_loss").score(np.array([0], np.int32), None, np.array([[0.0, 1.0]], np.float32))
    assert loss == pytest.approx(-math.log(np.finfo(np.float64).eps))


@pytest.mark.parametrize("scores", [[[0.5, 0.2]], [[1.5, -0.5]], [[np.nan, 1.0]]])
def test_log_loss_refuses_what_is_no_probability(scores: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="row 0"):
        component("metrics", "log_loss").score(np.array([0], np.int32), None, np.array(scores))
