"""Check a data set's samples, splits and features before anything is trained on them: `python -m stages.validate <data set>`."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.paths import features_path, samples_path, skipped_path, splits_path, validation_dir
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, read_params
from stages.foundation.tables import read_table, write_json, write_text
from stages.validation.expectations import run_suites
from stages.validation.suites import Suite, left_out_suite, modality_suite, samples_suite, splits_suite
from stages.validation.validation_page import validation_page

NEEDED = ("sample_id", "group", "split", "target")  # of the samples; what a filter leaves of a table is a copy
PIECE_BYTES = 2**26  # of features at once, about


def main(dataset: str) -> None:
    """Write validation.json and validation.html; then raise if an expectation failed, which stops the data set's training."""
    suites = dataset_suites(dataset, modality_names(read_params(), dataset))
    results = run_suites(suites)
    success = all(suite["success"] for suite in results)
    outcome = {"dataset": dataset, "success": success, "suites": results}
    write_json(validation_dir(dataset) / "validation.json", outcome)
    page = validation_dir(dataset) / "validation.html"
    write_text(page, validation_page(outcome))
    n_checked = sum(len(suite["expectations"]) for suite in results)
    if not success:
        raise InputError(f"{failures(outcome)}\n  all of it: {page}; this data set is not trained on until they hold")
    print(f"{dataset}: {n_checked} expectations hold ({', '.join(suite['suite'] for suite in results)})", flush=True)


def dataset_suites(dataset: str, labels: Sequence[str]) -> list[Suite]:
    """Return the suites of a data set over its files."""
    samples, metadata = read_table(samples_path(dataset))
    splits, split_metadata = read_table(splits_path(dataset))
    left_out, _ = read_table(skipped_path(dataset))
    samples = without(samples.select([name for name in NEEDED if name in samples.column_names]), left_out)
    suites = [
        samples_suite(samples, metadata, split_metadata["n_folds"], left_out.num_rows),
        splits_suite(splits, split_metadata, samples),
    ]
    if left_out.num_rows:
        suites.append(left_out_suite(left_out, metadata["rows"]["used"], metadata["max_bad_share"]))
    for label in labels:
        feature_metadata = read_table(features_path(dataset, label))[1]
        pieces = (without(piece, left_out) for piece in feature_pieces(dataset, label))
        suites.append(modality_suite(label, pieces, feature_metadata, samples))
    return suites


def feature_pieces(dataset: str, label: str) -> Iterator[pa.Table]:
    """Yield the rows of a features file, some at a time; an empty file is one empty piece.

    The file is mapped anew for each piece, so that the memory of the one before is given back.
    """
    path = features_path(dataset, label)
    whole = read_table(path)[0]
    n, length = len(whole), max(1, PIECE_BYTES * len(whole) // max(whole.nbytes, 1))
    del whole
    for start in range(0, max(1, n), length):
        yield read_table(path)[0].slice(start, length)


def without(table: pa.Table, left_out: pa.Table) -> pa.Table:
    """Return the rows of samples that are not left out."""
    if left_out.num_rows == 0:
        return table
    return table.filter(pc.invert(pc.is_in(table["sample_id"], value_set=left_out["sample_id"].combine_chunks())))


def failures(outcome: dict[str, Any]) -> str:
    """Return every failed expectation: data set, suite, column, what was expected, how many and which samples offend."""
    lines = []
    for suite in outcome["suites"]:
        for result in suite["expectations"]:
            if not result["success"]:
                lines.append(f"  {outcome['dataset']} / {suite['suite']} / {result['column'] or 'table'}: {failure(result)}")
    return f"{len(lines)} expectation(s) on data set {outcome['dataset']!r} failed\n" + "\n".join(lines)


def failure(result: dict[str, Any]) -> str:
    """Return one failed expectation in words."""
    kwargs = ", ".join(f"{name}={value!r}" for name, value in result["kwargs"].items())
    text = f"{result['expectation']}({kwargs})"
    if result["observed"] is not None:
        text += f", observed {result['observed']}"
    if result["unexpected"]:
        named = ", ".join(f"{row['sample_id']!r}{_found(row['value'])}" for row in result["offending"][:5])
        text += f", not so for {result['unexpected']} of {result['checked']} rows, such as {named}"
    return text


def _found(value: str | None) -> str:
    return f" ({'missing' if value == 'nan' else value})" if value else ""


if __name__ == "__main__":
    run_stage(main)
