"""What the data set river_flow promises beyond the battery: blocks of time that see no hour of each other."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy import river_flow as toy

from stages.datasets.river_flow import DATA_SET, GAUGES, HORIZON_H, LAGS_H, RiverFlowOptions, block_rows, read
from stages.foundation.errors import InputError


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return toy.write(tmp_path_factory.mktemp("river"))


@pytest.mark.parametrize("n_hours", [4_108, 5_017])
def test_no_hour_is_seen_from_two_blocks(n_hours: int) -> None:
    blocks = [np.array(rows) for rows in block_rows(n_hours, RiverFlowOptions())]
    assert len(blocks) > 5 and max(map(len, blocks)) < 1.2 * RiverFlowOptions().block_h
    seen = [set((rows[:, None] + np.array([HORIZON_H, *(-lag for lag in LAGS_H)])).ravel().tolist()) for rows in blocks]
    spans = [range(min(hours), max(hours) + 1) for hours in seen]
    assert all(first.stop <= second.start for first, second in pairwise(spans))
    assert sum(map(len, blocks)) == n_hours - (len(blocks) - 1) * (LAGS_H[-1] + HORIZON_H)


def test_the_declared_rows_follow_from_the_blocks() -> None:
    assert sum(len(rows) for n_hours in (4_108, 5_017) for rows in block_rows(n_hours, RiverFlowOptions())) == DATA_SET.n_samples
    assert sum(len(rows) for n_hours in (4_108, 5_017) for rows in block_rows(n_hours, RiverFlowOptions(gap_h=0))) == 9_125


def test_a_gap_as_long_as_a_block_is_refused() -> None:
    with pytest.raises(InputError, match=r"river_flow\.options: gap_h 108 leaves no row of blocks of 100 hours; lower it"):
        list(block_rows(400, RiverFlowOptions(block_h=100)))


def test_targets_are_the_flows_in_48_hours_and_first_lags_are_missing(archives: dict[str, Path]) -> None:
    table = read(archives, "flow", RiverFlowOptions(gap_h=0), 1)
    rows = {row["sample_id"]: row for row in table.to_pylist()}
    assert len(rows) == sum(toy.N_HOURS.values())
    now, later = rows["test-0100"], rows["test-0148"]
    for gauge in GAUGES:
        assert now["target"][f"{gauge}_48H__0"] == later["table"][f"{gauge}__0"] == rows["test-0208"]["table"][f"{gauge}__-60"]
        assert [rows[name]["table"][f"{gauge}__-6"] is None for name in ("test-0005", "test-0006", "train-0005")] == [True, False, True]
    for name, row in rows.items():  # the table is sorted by id, the files are not
        assert row["persistence"] == {f"{gauge}_48H__0": row["table"][f"{gauge}__0"] for gauge in GAUGES}, name
    assert not any(math.isnan(value) for row in rows.values() for value in row["target"].values())
    assert list(now["target"]) == [f"{gauge}_48H__0" for gauge in GAUGES] and len(now["table"]) == 64


def test_groups_are_blocks_of_one_file(archives: dict[str, Path]) -> None:
    table: pa.Table = read(archives, "flow", RiverFlowOptions(), 1)
    pairs = set(zip(table["group"].to_pylist(), [name.split("-")[0] for name in table["sample_id"].to_pylist()], strict=True))
    assert pairs == {("train-0", "train"), ("test-0", "test"), ("test-1", "test")}
    kept = set(table["sample_id"].to_pylist())
    assert {f"test-{row:04d}" for row in (649, 650, 757, 758)} & kept == {"test-0649", "test-0758"}


def test_hours_are_their_own_groups_on_request(archives: dict[str, Path]) -> None:
    table: pa.Table = read(archives, "flow", RiverFlowOptions(groups="hours", gap_h=0), 1)
    assert table["group"].to_pylist() == table["sample_id"].to_pylist()
    assert table.num_rows == sum(toy.N_HOURS.values())
