"""How a learner does where a relation of the data was destroyed at random, and how often that is as good as what is observed."""

from collections.abc import Iterator, Sequence

import numpy as np

from stages.contracts.candidate import parsed_combination
from stages.contracts.documents.control_findings import RandomisedTest
from stages.contracts.documents.randomised_document import RandomisedScores
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir
from stages.evaluation.scores import MetricScores, goodness
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError

NONE = np.empty(0)


def randomised_tests(dataset: str, metric: Metric) -> tuple[RandomisedTest, ...]:
    """Return the tests of all randomised controls of a data set.

    Raises:
        InputError: if their scores are by another metric than the one that ranks.
    """
    found: list[RandomisedTest] = []
    for path in sorted(controls_dir(dataset).glob("*/randomised.json")):
        scores = read_document(path, RandomisedScores)
        if scores.metric != metric.name:
            raise InputError(f"{path}: metric: expected {metric.name!r}, which ranks, found {scores.metric!r}; run `dvc repro`")
        found += judged_draws(scores, metric)
    return tuple(found)


def judged_draws(scores: RandomisedScores, metric: Metric) -> Iterator[RandomisedTest]:
    """Yield a test for all that was destroyed, on each modality combination: (1 + draws at least as good) / (1 + draws), one-sided."""
    for what in dict.fromkeys(draw.what for draw in scores.draws):
        draws = [draw.scores for draw in scores.draws if draw.what == what]
        for name, folds in scores.observed.items():
            observed, drawn = mean_of(folds), np.array([mean_of(of_draw[name]) for of_draw in draws])
            as_good = sum(goodness(float(value), metric) >= goodness(observed, metric) - 1e-12 for value in drawn)
            yield RandomisedTest(control=scores.control, model=scores.model, what=what, modalities=parsed_combination(name),
                                 observed=observed, mean=mean_of(drawn.tolist()), n_draws=len(drawn), p=(1 + as_good) / (1 + len(drawn)))


def mean_of(folds: Sequence[float | None]) -> float:
    """Return the mean over the folds that define the score; NaN where none does."""
    return MetricScores(np.array([np.nan if value is None else value for value in folds], dtype=np.float64), NONE).mean
