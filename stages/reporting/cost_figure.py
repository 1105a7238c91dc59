"""Scores against the cost of training them: a figure for the tracking server alone, as a clock is in it."""

from collections.abc import Mapping

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from stages.contracts.documents.evaluation_document import Evaluation
from stages.pages.drawing import (
    COLOURS,
    REFERENCE,
    SMALL,
    TOOLTIP,
    WIDTH,
    axes_in,
    figure_style,
    new_figure,
    padded,
    printable,
    render,
    value_ticks,
)
from stages.reporting.formatting import candidate_name, model_name, number
from stages.reporting.leaderboard import baseline_level, colour_names

HEIGHT = 260.0  # px
LEFT, RIGHT, TOP, BOTTOM = 52.0, 70.0, 16.0, 46.0  # px
LEAST_S = 0.01  # processor time is counted in ticks of it


def cost_figure(evaluation: Evaluation, cpu_seconds: Mapping[str, float]) -> str | None:
    """Return each learner's candidates as dots, the best one with its interval, over the processor time of training the learner, as SVG.

    Args:
        cpu_seconds: by learner, of training it on all modality combinations, which share it.
    Returns:
        None where no learner with a known cost has a score.
    """
    scored = [(found, evaluation.primary_score(found)) for found in evaluation.ranked() if found.model in cpu_seconds]
    drawn = [(found, score, mean) for found, score in scored if (mean := score.mean) is not None]
    if not drawn:
        return None
    colours, level = colour_names(evaluation), baseline_level(evaluation)
    with figure_style():
        figure = new_figure(WIDTH, HEIGHT)
        axes = axes_in(figure, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM)
        named: set[str] = set()
        for found, score, mean in drawn:
            x, colour = max(cpu_seconds[found.model], LEAST_S), COLOURS[colours[found.model]]
            is_best = found.model not in named
            tooltip = f"{printable(candidate_name(found.candidate, evaluation))}: {number(mean)}, {number(x)} s"
            axes.plot([x], [mean], "o", color=colour, alpha=1.0 if is_best else 0.35, gid=TOOLTIP + tooltip)
            if is_best:
                named.add(found.model)
                axes.annotate(model_name(found.model), (x, mean), xytext=(8, 0), textcoords="offset points", va="center", fontsize=SMALL,
                              color=colour)
                if score.lo is not None and score.hi is not None:
                    axes.plot([x, x], [score.lo, score.hi], color=colour)
        ends = [value for _, score, _ in drawn for value in (score.mean, score.lo, score.hi) if value is not None]
        if level is not None:
            axes.axhline(level, **REFERENCE)
            ends.append(level)
        axes.set_ylim(*padded(ends))
        times = [max(cpu_seconds[found.model], LEAST_S) for found, _, _ in drawn]
        axes.set_xscale("log")
        axes.set_xlim(min(times) / 1.6, max(times) * 1.6)
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))  # seconds of one decade have marks, too
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.grid(visible=True)
        value_ticks(axes, "y")
        axes.set_xlabel("processor time of training, s (all modality combinations)")
        axes.set_ylabel(evaluation.primary.title)
        return render(figure, f"{evaluation.dataset}/score_against_cost", f"Score against cost on {evaluation.dataset}")
