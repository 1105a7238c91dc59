"""Cells of a table that hold nothing of a modality: null, blank text, lists without a member."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.own_data.unicode_forms import normal, normal_column


def blank_as_null(text: pa.Array) -> pa.Array:
    """Return texts unchanged, but null where they are empty or hold nothing but blanks and invisible characters."""
    return pc.if_else(pc.equal(normal_column(text), ""), pa.scalar(None, text.type), text)


def is_empty(kind: str, value: Any) -> bool:
    """Return whether a cell holds nothing of a modality.

    A list of nulls is not empty, but for words: it has places for numbers, and these are missing.

    Args:
        kind: the component under stages/modalities/. value: a cell as Python has it.
    """
    if kind == "text" and isinstance(value, dict):  # an utterance: its speaker alone is no text
        value = value.get("text")
    if value is None or isinstance(value, str):
        return not normal(value or "")
    if isinstance(value, np.ndarray):
        return value.size == 0
    if isinstance(value, dict):
        return all(member is None for member in value.values())
    if isinstance(value, list | tuple):
        members = (str, type(None)) if kind == "text" else (list, tuple)
        return all(isinstance(member, members) and is_empty(kind, member) for member in value)
    return False
