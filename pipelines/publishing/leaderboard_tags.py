"""The columns of the dashboard's leaderboard, as tags of each run: MLflow shows all digits of a metric, and an interval in two columns."""

from collections.abc import Mapping

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import Comparison
from stages.reporting.formatting import NONE, signed, with_interval
from stages.reporting.leaderboard import ranked

RANK, SCORE, DIFFERENCE, VERDICT = "rank", "score", "vs_baseline", "verdict"
OTHER_WAY = "not compared"  # a way of fusing that stands beside the one chosen on the inner folds


def leaderboard_tags(evaluation: Evaluation) -> Mapping[Candidate, Mapping[str, str]]:
    """Return the tags of each candidate. rank: "" for one that the leaderboard does not list, as it lists a control once and of several
    ways of fusing the chosen one.

    Ranks are those of the report, padded with zeros: MLflow sorts tags as text.
    """
    tests, board = tests_against_baseline(evaluation), ranked(evaluation)
    compared = {found.candidate for found in evaluation.ranked()}
    tags: dict[Candidate, dict[str, str]] = {}
    for found in evaluation.candidates:
        score, test = evaluation.primary_score(found), tests.get(found.candidate)
        tags[found.candidate] = {
            RANK: "",
            SCORE: with_interval(score.mean, score.lo, score.hi),
            DIFFERENCE: with_interval(test.difference, test.lo, test.hi, write=signed) if test else NONE,
            VERDICT: verdict_of(evaluation, found.model, test) if found.candidate in compared else OTHER_WAY,
        }
    for rank, row in enumerate(board, start=1):
        tags[row.candidate][RANK] = f"{rank:0{len(str(len(board)))}}"
    return tags


def verdict_of(evaluation: Evaluation, model: str, test: Comparison | None) -> str:
    """Return the verdict on a learner, or what a control is."""
    if model in evaluation.controls:
        return "baseline" if model in evaluation.baselines else "diagnostic"
    return test.verdict if test else NONE


def tests_against_baseline(evaluation: Evaluation) -> dict[Candidate, Comparison]:
    """Return each learner's test against the best of the baselines on the same modality combination."""
    best = evaluation.best_of(evaluation.baselines)
    return {test.a: test for test in evaluation.family("baseline") if best and test.b.model == best.model}
