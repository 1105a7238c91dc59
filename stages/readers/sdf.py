"""Read molecules from an SD file with RDKit, as graphs that do not depend on how they were drawn.

A molecule can be drawn in several ways; RDKit's sanitization brings them to one form: nitro groups become charge-separated, and the
alternating bonds of aromatic rings become aromatic bonds. Hydrogens and stereochemistry are dropped, and atoms are sorted by canonical
rank, so that their order in the file does not matter either.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase

MAX_ATOMS = 999  # the maximum of the V2000 format
BOND_TYPES = ("single", "double", "triple", "aromatic")
NOISE = re.compile(r"\s*\d+# |Stacktrace|Violation occurred|Failed Expression|.*moving to the beginning|[-*]*$")  # in RDKit's log
NEWLINE = "\n"

rdBase.LogToPythonLogger()  # RDKit gives reasons only in its log


@dataclass(frozen=True)
class Molecule:
    """The heavy atoms of a molecule in canonical order.

    elements, atomic_numbers, charges: of each atom. positions: float64 (n, 3), of the drawing. bonds: (atom, atom) from 0, smaller
    first → type. smiles: canonical, without stereochemistry. items: the file's data items.
    """

    name: str
    smiles: str
    elements: Sequence[str]
    atomic_numbers: Sequence[int]
    charges: Sequence[int]
    positions: np.ndarray
    bonds: Mapping[tuple[int, int], str]
    items: Mapping[str, str]


def read_molecules(text: str) -> Iterator[Molecule]:
    """Yield the molecules of an SD file.

    Raises:
        ValueError: naming the record (from 1), if it is damaged or truncated.
    """
    *records, rest = re.split(r"^\$\$\$\$[ \t]*$\n?", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    for number, record in enumerate(records, start=1):
        try:
            yield _canonical(_drawn(record))
        except ValueError as error:
            raise ValueError(f"record {number} ({record.partition(NEWLINE)[0].strip()[:40]!r}): {error}") from error
    if rest.strip():
        raise ValueError(f"record {len(records) + 1} is truncated: it does not end in $$$$")


def _drawn(record: str) -> Chem.Mol:
    """Return the molecule of a record as drawn, with the data items as properties."""
    supplier = Chem.SDMolSupplier()
    with _RdkitLog() as log:
        supplier.SetData(record, sanitize=False, removeHs=False)
        drawn = supplier[0] if len(supplier) else None
    if drawn is None:
        raise ValueError(f"RDKit cannot read it: {log.reason() or 'it has no connection table'}")
    if not 1 <= drawn.GetNumAtoms() <= MAX_ATOMS:
        raise ValueError(f"has {drawn.GetNumAtoms()} atoms; expected 1 to {MAX_ATOMS}")
    for atom in drawn.GetAtoms():
        if atom.GetAtomicNum() == 0:
            raise ValueError(f"atom {atom.GetIdx() + 1} is {atom.GetSymbol()!r}, which is not an element")
    for bond in drawn.GetBonds():
        if _bond_type(bond) not in BOND_TYPES:
            raise ValueError(f"bond {bond.GetIdx() + 1} is {_bond_type(bond)}; expected {', '.join(BOND_TYPES)}")
    return drawn


def _bond_type(bond: Chem.Bond) -> str:
    return bond.GetBondType().name.lower()


def _canonical(drawn: Chem.Mol) -> Molecule:
    """Return the canonical form of a molecule."""
    with _RdkitLog():
        Chem.SanitizeMol(drawn)
        Chem.RemoveStereochemistry(drawn)
        bare = Chem.RemoveHs(drawn)
        ranks = Chem.CanonicalRankAtoms(bare, breakTies=True, includeChirality=False)
        molecule = Chem.RenumberAtoms(bare, np.argsort(ranks).tolist())
    atoms = list(molecule.GetAtoms())
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    bonds = {(min(pair), max(pair)): _bond_type(bond) for pair, bond in zip(ends, molecule.GetBonds(), strict=True)}
    return Molecule(
        name=drawn.GetProp("_Name").strip(),
        smiles=Chem.MolToSmiles(molecule),
        elements=[atom.GetSymbol() for atom in atoms],
        atomic_numbers=[atom.GetAtomicNum() for atom in atoms],
        charges=[atom.GetFormalCharge() for atom in atoms],
        positions=molecule.GetConformer().GetPositions(),
        bonds=dict(sorted(bonds.items())),
        items={name: drawn.GetProp(name).strip() for name in drawn.GetPropNames()},
    )


class _RdkitLog(logging.Handler):
    """Captures what RDKit logs within the context."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.logger = logging.getLogger("rdkit")

    def emit(self, record: logging.LogRecord) -> None:
        line = re.sub(r"^(\[[\d:]+\] )?(ERROR: )?", "", record.getMessage())  # without the time
        if not NOISE.match(line) and line not in self.lines:
            self.lines.append(line)

    def reason(self) -> str:
        """Return what was logged, without stack traces."""
        return "; ".join(self.lines)[:200]

    def __enter__(self) -> "_RdkitLog":
        self.previous, self.logger.handlers = self.logger.handlers, [self]
        return self

    def __exit__(self, *_: object) -> None:
        self.logger.handlers = self.previous
