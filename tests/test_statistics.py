"""Intervals and tests against scipy, by hand, and by simulation."""

import numpy as np
import pytest
from scipy import stats

from stages.evaluation.statistics import (
    bootstrap_difference,
    bootstrap_interval,
    fold_difference,
    fold_interval,
    holm,
    resample_groups,
)

A = np.array([0.71, 0.74, 0.69, 0.78, 0.73])
B = np.array([0.70, 0.71, 0.70, 0.73, 0.70])
UNBOUNDED = (-np.inf, np.inf)


def test_without_overlap_the_interval_is_students() -> None:
    found = fold_interval(A, test_per_train=0.0, confidence=0.9, bounds=UNBOUNDED)
    expected = stats.ttest_1samp(A, 0.0).confidence_interval(0.9)
    assert (found.mean, found.lo, found.hi) == pytest.approx((A.mean(), expected.low, expected.high), abs=1e-12)


def test_without_overlap_the_test_is_students() -> None:
    found = fold_difference(A, B, test_per_train=0.0, confidence=0.95)
    expected = stats.ttest_rel(A, B)
    low, high = expected.confidence_interval(0.95)
    assert (found.lo, found.hi, found.p) == pytest.approx((low, high, expected.pvalue), abs=1e-12)


def test_overlap_widens_by_the_corrected_factor() -> None:
    found = fold_interval(A, test_per_train=1 / 4, confidence=0.95, bounds=UNBOUNDED)
    error = np.sqrt((1 / 5 + 1 / 4) * A.var(ddof=1))
    assert found.hi - found.mean == pytest.approx(stats.t.ppf(0.975, 4) * error, abs=1e-12)
    difference = fold_difference(A, B, test_per_train=1 / 4, confidence=0.95)
    t = (A - B).mean() / np.sqrt((1 / 5 + 1 / 4) * (A - B).var(ddof=1))
    assert difference.p == pytest.approx(2 * stats.t.sf(abs(t), 4), abs=1e-12)


def test_interval_is_clipped_to_what_the_metric_can_be() -> None:
    found = fold_interval(np.array([0.99, 1.0, 0.97]), test_per_train=0.5, confidence=0.95, bounds=(0.0, 1.0))
    assert found.hi == 1.0
    assert found.lo < 0.97


def test_undefined_folds_are_left_out() -> None:
    holed = np.append(A, np.nan)
    options = {"test_per_train": 0.25, "confidence": 0.95}
    assert fold_interval(holed, bounds=UNBOUNDED, **options) == fold_interval(A, bounds=UNBOUNDED, **options)
    assert fold_difference(holed, np.append(B, 0.5), **options) == fold_difference(A, B, **options)


def test_one_fold_has_no_interval_and_none_has_no_mean() -> None:
    one = fold_interval(np.array([0.7, np.nan]), test_per_train=0.25, confidence=0.95, bounds=(0.0, 1.0))
    assert one.mean == 0.7
    assert np.isnan(one.lo)
    assert np.isnan(one.hi)
    assert np.isnan(fold_interval(np.array([np.nan]), test_per_train=0.25, confidence=0.95, bounds=(0.0, 1.0)).mean)
    assert np.isnan(fold_difference(np.array([0.7]), np.array([0.6]), test_per_train=0.25, confidence=0.95).p)


def test_equal_scores_are_no_difference() -> None:
    assert fold_difference(A, A, test_per_train=0.25, confidence=0.95).p == 1.0


def test_no_variance_and_two_folds_claim_nothing() -> None:
    """Accuracies of small folds are coarse: that all differ by the same amount, or two do, happens by chance."""
    assert np.isnan(fold_difference(A, A - 0.5, test_per_train=0.25, confidence=0.95).p)
    assert np.isnan(fold_difference(np.array([0.8, 0.7]), np.array([0.7, 0.6]), test_per_train=1.0, confidence=0.95).p)
    assert np.isnan(fold_difference(np.array([0.8, 0.71]), np.array([0.7, 0.6]), test_per_train=1.0, confidence=0.95).p)


def test_coverage_where_folds_are_correlated() -> None:
    """Nadeau and Bengio assume a correlation of n_test / (n_test + n_train) between folds: 1/5 in five folds."""
    generator = np.random.default_rng(20240229)
    n_trials, n_folds = 4000, 10
    shared = generator.normal(size=(n_trials, 1)) * np.sqrt(1 / 5)
    scores = shared + generator.normal(size=(n_trials, n_folds)) * np.sqrt(4 / 5)
    covered = {}
    for test_per_train in (0.0, 1 / 4):
        found = [fold_interval(row, test_per_train=test_per_train, confidence=0.95, bounds=UNBOUNDED) for row in scores]
        covered[test_per_train] = np.mean([e.lo <= 0 <= e.hi for e in found])
    assert covered[1 / 4] == pytest.approx(0.95, abs=0.015)
    assert covered[0.0] < 0.80  # what the correction is for


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.4, 0.5, 0.9]) == pytest.approx([1.0, 1.0, 1.0])
    assert holm([]) == []


def test_holm_leaves_out_what_is_undefined() -> None:
    found = holm([0.01, np.nan, 0.03])
    assert found[0] == pytest.approx(0.02)
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(0.03)


def test_holm_keeps_the_family_wise_error() -> None:
    generator = np.random.default_rng(5)
    wrong = [min(holm(generator.random(6).tolist())) < 0.05 for _ in range(4000)]
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.012)


def test_draws_keep_groups_whole_and_repeat_exactly() -> None:
    groups = ["b", "a", "a", "c", "b", "a"]
    draws = list(resample_groups(groups, 200))
    for rows in draws:
        counts = np.bincount(rows, minlength=6)
        assert counts[1] == counts[2] == counts[5]
        assert counts[0] == counts[4]
        assert counts[1] + counts[0] + counts[3] == 3
    for again, rows in zip(resample_groups(groups, 200), draws, strict=True):
        assert np.array_equal(again, rows)


def test_grouped_bootstrap_covers_where_rows_of_a_group_agree() -> None:
    generator = np.random.default_rng(11)
    groups = np.repeat([f"g{i:02d}" for i in range(40)], 5)
    covered = {True: 0, False: 0}
    n_trials = 150
    for _ in range(n_trials):
        correct = np.repeat(generator.random(40) < 0.7, 5).astype(float)  # a group is right or wrong as a whole
        for whole in covered:
            names = groups if whole else [str(row) for row in range(groups.size)]
            draws = np.array([correct[rows].mean() for rows in resample_groups(list(names), 200)])
            found = bootstrap_interval(float(correct.mean()), draws, confidence=0.95, bounds=(0.0, 1.0))
            covered[whole] += found.lo <= 0.7 <= found.hi
    assert covered[True] / n_trials >= 0.89
    assert covered[False] / n_trials < 0.75


@pytest.mark.parametrize(("confidence", "low", "high"), [(0.95, 0.025, 0.975), (0.9, 0.05, 0.95), (0.5, 0.25, 0.75)])
def test_a_bootstrapped_interval_leaves_out_as_many_resamples_on_either_side(confidence: float, low: float, high: float) -> None:
    resamples = np.random.default_rng(0).permutation(np.append(np.arange(1001) / 1000, np.nan))
    found = bootstrap_interval(0.4, resamples, confidence=confidence, bounds=(0.0, 1.0))
    assert (found.mean, found.lo, found.hi) == pytest.approx((0.4, low, high), abs=1e-12)
    assert bootstrap_interval(0.4, resamples, confidence=confidence, bounds=(0.3, 0.6)).hi == min(high, 0.6)
    difference = bootstrap_difference(0.4, resamples, confidence=confidence)
    assert (difference.lo, difference.hi) == pytest.approx((low, high), abs=1e-12)


def test_bootstrap_difference_is_never_certain() -> None:
    sure = bootstrap_difference(0.2, np.full(999, 0.2), confidence=0.95)
    assert (sure.lo, sure.hi) == pytest.approx((0.2, 0.2))
    assert sure.p == pytest.approx(2 / 1000)
    assert bootstrap_difference(0.0, np.zeros(999), confidence=0.95).p == 1.0
    assert np.isnan(bootstrap_difference(np.nan, np.full(9, np.nan), confidence=0.95).p)
