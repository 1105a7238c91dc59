"""The figures of a data set as SVG files: <model>__<modality combination>__<name>, and its leaderboard."""

from stages.contracts.documents.evaluation_document import Evaluation
from stages.reporting.figures import intervals
from stages.reporting.formatting import candidate_name, model_name
from stages.reporting.prediction_figures import prediction_figures
from stages.reporting.report_page import baseline_level, colours, ranked
from stages.reporting.svg import standalone
from stages.reporting.tuning_figures import learning_curve, tuning_curve


def figure_files(evaluation: Evaluation) -> dict[str, str]:
    """Return file name (without .svg) → SVG text of every figure of a data set."""
    found = {"leaderboard": standalone(leaderboard(evaluation))}
    for result in evaluation.candidates:
        drawn = {figure.kind: figure.drawn for figure in prediction_figures(evaluation, result)}
        tuned = tuning_curve(evaluation, result)
        if tuned:
            drawn[tuned[0]] = tuned[1]
        learnt = learning_curve(evaluation, result)
        if learnt:
            drawn["learning"] = learnt
        stem = "__".join(evaluation.key(result.candidate))
        found |= {f"{stem}__{kind}": standalone(figure) for kind, figure in drawn.items()}
    return found


def leaderboard(evaluation: Evaluation) -> str:
    """Return the leaderboard as dot-and-whisker rows."""
    kinds, rows = colours(evaluation), []
    for found in ranked(evaluation):
        score, is_baseline = evaluation.primary_score(found), found.model in evaluation.baselines
        name = model_name(found.model, evaluation.form) if is_baseline else candidate_name(found.candidate, evaluation)
        if score.mean is not None:
            rows.append((name, score.mean, score.lo, score.hi, kinds[found.model]))
    return intervals(rows, x_label=f"{evaluation.primary.title}, mean and interval", reference=baseline_level(evaluation),
                     label=f"Leaderboard of {evaluation.dataset}")
