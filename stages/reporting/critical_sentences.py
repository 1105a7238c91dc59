"""What the report shows of the points of the loss at which the training of networks ended."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from stages.contracts.candidate import Candidate
from stages.contracts.documents.critical_point_scores import FoldCriticalPoint
from stages.contracts.documents.evaluation_document import Evaluation
from stages.reporting.formatting import NONE

ROWS = "{:,}".format


class CriticalRow(NamedTuple):
    """A candidate's networks, one per outer fold: numbers as text, medians with the ends of their range."""

    candidate: Candidate
    n_weights: str
    gradient: str
    least: str
    greatest: str
    negative: str
    verdicts: str


def critical_rows(evaluation: Evaluation) -> list[CriticalRow]:
    """Return a row per candidate that is a network, in the order of the document."""
    return [critical_row(found.candidate, found.critical_points) for found in evaluation.candidates if found.critical_points]


def critical_row(candidate: Candidate, points: Sequence[FoldCriticalPoint]) -> CriticalRow:
    """Return the row of one candidate."""
    verdicts = [point.verdict for point in points]
    counts = ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts))
    return CriticalRow(
        candidate, ROWS(max(point.n_weights for point in points)),
        spread([point.gradient_norm for point in points]), spread([point.hessian_min for point in points]),
        spread([point.hessian_max for point in points]),
        spread([None if point.hessian_min is None else float(point.n_negative) for point in points]), counts,
    )  # fmt: skip


def spread(values: Sequence[float | None]) -> str:
    """Return the median and, if there are several values, their ends: "0.12 (0.08 to 0.31)"."""
    known = [value for value in values if value is not None]
    if not known:
        return NONE
    ends = f" ({_short(min(known))} to {_short(max(known))})" if len(known) > 1 else ""
    return f"{_short(median(known))}{ends}"


def _short(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")


def critical_sentence(evaluation: Evaluation) -> str:
    """Return for how many networks training ended where, and how their losses curve there; "" without networks."""
    # chosen weights may be equal ones, or leave one modality: the same network
    points = list(
        {(found.model, point.model_dump_json()): point for found in evaluation.candidates for point in found.critical_points}.values()
    )
    if not points:
        return ""
    n, verdicts = len(points), [point.verdict for point in points]
    steep = sum(point.gradient_is_large for point in points)
    indefinite = [point for point in points if point.n_negative]
    falls = sum(point.loss_change is not None and point.loss_change < 0 for point in indefinite)
    minima, saddles = verdicts.count("minimum"), verdicts.count("saddle")
    found = [f"Training ended at a minimum for {minima} of {n} networks, at a saddle for {saddles}."]
    if steep:
        found.append(f"The gradient is too large for a critical point for {steep}, as is usual where training stops early.")
    if indefinite:
        found.append(f"The Hessian has clearly negative eigenvalues for {len(indefinite)}; a step along the most negative direction lowers "
                     f"the loss for {falls} of these.")
    return " ".join(found)
