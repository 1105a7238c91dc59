"""Paired tests in families that are declared before any score is seen; Holm's correction within each family.

control   every learner on every subset against each control
fusion    for every learner: all modalities together against each one alone
learners  the best subset of each learner against that of each other learner
The last family compares winners that were picked by the same scores: it errs on the side of finding differences.
A difference is a − b as the scores stand; whether that is better depends on whether more or less of the metric is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from stages.contracts.candidate import Candidate
from stages.contracts.metric import Metric
from stages.evaluation.scores import Scores, Uncertainty, goodness
from stages.evaluation.statistics import holm

Pair = tuple[Candidate, Candidate]


@dataclass(frozen=True)
class Contest:
    """Who is compared: all models, which of them are controls, and the candidates, small combinations first."""

    models: Sequence[str]
    controls: Sequence[str]
    candidates: Sequence[Candidate]

    def of(self, model: str) -> list[Candidate]:
        """Return a model's candidates; none where it is not applicable."""
        return [candidate for candidate in self.candidates if candidate.model == model]

    @property
    def learners(self) -> list[str]:
        return [model for model in self.models if model not in self.controls]


def best_of(scores: Mapping[Candidate, Scores], candidates: Sequence[Candidate], metric: Metric) -> Candidate:
    """Return the candidate with the best mean; the first of equals (fewer modalities stand first)."""
    return max(candidates, key=lambda candidate: goodness(scores[candidate].mean, metric))


def families(scores: Mapping[Candidate, Scores], contest: Contest, metric: Metric) -> dict[str, list[Pair]]:
    """Return the pairs (a, b) of each family; `a` is the one expected to be better."""
    learners = [model for model in contest.learners if contest.of(model)]
    pairs: dict[str, list[Pair]] = {"control": [], "fusion": [], "learners": []}
    for control in contest.controls:
        of_control = {candidate.modalities: candidate for candidate in contest.of(control)}
        pairs["control"] += [(candidate, of_control[candidate.modalities]) for model in learners for candidate in contest.of(model)]
    largest = max(len(candidate.modalities) for candidate in contest.candidates)
    for model in learners:
        whole = [candidate for candidate in contest.of(model) if len(candidate.modalities) == largest > 1]
        pairs["fusion"] += [(a, b) for a in whole for b in contest.of(model) if len(b.modalities) == 1]
    best = [best_of(scores, contest.of(model), metric) for model in learners]
    for pair in combinations(best, 2):
        a = best_of(scores, pair, metric)
        pairs["learners"].append((a, pair[1] if a == pair[0] else pair[0]))
    return {family: members for family, members in pairs.items() if members}


def compare(scores: Mapping[Candidate, Scores], contest: Contest, *, metric: Metric, uncertainty: Uncertainty) -> list[dict[str, Any]]:
    """Return every test: difference a − b, its interval, p, Holm's p within its family, and the verdict on a."""
    found: list[dict[str, Any]] = []
    for family, pairs in families(scores, contest, metric).items():
        differences = [uncertainty.difference(scores[a], scores[b]) for a, b in pairs]
        for (a, b), difference, corrected in zip(pairs, differences, holm([d.p for d in differences]), strict=True):
            found.append({
                "family": family,
                "metric": metric.name,
                "a": {"model": a.model, "subset": a.combination},
                "b": {"model": b.model, "subset": b.combination},
                **asdict(difference),
                "p_corrected": corrected,
                "verdict": verdict(difference.difference if metric.greater_is_better else -difference.difference, corrected,
                                   uncertainty.confidence),
            })
    return found


def verdict(gain: float, corrected: float, confidence: float) -> str:
    """Return what a test supports of a, which is ahead of b by `gain`: "better", "worse", or "not shown", which is not "equal"."""
    shown = corrected < 1 - confidence  # not so for NaN
    return "better" if shown and gain > 0 else "worse" if shown and gain < 0 else "not shown"
