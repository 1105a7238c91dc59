"""Tests of paired differences against scipy, by hand, and by simulation."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from stages.evaluation.checked_predictions import FoldPredictions, Splits, TestFold
from stages.evaluation.choice_bias import choice_bias
from stages.evaluation.design import Design, design_of
from stages.evaluation.intervals import resample_weights
from stages.evaluation.pooled import pool
from stages.evaluation.row_values import row_losses
from stages.evaluation.statistics import (
    Difference,
    Spread,
    detectable_difference,
    fold_spread,
    half_width_of,
    holm,
    paired_difference,
    posterior,
)

TestFold.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a class of tests
A = np.array([0.71, 0.74, 0.69, 0.78, 0.73])
B = np.array([0.70, 0.71, 0.70, 0.73, 0.70])


def design(n_rows: int, n_folds: int, groups: Sequence[str] | None = None, *, test_per_train: float = 0.25) -> Design:
    """Return a design of equal folds in the order of rows."""
    rows = np.array_split(np.arange(n_rows), n_folds)
    folds = tuple(TestFold(0, fold, some, round(some.size / test_per_train)) for fold, some in enumerate(rows))
    names = [f"r{row:05d}" for row in range(n_rows)] if groups is None else groups
    return design_of(Splits(pa.array(map(str, range(n_rows))), names, np.zeros(n_rows), folds), 0.95)


def means(values: np.ndarray, of: Design) -> np.ndarray:
    """Return the mean of each fold."""
    return np.bincount(of.folds, weights=values) / np.bincount(of.folds)


def difference(a: np.ndarray, b: np.ndarray, of: Design) -> Difference:
    """Return the difference of two candidates by their rows' values."""
    return paired_difference((means(a, of), a), (means(b, of), b), of)


def spread_out(folds: np.ndarray, n_rows: int = 4000) -> np.ndarray:
    """Return values of rows that are all their fold's score: nothing but folds varies."""
    return np.repeat(folds, n_rows // len(folds))


def test_overlap_widens_by_the_corrected_factor() -> None:
    found = fold_spread(A, 1 / 4)
    assert found.error == pytest.approx(np.sqrt((1 / 5 + 1 / 4) * A.var(ddof=1)), abs=1e-15)
    assert found.half_width(0.9) == pytest.approx(stats.t.ppf(0.95, 4) * found.error, abs=1e-12)
    assert fold_spread(np.append(A, np.nan), 1 / 4) == found, "undefined folds are left out"
    without = fold_spread(A, 0.0)
    assert without.half_width(0.95) == pytest.approx(A.mean() - stats.ttest_1samp(A, 0.0).confidence_interval(0.95).low, abs=1e-12)


def test_where_only_folds_vary_the_test_is_the_corrected_t() -> None:
    of = design(4000, 5)
    found = difference(spread_out(A), spread_out(B), of)
    t = (A - B).mean() / np.sqrt((1 / 5 + 1 / 4) * (A - B).var(ddof=1))
    assert found.p_fold == pytest.approx(2 * stats.t.sf(abs(t), 4), abs=1e-12)
    half = stats.t.ppf(0.975, 4) * found.spread.error
    assert (found.difference, found.lo, found.hi) == pytest.approx(((A - B).mean(), (A - B).mean() - half, (A - B).mean() + half))


def test_folds_that_agree_by_chance_do_not_outweigh_the_rows() -> None:
    """reviews: differences of +2, +2, +1, +1, +2 rows of 500; 20 rows won, 12 lost. The folds alone give p = 0.012."""
    a, b = np.ones(2500), np.ones(2500)
    for fold, (won, lost) in enumerate(((4, 2), (4, 2), (4, 3), (4, 3), (4, 2))):
        start = 500 * fold
        b[start : start + won] = 0
        a[start + won : start + won + lost] = 0
    of = design(2500, 5)
    folds = means(a, of) - means(b, of)
    alone = folds.mean() / np.sqrt((1 / 5 + 1 / 4) * folds.var(ddof=1))
    assert 2 * stats.t.sf(alone, 4) == pytest.approx(0.012, abs=5e-4)
    found = difference(a, b, of)
    error = np.sqrt(2500 / 2499 * ((a - b - (a - b).mean()) ** 2).sum()) / 2500
    assert found.spread.error == pytest.approx(error) == found.row_error
    assert found.p_fold == pytest.approx(2 * stats.t.sf(found.difference / error, 4))
    assert found.p_row == pytest.approx(stats.binomtest(20, 32).pvalue)
    assert found.p == max(found.p_fold, found.p_row) > 0.2


def test_equal_folds_are_judged_by_their_rows() -> None:
    """[.9]*5 against [.7]*5 was "not shown", and p = 3e-7 with one fold changed."""
    of = design(500, 5)
    a, b = (np.tile((np.arange(100) < 100 * share).astype(float), 5) for share in (0.9, 0.7))
    equal = difference(a, b, of)
    a[0] = 0
    changed = difference(a, b, of)
    assert 1e-6 < equal.p_fold < 1e-3
    assert equal.p_row < 1e-12
    assert changed.p == pytest.approx(equal.p, rel=0.5)


def test_two_folds_are_judged_with_one_degree_of_freedom() -> None:
    of = design(1000, 2)
    a, b = (np.tile((np.arange(500) < 500 * share).astype(float), 2) for share in (0.9, 0.7))
    found = difference(a, b, of)
    assert found.spread.df == 1
    assert found.p == pytest.approx(2 * stats.t.sf(0.2 / found.spread.error, 1))


def test_rows_of_a_group_do_not_count_as_many() -> None:
    generator = np.random.default_rng(1)
    of_group = generator.integers(0, 2, (2, 40)).astype(float)
    a, b = np.repeat(of_group, 25, axis=1)
    groups = [f"g{row // 25:02d}" for row in range(1000)]
    grouped, apart = difference(a, b, design(1000, 5, groups)), difference(a, b, design(1000, 5))
    differences = of_group[0] - of_group[1]
    assert grouped.row_error == pytest.approx(differences.std(ddof=1) / np.sqrt(40))
    assert grouped.row_error == pytest.approx(5 * apart.row_error, rel=0.02)
    wins, losses = (differences > 0).sum(), (differences < 0).sum()
    assert grouped.p_row == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)


def test_one_test_split_is_judged_by_its_groups_alone() -> None:
    generator = np.random.default_rng(2)
    a, b = (generator.random((2, 200)) < [[0.8], [0.6]]).astype(float)
    found = difference(a, b, design(200, 1))
    expected = stats.ttest_1samp(a - b, 0.0)
    assert (found.p_fold, found.spread.df) == (pytest.approx(expected.pvalue, rel=1e-9), 199)
    low, high = expected.confidence_interval(0.95)
    assert (found.lo, found.hi) == pytest.approx((low, high))


def test_repeats_do_not_multiply_the_rows() -> None:
    """The same predictions in both repeats: the rows say what they said."""
    generator = np.random.default_rng(7)
    a, b = (generator.random((2, 300)) < [[0.8], [0.7]]).astype(float)
    rows = np.arange(300)
    names = [f"r{row:03d}" for row in rows]
    folds = [TestFold(repeat, fold, rows[fold::5], 240) for repeat in range(2) for fold in range(5)]
    twice = design_of(Splits(pa.array(names), names, np.zeros(300), tuple(folds)), 0.95)
    once = design_of(Splits(pa.array(names), names, np.zeros(300), tuple(folds[:5])), 0.95)
    found = [paired_difference((means(a[of.rows], of), a[of.rows]), (means(b[of.rows], of), b[of.rows]), of) for of in (once, twice)]
    assert found[0].row_error == pytest.approx(found[1].row_error)
    assert found[0].p_row == pytest.approx(found[1].p_row)
    assert twice.n_rows == 300 and twice.n_repeats == 2


def test_a_fold_in_which_a_score_is_undefined_counts_nowhere() -> None:
    of = design(500, 5)
    generator = np.random.default_rng(3)
    a, b = generator.random((2, 500))
    holed = np.where(of.folds == 2, np.nan, a)
    folds = means(a, of)
    folds[2] = np.nan
    found = paired_difference((folds, holed), (means(b, of), b), of)
    assert found.difference == pytest.approx(np.delete(means(a - b, of), 2).mean())
    assert found.spread.df == 3
    nothing = paired_difference((np.full(5, np.nan), np.full(500, np.nan)), (means(b, of), b), of)
    assert np.isnan([nothing.difference, nothing.p, nothing.lo]).all()


def test_equal_predictions_are_no_difference() -> None:
    a = np.random.default_rng(3).random(100)
    found = difference(a, a, design(100, 5))
    assert (found.difference, found.lo, found.hi, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_folds_of_unequal_size_weigh_the_same() -> None:
    folds = (TestFold(0, 0, np.arange(10), 90), TestFold(0, 1, np.arange(10, 100), 10))
    names = [str(row) for row in range(100)]
    of = design_of(Splits(pa.array(names), names, np.zeros(100), folds), 0.95)
    values = np.where(np.arange(100) < 10, 1.0, 0.5)
    assert pool(values, of).score == pytest.approx(0.75) == means(values, of).mean()


# ---------------------------------------------------------------- practical equivalence, power
def test_the_posterior_is_the_correlated_ts() -> None:
    """Benavoli et al. 2017, eq. 8: by hand, and baycomp 1.0.3's two_on_single(A, B, rope=0.01, runs=1)."""
    found = difference(spread_out(A), spread_out(B), design(4000, 5))
    said = posterior(found, 0.01)
    t = stats.t(4, (A - B).mean(), np.sqrt((1 / 5 + 1 / 4) * (A - B).var(ddof=1)))
    assert said is not None
    assert (said.better, said.equal, said.worse) == pytest.approx((t.sf(0.01), t.cdf(0.01) - t.cdf(-0.01), t.cdf(-0.01)), abs=1e-12)
    assert (said.better, said.equal, said.worse) == pytest.approx((0.7616896663635797, 0.1860077189943693, 0.05230261464205099), abs=1e-12)
    swapped = posterior(difference(spread_out(B), spread_out(A), design(4000, 5)), 0.01)
    assert swapped is not None
    assert (swapped.better, swapped.equal) == pytest.approx((said.worse, said.equal))


def test_predictions_that_never_differ_are_surely_equal() -> None:
    a = np.random.default_rng(3).random(100)
    said = posterior(difference(a, a, design(100, 5)), 0.01)
    assert said is not None and (said.better, said.equal, said.worse) == (0.0, 1.0, 0.0)


def test_the_detectable_difference_is_shown_with_eighty_percent() -> None:
    """By simulation: fold differences of the given spread around it, uncorrelated, so that the plain t is right."""
    found = Difference(0.0, 0.0, 0.0, 1.0, 1.0, Spread(0.01, 9.0), 0.0)
    gain = detectable_difference(found, 0.05)
    folds = np.random.default_rng(1).normal(gain, 0.01 * np.sqrt(10), (20_000, 10))
    assert np.mean(stats.ttest_1samp(folds, 0.0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.025)
    by_rows = Difference(0.0, 0.0, 0.0, 1.0, 1.0, Spread(0.0, 9.0), 0.02)
    assert detectable_difference(by_rows, 0.05) == pytest.approx(0.02 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)))
    assert np.isnan(detectable_difference(Difference(0.1, 0, 0, 1, 1, Spread(np.nan, 4.0), 0.1), 0.05))


# ---------------------------------------------------------------- the best of several
def test_the_best_of_six_that_guess_is_corrected_to_chance() -> None:
    """It averaged .567 at 100 rows."""
    generator, of = np.random.default_rng(6), design(100, 5)
    weights, shown, fair = resample_weights(of.n_blocks), [], []
    for _ in range(100):
        found = [pool((generator.random(100) < 0.5).astype(float), of) for _ in range(6)]
        shown.append(max(one.score for one in found))
        fair.append(shown[-1] - choice_bias(found, weights, of.blocks, greater_is_better=True))
    assert np.mean(shown) > 0.55
    assert np.mean(fair) == pytest.approx(0.5, abs=0.012)


def test_a_clear_best_is_hardly_corrected_and_errors_are_corrected_upward() -> None:
    generator, of = np.random.default_rng(6), design(1000, 5)
    weights = resample_weights(of.n_blocks)
    hits = [(generator.random(1000) < share).astype(float) for share in (0.9, 0.6, 0.6)]
    assert choice_bias([pool(one, of) for one in hits], weights, of.blocks, greater_is_better=True) == pytest.approx(0, abs=0.003)
    same = choice_bias([pool(1 - one, of) for one in hits], weights, of.blocks, greater_is_better=False)
    assert same == pytest.approx(choice_bias([pool(one, of) for one in hits], weights, of.blocks, greater_is_better=True))
    assert choice_bias([pool(hits[0], of)], weights, of.blocks, greater_is_better=True) == 0.0


def test_half_widths_are_the_larger_of_folds_and_rows() -> None:
    of = design(4000, 5)
    by_folds = half_width_of(A, pool(spread_out(A), of), of)
    assert by_folds == pytest.approx(fold_spread(A, 0.25).half_width(0.95))
    hits = np.tile([1.0, 0.0], 2000)
    by_rows = half_width_of(means(hits, of), pool(hits, of), of)
    assert by_rows == pytest.approx(stats.t.ppf(0.975, 3999) * 0.5 / np.sqrt(3999), rel=1e-3)
    assert np.isnan(half_width_of(np.array([0.7, np.nan]), pool(np.ones(10), design(10, 2)), design(10, 2)))


def test_losses_count_wrong_classes_labels_and_scaled_errors() -> None:
    classes = FoldPredictions(np.array([0, 1, 2]), np.array([0, 2, 2]), None)
    assert row_losses(classes, None).tolist() == [0, 1, 0]
    labels = FoldPredictions(np.array([[1, 0], [1, 1]]), np.array([[1, 1], [0, 0]]), None)
    assert row_losses(labels, None).tolist() == [0.5, 1.0]
    targets = np.array([[1.0, 10.0], [2.0, np.nan], [np.nan, np.nan]])
    numbers = FoldPredictions(targets, np.array([[1.0, 14.0], [3.0, 0.0], [0.0, 0.0]]), None)
    assert row_losses(numbers, np.array([2.0, 8.0])) == pytest.approx([1.0, 0.5, np.nan], nan_ok=True)


def test_coverage_where_folds_are_correlated() -> None:
    """Nadeau and Bengio assume a correlation of n_test / (n_test + n_train) between folds: 1/5 in five folds."""
    generator = np.random.default_rng(20240229)
    n_trials, n_folds = 4000, 10
    shared = generator.normal(size=(n_trials, 1)) * np.sqrt(1 / 5)
    scores = shared + generator.normal(size=(n_trials, n_folds)) * np.sqrt(4 / 5)
    covered = {}
    for test_per_train in (0.0, 1 / 4):
        covered[test_per_train] = np.mean([abs(row.mean()) <= fold_spread(row, test_per_train).half_width(0.95) for row in scores])
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
