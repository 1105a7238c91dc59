"""Columns of more than 2 GB, which are no single Arrow array: here chunks that share their memory."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from test_leaks import labels_in_text

from benchmarks.leak_free import examined
from stages.controls.size.sizes import sample_sizes
from stages.foundation.registry import component

LIMIT = 2**31
CHUNK = 2**26


def beyond_the_limit(rows: pa.Array) -> pa.ChunkedArray:
    """Return these rows, then one large text or file again and again: more than 2 GB in all, in memory once."""
    large = pa.array([b"x" * CHUNK], pa.binary()).cast(rows.type)
    return pa.chunked_array([rows, *[large] * (LIMIT // CHUNK)])


def test_sizes_of_files() -> None:
    column = beyond_the_limit(pa.array([b"abc", None, b""], pa.binary()))
    (sizes,) = sample_sizes(pa.field("sound", column.type, metadata={"modality": "audio"}), column)
    assert sizes.tolist() == [3, -1, 0, *[CHUNK] * (LIMIT // CHUNK)]


def test_sizes_of_no_samples() -> None:
    column = pa.chunked_array([], pa.binary())
    assert [sizes.tolist() for sizes in sample_sizes(pa.field("sound", column.type, metadata={"modality": "audio"}), column)] == [[]]


def test_names_of_classes_in_texts() -> None:
    seen = examined(labels_in_text())
    (modality,) = seen.modalities
    texts = modality.column.combine_chunks()
    longer = replace(modality, column=beyond_the_limit(texts))
    inner = np.r_[seen.inner, np.full(LIMIT // CHUNK, -1, seen.inner.dtype)]  # the large ones are tested, not trained on
    rows = {name: np.r_[getattr(seen, name), getattr(seen, name)[:1].repeat(LIMIT // CHUNK)] for name in ("values", "groups")}
    detect = component("leaks", "label_in_text").detect
    expected = [str(one) for one in detect(seen)]
    assert expected
    assert [str(one) for one in detect(replace(seen, modalities=(longer,), inner=inner, **rows))] == expected
