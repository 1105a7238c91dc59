"""Common tests of every file in stages/metrics/, for every task that it scores, and of the stacked forms."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.row_values import row_values
from stages.foundation.registry import component, names
from stages.scoring.stacked_scores import score_each, scorer, stacked
from stages.scoring.stacks import Stack

METRICS: dict[str, Metric] = {name: component("metrics", name) for name in names("metrics")}
CASES_OF = {"classes": ("binary", "multiclass"), "labels": ("multilabel",), "continuous": ("regression",)}
CASES = [(name, task) for name, metric in METRICS.items() for form in metric.forms for task in CASES_OF[form]]
CLASS_TASKS = ("binary", "multiclass")
Triple = tuple[np.ndarray, np.ndarray, np.ndarray | None]

# target, prediction, scores by kind of task, and the value of each metric to 1e-12
CLASSES: Triple = (
    np.array([0, 0, 1, 1, 2, 2], dtype=np.int32),
    np.array([0, 1, 1, 1, 2, 0], dtype=np.int32),
    np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.25, 0.5, 0.25], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.5, 0.25, 0.25]]),
)
LABELS: Triple = (  # label 0 has three rows, label 1 has one
    np.array([[1, 0], [1, 1], [0, 0], [1, 0]], dtype=np.uint8),
    np.array([[1, 0], [0, 1], [0, 1], [1, 0]], dtype=np.uint8),
    np.array([[0.9, 0.1], [0.3, 0.5], [0.3, 0.5], [0.8, 0.2]]),
)
CONTINUOUS: Triple = (
    np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0]]),
    np.array([[1.0, 15.0], [3.0, 7.0], [3.0, 25.0]], dtype=np.float32),
    None,
)
GOLDEN = {
    "accuracy": {"classes": 4 / 6},
    "balanced_accuracy": {"classes": (1 / 2 + 1 + 1 / 2) / 3},
    "macro_f1": {"classes": (1 / 2 + 4 / 5 + 2 / 3) / 3, "labels": (4 / 5 + 2 / 3) / 2},
    "log_loss": {"classes": -(math.log(0.8) + math.log(0.2) + math.log(0.5) + math.log(0.8) + math.log(0.5) + math.log(0.25)) / 6},
    # per class, 8 pairs of a row of it and another: won pairs, ties one half; per label, 3 pairs each
    "roc_auc": {"classes": ((4 + 1.5) / 8 + (3.5 + 4) / 8 + (4 + 2.5) / 8) / 3, "labels": (2.5 / 3 + 2.5 / 3) / 2},
    "micro_f1": {"labels": 2 * 3 / (4 + 4)},
    "subset_accuracy": {"labels": 2 / 4},
    "hamming_loss": {"labels": 2 / 8},
    "average_precision": {"labels": ((1 + 1 + 3 / 4) / 3 + 1 / 2) / 2},  # ties share the last rank
    # two rows have both labels, or none, and so nothing to rank; more in test_rankings_of_labels
    "ranking_loss": {"labels": 0.0},
    "ranking_precision": {"labels": 1.0},
    "one_error": {"labels": 0.0},
    "r2": {"continuous": ((1 - 1 / 2) + (1 - 50 / 200)) / 2},
    "q2": {"continuous": ((1 - 1 / 2) + (1 - 50 / 200)) / 2},
    "rmse": {"continuous": (math.sqrt(1 / 3) + 5) / 2},
    "mae": {"continuous": (1 / 3 + 5) / 2},
}
TOYS = {"classes": CLASSES, "labels": LABELS, "continuous": CONTINUOUS}

REFERENCE: dict[str, Any] = {
    "accuracy": lambda t, p, s: reference.accuracy_score(t, p),
    "balanced_accuracy": lambda t, p, s: reference.balanced_accuracy_score(t, p),
    "macro_f1": lambda t, p, s: reference.f1_score(t, p, average="macro"),
    "log_loss": lambda t, p, s: reference.log_loss(t, s, labels=np.arange(s.shape[1])),
    "roc_auc": lambda t, p, s: reference.roc_auc_score(t, s[:, 1] if t.ndim == 1 and s.shape[1] == 2 else s, multi_class="ovr"),
    "micro_f1": lambda t, p, s: reference.f1_score(t, p, average="micro"),
    "subset_accuracy": lambda t, p, s: reference.accuracy_score(t, p),
    "hamming_loss": lambda t, p, s: reference.hamming_loss(t, p),
    "average_precision": lambda t, p, s: reference.average_precision_score(t, s, average="macro"),
    "ranking_loss": lambda t, p, s: reference.label_ranking_loss(t, s),
    "ranking_precision": lambda t, p, s: reference.label_ranking_average_precision_score(t, s),
    "one_error": lambda t, p, s: np.mean([0.0 if row.all() or not row.any() else 1 - row[of_row == of_row.max()].mean()
                                          for row, of_row in zip(t, s, strict=True)]),
    "r2": lambda t, p, s: reference.r2_score(t, p),
    "q2": lambda t, p, s: reference.r2_score(t, p),
    "rmse": lambda t, p, s: reference.root_mean_squared_error(t, p),
    "mae": lambda t, p, s: reference.mean_absolute_error(t, p),
}
REFERENCE_BY_OUTPUT: dict[str, Any] = {
    "macro_f1": lambda t, p, s: reference.f1_score(t, p, average=None),
    "average_precision": lambda t, p, s: reference.average_precision_score(t, s, average=None),
    "r2": lambda t, p, s: reference.r2_score(t, p, multioutput="raw_values"),
    "q2": lambda t, p, s: reference.r2_score(t, p, multioutput="raw_values"),
    "rmse": lambda t, p, s: reference.root_mean_squared_error(t, p, multioutput="raw_values"),
    "mae": lambda t, p, s: reference.mean_absolute_error(t, p, multioutput="raw_values"),
}


def random_case(task: str, seed: int, n_rows: int, n_outputs: int) -> Triple:
    """Return random targets with every class or label present, predictions, and scores in steps, so that ties occur."""
    generator = np.random.default_rng(seed)
    if task == "regression":
        target = generator.normal(0, 3, (n_rows, n_outputs))
        return target, (target + generator.normal(0, 2, target.shape)).astype(np.float32), None
    steps = generator.integers(0, 5, (n_rows, n_outputs)) + np.eye(n_outputs)[generator.integers(0, n_outputs, n_rows)]
    if task == "multilabel":
        target = generator.integers(0, 2, (n_rows, n_outputs)).astype(np.uint8)
        target[0], target[1] = 0, 1
        return target, generator.integers(0, 2, target.shape).astype(np.uint8), steps / 5
    target = np.concatenate([np.arange(n_outputs), generator.integers(0, n_outputs, n_rows - n_outputs)]).astype(np.int32)
    return target, generator.integers(0, n_outputs, n_rows).astype(np.int32), steps / steps.sum(axis=1, keepdims=True)


def perfect(task: str, target: np.ndarray) -> Triple:
    """Return a perfect prediction of a target."""
    if task == "regression":
        return target, target, None
    return target, target, target.astype(float) if task == "multilabel" else np.eye(int(target.max()) + 1)[target]


def n_outputs_of(task: str) -> int:
    """Return the number of classes, labels or targets."""
    return 2 if task == "binary" else 4


def test_every_metric_is_covered() -> None:
    assert set(GOLDEN) == set(REFERENCE) == set(METRICS)
    assert {task for _, task in CASES} == {"binary", "multiclass", "multilabel", "regression"}


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, values in GOLDEN.items() for kind in values])
def test_golden_value(name: str, kind: str) -> None:
    assert METRICS[name].score(*TOYS[kind]) == pytest.approx(GOLDEN[name][kind], abs=1e-12)


@pytest.mark.parametrize(("name", "task"), CASES)
@pytest.mark.parametrize("n_rows", [30, 200])
def test_agrees_with_scikit_learn(name: str, task: str, n_rows: int) -> None:
    for seed in range(5):
        for n_outputs in (2,) if task == "binary" else (3, 9):
            case = random_case(task, seed, n_rows, n_outputs)
            assert METRICS[name].score(*case) == pytest.approx(REFERENCE[name](*case), abs=1e-12)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.by_output])
def test_scores_by_output_agree_with_scikit_learn(name: str) -> None:
    case = random_case(CASES_OF[METRICS[name].forms[-1]][-1], 3, 120, 5)
    values = METRICS[name].by_output(*case)  # type: ignore[misc]
    assert values == pytest.approx(REFERENCE_BY_OUTPUT[name](*case), abs=1e-12)
    assert METRICS[name].score(*case) == pytest.approx(values.mean(), abs=1e-12)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_perfect_input_is_best(name: str, task: str) -> None:
    metric = METRICS[name]
    case = random_case(task, 1, 60, n_outputs_of(task))
    best = metric.score(*perfect(task, case[0]))
    assert best == pytest.approx(metric.bounds[1] if metric.greater_is_better else metric.bounds[0], abs=1e-12)
    noisy = metric.score(*case)
    assert metric.bounds[0] <= noisy <= metric.bounds[1]
    assert (noisy < best) == metric.greater_is_better


@pytest.mark.parametrize(("name", "task"), CASES)
def test_row_order_does_not_matter_and_input_is_left_alone(name: str, task: str) -> None:
    case = random_case(task, 2, 80, n_outputs_of(task))
    kept = [None if part is None else part.copy() for part in case]
    order = np.random.default_rng(0).permutation(80)
    score = METRICS[name].score
    assert score(*(None if part is None else part[order] for part in case)) == pytest.approx(score(*case), abs=1e-12)
    for part, before in zip(case, kept, strict=True):
        np.testing.assert_array_equal(part, before)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_no_rows_raises(name: str, task: str) -> None:
    target, prediction, scores = random_case(task, 0, 10, n_outputs_of(task))
    with pytest.raises(ValueError, match="no rows"):
        METRICS[name].score(target[:0], prediction[:0], None if scores is None else scores[:0])


@pytest.mark.parametrize(("name", "task"), [(name, task) for name, task in CASES if not METRICS[name].needs_scores])
def test_metric_without_probabilities_takes_none(name: str, task: str) -> None:
    case = random_case(task, 4, 30, n_outputs_of(task))
    assert METRICS[name].score(*case[:2], None) == METRICS[name].score(*case)


STACKED_CASES = [(name, task) for name, task in CASES if stacked(name) is not None]
SHAPES = [(1, 1), (1, 3), (7, 2), (40, 3), (300, 9), (150, 140)]


def stack_of(task: str, seed: int, n_rows: int, n_outputs: int) -> Stack:
    """Return predictions of random quality, with absent and merely predicted classes, ties, unknown targets and one that does not vary."""
    random = np.random.default_rng(seed)
    if task == "regression":
        target = random.normal(0, 3, (n_rows, n_outputs))
        target[random.random(target.shape) < 0.2] = np.nan
        target[:, 0] = [np.nan, 0.1][seed % 2]
        return Stack(target, np.nan_to_num(target) + random.normal(0, 2, (12, n_rows, n_outputs)))
    shape = (n_rows, n_outputs) if task == "multilabel" else (n_rows,)
    high, kind = (2, np.uint8) if task == "multilabel" else (n_outputs, np.int32)
    target = random.integers(0, high, shape).astype(kind)
    predictions = np.where(random.random((12, *shape)) < 0.6, target, random.integers(0, high, (12, *shape))).astype(kind)
    target = np.where(target == high // 2, 0, target).astype(kind)  # one that is predicted only
    predictions[0], predictions[1] = target, 0
    predictions[2] = np.minimum(predictions[2], 1)
    return Stack(target, predictions)


def test_only_metrics_that_need_no_probabilities_have_a_stacked_form() -> None:
    found = {name for name, _ in STACKED_CASES}
    assert found <= {name for name, metric in METRICS.items() if not metric.needs_scores}
    assert found >= {"accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "hamming_loss", "subset_accuracy", "mae", "rmse", "r2", "q2"}


@pytest.mark.parametrize(("name", "task"), STACKED_CASES)
@pytest.mark.parametrize(("n_rows", "n_outputs"), SHAPES)
def test_a_stacked_form_equals_the_metric(name: str, task: str, n_rows: int, n_outputs: int) -> None:
    stack = stack_of(task, n_rows, n_rows, n_outputs)
    whole = np.vstack([stack.target, stack.target[:1]]) if stack.target.ndim == 2 else stack.target
    for scale_of in (None, whole):
        metric = METRICS[name] if scale_of is None else METRICS[name].bound_to(scale_of)
        form = stacked(name, scale_of)
        assert form is not None and form.greater_is_better == metric.greater_is_better
        expected = score_each(metric, stack)
        assert form(stack).dtype == np.float64
        np.testing.assert_allclose(form(stack), expected, rtol=1e-12, atol=1e-12)
        assert form(stack).tobytes() == expected.tobytes() or task in ("multilabel", "regression")  # of classes: every bit
        np.testing.assert_allclose(scorer(metric, scale_of)(stack), expected, rtol=1e-12, atol=1e-12)


def test_a_metric_without_a_stacked_form_is_computed_prediction_by_prediction() -> None:
    target, predictions = np.array([0, 1, 1], np.int32), np.array([[0, 1, 1], [0, 0, 0]], np.int32)
    unknown = replace(METRICS["accuracy"], name="agreement")
    assert stacked("agreement") is None
    assert scorer(unknown)(Stack(target, predictions)).tolist() == [1.0, 1 / 3]


@pytest.mark.parametrize(("name", "task"), CASES)
@pytest.mark.parametrize("n_rows", [4, 12, 90])
def test_values_of_rows_have_the_metric_as_their_mean(name: str, task: str, n_rows: int) -> None:
    """Also where a class is absent, and where rows tie; by the closed forms and by leaving out blocks."""
    target, prediction, scores = (part if part is None else part[:n_rows] for part in random_case(task, 5, n_rows, n_outputs_of(task)))
    metric = METRICS[name].bound_to(target)
    expected, predicted = metric.score(target, prediction, scores), FoldPredictions(target, prediction, scores)
    found = row_values(metric, predicted, np.arange(n_rows), expected)
    assert found.shape == (n_rows,)
    np.testing.assert_allclose(found.mean(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_values_of_rows_are_what_counting_a_row_more_often_does(name: str, task: str) -> None:
    """The value of a row is the metric plus its slope in the row's weight: here the row stands 1 + 1/50 times, by repeating all rows."""
    n, times = 40, 50
    target, prediction, scores = random_case(task, 11, n, n_outputs_of(task))
    metric = METRICS[name].bound_to(target)
    whole = metric.score(target, prediction, scores)
    found = row_values(metric, FoldPredictions(target, prediction, scores), np.arange(n), whole)
    for row in range(0, n, 5):
        rows = np.append(np.tile(np.arange(n), times), row)
        more = metric.score(target[rows], prediction[rows], None if scores is None else scores[rows])
        slope = (more - whole) * (n * times + 1)
        expected = found[row] - whole
        assert slope == pytest.approx(expected, rel=0.03, abs=0.03), "exact to first order"


def test_a_metric_without_a_closed_form_gets_its_values_by_leaving_out_blocks() -> None:
    target, prediction, scores = random_case("multilabel", 3, 120, 3)
    known, unknown = METRICS["micro_f1"], replace(METRICS["micro_f1"], name="own")
    whole, predicted = known.score(target, prediction, scores), FoldPredictions(target, prediction, scores)
    closed, left_out = (row_values(metric, predicted, np.arange(120), whole) for metric in (known, unknown))
    assert left_out.mean() == pytest.approx(whole, abs=1e-12)
    np.testing.assert_allclose(left_out, closed, atol=0.02)
    blocks = np.arange(120) // 6
    of_blocks = row_values(unknown, predicted, blocks, whole)
    np.testing.assert_allclose(np.bincount(blocks, of_blocks) / 6, np.bincount(blocks, closed) / 6, atol=0.02)


@pytest.mark.parametrize("name", ["mae", "rmse", "r2", "q2"])
@pytest.mark.parametrize(("value", "is_worst"), [(np.inf, True), (np.nan, False)])
def test_an_infinite_prediction_is_worst_and_nan_is_undefined(name: str, value: float, is_worst: bool) -> None:
    target, prediction, _ = random_case("regression", 1, 20, 2)
    prediction[4, 0] = value
    worst = -np.inf if METRICS[name].greater_is_better else np.inf
    for found in (METRICS[name].score(target, prediction, None), stacked(name)(Stack(target, prediction[None]))[0]):  # type: ignore[misc]
        assert found == worst if is_worst else math.isnan(found)


def test_rankings_of_labels() -> None:
    """Ties are wrong, and share the last rank; of tied first labels the share that does not hold counts."""
    target = np.array([[1, 0, 1, 0], [0, 1, 0, 0]], np.uint8)
    scores = np.array([[0.1, 0.2, 0.9, 0.2], [0.5, 0.5, 0.1, 0.0]])
    found = {name: METRICS[name].score(target, None, scores) for name in ("ranking_loss", "ranking_precision", "one_error")}
    assert found == pytest.approx({"ranking_loss": (2 / 4 + 1 / 3) / 2, "ranking_precision": ((2 / 4 + 1) / 2 + 1 / 2) / 2,
                                   "one_error": (0 + 1 / 2) / 2})  # fmt: skip


def test_a_single_label_is_scored_as_a_label() -> None:
    """scikit-learn reads a column of 0 and 1 as two classes."""
    target, prediction = np.array([[1], [0], [1], [0]], np.uint8), np.array([[1], [1], [0], [0]], np.uint8)
    scores = np.array([[0.9], [0.8], [0.3], [0.1]])
    found = {name: metric.score(target, prediction, scores) for name, metric in METRICS.items() if "labels" in metric.forms}
    assert found == pytest.approx({"macro_f1": 0.5, "micro_f1": 0.5, "subset_accuracy": 0.5, "hamming_loss": 0.5, "roc_auc": 0.75,
                                   "average_precision": (1 + 2 / 3) / 2, "ranking_loss": 0, "ranking_precision": 1,
                                   "one_error": 0})  # fmt: skip
    assert METRICS["macro_f1"].by_output(target, prediction, scores).tolist() == [0.5]  # type: ignore[misc]


def test_balanced_accuracy_leaves_out_a_class_absent_from_the_target() -> None:
    target, prediction = np.array([0, 0, 2], np.int32), np.array([0, 1, 2], np.int32)
    assert METRICS["balanced_accuracy"].score(target, prediction, None) == pytest.approx((0.5 + 1) / 2)


def test_macro_f1_counts_a_class_that_is_only_predicted_as_zero() -> None:
    target, prediction = np.array([0, 0, 2], np.int32), np.array([0, 1, 2], np.int32)
    assert METRICS["macro_f1"].score(target, prediction, None) == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_macro_f1_leaves_out_a_label_that_nothing_has() -> None:
    target, prediction = np.array([[1, 0], [0, 0]], np.uint8), np.array([[1, 0], [1, 0]], np.uint8)
    assert METRICS["macro_f1"].score(target, prediction, None) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1"])
def test_f1_of_nothing_to_find_and_nothing_found_is_one(name: str) -> None:
    nothing, something = np.zeros((3, 2), np.uint8), np.eye(3, 2, dtype=np.uint8)
    assert METRICS[name].score(nothing, nothing, None) == 1
    assert METRICS[name].score(nothing, something, None) == 0


def test_roc_auc_leaves_out_a_class_absent_from_the_target() -> None:
    target = np.array([0, 0, 1, 1], np.int32)
    scores = np.array([[0.6, 0.2, 0.2], [0.2, 0.3, 0.5], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]])
    assert METRICS["roc_auc"].score(target, target, scores) == pytest.approx((3 / 4 + 1) / 2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_roc_auc_of_a_single_class_is_undefined(n_classes: int) -> None:
    target = np.ones(4, np.int32)
    assert math.isnan(METRICS["roc_auc"].score(target, target, np.full((4, n_classes), 1 / n_classes)))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_ranking_leaves_out_a_label_without_rows_and_is_undefined_without_any(name: str) -> None:
    target, scores = np.array([[1, 0], [0, 0], [1, 0]], np.uint8), np.array([[0.9, 0.1], [0.2, 0.3], [0.8, 0.9]])
    assert METRICS[name].score(target, target, scores) == 1
    assert math.isnan(METRICS[name].score(np.zeros_like(target), target, scores))


@pytest.mark.parametrize("name", ["r2", "rmse", "mae"])
def test_unknown_values_are_ignored(name: str) -> None:
    target, prediction, _ = random_case("regression", 0, 40, 1)
    longer = np.vstack([target, np.full((5, 1), np.nan)])
    assert METRICS[name].score(longer, np.vstack([prediction, np.full((5, 1), 1e6, np.float32)]), None) == pytest.approx(
        METRICS[name].score(target, prediction, None), abs=1e-12)
    assert math.isnan(METRICS[name].score(np.full((4, 2), np.nan), np.zeros((4, 2)), None))


def test_r2_leaves_out_a_target_of_one_value() -> None:
    target = np.column_stack([[1.0, 2.0, 3.0], [0.1, 0.1, 0.1], [5.0, np.nan, np.nan]])
    prediction = np.column_stack([[1.0, 2.0, 2.0], [0.2, 0.2, 0.2], [5.0, 5.0, 5.0]])
    values = METRICS["r2"].by_output(target, prediction, None)  # type: ignore[misc]
    assert values == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert METRICS["r2"].score(target, prediction, None) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["r2", "rmse", "mae"])
def test_a_prediction_of_nan_is_not_hidden_by_the_other_targets(name: str) -> None:
    target, prediction, _ = random_case("regression", 0, 10, 2)
    prediction[3, 1] = np.nan
    assert math.isnan(METRICS[name].score(target, prediction, None))


def test_log_loss_of_a_zero_probability_is_finite() -> None:
    loss = METRICS["log_loss"].score(np.array([0], np.int32), None, np.array([[0.0, 1.0]], np.float32))
    assert loss == pytest.approx(-math.log(np.finfo(np.float64).eps))


@pytest.mark.parametrize("scores", [[[0.5, 0.2]], [[1.5, -0.5]], [[np.nan, 1.0]]])
def test_log_loss_refuses_what_is_no_probability(scores: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="row 0"):
        METRICS["log_loss"].score(np.array([0], np.int32), None, np.array(scores))


def test_q2_of_folds_of_one_size_is_r2_of_them_all() -> None:
    random = np.random.default_rng(0)
    target = np.sort(random.lognormal(size=(60, 2)), axis=0)  # so that folds of neighbours hardly vary
    prediction = target + 0.2 * random.standard_normal((60, 2))
    bound = METRICS["q2"].bound_to(target)
    folds = [bound.score(target[i : i + 10], prediction[i : i + 10], None) for i in range(0, 60, 10)]
    assert np.mean(folds) == pytest.approx(reference.r2_score(target, prediction), abs=1e-12)
    assert METRICS["r2"].score(target[:10], prediction[:10], None) < min(folds) < 1
    assert bound.by_output is not None and np.mean(bound.by_output(target, prediction, None)) == pytest.approx(np.mean(folds))
