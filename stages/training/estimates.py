"""What is said before a large problem is trained on: how long it will take, and what is approximated."""

from collections.abc import Callable, Iterator, Sequence, Sized

from stages.contracts.model import Config, Size, Sweep
from stages.contracts.settings import Settings
from stages.foundation.parallel import TASKS, cores_now
from stages.foundation.progress import progress_line

ABOVE_ROWS = 10_000  # fewer take seconds or a few minutes


def announced(model: Sweep, size: Size, settings: Settings, configs: Sequence[Config]) -> Iterator[str]:
    """Yield a line on each approximation and one on the estimated time; none up to ABOVE_ROWS rows, unless something is approximated."""
    n = f"n = {size.n_rows:,}"
    if size.n_tuned < size.n_rows:
        yield (f"{n} > train.tuning_rows {size.n_tuned:,}: configurations are compared on a seeded sample of {size.n_tuned:,} rows; the "
               "chosen one is trained and tested on all")
    for approximation in dict.fromkeys(config["approximation"] for config in configs if "approximation" in config):
        kernels = dict.fromkeys(config.get("kernel", "") for config in configs if config.get("approximation") == approximation)
        yield f"{n}: approximated{''.join(f', {kernel}' for kernel in kernels if kernel)}: {approximation}"
    if size.n_rows > ABOVE_ROWS and model.processor_s is not None:
        cores, folds = cores_now(), f"{size.n_folds}×{size.n_inner} folds"
        combinations = f", {size.n_combinations} modality combinations" if size.n_combinations > 1 else ""
        yield (f"about {duration(model.processor_s(size, settings) / cores)} on {cores} core{'s' * (cores > 1)} ({n}, {len(configs)} "
               f"configurations, {folds}{combinations})")


def progress_of(what: str, found: Sized, total: int, model: Sweep, size: Size, settings: Settings) -> Callable[[float], str]:
    """Return the function that writes the line of progress after some seconds; `found` are the results so far, of `total`."""
    estimate_s = None if model.processor_s is None or size.n_rows <= ABOVE_ROWS else model.processor_s(size, settings) / cores_now()

    def line(elapsed_s: float) -> str:
        tasks = TASKS.finished, TASKS.queued
        return progress_line(what, len(found), total, elapsed_s=elapsed_s, estimate_s=estimate_s, tasks=tasks)

    return line


def duration(seconds: float) -> str:
    """Return a rough duration: 40 s, 4 min, 2.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds)) if seconds < 10 else round(seconds, -1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
