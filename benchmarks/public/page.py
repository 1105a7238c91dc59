"""docs/public.md: the kept results of public comparisons next to the published figures, with every difference of protocol."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.public.comparison import Comparison, Goal, PublicRun, Published, comparison_names, comparison_of
from benchmarks.public.kept import KeptModel, KeptRun, KeptScore, digest_of, read_kept
from stages.foundation.registry import component
from stages.reporting.formatting import model_name, with_interval

PAGE = Path("docs/public.md")
HEAD = """# Held against public figures

Each data set is run by the real pipeline under the protocol of published figures, as far as it can be: `make public` (minutes to hours;
not in the default run). What differs is listed with each: published figures are of other rows, folds and searches, so that a difference of
a point shows nothing. The results are kept in `docs/results/public/`; `make inventory` generates this page from them and from the files
under `benchmarks/public/comparisons/`.

Scores are those of each model on all modalities together: means over the outer folds, or the score on an official test split, with 95 %
intervals; ↓: less is better. Processor seconds are those of all stages of a run. Results are of the code with which they were kept. A goal
was set before the runs; it is of the learner that is named, or else of the best one. Reached: "yes" by the whole interval, "mean" by the
mean alone.
"""


def public_page(root: Path = Path()) -> str:
    """Return the page."""
    found = {name: comparison_of(name) for name in comparison_names()}
    return "\n".join([HEAD, summary_table(found, root), *(section(name, comparison, root) for name, comparison in found.items())])


def summary_table(found: Mapping[str, Comparison], root: Path) -> str:
    """Return one line per run with a goal: our score, the goal, and whether it is reached."""
    lines = ["| run | metric | goal | ours | reached |", "|---|---|--:|--:|---|"]
    for name, comparison in found.items():
        kept = read_kept(name, root).runs
        for run_name, run in comparison.runs.items():
            if run.goal:
                lines.append(summary_line(name, run_name, run, kept.get(run_name)))
    return "\n".join(lines)


def summary_line(name: str, run_name: str, run: PublicRun, kept: KeptRun | None) -> str:
    """Return the line of one run."""
    goal = run.goal
    assert goal is not None
    wanted = f"{goal.score:g}" + (f"<br>{model_name(goal.model)}" if goal.model else "")
    head = f"| [{name}](#{name.replace(' ', '-')}), {run_name} "
    model, name_of_metric = measured(goal, run, kept), run.metrics[0]
    metric = component("metrics", name_of_metric)
    text, greater = kept.metrics[name_of_metric] if kept else (metric.title, metric.greater_is_better)
    title = titled(text, greater=greater)
    if kept is None or model is None:
        return f"{head}| {title} | {wanted} | not run | |"
    score = model.scores[name_of_metric]
    ours = f"{with_interval(score.mean, score.lo, score.hi)}<br>{of_model(model)}"
    return f"{head}| {title} | {wanted} | {ours} | {reached(goal, score, greater=greater)} |"


def reached(goal: Goal, score: KeptScore, *, greater: bool) -> str:
    """Return whether a score reaches a goal: yes, by its mean alone, or no."""
    worst = score.lo if greater else score.hi
    sign = 1 if greater else -1
    if worst is not None and sign * worst >= sign * goal.score:
        return "yes"
    return "mean" if sign * score.mean >= sign * goal.score else "no"


def measured(goal: Goal, run: PublicRun, kept: KeptRun | None) -> KeptModel | None:
    """Return the model whose score the goal is of: the named one, or the best learner on all modalities."""
    found = on_all_modalities(run, kept) if kept else []
    return next((model for model in found if not model.is_control and goal.model in (None, model.model)), None)


def section(name: str, comparison: Comparison, root: Path) -> str:
    """Return one comparison: ours, the published figures, the differences."""
    kept = read_kept(name, root).runs
    lines = [f"\n## {name}", "", comparison.title, ""]
    for run_name, run in comparison.runs.items():
        lines += [*run_lines(run_name, run, kept.get(run_name)), ""]
    lines += published_lines(comparison.published)
    lines += ["", "Differences of protocol:", "", *(f"- {difference}" for difference in comparison.differences)]
    return "\n".join(lines) + "\n"


def published_lines(published: Sequence[Published]) -> list[str]:
    """Return the table of published figures, or that there is none."""
    if not published:
        return ["Published: no figure is held against these."]
    rows = [f"| {one.method} | {one.score} | {one.protocol} | {one.source} |" for one in published]
    return ["Published:", "", "| method | score | protocol | source |", "|---|--:|---|---|", *rows]


def run_lines(run_name: str, run: PublicRun, kept: KeptRun | None) -> Iterator[str]:
    """Yield a run's sentence and its table."""
    if kept is None:
        yield f"**{run_name}**: {run.what} Not run yet."
        return
    is_current = kept.digest == digest_of(run.params) and set(run.metrics) <= set(kept.metrics)
    stale = "" if is_current else " Its parameters or metrics have changed since."
    seconds = "" if kept.processor_s is None else f", {kept.processor_s:,.0f} processor seconds"
    yield f"**{run_name}**: {run.what} {kept.rows:,} rows{seconds}.{stale}"
    if kept.open_leaks:
        yield f"Open findings of the [leakage gate](leaks.md): {', '.join(kept.open_leaks)}."
    shown = [name for name in run.metrics if name in kept.metrics]
    yield ""
    yield "| model | " + " | ".join(titled(kept.metrics[name][0], greater=kept.metrics[name][1]) for name in shown) + " |"
    yield "|---|" + "--:|" * len(shown)
    for model in on_all_modalities(run, kept):
        scores = [model.scores.get(name) for name in shown]
        yield f"| {of_model(model)} | " + " | ".join(with_interval(s.mean, s.lo, s.hi) if s else "" for s in scores) + " |"


def on_all_modalities(run: PublicRun, kept: KeptRun) -> list[KeptModel]:
    """Return each model on the combination of most modalities, which no score has chosen, the best model first; then the controls."""
    metric, widest = run.metrics[0], dict[str, KeptModel]()
    for model in kept.models:
        if metric in model.scores and len(model.modalities) >= len(widest.get(model.model, model).modalities):
            widest[model.model] = model
    sign = 1 if kept.metrics[metric][1] else -1
    return sorted(widest.values(), key=lambda model: (model.is_control, -sign * model.scores[metric].mean))


def of_model(model: KeptModel) -> str:
    """Return a model's name with its modalities."""
    return model_name(model.model) + (f", {' + '.join(model.modalities)}" if model.modalities else "")


def titled(title: str, *, greater: bool) -> str:
    """Return the title of a metric, with an arrow where less is better."""
    return title if greater else f"{title} ↓"
