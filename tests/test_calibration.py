"""A small version of `make calibrate`: what evaluate claims holds on simulated data sets, through the code that evaluate runs.

Each case has more room than the full table (docs/honesty.md), as 60 data sets say less than 500; all are seeded.
"""

import numpy as np
import pytest

from benchmarks.calibration import Regression, best_of_six, correlated_hits, interval, pivot, predictions, verdicts
from benchmarks.simulated_folds import LEVEL, N_FOLDS, Cell, Layout
from benchmarks.simulated_probabilities import evaluated, true_error
from stages.contracts.metric import Metric
from stages.evaluation.design import design_of
from stages.foundation.registry import component

N_SETS = 60


@pytest.mark.parametrize(("n_groups", "size", "icc", "accuracy"), [
    (20, 1, 0.0, 0.97), (30, 1, 0.0, 0.95), (50, 1, 0.0, 0.92), (50, 10, 0.3, 0.97),
])
def test_intervals_of_official_splits_cover_near_one(n_groups: int, size: int, icc: float, accuracy: float) -> None:
    """They covered .46, .81 and .92 as percentiles of a bootstrap."""
    metric: Metric = component("metrics", "accuracy")
    layout, covered = Layout(n_groups, size, 1), 0
    generator = np.random.default_rng([n_groups, size])
    for _ in range(200):
        splits = layout.splits(generator.integers(0, 2, layout.n_rows).astype(np.int32), generator)
        found = interval(predictions(splits, correlated_hits(layout, accuracy, icc, generator)), metric, design_of(splits, 0.95))
        covered += found.lo <= accuracy <= found.hi
    assert covered / 200 >= 0.93


@pytest.mark.parametrize(("n_folds", "noise"), [(1, 1.5), (N_FOLDS, 0.3)])
def test_intervals_of_regression_cover(n_folds: int, noise: float) -> None:
    setting = Regression(Layout(20, 10, n_folds), noise, 0.3)
    generator, found = np.random.default_rng(n_folds), []
    for _ in range(N_SETS):
        x, y = setting.draw(20, generator)
        splits = setting.layout.splits(y[:, None], generator)
        metric: Metric = component("metrics", "q2").bound_to(splits.targets)
        found.append(interval(setting.predicted(splits, x, generator), metric, design_of(splits, 0.95)))
    expected = float(np.mean([one.mean for one in found]))
    assert np.mean([one.lo <= expected <= one.hi for one in found]) >= 0.88


@pytest.mark.parametrize("layout", [Layout(100, 1, N_FOLDS), Layout(20, 10, 1)], ids=lambda layout: f"{layout.n_folds} folds")
def test_equal_models_are_seldom_told_apart(layout: Layout) -> None:
    found = list(verdicts(layout, (0.7, 0.7), 0.5, 0.0, n_sets=N_SETS))
    assert sum(verdict in ("better", "worse") for verdict in found) / N_SETS <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / N_SETS)


def test_a_large_true_gain_is_shown() -> None:
    found = list(verdicts(Layout(1000, 1, N_FOLDS), (0.7, 0.8), 0.7, 0.0, n_sets=20))
    assert sum(verdict == "better" for verdict in found) >= 16


def test_the_best_of_six_is_corrected_to_what_it_is() -> None:
    for _, shown, corrected in best_of_six(30):
        assert shown > 0.52
        assert corrected == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("layout", "icc"), [(Layout(200, 1, 1), 0.0), (Layout(50, 10, N_FOLDS), 0.3)], ids=["rows", "groups"])
@pytest.mark.parametrize("distortion", [1.0, 2.0], ids=["calibrated", "over-confident"])
def test_intervals_of_calibration_errors_cover(layout: Layout, icc: float, distortion: float) -> None:
    generator, true = np.random.default_rng([layout.n_rows, round(distortion)]), true_error(distortion)
    found = [evaluated(layout, icc, distortion, generator) for _ in range(N_SETS)]
    assert np.mean([one.lo <= true <= one.hi for one in found]) >= 0.87
    # what is found is too large by chance, most of all where nothing is wrong; what is left is near the truth
    seen, corrected = (float(np.mean([getattr(one, name) for one in found])) for name in ("ece", "ece_corrected"))
    assert seen > true + (0.03 if distortion == 1 else 0) and corrected == pytest.approx(true, abs=0.025 if distortion == 1 else 0.012)
    assert true == pytest.approx(0 if distortion == 1 else 0.1, abs=0.002)


def test_over_confidence_is_found_and_calibration_is_not_called_wrong() -> None:
    generator = np.random.default_rng(1)
    wrong = [evaluated(Layout(500, 1, 1), 0.0, 2.0, generator) for _ in range(20)]
    right = [evaluated(Layout(500, 1, 1), 0.0, 1.0, generator) for _ in range(N_SETS)]
    assert all(one.lo > 0 and one.stated > one.held for one in wrong)
    assert sum(one.lo > 0 for one in right) / N_SETS <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / N_SETS)


def test_the_tables_mark_what_does_not_hold() -> None:
    cells = [Cell("accuracy", ("5 folds", "20", "1", "0", level), hits, 100, "cover") for level, hits in (("0.5", 95), ("0.9", 92))]
    assert pivot(cells).splitlines()[-1] == "| 5 folds | 20 | 1 | 0 | 0.950 | **0.920** |"
    assert [Cell("rejected", ("x",), hits, 100, "reject").broken for hits in (5, 11, 12)] == [False, False, True]
