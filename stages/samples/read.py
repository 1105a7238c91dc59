"""Read the samples of one column one by one; collect the reason of every unreadable sample."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.modality import Modality
from stages.contracts.tables.samples_table import BadSamplePolicy, sufficient_share
from stages.foundation.errors import InputError

MAX_NAMED = 20  # samples that a message names
MAX_REASON = 500  # characters of a reason in a message; the quarantine table holds the full reason
QUARANTINE = pa.schema([("sample_id", pa.string()), ("reason", pa.string())])


class SampleError(InputError):
    """Some samples of a column cannot be read. `reasons`: row in the column → why."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(f"row {row}: {reason}" for row, reason in list(self.reasons.items())[:MAX_NAMED]))


def read_each(column: pa.Array | pa.ChunkedArray, read: Callable[[Any], Any]) -> list[Any]:
    """Return `read(sample)` of every row.

    `read` raises ValueError, with a message for the user, if a sample cannot be read.

    Raises:
        SampleError: with the reasons of all unreadable rows, nulls included.
    """
    results: list[Any] = []
    reasons: dict[int, str] = {}
    for row, sample in enumerate(column.to_pylist()):
        try:
            if sample is None:
                raise ValueError("the sample is missing (null)")
            results.append(read(sample))
        except ValueError as error:
            reasons[row] = str(error)
    if reasons:
        raise SampleError(reasons)
    return results


def located(reasons: Mapping[str, str], samples: pa.Table, modality_name: str) -> dict[str, str]:
    """Return the reasons of unreadable samples (id → reason), prefixed by the file or row of each if known and different from the id."""
    if not reasons or "source" not in samples.column_names:
        return dict(reasons)
    rows = pc.index_in(pa.array(list(reasons), pa.string()), samples["sample_id"].combine_chunks()).to_pylist()
    places = [samples["source"][row].as_py()[modality_name] for row in rows]
    named = zip(reasons.items(), places, strict=True)
    return {name: reason if place == name else f"{place}: {reason}" for (name, reason), place in named}


def check_type(column: pa.Array | pa.ChunkedArray | pa.Field, modality: Modality[Any], where: str) -> None:
    """Raise InputError unless the Arrow type of `column` is one that `modality` reads (a struct of any fields is `struct`)."""
    kind = str(column.type).partition("<")[0]
    if kind not in modality.column_types:
        allowed = ", ".join(modality.column_types)
        raise InputError(f"{where}: column of Arrow type {column.type}; modality {modality.name!r} reads {allowed}")


def judge_bad(reasons: Mapping[str, str], n_samples: int, policy: BadSamplePolicy, where: str) -> None:
    """Raise InputError unless the unreadable samples may be skipped.

    Args:
        reasons: sample id → why it is unreadable.
        policy: of the data set, as in the samples' metadata.
    """
    if not reasons:
        return
    lines = named_lines(reasons)
    summary = f"{where}: {len(reasons)} of {n_samples} samples cannot be read"
    if len(reasons) == n_samples:
        raise InputError(f"{summary}; if the files are intact, check column, files and modality of datasets.{policy.dataset} in "
                         "params.yaml\n" + "\n".join(lines))
    share = len(reasons) / n_samples
    is_above, enough = share > policy.max_bad_share, sufficient_share(len(reasons), n_samples)
    if policy.on_bad_sample == "fail":
        remedy = "fix them" + (", or skip them with `on_bad_sample: quarantine`" if enough or not is_above else "")
        if is_above and enough:
            remedy += f" and `max_bad_share: {enough}` (they are {share:.1%}; {policy.max_bad_share:.1%} may be skipped)"
        raise InputError(f"{summary}; {remedy} under datasets.{policy.dataset} in params.yaml\n" + "\n".join(lines))
    if is_above:
        remedy = f"fix them, or raise it to {enough} or more" if enough else "fix them"
        raise InputError(f"{summary}, which is {share:.1%}, above max_bad_share {policy.max_bad_share:.1%} of "
                         f"datasets.{policy.dataset} in params.yaml; {remedy}\n" + "\n".join(lines))
    print(f"{summary} and are skipped (on_bad_sample: quarantine)\n" + "\n".join(lines), flush=True)


def named_lines(reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each of the first MAX_NAMED samples with its reason, and how many more there are."""
    lines = [f"  sample {name!r}: {one_line(reason)}" for name, reason in list(reasons.items())[:MAX_NAMED]]
    return lines if len(reasons) <= MAX_NAMED else [*lines, f"  … and {len(reasons) - MAX_NAMED} more"]


def one_line(reason: str) -> str:
    """Return a reason as one line of a message: file names in it may hold line breaks or be very long."""
    if len(reason) > MAX_REASON:
        reason = f"{reason[: MAX_REASON // 2]}…{reason[-MAX_REASON // 2 :]}"
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in reason)


def quarantine_table(reasons: Mapping[str, str]) -> pa.Table:
    """Return the quarantine table of sample id → reason."""
    return pa.table([pa.array(list(reasons), pa.string()), pa.array(list(reasons.values()), pa.string())], schema=QUARANTINE)
