"""A small version of the comparison of designs (docs/honesty.md): real refits, and what more seeds and repeats bring."""

import numpy as np
import pytest

from benchmarks.designs import NOISES, SCHEMES, Refits, Scheme, draw_sample, outcome, outcomes
from benchmarks.simulated_folds import Layout
from stages.evaluation.design import design_of
from stages.evaluation.scores import score
from stages.foundation.registry import component

ONE, SEEDS, REPEATS = Scheme(5, 1, 1), Scheme(5, 1, 3), Scheme(5, 3, 1)


@pytest.fixture(scope="module")
def found() -> dict[str, dict]:
    return {gain: outcomes(200, noise, 40) for gain, noise in NOISES.items()}


def test_seeds_and_repeats_narrow_the_interval_and_hardly_ever_tell_equals_apart(found: dict[str, dict]) -> None:
    width = {scheme: np.mean([one.found.hi - one.found.lo for one in found["large gain"][scheme]]) for scheme in SCHEMES}
    assert width[REPEATS] < width[SEEDS] < width[ONE]
    for scheme in SCHEMES:
        told = [one.found.verdict in ("better", "worse") for one in found["no gain"][scheme]]
        assert np.mean(told) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(told))


def test_the_means_of_all_designs_agree_and_a_large_gain_is_shown_more_often_by_more(found: dict[str, dict]) -> None:
    gains = {scheme: np.mean([one.found.difference for one in found["large gain"][scheme]]) for scheme in SCHEMES}
    assert np.ptp(list(gains.values())) < 0.03 and 0.05 < np.mean(list(gains.values())) < 0.15
    shown = {scheme: sum(one.found.verdict == "better" for one in found["large gain"][scheme]) for scheme in SCHEMES}
    assert shown[REPEATS] > shown[ONE] and shown[SEEDS] >= shown[ONE]


def test_equally_good_classifiers_have_no_advantage(found: dict[str, dict]) -> None:
    differences = np.array([one.found.difference for one in found["no gain"][REPEATS]])
    assert abs(differences.mean()) < 3 * differences.std(ddof=1) / np.sqrt(len(differences))


def test_a_refit_depends_on_its_seed_and_fold_and_scores_are_those_of_the_metric() -> None:
    generator = np.random.default_rng(0)
    sample = draw_sample(100, 1.0, generator)
    splits = Layout(100, 1, 5).splits(sample.target, generator)
    refits = [Refits(sample, splits, which, 3) for which in range(2)]
    several, (alone,) = refits[0].by_seed(SEEDS), Refits(sample, splits, 0, 3).by_seed(ONE)
    assert [fold.prediction.tobytes() for fold in several[0]] == [fold.prediction.tobytes() for fold in alone]
    assert len({fold[0].prediction.tobytes() for fold in several}) == 3
    expected = [score(one.by_seed(ONE)[0], component("metrics", "accuracy"), design_of(splits, 0.95)).mean for one in refits]
    assert outcome([one.by_seed(ONE) for one in refits], splits).found.difference == pytest.approx(expected[1] - expected[0])
