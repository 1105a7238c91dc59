"""Write the static report over all data sets, and the figures that the tracking server shows.

Reads evaluation.json, gallery.json and weights.json of every data set in params.yaml and nothing else. Two options do something else:
    --keep=<data set>  writes what the tables below need of one evaluation to docs/results/, for data sets that do not run by default
    --readme           rewrites the results tables of README.md (short) and docs/results.md: those of params.yaml, and the kept ones
"""

import stages.foundation.threads  # before numpy is loaded
import stages.pages.matplotlib_folder  # noqa: F401 - before matplotlib is loaded

# isort: split
import hashlib
import multiprocessing
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.gallery_document import Gallery
from stages.contracts.documents.results_document import Results
from stages.contracts.documents.weights_document import LinearWeights
from stages.contracts.paths import (
    evaluation_path,
    figures_dir,
    gallery_path,
    kept_results_path,
    plots_dir,
    report_path,
    weights_dir,
)
from stages.foundation.documents import read_document, write_document
from stages.foundation.entry import end_with, run_stage
from stages.foundation.errors import InputError
from stages.foundation.parallel import cores_now
from stages.foundation.params_file import data_set_names, read_params
from stages.foundation.tables import write_text
from stages.reporting.evaluation_figures import DrawnFigure, draw_figures, dvc_plots
from stages.reporting.readme import KEPT, RESULTS, results_table, short_table, with_block
from stages.reporting.report_page import render

WITHOUT = "--without="
README, RESULTS_PAGE = Path("README.md"), Path("docs") / "results.md"


def main(option: str = "") -> None:
    """Write data/report/, or do what the option says."""
    if option.startswith("--keep="):
        keep(option.removeprefix("--keep="))
        return
    if option not in ("", "--readme") and not option.startswith(WITHOUT):
        raise InputError(f"unknown option {option!r}; allowed: --readme, --keep=<data set>, --without=<data sets>, or none")
    left_out = tuple(option.removeprefix(WITHOUT).split(",")) if option.startswith(WITHOUT) else ()
    datasets = [dataset for dataset in data_set_names(read_params()) if dataset not in left_out]
    evaluations = [read_document(evaluation_path(dataset), Evaluation) for dataset in datasets]
    hashes = {dataset: md5_of(evaluation_path(dataset)) for dataset in datasets}
    if option == "--readme":
        write_text(README, with_block(README.read_text(encoding="utf-8"), short_table(evaluations), RESULTS))
        full = with_block(RESULTS_PAGE.read_text(encoding="utf-8"), results_table(evaluations), RESULTS)
        shown = {evaluation.dataset for evaluation in evaluations}
        kept = [results for results in kept_evaluations() if results.dataset not in shown]
        write_text(RESULTS_PAGE, with_block(full, results_table(kept), KEPT))
        return
    galleries = {dataset: read_document(gallery_path(dataset), Gallery) for dataset in datasets}
    linear = {dataset: read_weights(dataset) for dataset in datasets}
    for folder in (figures_dir(), plots_dir()):  # a figure of a model that params.yaml no longer names
        shutil.rmtree(folder, ignore_errors=True)
    drawn = drawn_figures(evaluations)
    for evaluation in evaluations:
        figures = drawn[evaluation.dataset]
        write_figures(figures_dir(evaluation.dataset), figures)
        write_figures(plots_dir(evaluation.dataset), dvc_plots(evaluation, figures))
    write_text(report_path(), render(evaluations, drawn, left_out, hashes=hashes, galleries=galleries, linear=linear))


def read_weights(dataset: str) -> list[LinearWeights]:
    """Return what read_weights wrote of a data set, by model."""
    return [read_document(path, LinearWeights) for path in sorted(weights_dir(dataset).glob("*/weights.json"))]


def write_figures(folder: Path, figures: Mapping[str, DrawnFigure]) -> None:
    """Write each figure as an SVG file of its name."""
    for name, figure in figures.items():
        write_text(folder / f"{name}.svg", figure.svg)


def md5_of(path: Path) -> str:
    """Return a file's hash as dvc.lock has it, which ties the report to a run: a commit or a date would be other bytes on each rerun."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def drawn_figures(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, DrawnFigure]]:
    """Return the figures of each data set, drawn in a process per core: matplotlib draws in Python alone, so threads would wait.

    Raises:
        InputError: if a process was ended from outside.
    """
    n_processes = min(cores_now(), len(evaluations))
    if n_processes < 2 or sys.platform != "linux":  # elsewhere a process cannot be forked safely, and a new one imports for 2 s
        return {evaluation.dataset: draw_figures(evaluation) for evaluation in evaluations}
    largest_first = sorted(evaluations, key=lambda evaluation: -len(evaluation.candidates))
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(n_processes, mp_context=context, initializer=end_with, initargs=(psutil.Process(),)) as pool:
            found = dict(zip([evaluation.dataset for evaluation in largest_first], pool.map(draw_figures, largest_first), strict=True))
    except BrokenProcessPool:
        raise InputError("a process that draws figures was ended, perhaps out of memory; run it again (SENSORIUM_CORES=1 uses a single "
                         "process)") from None
    return {evaluation.dataset: found[evaluation.dataset] for evaluation in evaluations}


def keep(dataset: str) -> None:
    """Write docs/results/<dataset>.json."""
    write_document(kept_results_path(dataset), read_document(evaluation_path(dataset), Evaluation).kept())


def kept_evaluations() -> list[Results]:
    """Return what is kept of the evaluations under docs/results/, by name; a person's own data sets last."""
    found = [read_document(path, Results) for path in sorted(kept_results_path("").parent.glob("*.json"))]
    return sorted(found, key=lambda results: not results.shipped)


if __name__ == "__main__":
    run_stage(main)
