"""All figures of a data set, drawn once: files for the tracking server, of which the page shows some."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.pages.drawing import COLOURS, Plot, figure_style, render
from stages.reporting.curve_figures import training_curve, tuning_curve
from stages.reporting.dot_figures import ScoreDot, interval_dots
from stages.reporting.formatting import candidate_name
from stages.reporting.growth_figures import capacity_plot, growth_plot
from stages.reporting.leaderboard import baseline_level, colour_names, ranked
from stages.reporting.prediction_figures import prediction_plots
from stages.reporting.robustness_figures import robustness_plots
from stages.reporting.together_figures import shapley_plot, subsets_plot


class DrawnFigure(NamedTuple):
    """A figure as SVG text. shows: predictions, tuning, together, growth (with rows) or capacity. candidate: None for a figure of all."""

    title: str
    caption: str
    svg: str
    candidate: Candidate | None
    shows: str


def draw_figures(evaluation: Evaluation) -> dict[str, DrawnFigure]:
    """Return file name (without .svg) → figure of a data set: <model>__<modality combination>__<kind>, and its leaderboard."""
    drawn = {}
    with figure_style():
        for shows, plot in _plots(evaluation):
            name = "__".join([*(evaluation.key(plot.candidate) if plot.candidate else ()), plot.kind])
            svg = render(plot.figure, f"{evaluation.dataset}/{name}", plot.title)
            drawn[name] = DrawnFigure(plot.title, plot.caption, svg, plot.candidate, shows)
    return drawn


def page_figures(evaluation: Evaluation, drawn: Mapping[str, DrawnFigure]) -> list[DrawnFigure]:
    """Return what modalities bring, the best candidate's predictions, tuning and training curves of each learner's best, and studies."""
    found = [figure for figure in drawn.values() if figure.shows == "together"]
    found += [figure for figure in drawn.values() if (figure.candidate, figure.shows) == (evaluation.best, "predictions")]
    for best in filter(None, (evaluation.best_of([model]) for model in evaluation.learners)):
        found += [figure for figure in drawn.values() if (figure.candidate, figure.shows) == (best.candidate, "tuning")]
    return found + [figure for figure in drawn.values() if figure.shows in ("growth", "capacity")]


def dvc_plots(evaluation: Evaluation, drawn: Mapping[str, DrawnFigure]) -> dict[str, DrawnFigure]:
    """Return what `dvc plots` shows, by kind: the leaderboard and the best candidate's predictions.

    The names tell no candidate, so that `dvc plots diff` puts the best of two versions next to each other.
    """
    found = {name.rpartition("__")[2]: figure for name, figure in drawn.items()
             if (figure.candidate, figure.shows) == (evaluation.best, "predictions") or figure.shows == "leaderboard"}
    return dict(sorted(found.items()))


def _plots(evaluation: Evaluation) -> Iterator[tuple[str, Plot]]:
    board = leaderboard_plot(evaluation)
    if board is not None:
        yield "leaderboard", board
    for plot in (shapley_plot(evaluation), subsets_plot(evaluation), *robustness_plots(evaluation)):
        if plot is not None:
            yield "together", plot
    compared = {found.candidate for found in evaluation.ranked()}
    for result in (found for found in evaluation.candidates if found.candidate in compared):
        for plot in prediction_plots(evaluation, result):
            yield "predictions", plot
        for curve in (tuning_curve(evaluation, result), training_curve(evaluation, result)):
            if curve is not None:
                yield "tuning", curve
    for growth in evaluation.learning_curves:
        yield "growth", growth_plot(evaluation, growth)
    for study in evaluation.bias_variance:
        yield "capacity", capacity_plot(evaluation, study)


def leaderboard_plot(evaluation: Evaluation) -> Plot | None:
    """Return the leaderboard as dot-and-whisker rows; None where no score is defined."""
    colours, scores = colour_names(evaluation), []
    for found in ranked(evaluation):
        score, name = evaluation.primary_score(found), candidate_name(found.candidate, evaluation)
        if score.mean is not None:
            scores.append(ScoreDot(name, score.mean, score.lo, score.hi, COLOURS[colours[found.model]]))
    if not scores:
        return None
    x_label = f"{evaluation.primary.title}, mean and interval"
    return Plot("leaderboard", f"Leaderboard of {evaluation.dataset}", "",
                interval_dots(scores, x_label=x_label, reference=baseline_level(evaluation)))
