"""Intervals that a score can attain: against scipy and scikit-learn, by hand, and where the old ones claimed too much."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions, Splits, TestFold
from stages.evaluation.design import Design, design_of
from stages.evaluation.intervals import Estimate, clopper_pearson, share_interval
from stages.evaluation.pooled import pool
from stages.evaluation.scores import estimate, score
from stages.foundation.registry import component

TestFold.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a class of tests
ACCURACY: Metric = component("metrics", "accuracy")


def splits(targets: np.ndarray, groups: list[str], n_folds: int = 1) -> Splits:
    """Return folds of equal size in the order of rows; one fold: an official test split."""
    rows = np.array_split(np.arange(len(targets)), n_folds)
    folds = tuple(TestFold(0, fold, some, max(1, len(targets) - some.size)) for fold, some in enumerate(rows))
    return Splits(pa.array([str(row) for row in range(len(targets))]), groups, targets, folds)


def accuracy_of(hits: np.ndarray, groups: list[str], n_folds: int) -> Estimate:
    """Return the accuracy with its interval of predictions that are right where `hits` is 1."""
    layout = splits(np.zeros(len(hits), np.int32), groups, n_folds)
    folds = [FoldPredictions(layout.targets[fold.rows], (1 - hits[fold.rows]).astype(np.int32), None) for fold in layout.folds]
    design = design_of(layout, 0.95)
    return estimate(score(folds, ACCURACY, design), folds, ACCURACY, design)


def test_clopper_pearson_is_scipys_exact_interval() -> None:
    for hits, n in ((0, 10), (1, 10), (3, 10), (32, 32), (97, 100)):
        expected = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
        assert clopper_pearson(hits, n, 0.95) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("n_folds", [1, 5])
def test_32_of_32_animals_is_not_certain(n_folds: int) -> None:
    """It was 1.000 [1.000, 1.000]; the exact lower bound is .891."""
    found = accuracy_of(np.ones(32), [f"a{i}" for i in range(32)], n_folds)
    assert (found.mean, found.hi) == (1.0, 1.0)
    assert found.lo == pytest.approx(0.891, abs=5e-4)


def test_rows_of_few_groups_that_are_all_right_count_as_their_groups() -> None:
    found = accuracy_of(np.ones(400), [f"g{i % 20}" for i in range(400)], 5)
    assert found.lo == pytest.approx(stats.beta.ppf(0.025, 20, 1), abs=1e-9)


def test_five_equal_folds_have_the_width_of_their_rows() -> None:
    """It was of width 0: nine of ten right in each of five folds."""
    hits = np.tile([1] * 9 + [0], 5).astype(float)
    found = accuracy_of(hits, [str(i) for i in range(50)], 5)
    assert found.lo < 0.82 and 0.94 < found.hi < 1.0


@pytest.mark.parametrize("level", [0.5, 0.8, 0.97, 0.995])
def test_inside_it_has_the_width_that_folds_or_groups_imply_and_ends_that_can_be(level: float) -> None:
    """Of independent rows, one split: Clopper and Pearson's for nearly all of the rows (t instead of z)."""
    hits = (np.arange(1000) < 1000 * level).astype(float)
    found = accuracy_of(hits, [str(i) for i in range(1000)], 1)
    expected = stats.binomtest(round(1000 * level), 1000).proportion_ci(0.95, "exact")
    assert (found.lo, found.hi) == pytest.approx((expected.low, expected.high), abs=1e-3)


def test_the_larger_of_both_spreads_counts() -> None:
    """Folds that differ by more than their rows imply (sites), and folds that are as equal as rows never are."""
    groups = [str(i) for i in range(500)]
    uneven = np.concatenate([np.arange(100) < share for share in (60, 70, 80, 90, 100)]).astype(float)
    even = np.concatenate([np.arange(100) < 80] * 5).astype(float)
    wide, narrow = (accuracy_of(hits, groups, 5) for hits in (uneven, even))
    assert wide.hi - wide.lo > 2 * (narrow.hi - narrow.lo)
    by_rows = stats.binomtest(400, 500).proportion_ci(0.95, "exact")
    assert narrow.hi - narrow.lo == pytest.approx(by_rows.high - by_rows.low, rel=0.02)


def regression(n_folds: int, noise: float) -> tuple[Splits, list[FoldPredictions], Design]:
    """Return folds of a target that is predicted with some noise; noise −1: by the mean of the other folds."""
    generator = np.random.default_rng(4)
    target = np.repeat(generator.normal(size=25) * generator.exponential(size=25), 8)[:, None] + 1e6
    layout = splits(target, [f"g{i // 8:02d}" for i in range(200)], n_folds)
    found = []
    for fold in layout.folds:
        rest = np.setdiff1d(np.arange(200), fold.rows) if n_folds > 1 else np.arange(200)
        prediction = np.full((fold.rows.size, 1), target[rest].mean()) if noise < 0 else target[fold.rows] + noise * generator.normal(
            size=(fold.rows.size, 1))
        found.append(FoldPredictions(target[fold.rows], prediction, None))
    return layout, found, design_of(layout, 0.95)


@pytest.mark.parametrize("name", ["q2", "r2", "rmse", "mae"])
@pytest.mark.parametrize("n_folds", [1, 5])
@pytest.mark.parametrize("noise", [0.01, 0.5])
def test_ends_of_errors_and_of_what_they_explain_can_be_attained(name: str, n_folds: int, noise: float) -> None:
    """It was Q² up to 1.000: an error of zero."""
    layout, folds, design = regression(n_folds, noise)
    metric: Metric = component("metrics", name).bound_to(layout.targets)
    found = estimate(score(folds, metric, design), folds, metric, design)
    assert found.lo < found.mean < found.hi
    assert found.hi < 1 if metric.greater_is_better else found.lo > 0


def test_a_constant_explains_nothing_at_either_end() -> None:
    """Q² of the mean was −.078 [−.681, .526]."""
    layout, folds, design = regression(5, -1)
    metric: Metric = component("metrics", "q2").bound_to(layout.targets)
    found = estimate(score(folds, metric, design), folds, metric, design)
    assert found.lo < found.mean < 0
    assert found.hi < 0.03


def test_a_log_loss_of_one_group_ends_where_a_log_loss_can() -> None:
    """It was .011 [1.5e-32, 3.8e13]: nearly all of the loss lay in one group, and t of one degree of freedom knows no end."""
    log_loss: Metric = component("metrics", "log_loss")
    layout = splits(np.zeros(600, np.int32), [f"g{i // 100}" for i in range(600)], 3)
    sure = np.where(np.arange(600) < 20, 0.7, 1 - 1e-12)
    folds = [FoldPredictions(layout.targets[f.rows], np.zeros(f.rows.size, np.int32), np.stack([sure[f.rows], 1 - sure[f.rows]], axis=1))
             for f in layout.folds]
    design = design_of(layout, 0.95)
    found = estimate(score(folds, log_loss, design), folds, log_loss, design)
    assert 0 <= found.lo < found.mean < found.hi <= -np.log(np.finfo(np.float64).eps)
    assert found.hi == pytest.approx(36.0437, abs=1e-4)


def test_an_own_metric_of_any_bounds_has_an_interval_within_them() -> None:
    """Here Cohen's kappa, in [−1, 1], which has no closed form of its rows' values."""
    from dataclasses import replace

    from sklearn.metrics import cohen_kappa_score

    kappa = replace(ACCURACY, name="kappa", bounds=(-1.0, 1.0), score=lambda target, prediction, _: cohen_kappa_score(target, prediction))
    generator = np.random.default_rng(2)
    layout = splits(generator.integers(0, 2, 300).astype(np.int32), [str(i) for i in range(300)], 5)
    folds = [FoldPredictions(t := layout.targets[f.rows], np.where(generator.random(t.size) < 0.9, t, 1 - t).astype(np.int32), None)
             for f in layout.folds]
    design = design_of(layout, 0.95)
    found = estimate(score(folds, kappa, design), folds, kappa, design)
    assert -1 <= found.lo < found.mean < found.hi <= 1
    drawn = [cohen_kappa_score(t, p) for t, p in (
        (np.concatenate([f.target for f in folds])[rows], np.concatenate([f.prediction for f in folds])[rows])
        for rows in generator.integers(0, 300, (300, 300)))]
    assert found.hi - found.lo == pytest.approx(np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025), rel=0.6)


def test_too_few_groups_of_one_split_have_no_interval() -> None:
    assert np.isnan(accuracy_of(np.ones(19), [str(i) for i in range(19)], 1).lo)
    assert not np.isnan(accuracy_of(np.ones(20), [str(i) for i in range(20)], 1).lo)


def test_a_share_without_a_width_has_no_interval() -> None:
    hits = np.array([1.0, 0.0])
    layout = splits(np.zeros(2, np.int32), ["a", "a"])
    pooled = pool(hits, design_of(layout, 0.95))
    assert np.isnan(share_interval(0.5, float("nan"), pooled, design_of(layout, 0.95)).lo)
