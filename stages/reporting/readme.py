"""The results tables of README.md and docs/results.md, each generated between two markers from evaluation files."""

from collections.abc import Sequence

from stages.contracts.documents.results_document import Results, ScoredCandidate
from stages.foundation.errors import InputError
from stages.foundation.plain_output import plain
from stages.reporting.findings import verdict
from stages.reporting.formatting import SPACE, combination_name, model_name, number, outputs_name, with_interval

RESULTS, KEPT = "results", "kept results"  # names of the markers


def results_table(evaluations: Sequence[Results]) -> str:
    """Return a Markdown table: data set, rows, target, metric, baseline, each learner on its best modality combination, fusing."""
    learners = list(dict.fromkeys(model for evaluation in evaluations for model in evaluation.learners))
    names = [model_name(model) for model in learners]
    lines = [
        "| " + " | ".join(["data set", "rows", "predicts", "metric", "baseline", *names, "fusing all modalities"]) + " |",
        "|---|--:|---|---|--:|" + "--:|" * len(learners) + "---|",
    ]
    for evaluation in evaluations:
        rows = evaluation.rows
        shipped = ("" if evaluation.shipped else " (not shipped)") + _mark(evaluation)
        best = [evaluation.best_of([model]) for model in learners]
        columns = [evaluation.dataset + shipped, f"{rows.used:,} of{SPACE}{rows.available:,}", outputs_name(evaluation),
                   _metric(evaluation), _baseline(evaluation),
                   *(_cell(found, evaluation) for found in best), verdict(evaluation)]
        lines.append(f"| {' | '.join(columns)} |")
    return plain("\n".join(lines))


def short_table(evaluations: Sequence[Results]) -> str:
    """Return a Markdown table: data set, target, metric, baseline, the best learner with its modalities and score."""
    lines = ["| data set | predicts | metric | baseline | best model | its score |", "|---|---|---|--:|---|--:|"]
    for evaluation in evaluations:
        best = evaluation.best_of(evaluation.learners)
        chosen = f"{model_name(best.model)}, {combination_name(best.candidate, evaluation)}" if best else ""
        name = evaluation.dataset + _mark(evaluation)
        columns = [name, outputs_name(evaluation), _metric(evaluation), _baseline(evaluation), chosen]
        lines.append(f"| {' | '.join([*columns, _score(best, evaluation)])} |")
    return plain("\n".join(lines))


def _mark(evaluation: Results) -> str:
    """Return a mark of a data set with open findings of the leakage gate."""
    return f"<br>open: {', '.join(evaluation.open_leaks)}" if evaluation.open_leaks else ""


def _metric(evaluation: Results) -> str:
    return evaluation.primary.title + ("" if evaluation.primary.greater_is_better else " ↓")


def _baseline(evaluation: Results) -> str:
    """Return the strongest baseline's score and name."""
    found = evaluation.best_of(evaluation.baselines)
    return f"{_score(found, evaluation)}<br>{model_name(found.model, evaluation.form)}" if found else ""


def _cell(found: ScoredCandidate | None, evaluation: Results) -> str:
    return f"{_score(found, evaluation)}<br>{combination_name(found.candidate, evaluation)}" if found else ""


def _score(found: ScoredCandidate | None, evaluation: Results) -> str:
    if found is None:
        return ""
    score = evaluation.primary_score(found)
    mean = number(score.mean)
    shown = with_interval(score.mean, score.lo, score.hi)
    return f"**{mean}**{shown.removeprefix(mean)}" if found.rank == 1 else shown


def markers(name: str) -> tuple[str, str]:
    """Return the lines between which a table stands."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def with_block(page: str, block: str, name: str) -> str:
    """Return a page with what stands between the markers `name` replaced.

    Raises:
        InputError: if it does not hold the two markers once each, in order.
    """
    start, end = markers(name)
    if page.count(start) != 1 or page.count(end) != 1 or page.index(start) > page.index(end):
        raise InputError(f"expected one line {start!r} and, below it, one line {end!r}; put them where the generated part belongs")
    head, rest = page.split(start)
    return f"{head}{start}\n{block}\n{end}{rest.split(end)[1]}"
