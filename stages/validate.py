"""Check a data set's samples, splits and features before anything is trained on them: `python -m stages.validate <data set>`."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.validation_document import ExpectationResult, Validation
from stages.contracts.paths import features_path, samples_path, skipped_path, splits_path, validation_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, read_params
from stages.foundation.tables import read_described, read_table, write_text
from stages.validation.expectations import run_suites
from stages.validation.suites import Suite, modality_suite, samples_suite, skipped_suite, splits_suite
from stages.validation.telling_columns import known_rows, telling_columns
from stages.validation.validation_page import description, validation_page

NEEDED = ("sample_id", "group", "split", "fold", "time", "target")  # of the samples; what a filter leaves of a table is a copy
CHUNK_BYTES = 2**26  # of features at once, about


def main(dataset: str) -> None:
    """Write validation.json and validation.html; then raise if an expectation failed, which stops the data set's training."""
    modalities = modality_names(read_params(), dataset)
    results = run_suites(dataset_suites(dataset, modalities))
    notes = tuple(notes_on_columns(dataset, modalities))
    validation = Validation(dataset=dataset, success=all(suite.success for suite in results), suites=tuple(results), notes=notes)
    write_document(validation_path(dataset), validation)
    page = validation_path(dataset).with_suffix(".html")
    write_text(page, validation_page(validation))
    for note in notes:
        print(f"note: {dataset} / {note}", flush=True)
    n_checked = sum(len(suite.expectations) for suite in results)
    if not validation.success:
        raise InputError(f"{failures(validation)}\n  all results: {page}; nothing is trained on this data set until they hold")
    print(f"{dataset}: {n_checked} expectations hold ({', '.join(suite.suite for suite in results)})", flush=True)


def dataset_suites(dataset: str, labels: Sequence[str]) -> list[Suite]:
    """Return the suites of a data set over its files."""
    samples, metadata = read_described(samples_path(dataset), SamplesMetadata)
    splits, split_metadata = read_described(splits_path(dataset), SplitsMetadata)
    skipped = read_table(skipped_path(dataset))
    samples = without(samples.select([name for name in NEEDED if name in samples.column_names]), skipped)
    suites = [
        # folds that the data set gives, and those in time order, need not hold every class, only those that are drawn
        samples_suite(samples, metadata, 1 if split_metadata.fold_names or split_metadata.time_ordered else split_metadata.n_folds,
                      skipped.num_rows),
        splits_suite(splits, split_metadata, samples),
    ]
    if skipped.num_rows:
        suites.append(skipped_suite(skipped, metadata.rows.used, metadata.max_bad_share))
    for label in labels:
        feature_metadata = read_described(features_path(dataset, label), FeaturesMetadata)[1]
        chunks = (without(chunk, skipped) for chunk in feature_chunks(dataset, label))
        suites.append(modality_suite(label, chunks, feature_metadata, samples))
    return suites


def notes_on_columns(dataset: str, labels: Sequence[str]) -> Iterator[str]:
    """Yield a line for each column of a table that alone tells the target."""
    splits, about = read_described(splits_path(dataset), SplitsMetadata)
    known = known_rows(splits, about.target)
    for label in labels:
        metadata = read_described(features_path(dataset, label), FeaturesMetadata)[1]
        yield from telling_columns(label, feature_chunks(dataset, label), metadata, known)


def feature_chunks(dataset: str, label: str) -> Iterator[pa.Table]:
    """Yield the rows of a features file in chunks; an empty file is one empty chunk.

    The file is mapped again for each chunk, so that the memory of the one before is freed.
    """
    path = features_path(dataset, label)
    whole = read_table(path)
    n, length = len(whole), max(1, CHUNK_BYTES * len(whole) // max(whole.nbytes, 1))
    del whole
    for start in range(0, max(1, n), length):
        yield read_table(path).slice(start, length)


def without(table: pa.Table, skipped: pa.Table) -> pa.Table:
    """Return the rows of samples that are not skipped."""
    if skipped.num_rows == 0:
        return table
    return table.filter(pc.invert(pc.is_in(table["sample_id"], value_set=skipped["sample_id"].combine_chunks())))


def failures(validation: Validation) -> str:
    """Return every failed expectation: data set, suite, column, what was expected, how many and which samples are unexpected."""
    lines = []
    for suite in validation.suites:
        for result in suite.expectations:
            if not result.success:
                lines.append(f"  {validation.dataset} / {suite.suite} / {result.column or 'table'}: {failure(result)}")
    return f"{len(lines)} expectation(s) on data set {validation.dataset!r} failed\n" + "\n".join(lines)


def failure(result: ExpectationResult) -> str:
    """Return one failed expectation as text."""
    text = f"expected {description(result)}" + (f" ({result.notes})" if result.notes else "")
    if result.observed is not None:
        text += f", found {result.observed}"
    if result.unexpected:
        named = ", ".join(f"{sample.sample_id!r}{_found(sample.value)}" for sample in result.offending[:5])
        text += f", not so for {result.unexpected} of {result.checked} rows, such as {named}"
    return text


def _found(value: str) -> str:
    return f" ({'missing' if value == 'nan' else value})" if value else ""


if __name__ == "__main__":
    run_stage(main)
