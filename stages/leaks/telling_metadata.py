"""What is known of a sample besides its content and tells the target: place, name, size and format of the file, time, what is missing.

No model reads it, but what made it, such as another camera, session or clinic, can be in the content too. Judged on held-out training rows
(stages/leak_evidence/held_out.py). Sizes and durations follow the content to some degree, so more is expected of them.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.detector import Detector, ExaminedDataSet, ExaminedModality, LeakCode, Suspicion
from stages.leak_evidence.file_headers import image_format, sound_header
from stages.leak_evidence.held_out import told_by
from stages.leak_evidence.id_prefixes import stem_of
from stages.leak_evidence.table_columns import table_columns, training_rows

TELLS, TELLS_WITH_CONTENT = 0.05, 0.25  # explained shares, at least
LISTS = ("series", "tactile")
MOST_NAMES = 64
NAME = LeakCode("name-tells-target", "low", "the letters of the samples' ids tell the target")
ORDER = LeakCode("order-tells-target", "low", "the place of a sample in the order of ids tells the target")
TIME = LeakCode("time-tells-target", "low", "the time of a sample tells the target")
SIZE = LeakCode("file-size-tells-target", "low", "the size of a sample's file tells the target")
FORMAT = LeakCode("format-tells-target", "medium", "the format, size in pixels or color mode of an image tells the target")
RATE = LeakCode("sampling-rate-tells-target", "medium", "the sampling rate or format of a sound tells the target")
DURATION = LeakCode("duration-tells-target", "low", "the duration of a sound or series tells the target")
MISSING = LeakCode("missingness-tells-target", "medium", "whether a value or a modality is missing tells the target")
CODES = (NAME, ORDER, TIME, SIZE, FORMAT, RATE, DURATION, MISSING)

Facts = Iterator[tuple[LeakCode, str, str, np.ndarray]]


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield each fact about samples that tells the target."""
    rows = training_rows(examined)
    if len(rows) == 0:
        return
    named = False
    for code, subject, what, values in (*facts_of_samples(examined, rows), *facts_of_modalities(examined, rows)):
        if code is ORDER and named:
            continue  # the order of ids follows from what they are made of
        told = told_by(values, examined, rows)
        if told.exceeds(TELLS_WITH_CONTENT if code in (SIZE, DURATION) else TELLS):
            named |= code is NAME
            text = f"{what} explains {told.share:.1%} of the target's variance, on held-out training rows"
            yield Suspicion(code.name, subject, text, rows,
                            told.evidence, REMEDIES[code.name].format(name=examined.name, subject=subject))  # fmt: skip


def facts_of_samples(examined: ExaminedDataSet, rows: np.ndarray) -> Facts:
    """Yield code, subject, words and values of what is known of whole samples."""
    stems = pa.array([stem_of(name) for name in examined.ids.take(pa.array(rows)).to_pylist()]).dictionary_encode()
    if 2 <= len(stems.dictionary) <= MOST_NAMES:
        yield NAME, "samples", "the id without its digits", np.from_dlpack(stems.indices)
    yield ORDER, "samples", "the place in the order of ids", rows.astype(np.float64)
    if examined.time is not None:
        yield TIME, "samples", "the time", examined.time[rows]


def facts_of_modalities(examined: ExaminedDataSet, rows: np.ndarray) -> Facts:
    """Yield code, subject, words and values of what is known of each modality."""
    for modality in examined.modalities:
        kind, column, taken = modality.column.type, modality.column, pa.array(rows)
        if column.null_count:
            yield MISSING, modality.name, f"whether {modality.name} is missing", _codes(column.is_null().take(taken).cast(pa.int32()))
        if modality.kind in ("image", "audio") and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            yield from _facts_of_files(modality, rows)
        elif modality.kind in LISTS and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            yield DURATION, modality.name, f"the length of {modality.name}", _numbers(pc.list_value_length(column).take(taken))
        for name, values in table_columns(modality, rows):
            missing = values < 0 if values.dtype == np.int32 else np.isnan(values)
            if missing.any() and not missing.all():
                yield MISSING, f"{modality.name}.{name}", f"whether column {name!r} is missing", missing.astype(np.int32)


def _facts_of_files(modality: ExaminedModality, rows: np.ndarray) -> Facts:
    column = modality.column
    yield SIZE, modality.name, f"the size of the file of {modality.name}", _numbers(pc.binary_length(column).take(pa.array(rows)))
    files = (column[row].as_py() for row in rows.tolist())  # one at a time: together they may be large
    if modality.kind == "image":
        formats = [None if value is None else image_format(value) for value in files]
        yield FORMAT, modality.name, f"the format of {modality.name}", _codes(pa.chunked_array([pa.array(formats, pa.string())]))
        return
    headers = [None if value is None else sound_header(value) for value in files]
    rates = [None if header is None else f"{header.kind} {header.rate_hz}" for header in headers]
    yield RATE, modality.name, f"the sampling rate of {modality.name}", _codes(pa.chunked_array([pa.array(rates, pa.string())]))
    durations = [None if header is None else header.duration_s for header in headers]
    yield DURATION, modality.name, f"the duration of {modality.name}", _numbers(pa.chunked_array([pa.array(durations, pa.float64())]))


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(np.from_dlpack(column.cast(pa.float64()).combine_chunks().fill_null(float("nan"))))


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """Return the codes of the MOST_NAMES most frequent values, int32 (n,), the others as one, -1 where null."""
    codes = np.from_dlpack(column.combine_chunks().dictionary_encode().indices.fill_null(-1))
    kept = np.argsort(-np.bincount(codes + 1)[1:], kind="stable")[:MOST_NAMES]
    return np.where((codes < 0) | np.isin(codes, kept), codes, MOST_NAMES).astype(np.int32) if len(kept) == MOST_NAMES else codes


SAME_WAY = "record, resize or encode the samples of all classes alike, or group them by what differs: datasets.{name}.group: <column>"
REMEDIES = {
    NAME.name: "make sure that no modality shows what the ids are made of (a folder, a session); else datasets.{name}.group: <that column>",
    ORDER.name: "if samples were recorded in this order, group them by session (datasets.{name}.group: <column>) or order the folds in "
                "time (datasets.{name}.time: <column>)",
    TIME.name: "the folds follow the time already; leave columns made from it out of the modalities",
    SIZE.name: SAME_WAY, FORMAT.name: SAME_WAY, RATE.name: SAME_WAY, DURATION.name: SAME_WAY,
    MISSING.name: "if {subject} is missing because of the target, leave it out (`without:` or `modalities:` of datasets.{name})",
}  # fmt: skip

DETECTOR = Detector(name="telling_metadata", codes=CODES, detect=detect)
