"""A file with the vectors of all samples: a matrix (.npy, .npz), a sparse one (SciPy's .npz), or a table of numbers (.parquet, .arrow).

An .npy file is mapped, so that only the rows that are read take memory; an .npz file is unpacked, up to MAX_UNPACKED bytes an array. No
code in a file runs.
"""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.own_data.column_choice import natural_order
from stages.own_data.decoders.arrays import (
    BROKEN_ZIP,
    MAX_HEADER,
    NUMBERS,
    UnsupportedNpzError,
    array_names,
    check_directory,
    check_member,
    npy_header,
    npy_values,
)  # fmt: skip
from stages.own_data.decoders.decoded_vectors import MAX_DIMENSIONS, is_vector_list, list_vectors
from stages.own_data.paths_inside import read_inside, resolve_inside
from stages.own_data.sources.table import ARROW, PARQUET, TableSourceSettings, open_rows
from stages.own_data.unicode_forms import normal

IDS = ("ids", "id")  # the array, or column, of samples' names
PREFERRED = ("embeddings", "vectors", "values", "X")  # of several arrays in an .npz file
CSR = frozenset(("data", "indices", "indptr", "shape", "format"))  # arrays of scipy.sparse.save_npz
MAX_UNPACKED = 2**30  # bytes of one array in an .npz file
MAX_VALUES = 2**40  # numbers of a mapped .npy file
MAX_NAME = 1024  # characters of a name in `ids`
NAMES = re.compile(rf"{NUMBERS.pattern}|[<>|=]?[US]\d{{1,4}}")
Vector = np.ndarray | dict[str, Any]


@dataclass(frozen=True)
class MatrixFile:
    """An opened matrix. ids: the name of each row, or None: rows are in the order of the samples. read: rows → their vectors."""

    n_rows: int
    ids: Sequence[str] | None
    read: Callable[[np.ndarray], list[Vector | None]]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each name."""
        return {name: row for row, name in enumerate(self.ids or ())}

    def rows_of(self, numbers: np.ndarray, samples: Sequence[str]) -> np.ndarray:
        """Return the row of each sample by its number in the source, or by its name; -1 where the matrix has none of that name."""
        if self.ids is None:
            return numbers
        return np.array([self.row_of.get(normal(name), -1) for name in samples], dtype=np.int64)


def open_matrix(root: Path, name: str, key: str, samples: Sequence[str], *, ordered: bool) -> MatrixFile:
    """Return the matrix in a file inside `root`, checked against the samples.

    Args:
        key: the place in params.yaml. samples: names of all samples of the source, in its order.
        ordered: whether samples have an order of their own, as rows of a table have; files of a folder have none.
    Raises:
        InputError: if the file cannot be read, or its rows cannot be those of the samples.
    """
    ending = Path(name).suffix.lower()
    readers = {".npy": _open_npy, ".npz": _open_npz, **dict.fromkeys((*PARQUET, *ARROW), _open_table)}
    if ending not in readers:
        raise InputError(f"{key}: {name}: no matrix file ends in {ending or 'nothing'}; expected {', '.join(readers)}")
    try:
        found = readers[ending](root, name)
    except ValueError as error:
        raise InputError(f"{key}: {error if name in str(error) else f'{name}: {error}'}") from error
    if found.ids is None and not ordered:
        raise InputError(f"{key}: {name} has no `ids`; files of a folder have no order, so their rows are found by name: add an array "
                         f"(or column) `ids` of the files' names, such as {samples[0]!r}")
    if found.ids is None and found.n_rows != len(samples):
        raise InputError(f"{key}: {name} has {found.n_rows} rows, the source has {len(samples)} samples; expected a row per sample, in the "
                         "same order, or an array (or column) `ids` of their names")
    if found.ids is not None:
        _check_ids(found.ids, samples, f"{key}: {name}")
    return found


def _check_ids(ids: Sequence[str], samples: Sequence[str], where: str) -> None:
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    if repeated:
        raise InputError(f"{where}: {repeated[0]!r} occurs more than once in `ids` ({len(repeated)} such); expected a unique name per row")
    if not set(ids) & {normal(name) for name in samples}:
        raise InputError(f"{where}: no name in `ids` (such as {ids[0] if ids else 'none'!r}) is that of a sample (such as {samples[0]!r}); "
                         "name the column of the samples' names under `id`")


def _open_npy(root: Path, name: str) -> MatrixFile:
    path = resolve_inside(root, name)
    with path.open("rb") as file:
        header = npy_header(file.read(12 + MAX_HEADER), path.stat().st_size, max_values=MAX_VALUES)
    _check_shape(header.shape)
    if not header.shape[0]:
        return MatrixFile(0, None, lambda rows: [])
    values = np.memmap(path, header.dtype, "r", header.start, header.shape, header.order)
    return MatrixFile(len(values), None, lambda rows: _rows(values, rows))


def _open_npz(root: Path, name: str) -> MatrixFile:
    raw = read_inside(root, name)
    check_directory(raw)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = dict(zip(array_names(archive.infolist()), archive.infolist(), strict=True))
            ids = next((_names(_array(archive, members[key])) for key in IDS if key in members), None)
            if members.keys() >= CSR:
                matrix = _csr({key: _array(archive, members[key]) for key in CSR})
                read = _sparse_reader(matrix)
            else:
                matrix = _array(archive, members[_wanted(members.keys() - set(IDS))])
                read = lambda rows: _rows(matrix, rows)  # noqa: E731 - the other branch has a function, too
    except UnsupportedNpzError as error:
        raise ValueError(str(error)) from error
    except BROKEN_ZIP as error:
        raise ValueError(f"an .npz file of {len(raw)} bytes that cannot be read ({error})") from error
    _check_shape(matrix.shape, sparse=sp.issparse(matrix))
    if ids is not None and len(ids) != matrix.shape[0]:
        raise ValueError(f"`ids` has {len(ids)} names for {matrix.shape[0]} rows; expected as many")
    return MatrixFile(matrix.shape[0], ids, read)


def _wanted(names: set[str]) -> str:
    """Return the array that holds the vectors."""
    wanted = sorted(names if len(names) == 1 else names & set(PREFERRED))
    if len(wanted) != 1:
        found = ", ".join(sorted(names)[:20]) or "(none)"
        raise UnsupportedNpzError(f"an .npz file of the arrays {found}; expected a single one besides `ids`, or one of them named "
                                  f"{' or '.join(PREFERRED)}")
    return wanted[0]


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    check_member(member, MAX_UNPACKED)
    content = archive.read(member)
    try:
        return npy_values(content, npy_header(content, len(content), kinds=NAMES, max_values=MAX_UNPACKED))
    except ValueError as error:
        raise UnsupportedNpzError(f"array {member.orig_filename!r}: {error}") from error


def _names(values: np.ndarray) -> list[str]:
    if values.ndim != 1 or values.dtype.kind not in "USiu" or values.dtype.itemsize > 4 * MAX_NAME:
        raise UnsupportedNpzError(f"`ids` is an array of {values.dtype} of shape {values.shape}; expected one axis of names")
    texts = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    return [normal(str(text)) for text in texts.tolist()]


def _csr(parts: dict[str, np.ndarray]) -> sp.csr_array:
    """Return a sparse matrix as scipy.sparse.save_npz writes it."""
    form, shape = str(np.asarray(parts["format"]).astype(str)), tuple(np.asarray(parts["shape"]).tolist())
    if form not in ("csr", "csc") or len(shape) != 2 or not all(isinstance(size, int) and 0 <= size < 2**31 for size in shape):
        raise UnsupportedNpzError(f"a sparse matrix of the form {form[:20]!r} and shape {shape}; expected csr or csc, below 2^31")
    kind = sp.csr_array if form == "csr" else sp.csc_array
    matrix = kind((parts["data"].astype(np.float64), parts["indices"].astype(np.int64), parts["indptr"].astype(np.int64)), shape=shape)
    matrix.check_format(full_check=True)  # ValueError where an index points outside
    result = sp.csr_array(matrix)
    result.sum_duplicates()
    return result


def _sparse_reader(matrix: sp.csr_array) -> Callable[[np.ndarray], list[Vector | None]]:
    def read(rows: np.ndarray) -> list[Vector | None]:
        parts = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
        return [{"indices": matrix.indices[part], "values": matrix.data[part]} for part in parts]

    return read


def _open_table(root: Path, name: str) -> MatrixFile:
    path = resolve_inside(root, name)
    rows = open_rows(parse({"table": str(path)}, name, TableSourceSettings), name)
    key = next((key for key in IDS if key in rows.types), None)
    ids = None
    if key is not None:
        ids = [normal(str(value)) for value in rows.read([key], None)[key].to_pylist()]
    fields = sorted((field for field in rows.types if field != key), key=natural_order)
    is_list = [is_vector_list(rows.types[field]) for field in fields]
    wrong = [field for field, whole in zip(fields, is_list, strict=True) if not (whole or _is_number(rows.types[field]))]
    if not fields or wrong or (any(is_list) and len(fields) > 1):
        found = ", ".join(f"{field}: {rows.types[field]}" for field in (wrong or fields)[:5]) or "no column"
        raise ValueError(f"{found}; expected one column of lists of numbers, or columns of numbers alone, and `ids` for the samples' names")

    def read(wanted: np.ndarray) -> list[Vector | None]:
        order = np.argsort(wanted, kind="stable")  # the reader goes forward
        table = rows.read(fields, wanted[order])
        if is_list[0]:
            found: list[Any] = list_vectors(table[fields[0]].combine_chunks())
        else:
            columns = [table[field].cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy() for field in fields]
            found = list(np.stack(columns, axis=1))
        return [found[place] for place in np.argsort(order)]

    return MatrixFile(len(rows.ids), ids, read)


def _rows(values: np.ndarray, rows: np.ndarray) -> list[Vector | None]:
    with np.errstate(invalid="ignore"):  # a NaN may be a signalling one
        return list(values[rows].astype(np.float64))


def _check_shape(shape: tuple[int, ...], *, sparse: bool = False) -> None:
    if len(shape) != 2 or not (sparse or 1 <= shape[1] <= MAX_DIMENSIONS):
        raise ValueError(f"an array of shape {shape}; expected (rows, d): a row per sample, of 1 to {MAX_DIMENSIONS:,} numbers")


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
