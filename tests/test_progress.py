"""What a stage shows of its progress: whole lines in a log, a bar that redraws itself on a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from stages.foundation import progress
from stages.foundation.progress import Progress

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
