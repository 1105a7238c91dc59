"""What the report says of modalities together: ways of fusing, what each modality adds, Shapley values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.contracts.candidate import CHOSEN
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation
from stages.contracts.documents.modality_shares import Contributions, Share
from stages.contracts.documents.results_document import Comparison, MeanScore, MetricInfo
from stages.reporting.formatting import SPACE, candidate_name, level_name, listed, model_name, number, signed, with_interval
from stages.reporting.gains import would_show


class WayRow(NamedTuple):
    """One way of fusing all modalities. n_chosen: outer folds on which it was chosen. weights: mean over folds, in words; "": none."""

    model: str
    way: str
    score: MeanScore
    is_chosen: bool
    n_chosen: int | None
    weights: str


class ShareRow(NamedTuple):
    """A Shapley value or an interaction of a learner."""

    model: str
    share: Share


class SharesByMetric(NamedTuple):
    """A learner's Shapley values of a modality, or interactions of two, by metric; None: there is none."""

    model: str
    modalities: tuple[str, ...]
    shares: Sequence[Share | None]


def way_rows(evaluation: Evaluation) -> list[WayRow]:
    """Return every way of fusing all modalities of each learner, the chosen one first; none where only one way is declared."""
    found = []
    for whole in _wholes(evaluation):
        counts = Counter(fold.settings.get("fusion") for fold in whole.configs)
        found.append(_way_row(evaluation, whole, None))
        others = [evaluation.result(way.candidate) for way in evaluation.ways_of(whole.candidate) if way.fusion != CHOSEN]
        found += [_way_row(evaluation, way, counts.get(way.fusion, 0)) for way in others]
    return found


def _wholes(evaluation: Evaluation) -> list[CandidateResult]:
    """Return the chosen way of all modalities together, of each learner that has several ways."""
    return [found for found in evaluation.candidates if found.fusion == CHOSEN and len(found.modalities) == len(evaluation.modalities)]


def _way_row(evaluation: Evaluation, result: CandidateResult, n_chosen: int | None) -> WayRow:
    is_chosen = result.fusion == CHOSEN
    return WayRow(result.model, result.fusion, evaluation.primary_score(result), is_chosen, n_chosen, mean_weights(result))


def mean_weights(result: CandidateResult) -> str:
    """Return "text 0.65, image 0.35", the mean over outer folds of weights that were chosen on inner folds; "" of a way without."""
    found = (fold.settings.get("modality_weights") for fold in result.configs)
    chosen: list[Mapping[str, float]] = [weights for weights in found if weights]
    if not chosen:
        return ""
    means = {name: sum(weights[name] for weights in chosen) / len(chosen) for name in result.modalities}
    return ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())


def incomplete_finding(evaluation: Evaluation) -> str:
    """Return how many samples lack which modality, and the best candidate's score with and without them."""
    incomplete = evaluation.incomplete
    if incomplete is None:
        return ""
    lacking = listed([f"{n:,} lack {name}" for name, n in incomplete.absent.items()])
    best = evaluation.result(evaluation.best)
    start = f"Of {evaluation.rows.used:,} samples {lacking}; they are predicted by the modalities that they have"
    if best.complete is None:
        return f"{start}."
    score, title = best.complete[evaluation.primary.name], evaluation.primary.title
    return (f"{start}. On the {incomplete.n_complete:,} samples that have all, {candidate_name(best.candidate, evaluation)} has {title} "
            f"{with_interval(score.mean, score.lo, score.hi)}, on all samples {number(evaluation.primary_score(best).mean)}.")


def ways_finding(evaluation: Evaluation) -> str:
    """Return whether the chosen way of fusing differs from equal weights, for which learners."""
    tests = evaluation.family("ways")
    if not tests:
        return ""
    start = f"Fusing {listed(evaluation.modalities)} in the way that was chosen on the inner folds"
    parts = [f"is {verdict} than fusing with equal weights for {listed(names)}" for verdict, names in _by_verdict(tests).items()
             if verdict in ("better", "worse")]  # fmt: skip
    if not parts:
        return f"{start} is not shown to differ from fusing with equal weights for any learner{would_show(tests, evaluation)}."
    return f"{start} {listed(parts)}."


def _by_verdict(tests: Sequence[Comparison]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for test in tests:
        found.setdefault(test.verdict, []).append(f"{model_name(test.a.model)} ({signed(test.difference)})")
    return found


def added(evaluation: Evaluation, model: str) -> list[str]:
    """Return "adding text to image changes accuracy by +0.090 [0.030, 0.160]" for each modality that is left out, of one learner."""
    sentences = []
    tests = [test for test in (*evaluation.family("fusion"), *evaluation.family("left_out")) if test.a.model == model]
    for test in tests:
        new = [name for name in test.a.modalities if name not in test.b.modalities]
        if len(new) == 1:
            ends = f" [{signed(test.lo)},{SPACE}{signed(test.hi)}]" if test.lo is not None else ""
            sentences.append(f"adding {new[0]} to {listed(test.b.modalities)} changes {evaluation.primary.title} by "
                             f"{signed(test.difference)}{ends} ({test.verdict})")  # fmt: skip
    return sentences


def added_finding(evaluation: Evaluation) -> str:
    """Return what each modality adds to the others, for the best learner that fuses them."""
    best = evaluation.best_of(evaluation.learners)
    sentences = [] if best is None else added(evaluation, best.model)
    if best is None or not sentences:
        return ""
    return f"For {model_name(best.model)}, {'; '.join(sentences)}; {level_name(evaluation)} intervals."


def share_rows(evaluation: Evaluation) -> tuple[list[ShareRow], list[ShareRow]]:
    """Return the Shapley values and the interactions of every learner, on the metric that ranks."""
    ranking = contributions_on(evaluation, evaluation.primary.name)
    shares = [ShareRow(found.model, share) for found in ranking for share in found.shares]
    return shares, [ShareRow(found.model, pair) for found in ranking for pair in found.interactions]


def contributions_on(evaluation: Evaluation, metric: str) -> list[Contributions]:
    """Return what modalities bring to each learner on one metric."""
    return [found for found in evaluation.contributions if found.metric == metric]


def other_shares(evaluation: Evaluation) -> tuple[list[MetricInfo], list[SharesByMetric]]:
    """Return the metrics that do not rank and have Shapley values, and those of every learner, then its interactions, a row each."""
    known = {found.metric for found in evaluation.contributions} - {evaluation.primary.name}
    metrics = [metric for metric in evaluation.metrics if metric.name in known]
    rows: dict[tuple[str, tuple[str, ...]], dict[str, Share]] = {}
    for found in evaluation.contributions:
        for share in (*found.shares, *found.interactions):
            rows.setdefault((found.model, share.modalities), {})[found.metric] = share
    return metrics, [SharesByMetric(model, modalities, [of_one.get(metric.name) for metric in metrics])
                     for (model, modalities), of_one in rows.items() if metrics]
