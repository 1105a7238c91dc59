"""What the two data sets of brain graphs promise: mouse connectomes as wholes, fly neurons by their neighbourhoods."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy import connectomes as toy_mice
from toy import fly_neurons as toy_fly
from toy import write_wheel

from stages.contracts.data_set import DataSet
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.readers.archive import member_names, read_members

MICE: DataSet = component("datasets", "connectomes")
FLY: DataSet = component("datasets", "fly_neurons")


def rows_of(data_set: DataSet, archive: Path, target: str) -> list[dict[str, Any]]:
    table: pa.Table = data_set.read({"graspologic": archive}, target, data_set.options(), 1)
    return table.to_pylist()


def changed(archive: Path, member: str, old: str, new: str) -> Path:
    """Return a copy of the archive with every `old` in one member replaced."""
    members = read_members(archive, member_names(archive))
    assert old.encode() in members[member]
    return write_wheel(archive.with_name("changed.whl"), members | {member: members[member].replace(old.encode(), new.encode())})


@pytest.fixture
def mice(tmp_path: Path) -> Path:
    return toy_mice.write(tmp_path)["graspologic"]


@pytest.fixture
def fly(tmp_path: Path) -> Path:
    return toy_fly.write(tmp_path)["graspologic"]


def test_every_mouse_has_all_regions_by_the_same_names(mice: Path) -> None:
    rows = rows_of(MICE, mice, "genotype")
    names = {tuple(row["connectome"]["node_labels"]) for row in rows}
    assert len(names) == 1 and len(set(next(iter(names)))) == toy_mice.N_REGIONS
    assert next(iter(names))[:5:4] == ("L isocortex 0", "L pallium 4")
    assert all(not row["connectome"]["directed"] and min(row["connectome"]["weight"]) >= 1 for row in rows)
    assert len({row["group"] for row in rows}) == toy_mice.N
    assert {row["target"] for row in rows_of(MICE, mice, "sex")} == {"male", "female"}


@pytest.mark.parametrize(
    ("member", "old", "new", "reason"),
    [
        ("blocks.csv", "pallium,L,4", "pallium,L,5", "'pallium' does not begin where the previous block ends, at 4"),
        ("blocks.csv", "10,12", "10,11", "edges of finite weight between regions 0 to 10"),
        ("participants.csv", "genotype", "genome", "column 'genotype' is missing or has empty cells"),
        ("participants.csv", "sub-54776", "sub-1", "no member 'graspologic/datasets/mice/edgelists/sub-1_"),
        ("edgelists/sub-54780_ses-1_dti.edgelist", ".0\n", "\n.", "sub-54780"),
    ],
)
def test_damaged_mice_are_named(mice: Path, member: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        rows_of(MICE, changed(mice, toy_mice.FOLDER + member, old, new), "genotype")


def test_a_neuron_comes_with_its_neighbours_and_no_types(fly: Path) -> None:
    for row in rows_of(FLY, fly, "type"):
        side, _, node = row["sample_id"].partition("-")
        graph, synapses = row["neighbourhood"], toy_fly.synapses(side)
        assert "node_labels" not in graph and "edge_labels" not in graph and graph["directed"] and graph["root"] == 0
        near = np.flatnonzero(synapses[int(node)] + synapses[:, int(node)])
        nodes = np.concatenate([[int(node)], near])
        matrix = np.zeros((len(nodes), len(nodes)), dtype=int)
        matrix[graph["source"], graph["target"]] = graph["weight"]
        expected = synapses[np.ix_(nodes, nodes)]
        assert graph["n_nodes"] == len(nodes)
        for found, wanted in ((matrix[0], expected[0]), (matrix[:, 0], expected[:, 0]), (matrix, expected)):
            np.testing.assert_array_equal(np.sort(found, axis=None), np.sort(wanted, axis=None))
        np.testing.assert_array_equal(np.sort(matrix.sum(axis=1)), np.sort(expected.sum(axis=1)))


def test_one_side_is_trained_on_and_the_other_tested(fly: Path) -> None:
    rows = rows_of(FLY, fly, "type")
    assert {(row["sample_id"].partition("-")[0], row["split"]) for row in rows} == {("left", "train"), ("right", "test")}
    assert {row["target"] for row in rows} == {"Kenyon", "input", "output", "projection"}


@pytest.mark.parametrize(
    ("member", "old", "new", "reason"),
    [
        ("left_cell_labels.csv", "O", "X", "expected types K, I, O, P, found 'X'"),
        ("left_cell_labels.csv", "I\n", "", "expected 16 × 16 numbers"),
        ("right_adjacency.csv", "0 ", "nan ", "a number of synapses is not finite"),
        ("right_adjacency.csv", "0 ", "none ", "could not convert string to float: 'none'"),
    ],
)
def test_damaged_flies_are_named(fly: Path, member: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        rows_of(FLY, changed(fly, toy_fly.FOLDER + member, old, new), "type")
