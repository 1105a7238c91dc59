"""How far probabilities can be believed: the reliability curve, and a table of all candidates."""

import math
from typing import NamedTuple

from matplotlib.figure import Figure

from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation
from stages.contracts.documents.reliability_curve import Reliability, ReliabilityBin
from stages.contracts.documents.results_document import ScoredCandidate
from stages.pages.drawing import COLOURS, REFERENCE, SMALL, TOOLTIP, WIDTH, Plot, axes_in, new_figure, value_ticks
from stages.reporting.formatting import candidate_name, interval, level_name, number
from stages.reporting.leaderboard import ranked
from stages.reporting.reliability_sentences import reliability_sentence

LEFT, RIGHT, TOP, BOTTOM, PLOT = 46.0, 14.0, 26.0, 44.0, 260.0  # px


class ReliabilityRow(NamedTuple):
    """A line of the table of reliability."""

    found: ScoredCandidate
    reliability: Reliability
    is_control: bool


def reliability_plot(evaluation: Evaluation, result: CandidateResult) -> Plot | None:
    """Return the reliability curve of a candidate; None without probabilities."""
    found = result.reliability
    if found is None:
        return None
    part, of = "tenth" if len(found.bins) == 10 else "bin", "test rows and labels" if evaluation.form == "labels" else "test rows"
    caption = (f"{reliability_sentence(evaluation, found)} A dot per {part} of the {of}, by rising probability, with its "
               f"{level_name(evaluation)} interval. On the dashed line what is stated holds; below it, too much is stated.")
    return Plot("reliability", f"Reliability of {candidate_name(result.candidate, evaluation)}", caption, curve(evaluation, found),
                result.candidate)


def reliability_table(evaluation: Evaluation) -> list[ReliabilityRow]:
    """Return the reliability of all candidates with probabilities, in the leaderboard's order."""
    rows = [(found, evaluation.result(found.candidate).reliability) for found in ranked(evaluation)]
    return [ReliabilityRow(found, known, found.model in evaluation.controls) for found, known in rows if known is not None]


def curve(evaluation: Evaluation, found: Reliability) -> Figure:
    """Return the share that held against the stated probability, a dot per bin, and the diagonal on which both are equal."""
    figure = new_figure(WIDTH, TOP + PLOT + BOTTOM)
    axes = axes_in(figure, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM)
    shown = [value for one in found.bins for value in (one.stated, one.held, one.lo, one.hi) if value is not None]
    lo, hi = math.floor(min(shown) * 10) / 10, math.ceil(max(shown) * 10) / 10  # tenths: probabilities may all be near 1
    axes.set_xlim(lo, hi)
    axes.set_ylim(lo, hi)
    axes.plot([lo, hi], [lo, hi], **REFERENCE)
    for one in found.bins:
        if one.lo is not None and one.hi is not None:
            axes.plot([one.stated, one.stated], [one.lo, one.hi], color=COLOURS["c0"], linewidth=1.4, alpha=0.55)
    axes.plot([one.stated for one in found.bins], [one.held for one in found.bins], color=COLOURS["c0"], linewidth=1.2)
    for one in found.bins:
        axes.plot([one.stated], [one.held], "o", color=COLOURS["c0"], markeredgewidth=0, clip_on=False, gid=TOOLTIP + described(one))
    value_ticks(axes, "x")
    value_ticks(axes, "y")
    y_label = "share of labels that hold" if evaluation.form == "labels" else "share of predictions that are right"
    axes.text(-LEFT / axes.bbox.width, 1 + 8 / PLOT, y_label, fontsize=SMALL, color=COLOURS["muted"], transform=axes.transAxes)
    axes.set_xlabel("probability of the label" if evaluation.form == "labels" else "probability of the predicted class")
    return figure


def described(one: ReliabilityBin) -> str:
    """Return the tooltip of a bin."""
    return f"stated {number(one.stated)}, held {number(one.held)}, interval {interval(one.lo, one.hi)}, {one.rows:,} events"
