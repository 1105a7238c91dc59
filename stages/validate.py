"""Check a data set's samples, splits and features before anything is trained on them: `python -m stages.validate <data set>`."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.leaks_document import Leaks
from stages.contracts.documents.validation_document import ExpectationResult, Validation
from stages.contracts.paths import features_path, leak_levels_path, leaks_path, samples_path, skipped_path, splits_path, validation_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, parse, read_params
from stages.foundation.tables import read_described, read_json, read_table, write_text
from stages.samples.absent_samples import has_sample
from stages.validation.examined_data_set import examined_data_set
from stages.validation.expectations import run_suites
from stages.validation.leak_findings import leaks_of, line, not_examined
from stages.validation.leak_settings import LeakLevels, detectors
from stages.validation.suites import Suite, modality_suite, samples_suite, skipped_suite, splits_suite
from stages.validation.validation_page import description, validation_page

NEEDED = ("sample_id", "group", "split", "fold", "time", "target")  # of the samples; what a filter leaves of a table is a copy
CHUNK_BYTES = 2**26  # of features at once, about


def main(dataset: str) -> None:
    """Write validation.json, leaks.json and validation.html; then raise if an expectation or a leak of level fail stops the training."""
    modalities = modality_names(read_params(), dataset)
    results = run_suites(dataset_suites(dataset, modalities))
    leaks = found_leaks(dataset, modalities) if all(suite.success for suite in results) else not_examined(dataset)
    success = leaks.success and all(suite.success for suite in results)
    validation = Validation(dataset=dataset, success=success, suites=tuple(results))
    write_document(validation_path(dataset), validation)
    write_document(leaks_path(dataset), leaks)
    page = validation_path(dataset).with_suffix(".html")
    write_text(page, validation_page(validation, leaks))
    for finding in leaks.findings:
        if finding.level == "warn":
            print(f"leak: {line(dataset, finding)}", flush=True)
    n_checked = sum(len(suite.expectations) for suite in results)
    if not validation.success:
        raise InputError(f"{failures(validation, leaks)}\n  all results: {page}; nothing is trained on this data set until they hold")
    print(f"{dataset}: {n_checked} expectations hold ({', '.join(suite.suite for suite in results)})", flush=True)


def found_leaks(dataset: str, labels: Sequence[str]) -> Leaks:
    """Return what the detectors of leaks find on a data set whose files hold what is expected."""
    levels = parse(read_json(leak_levels_path(dataset)), "leakage", LeakLevels)
    samples, metadata = read_described(samples_path(dataset), SamplesMetadata)
    splits, about = read_described(splits_path(dataset), SplitsMetadata)
    skipped = read_table(skipped_path(dataset))
    features = [(read_described(features_path(dataset, label), FeaturesMetadata)[1], partial(kept_chunks, dataset, label, skipped))
                for label in labels]  # fmt: skip
    names = [name for name in (*NEEDED, "source", *labels) if name in samples.column_names]
    examined = examined_data_set(without(samples.select(names), skipped), metadata, splits, about, features)
    return leaks_of(examined, detectors(), levels)


def kept_chunks(dataset: str, label: str, skipped: pa.Table) -> Iterator[pa.Table]:
    """Yield the features of the samples that are not skipped, in chunks."""
    return (without(chunk, skipped) for chunk in feature_chunks(dataset, label))


def dataset_suites(dataset: str, labels: Sequence[str]) -> list[Suite]:
    """Return the suites of a data set over its files."""
    samples, metadata = read_described(samples_path(dataset), SamplesMetadata)
    splits, split_metadata = read_described(splits_path(dataset), SplitsMetadata)
    skipped = read_table(skipped_path(dataset))
    incomplete = [name for name in dict.fromkeys((*split_metadata.incomplete, *labels)) if samples[name].null_count]
    samples = samples.select([name for name in (*NEEDED, *incomplete) if name in samples.column_names])
    samples = without(only_presence(samples, incomplete), skipped)
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
        suites.append(modality_suite(label, kept_chunks(dataset, label, skipped), feature_metadata, samples))
    return suites


def only_presence(samples: pa.Table, modalities: Sequence[str]) -> pa.Table:
    """Return the samples with true instead of the content of modalities: a filter copies what a table holds."""
    for name in modalities:
        has = pa.array([True if there else None for there in has_sample(samples[name]).tolist()], pa.bool_())
        samples = samples.set_column(samples.column_names.index(name), name, has)
    return samples


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


def failures(validation: Validation, leaks: Leaks) -> str:
    """Return every failed expectation (data set, suite, column, what was expected, which samples are unexpected) and leak of level fail."""
    lines = []
    for suite in validation.suites:
        for result in suite.expectations:
            if not result.success:
                lines.append(f"  {validation.dataset} / {suite.suite} / {result.column or 'table'}: {failure(result)}")
    if lines:
        return f"{len(lines)} expectation(s) on data set {validation.dataset!r} failed\n" + "\n".join(lines)
    stopping = [f"  {line(leaks.dataset, finding)}" for finding in leaks.findings if finding.level == "fail"]
    return (f"{len(stopping)} leak(s) in data set {leaks.dataset!r} that `leakage:` in params.yaml does not accept (`fail`)\n"
            + "\n".join(stopping))  # fmt: skip


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
