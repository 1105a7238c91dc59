"""Progress of a stage in tqdm's format: a line that redraws itself on a terminal, a line every half minute in a log."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

from stages.foundation.plain_output import redraw, terminal

LOG_INTERVAL_S = 30.0
REDRAW_INTERVAL_S = 1.0

Item = TypeVar("Item")


@contextmanager
def heartbeat(line: Callable[[float], str]) -> Iterator[None]:
    """Show `line(seconds since the start)` at intervals while the context computes, however long one of its steps takes."""
    ended, started, on_terminal = threading.Event(), time.perf_counter(), sys.stdout.isatty()

    def beat() -> None:
        while not ended.wait(REDRAW_INTERVAL_S if on_terminal else LOG_INTERVAL_S):
            text = line(time.perf_counter() - started)
            if on_terminal:
                redraw(text)
            else:
                print(text, flush=True)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if on_terminal:
            redraw("")


def progress_line(what: str, n_done: int, total: int, *, elapsed_s: float, estimate_s: float | None, tasks: tuple[int, int]) -> str:
    """Return `what: 20% 3/15 [01:20<05:20, 2.2/min, 41/60 tasks]`: time taken and left, rate, tasks finished and queued.

    Args:
        estimate_s: of the whole; the time left follows from it until something is done (None: unknown, ?).
    """
    expected = elapsed_s / n_done * total if n_done else estimate_s
    left = "?" if expected is None or expected < elapsed_s else tqdm.format_interval(expected - elapsed_s)
    rate = f"{60 * n_done / elapsed_s:.1f}/min, " if n_done else ""
    finished, queued = tasks
    return (f"{what}: {100 * n_done // max(1, total)}% {n_done}/{total} [{tqdm.format_interval(elapsed_s)}<{left}, "
            f"{rate}{finished:,}/{queued:,} tasks]")


class Progress:
    """Progress of one task over `total` items. It is only printed: no output of a stage depends on it."""

    def __init__(self, description: str, total: int) -> None:
        self.description, self.total = description, total
        self.start_s = self.printed_s = time.perf_counter()
        stream = terminal(sys.stdout)
        self.bar = tqdm(desc=description, total=total, unit="", file=stream, dynamic_ncols=True, disable=not stream.isatty())

    def advance(self, n_done: int) -> None:
        """Show that `n_done` items are done, at most once per interval; the last one closes the bar."""
        if self.bar.disable:
            self._log(n_done)
        elif n_done < self.total:
            self.bar.update(n_done - self.bar.n)
        else:
            self.bar.n = n_done
            self.bar.close()

    def _log(self, n_done: int) -> None:
        now_s = time.perf_counter()
        if n_done >= self.total or now_s - self.printed_s >= LOG_INTERVAL_S:
            self.printed_s = now_s
            print(tqdm.format_meter(n_done, self.total, now_s - self.start_s, ncols=0, prefix=self.description, unit=""), flush=True)


def tracked(description: str, items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items and show how many are done."""
    progress = Progress(description, len(items))
    for n_before, item in enumerate(items):
        yield item
        progress.advance(n_before + 1)
