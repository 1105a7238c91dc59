"""What becomes of each kind of column of a table, and what validation says of identifiers."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy_samples import features_metadata

from stages.contracts.modality import Features
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.modalities.table import MODALITY, TableSettings
from stages.validation.expectations import run_suites
from stages.validation.suites import Suite

DAYS = [dt.date(1970, 1, 1), dt.date(1969, 12, 31), None, dt.date(2024, 2, 29), dt.date(2000, 7, 1)]
TIMES = [dt.time(0), dt.time(6), dt.time(12), None, dt.time(18, 30, 15)]
MOMENTS = [None if day is None or time is None else dt.datetime.combine(day, time) for day, time in zip(DAYS, TIMES, strict=True)]
COLUMNS = {
    "born": pa.array(DAYS, pa.date32()),
    "due": pa.array(DAYS, pa.date64()),
    "opens": pa.array(TIMES, pa.time32("s")),
    "closes": pa.array(TIMES, pa.time64("us")),
    "seen": pa.array(MOMENTS, pa.timestamp("ms")),
    "sold": pa.array(MOMENTS, pa.timestamp("ns", "Asia/Kolkata")),
    "lasted": pa.array([dt.timedelta(days=1), None, dt.timedelta(0), dt.timedelta(seconds=-1.5), dt.timedelta(hours=2)]),
    "cost": pa.array([Decimal("1.25"), None, Decimal("-3.00"), Decimal("0.01"), Decimal("7.00")], pa.decimal128(9, 2)),
    "half": pa.array(np.array([1, 2, 3, 4, 5], dtype=np.float16)),
    "shop": pa.array(["a", "b", None, "a", "c"]).dictionary_encode(),
    "floor": pa.array([1, 2, None, 1, -1]).dictionary_encode(),
    "note": pa.array(["x", None, "", "y", "ä"], pa.large_string()),
    "never": pa.nulls(5),
}


def table(columns: dict[str, pa.Array]) -> pa.StructArray:
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def whole() -> pa.Array:
    """Return a column of every kind, with a row that is missing as a whole at the end."""
    rows = table(COLUMNS)
    return pa.concat_arrays([rows, pa.nulls(1, rows.type)])


def featurized(column: pa.Array, **settings: Any) -> Features:
    return MODALITY.featurize(column, TableSettings(**settings))


def values_of(features: Features) -> dict[str, list[Any]]:
    """Return every column's values by name, a gap as None."""
    assert isinstance(features.names, dict)
    numbers = column_values(features.columns["numeric"]).tolist()
    values = {name: [None if np.isnan(row[j]) else row[j] for row in numbers] for j, name in enumerate(features.names["numeric"])}
    strings = features.columns["categorical"].to_pylist()
    return values | {name: [row[j] for row in strings] for j, name in enumerate(features.names["categorical"])}


def test_a_day_becomes_days_its_place_in_the_year_and_its_weekday() -> None:
    values = values_of(featurized(table(COLUMNS)))
    for name in ("born", "due"):
        assert values[f"{name}:days"] == [0, -1, None, 19_782, 11_139]
        assert values[f"{name}:weekday"] == ["Thursday", "Wednesday", None, "Thursday", "Saturday"]
        place = 2 * np.pi * np.array([0, 364, 59, 182]) / 365.2425
        for part, expected in (("sine", np.sin(place)), ("cosine", np.cos(place))):
            found = values[f"{name}:year_{part}"]
            assert found.pop(2) is None
            np.testing.assert_allclose(found, expected, atol=1e-6)
        assert not any(column.startswith(f"{name}:day_") for column in values)


def test_a_time_becomes_its_place_in_the_day() -> None:
    values = values_of(featurized(table(COLUMNS)))
    evening = 2 * np.pi * (18 * 3600 + 30 * 60 + 15) / 86_400
    for name in ("opens", "closes"):
        assert [column for column in values if column.startswith(name)] == [f"{name}:day_sine", f"{name}:day_cosine"]
        assert values[f"{name}:day_sine"] == pytest.approx([0, 1, 0, None, np.sin(evening)], abs=1e-6)
        assert values[f"{name}:day_cosine"] == pytest.approx([1, 0, -1, None, np.cos(evening)], abs=1e-6)


def test_a_moment_is_read_by_the_clocks_of_its_zone() -> None:
    values = values_of(featurized(table(COLUMNS)))
    assert values["seen:days"] == [0, -1, None, None, 11_139]
    assert values["seen:day_sine"][:2] == pytest.approx([0, 1], abs=1e-6)
    assert values["sold:days"] == [0, -1, None, None, 11_140]  # half past six in the evening, and five hours and a half
    assert values["sold:weekday"] == ["Thursday", "Wednesday", None, None, "Sunday"]
    assert values["sold:day_cosine"][1] == pytest.approx(np.cos(2 * np.pi * 11.5 / 24))


def test_other_kinds_become_numbers_or_categories() -> None:
    values = values_of(featurized(table(COLUMNS)))
    assert values["lasted"] == [86_400, None, 0, -1.5, 7200]
    assert values["cost"] == pytest.approx([1.25, None, -3, 0.01, 7])
    assert values["half"] == [1, 2, 3, 4, 5]
    assert values["shop"] == ["a", "b", None, "a", "c"]
    assert values["floor"] == [1, 2, None, 1, -1]
    assert values["note"] == ["x", None, "", "y", "ä"]
    assert values["never"] == [None] * 5


def test_each_row_of_every_kind_depends_on_itself_alone() -> None:
    column = whole()
    expected = [repr(row) for row in pa.table(dict(featurized(column).columns)).to_pylist()]
    assert [repr(row) for i in range(len(column)) for row in pa.table(dict(featurized(column.slice(i, 1)).columns)).to_pylist()] == expected
    assert set(np.isnan(column_values(featurized(column).columns["numeric"])[-1])) == {True}
    assert featurized(column.slice(0, 0)).shape == featurized(column).shape


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (table({"a": pa.array([b"x"])}), r"table column 'a' has Arrow type binary; convert it to a number, a truth value"),
        (table({"a": pa.array([[1]])}), r"table column 'a' has Arrow type list<.*; convert it"),
        (table({"a": pa.array([{"b": 1}])}), r"table column 'a' has Arrow type struct<.*; convert it"),
        (pa.StructArray.from_arrays([pa.array([1]), pa.array(["x"])], names=["a", "a"]), r"two columns 'a'; rename one"),
        (table({"a": pa.array([1], pa.date32()), "a:days": pa.array([1])}), r"two columns 'a:days'; rename one"),
        (table({"a": pa.array([1], pa.timestamp("s", "Nowhere/City"))}), r"time zone 'Nowhere/City' is unknown"),
    ],
)
def test_what_has_no_place_in_a_table_is_named(column: pa.Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        featurized(column)


def test_an_identifier_fails_validation_and_many_categories_do_not() -> None:
    n = 40
    columns = {
        "customer": pa.array([f"customer {i}" for i in range(n)]),
        "town": pa.array([f"town {i % 30}" for i in range(n)]),
        "weight": pa.array(np.arange(n) + 0.5),
        "blank": pa.array([None] * n, pa.string()),
    }
    strict, lenient = failing(table(columns), {"max_unique_share": 0.7}, {})
    assert strict == {"column:customer", "column:town"}
    assert lenient == {"column:customer"}


def failing(column: pa.Array, *choices: dict[str, Any]) -> list[set[str]]:
    """Return for each choice of settings the columns of which an expectation fails."""
    suites = []
    for number, settings in enumerate(choices):
        chosen = {"max_null_share": 1, **settings}
        features = featurized(column, **chosen)
        metadata = features_metadata("table", names=features.names, shape=features.shape, settings=TableSettings(**chosen).model_dump())
        summary = MODALITY.summarise(pa.table(dict(features.columns)), metadata)
        frame = {"sample_id": np.array([str(i) for i in range(len(column))], dtype=object), **summary}
        suites.append(Suite(f"table {number}", frame, MODALITY.expectations(metadata)))
    return [{found.column for found in result.expectations if not found.success} for result in run_suites(suites)]


@pytest.mark.parametrize("column", [table({"age": pa.array([1.0, None, 3.0, 4.0])}), pa.array([{"age": 1.0}, None, {"age": 2.0}])])
def test_a_row_may_be_wholly_missing_where_columns_may(column: pa.Array) -> None:
    allowed, refused = failing(column, {"max_null_share": 0.5}, {"max_null_share": 0.2})
    assert allowed == set()
    assert refused == {"null_share", "column:age"}
