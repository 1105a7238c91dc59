"""Opening rows: 300 MB of features as an array, by memory map and out of Parquet; then also reading every number once.

Ours is what train does: `read_described` and `load_block`. That nothing was copied is shown by the array's address, which must lie in the
map of the file, and by Arrow's own count of what it has allocated.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import Answer, Disagreement, Row, Side
from benchmarks.work import SEED

N_ROWS, WIDTH = 75_000, 1_000
OFTEN = 50  # opened in a round by memory map: once is too short to measure
Run = Callable[[int], Callable[[], dict[str, Any]]]


def features() -> np.ndarray:
    """Return 300 MB of synthetic features."""
    return np.random.default_rng(SEED).random((N_ROWS, WIDTH), dtype=np.float32)


def _probe(values: np.ndarray) -> dict[str, Any]:
    return {"shape": values.shape, "some": np.array(values[:: N_ROWS // 50, ::37]), "bytes": values.nbytes}


def mapped(every_number: bool) -> Run:
    """Prepare a features file of ours."""
    from stages.contracts.tables.features_table import FeaturesMetadata
    from stages.features.feature_blocks import load_block
    from stages.foundation.tables import fixed_lists, read_described, write_table

    path = Path(tempfile.mkdtemp()) / "features.arrow"
    metadata = FeaturesMetadata(
        dataset="opening", modality_name="features", modality="image", settings={}, encoding="dense", shape=(WIDTH,), names=(), fit={}
    )
    write_table(path, pa.table({"sample_id": [f"s{i}" for i in range(N_ROWS)], "vector": fixed_lists(features())}), metadata)

    def open_once() -> np.ndarray:
        block = load_block("features", *read_described(path, FeaturesMetadata))
        values: np.ndarray = block.raw.values
        return values

    def run(part: int) -> Callable[[], dict[str, Any]]:
        allocated = pa.total_allocated_bytes()
        values = open_once()
        if every_number:
            total = float(values.sum(dtype=np.float64))
            return lambda: {**_probe(values), "sum": total}
        return lambda: {**_probe(values), "allocated": pa.total_allocated_bytes() - allocated, "in_file": in_map_of(values, path)}

    return run


def in_map_of(values: np.ndarray, path: Path) -> bool | None:
    """Return whether the array lies in a map of the file; None where the system does not tell."""
    address = values.__array_interface__["data"][0]
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    ranges = [line.split()[0].split("-") for line in lines if line.endswith(str(path.resolve()))]
    return any(int(start, 16) <= address and address + values.nbytes <= int(stop, 16) for start, stop in ranges)


def parquet(every_number: bool, compression: str) -> Run:
    """Prepare the same as a Parquet file; columns are read by two threads (pyarrow's own)."""
    import pyarrow.parquet as pq

    pa.set_cpu_count(2)
    path = Path(tempfile.mkdtemp()) / "features.parquet"
    flat = pa.FixedSizeListArray.from_arrays(pa.array(features().reshape(-1)), WIDTH)
    pq.write_table(pa.table({"sample_id": [f"s{i}" for i in range(N_ROWS)], "vector": flat}), path, compression=compression)

    def run(part: int) -> Callable[[], dict[str, Any]]:
        column = pq.read_table(path)["vector"].combine_chunks()
        values = np.from_dlpack(column.flatten()).reshape(N_ROWS, WIDTH)
        total = {"sum": float(values.sum(dtype=np.float64))} if every_number else {}
        return lambda: {**_probe(values), **total}

    return run


def compare(ours: Answer, theirs: Answer) -> str:
    if not np.array_equal(ours["some"], theirs["some"]) or ours.get("sum") != theirs.get("sum"):
        raise Disagreement("the numbers differ")
    if "allocated" not in ours:
        return "the same sum"
    if ours["in_file"] is False or ours["allocated"] > ours["bytes"] // 100:
        raise Disagreement(f"ours was copied: in the file's map: {ours['in_file']}, {ours['allocated']:,} bytes allocated")
    return f"the same numbers; no copy: the array lies in the file's map, {ours['allocated']:,} bytes allocated"


def rows(*, quick: bool) -> list[Row]:
    found = []
    for every_number, what in ((False, "open 300 MB of features as an array"), (True, "the same, and read every number once")):
        arguments = {"every_number": every_number}
        peers = [
            Side(f"Parquet, {compression}", "benchmarks.opening:parquet", {**arguments, "compression": compression},
                 goal=None if every_number else 500)
            for compression in ("snappy", "none")
        ]  # fmt: skip
        ours = Side("ours", "benchmarks.opening:mapped", arguments, repeats=1 if every_number else OFTEN)
        found.append(Row(f"open{' and read' * every_number}", what, ours, peers, compare))
    return found
