"""Measure how the stages before training bear large data: time, rate, peak memory. The data are synthetic (benchmarks/synthetic.py).

`python -m benchmarks.large_data` makes a table of 100,000 rows × 20 columns and a folder of 20,000 JPEGs in a temporary workspace, runs
check, ingest, featurize, split and validate as DVC would, one process each, and prints a table in Markdown. It exits 1 if ingest or
featurize needs more than 1.5 GB, if another stage fails, or if train does not refuse at once what this machine cannot hold.

Memory is `ru_maxrss`: the most that was resident at once, pages of memory-mapped files included, of a stage and what it started.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
LIMIT_BYTES = 1.5e9
LIMITED = ("ingest", "featurize")
TABLE, PICTURES = "large_table", "large_pictures"
SVM_MATRICES = 6  # of n × n float64, with one modality
REFUSAL_S = 15.0  # importing scikit-learn is most of it
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Run:
    """What one stage took."""

    stage: str
    arguments: tuple[str, ...]
    note: str
    n_samples: int
    wall_s: float
    processor_s: float
    peak_bytes: int
    written_bytes: int
    exit_code: int
    errors: str

    @property
    def too_large(self) -> bool:
        return self.stage in LIMITED and self.peak_bytes > LIMIT_BYTES

    def row(self) -> str:
        """Return the run as a row of the table."""
        state = "" if self.exit_code == 0 else " (refused)" if self.errors.startswith("error: ") else " (failed)"
        rate = f"{self.n_samples / self.wall_s:,.0f}" if self.n_samples else ""
        mark = " **too large**" if self.too_large else ""
        return (f"| {' '.join([self.stage, *self.arguments])}{state} | {self.note} | {self.wall_s:.1f} | {self.processor_s:.1f} | {rate} | "
                f"{self.peak_bytes / 1e6:,.0f}{mark} | {self.written_bytes / 1e6:,.1f} |")


HEADER = "| stage | setting | wall, s | processor, s | samples/s | peak memory, MB | written, MB |\n|---|---|---:|---:|---:|---:|---:|"


def measured(stage: str, *arguments: str, folder: Path, note: str = "", n_samples: int = 0) -> Run:
    """Run one stage in a workspace and return what it took; its output goes to this process's."""
    before = _sizes(folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen([sys.executable, "-m", f"stages.{stage}", *arguments], cwd=folder, env=environment, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read()
    after = _sizes(folder)
    written = sum(size for path, (size, when) in after.items() if before.get(path) != (size, when))
    run = Run(stage, arguments, note, n_samples, wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT, written,
              child.returncode, said)
    print(said + run.row(), flush=True)
    return run


def _sizes(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of every output."""
    found = (path for path in (folder / "data").rglob("*") if path.is_file() and "raw" not in path.parts)
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def params_of(side: int) -> dict[str, Any]:
    """Return params.yaml for both data sets, with pictures of `side` × `side` pixels."""
    return {
        "seed": 20241101,
        "datasets": {
            TABLE: {
                "source": {"table": "data/raw/large.csv"}, "id": "record", "group": "site",
                "target": {"column": "outcome", "task": "binary"},
                "modalities": {"table": {"modality": "table"}, "notes": {"modality": "text", "column": "notes"}},
            },
            PICTURES: {
                "source": {"folder": "data/raw/pictures"}, "target": {"column": "folder", "task": "multiclass"},
                "modalities": {"image": {"modality": "image"}},
            },
        },
        "features": {
            f"{TABLE}-table": {"dataset": TABLE, "modality": "table"},
            f"{TABLE}-notes": {"dataset": TABLE, "modality": "text"},
            f"{PICTURES}-image": {"dataset": PICTURES, "modality": "image", "size": [side, side]},
        },
        "split": {"n_splits": 5, "n_repeats": 1, "n_inner_splits": 3},
        "train": {"scoring": {"binary": "accuracy", "multiclass": "accuracy", "multilabel": "micro_f1", "regression": "q2"}},
        "controls": {"constant": {}},
        "models": {"knn": {"n_neighbors": [1, 5]}, "svm": {"C": [1], "gamma": [1], "exact_rows": 10**9}},
        "evaluate": {"confidence": 0.95},
        "publish": {"tracking_uri": "sqlite:///mlflow.db"},
        "flow": {"cron": "0 3 * * *", "timezone": "UTC", "workers": 2, "retries": 1},
    }  # fmt: skip


def make_data(folder: Path, n_rows: int, n_pictures: int) -> None:
    """Make the synthetic data, in processes of their own: the memory of this one would count as that of the stages it starts."""
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for what, path, number in (("table", raw / "large.csv", n_rows), ("pictures", raw / "pictures", n_pictures)):
        if not path.exists():
            subprocess.run([sys.executable, "-m", "benchmarks.synthetic", what, str(path), str(number)], cwd=ROOT, check=True)


def measured_stages(folder: Path, n_rows: int, n_pictures: int, sides: Sequence[int]) -> Iterator[Run]:
    """Yield what each stage took, in the order of the graph."""

    def write_params(side: int) -> None:
        (folder / "params.yaml").write_text(yaml.safe_dump(params_of(side), sort_keys=False), encoding="utf-8")

    write_params(sides[0])
    yield measured("check", folder=folder, note="hashes all files", n_samples=n_rows + n_pictures)
    for dataset, n in ((TABLE, n_rows), (PICTURES, n_pictures)):
        yield measured("ingest", dataset, folder=folder, n_samples=n)
    for label in ("table", "notes"):
        yield measured("featurize", f"{TABLE}-{label}", folder=folder, n_samples=n_rows)
    yield measured("split", TABLE, folder=folder, n_samples=n_rows)
    yield measured("validate", TABLE, folder=folder, n_samples=n_rows)
    for side in sides:
        write_params(side)
        note = f"{side}×{side}×3"
        yield measured("featurize", f"{PICTURES}-image", folder=folder, note=note, n_samples=n_pictures)
        if side == sides[0]:
            yield measured("split", PICTURES, folder=folder, n_samples=n_pictures)
        yield measured("validate", PICTURES, folder=folder, note=note, n_samples=n_pictures)


def measured_refusals(folder: Path, n_rows: int, n_pictures: int) -> Iterator[Run]:
    """Yield what train took to refuse pairwise matrices that do not fit; nothing where this machine may hold them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for dataset, n in ((TABLE, n_rows), (PICTURES, n_pictures)):
        if 8 * SVM_MATRICES * n**2 > memory:
            yield measured("train", dataset, "svm", folder=folder)


def complaints(runs: Sequence[Run], refusals: Sequence[Run]) -> list[str]:
    """Return what was not as promised."""
    found = [f"{run.stage} {' '.join(run.arguments)}: {run.peak_bytes / 1e9:.2f} GB, more than {LIMIT_BYTES / 1e9} GB"
             for run in runs if run.too_large]
    found += [f"{run.stage} {' '.join(run.arguments)}: exit code {run.exit_code}" for run in runs if run.exit_code]
    for run in refusals:
        if run.exit_code != 1 or "set rows to at most" not in run.errors or run.wall_s > REFUSAL_S or run.peak_bytes > LIMIT_BYTES:
            found.append(f"{run.stage} {' '.join(run.arguments)}: no refusal with advice within {REFUSAL_S:.0f} s and "
                         f"{LIMIT_BYTES / 1e9} GB: it read the features first, or went on")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="of the table")
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64, 128], help="of the pictures' features, in pixels")
    parser.add_argument("--workspace", type=Path, help="a folder to keep, and whose data to use again; default: a temporary one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.workspace or Path(temporary)).resolve()
        make_data(folder, chosen.rows, chosen.pictures)
        runs = list(measured_stages(folder, chosen.rows, chosen.pictures, chosen.sides))
        refusals = list(measured_refusals(folder, chosen.rows, chosen.pictures))
    print("\nSynthetic data: what it takes, not what it scores.\n", HEADER, *(run.row() for run in [*runs, *refusals]), sep="\n")
    found = complaints(runs, refusals)
    print(*(f"error: {line}" for line in found), sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
