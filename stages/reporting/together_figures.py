"""Figures of modalities together: Shapley values with intervals, and a matrix of all subsets of three modalities or more."""

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import ScoredCandidate
from stages.pages.drawing import COLOURS, Plot
from stages.reporting.dot_figures import ScoreDot, interval_dots, subset_dots
from stages.reporting.formatting import level_name, model_name
from stages.reporting.leaderboard import baseline_level, colour_names
from stages.reporting.together import contributions_on

FEWEST_OF_MATRIX = 3  # modalities: of two, the leaderboard is as clear


def shapley_plot(evaluation: Evaluation) -> Plot | None:
    """Return each modality's Shapley value with its interval, by learner; None where there are none."""
    colours = colour_names(evaluation)
    dots = [
        ScoreDot(f"{model_name(found.model)} · {share.modalities[0]}", share.value, share.lo, share.hi, COLOURS[colours[found.model]])
        for found in contributions_on(evaluation, evaluation.primary.name)
        for share in found.shares
        if share.value is not None
    ]
    if not dots:
        return None
    caption = (f"Shapley values: the mean over all orders of what a modality adds to the {evaluation.primary.title}; those of a learner "
               "add up to its score with all modalities, less that of the control constant. Intervals hold for all modalities of a learner "
               f"together ({level_name(evaluation)}).")  # fmt: skip
    figure = interval_dots(dots, x_label=f"share of the {evaluation.primary.title}", reference=0.0)
    return Plot("shapley", "What each modality brings", caption, figure)


def subsets_plot(evaluation: Evaluation) -> Plot | None:
    """Return the best learner's score on every subset of three modalities or more, the subset as a row of filled dots; else None."""
    best = evaluation.best_of(evaluation.learners)
    if best is None or len(evaluation.modalities) < FEWEST_OF_MATRIX:
        return None
    rows = [found for found in evaluation.ranked() if found.model == best.model]
    scored = [(found.modalities, dot) for found in rows if (dot := _dot(evaluation, found)) is not None]
    if not scored:
        return None
    is_whole = len(evaluation.combinations) == 2 ** len(evaluation.modalities) - 1
    on = f"{model_name(best.model)} on every subset of the modalities{'' if is_whole else ' that was trained'}"
    caption = f"{on}; dashed: the best baseline. The best row was picked by the scores that are shown."
    figure = subset_dots(evaluation.modalities, scored, x_label=f"{evaluation.primary.title}, mean and interval",
                         reference=baseline_level(evaluation))  # fmt: skip
    return Plot("subsets", f"{'Every subset' if is_whole else 'Subsets'} of the modalities", caption, figure)


def _dot(evaluation: Evaluation, found: ScoredCandidate) -> ScoreDot | None:
    score = evaluation.primary_score(found)
    if score.mean is None:
        return None
    return ScoreDot(" + ".join(found.modalities), score.mean, score.lo, score.hi, COLOURS[colour_names(evaluation)[found.model]])
