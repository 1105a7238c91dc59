"""Read molecules from an SD file (MDL V2000 connection tables), as graphs that do not depend on who drew them.

Source: A. Dalby et al., Description of several chemical structure file formats used by computer programs developed at Molecular
Design Limited, J. Chem. Inf. Comput. Sci. 32 (1992), 244–255. Read are atoms, bonds, charges and data items; no stereochemistry.

One molecule can be drawn in several ways; `normalised` settles on one: hydrogens are left out, a nitro group is N(=O)=O
whether it was drawn with charges or without, and the alternating bonds of aromatic rings are of a kind of their own.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_ATOMS = 999  # three columns
ORDERS = {1: "single", 2: "double", 3: "triple", 4: "aromatic"}
LONE_PAIR = ("N", "O", "S")  # may close a ring of five


@dataclass(frozen=True)
class Molecule:
    """atoms: element of each. places: (x, y, z) of each. charges: of each. bonds: (atom, atom) from 0, smaller first → order."""

    name: str
    atoms: list[str]
    places: list[tuple[float, float, float]]
    charges: list[int]
    bonds: dict[tuple[int, int], str]
    items: dict[str, str] = field(default_factory=dict)


def read_molecules(text: str) -> Iterator[Molecule]:
    """Yield the molecules of an SD file.

    Raises:
        ValueError: naming the record (from 1), if it is damaged or cut off.
    """
    lines = text.splitlines()  # the files end their lines in \\n or \\r\\n
    record: list[str] = []
    n = 1
    for line in lines:
        if line.rstrip() != "$$$$":
            record.append(line)
            continue
        try:
            yield _molecule(record)
        except (ValueError, IndexError) as error:
            raise ValueError(f"record {n} ({record[0].strip()[:40] if record else ''!r}): {error}") from error
        record, n = [], n + 1
    if any(line.strip() for line in record):
        raise ValueError(f"record {n} is cut off: it does not end in $$$$")


def _molecule(lines: list[str]) -> Molecule:
    if len(lines) < 4 or "V2000" not in lines[3]:
        raise ValueError("no V2000 connection table in its fourth line")
    n_atoms, n_bonds = int(lines[3][:3]), int(lines[3][3:6])
    if len(lines) < 4 + n_atoms + n_bonds:
        raise ValueError(f"declares {n_atoms} atoms and {n_bonds} bonds, but has {len(lines) - 4} lines for them")
    if not 1 <= n_atoms <= MAX_ATOMS:
        raise ValueError(f"has {n_atoms} atoms; expected 1 to {MAX_ATOMS}")
    atom_lines = lines[4 : 4 + n_atoms]
    atoms = [line[31:34].strip() for line in atom_lines]
    nameless = [i for i, atom in enumerate(atoms) if not atom.isalpha()]
    if nameless:
        raise ValueError(f"atom {nameless[0] + 1} has no element: {atom_lines[nameless[0]]!r}")
    places = [(float(line[:10]), float(line[10:20]), float(line[20:30])) for line in atom_lines]
    bonds = dict(_bond(line, n_atoms) for line in lines[4 + n_atoms : 4 + n_atoms + n_bonds])
    rest = lines[4 + n_atoms + n_bonds :]
    return Molecule(lines[0].strip(), atoms, places, _charges(rest, n_atoms), bonds, _items(rest))


def _bond(line: str, n_atoms: int) -> tuple[tuple[int, int], str]:
    first, second, order = (int(line[start : start + 3]) for start in (0, 3, 6))
    if not (1 <= first <= n_atoms and 1 <= second <= n_atoms and first != second) or order not in ORDERS:
        raise ValueError(f"bond {line[:9]!r} does not join two of its {n_atoms} atoms by a bond of order 1 to 4")
    return (min(first, second) - 1, max(first, second) - 1), ORDERS[order]


def _charges(lines: list[str], n_atoms: int) -> list[int]:
    """Return the charges of the `M  CHG` lines: a count, then atom and charge in turn."""
    charges = [0] * n_atoms
    for line in lines:
        if line.startswith("M  CHG"):
            values = [int(value) for value in line[9:].split()]
            for atom, charge in zip(values[::2], values[1::2], strict=True):
                if not 1 <= atom <= n_atoms:
                    raise ValueError(f"charge of atom {atom}, of {n_atoms}")
                charges[atom - 1] = charge
    return charges


def _items(lines: list[str]) -> dict[str, str]:
    """Return the data items: a line `> <NAME> …`, then the value, then an empty line."""
    items = {}
    for line, value in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(">") and "<" in line:
            items[line.partition("<")[2].partition(">")[0]] = value.strip()
    return items


def normalised(molecule: Molecule) -> Molecule:
    """Return the molecule without hydrogens, nitro groups uncharged, the bonds of aromatic rings called so; see the module's docstring."""
    kept = [i for i, atom in enumerate(molecule.atoms) if atom != "H"] or list(range(len(molecule.atoms)))
    place = {old: new for new, old in enumerate(kept)}
    bonds = {(place[a], place[b]): order for (a, b), order in molecule.bonds.items() if a in place and b in place}
    atoms, charges = [molecule.atoms[i] for i in kept], [molecule.charges[i] for i in kept]
    for a, b in sorted(bonds):
        for plus, minus in ((a, b), (b, a)):
            if (atoms[plus], charges[plus], atoms[minus], charges[minus]) == ("N", 1, "O", -1):
                bonds[a, b], charges[plus], charges[minus] = "double", 0, 0
    for bond in aromatic_bonds(atoms, bonds):
        bonds[bond] = "aromatic"
    return Molecule(molecule.name, atoms, [molecule.places[i] for i in kept], charges, bonds, molecule.items)


def aromatic_bonds(atoms: list[str], bonds: dict[tuple[int, int], str]) -> set[tuple[int, int]]:
    """Return the bonds of the rings of five or six atoms that are aromatic, alone or by the aromatic rings that they are fused to.

    In such a ring every atom has a double bond inside the ring or is in an aromatic ring; in a ring of five, one N, O or S has not.
    """
    flat = {atom for bond, order in bonds.items() if order in ("double", "aromatic") for atom in bond}
    near: dict[int, list[int]] = {atom: [] for atom in range(len(atoms)) if atom in flat or atoms[atom] in LONE_PAIR}
    for a, b in bonds:
        if a in near and b in near:
            near[a].append(b)
            near[b].append(a)
    rings = _rings(near)
    aromatic: set[int] = set()
    found: set[tuple[int, int]] = set()
    while True:
        new = [ring for ring in rings if _is_aromatic(ring, atoms, bonds, aromatic)]
        if not new:
            return found
        for ring in new:
            rings.remove(ring)
            aromatic.update(ring)
            found |= _around(ring)


def _around(ring: tuple[int, ...]) -> set[tuple[int, int]]:
    return {(min(a, b), max(a, b)) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)}


def _is_aromatic(ring: tuple[int, ...], atoms: list[str], bonds: dict[tuple[int, int], str], aromatic: set[int]) -> bool:
    inside = {atom for bond in _around(ring) if bonds[bond] in ("double", "aromatic") for atom in bond}
    lacking = [atom for atom in ring if atom not in inside and atom not in aromatic]
    if len(ring) == 6:
        return not lacking
    doubled = {atom for bond, order in bonds.items() if order != "single" for atom in bond}
    return len(lacking) == 1 and atoms[lacking[0]] in LONE_PAIR and lacking[0] not in doubled


def _rings(near: dict[int, list[int]]) -> list[tuple[int, ...]]:
    """Return every ring of five or six atoms once, from its first atom towards the smaller of the two beside it."""
    rings: list[tuple[int, ...]] = []
    for first in near:
        paths: list[tuple[int, ...]] = [(first,)]
        for _ in range(5):
            paths = [(*path, step) for path in paths for step in near[path[-1]] if step > first and step not in path]
            rings += [path for path in paths if len(path) >= 5 and first in near[path[-1]] and path[1] < path[-1]]
    return rings


def fingerprint(molecule: Molecule) -> str:
    """Return a digest that two drawings of one molecule share, however its atoms are numbered (stereoisomers share it too).

    Colour refinement to its end: molecules that it cannot tell apart, which are rare, are taken for one.
    """
    around: list[list[tuple[str, int]]] = [[] for _ in molecule.atoms]
    for (a, b), order in molecule.bonds.items():
        around[a].append((order, b))
        around[b].append((order, a))
    colours = [f"{atom}{charge:+d}" for atom, charge in zip(molecule.atoms, molecule.charges, strict=True)]
    for _ in molecule.atoms:
        seen = [repr((own, sorted((order, colours[b]) for order, b in links))) for own, links in zip(colours, around, strict=True)]
        colours = [hashlib.blake2b(text.encode(), digest_size=12).hexdigest() for text in seen]
    return hashlib.blake2b(repr(sorted(colours)).encode(), digest_size=12).hexdigest()
