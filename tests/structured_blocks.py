"""Small blocks with a structured form, of each kind that encoders of networks read."""

import numpy as np
import scipy.sparse as sp

from stages.contracts.network_encoder import InputKind
from stages.features.encoders import Columns, Dense, Raw, Sparse
from stages.features.structures import Ragged, Structure


def ragged(lists: list[np.ndarray]) -> Ragged:
    return Ragged(np.concatenate([[0], np.cumsum([len(values) for values in lists])]), np.concatenate(lists))


def dense(values: np.ndarray, structure: Structure) -> Dense:
    return Dense(values.reshape(len(values), -1).astype(np.float32), structure)


def structured_raw(kind: InputKind, n: int = 40, seed: int = 0) -> Raw:
    """Return the raw features of n samples that have a kind of input; lengths of samples differ."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 9, n)
    if kind == "grid":
        return dense(random.random((n, 7, 6, 3)), Structure("image", (7, 6, 3)))
    if kind == "table":
        codes = random.integers(0, 3, (n, 2)).astype(np.int32)
        return Columns(random.standard_normal((n, 2)), codes, (("a", "b", None), ("x", "y", "z")), Structure("table"))
    if kind == "terms":
        counts = sp.random_array((n, 30), density=0.2, format="csr", rng=random, dtype=np.float32)
        counts.sort_indices()
        return Sparse(counts.indptr.astype(np.int32), counts.indices.astype(np.int32), counts.data + 1, Structure("text"))
    if kind == "words":
        words = ragged([random.integers(0, 12, length).astype(np.int32) for length in lengths])
        return dense(random.random((n, 4)), Structure("text", (4,), {"words": words}))
    if kind == "sequence":
        series = ragged([random.standard_normal((length, 3)).astype(np.float32) for length in lengths])
        return dense(random.random((n, 4)), Structure("series", (4,), {"series": series}))
    if kind == "set":
        points = ragged([random.standard_normal((length, 2)).astype(np.float32) for length in lengths])
        return dense(random.random((n, 4)), Structure("set", (4,), {"points": points}))
    if kind == "graph":
        n_edges = random.integers(0, 6, n)  # some have none
        sizes = list(zip(lengths, n_edges, strict=True))
        ends = [[random.integers(0, n_nodes, size).astype(np.int32) for n_nodes, size in sizes] for _ in range(2)]
        columns = {"n_nodes": lengths.astype(np.int32), "source": ragged(ends[0]), "target": ragged(ends[1])}
        return dense(random.random((n, 4)), Structure("graph", (4,), columns))
    return dense(random.random((n, 4)), Structure("vector", (4,)))
