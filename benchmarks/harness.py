"""Run ours and its peers on the same work in turn, and compare: answers first, then times.

Every side has a process of its own (benchmarks/side.py), prepared and warmed by one round that does not count (unless it is so long that
starting up is little of it); the answers of that round must agree before any time is compared. Then the sides take turns, round by
round, one at a time.

A peer that is too slow to do all of its work in every round may do a part in each: its outer (or inner) folds, which are of one size.
Its time is then the mean of its parts times their number, and the table says how many parts were run.
"""

import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
ROUNDS = 5
LONG_S = 20.0  # a first round as long as this counts: starting up is little of it
SPENT_S = 240.0  # a side that has worked so long in all has no further round
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A way to do the work: `function` ("module:name") prepares it, called with `arguments`, and returns what a round calls with its part.

    parts: into how many rounds the whole work is dealt. repeats: how often a round does it, where once is too short to time.
    rounds: how many it has at most. goal: by how much ours should be the faster one.
    """

    name: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parts: int = 1
    goal: float | None = None
    repeats: int = 1
    rounds: int = ROUNDS


@dataclass(frozen=True)
class Row:
    """One line of work. `compare(ours, theirs)` returns what agrees, in words; it raises Disagreement where something does not."""

    key: str
    work: str
    ours: Side
    peers: Sequence[Side]
    compare: Callable[[Answer, Answer], str]
    pieces: tuple[float, str] | None = None  # how many of what the work has: for a rate
    peers_count_from_s: float = LONG_S  # a peer's first round as long as this counts


def quickened(row: Row) -> Row:
    """Return the row with three rounds of ours and two of each peer, the first one among them: peers are ready before they are asked."""
    return replace(row, ours=replace(row.ours, rounds=3), peers=[replace(peer, rounds=2) for peer in row.peers], peers_count_from_s=0.5)


class Disagreement(Exception):
    """The results of two sides are not the same: their times say nothing."""


@dataclass
class Measured:
    """What the rounds of one side took."""

    parts: int
    seconds: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    spent_s: float = 0.0  # of processors, in all rounds, those that do not count too

    def whole_s(self) -> float:
        """Return the time of the whole work: the median of its rounds, or the mean of its parts times their number."""
        return statistics.median(self.seconds) if self.parts == 1 else self.parts * statistics.mean(self.seconds)

    def facts(self) -> dict[str, Any]:
        """Return the figures for benchmarks/results.json."""
        return {
            "seconds": significant(self.whole_s()), "least_s": significant(self.parts * min(self.seconds)),
            "most_s": significant(self.parts * max(self.seconds)), "rounds": len(self.seconds), "parts": self.parts,
            "processor_s": significant(self.parts * statistics.mean(self.processor_s)), "peak_mb": round(self.peak_bytes / 1e6),
        }  # fmt: skip


def significant(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


class Process:
    """A side in its process; `with` ends it."""

    def __init__(self, side: Side, folder: Path) -> None:
        self.side, self.answer = side, folder / f"{id(self)}.pickle"
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.side"]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "TMPDIR": str(folder)}  # its files go with the folder
        self.child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.measured = Measured(side.parts)
        self._say({"function": side.function, "arguments": dict(side.arguments)})

    def _say(self, what: Mapping[str, Any]) -> None:
        assert self.child.stdin
        self.child.stdin.write(json.dumps(what) + "\n")
        self.child.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self.child.stdout
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.side.name}: its process ended ({self.child.wait()}); what it said stands above")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def ready(self) -> None:
        self._hear()

    def run(self, part: int, *, counts_from_s: float = 0.0) -> Answer:
        """Do one round and return what came of it; one shorter than `counts_from_s` is not counted."""
        self._say({"part": part % self.side.parts, "repeats": self.side.repeats, "answer": str(self.answer)})
        heard = self._hear()
        self.measured.peak_bytes = max(self.measured.peak_bytes, heard["peak_bytes"])
        self.measured.spent_s += heard["processor_s"] * self.side.repeats
        if heard["seconds"] >= counts_from_s:
            self.measured.seconds.append(heard["seconds"])
            self.measured.processor_s.append(heard["processor_s"])
        with self.answer.open("rb") as file:
            found: Answer = pickle.load(file)
        return found

    def close(self) -> None:
        assert self.child.stdin and self.child.stdout
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def measure(row: Row, say: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """Return a result per peer; a peer whose answers differ has `disagreement` instead of a ratio."""
    sides = [row.ours, *row.peers]
    with tempfile.TemporaryDirectory() as folder:
        processes = [Process(side, Path(folder)) for side in sides]
        try:
            for process in processes:
                process.ready()
            busy = Busy()
            ours = processes[0].run(0, counts_from_s=LONG_S)
            theirs = [process.run(0, counts_from_s=row.peers_count_from_s) for process in processes[1:]]
            verdicts = [_compared(row, ours, answer) for answer in theirs]
            for _ in range(max(side.rounds for side in sides)):
                for place, process in enumerate(processes):
                    done = process.measured.seconds
                    if len(done) >= process.side.rounds or sum(done) > SPENT_S:
                        continue
                    answer = process.run(len(done))
                    if place and process.side.parts > 1 and "disagreement" not in verdicts[place - 1]:
                        verdicts[place - 1] = _compared(row, ours, answer)
            others = busy.others(sum(process.measured.spent_s for process in processes))
        finally:
            for process in processes:
                process.close()
    mine = processes[0].measured
    results = []
    for side, process, verdict in zip(row.peers, processes[1:], verdicts, strict=True):
        result = {"key": row.key, "work": row.work, "peer": side.name, "goal": side.goal, "ours": mine.facts(),
                  "theirs": process.measured.facts(), "others_cores": others, **verdict}
        if "disagreement" not in result:
            result["ratio"] = significant(process.measured.whole_s() / mine.whole_s(), 3)
        if row.pieces:
            result["rate"] = f"{row.pieces[0] / mine.whole_s():,.0f} {row.pieces[1]}/s"
        results.append(result)
        say(line_of(result))
    return results


def _compared(row: Row, ours: Answer, theirs: Answer) -> dict[str, str]:
    try:
        return {"agreement": row.compare(ours, theirs)}
    except Disagreement as error:
        return {"disagreement": str(error)}


class Busy:
    """How busy the machine is with what is not measured here."""

    def __init__(self) -> None:
        self.started, self.at_first = time.perf_counter(), _busy_s()

    def others(self, ours_s: float) -> float:
        """Return how many cores other work kept busy meanwhile, on average; `ours_s` is the processor time of what was measured."""
        return round(max(0.0, _busy_s() - self.at_first - ours_s) / (time.perf_counter() - self.started), 1)


def _busy_s() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


def line_of(result: Mapping[str, Any]) -> str:
    """Return a result as a line to print."""
    head = f"{result['work']} | {result['peer']}: "
    if "disagreement" in result:
        return f"{head}DISAGREE, so no time is compared: {result['disagreement']}"
    ours, theirs = result["ours"], result["theirs"]
    goal = "" if result["goal"] is None else f" ({result['ratio'] / result['goal']:.0%} of the goal, {result['goal']:g}×)"
    parts = f", {theirs['rounds']} of {theirs['parts']} parts" if theirs["parts"] > 1 else ""
    rate = f", {result['rate']}" if "rate" in result else ""
    return (
        f"{head}{result['ratio']:g}×{goal} | ours {ours['seconds']:g} s ({ours['least_s']:g}–{ours['most_s']:g}, {ours['rounds']} rounds, "
        f"{ours['peak_mb']:,} MB{rate}) | peer {theirs['seconds']:g} s ({theirs['least_s']:g}–{theirs['most_s']:g}, {theirs['rounds']} "
        f"rounds{parts}, {theirs['peak_mb']:,} MB) | other work: {result['others_cores']:g} cores | {result['agreement']}"
    )
