"""Say in words what the paired tests support, and nothing more.

"Better" and "worse" are only said of a comparison that stays significant after Holm's correction; everything else is "not shown",
which is not "equal".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.reporting.formatting import (
    candidate_name,
    control_name,
    interval,
    is_one_split,
    level_name,
    listed,
    metric_of,
    model_name,
    number,
    p_value,
    signed,
)

Evaluation = Mapping[str, Any]


def findings(evaluation: Evaluation) -> list[str]:
    """Return the findings of one data set, the one about fusion first."""
    sentences = [fusion_finding(evaluation), control_finding(evaluation), learner_finding(evaluation)]
    return [sentence for sentence in sentences if sentence]


def fusion_finding(evaluation: Evaluation) -> str:
    """Return whether all modalities together beat each one alone, and for which learners."""
    members = [c for c in evaluation["comparisons"] if c["family"] == "fusion"]
    if not members:
        return ""
    learners = list(dict.fromkeys(c["a"]["model"] for c in members))
    singles = list(dict.fromkeys(c["b"]["subset"] for c in members))
    helped = {single: [c["a"]["model"] for c in members if c["b"]["subset"] == single and c["verdict"] == "better"] for single in singles}
    both = [model for model in learners if all(model in helped[single] for single in singles)]
    fused = f"Fusing {listed(evaluation['modalities'])}"
    hurt = [c for c in members if c["verdict"] == "worse"]
    harm = "".join(f" It is worse than {c['b']['subset']} alone for {model_name(c['a']['model'])} ({_evidence(c)})." for c in hurt)
    if both:
        rest = [model for model in learners if model not in both]
        tail = f" For {_models(rest)} this is not shown." if rest else ""
        return f"{fused} beats each modality alone{_for(both, learners)}.{tail}{harm}"
    parts = [f"beats {single} alone{_for(models, learners)}" for single, models in helped.items() if models]
    missing = [single for single, models in helped.items() if not models]
    if not parts:
        return f"No gain from fusing {listed(evaluation['modalities'])} over {listed(singles, 'or')} alone is shown.{harm}"
    gain = f"; a gain over {listed(missing, 'or')} alone is not shown for any learner" if missing else ", but never every one alone"
    return f"{fused} {listed(parts)}{gain}.{harm}"


def control_finding(evaluation: Evaluation) -> str:
    """Return how many of the learners on how many subsets beat the control."""
    members = [c for c in evaluation["comparisons"] if c["family"] == "control"]
    if not members:
        return ""
    control = control_name(evaluation)
    failed = [candidate_name(c["a"]) for c in members if c["verdict"] != "better"]
    if not failed:
        who = "Every learner" if len({c["a"]["model"] for c in members}) > 1 else model_name(members[0]["a"]["model"])
        where = " on every subset of modalities" if len(evaluation["subsets"]) > 1 else ""
        tests = f" ({len(members)} of {len(members)} tests)" if len(members) > 1 else ""
        return f"{who} beats {control}{where}{tests}."
    worse = list(dict.fromkeys(candidate_name(c["a"]) for c in members if c["verdict"] == "worse"))
    harm = f" Worse than {control}: {listed(worse)}." if worse else ""
    if len(failed) == len(members):
        return f"No learner is shown to beat {control}.{harm}"
    listing = listed(list(dict.fromkeys(failed)))
    return f"{len(members) - len(failed)} of {len(members)} learners × subsets beat {control}; not shown for {listing}.{harm}"


def learner_finding(evaluation: Evaluation) -> str:
    """Return the best mean and whether its lead over the other learners' best is shown; a control at the top is said to be one."""
    best = evaluation["best"]
    row = evaluation["leaderboard"][0]
    level = level_name(evaluation)
    mean = "" if is_one_split(evaluation) else "mean "
    metric = metric_of(evaluation)
    extreme = "highest" if metric["greater_is_better"] else "lowest"
    name = candidate_name(best, evaluation["task"])
    if row[evaluation["primary"]] is None:
        return f"The {mean}{metric['title']} is undefined for every learner."
    if best["model"] in evaluation["controls"]:
        return (f"No learner's {mean}{metric['title']} is {'above' if metric['greater_is_better'] else 'below'} "
                f"{number(row[evaluation['primary']])}, that of {control_name(evaluation)}.")
    start = (f"{name} has the {extreme} {mean}{metric['title']}, {number(row[evaluation['primary']])}"
             + (f" ({level} interval {interval(row['lo'], row['hi'])})" if row["lo"] is not None else ""))
    rivals = [c for c in evaluation["comparisons"] if c["family"] == "learners" and c["a"] == best]
    beaten = [c for c in rivals if c["verdict"] == "better"]
    open_ = [c for c in rivals if c["verdict"] != "better"]
    parts = []
    if beaten:
        parts.append(f"its lead over the best {_models([c['b']['model'] for c in beaten])} is shown")
    if open_:
        parts.append(f"{'that over' if beaten else 'its lead over'} the best {_models([c['b']['model'] for c in open_])} is not")
    if open_ and not beaten:
        parts = [parts[0].replace("is not", "is not shown")]
    return f"{start}; {', '.join(parts)}." if parts else f"{start}."


def verdict(evaluation: Evaluation) -> str:
    """Return the fusion verdict in a few words, for the summary table."""
    members = [c for c in evaluation["comparisons"] if c["family"] == "fusion"]
    if not members:
        return "one modality"
    learners = list(dict.fromkeys(c["a"]["model"] for c in members))
    both = [model for model in learners if all(c["verdict"] == "better" for c in members if c["a"]["model"] == model)]
    if not both:
        return "not shown to beat each modality alone"
    return f"beats each modality alone{_for(both, learners)}"


def _evidence(comparison: Mapping[str, Any]) -> str:
    return f"{signed(comparison['difference'])}, corrected p {p_value(comparison['p_corrected'])}"


def _models(models: Sequence[str]) -> str:
    return listed([model_name(model) for model in models])


def _for(models: Sequence[str], all_models: Sequence[str]) -> str:
    return " for every learner" if len(models) == len(all_models) > 1 else f" for {_models(models)}"
