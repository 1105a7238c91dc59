"""What every leaderboard shows: its order, the colour of each model, the baseline's level."""

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import ScoredCandidate

N_COLOURS = 6


def ranked(evaluation: Evaluation) -> list[ScoredCandidate]:
    """Return the candidates, the best first; a control once, on the combination on which it is best."""
    found = evaluation.ranked()
    first = {candidate.model: candidate for candidate in reversed(found)}
    return [candidate for candidate in found if candidate.model not in evaluation.controls or candidate is first[candidate.model]]


def colour_names(evaluation: Evaluation) -> dict[str, str]:
    """Return the name of each model's colour; controls are grey."""
    return dict.fromkeys(evaluation.controls, "baseline") | {
        model: f"c{index % N_COLOURS}" for index, model in enumerate(evaluation.learners)}


def baseline_level(evaluation: Evaluation) -> float | None:
    """Return the best baseline's mean primary score, if there is one."""
    found = evaluation.best_of(evaluation.baselines)
    return evaluation.primary_score(found).mean if found else None
