"""Score a learner on variants of the data: the whole protocol of models, once per variant."""

from collections.abc import Iterator, Sequence
from typing import Any

from stages.contracts.control import ControlData, Randomised
from stages.contracts.documents.randomised_document import Draw, FoldScoresByCombination, RandomisedScores
from stages.contracts.model import FoldResult
from stages.contracts.problem import Problem
from stages.foundation.registry import component
from stages.model_selection.answered_rows import answered
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results
from stages.scoring.stacked_scores import scorer
from stages.scoring.stacks import Stack

LEARNER = as_sweep(component("models", "linear"))  # the cheapest of the learners; dvc.yaml declares its folder
PENALTIES = (0.1, 1.0, 10.0)


def randomised_scores(dataset: str, control: Randomised, data: ControlData, settings: Any) -> RandomisedScores:
    """Return the learner's scores on the data as it is, and on each variant."""
    observed = control.observed(data)
    draws = [Draw(what=variant.what, scores=fold_scores(variant.problems)) for variant in control.variants(data, settings)]
    return RandomisedScores(dataset=dataset, control=control.name, model=LEARNER.name, metric=observed.scoring,
                            observed=fold_scores([observed]), draws=tuple(draws))


def fold_scores(problems: Sequence[Problem]) -> FoldScoresByCombination:
    """Return by modality combination the score of each outer fold; problems: that share the folds of one data set among them."""
    found: dict[str, list[float]] = {}
    for problem in problems:
        score = scorer(problem.metrics[problem.scoring], problem.target)
        for result in learned(problem):
            value = score(Stack(problem.target[result.fold.test], result.prediction[None]))[0]
            found.setdefault("+".join(result.modalities), []).append(float(value))
    return {name: tuple(values) for name, values in found.items()}


def learned(problem: Problem) -> Iterator[FoldResult]:
    """Yield the learner's results by the protocol of models, with predictions of all test rows."""
    settings = LEARNER.settings.model_validate({"C": PENALTIES})
    return answered(problem, list(results(LearnerSetup(LEARNER, settings), problem, LEARNER.grid(settings, problem.seed))))
