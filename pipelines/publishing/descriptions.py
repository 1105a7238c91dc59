"""The descriptions of the dashboard: a note per experiment and run in markdown, the leaderboard as CSV."""

from collections.abc import Iterable, Mapping, Sequence

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation
from stages.contracts.documents.results_document import MetricInfo
from stages.foundation.csv_text import csv_text
from stages.reporting.findings import findings
from stages.reporting.formatting import (
    SPACE,
    baseline_name,
    candidate_name,
    combination_name,
    inner_folds,
    interval,
    level_name,
    listed,
    model_name,
    number,
    outer_folds,
    outputs_name,
    p_value,
    signed,
)
from stages.reporting.leaderboard import ranked


def experiment_note(evaluation: Evaluation, link: str) -> str:
    """Return what the data set is, how much of it was used, how the scores come about and how to read the runs.

    Args:
        link: opens the leaderboard.
    """
    rows = evaluation.rows
    whole = rows.used == rows.available
    used = f"all {rows.used:,} rows" if whole else f"**{rows.used:,} of {rows.available:,} rows** (a sample)"
    lines = [
        f"{evaluation.title}\n",  # plain: the list of experiments shows the beginning unrendered
        f"**[Leaderboard]({link})**: the current runs in the order of the report. `score` is the {score_of(evaluation)} with its "
        f"{level_name(evaluation)} interval; `vs_baseline` its difference from {baseline_name(evaluation)}; `verdict` what the corrected "
        "paired test on it supports; `cost` the processor time and Duration the time of training that model on all modality "
        "combinations.\n",
        f"- Predicts {what_is_predicted(evaluation)} from {used}.",
        f"- Modalities: {', '.join(evaluation.modalities)}.",
        f"- Ranked by {evaluation.primary.title}; {protocol(evaluation)}; {level_name(evaluation)} intervals.",
        f"- Licence of the data: {evaluation.licence}.",
    ]
    if evaluation.citation:
        lines.append(f"- Source: {evaluation.citation}")
    if evaluation.time_order:
        lines.append(f"- In the order of time: test blocks begin at {', '.join(evaluation.time_order.test_from)}; the "
                     f"{evaluation.time_order.untested:,} rows before are never tested. Intervals: {evaluation.interval}.")
    if evaluation.quarantined.rows:
        lines.append(f"- Skipped because they could not be read: {evaluation.quarantined.rows:,} samples "
                     f"({evaluation.quarantined.share:.1%}), in the summary's `quarantine.csv`.")
    if evaluation.incomplete:
        absent = ", ".join(f"{name} {n:,}" for name, n in evaluation.incomplete.absent.items())
        lines.append(f"- Samples that lack a modality: {absent}; they are predicted by the modalities that they have. "
                     f"{evaluation.incomplete.n_complete:,} have all: metrics `complete/…`.")
    lines.append("\nOne run per model and modality combination; the run `summary` has the report. `tags.current = 'true'` hides runs that "
                 "later results replaced and those of `dvc exp run`, which `tags.dvc_experiment` names.")
    return "\n".join(lines)


def score_of(evaluation: Evaluation) -> str:
    """Return "mean accuracy", or "accuracy" where one test split was scored; ↓ where less is better."""
    return ("" if evaluation.is_one_split else "mean ") + title_of(evaluation.primary)


def what_is_predicted(evaluation: Evaluation) -> str:
    """Return "category: 9 classes", "functions: 14 labels that may hold together", or "flow: 8 targets"."""
    together = " that may hold together" if evaluation.form == "labels" else ""
    return f"{evaluation.target}: {outputs_name(evaluation)}{together} ({evaluation.task})"


def title_of(metric: MetricInfo) -> str:
    """Return how a metric is written, with an arrow where less is better."""
    return metric.title + ("" if metric.greater_is_better else " ↓")


def protocol(evaluation: Evaluation) -> str:
    """Return how often and on what the models were tested."""
    the = "the " if evaluation.is_one_split else ""
    return f"{the}{outer_folds(evaluation)}, configuration chosen on {inner_folds(evaluation)}"


def run_note(evaluation: Evaluation, result: CandidateResult, chosen: Mapping[str, str]) -> str:
    """Return a run's numbers, choices and comparisons."""
    called = model_name(result.model, evaluation.form)
    head = f"**{called}** on **{combination_name(result.candidate, evaluation)}** of {evaluation.title}: {protocol(evaluation)}."
    if result.model in evaluation.controls:
        seen = f"the size of {listed(result.modalities)} alone" if result.modalities else "no modality"
        kind = "baseline" if result.model in evaluation.baselines else "diagnostic, which no learner is compared with"
        head = f"**{called}**, a {kind}: it looks at {seen}. {evaluation.title}: {protocol(evaluation)}."
    scores = [(title_of(metric), result.scores[metric.name]) for metric in evaluation.metrics]
    rows = [[title, number(score.mean), interval(score.lo, score.hi)] for title, score in scores]
    columns = ["metric", "score" if evaluation.is_one_split else "mean", f"{level_name(evaluation)} interval"]
    if not evaluation.is_one_split:  # else its one score is the mean
        columns.append("outer folds")
        rows = [[*row, ", ".join(map(number, score.folds))] for row, (_, score) in zip(rows, scores, strict=True)]
    parts = [head, table(columns, rows)]
    if chosen:
        parts.append("Chosen on the inner folds: " + "; ".join(f"{name} = {value}" for name, value in chosen.items()) + ".")
    return "\n\n".join([*parts, *comparisons(evaluation, result.candidate)])


def comparisons(evaluation: Evaluation, candidate: Candidate) -> list[str]:
    """Return the paired tests that a run takes part in, as a table; nothing if there are none."""
    rows = []
    for test in evaluation.comparisons:
        if candidate not in (test.a, test.b):
            continue
        sign, other = (1, test.b) if test.a == candidate else (-1, test.a)
        ends = sorted(sign * end for end in (test.lo, test.hi) if end is not None)
        verdict = test.verdict
        if verdict in ("better", "worse"):  # it is on a, which may be the other run
            verdict = "better" if (verdict == "better") == (sign > 0) else "worse"
        difference = None if test.difference is None else sign * test.difference
        won, lost = (test.wins, test.losses) if sign > 0 else (test.losses, test.wins)
        of_test = (signed(difference), " to ".join(map(signed, ends)) or "–", f"{won:,}, {lost:,}", p_value(test.p_corrected), verdict)
        rows.append((candidate_name(other, evaluation), title_of(evaluation.metric(test.metric)), *of_test, number(test.detectable)))
    if not rows:
        return []
    return ["Paired tests against other runs (p corrected for their number; shown from: the smallest difference that would have been shown "
            f"with 80{SPACE}%):",
            table(("against", "metric", "difference", "interval", "rows won, lost", "corrected p", "this run is", "shown from"), rows)]


def summary_note(evaluation: Evaluation) -> str:
    """Return a data set's leaderboard and what the tests support."""
    head = f"**{evaluation.title}**: {protocol(evaluation)}; ranked by {title_of(evaluation.primary)}."
    sentences = "\n".join(f"- {finding}" for finding in findings(evaluation))
    # the findings cover the tests against the baseline and the combinations that suffice
    told = [test for test in evaluation.comparisons if test.family not in ("baseline", "sufficient")]
    shown = [test for test in told if test.verdict in ("better", "worse")]
    tests = [f"- {candidate_name(test.a, evaluation)} is {test.verdict} than {candidate_name(test.b, evaluation)}: "
             f"{evaluation.metric(test.metric).title} {signed(test.difference)} (corrected p {p_value(test.p_corrected)})"
             for test in shown]
    found = ["Differences between candidates that hold after correction:\n" + "\n".join(tests)] if tests else []
    rows = []
    for rank, row in enumerate(ranked(evaluation), start=1):
        score = evaluation.primary_score(row)
        rows.append([str(rank), model_name(row.model, evaluation.form), combination_name(row.candidate, evaluation), number(score.mean),
                     interval(score.lo, score.hi), *(number(row.scores[metric.name].mean) for metric in evaluation.metrics[1:])])
    headings = ("rank", "model", "modalities", title_of(evaluation.primary), f"{level_name(evaluation)} interval",
                *map(title_of, evaluation.metrics[1:]))
    return "\n\n".join([head, sentences, table(headings, rows), *found, "The whole report: artifact `report.html`."])


def leaderboard_csv(evaluation: Evaluation) -> str:
    """Return the leaderboard with the intervals of the primary metric, as CSV."""
    metrics, primary = [metric.name for metric in evaluation.metrics], evaluation.primary.name
    rows = []
    for found in evaluation.ranked():
        score, candidate = evaluation.primary_score(found), found.candidate
        means = [found.scores[metric].mean for metric in metrics]
        rows.append([found.rank, found.model, candidate.combination, candidate.fusion, *means, score.lo, score.hi])
    return csv_text(["rank", "model", "modalities", "fusion", *metrics, f"{primary}_lo", f"{primary}_hi"], rows)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a markdown table; the dashboard draws tables without any padding, so cells bring their own."""
    head, *body = (" | ".join(f"{text}&nbsp;&nbsp;" for text in line) for line in (columns, *rows))
    return "\n".join(f"| {line} |" for line in (head, " | ".join(["---"] * len(columns)), *body))
