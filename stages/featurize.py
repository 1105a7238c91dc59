"""Turn one modality of one data set into features: `python -m stages.featurize <data set>-<label>`.

The column is read in pieces, which keeps memory bounded and is the same as in one go, as a featurizer works sample by sample.
"""

import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from stages.contracts import Features, Modality, Settings, features_path, samples_path
from stages.entry import run_stage
from stages.errors import InputError
from stages.params import parse, read_params, value_at
from stages.registry import component
from stages.samples import MAX_NAMED, SampleError, check_type
from stages.tables import read_table, write_table

PIECE = 1024
PROGRESS_EVERY_S = 2.0


def main(key: str) -> None:
    """Write data/features/<data set>/<key>.arrow."""
    entry = dict(value_at(read_params(), f"features.{key}"))
    dataset = str(entry.pop("dataset"))
    modality: Modality = component("modalities", str(entry.pop("modality")))
    settings = parse(entry, f"features.{key}", modality.settings)
    label = key.removeprefix(f"{dataset}-")
    samples, _ = read_table(samples_path(dataset))
    table, metadata = featurize_column(samples, label, modality, settings, where=f"{samples_path(dataset)}: {label}")
    write_table(features_path(dataset, label), table, {"dataset": dataset, "label": label, **metadata})


def featurize_column(
    samples: pa.Table, label: str, modality: Modality, settings: Settings, *, where: str, piece: int = PIECE
) -> tuple[pa.Table, dict[str, Any]]:
    """Return sample_id with the features of column `label`, and their metadata (see stages/contracts.py).

    Raises:
        InputError: if there is no such column, its type is not the modality's, or samples cannot be read (naming up to 20).
    """
    if label not in samples.column_names:
        raise InputError(f"{where}: no such column; there are: {', '.join(samples.column_names)}")
    check_type(samples[label], modality, where)
    pieces = list(_pieces(samples, label, modality, settings, where=where, piece=piece))
    first = pieces[0]
    columns = {name: pa.chunked_array([part.columns[name] for part in pieces]) for name in first.columns}
    metadata = {
        "modality": modality.name,
        "encoding": first.encoding,
        "shape": list(first.shape),
        "names": first.names,
        "fit": dict(first.fit),
        "settings": settings.model_dump(mode="json"),
    }
    return pa.table({"sample_id": samples["sample_id"], **columns}), metadata


def _pieces(samples: pa.Table, label: str, modality: Modality, settings: Settings, *, where: str, piece: int) -> Iterator[Features]:
    """Yield the features of each piece of the column; after the last one, raise what could not be read."""
    reasons: dict[int, str] = {}
    started = said = time.perf_counter()
    for start in range(0, max(1, len(samples)), piece):
        try:
            yield modality.featurize(samples[label].slice(start, piece), settings)
        except SampleError as error:
            reasons |= {start + row: reason for row, reason in error.reasons.items()}
            if len(reasons) >= MAX_NAMED:
                break
        done, now = min(start + piece, len(samples)), time.perf_counter()
        if now - said >= PROGRESS_EVERY_S or done == len(samples):
            print(f"{label}: {done} of {len(samples)} samples, {done / (now - started):.0f}/s", flush=True)
            said = now
    if reasons:
        raise InputError(_unreadable(reasons, samples["sample_id"], where))


def _unreadable(reasons: dict[int, str], sample_ids: pa.ChunkedArray, where: str) -> str:
    named = sorted(reasons.items())[:MAX_NAMED]
    lines = [f"  sample {sample_ids[row].as_py()!r} (row {row}): {reason}" for row, reason in named]
    how_many = f"{len(named)} or more samples" if len(reasons) >= MAX_NAMED else f"{len(named)} sample(s)"
    return f"{where}: {how_many} cannot be read; mend or drop them in the data set\n" + "\n".join(lines)


if __name__ == "__main__":
    run_stage(main)
