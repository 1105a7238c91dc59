"""Write the static report over all data sets, and the pictures that the tracking server shows.

Reads evaluation.json of every data set in params.yaml and nothing else. Two options do something else instead:
    --keep=<data set>  puts what the tables below need of one evaluation under docs/results/, for data sets that are not run by default
    --readme           rewrites the results tables of README.md (short) and docs/results.md: params.yaml's data sets, and the kept ones
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.contracts.paths import evaluation_dir, report_path
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params, value_at
from stages.foundation.tables import read_json, write_json, write_text
from stages.reporting.pictures import pictures
from stages.reporting.readme import KEPT, NEEDED, RESULTS, results_table, short_table, with_block
from stages.reporting.report_page import render

README, RESULTS_PAGE = Path("README.md"), Path("docs") / "results.md"
KEPT_RESULTS = Path("docs") / "results"


def main(option: str = "") -> None:
    """Write data/report/, or do what the option says."""
    if option.startswith("--keep="):
        keep(option.removeprefix("--keep="))
        return
    if option not in ("", "--readme"):
        raise InputError(f"unknown option {option!r}; allowed: --readme, --keep=<data set>, or none")
    evaluations = [read_json(evaluation_dir(dataset) / "evaluation.json") for dataset in value_at(read_params(), "datasets")]
    if option == "--readme":
        write_text(README, with_block(README.read_text(encoding="utf-8"), short_table(evaluations), RESULTS))
        full = with_block(RESULTS_PAGE.read_text(encoding="utf-8"), results_table(evaluations), RESULTS)
        write_text(RESULTS_PAGE, with_block(full, results_table(kept_evaluations()), KEPT))
        return
    folder = report_path().parent / "pictures"
    shutil.rmtree(folder, ignore_errors=True)  # a picture of a model that params.yaml no longer names
    for evaluation in evaluations:
        write_pictures(folder / evaluation["dataset"], evaluation)
    write_text(report_path(), render(evaluations))


def keep(dataset: str) -> None:
    """Write docs/results/<dataset>.json."""
    evaluation = read_json(evaluation_dir(dataset) / "evaluation.json")
    write_json(KEPT_RESULTS / f"{dataset}.json", {key: evaluation[key] for key in sorted(NEEDED) if key in evaluation})


def kept_evaluations() -> list[dict[str, Any]]:
    """Return what is kept of the evaluations under docs/results/, by name; a person's own data sets last."""
    found = [read_json(path) for path in sorted(KEPT_RESULTS.glob("*.json"))]
    return sorted(found, key=lambda evaluation: not evaluation.get("shipped", True))


def write_pictures(folder: Path, evaluation: Mapping[str, Any]) -> None:
    """Write the pictures of one data set as SVG files."""
    for name, drawn in pictures(evaluation).items():
        write_text(folder / f"{name}.svg", drawn)


if __name__ == "__main__":
    run_stage(main)
