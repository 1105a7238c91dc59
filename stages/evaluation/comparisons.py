"""Paired tests in families that are declared before any score is seen; Holm's correction within each family.

baseline      every learner on every modality combination against a baseline, on the same combination if it has one, else on none; a family
              for each baseline
fusion        for every learner: all modalities together against each one alone
ways          for every learner: all modalities in the way of fusing that was chosen on the inner folds against equal weights
left_out      for every learner, from three modalities on: all modalities against all but one
sufficient    for every learner: its best modality combination against each of its others
learners      the best candidate of each learner against that of each other learner
boosting      the control `gradient_boosting`, if it is on, against the best candidate of each learner
Of several ways of fusing only the chosen one stands for its combination. The last three families compare winners that were picked by the
same scores: they err on the side of finding differences.
A difference is a − b as the scores stand; whether that is better depends on whether more or less of the metric is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import lcm

import numpy as np

from stages.contracts.candidate import EARLY, Candidate
from stages.contracts.documents.results_document import Comparison, Family, PracticalProbabilities, Verdict
from stages.contracts.metric import Metric
from stages.evaluation.design import Design
from stages.evaluation.scores import MetricScores, goodness, has_intervals
from stages.evaluation.statistics import Difference, Posterior, detectable_difference, holm, paired_difference, posterior

Pair = tuple[Candidate, Candidate]
BOOSTING = "gradient_boosting"  # the one control that is no baseline and is compared with learners
LOSS_ROUNDING = 1e-9  # of a row's loss: a mean over repeats and seeds is rounded, and equal losses are a tie


@dataclass(frozen=True)
class Contest:
    """What is compared: all models, which of them are baselines, and the candidates, small combinations first.

    equal_weights: of learners, the candidates whose blocks are fused with equal weights where another way was chosen.
    """

    models: Sequence[str]
    baselines: Sequence[str]
    candidates: Sequence[Candidate]
    equal_weights: Sequence[Candidate] = ()

    @classmethod
    def between(cls, models: Sequence[str], baselines: Sequence[str], candidates: Collection[Candidate]) -> "Contest":
        """Return the contest of candidates, of which the ways of fusing that were not chosen are left out."""
        compared = [candidate for candidate in candidates if candidate.is_compared(candidates)]
        equal = [candidate for candidate in candidates if candidate.fusion == EARLY and candidate not in compared]
        return cls(models, baselines, compared, equal)

    def of(self, model: str) -> list[Candidate]:
        """Return a model's candidates; none where it is not applicable."""
        return [candidate for candidate in self.candidates if candidate.model == model]

    @property
    def learners(self) -> list[str]:
        return [model for model in self.models if model not in self.baselines]


@dataclass(frozen=True)
class Evidence:
    """What is known of the candidates on the metric that ranks.

    losses: float64 (n_rows,) of each, how wrong it is on each tested row (mean over repeats and seeds). rope: half the width of what counts
    as equal.
    """

    scores: Mapping[Candidate, MetricScores]
    losses: Mapping[Candidate, np.ndarray]
    metric: Metric
    design: Design
    rope: float

    def rope_of(self, b: Candidate) -> float:
        """Return the region of practical equivalence to b, in the metric's unit."""
        return practical_region(self.rope, self.metric, self.scores[b].mean)


def practical_region(rope: float, metric: Metric, score: float) -> float:
    """Return half the width of what counts as equal to a score: `rope`, of errors without an upper bound a share of the score."""
    return rope if np.isfinite(metric.bounds[1]) else rope * abs(score)


def best_of(scores: Mapping[Candidate, MetricScores], candidates: Sequence[Candidate], metric: Metric) -> Candidate:
    """Return the candidate with the best mean; the first of equals (fewer modalities stand first)."""
    return max(candidates, key=lambda candidate: goodness(scores[candidate].mean, metric))


def families(scores: Mapping[Candidate, MetricScores], contest: Contest, metric: Metric) -> dict[Family, list[Pair]]:
    """Return the pairs (a, b) of each family; `a` is the one expected to be better."""
    learners = [model for model in contest.learners if contest.of(model)]
    pairs: dict[Family, list[Pair]] = {"baseline": [], "fusion": [], "ways": [], "left_out": [], "sufficient": [], "learners": [],
                                       "boosting": []}  # fmt: skip
    for baseline in contest.baselines:
        on_same = {candidate.modalities: candidate for candidate in contest.of(baseline)}
        rivals = [(candidate, on_same.get(candidate.modalities, on_same.get(()))) for model in learners for candidate in contest.of(model)]
        pairs["baseline"] += [(candidate, rival) for candidate, rival in rivals if rival is not None]
    largest = len({name for candidate in contest.candidates for name in candidate.modalities})  # all of them, if they were trained
    for model in learners:
        mine = contest.of(model)
        whole = [candidate for candidate in mine if len(candidate.modalities) == largest > 1]
        pairs["fusion"] += [(a, b) for a in whole for b in mine if len(b.modalities) == 1]
        pairs["ways"] += [(a, b) for a in whole for b in contest.equal_weights if (b.model, b.modalities) == (model, a.modalities)]
        pairs["left_out"] += [(a, b) for a in whole for b in mine if 1 < len(b.modalities) == largest - 1]
        top = best_of(scores, mine, metric)
        pairs["sufficient"] += [(top, other) for other in mine if other.modalities != top.modalities]
    best = [best_of(scores, contest.of(model), metric) for model in learners]
    for pair in combinations(best, 2):
        a = best_of(scores, pair, metric)
        pairs["learners"].append((a, pair[1] if a == pair[0] else pair[0]))
    pairs["boosting"] = [(reference, rival) for reference in contest.of(BOOSTING) for rival in best]
    return {family: members for family, members in pairs.items() if members}


def compare(evidence: Evidence, contest: Contest) -> tuple[Comparison, ...]:
    """Return every test: difference a − b with its evidence, p, Holm's p within its family, and the verdict on a."""
    found: list[Comparison] = []
    for family, pairs in corrected_together(families(evidence.scores, contest, evidence.metric)):
        differences = [difference_of(evidence.scores[a], evidence.scores[b], evidence.design) for a, b in pairs]
        corrected = holm([difference.p for difference in differences])
        alpha = (1 - evidence.design.confidence) / len(pairs)
        found += [
            comparison(family, pair, difference, evidence, p_corrected=p, alpha=alpha)
            for pair, difference, p in zip(pairs, differences, corrected, strict=True)
        ]
    return tuple(found)


def corrected_together(by_family: Mapping[Family, Sequence[Pair]]) -> Iterator[tuple[Family, Sequence[Pair]]]:
    """Yield the pairs that are corrected for their number together: a family, of the baselines those of one baseline.

    "Beats every baseline" needs every one of its tests, so the number of baselines needs no correction (an intersection-union test).
    """
    for family, pairs in by_family.items():
        if family != "baseline":
            yield family, pairs
            continue
        for baseline in dict.fromkeys(b.model for _, b in pairs):
            yield family, [(a, b) for a, b in pairs if b.model == baseline]


def difference_of(a: MetricScores, b: MetricScores, design: Design) -> Difference:
    """Return a pair's difference; without intervals (too few groups of one test split) nothing but the difference is known."""
    found = paired_difference((a.folds, a.values), (b.folds, b.values), design, n_seeds=lcm(a.n_seeds, b.n_seeds))
    if has_intervals(design):
        return found
    nan = float("nan")
    return replace(found, lo=nan, hi=nan, p_fold=nan, p_row=nan, spread=replace(found.spread, error=nan), row_error=nan)


def comparison(family: Family, pair: Pair, difference: Difference, evidence: Evidence, *, p_corrected: float, alpha: float) -> Comparison:
    """Return a test as it is written down. alpha: of the first step of Holm's correction, by which the detectable difference is judged."""
    a, b = pair
    better, worse = wins(evidence.losses[a], evidence.losses[b])
    upright = difference if evidence.metric.greater_is_better else replace(difference, difference=-difference.difference)
    practical = posterior(upright, evidence.rope_of(b))
    said = verdict(upright.difference, p_corrected, practical, evidence.design.confidence)
    needed = detectable_difference(difference, alpha)
    limit = evidence.metric.bounds[1] - evidence.metric.bounds[0]  # of a difference; what is beyond it cannot be
    lo, hi = (float(np.clip(end, -limit, limit)) for end in (difference.lo, difference.hi))
    detectable = needed if needed <= limit else float("nan")
    return Comparison(
        family=family, metric=evidence.metric.name, a=a, b=b, difference=difference.difference, lo=lo, hi=hi, p_fold=difference.p_fold,
        p_row=difference.p_row, p=difference.p, p_corrected=p_corrected, wins=better, losses=worse, verdict=said,
        practical=None if practical is None else PracticalProbabilities(**asdict(practical)), detectable=detectable,
        rows_needed=rows_needed(difference.difference, needed, evidence.design) if said == "not shown" else None)  # fmt: skip


def wins(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    """Return on how many rows a is closer to the truth than b, and on how many b is; ties and unknown targets count for neither."""
    return int(np.count_nonzero(a < b - LOSS_ROUNDING)), int(np.count_nonzero(b < a - LOSS_ROUNDING))


def rows_needed(difference: float, detectable: float, design: Design) -> int | None:
    """Return about how many rows would show the present difference with 80 %, were it the true one; None where nothing says so.

    A standard error falls with the square root of the rows. Rows beyond a thousand million say no more than that there is no difference.
    """
    if np.isnan(detectable) or not abs(difference) > 0:
        return None
    n = design.n_rows * (detectable / abs(difference)) ** 2
    return max(design.n_rows, round(n)) if n < 1e9 else None


def verdict(gain: float, corrected: float, practical: Posterior | None, confidence: float) -> Verdict:
    """Return what the evidence supports of a, which is ahead of b by `gain`.

    "better" or "worse" by the corrected p; "equal" where the difference lies within the region of practical equivalence with the level's
    probability; else "not shown", which is not "equal".
    """
    shown = corrected < 1 - confidence  # not so for NaN
    if shown and (gain > 0 or gain < 0):
        return "better" if gain > 0 else "worse"
    return "equal" if practical is not None and practical.equal >= confidence else "not shown"
