"""Tables: one row of mixed columns per sample, numeric and categorical separated, missing values kept.

A column's Arrow type decides its features:
    number, decimal  the number                        truth value  1 or 0
    duration         its seconds                       string       a category
    date             days since 1970-01-01; the day of the year as sine and cosine; the weekday, a category
    time             the time of day as sine and cosine
    timestamp        as a date and a time, in local time of its time zone if it has one
A dictionary-encoded column is decoded; a column of Arrow's null type is a numeric column that is always missing.

Imputation, scaling and the list of categories are fitted in train, on training rows. Above `max_categories`, the rarest categories share
one column; a category without training rows is all zeros. A string column with almost only distinct values is an identifier without
information: validation fails (`max_unique_share`).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.table.table_corruptions import CORRUPTIONS
from stages.samples.bounds import bounded
from stages.samples.exhibits import show_row

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
SECONDS_PER_DAY = 86_400
DAYS_PER_YEAR = 365.2425
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONDAY = 4  # the first Monday is day 4 after 1970-01-01, a Thursday


class TableSettings(Settings):
    max_categories: int = Field(50, ge=2, le=10_000, description="maximum number of categories of a column; the rarest share one")
    max_null_share: float = Field(0.9, ge=0, le=1, description="validate: missing share of a column, or share of empty rows, at most")
    max_unique_share: float = Field(0.9, gt=0, le=1, description="validate: share of distinct values of a string column, at most")


def featurize(column: pa.Array | pa.ChunkedArray, settings: TableSettings) -> Features:
    """Return numeric float64 (n, p) (NaN: missing) and categorical string (n, q) (null: missing) of a struct column.

    The columns keep the struct's order; metadata `names` lists them by kind. A null struct is a row of missing values.

    Raises:
        InputError: naming a column of an unsupported type, or a name that occurs twice.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    numeric: dict[str, np.ndarray] = {}
    categorical: dict[str, pa.Array] = {}
    for name, values in zip(whole.type.names, whole.flatten(), strict=True):
        for feature, content in _features(name, values):
            if feature in numeric or feature in categorical:
                raise InputError(f"table has two columns {feature!r}; rename one in the data set")
            if isinstance(content, np.ndarray):
                numeric[feature] = content
            else:
                categorical[feature] = content
    columns = {
        "numeric": fixed_lists(np.stack(list(numeric.values()), axis=1)) if numeric else _no_columns(len(whole), pa.float64()),
        "categorical": _interleaved(list(categorical.values())) if categorical else _no_columns(len(whole), pa.string()),
    }
    names = {"numeric": list(numeric), "categorical": list(categorical)}
    return Features(columns, "table", (len(numeric), len(categorical)), names, {"max_categories": settings.max_categories})


def _features(name: str, values: pa.Array) -> Iterator[tuple[str, np.ndarray | pa.Array]]:
    """Yield the feature columns of one column: numeric as float64 (NaN: missing), categorical as strings (null: missing)."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        yield name, values.cast(pa.string())
    elif pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_interval(kind):
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            values = _wall_clock(name, values)
        days, time_of_day = _days(values)
        if not pa.types.is_time(kind):
            yield from _calendar(name, days, values.is_valid())
        if not pa.types.is_date(kind):
            yield from _cycle(f"{name}:day", time_of_day, values.is_valid())
    else:
        yield name, _numbers(name, values)


def _numbers(name: str, values: pa.Array) -> np.ndarray:
    """Return float64 (n,), NaN where null, infinite where too large (`bounded`)."""
    kind = values.type
    per_unit = 1
    if pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif pa.types.is_duration(kind):
        values, per_unit = values.cast(pa.int64()), PER_SECOND[kind.unit]
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)):
        raise InputError(
            f"table column {name!r} has Arrow type {kind}; convert it to a number, a truth value, a string, "
            "a date or a time in the data set"
        )
    numbers: np.ndarray = np.from_dlpack(pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")))
    return bounded(np.divide(numbers, per_unit))


def _wall_clock(name: str, values: pa.Array) -> pa.Array:
    try:
        return pc.local_timestamp(values)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"table column {name!r}: time zone {values.type.tz!r} is unknown ({error}); use a zone of this system's "
            "time zone database, or remove the zone in the data set"
        ) from error


def _days(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole days since 1970-01-01, int64 (n,), and the rest of the day in [0, 1); both 0 where null."""
    kind = values.type
    units_per_day = 1 if pa.types.is_date32(kind) else SECONDS_PER_DAY * PER_SECOND["ms" if pa.types.is_date64(kind) else kind.unit]
    narrow = pa.types.is_date32(kind) or pa.types.is_time32(kind)
    units = np.from_dlpack(pc.fill_null(values.cast(pa.int32() if narrow else pa.int64()), 0)).astype(np.int64)
    return units // units_per_day, (units % units_per_day) / units_per_day


def _calendar(name: str, days: np.ndarray, valid: pa.Array) -> Iterator[tuple[str, np.ndarray | pa.Array]]:
    dates = days.astype("datetime64[D]")
    day_of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64)
    yield f"{name}:days", np.where(_mask(valid), days, np.nan)
    yield from _cycle(f"{name}:year", day_of_year / DAYS_PER_YEAR, valid)
    yield f"{name}:weekday", pa.array(WEEKDAYS).take(pc.if_else(valid, pa.array((days - MONDAY) % 7), None))


def _cycle(name: str, place: np.ndarray, valid: pa.Array) -> Iterator[tuple[str, np.ndarray]]:
    """Yield sine and cosine of a position in a cycle of length 1, so that its end is near its start."""
    for suffix, function in (("sine", np.sin), ("cosine", np.cos)):
        yield f"{name}_{suffix}", np.where(_mask(valid), function(2 * np.pi * place), np.nan)


def _mask(valid: pa.Array) -> np.ndarray:
    return np.from_dlpack(valid.cast(pa.uint8())).astype(bool)


def _interleaved(columns: list[pa.Array]) -> pa.FixedSizeListArray:
    """Return q arrays of n strings as n lists of q strings, without a Python object per value."""
    n, q = len(columns[0]), len(columns)
    by_row = np.arange(n * q).reshape(q, n).T.reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.concat_arrays(columns).take(pa.array(by_row)), q)


def _no_columns(n: int, kind: pa.DataType) -> pa.Array:
    """Return `n` empty lists of fixed size 0."""
    return pa.array([[]] * n, type=pa.list_(kind, 0))


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per row: finite, null_share, and every column as `column:<name>` (null: missing)."""
    p, q = metadata.shape
    numeric = column_values(table["numeric"]) if p else np.empty((len(table), 0), dtype=np.float64)
    flat = table["categorical"].combine_chunks().flatten()
    strings = [_strings(flat.take(pa.array(np.arange(len(table)) * q + j))) for j in range(q)]
    missing = np.isnan(numeric).sum(axis=1) + sum(np.equal(column, np.array(None)) for column in strings)
    names = [*metadata.names["numeric"], *metadata.names["categorical"]]
    named = dict(zip((f"column:{name}" for name in names), [*numeric.T, *strings], strict=True))
    return {"finite": ~np.isinf(numeric).any(axis=1), "null_share": missing / max(1, p + q), **named}


def _strings(values: pa.Array) -> np.ndarray:
    """Return object (n,), None where null; equal values are one object, which saves memory and time."""
    encoded = values.dictionary_encode("encode")
    return np.array([*encoded.dictionary.to_pylist(), None], dtype=object)[np.from_dlpack(encoded.indices)]


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: no infinite number, few entirely missing rows, no mostly missing column, no identifier.

    In a table of one column, a row is missing when its value is, and a sample may lack its table: so `max_null_share` also bounds the share
    of entirely missing rows.
    """
    settings = metadata.settings
    numeric, categorical = ([f"column:{name}" for name in metadata.names[kind]] for kind in ("numeric", "categorical"))
    mostly = 1 - settings["max_null_share"]
    partly = {"min_value": 0.0, "max_value": 1.0, "strict_max": True, "mostly": mostly, "notes": "share of the row that is missing"}
    distinct = {"max_value": settings["max_unique_share"], "notes": "share of distinct values; near 1 it is an identifier; remove it"}
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "null_share", **partly}),
        *(("expect_column_values_to_not_be_null", {"column": name, "mostly": mostly}) for name in [*numeric, *categorical]),
        *(("expect_column_proportion_of_unique_values_to_be_between", {"column": name, **distinct}) for name in categorical),
    ]


MODALITY = Modality(
    name="table",
    settings=TableSettings,
    column_types=("struct",),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_row,
    corruptions=CORRUPTIONS,
)
