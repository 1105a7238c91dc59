"""Say how far a stage is: a bar that redraws itself in a terminal, a line now and then in a log."""

import sys
import time

WIDTH = 30
EVERY_S = {True: 0.1, False: 5.0}  # by whether it is a terminal


class Progress:
    """Progress of one piece of work over `total` items. What it prints is for a person: no output of a stage depends on it."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, total
        self.terminal = sys.stdout.isatty()
        self.started = self.said = time.perf_counter()

    def advance(self, done: int) -> None:
        """Show that `done` items are done, if it is time to, or all are."""
        now = time.perf_counter()
        if done < self.total and now - self.said < EVERY_S[self.terminal]:
            return
        self.said = now
        rate = done / max(now - self.started, 1e-9)
        filled = round(WIDTH * done / max(self.total, 1))
        left = "" if done >= self.total else f", {(self.total - done) / max(rate, 1e-9):.0f} s left"
        line = f"{self.what} [{'█' * filled}{'·' * (WIDTH - filled)}] {done:,} of {self.total:,}, {rate:,.0f}/s{left}"
        if self.terminal:
            print(f"\r\033[K{line}", end="" if done < self.total else "\n", flush=True)
        else:
            print(line, flush=True)
