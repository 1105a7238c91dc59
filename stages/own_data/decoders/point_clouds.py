"""Point clouds: .xyz, .ply and .off files. Only x, y and z of each point are read, not normals, colours, intensities or faces.

.xyz is either rows of numbers (x y z, further columns are ignored) or the chemical form (number of atoms, a comment line, then lines of
element, x, y, z), of which elements are ignored. .ply is ASCII or binary in either byte order.
"""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from stages.own_data.decoders.arrays import MAX_BYTES, MAX_VALUES, read_rows
from stages.own_data.decoders.text_files import check_size, lines, to_number

AXES = ("x", "y", "z")
MAX_POINTS = MAX_VALUES // 3
MAX_PROPERTIES = 256
MAX_PLY_HEADER = 2**16  # bytes
COUNT = re.compile(r"\d{1,18}")
KINDS = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def read_xyz(raw: bytes) -> np.ndarray:
    """Return the points of an .xyz file, float64 (n, 3)."""
    rows = ((line, content.split()) for line, content in lines(raw) if content)
    line, first = next(rows, (1, [""]))
    if len(first) == 1 and COUNT.fullmatch(first[0]):
        comment = line + 1
        return _read_atoms(((line, cells[1:]) for line, cells in rows if line > comment), _count(first[0], "atoms"))
    points = read_rows(raw, ".xyz")
    if points.shape[1] < len(AXES):
        raise ValueError(f"line {line}: {points.shape[1]} numbers per row; expected x, y and z")
    return points[:, : len(AXES)].copy()


def _read_atoms(rows: Iterator[tuple[int, list[str]]], n_atoms: int) -> np.ndarray:
    points = _points(rows, n_atoms)
    extra = next(rows, None)
    if extra is not None:
        raise ValueError(f"line {extra[0]}: more than the {n_atoms} atoms that the file declares; expected one molecule per file")
    return points


def read_off(raw: bytes) -> np.ndarray:
    """Return the vertices of an .off file (OFF, COFF, NOFF, …; the counts may follow the keyword on its line), float64 (n, 3)."""
    rows = ((line, content.partition("#")[0].split()) for line, content in lines(raw))
    rows = ((line, cells) for line, cells in rows if cells)
    line, cells = next(rows, (1, [""]))
    found = re.fullmatch(r"(?:ST)?C?N?OFF(\d*)", cells[0])
    if found is None or "BINARY" in cells:
        raise ValueError(f"line {line} is {' '.join(cells)[:40]!r}; expected the keyword OFF of an ASCII file in three dimensions")
    counts = [*([found[1]] if found[1] else []), *cells[1:]]
    if not counts:
        line, counts = next(rows, (line, []))
    if len(counts) not in (2, 3) or not all(COUNT.fullmatch(count) for count in counts):
        raise ValueError(f"line {line}: {' '.join(counts)[:40]!r}; expected the numbers of vertices, faces and edges")
    return _points(rows, _count(counts[0], "vertices"))


@dataclass
class _Element:
    """One kind of element in a PLY file: its number, and name → type of each property."""

    name: str
    n: int
    properties: dict[str, str] = field(default_factory=dict)
    has_lists: bool = False


def read_ply(raw: bytes) -> np.ndarray:
    """Return x, y and z of the vertices of a .ply file, float64 (n, 3)."""
    check_size(raw, MAX_BYTES)
    end = re.search(rb"(?:^|\n)end_header[ \t]*\r?\n", raw[:MAX_PLY_HEADER])
    if raw[:3] != b"ply" or end is None:
        raise ValueError(f"not a .ply file, or one with an incomplete header ({len(raw)} bytes that start with {raw[:3]!r})")
    order, elements = _ply_header(raw[: end.start()].decode("latin-1").splitlines()[1:])
    before = elements[: [element.name for element in elements].index("vertex")]
    vertex = elements[len(before)]
    missing = [axis for axis in AXES if axis not in vertex.properties]
    if missing or vertex.has_lists or any(element.has_lists for element in before):
        what = f"lack {', '.join(missing)}" if missing else "have, or follow, a list property"
        raise ValueError(f".ply file whose vertices {what}; expected vertices with the numbers x, y and z, before all lists")
    if order == "":
        return _ply_text(raw[end.end() :], vertex, sum(element.n for element in before))
    start = end.end() + sum(element.n * _ply_record(element, order).itemsize for element in before)
    record = _ply_record(vertex, order)
    if start + vertex.n * record.itemsize > len(raw):
        raise ValueError(f".ply file is truncated: {vertex.n:,} vertices need {vertex.n * record.itemsize:,} bytes, "
                         f"found {max(0, len(raw) - start):,}")
    table = np.frombuffer(raw, record, vertex.n, start)
    with np.errstate(invalid="ignore"):  # a NaN may be a signalling one
        return np.stack([table[axis].astype(np.float64) for axis in AXES], axis=1)


def _ply_header(header: list[str]) -> tuple[str, list[_Element]]:
    """Return the byte order ("" for ASCII) and the elements."""
    order: str | None = None
    elements: list[_Element] = []
    for line, words in enumerate((content.split() for content in header), start=2):
        match words:
            case [] | ["comment" | "obj_info", *_]:
                continue
            case ["format", kind, "1.0"] if kind in ORDERS and order is None:
                order = ORDERS[kind]
            case ["element", name, count] if COUNT.fullmatch(count) and all(element.name != name for element in elements):
                elements.append(_Element(name, _count(count, name) if name == "vertex" else int(count)))
            case ["property", "list", _, _, _] if elements:
                elements[-1].has_lists = True
            case ["property", kind, name] if elements and kind in KINDS and name not in elements[-1].properties:
                elements[-1].properties[name] = KINDS[kind]
                if len(elements[-1].properties) > MAX_PROPERTIES:
                    raise ValueError(f"line {line}: more than {MAX_PROPERTIES} properties")
            case _:
                found = " ".join(words)[:60]
                raise ValueError(f"line {line} of the .ply header is {found!r}; expected format, element or property, each name once")
    if order is None or all(element.name != "vertex" for element in elements):
        raise ValueError(".ply header without a format (ascii, binary_little_endian or binary_big_endian 1.0) or without vertices")
    return order, elements


def _ply_record(element: _Element, order: str) -> np.dtype:
    return np.dtype([(name, order + kind) for name, kind in element.properties.items()])


def _ply_text(body: bytes, vertex: _Element, skipped: int) -> np.ndarray:
    rows = ((line, content.split()) for line, content in (lines(body) if body else ()) if content)
    for _ in range(skipped):
        if next(rows, None) is None:
            break
    names = list(vertex.properties)
    return _points(rows, vertex.n, [names.index(axis) for axis in AXES], where=" of the body")


def _points(rows: Iterator[tuple[int, list[str]]], n_points: int, places: list[int] | None = None, where: str = "") -> np.ndarray:
    """Return float64 (n_points, 3) of the cells at `places` of the next rows; raise ValueError where one is missing or not a number."""
    places = places or [0, 1, 2]
    values = array("d")
    for point in range(n_points):
        line, cells = next(rows, (0, None))
        if cells is None:
            raise ValueError(f"the file is truncated: it declares {n_points:,} points, found {point:,}")
        row = [to_number(cells[place]) if place < len(cells) else None for place in places]
        if None in row:
            found = " ".join(cells)[:60]
            raise ValueError(f"line {line}{where} is {found!r}; expected the numbers x, y and z of point {point}")
        values.extend(row)  # type: ignore[arg-type]
    return np.array(values).reshape(-1, len(AXES))


def _count(text: str, what: str) -> int:
    """Return a declared number of points; raise ValueError above MAX_POINTS."""
    if int(text) > MAX_POINTS:
        raise ValueError(f"{int(text):,} {what}; expected at most {MAX_POINTS:,} points per sample; subsample the cloud")
    return int(text)
