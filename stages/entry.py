"""Run a stage's main: one clear error for a person, one thread for numerics, no orphan, no second run in the workspace."""

import os

# Before numpy is imported: the sum of a matrix product depends on how many threads share it, and so would our bytes.
# Stages use their cores by running independent pieces side by side instead (stages/numerics/parallel.py).
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402

from stages.errors import InputError  # noqa: E402


def run_stage(main: Callable[..., None], arguments: Sequence[str] | None = None) -> None:
    """Call `main(*arguments)` (default: the command line's) and exit: 0, or 1 after one clear error.

    Anything but an InputError is a defect of ours and keeps its traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    stage = " ".join([main.__module__.rpartition(".")[2] if main.__module__ != "__main__" else _script(), *arguments])
    started = time.perf_counter()
    try:
        main(*arguments)
    except InputError as error:
        print(f"error: {stage}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"stopped: {stage}", file=sys.stderr, flush=True)
        sys.exit(130)
    print(f"{stage}: {time.perf_counter() - started:.1f} s", flush=True)


def _script() -> str:
    return os.path.splitext(os.path.basename(sys.argv[0]))[0]
