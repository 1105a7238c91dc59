"""Write the static report over all data sets, and the pictures that the tracking server shows.

Reads evaluation.json of every data set in params.yaml and nothing else. `python -m stages.report --readme` rewrites the results
table in README.md instead.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.contracts import evaluation_dir, report_path
from stages.entry import run_stage
from stages.errors import InputError
from stages.params import read_params, value_at
from stages.reporting.page import render
from stages.reporting.pictures import pictures
from stages.reporting.readme import results_table, with_results
from stages.tables import read_json, write_text

README = Path("README.md")


def main(option: str = "") -> None:
    """Write data/report/, or README.md's results table with `--readme`."""
    if option not in ("", "--readme"):
        raise InputError(f"unknown option {option!r}; allowed: --readme, or none")
    evaluations = [read_json(evaluation_dir(dataset) / "evaluation.json") for dataset in value_at(read_params(), "datasets")]
    if option == "--readme":
        write_text(README, with_results(README.read_text(encoding="utf-8"), results_table(evaluations)))
        return
    folder = report_path().parent / "pictures"
    shutil.rmtree(folder, ignore_errors=True)  # a picture of a model that params.yaml no longer names
    for evaluation in evaluations:
        write_pictures(folder / evaluation["dataset"], evaluation)
    write_text(report_path(), render(evaluations))


def write_pictures(folder: Path, evaluation: Mapping[str, Any]) -> None:
    """Write the pictures of one data set as SVG files."""
    for name, drawn in pictures(evaluation).items():
        write_text(folder / f"{name}.svg", drawn)


if __name__ == "__main__":
    run_stage(main)
