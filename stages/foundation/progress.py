"""Progress of a stage in tqdm's format: a bar on a terminal, a line every few seconds in a log."""

import sys
import time

from tqdm import tqdm

from stages.foundation.plain_output import terminal

LOG_INTERVAL_S = 5.0


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
