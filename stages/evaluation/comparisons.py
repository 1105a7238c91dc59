"""Paired tests in families that are declared before any score is seen; Holm's correction within each family.

control   every learner on every subset against the majority control
fusion    for every learner: all modalities together against each one alone
learners  the best subset of each learner against that of each other learner
The last family compares winners that were picked by the same scores: it errs on the side of finding differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from stages.evaluation.scores import Scores, Uncertainty
from stages.evaluation.statistics import holm

CONTROL = "majority"
Candidate = tuple[str, str]  # model, subset
Pair = tuple[Candidate, Candidate]


def best_of(scores: Mapping[Candidate, Scores], candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the highest mean; the first of equals (fewer modalities stand first)."""
    return max(candidates, key=lambda candidate: float(np.nanmean(scores[candidate].folds)))


def families(scores: Mapping[Candidate, Scores], models: Sequence[str], subsets: Sequence[str]) -> dict[str, list[Pair]]:
    """Return the pairs (a, b) of each family; `a` is the one expected to be better."""
    learners = [model for model in models if model != CONTROL]
    pairs: dict[str, list[Pair]] = {"control": [], "fusion": [], "learners": []}
    if CONTROL in models:
        pairs["control"] = [((model, subset), (CONTROL, subset)) for model in learners for subset in subsets]
    if len(subsets) > 1:
        single = [subset for subset in subsets if "+" not in subset]
        pairs["fusion"] = [((model, subsets[-1]), (model, subset)) for model in learners for subset in single]
    best = [best_of(scores, [(model, subset) for subset in subsets]) for model in learners]
    for pair in combinations(best, 2):
        a = best_of(scores, pair)
        pairs["learners"].append((a, pair[1] if a == pair[0] else pair[0]))
    return {family: members for family, members in pairs.items() if members}


def compare(scores: Mapping[Candidate, Scores], *, models: Sequence[str], subsets: Sequence[str], metric: str,
            uncertainty: Uncertainty) -> list[dict[str, Any]]:
    """Return every test: difference a − b, its interval, p, Holm's p within its family, and the verdict on a."""
    found: list[dict[str, Any]] = []
    for family, pairs in families(scores, models, subsets).items():
        differences = [uncertainty.difference(scores[a], scores[b]) for a, b in pairs]
        for (a, b), difference, corrected in zip(pairs, differences, holm([d.p for d in differences]), strict=True):
            found.append({
                "family": family,
                "metric": metric,
                "a": {"model": a[0], "subset": a[1]},
                "b": {"model": b[0], "subset": b[1]},
                **asdict(difference),
                "p_corrected": corrected,
                "verdict": verdict(difference.difference, corrected, uncertainty.confidence),
            })
    return found


def verdict(difference: float, corrected: float, confidence: float) -> str:
    """Return what a test supports of a: "better", "worse", or "not shown", which is not "equal"."""
    shown = corrected < 1 - confidence  # not so for NaN
    return "better" if shown and difference > 0 else "worse" if shown and difference < 0 else "not shown"
