"""Reliability of probabilities: bins and Brier score as scikit-learn's, parts that add up, an error found and one that is chance."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from toy_evaluation import fold_scores, toy_evaluation
from toy_predictions import TOYS, write_params, write_toy

from pipelines.publishing.metric_values import run_points
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.reliability_curve import Reliability
from stages.contracts.paths import evaluation_path
from stages.evaluate import main
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.design import Design
from stages.evaluation.reliability import Events, brier_parts, calibration_error, events_of, reliability
from stages.foundation.documents import read_document
from stages.reporting.reliability_figures import reliability_plot, reliability_table
from stages.reporting.reliability_sentences import reliability_finding, reliability_sentence

PARTS = ("brier", "reliability", "resolution", "uncertainty", "within_bins")


def design_of_rows(n_rows: int, *, group_size: int = 1, n_folds: int = 1, n_repeats: int = 1) -> Design:
    """Return a design of groups of neighbors; of several folds, each tests as many groups."""
    rows = np.tile(np.arange(n_rows), n_repeats)
    groups = rows // group_size
    n_groups = -(-n_rows // group_size)
    folds = np.repeat(np.arange(n_repeats), n_rows) * n_folds + groups % n_folds
    return Design(rows, groups, folds, n_folds * n_repeats, n_rows, 0.25, 0.95, np.arange(n_groups) % 1000)


def of_two_classes(stated: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray) -> FoldPredictions:
    """Return predictions of the second class with these probabilities."""
    p = np.asarray(stated)
    return FoldPredictions(np.asarray(right, dtype=np.int32), np.ones(len(p), dtype=np.int32), np.stack([1 - p, p], axis=1))


def found_in(fold: FoldPredictions, design: Design | None = None) -> Reliability:
    found = reliability([fold], design or design_of_rows(len(fold.target)))
    assert found is not None
    return found


def simulated(n: int, distortion: float, seed: int = 0) -> FoldPredictions:
    """Return predictions whose stated log-odds are `distortion` times the true ones."""
    generator = np.random.default_rng(seed)
    log_odds = generator.normal(1.2, 1.2, n)
    return of_two_classes(1 / (1 + np.exp(-distortion * log_odds)), generator.random(n) < 1 / (1 + np.exp(-log_odds)))


def test_first_principles() -> None:
    """0.9 is stated twenty times and fifteen hold, 0.6 twenty times and twelve hold: |0.75 − 0.9| / 2 = 0.075."""
    stated, right = np.repeat([0.6, 0.9], 20), np.concatenate([np.arange(20) < 12, np.arange(20) < 15])
    found = found_in(of_two_classes(stated, right))
    assert [(round(one.stated, 9), one.held, one.rows) for one in found.bins] == [(0.6, 0.6, 20), (0.9, 0.75, 20)]
    assert found.ece == pytest.approx(0.075)
    assert (found.stated, found.held) == (pytest.approx(0.75), pytest.approx(27 / 40))
    # of one probability per bin Murphy's three parts are all: 0.15² / 2, 0.075², 27 · 13 / 40²
    assert (found.reliability, found.resolution) == (pytest.approx(0.15**2 / 2), pytest.approx(0.075**2))
    assert found.uncertainty == pytest.approx(27 * 13 / 1600) and found.within_bins == pytest.approx(0, abs=1e-15)
    assert found.brier == pytest.approx((12 * 0.16 + 8 * 0.36 + 15 * 0.01 + 5 * 0.81) / 40)


@pytest.mark.parametrize("seed", range(4))
def test_bins_and_brier_score_are_scikit_learns(seed: int) -> None:
    fold = simulated(503, 1.5, seed)
    if seed % 2:  # ties: a vote of seven neighbors
        p = np.round(fold.probabilities[:, 1] * 7) / 7
        fold = of_two_classes(p, fold.target == 1)
    found = found_in(fold)
    share, stated = calibration_curve(fold.target, fold.probabilities[:, 1], n_bins=10, strategy="quantile")
    assert [one.held for one in found.bins] == pytest.approx(share.tolist(), abs=1e-12)
    assert [one.stated for one in found.bins] == pytest.approx(stated.tolist(), abs=1e-12)
    assert found.brier == pytest.approx(brier_score_loss(fold.target, fold.probabilities[:, 1]), abs=1e-12)
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty + found.within_bins, abs=1e-12)
    assert (abs(found.within_bins) > 1e-6) == (seed % 2 == 0 or len(found.bins) < len(set(fold.probabilities[:, 1].tolist())))


def test_the_brier_score_of_two_classes_is_that_of_either() -> None:
    fold = simulated(300, 1.0)
    flipped = np.asarray(fold.probabilities[:, 1] >= 0.5, dtype=np.int32)
    events = events_of([replace(fold, prediction=flipped)], design_of_rows(300))
    assert events is not None and events.stated.min() >= 0.5
    assert brier_parts(events)["brier"] == pytest.approx(brier_score_loss(fold.target, fold.probabilities[:, 1]), abs=1e-12)


def test_labels_are_pooled() -> None:
    generator = np.random.default_rng(0)
    p = generator.random((200, 3))
    target = (generator.random((200, 3)) < p).astype(np.uint8)
    found = found_in(FoldPredictions(target, (p > 0.5).astype(np.uint8), p))
    assert sum(one.rows for one in found.bins) == 600
    assert found.brier == pytest.approx(brier_score_loss(target.ravel(), p.ravel()), abs=1e-12)
    assert found.lo == 0


def test_targets_have_none() -> None:
    assert reliability([FoldPredictions(np.zeros((30, 1)), np.zeros((30, 1)), None)], design_of_rows(30)) is None


@pytest.mark.parametrize("group_size", [1, 5])
def test_over_confidence_is_found(group_size: int) -> None:
    found = found_in(simulated(1000, 2.5), design_of_rows(1000, group_size=group_size))
    assert found.lo > 0.05 and found.lo < found.ece_corrected < found.hi and found.stated > found.held
    top = found.bins[-1]
    assert top.stated > top.hi and top.lo <= top.held <= top.hi


def test_a_calibrated_model_shows_what_chance_shows() -> None:
    found = [found_in(simulated(400, 1.0, seed)) for seed in range(30)]
    assert np.mean([one.ece for one in found]) == pytest.approx(np.mean([one.ece_by_chance for one in found]), rel=0.1)
    assert sum(one.lo > 0 for one in found) <= 4
    assert np.mean([one.ece_corrected for one in found]) < np.mean([one.ece for one in found]) / 2


def test_a_bin_in_which_all_held_is_not_taken_for_certain() -> None:
    """50 of 50 hold where 0.97 is stated, which is so for a calibrated model once in five times; a bootstrap alone sees no noise there."""
    found = found_in(of_two_classes([0.97] * 50, [True] * 50))
    assert found.ece == pytest.approx(0.03) and found.lo == 0 and found.ece_by_chance > 0.01


def test_equal_probabilities_share_a_bin() -> None:
    found = found_in(of_two_classes([0.7] * 50, [True] * 35 + [False] * 15))
    assert len(found.bins) == 1 and found.ece == pytest.approx(0, abs=1e-12)
    assert found.lo == 0 < found.hi < 0.2


def test_repeats_add_no_rows() -> None:
    fold = simulated(200, 1.6)
    once = reliability([fold], design_of_rows(200))
    thrice = reliability([fold] * 3, replace(design_of_rows(200, n_repeats=3), n_folds=1))
    assert once is not None and thrice is not None
    assert thrice.ece == pytest.approx(once.ece) and thrice.brier == pytest.approx(once.brier)
    assert thrice.hi - thrice.lo == pytest.approx(once.hi - once.lo, rel=0.1)
    assert [one.hi - one.lo for one in thrice.bins] == pytest.approx([one.hi - one.lo for one in once.bins], rel=0.02)


def test_groups_that_hold_together_widen_the_interval() -> None:
    generator = np.random.default_rng(1)
    stated = np.repeat(generator.uniform(0.6, 0.95, 60), 10)
    right = np.repeat(generator.random(60), 10) < stated
    alone, together = (found_in(of_two_classes(stated, right), design_of_rows(600, group_size=size)) for size in (1, 10))
    assert alone.ece == together.ece
    assert together.ece_by_chance > 2 * alone.ece_by_chance and together.hi - together.lo > alone.hi - alone.lo
    assert together.bins[0].hi - together.bins[0].lo > 1.5 * (alone.bins[0].hi - alone.bins[0].lo)


def test_too_few_groups_tell_nothing_of_chance() -> None:
    fold = simulated(190, 2.0)
    events = events_of([fold], design := design_of_rows(190, group_size=10))
    assert events is not None
    error = calibration_error(events, design)
    assert error.found > 0 and np.isnan([error.corrected, error.lo, error.hi, error.by_chance]).all()
    found = found_in(fold, design)
    assert (found.lo, found.ece_corrected, found.bins[0].lo) == (None, None, None)


def test_rounding_of_float32_is_no_probability_above_one() -> None:
    events = events_of([of_two_classes(np.array([1.0000001, 0.5]), [True, False])], design_of_rows(2))
    assert isinstance(events, Events) and events.stated.max() == 1.0


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.dataset)
def test_it_stands_in_the_evaluation_on_mlflow_and_in_the_report(toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_params([toy])
    write_toy(toy)
    main(toy.dataset)
    found = read_document(evaluation_path(toy.dataset), Evaluation)
    best = found.result(found.best)
    points = {name: value for name, value, _ in run_points(found, best)}
    if toy.task == "regression":
        assert all(one.reliability is None for one in found.candidates)
        assert not [name for name in points if name.startswith("calibration/")] and not reliability_table(found)
        assert reliability_plot(found, best) is None and reliability_finding(found) == ""
        return
    for one in found.candidates:
        measured = one.reliability
        assert measured is not None and sum(each.rows for each in measured.bins) == toy.n_samples * (5 if toy.task == "multilabel" else 1)
        assert measured.brier == pytest.approx(measured.reliability - measured.resolution + measured.uncertainty + measured.within_bins)
    assert best.reliability is not None and points["calibration/ece"] == best.reliability.ece
    assert {f"calibration/brier{part}" for part in ("", "_reliability", "_resolution", "_uncertainty", "_within_bins")} <= set(points)
    assert len(reliability_table(found)) == len([one for one in found.candidates if one.model != "constant"]) + 1
    plot = reliability_plot(found, best)
    assert plot is not None and plot.kind == "reliability" and reliability_sentence(found, best.reliability) in plot.caption


@pytest.mark.parametrize(("distortion", "words"), [
    (3.0, "are over-confident: where it states 0.9"), (0.3, "are under-confident: where it states"),
    (1.0, "are not shown to be wrong: calibration error 0.0"),
])  # fmt: skip
def test_the_sentence_says_which_way(distortion: float, words: str) -> None:
    evaluation = toy_evaluation({Candidate("svm", ("image",)): {"accuracy": fold_scores(0.7, 0.7)}}, "accuracy")
    sentence = reliability_sentence(evaluation, found_in(simulated(1000, distortion)))
    assert words in sentence and ("by chance" in sentence) == (distortion == 1.0)


def test_no_side_is_named_where_much_of_the_shown_error_lies_on_the_other() -> None:
    evaluation = toy_evaluation({Candidate("svm", ("image",)): {"accuracy": fold_scores(0.7, 0.7)}}, "accuracy")
    measured = found_in(simulated(1000, 3.0))
    assert "over-confident" in reliability_sentence(evaluation, measured)
    under = [one.model_copy(update={"stated": 0.5, "held": 0.7, "lo": 0.6, "hi": 0.8}) for one in measured.bins[:4]]
    mixed = measured.model_copy(update={"bins": (*under, *measured.bins[4:])})
    assert "too high in places and too low in others" in reliability_sentence(evaluation, mixed)
