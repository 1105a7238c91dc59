"""What the report says of noisy and missing modalities: a finding, and the rows of its tables."""

from typing import NamedTuple

from stages.contracts.candidate import Candidate
from stages.contracts.documents.condition_scores import Robustness, StrengthCurve, StrengthPoint
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.sample_condition import MISSING
from stages.reporting.formatting import SPACE, candidate_name, listed, number, signed

GONE = 1.0  # the share of samples that lack a modality which is gone


class AreaRow(NamedTuple):
    """One corruption of a modality: the area of every way of fusing all modalities, in the order of `way_names`; None: no area."""

    curve: StrengthCurve
    areas: list[float | None]


class ChangeRow(NamedTuple):
    """One condition of the compared candidate. is_first: of its curve."""

    curve: StrengthCurve
    point: StrengthPoint
    is_first: bool


def examined(evaluation: Evaluation) -> list[Robustness]:
    """Return every way of fusing all modalities of the best learner that was examined, the one that is compared first.

    If only some learners predict corrupted samples, it is the best of them.
    """
    known = {found.candidate: found for found in evaluation.robustness}
    whole = [found for found in evaluation.ranked() if len(found.modalities) == len(evaluation.modalities) and found.candidate in known]
    if not whole:
        return []
    best = next((found for found in whole if known[found.candidate].is_corrupted), whole[0])
    others = [way.candidate for way in evaluation.ways_of(best.candidate) if way.candidate != best.candidate]
    return [known[candidate] for candidate in (best.candidate, *others) if candidate in known]


def way_names(evaluation: Evaluation) -> list[str]:
    """Return the names of the ways of `examined`."""
    return [found.fusion for found in examined(evaluation)]


def area_rows(evaluation: Evaluation) -> list[AreaRow]:
    """Return the areas by modality and corruption."""
    ways = examined(evaluation)
    areas = [{curve.key: curve.area for curve in way.curves} for way in ways]
    return [AreaRow(curve, [of_way.get(curve.key) for of_way in areas]) for curve in (ways[0].curves if ways else ())]


def change_rows(evaluation: Evaluation) -> list[ChangeRow]:
    """Return every condition of the compared candidate of `examined`."""
    ways = examined(evaluation)
    return [ChangeRow(curve, point, place == 0) for curve in (ways[0].curves if ways else ()) for place, point in enumerate(curve.points)]


def missing_findings(evaluation: Evaluation) -> list[str]:
    """Return "With audio gone, …" for each modality: what the compared candidate keeps, and what the others have on clean samples."""
    ways = examined(evaluation)
    sentences = []
    for curve in ways[0].curves if ways and len(evaluation.modalities) > 1 else ():
        gone = next((point for point in curve.points if curve.corruption == MISSING and point.strength == GONE), None)
        if gone is not None and gone.mean is not None and ways[0].clean:
            sentences.append(_missing_finding(evaluation, ways[0], curve.modality, gone))
    return sentences


def _missing_finding(evaluation: Evaluation, way: Robustness, modality: str, gone: StrengthPoint) -> str:
    """Return one modality's sentence; of errors it is told how many times the clean one they are."""
    metric, name = evaluation.primary, candidate_name(way.candidate, evaluation)
    assert gone.mean is not None and way.clean
    ratio = number(gone.mean / way.clean)
    ends = "" if gone.change_lo is None else f" [{signed(gone.change_lo)},{SPACE}{signed(gone.change_hi)}]"
    change = f"({signed(gone.change)}{ends}, {gone.verdict})"
    kept = (f"{name} keeps {ratio} of its clean {metric.title}" if metric.greater_is_better else
            f"the {metric.title} of {name} is {ratio} times the clean one")  # fmt: skip
    others = _score_of_others(evaluation, way.candidate, modality)
    return f"With {modality} gone, {kept} {change}{others}."


def _score_of_others(evaluation: Evaluation, whole: Candidate, modality: str) -> str:
    """Return "; image alone has 0.900", the score of the learner that never sees the modality."""
    rest = tuple(name for name in whole.modalities if name != modality)
    found = next((one for one in evaluation.ranked() if (one.model, one.modalities) == (whole.model, rest)), None)
    if found is None or (mean := evaluation.primary_score(found).mean) is None:
        return ""
    return f"; {listed(rest)} alone {'has' if len(rest) == 1 else 'have'} {number(mean)}"
