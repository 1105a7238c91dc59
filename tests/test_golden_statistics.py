"""Each statistic of stages/evaluation has a value that is computed elsewhere: here those that had none, and where the others are."""

import ast
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from imports import ROOT
from scipy import stats
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions, Splits, TestFold
from stages.evaluation.choice_bias import choice_bias
from stages.evaluation.design import Design, design_of
from stages.evaluation.intervals import error_interval, resample_weights
from stages.evaluation.pooled import Pooled, degrees_of_freedom, pool
from stages.evaluation.regression_resamples import error_ratios
from stages.evaluation.scores import goodness
from stages.foundation.registry import component

TestFold.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a class of tests
# Where a function's values are compared with first principles, scipy or scikit-learn: module.function → test.
GOLDEN = {
    "choice_bias.choice_bias": "test_golden_statistics.test_the_bias_of_choosing_by_hand",
    "comparisons.rows_needed": "test_comparisons.test_what_would_have_been_shown_and_how_many_rows_would_show_it",
    "comparisons.verdict": "test_findings.test_a_test_supports_better_worse_or_nothing",
    "comparisons.wins": "test_golden_statistics.test_wins_and_losses_by_hand",
    "contributions.interaction_coefficients": "test_contributions.test_an_interaction_is_that_of_a_merged_player",
    "contributions.shapley_coefficients": "test_contributions.test_a_shapley_value_is_the_mean_over_all_orders",
    "details.agreement": "test_evaluate.test_numbers_are_scored_together_and_one_by_one",
    "details.by_output": "test_evaluate.test_labels_are_scored_together_and_one_by_one",
    "details.confusion": "test_evaluate.test_scores_are_those_of_the_predictions",
    "design.design_of": "test_golden_statistics.test_the_overlap_of_folds_by_hand",
    "intervals.clopper_pearson": "test_intervals.test_clopper_pearson_is_scipys_exact_interval",
    "intervals.error_interval": "test_golden_statistics.test_the_interval_of_an_error_by_hand",
    "intervals.resample_weights": "test_golden_statistics.test_resamples_draw_as_many_blocks_as_there_are",
    "intervals.share_interval": "test_intervals.test_inside_it_has_the_width_that_folds_or_groups_imply_and_ends_that_can_be",
    "label_rankings.coverages": "test_metrics.test_rankings_of_the_labels_of_a_row",
    "label_rankings.one_errors": "test_metrics.test_rankings_of_the_labels_of_a_row",
    "label_rankings.ranking_losses": "test_metrics.test_rankings_of_the_labels_of_a_row",
    "label_rankings.ranking_precisions": "test_metrics.test_rankings_of_the_labels_of_a_row",
    "pooled.degrees_of_freedom": "test_golden_statistics.test_degrees_of_freedom_are_those_of_the_kurtosis",
    "pooled.pool": "test_golden_statistics.test_the_error_of_groups_by_hand",
    "protocol_gaps.arm_scores": "test_protocol_gaps.test_folds_weigh_the_same_as_in_a_mean_over_folds",
    "protocol_gaps.paired_groups": "test_protocol_gaps.test_of_single_rows_the_interval_is_that_of_the_paired_t",
    "randomised_tests.judged_draws": "test_randomised.test_p_counts_the_draws_at_least_as_good_and_the_observed_one",
    "randomised_tests.mean_of": "test_golden_statistics.test_means_and_goodness_leave_out_what_is_undefined",
    "curve_resamples.resampled_curves": "test_learning_curves.test_resamples_vary_by_folds_and_by_whole_groups",
    "power_law.fit_power_law": "test_learning_curves.test_no_bounded_fit_of_scipy_from_any_start_is_better",
    "reliability.brier_parts": "test_reliability.test_bins_and_brier_score_are_scikit_learns",
    "reliability.calibration_error": "test_reliability.test_first_principles",
    "reliability.intervals_of_bins": "test_reliability.test_a_bin_in_which_all_held_is_not_taken_for_certain",
    "reliability.noise_of": "test_reliability.test_groups_that_hold_together_widen_the_interval",
    "regression_resamples.error_ratios": "test_golden_statistics.test_errors_of_resamples_are_those_of_repeated_rows",
    "row_values.row_losses": "test_statistics.test_losses_count_wrong_classes_labels_and_scaled_errors",
    "row_values.row_values": "test_metrics.test_values_of_rows_are_what_counting_a_row_more_often_does",
    "scores.goodness": "test_golden_statistics.test_means_and_goodness_leave_out_what_is_undefined",
    "scores.mean_over_seeds": "test_evaluated_seeds.test_a_score_is_the_mean_over_seeds_and_its_spread_is_told",
    "scores.seed_spread": "test_evaluated_seeds.test_a_score_is_the_mean_over_seeds_and_its_spread_is_told",
    "sign_flips.sign_flip": "test_sign_flips.test_of_single_rows_it_is_mcnemars_exact_test",
    "strength_area.area_kept": "test_condition_stage.test_the_kept_share_and_the_area_by_hand",
    "strength_area.kept_share": "test_condition_stage.test_the_kept_share_and_the_area_by_hand",
    "statistics.detectable_difference": "test_statistics.test_the_detectable_difference_is_shown_with_eighty_percent",
    "statistics.fold_spread": "test_statistics.test_overlap_widens_by_the_corrected_factor",
    "statistics.half_width_of": "test_statistics.test_half_widths_are_the_larger_of_folds_and_rows",
    "statistics.holm": "test_statistics.test_holm_by_hand",
    "statistics.paired_difference": "test_statistics.test_where_only_folds_vary_the_test_is_the_corrected_t",
    "statistics.posterior": "test_statistics.test_the_posterior_is_the_correlated_ts",
    "statistics.row_test": "test_statistics.test_one_test_split_is_judged_by_its_groups_alone",
}
# What is no statistic: reads, writes, checks, chooses, or puts others together.
NONE = {
    "comparisons.best_of", "comparisons.compare", "comparisons.comparison", "comparisons.corrected_together", "comparisons.difference_of",
    "comparisons.families", "comparisons.practical_region", "contributions.contributions", "contributions.on_every_metric",
    "contributions.subsets", "contributions.why_none", "details.class_pairs",
    "details.fifth_pairs", "details.label_pairs", "details.ranges",
    "protocol_gaps.protocol_gaps", "reliability.events_of", "reliability.reliability", "reliability.rising_to",
    "randomised_tests.randomised_tests", "scores.estimate", "scores.has_intervals", "scores.interval_method", "scores.with_row_values",
    "scores.score",
}  # fmt: skip
STATISTICS = ("choice_bias", "comparisons", "contributions", "curve_resamples", "details", "design", "intervals", "label_rankings",
              "pooled", "power_law", "protocol_gaps", "randomised_tests", "regression_resamples", "reliability",
              "row_values", "scores", "sign_flips", "statistics", "strength_area")  # fmt: skip


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_statistic_has_a_golden_value() -> None:
    public = {f"{module}.{name}" for module in STATISTICS for name in functions_of(f"stages/evaluation/{module}.py")
              if not name.startswith("_")}  # fmt: skip
    assert public == GOLDEN.keys() | NONE, "list a new statistic with the test that compares its values"
    for function, test in GOLDEN.items():
        module, name = test.split(".")
        assert name in functions_of(f"tests/{module}.py"), f"{function}: {test} is not there"


# ---------------------------------------------------------------- by hand
def design(groups: Sequence[str], sizes: Sequence[int], n_train: Sequence[int], n_repeats: int = 1) -> Design:
    """Return a design of folds of these sizes, in the order of rows; repeats test the same folds again."""
    ends = np.cumsum(sizes)
    folds = tuple(TestFold(repeat, place, np.arange(end - size, end), n) for repeat in range(n_repeats)
                  for place, (end, size, n) in enumerate(zip(ends, sizes, n_train, strict=True)))  # fmt: skip
    return design_of(Splits(pa.array([str(row) for row in range(len(groups))]), groups, np.zeros(len(groups)), folds), 0.95)


def test_the_error_of_groups_by_hand() -> None:
    """Two folds of 2 and 3 rows weigh the same: a row of the first counts 5 / (2·2), one of the second 5 / (2·3)."""
    of = design(["a", "a", "b", "b", "c"], [2, 3], [3, 2])
    found = pool(np.array([1.0, 0.0, 1.0, 1.0, 0.0]), of)
    assert found.score == pytest.approx((1 / 2 + 2 / 3) / 2)
    weights = np.array([2 * 5 / 4, 2 * 5 / 6, 5 / 6])
    sums = np.array([5 / 4, 2 * 5 / 6, 0.0])
    assert found.weights == pytest.approx(weights) and found.sums == pytest.approx(sums) and found.plain.tolist() == [1, 2, 0]
    assert found.error == pytest.approx(np.sqrt(3 / 2 * ((sums - found.score * weights) ** 2).sum()) / 5)
    alone = pool(np.array([1.0, 0, 1, 1, 0, 0, 1, 1]), design(list("abcdefgh"), [8], [8]))
    assert alone.error == pytest.approx(np.std([1, 0, 1, 1, 0, 0, 1, 1], ddof=1) / np.sqrt(8)), "of single rows it is that of a mean"


def test_degrees_of_freedom_are_those_of_the_kurtosis() -> None:
    residuals = np.random.default_rng(0).standard_t(4, 60)
    residuals -= residuals.mean()
    expected = 2 * 60 / (stats.kurtosis(residuals, fisher=False) - 1)
    assert 1 < expected < 59 and degrees_of_freedom(residuals) == pytest.approx(expected)
    assert degrees_of_freedom(np.array([1.0, -1, 1, -1])) == 3, "no excess: those of Student"
    assert degrees_of_freedom(np.zeros(9)) == 8
    assert degrees_of_freedom(np.array([1.0, *[0] * 99])) == pytest.approx(2 * 100 / (100 - 1))


def test_the_overlap_of_folds_by_hand() -> None:
    """√(K·(1/J + n_test/n_train)): of 5 folds of a row with 4 in training √(5·(1/5 + 1/4)); of two repeats √(5·(1/10 + 1/4))."""
    rows = [str(row) for row in range(5)]
    one, two = design(rows, [1] * 5, [4] * 5), design(rows, [1] * 5, [4] * 5, n_repeats=2)
    assert (one.overlap, two.overlap) == (pytest.approx(np.sqrt(5 * (1 / 5 + 1 / 4))), pytest.approx(np.sqrt(5 * (1 / 10 + 1 / 4))))
    assert (one.n_repeats, two.n_repeats, two.n_folds, two.n_rows) == (1, 2, 10, 5)
    assert design(rows, [5], [9]).overlap == 1


def test_the_bias_of_choosing_by_hand() -> None:
    """Three blocks of a row. Resample 1 draws the first twice and the second once, 2 the third three times, 3 all, so that none is left."""
    def pooled(*hits: float) -> Pooled:
        return pool(np.array(hits), design(["a", "b", "c"], [3], [3]))

    a, b = pooled(1, 1, 0), pooled(0, 0, 1)
    weights = np.array([[2.0, 1, 0], [0, 0, 3], [1, 1, 1]])
    # 1: a is best on those drawn (1 against 0), and has 0 on the third; 2: b is best (1), and has 0 on the others
    assert choice_bias([a, b], weights, np.arange(3), greater_is_better=True) == pytest.approx(2 / 3 - 0)
    c = pooled(1, 1, 1)
    assert choice_bias([a, c], weights, np.arange(3), greater_is_better=True) == pytest.approx(1 - (0 + 1) / 2), "the first of equals"
    assert choice_bias([a, b], weights, np.arange(3), greater_is_better=False) == pytest.approx(1 - 1 / 3)


def test_resamples_draw_as_many_blocks_as_there_are() -> None:
    weights = resample_weights(40)
    assert weights.shape == (2000, 40) and (weights.sum(axis=1) == 40).all()
    assert weights.mean() == 1 and weights.var() == pytest.approx(1 - 1 / 40, rel=0.02), "multinomial"
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 40) ** 40, rel=0.02)


@pytest.mark.parametrize("widening", [1.0, 1.5])
def test_the_interval_of_an_error_by_hand(widening: float) -> None:
    resampled = np.random.default_rng(0).normal(0, 0.1, 5000)
    spread = pool(np.random.default_rng(1).normal(2, 1, 30), design([str(row) for row in range(30)], [30], [30]))
    expansion = widening * np.sqrt(30 / 29) * stats.t.ppf(0.975, spread.df) / stats.norm.ppf(0.975)
    lo, hi = np.quantile(resampled, [0.025, 0.975])
    hi = max(hi, stats.norm.ppf(0.975) * resampled.std())
    assert error_interval(2.0, resampled, spread, 0.95, widening=widening) == pytest.approx(
        (2 * np.exp(expansion * lo), 2 * np.exp(expansion * hi)))  # fmt: skip


@pytest.mark.parametrize("name", ["q2", "r2", "rmse", "mae"])
def test_errors_of_resamples_are_those_of_repeated_rows(name: str) -> None:
    """Of one fold: a block that is drawn k times is its rows k times, scored by scikit-learn."""
    random = np.random.default_rng(3)
    target = random.normal(5, 2, (24, 2))
    prediction = target + random.normal(0, 1, target.shape)
    groups = [f"g{row // 3}" for row in range(24)]
    of = design(groups, [24], [24])
    folds = [FoldPredictions(target, prediction, None)]
    metric: Metric = component("metrics", name).bound_to(target)
    pooled, weights = pool(np.zeros(24), of), resample_weights(of.n_blocks)[:20]
    found = error_ratios(name, [folds], pooled, of, weights)
    score = {"q2": lambda a, b: 1 - r2_score(a, b), "r2": lambda a, b: 1 - r2_score(a, b), "rmse": root_mean_squared_error,
             "mae": mean_absolute_error}[name]  # fmt: skip
    whole = score(target, prediction)
    assert whole == pytest.approx(1 - metric.score(target, prediction, None) if name in ("q2", "r2") else
                                  metric.score(target, prediction, None))  # fmt: skip
    for ratio, drawn in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(24), drawn[of.blocks[of.groups]].astype(int))
        assert ratio == pytest.approx(np.log(score(target[rows], prediction[rows]) / whole))


def test_means_and_goodness_leave_out_what_is_undefined() -> None:
    from stages.evaluation.randomised_tests import mean_of

    assert mean_of([0.5, None, 0.7]) == pytest.approx(0.6) and np.isnan(mean_of([None, None]))
    accuracy, rmse = component("metrics", "accuracy"), component("metrics", "rmse")
    assert (goodness(0.7, accuracy), goodness(0.7, rmse), goodness(None, rmse)) == (0.7, -0.7, float("-inf"))


def test_wins_and_losses_by_hand() -> None:
    from stages.evaluation.comparisons import wins

    assert wins(np.array([0, 1, 0.2, np.nan, 0.5]), np.array([1, 0, 0.3, 0, 0.5])) == (2, 1)
