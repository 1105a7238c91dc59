"""Sentences on what the paired tests support, and nothing more.

"Better" and "worse" are only said of a comparison that stays significant after Holm's correction, by folds and by rows; "equal in practice"
where the difference is probably within the region of practical equivalence. Everything else is "not shown", with the smallest difference
that would have been shown.
"""

from collections.abc import Sequence

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import Comparison, Results
from stages.reporting.formatting import (
    SPACE,
    baseline_name,
    candidate_name,
    combination_name,
    interval,
    level_name,
    listed,
    model_name,
    number,
    p_value,
    signed,
)


def findings(evaluation: Evaluation) -> list[str]:
    """Return the findings of one data set, the one about fusion first."""
    sentences = [fusion_finding(evaluation), sufficient_finding(evaluation), baseline_finding(evaluation), learner_finding(evaluation)]
    return [sentence for sentence in sentences if sentence]


def fusion_finding(evaluation: Results) -> str:
    """Return whether all modalities together beat each one alone, and for which learners."""
    tests = evaluation.family("fusion")
    if not tests:
        return ""
    learners = list(dict.fromkeys(_fused_name(test.a, evaluation) for test in tests))
    singles = list(dict.fromkeys(combination_name(test.b, evaluation) for test in tests))
    helped: dict[str, list[str]] = {single: [] for single in singles}
    for test in tests:
        if test.verdict == "better":
            helped[combination_name(test.b, evaluation)].append(_fused_name(test.a, evaluation))
    both = [learner for learner in learners if all(learner in helped[single] for single in singles)]
    fused = f"Fusing {listed(evaluation.modalities)}"
    harm = _equal(tests, evaluation) + "".join(_harm(test, evaluation) for test in tests if test.verdict == "worse")
    if both:
        rest = [learner for learner in learners if learner not in both]
        tail = f" For {listed(rest)} this is not shown." if rest else ""
        of_both = [test for test in tests if _fused_name(test.a, evaluation) in both]
        return f"{fused} beats each modality alone{_for(both, learners)}, by {_gains(of_both, evaluation)}.{tail}{harm}"
    parts = [f"beats {single} alone{_for(names, learners)}" for single, names in helped.items() if names]
    missing = [single for single, names in helped.items() if not names]
    if not parts:
        what = f"No gain from fusing {listed(evaluation.modalities)} over {listed(singles, 'or')} alone is shown"
        return f"{what}{_would_show(tests, evaluation)}.{harm}"
    every = "both" if len(singles) == 2 else "all of them"
    gain = (f"; a gain over {listed(missing, 'or')} alone is not shown for any learner" if missing
            else f"; a gain over {every} is not shown for any one learner")
    return f"{fused} {listed(parts)}{gain}.{harm}"


def baseline_finding(evaluation: Evaluation) -> str:
    """Return how many of the learners, on how many modality combinations, beat the baseline."""
    tests = evaluation.family("baseline")
    if not tests:
        return ""
    baseline = baseline_name(evaluation)
    failed = [candidate_name(test.a, evaluation) for test in tests if test.verdict != "better"]
    if not failed:
        who = "Every learner" if len({test.a.model for test in tests}) > 1 else model_name(tests[0].a.model)
        where = " on every modality combination" if len(evaluation.combinations) > 1 else ""
        count = f" ({len(tests)} of {len(tests)} tests)" if len(tests) > 1 else ""
        return f"{who} beats {baseline}{where}{count}, by {_gains(tests, evaluation)}."
    worse = list(dict.fromkeys(candidate_name(test.a, evaluation) for test in tests if test.verdict == "worse"))
    harm = f" Worse than {baseline}: {listed(worse)}." if worse else ""
    if len(failed) == len(tests):
        return f"No learner is shown to beat {baseline}.{harm}"
    listing = listed(list(dict.fromkeys(failed)))
    return f"{len(tests) - len(failed)} of {len(tests)} learners × modality combinations beat {baseline}; not shown for {listing}.{harm}"


def learner_finding(evaluation: Evaluation) -> str:
    """Return the best mean and whether its lead over the other learners' best is shown; or that a baseline has the best mean."""
    best, metric = evaluation.best, evaluation.primary
    score = evaluation.primary_score(evaluation.result(best))
    mean = "" if evaluation.is_one_split else "mean "
    if score.mean is None:
        return f"The {mean}{metric.title} is undefined for every learner."
    if best.model in evaluation.baselines:
        return (f"No learner's {mean}{metric.title} is {'above' if metric.greater_is_better else 'below'} "
                f"{number(score.mean)}, that of {baseline_name(evaluation)}.")
    extreme = "highest" if metric.greater_is_better else "lowest"
    shown = number(score.mean) + (f" ({level_name(evaluation)} interval {interval(score.lo, score.hi)})" if score.lo is not None else "")
    start = f"{candidate_name(best, evaluation)} has the {extreme} {mean}{metric.title}, {_corrected(evaluation)}{shown}"
    rivals = [test for test in evaluation.family("learners") if test.a == best]
    beaten = [test.b.model for test in rivals if test.verdict == "better"]
    open_ = [test.b.model for test in rivals if test.verdict != "better"]
    parts = []
    if beaten:
        parts.append(f"its lead over the best {_models(beaten)} is shown")
    if open_:
        lead = f"that over the best {_models(open_)} is not" if beaten else f"its lead over the best {_models(open_)} is not shown"
        parts.append(lead + _would_show([test for test in rivals if test.verdict != "better"], evaluation))
    return f"{start}; {', '.join(parts)}." if parts else f"{start}."


def verdict(evaluation: Results) -> str:
    """Return the fusion verdict in a few words, for the summary table."""
    tests = evaluation.family("fusion")
    if not tests:
        return "one modality"
    learners = list(dict.fromkeys(_fused_name(test.a, evaluation) for test in tests))
    failed = {_fused_name(test.a, evaluation) for test in tests if test.verdict != "better"}
    both = [learner for learner in learners if learner not in failed]
    if not both:
        return "not shown to beat each modality alone"
    return f"beats each modality alone{_for(both, learners)}"


def sufficient_finding(evaluation: Evaluation) -> str:
    """Return the smallest modality combination that is not shown to be worse than the best one of the best learner."""
    learner = evaluation.best_of(evaluation.learners)
    tests = [] if learner is None else [test for test in evaluation.family("sufficient") if test.a == learner.candidate]
    if not tests or len(tests[0].a.modalities) == 1:
        return ""
    top = tests[0].a
    unbeaten = [test for test in tests if test.verdict != "better" and len(test.b.modalities) < len(top.modalities)]
    if not unbeaten:
        worse = [test for test in tests if test.verdict == "better"]
        return (f"For {model_name(top.model)} no smaller modality combination suffices: {combination_name(top, evaluation)} is better than "
                f"each, by {_gains(worse, evaluation)}.")
    ranks = {found.candidate: found.rank for found in evaluation.candidates}
    test = min(unbeaten, key=lambda test: (len(test.b.modalities), ranks[test.b]))
    smaller, whole, learner_name = combination_name(test.b, evaluation), combination_name(top, evaluation), model_name(top.model)
    if test.verdict == "equal":
        return f"{smaller} suffices for {learner_name}: {whole} is equal in practice (within ±{number(evaluation.rope)})."
    return (f"{smaller} is the smallest modality combination that is not shown to be worse than {whole} for "
            f"{learner_name}{_would_show([test], evaluation)}.")


def gain(test: Comparison, evaluation: Results) -> float | None:
    """Return by how much a is better than b: the difference, with its sign turned where less is better."""
    if test.difference is None:
        return None
    return test.difference if evaluation.metric(test.metric).greater_is_better else -test.difference


def _gains(tests: Sequence[Comparison], evaluation: Results) -> str:
    """Return "+0.033" or "+0.033 to +0.120"."""
    gains = sorted(found for test in tests if (found := gain(test, evaluation)) is not None)
    ends = list(dict.fromkeys(signed(end) for end in (gains[0], gains[-1]))) if gains else ["nothing known"]
    return " to ".join(ends)


def _would_show(tests: Sequence[Comparison], evaluation: Results) -> str:
    """Return " (+0.012; 0.035 would have been shown with 80 %)", of the least sensitive of the tests; "" where nothing is known."""
    detectable = [test.detectable for test in tests if test.detectable is not None]
    if not detectable:
        return ""
    return f" ({_gains(tests, evaluation)}; {number(max(detectable))} would have been shown with 80{SPACE}%)"


def _equal(tests: Sequence[Comparison], evaluation: Results) -> str:
    same = [test for test in tests if test.verdict == "equal"]
    equal = [f"{combination_name(test.b, evaluation)} alone for {_fused_name(test.a, evaluation)}" for test in same]
    unit = "" if evaluation.primary.greater_is_better else " of the score"
    return f" It is equal in practice (within ±{number(evaluation.rope)}{unit}) to {listed(equal)}." if equal else ""


def _corrected(evaluation: Evaluation) -> str:
    """Return the best score without what choosing it by that score adds: "0.709 when corrected for being the best of 28, as it stands "."""
    best, bias = evaluation.result(evaluation.best), evaluation.choice_bias
    n = sum(found.model in evaluation.learners for found in evaluation.candidates)
    mean = evaluation.primary_score(best).mean
    if bias is None or mean is None or n < 2:
        return ""
    fair = mean - bias if evaluation.primary.greater_is_better else mean + bias
    return f"{number(fair)} when corrected for being the best of {n}, as it stands "


def _fused_name(candidate: Candidate, evaluation: Results) -> str:
    """Return "SVM", or "SVM (late)" where several ways of fusing are compared."""
    return model_name(candidate.model) + (f" ({candidate.fusion})" if evaluation.names_fusion(candidate) else "")


def _harm(test: Comparison, evaluation: Results) -> str:
    evidence = f"{signed(test.difference)}, corrected p {p_value(test.p_corrected)}"
    return f" It is worse than {combination_name(test.b, evaluation)} alone for {_fused_name(test.a, evaluation)} ({evidence})."


def _models(models: Sequence[str]) -> str:
    return listed([model_name(model) for model in models])


def _for(names: Sequence[str], all_names: Sequence[str]) -> str:
    return " for every learner" if len(names) == len(all_names) > 1 else f" for {listed(names)}"
