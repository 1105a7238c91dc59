"""Paired tests in families that are declared before any score is seen; Holm's correction within each family.

baseline  every learner on every modality combination against each baseline, on the same combination if the baseline has it, else on none
fusion    for every learner: all modalities together, in each way of fusing, against each one alone
learners  the best candidate of each learner against that of each other learner
The last family compares winners that were picked by the same scores: it errs on the side of finding differences.
A difference is a − b as the scores stand; whether that is better depends on whether more or less of the metric is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from stages.contracts.candidate import Candidate
from stages.contracts.documents.results_document import Comparison, Family, Verdict
from stages.contracts.metric import Metric
from stages.evaluation.scores import MetricScores, Uncertainty, goodness
from stages.evaluation.statistics import holm

Pair = tuple[Candidate, Candidate]


@dataclass(frozen=True)
class Contest:
    """What is compared: all models, which of them are baselines, and the candidates, small combinations first."""

    models: Sequence[str]
    baselines: Sequence[str]
    candidates: Sequence[Candidate]

    def of(self, model: str) -> list[Candidate]:
        """Return a model's candidates; none where it is not applicable."""
        return [candidate for candidate in self.candidates if candidate.model == model]

    @property
    def learners(self) -> list[str]:
        return [model for model in self.models if model not in self.baselines]


def best_of(scores: Mapping[Candidate, MetricScores], candidates: Sequence[Candidate], metric: Metric) -> Candidate:
    """Return the candidate with the best mean; the first of equals (fewer modalities stand first)."""
    return max(candidates, key=lambda candidate: goodness(scores[candidate].mean, metric))


def families(scores: Mapping[Candidate, MetricScores], contest: Contest, metric: Metric) -> dict[Family, list[Pair]]:
    """Return the pairs (a, b) of each family; `a` is the one expected to be better."""
    learners = [model for model in contest.learners if contest.of(model)]
    pairs: dict[Family, list[Pair]] = {"baseline": [], "fusion": [], "learners": []}
    for baseline in contest.baselines:
        on_same = {candidate.modalities: candidate for candidate in contest.of(baseline)}
        rivals = [(candidate, on_same.get(candidate.modalities, on_same.get(()))) for model in learners for candidate in contest.of(model)]
        pairs["baseline"] += [(candidate, rival) for candidate, rival in rivals if rival is not None]
    largest = max(len(candidate.modalities) for candidate in contest.candidates)
    for model in learners:
        whole = [candidate for candidate in contest.of(model) if len(candidate.modalities) == largest > 1]
        pairs["fusion"] += [(a, b) for a in whole for b in contest.of(model) if len(b.modalities) == 1]
    best = [best_of(scores, contest.of(model), metric) for model in learners]
    for pair in combinations(best, 2):
        a = best_of(scores, pair, metric)
        pairs["learners"].append((a, pair[1] if a == pair[0] else pair[0]))
    return {family: members for family, members in pairs.items() if members}


def compare(
    scores: Mapping[Candidate, MetricScores], contest: Contest, *, metric: Metric, uncertainty: Uncertainty
) -> tuple[Comparison, ...]:
    """Return every test: difference a − b, its interval, p, Holm's p within its family, and the verdict on a."""
    found: list[Comparison] = []
    for family, pairs in families(scores, contest, metric).items():
        differences = [uncertainty.difference(scores[a], scores[b]) for a, b in pairs]
        for (a, b), difference, corrected in zip(pairs, differences, holm([d.p for d in differences]), strict=True):
            gain = difference.difference if metric.greater_is_better else -difference.difference
            found.append(Comparison(family=family, metric=metric.name, a=a, b=b, **asdict(difference), p_corrected=corrected,
                                    verdict=verdict(gain, corrected, uncertainty.confidence)))
    return tuple(found)


def verdict(gain: float, corrected: float, confidence: float) -> Verdict:
    """Return what a test supports of a, which is ahead of b by `gain`: "better", "worse", or "not shown", which is not "equal"."""
    shown = corrected < 1 - confidence  # not so for NaN
    return "better" if shown and gain > 0 else "worse" if shown and gain < 0 else "not shown"
