"""What a stage shows of its progress: whole lines in a log, a bar that redraws itself on a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from pipelines.run import note_progress
from stages.foundation import progress
from stages.foundation.parallel import TASKS, each
from stages.foundation.progress import Progress, heartbeat, progress_line

ROOT = Path(__file__).parents[1]
LINE = r"text: +{share}% {done}/8 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+/s\]"


def advance(n_steps: int) -> None:
    bar = Progress("text", n_steps)
    for n_done in range(1, n_steps + 1):
        bar.advance(n_done)


def test_a_log_gets_a_line_at_the_end_and_none_of_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    advance(8)
    assert re.fullmatch(LINE.format(share=100, done=8), capsys.readouterr().out.rstrip("\n"))


def test_a_log_gets_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.0)
    advance(8)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert re.fullmatch(LINE.format(share=50, done=4), lines[3])
    assert not any("\r" in line for line in lines)


@pytest.mark.parametrize("total", [0, 1])
def test_nothing_to_do_is_a_line_too(capsys: pytest.CaptureFixture[str], total: int) -> None:
    Progress("samples", total).advance(total)
    assert capsys.readouterr().out.count("\n") == 1


def test_a_terminal_gets_a_bar_that_ends_its_line() -> None:
    code = "from stages.foundation.progress import Progress\nbar = Progress('text', 8)\nfor n in range(1, 9): bar.advance(n)\nprint('next')"
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=follower, check=True)
    os.close(follower)
    shown = os.read(leader, 100_000).decode().splitlines()
    os.close(leader)
    assert shown[-1] == "next"
    bars = [line for line in shown if line.startswith("text:")]
    assert "  0%|" in bars[0] and re.search(r"100%\|█+\| 8/8 \[", bars[-1])
    assert max(map(len, bars)) <= 80


def test_a_line_of_progress_has_rate_and_time_left() -> None:
    line = progress_line("svm reviews", 3, 15, elapsed_s=80.0, estimate_s=1000.0, tasks=(41, 1260))
    assert line == "svm reviews: 20% 3/15 [01:20<05:20, 2.2/min, 41/1,260 tasks]"


@pytest.mark.parametrize(("estimate_s", "left"), [(240.0, "02:40"), (60.0, "?"), (None, "?")])
def test_until_a_result_the_time_left_is_the_estimates(estimate_s: float | None, left: str) -> None:
    line = progress_line("knn big", 0, 5, elapsed_s=80.0, estimate_s=estimate_s, tasks=(1, 2))
    assert line == f"knn big: 0% 0/5 [01:20<{left}, 1/2 tasks]"


def test_a_log_gets_lines_while_one_step_computes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.01)
    beaten = threading.Event()

    def line(elapsed_s: float) -> str:
        beaten.set()
        return f"after {elapsed_s > 0}"

    with heartbeat(line):
        assert beaten.wait(30)
    lines = capsys.readouterr().out.splitlines()
    assert lines and set(lines) == {"after True"}


def test_a_short_step_says_nothing_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeat(lambda _: "never"):
        pass
    assert capsys.readouterr().out == ""


def test_tasks_are_counted() -> None:
    before = TASKS.queued, TASKS.finished
    each(lambda i: i, range(7))
    assert (TASKS.queued - before[0], TASKS.finished - before[1]) == (7, 7)


def test_make_run_shows_the_share_and_time_left_of_a_stage() -> None:
    noted: dict[str, str] = {}
    for line in ("table: 100% 8/8 [00:01<00:00, 7.9/s]", "svm reviews: 20% 3/15 [01:20<05:20, 2.2/min, 41/60 tasks]", "inner accuracy 0.9"):
        note_progress(noted, "train@reviews-svm", line)
    note_progress(noted, "other", "knn big: 0% 0/5 [01:20<?, 1/2 tasks]")
    assert noted == {"train@reviews-svm": " (20%, 05:20 left)"}
