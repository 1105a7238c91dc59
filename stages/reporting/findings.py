"""Sentences on what the paired tests support, and nothing more.

"Better" and "worse" are only said of a comparison that stays significant after Holm's correction, by folds and by rows; "equal in practice"
where the difference is probably within the region of practical equivalence. Everything else is "not shown", with the smallest difference
that would have been shown.
"""

import math
from collections.abc import Mapping, Sequence

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import Comparison, Results
from stages.reporting.doubts import boosting_finding, edge_finding, gap_findings, isotonic_finding, leak_finding
from stages.reporting.formatting import (
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
    way_name,
)
from stages.reporting.gains import gain, gains, would_show
from stages.reporting.growth_sentences import growth_findings
from stages.reporting.reliability_sentences import reliability_finding
from stages.reporting.robustness_sentences import missing_findings
from stages.reporting.together import added_finding, incomplete_finding, ways_finding

MOST_TWINS = 3  # that are named


def findings(evaluation: Evaluation) -> list[str]:
    """Return the findings of one data set: first what makes its scores doubtful, then fusion, baselines, learners, their
    probabilities, grids, more rows.
    """
    sentences = [leak_finding(evaluation), *gap_findings(evaluation), boosting_finding(evaluation),
                 fusion_finding(evaluation), incomplete_finding(evaluation),
                 added_finding(evaluation), ways_finding(evaluation), *missing_findings(evaluation),
                 sufficient_finding(evaluation), baseline_finding(evaluation), learner_finding(evaluation), reliability_finding(evaluation),
                 isotonic_finding(evaluation), edge_finding(evaluation), *growth_findings(evaluation)]  # fmt: skip
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
        return f"{fused} beats each modality alone{_for(both, learners)}, by {gains(of_both, evaluation)}.{tail}{harm}"
    parts = [f"beats {single} alone{_for(names, learners)}" for single, names in helped.items() if names]
    missing = [single for single, names in helped.items() if not names]
    if not parts:
        what = f"No gain from fusing {listed(evaluation.modalities)} over {listed(singles, 'or')} alone is shown"
        return f"{what}{would_show(tests, evaluation)}.{harm}"
    every = "both" if len(singles) == 2 else "all of them"
    gain = (f"; a gain over {listed(missing, 'or')} alone is not shown for any learner" if missing
            else f"; a gain over {every} is not shown for any one learner")
    return f"{fused} {listed(parts)}{gain}.{harm}"


def baseline_finding(evaluation: Evaluation) -> str:
    """Return how many of the learners, on how many modality combinations, beat every baseline: the strongest counts."""
    against: dict[Candidate, list[Comparison]] = {}
    for test in evaluation.family("baseline"):
        against.setdefault(test.a, []).append(test)
    if not against:
        return ""
    baseline = baseline_name(evaluation)
    several = any(len(tests) > 1 for tests in against.values())
    weakest = [min(tests, key=lambda test: gain(test, evaluation) or 0.0) for tests in against.values()]
    failed = [a for a, tests in against.items() if any(test.verdict != "better" for test in tests)]
    if not failed:
        who = "Every learner" if len({a.model for a in against}) > 1 else model_name(next(iter(against)).model)
        where = " on every modality combination" if len(evaluation.combinations) > 1 else ""
        count = f" ({len(against)} of {len(against)})" if len(against) > 1 else ""
        strongest = " over the strongest" if several else ""
        return f"{who} beats {baseline}{where}{count}, by {gains(weakest, evaluation)}{strongest}."
    harm = _worse_than_baselines(against, evaluation)
    if len(failed) == len(against):
        strongest_one = evaluation.best_of(evaluation.baselines) if several else None
        name = f"the strongest baseline, {model_name(strongest_one.model, evaluation.form)}" if strongest_one else baseline
        return f"No learner is shown to beat {name}{would_show([t for t in weakest if t.verdict != 'better'], evaluation)}.{harm}"
    listing = listed([candidate_name(a, evaluation) for a in failed])
    counts = f"{len(against) - len(failed)} of {len(against)} learners × modality combinations"
    return f"{counts} beat {baseline}; not shown for {listing}.{harm}"


def _worse_than_baselines(against: Mapping[Candidate, Sequence[Comparison]], evaluation: Evaluation) -> str:
    """Return which candidates are worse than which baseline."""
    by_baseline: dict[str, list[str]] = {}
    for a, tests in against.items():
        for test in tests:
            if test.verdict == "worse":
                by_baseline.setdefault(test.b.model, []).append(candidate_name(a, evaluation))
    named = {model_name(model, evaluation.form): listed(names) for model, names in by_baseline.items()}
    return "".join(f" Worse than the {baseline} baseline: {names}." for baseline, names in named.items())


def learner_finding(evaluation: Evaluation) -> str:
    """Return the best mean and whether its lead over the other learners' best is shown; or that a baseline has the best mean."""
    best, metric = evaluation.best, evaluation.primary
    score = evaluation.primary_score(evaluation.result(best))
    mean = "" if evaluation.is_one_split else "mean "
    if score.mean is None:
        return f"The {mean}{metric.title} is undefined for every learner."
    if best.model in evaluation.baselines:
        return (f"No learner's {mean}{metric.title} is {'above' if metric.greater_is_better else 'below'} "
                f"{number(score.mean)}, that of the {model_name(best.model, evaluation.form)} baseline.")
    extreme = "highest" if metric.greater_is_better else "lowest"
    shown = number(score.mean) + (f" ({level_name(evaluation)} interval {interval(score.lo, score.hi)})" if score.lo is not None else "")
    subject = f"{candidate_name(best, evaluation)} has the {extreme} {mean}{metric.title}{_shared(evaluation)}"
    start = f"{subject}, {_corrected(evaluation)}{shown}"
    rivals = [test for test in evaluation.family("learners") if test.a == best]
    beaten = [test.b.model for test in rivals if test.verdict == "better"]
    equal = [test.b.model for test in rivals if test.verdict == "equal"]
    open_ = [test.b.model for test in rivals if test.verdict not in ("better", "equal")]
    parts = []
    if beaten:
        parts.append(f"its lead over the best {_models(beaten)} is shown")
    if open_:
        lead = f"that over the best {_models(open_)} is not" if beaten else f"its lead over the best {_models(open_)} is not shown"
        parts.append(lead + would_show([test for test in rivals if test.b.model in open_], evaluation))
    if equal:
        parts.append(f"it is equal in practice (within ±{number(evaluation.rope)}{_unit(evaluation)}) to the best {_models(equal)}")
    return f"{start}; {', '.join(parts)}." if parts else f"{start}."


def verdict(evaluation: Results) -> str:
    """Return the fusion verdict in a few words, for the summary table."""
    tests = evaluation.family("fusion")
    if not tests:
        return "one modality" if len(evaluation.modalities) == 1 else "not trained on all together"
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
                f"each, by {gains(worse, evaluation)}.")
    ranks = {found.candidate: found.rank for found in evaluation.candidates}
    test = min(unbeaten, key=lambda test: (len(test.b.modalities), ranks[test.b]))
    smaller, whole, learner_name = combination_name(test.b, evaluation), combination_name(top, evaluation), model_name(top.model)
    if test.verdict == "equal":
        return f"{smaller} suffices for {learner_name}: {whole} is equal in practice (within ±{number(evaluation.rope)})."
    return (f"{smaller} is the smallest modality combination that is not shown to be worse than {whole} for "
            f"{learner_name}{would_show([test], evaluation)}.")


def _equal(tests: Sequence[Comparison], evaluation: Results) -> str:
    same = [test for test in tests if test.verdict == "equal"]
    equal = [f"{combination_name(test.b, evaluation)} alone for {_fused_name(test.a, evaluation)}" for test in same]
    return f" It is equal in practice (within ±{number(evaluation.rope)}{_unit(evaluation)}) to {listed(equal)}." if equal else ""


def _unit(evaluation: Results) -> str:
    """Return what the region of practical equivalence is a share of, where it is one."""
    return "" if evaluation.primary.greater_is_better else " of the score"


def _shared(evaluation: Evaluation) -> str:
    """Return ", shared with MLP · image and SVM · image" where others have the mean of the best: nobody leads there."""
    mean = evaluation.primary_score(evaluation.result(evaluation.best)).mean
    scored = [(found, evaluation.primary_score(found).mean) for found in evaluation.ranked() if found.model not in evaluation.diagnostics]
    twins = [candidate_name(found.candidate, evaluation) for found, other in scored
             if found.candidate != evaluation.best and mean is not None and other is not None and math.isclose(mean, other)]
    if not twins:
        return ""
    return f", shared with {listed(twins) if len(twins) <= MOST_TWINS else f'{len(twins)} more'}"


def _corrected(evaluation: Evaluation) -> str:
    """Return the best score without what choosing it by that score adds: "0.709 when corrected for being the best of 28, as it stands "."""
    best, bias = evaluation.result(evaluation.best), evaluation.choice_bias
    n = sum(found.model in evaluation.learners for found in evaluation.ranked())
    mean = evaluation.primary_score(best).mean
    if bias is None or mean is None or n < 2:
        return ""
    fair = mean - bias if evaluation.primary.greater_is_better else mean + bias
    return f"{number(fair)} when corrected for being the best of {n}, as it stands "


def _fused_name(candidate: Candidate, evaluation: Results) -> str:
    """Return "SVM", or "SVM (late)" where several ways of fusing are compared."""
    return model_name(candidate.model) + (f" ({way_name(candidate.fusion)})" if evaluation.names_fusion(candidate) else "")


def _harm(test: Comparison, evaluation: Results) -> str:
    evidence = f"{signed(test.difference)}, corrected p {p_value(test.p_corrected)}"
    return f" It is worse than {combination_name(test.b, evaluation)} alone for {_fused_name(test.a, evaluation)} ({evidence})."


def _models(models: Sequence[str]) -> str:
    return listed([model_name(model) for model in models])


def _for(names: Sequence[str], all_names: Sequence[str]) -> str:
    return " for every learner" if len(names) == len(all_names) > 1 else f" for {listed(names)}"
