"""Rows of sliced tables, of every type that a column of samples may have."""

import numpy as np
import pyarrow as pa
import pytest

from stages.foundation.taken_rows import rows_at

N = 9
PAIR = pa.list_(pa.int16(), 2)
COLUMNS = {
    "numbers": pa.array(range(N)),
    "fixed lists": pa.array([[i, i + 1] for i in range(N)], PAIR),
    "fixed lists of fixed lists": pa.array([[[i, -i], [i, i]] for i in range(N)], pa.list_(PAIR, 2)),
    "three levels": pa.array([[[[i, 1]] * 2] * 3 for i in range(N)], pa.list_(pa.list_(PAIR, 2), 3)),
    "with nulls": pa.array([[[i, None], [i, i]] if i % 3 else None for i in range(N)], pa.list_(PAIR, 2)),
    "in a struct": pa.array([{"a": [[i, i], [i, 2 * i]], "b": str(i)} for i in range(N)],
                            pa.struct([("a", pa.list_(PAIR, 2)), ("b", pa.string())])),
    "in lists": pa.array([[[[i, i], [i, 3]]] * (i % 3) for i in range(N)], pa.list_(pa.list_(PAIR, 2))),
    "texts": pa.array([["a" * i, None] for i in range(N)], pa.list_(pa.string(), 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("start", range(4))
def test_rows_of_a_slice_are_those_of_the_whole(name: str, start: int) -> None:
    rows = np.array([4, 0, 2, 2])
    for whole in (COLUMNS[name], pa.chunked_array([COLUMNS[name].slice(0, 4), COLUMNS[name].slice(4)])):
        table = pa.table({"x": whole}).slice(start, 5)
        assert rows_at(table, rows)["x"].to_pylist() == [COLUMNS[name].to_pylist()[start + row] for row in rows]
        assert rows_at(table, rows[:0])["x"].to_pylist() == []


@pytest.mark.xfail(reason="pyarrow 25.0.1 applies the offset twice; when this passes, `rows_at` may go", strict=True, raises=AssertionError)
def test_arrow_takes_the_right_rows_of_a_slice() -> None:
    column = COLUMNS["fixed lists of fixed lists"]
    assert column.slice(1, 3).take(pa.array([1])).to_pylist() == [column.to_pylist()[2]]
