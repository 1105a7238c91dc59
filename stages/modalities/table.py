"""Tables: one row of mixed columns per sample, numeric and categorical apart, missing values kept.

Imputation, scaling and the list of categories are fitted in train, on training rows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.contracts import Features, Modality, Settings
from stages.errors import InputError
from stages.tables import column_values, fixed_lists


class TableSettings(Settings):
    max_categories: int = Field(50, ge=2, le=10_000, description="categories kept of a column, the most frequent; others count as none")
    max_null_share: float = Field(0.5, ge=0, le=1, description="validate: share of a column that is missing, at most")


def featurize(column: pa.Array | pa.ChunkedArray, settings: TableSettings) -> Features:
    """Return numeric float32 (n, p) (NaN: missing; true 1, false 0) and categorical string (n, q) (null: missing) of a struct column.

    The columns keep the struct's order; metadata `names` lists them by kind. A null struct is a row of missing values.

    Raises:
        InputError: if a column is neither number, truth value nor string, naming it.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    numeric: dict[str, np.ndarray] = {}
    categorical: dict[str, pa.Array] = {}
    for name, values in zip(whole.type.names, whole.flatten(), strict=True):
        if _is_category(values.type):
            categorical[name] = values.cast(pa.string())
        else:
            numeric[name] = _numbers(name, values)
    flat = pa.array([v for row in zip(*(c.to_pylist() for c in categorical.values()), strict=True) for v in row], type=pa.string())
    columns = {
        "numeric": fixed_lists(np.stack(list(numeric.values()), axis=1)) if numeric else _no_columns(len(whole), pa.float32()),
        "categorical": pa.FixedSizeListArray.from_arrays(flat, len(categorical)) if categorical else _no_columns(len(whole), pa.string()),
    }
    names = {"numeric": list(numeric), "categorical": list(categorical)}
    return Features(columns, "table", (len(numeric), len(categorical)), names, {"max_categories": settings.max_categories})


def _is_category(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_category(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _numbers(name: str, values: pa.Array) -> np.ndarray:
    """Return float32 (n,), NaN where null; a number too large for float32 becomes infinite, which validate then names."""
    kind = values.type
    if not (pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise InputError(f"table column {name!r} has Arrow type {kind}; convert it to a number, a truth value or a string in the data set")
    if pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    with np.errstate(over="ignore"):
        return np.from_dlpack(pc.fill_null(values.cast(pa.float64(), safe=False), float("nan"))).astype(np.float32)


def _no_columns(n: int, kind: pa.DataType) -> pa.Array:
    """Return `n` empty lists of fixed size 0."""
    return pa.array([[]] * n, type=pa.list_(kind, 0))


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per row: finite, null_share, and every column as `column:<name>` (null: missing)."""
    p, q = metadata["shape"]
    numeric = column_values(table["numeric"]) if p else np.empty((len(table), 0), dtype=np.float32)
    strings = np.array(table["categorical"].combine_chunks().flatten().to_pylist(), dtype=object).reshape(len(table), q)
    missing = np.isnan(numeric).sum(axis=1) + np.equal(strings, np.array(None)).sum(axis=1)
    names = [*metadata["names"]["numeric"], *metadata["names"]["categorical"]]
    named = dict(zip((f"column:{name}" for name in names), [*numeric.astype(np.float64).T, *strings.T], strict=True))
    return {"finite": ~np.isinf(numeric).any(axis=1), "null_share": missing / max(1, p + q), **named}


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: no infinite number, no wholly missing row, and of every column `max_null_share` missing at most."""
    mostly = 1 - metadata["settings"]["max_null_share"]
    names = [*metadata["names"]["numeric"], *metadata["names"]["categorical"]]
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        (
            "expect_column_values_to_be_between",
            {"column": "null_share", "min_value": 0.0, "max_value": 1.0, "strict_max": True, "notes": "share of the row that is missing"},
        ),
        *(("expect_column_values_to_not_be_null", {"column": f"column:{name}", "mostly": mostly}) for name in names),
    ]


MODALITY = Modality(
    name="table",
    settings=TableSettings,
    column_types=("struct",),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
)
