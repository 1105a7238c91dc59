"""How a learner does where a relation of the data was destroyed at random, and how often that is as good as what is observed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stages.contracts.candidate import parsed_combination
from stages.contracts.documents.control_findings import RandomisedTest
from stages.contracts.documents.randomised_document import RandomisedScores
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir
from stages.contracts.quantities import ROUNDING
from stages.evaluation.scores import MetricScores, goodness
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError

NONE = np.empty(0)


def randomised_tests(dataset: str, metric: Metric, n_folds: int) -> tuple[RandomisedTest, ...]:
    """Return the tests of all randomised controls of a data set; n_folds: test folds of all repeats.

    Raises:
        InputError: if their scores are by another metric than the one that ranks, of other folds, or beyond what it attains.
    """
    found: list[RandomisedTest] = []
    for path in sorted(controls_dir(dataset).glob("*/randomised.json")):
        scores = read_document(path, RandomisedScores)
        if scores.metric != metric.name:
            raise InputError(f"{path}: metric: expected {metric.name!r}, which ranks, found {scores.metric!r}; run `dvc repro`")
        _check_scores(scores, metric, n_folds, path)
        found += judged_draws(scores, metric)
    return tuple(found)


def _check_scores(scores: RandomisedScores, metric: Metric, n_folds: int, path: Path) -> None:
    """Raise InputError at the first scores that are not of these folds or this metric; draws have the folds of `observed`."""
    least, most = metric.attainable
    of_each = [("observed", scores.observed), *((f"draws.{place}.scores", draw.scores) for place, draw in enumerate(scores.draws))]
    for key, by_combination in of_each:
        for name, folds in by_combination.items():
            where = f"{path}: {key}.{name}"
            if len(folds) != n_folds:
                raise InputError(f"{where}: has {len(folds)} scores; expected {n_folds}, one of each test fold; run `dvc repro`")
            if wrong := [score for score in folds if score is not None and not least - ROUNDING <= score <= most + ROUNDING]:
                raise InputError(f"{where}: {metric.name} is from {least:g} to {most:g}, found {wrong[0]:g}; run `dvc repro`")


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
