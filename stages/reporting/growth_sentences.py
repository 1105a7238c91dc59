"""What the report says of learning curves: what twice the rows would bring, or why nothing is said."""

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.growth import Gain, LearningCurve
from stages.reporting.formatting import SPACE, candidate_name, level_name, number


def growth_findings(evaluation: Evaluation) -> list[str]:
    """Return a sentence for each curve of which something is said; the others say in their figure why not."""
    return [f"{candidate_name(curve.candidate, evaluation)}: {twice_the_rows(evaluation, curve)}" for curve in evaluation.learning_curves
            if curve.twice is not None]


def twice_the_rows(evaluation: Evaluation, curve: LearningCurve) -> str:
    """Return "twice the rows (3,036) would bring about +0.020 accuracy (95 % interval …), if …"; or that nothing is said, and why."""
    if curve.twice is None:
        return f"Nothing is said of more rows: {curve.withheld}."
    rows = f"{2 * curve.points[-1].n_train:,} training rows instead of {curve.points[-1].n_train:,}"
    title = evaluation.primary.title
    mean, lo, hi = _parts(curve.twice)
    return (f"twice the rows ({rows}) would bring about {mean} {title} ({level_name(evaluation)} interval {lo} to {hi}), if the curve goes "
            "on as a power law.")


def caption_of_growth(evaluation: Evaluation, curve: LearningCurve) -> str:
    """Return what the figure of a curve shows and says."""
    whole = "the training rows" if evaluation.is_one_split else "each outer fold's training rows"
    shown = f"{level_name(evaluation)} intervals. Each point is trained on part of {whole}, and tested on all test rows."
    grown = f" From {curve.points[0].n_train:,} to {curve.points[-1].n_train:,} rows: {_better(curve.growth)}." if curve.growth else ""
    if curve.twice is None:
        return f"{shown}{grown} {twice_the_rows(evaluation, curve)}"
    dashed = f"what it says of twice the rows, if the curve goes on as one, {_better(curve.twice)}"
    return f"{shown}{grown} Line: fitted power law; dashed: {dashed}."


def _better(gain: Gain) -> str:
    """Return "+0.020 [0.000, 0.030]"; of errors too, + is better."""
    parts = _parts(gain)
    return f"{parts[0]} [{parts[1]},{SPACE}{parts[2]}]"


def _parts(gain: Gain) -> list[str]:
    """Return the gain and the ends of its interval, signed."""
    return [number(value) if value is not None and value < 0 else f"+{number(value)}" for value in (gain.mean, gain.lo, gain.hi)]
