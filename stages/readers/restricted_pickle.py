"""Read arrays from a pickle without executing any code in it.

Nothing that a pickle names is imported. The few names that pickled NumPy arrays need are mapped to placeholders that only store shape, type
and bytes; every other name is refused. A malicious file can do no more than be refused.
"""

import io
import math
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.foundation.errors import InputError
from stages.readers.archive import damaged

KINDS = re.compile(r"[biuf][1248]")  # NumPy's numbers; "O8" (Python objects) is read as a list
DEPTH = 16
BROKEN = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError)


def load_arrays(archive: Path, member: str, content: bytes) -> Any:
    """Return what the `.npy` file `content` holds: numbers, texts, arrays, and lists, tuples and dicts of them.

    Raises:
        InputError: if it is not such a file, or names anything but NumPy's arrays.
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        reads = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        reads[version](file)
        return _plain(_Arrays(file).load(), {}, 0)
    except UnsupportedPickleError as error:
        raise InputError(f"{archive}: member {member!r} is a pickle that names {error}, which is not read; expected NumPy's arrays only; "
                         "check where the file comes from") from error
    except BROKEN as error:
        raise damaged(archive, member, error) from error


class UnsupportedPickleError(Exception):
    """A pickle names an object other than NumPy's arrays and types."""


class _Kind:
    """Placeholder for a dtype."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = {"<": "<", ">": ">", "|": "|"}[state[1]]
        if any(field is not None for field in state[2:5]):
            raise UnsupportedPickleError(f"an array of records ({self.code})")


class _Array:
    """Placeholder for an array: the state that NumPy's own `__reduce__` writes (version, shape, dtype, is in Fortran order, content)."""

    def __init__(self) -> None:
        self.values: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, content = state
        if not isinstance(kind, _Kind) or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise ValueError("an array without a shape or type")
        if kind.code == "O8":
            if not isinstance(content, list) or len(content) != math.prod(shape):
                raise ValueError(f"an array of shape {shape} with {len(content)} members")
            self.values = content[0] if shape == () else content
            return
        flat = np.frombuffer(content, np.dtype(kind.order + kind.code)).astype(kind.code)  # in native byte order
        self.values = flat.reshape(shape, order="F" if is_fortran else "C").copy(order="C")


class _Arrays(pickle.Unpickler):
    """An unpickler that knows four names, mapped to bound methods and a text, which a pickle can neither change nor inspect."""

    def find_class(self, module: str, name: str) -> Any:
        known: Mapping[tuple[str, str], Any] = {
            ("numpy", "ndarray"): "numpy.ndarray",
            ("numpy", "dtype"): self._kind,
            ("_codecs", "encode"): self._bytes,
            ("numpy.core.multiarray", "_reconstruct"): self._array,
            ("numpy._core.multiarray", "_reconstruct"): self._array,  # its name since NumPy 2
        }
        if (module, name) not in known:
            raise UnsupportedPickleError(f"{module}.{name}")
        return known[module, name]

    def _array(self, kind: Any, shape: Any, code: Any) -> _Array:
        return _Array()

    def _kind(self, code: Any, align: Any = False, copy: Any = True) -> _Kind:
        if not isinstance(code, str) or not (code == "O8" or KINDS.fullmatch(code)):
            raise UnsupportedPickleError(f"an array of type {code!r}")
        return _Kind(code)

    def _bytes(self, text: Any, encoding: Any) -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise UnsupportedPickleError(f"the encoding {encoding!r}")
        return text.encode("latin1")


def _plain(value: Any, done: dict[int, Any], depth: int) -> Any:
    """Return `value` with arrays in place of placeholders; objects referenced several times are converted once (`done`, by identity)."""
    if depth > DEPTH:
        raise ValueError(f"nested deeper than {DEPTH} levels")
    if value is None or isinstance(value, np.ndarray | str | bytes | int | float):
        return value
    if id(value) not in done:
        if isinstance(value, _Array):
            done[id(value)] = _plain(value.values, done, depth + 1)
        elif isinstance(value, dict):
            done[id(value)] = {key: _plain(member, done, depth + 1) for key, member in value.items()}
        elif isinstance(value, list | tuple):
            done[id(value)] = [_plain(member, done, depth + 1) for member in value]
        else:
            raise ValueError(f"expected a number, a text or an array, found a {type(value).__name__}")
    return done[id(value)]
