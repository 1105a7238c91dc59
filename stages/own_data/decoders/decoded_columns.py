"""Arrow columns of decoded files or table cells: lists of points or frames, text, bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

MAX_NAMED = 20
MAX_COLUMN = 2**31 - 1  # numbers or bytes in one chunk of a column: Arrow's offsets are 32 bits
UTTERANCE = pa.struct([("text", pa.string()), ("speaker", pa.string())])
TEXTS: dict[type, pa.DataType] = {str: pa.string(), dict: UTTERANCE, list: pa.list_(pa.string())}


class ColumnError(ValueError):
    """Some values of a column do not fit. `reasons`: position → reason; the others can be read without them."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        self.reasons = dict(reasons)
        named = [f"value {place}: {reason}" for place, reason in list(self.reasons.items())[:MAX_NAMED]]
        super().__init__("; ".join(named + [f"and {len(self.reasons) - MAX_NAMED} more"] * (len(self.reasons) > MAX_NAMED)))


def read_values(values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    """Return `read(value)` of every value; None stays None.

    Raises:
        ColumnError: naming all values for which `read` raised ValueError.
    """
    found: list[Any] = []
    reasons: dict[int, str] = {}
    for place, value in enumerate(values):
        try:
            found.append(None if value is None else read(value))
        except ValueError as error:
            reasons[place] = str(error)
    if reasons:
        raise ColumnError(reasons)
    return found


def to_array(value: Any, n_axes: int) -> np.ndarray:
    """Return an array, or lists of numbers nested up to `n_axes` deep, as float64; null is NaN.

    Raises:
        ValueError: if it is something else, or lists of one level differ in length.
    """
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise ValueError(f"an array of {value.dtype}; expected numbers")
        return value.astype(np.float64)
    if not isinstance(value, list | tuple):
        raise ValueError(f"{type(value).__name__} {str(value)[:40]!r}; expected a list of numbers, or of lists of numbers")
    n_levels, inner = 1, _first(value)
    while isinstance(inner, list | tuple) and n_levels < n_axes:
        n_levels, inner = n_levels + 1, _first(inner)
    kind = pa.float64()
    for _ in range(n_levels - 1):
        kind = pa.list_(kind)
    try:
        level = pa.array(value, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise ValueError(f"expected numbers in lists, nested {n_levels} deep: {str(error)[:120]}") from error
    shape = [len(value)]
    for _ in range(n_levels - 1):
        shape.append(_length(level))
        level = level.flatten()
    return np.from_dlpack(level.fill_null(float("nan"))).reshape(shape)


def _first(value: Sequence[Any]) -> Any:
    return next((member for member in value if member is not None), None)


def _length(lists: pa.ListArray) -> int:
    """Return the common length of the lists; raise ValueError if they differ."""
    lengths = lists.value_lengths().to_pylist()
    wrong = next((place for place, length in enumerate(lengths) if length is None or length != lengths[0]), None)
    if wrong is not None:
        found = "is null" if lengths[wrong] is None else f"has {lengths[wrong]} numbers"
        raise ValueError(f"row {wrong} {found}, the first has {lengths[0]}; expected the same number in every row")
    return int(lengths[0]) if lengths else 0


def nested_lists(samples: Sequence[np.ndarray | None], kind: pa.DataType | None, dtype: type[np.floating]) -> pa.ListArray:
    """Return samples (T, …) as lists of T fixed-size lists; all axes but T have the sizes of `kind`, or of the first sample.

    Raises:
        ColumnError: naming the samples of another shape; or all, where every sample is missing and the shape is unknown.
    """
    shape = _sizes(kind) if kind is not None else next((sample.shape[1:] for sample in samples if sample is not None), None)
    if shape is None:
        raise ColumnError(dict.fromkeys(range(len(samples)), "the sample is missing (null), and so is every other one"))
    known = [np.empty((0, *shape)) if sample is None else sample for sample in samples]
    lengths = np.cumsum([0, *(len(sample) for sample in known)])
    reasons = {
        place: f"{_times(sample.shape[1:])} numbers per point, earlier samples have {_times(shape)}; expected the same number in all"
        for place, sample in enumerate(known)
        if sample.shape[1:] != shape
    }
    if reasons:
        raise ColumnError(reasons)
    _check_total(int(lengths[-1]) * int(np.prod(shape)))
    with np.errstate(over="ignore", invalid="ignore"):  # too large for float32: infinite, which the modality refuses
        flat = np.concatenate([sample.reshape(-1).astype(dtype) for sample in known])
    lists: pa.Array = pa.array(flat)
    for size in reversed(shape):
        lists = pa.FixedSizeListArray.from_arrays(lists, size)
    mask = pa.array([sample is None for sample in samples], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(lengths.astype(np.int32)), lists, mask=mask)


def _sizes(kind: pa.DataType) -> tuple[int, ...]:
    """Return the fixed sizes inside a column's type."""
    inner, sizes = kind.value_type, []
    while pa.types.is_fixed_size_list(inner):
        sizes.append(inner.list_size)
        inner = inner.value_type
    return tuple(sizes)


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def encoded_column(values: Sequence[Any]) -> pa.BinaryArray:
    """Return bytes as a column."""
    read_values(values, lambda value: _checked(value, isinstance(value, bytes), "the bytes of a file"))
    _check_total(sum(len(value) for value in values if value is not None))
    return pa.array(values, pa.binary())


def text_column(values: Sequence[Any], kind: pa.DataType | None) -> pa.Array:
    """Return documents (str), utterances (dictionaries of text and speaker) or windows of words (lists of str): one kind per column."""
    first = _first(values)
    family = next((family for family, known in TEXTS.items() if known == kind), type(first) if type(first) in TEXTS else str)
    names: dict[type, str] = {str: "a text", dict: "text and speaker (texts)", list: "a list of words (texts)"}
    read_values(values, lambda value: _checked(value, isinstance(value, family) and _is_text(value), names[family]))
    return pa.array(values, TEXTS[family])


def _is_text(value: Any) -> bool:
    if isinstance(value, dict):
        return not set(value) - {"text", "speaker"} and all(isinstance(text, str | None) for text in value.values())
    return isinstance(value, str) or all(isinstance(word, str | None) for word in value)


def _checked(value: Any, fits: bool, expected: str) -> Any:
    if not fits:
        raise ValueError(f"{type(value).__name__} {str(value)[:40]!r}; expected {expected}")
    return value


def _check_total(size: int) -> None:
    if size > MAX_COLUMN:
        raise ValueError(f"{size:,} numbers or bytes in one chunk of a column; Arrow allows {MAX_COLUMN:,}; pass fewer values at once")
