"""What each modality brings: exact Shapley values of a learner's scores over all subsets of the modalities, and pairwise interactions.

The value of a subset is the score of the learner on it, in the way of fusing that was chosen on the inner folds; of no modality it is the
score of the baseline that sees none. Both quantities are sums of scores with fixed coefficients, so they are tested as differences of two
scores are: of those with a positive and those with a negative coefficient, on the same folds and rows.

Source: Shapley 1953, Contributions to the Theory of Games 2, 307; Grabisch & Roubens 1999, Int. J. Game Theory 28, 547 (interaction index).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np

from stages.contracts.candidate import MOST_MODALITIES, Candidate
from stages.contracts.documents.modality_shares import Contributions, Share
from stages.contracts.metric import Metric
from stages.evaluation.comparisons import Contest, Evidence, difference_of, verdict
from stages.evaluation.scores import MetricScores

NONE = "constant"  # the control whose score is that of no modality

Subset = tuple[str, ...]
Coefficients = Mapping[Subset, float]


def subsets(modalities: Sequence[str]) -> list[Subset]:
    """Return every subset, the empty one first."""
    return [subset for size in range(len(modalities) + 1) for subset in combinations(modalities, size)]


def shapley_coefficients(modality: str, modalities: Sequence[str]) -> dict[Subset, float]:
    """Return by which coefficient each subset's value enters a modality's Shapley value: |S|! (n − |S| − 1)! / n! of what it adds to S."""
    n, found = len(modalities), dict[Subset, float]()
    for subset in subsets([name for name in modalities if name != modality]):
        share = factorial(len(subset)) * factorial(n - len(subset) - 1) / factorial(n)
        found[_joined(modalities, subset, modality)] = share
        found[subset] = -share
    return found


def interaction_coefficients(pair: tuple[str, str], modalities: Sequence[str]) -> dict[Subset, float]:
    """Return the coefficients of two modalities' Shapley interaction index: of what they add to S together beyond what each adds."""
    n, found = len(modalities), dict[Subset, float]()
    for subset in subsets([name for name in modalities if name not in pair]):
        share = factorial(len(subset)) * factorial(n - len(subset) - 2) / factorial(n - 1)
        found[_joined(modalities, subset, *pair)] = share
        found |= {_joined(modalities, subset, name): -share for name in pair}
        found[subset] = share
    return found


def _joined(modalities: Sequence[str], subset: Subset, *more: str) -> Subset:
    return tuple(name for name in modalities if name in subset or name in more)


def on_every_metric(
    evidence: Evidence, others: Mapping[str, Mapping[Candidate, MetricScores]], metrics: Mapping[str, Metric], contest: Contest,
    modalities: Sequence[str],
) -> tuple[Contributions, ...]:  # fmt: skip
    """Return what each modality brings on the metric that ranks, then on the others; each metric has its own correction.

    Args:
        others: scores of the candidates by the name of each other metric.
    """
    by_metric = [evidence, *(replace(evidence, scores=scores, metric=metrics[name]) for name, scores in others.items())]
    return tuple(found for of_one in by_metric for found in contributions(of_one, contest, modalities))


def contributions(evidence: Evidence, contest: Contest, modalities: Sequence[str]) -> tuple[Contributions, ...]:
    """Return what each modality brings to every learner that was trained on all subsets; none of one modality or of more than six."""
    none = Candidate(NONE, ())
    if not 1 < len(modalities) <= MOST_MODALITIES or none not in evidence.scores:
        return ()
    found = []
    for model in contest.learners:
        of_subsets = {candidate.modalities: candidate for candidate in contest.of(model)} | {(): none}
        if set(of_subsets) >= set(subsets(modalities)):
            scores = {subset: evidence.scores[of_subsets[subset]] for subset in subsets(modalities)}
            found.append(Contributions(
                model=model, metric=evidence.metric.name, none_is=NONE, none=scores[()].mean, all=scores[tuple(modalities)].mean,
                shares=_tested({(name,): shapley_coefficients(name, modalities) for name in modalities}, scores, evidence),
                interactions=_tested({pair: interaction_coefficients(pair, modalities) for pair in combinations(modalities, 2)}, scores,
                                     evidence)))  # fmt: skip
    return tuple(found)


def why_none(modalities: Sequence[str], trained: Collection[Subset], controls: Collection[str]) -> str | None:
    """Return why there are no Shapley values of several modalities; None if there are, or of one modality.

    Args:
        trained: the combinations.
    """
    n = len(modalities)
    if n < 2:
        return None
    if n > MOST_MODALITIES:
        return f"there are {n} modalities, and they are computed for at most {MOST_MODALITIES}"
    missing = [subset for subset in subsets(modalities) if subset and subset not in trained]
    if missing:
        some = ", ".join("+".join(subset) for subset in missing[:3])
        return f"{len(missing)} of {2**n - 1} modality combinations were not trained ({some}{', …' if len(missing) > 3 else ''})"
    return None if NONE in controls else f"the control {NONE}, whose score is that of no modality, is not on"


def _tested(wanted: Mapping[Subset, Coefficients], scores: Mapping[Subset, MetricScores], evidence: Evidence) -> tuple[Share, ...]:
    """Return sums of scores with their tests; intervals and corrected p hold for all of them together (Bonferroni)."""
    together = replace(evidence.design, confidence=1 - (1 - evidence.design.confidence) / len(wanted))
    differences = []
    for coefficients in wanted.values():
        gained, lost = ({subset: abs(c) for subset, c in coefficients.items() if (c > 0) == sign} for sign in (True, False))
        differences.append(difference_of(_sum_of(scores, gained), _sum_of(scores, lost), together))
    # as the intervals: by Holm's a value could be shown whose interval holds 0
    corrected = [float(np.minimum(1.0, found.p * len(wanted))) for found in differences]
    sign = 1 if evidence.metric.greater_is_better else -1
    return tuple(
        Share(modalities=of, value=found.difference, lo=found.lo, hi=found.hi, p=found.p, p_corrected=p,
              verdict=verdict(sign * found.difference, p, None, evidence.design.confidence))
        for of, found, p in zip(wanted, differences, corrected, strict=True)
    )  # fmt: skip


def _sum_of(scores: Mapping[Subset, MetricScores], coefficients: Coefficients) -> MetricScores:
    """Return Σ coefficient · score, by folds and by rows."""
    folds, values = (np.sum([c * getattr(scores[subset], name) for subset, c in coefficients.items()], axis=0)
                     for name in ("folds", "values"))  # fmt: skip
    return MetricScores(folds, values)
