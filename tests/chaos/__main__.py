"""Kill commands at their changes of files and at random times; the next run must leave what an undisturbed one does: `make chaos`.

A crash point: the workspace as it was before a stage, the command killed before its i-th change below the workspace (hook/), then
`python -m pipelines.run` and a comparison of every file of data/, of dvc.lock and of the runs on the server. To be cheap, commands run in
forks of a process that has imported DVC and the engine, and reproduce stages themselves; a stage is a process as ever. Kills at random
times hit engine, worker, stage or all of them in commands as a person starts them. Exit status 1 if anything was not recovered.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

import pipelines.run
from pipelines.running.recovery import WORKER
from tests.chaos.commands import environment, forked, hooked, import_once, kill_group, started
from tests.chaos.toy import copy_state, differences, make, results

POINTS, KILLS = 300, 2
ENGINE = ""
BEFORE_ANY, RESTORED = "first run", " (restored)"


@dataclass(frozen=True)
class Case:
    """A stage and who is killed while it runs: the engine with its worker (""), or the process of a module."""

    name: str
    target: str
    victim: str
    share: float  # of all points


STAGES = ("check", "ingest@toy", "split@toy", "featurize@toy-facts", "validate@toy", "train@toy-knn", "evaluate@toy", "report")
CASES = (
    Case(BEFORE_ANY, "ingest@toy", ENGINE, 2),
    *(Case(stage, stage, ENGINE, 1) for stage in STAGES),
    *(Case(stage + RESTORED, stage, ENGINE, 1) for stage in ("split@toy", "train@toy-knn")),
    *(Case(stage, stage, f"stages.{stage.partition('@')[0]}", 0.6) for stage in STAGES),
    Case("publish", "publish", ENGINE, 0.4),
    Case("publish", "publish", "pipelines.publish", 0.6),
)


@dataclass(frozen=True)
class Outcome:
    command: str
    victim: str
    wrong: str  # "" if recovered


class Bench:
    """A workspace to crash, the states to start from, and what an undisturbed run leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.states, self.log = self.folder / "states", self.folder / "output.log"
        self.workspace = self.folder / "workspace"
        self.expected: dict[str, dict[str, Any]] = {}  # by the name of the state

    def prepare(self, cases: Sequence[Case]) -> None:
        make(self.workspace)
        copy_state(self.workspace, self.states / BEFORE_ANY)
        self.run(*targets_of(BEFORE_ANY))
        self.expected[BEFORE_ANY] = results(self.workspace)
        self.run()
        copy_state(self.workspace, self.states / "done")
        self.expected["done"] = results(self.workspace)
        for case in {case.name: case for case in cases}.values():
            if case.name != BEFORE_ANY:
                copy_state(self.states / "done", self.workspace)
                undo(self.workspace, case)
                copy_state(self.workspace, self.states / case.name)

    def run(self, *targets: str, at: int | None = None, count: Path | None = None, **variables: str) -> int:
        return forked(self.workspace, self.log, lambda: pipelines.run.main(targets), environment(self.workspace) | variables, at, count)

    def crash(self, case: Case, at: int) -> tuple[int, int]:
        """Return the exit status of a case's command, killed at a change, and the number of changes that were seen."""
        copy_state(self.states / case.name, self.workspace)
        count = self.folder / "count"
        count.unlink(missing_ok=True)
        if case.victim == ENGINE:
            status = self.run(case.target, at=at, count=count)
        else:
            status = self.run(case.target, **hooked(self.workspace, case.victim, at, count))
        return status, len(count.read_text().splitlines()) if count.is_file() else 0

    def outcome(self, case: Case, at: int) -> Outcome:
        victim = case.victim or "engine"
        self.log.unlink(missing_ok=True)
        status, n = self.crash(case, at)
        if n < at:
            return Outcome(case.name, victim, "")  # fewer changes than in the first run: the command ended undisturbed
        last = (self.folder / "count").read_text().splitlines()[-1]
        wrong = self.recovered(case.name)
        return Outcome(case.name, victim, f"at {last} (status {status}): {wrong}" if wrong else "")

    def recovered(self, name: str) -> str:
        """Run everything (after the first run's crash only that run's target, to be cheap); return what is wrong, or ""."""
        status = self.run(*targets_of(name))
        wrong = differences(results(self.workspace), self.expected[name if name == BEFORE_ANY else "done"])
        if not status and not wrong:
            return ""
        said = self.log.read_text("utf-8", errors="replace").splitlines()[-12:]
        return f"exit status {status}, differs: {', '.join(wrong) or 'nothing'}\n    " + "\n    ".join(said)


def targets_of(name: str) -> tuple[str, ...]:
    return ("ingest@toy",) if name == BEFORE_ANY else ()


def undo(workspace: Path, case: Case) -> None:
    """Make a stage's outputs unmade; unless it shall be restored, also forget that they ever were."""
    lock = workspace / "dvc.lock"
    locked = yaml.safe_load(lock.read_text("utf-8"))
    entry = locked["stages"][case.target]
    for out in entry["outs"]:
        path = workspace / out["path"]
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if case.name.endswith(RESTORED):
        return
    cache = workspace / ".dvc/cache/files/md5"
    for out in entry["outs"]:
        found = cache / out["md5"][:2] / out["md5"][2:]
        if out["md5"].endswith(".dir"):
            for inside in json.loads(found.read_text()):
                (cache / inside["md5"][:2] / inside["md5"][2:]).unlink(missing_ok=True)
        found.unlink(missing_ok=True)
    shutil.rmtree(workspace / ".dvc/cache/runs")
    del locked["stages"][case.target]
    lines = lock.read_text("utf-8").splitlines(keepends=True)
    at = lines.index(f"  {case.target}:\n")
    end = next((i for i in range(at + 1, len(lines)) if not lines[i].startswith("    ")), len(lines))
    lock.write_text("".join(lines[:at] + lines[end:]), "utf-8")
    if case.target == "publish":
        (workspace / "mlflow.db").unlink()
        shutil.rmtree(workspace / "mlartifacts", ignore_errors=True)


# ---------------------------------------------------------------- at each change
def points(counts: Mapping[Case, int], n: int) -> list[tuple[Case, int]]:
    """Return about `n` crash points, spread over the cases by their shares and over each case's changes."""
    whole = sum(case.share for case in counts)
    found, random_point = [], random.Random(7)
    for case, changes in counts.items():
        wanted = min(changes, max(1, round(n * case.share / whole)))
        found += [(case, at) for at in sorted(random_point.sample(range(1, changes + 1), wanted))]
    random_point.shuffle(found)
    return found


def work(bench: Bench, jobs: Any, outcomes: Any, number: int) -> None:
    """Take crash points in a workspace of its own until there are none."""
    own = Bench(bench.folder / f"bench{number}")
    own.folder.mkdir()
    shutil.copytree(bench.workspace, own.workspace, symlinks=True)
    own.states, own.expected = bench.states, bench.expected
    while job := jobs.get():
        outcomes.put(own.outcome(*job))


def at_each_change(bench: Bench, cases: Sequence[Case], n: int, n_jobs: int) -> list[Outcome]:
    counts: dict[Case, int] = {}
    for case in cases:
        status, counts[case] = bench.crash(case, 0)
        print(f"{case.name}, {case.victim or 'engine'}: {counts[case]} changes", flush=True)
        if status or not counts[case]:
            print(bench.log.read_text("utf-8", errors="replace")[-3000:], flush=True)
            raise SystemExit("error: an undisturbed command failed")
    plan = points(counts, n)
    context = multiprocessing.get_context("fork")
    jobs: Any = context.Queue()
    outcomes: Any = context.Queue()
    for job in [*plan, *[None] * n_jobs]:
        jobs.put(job)
    workers = [context.Process(target=work, args=(bench, jobs, outcomes, number)) for number in range(n_jobs)]
    for process in workers:
        process.start()
    found: list[Outcome] = []
    for i in range(len(plan)):
        found.append(outcomes.get())
        if found[-1].wrong:
            print(f"NOT RECOVERED: {found[-1].command}, {found[-1].victim} {found[-1].wrong}", flush=True)
        if not (i + 1) % 25:
            print(f"{i + 1}/{len(plan)} crash points, {sum(bool(one.wrong) for one in found)} not recovered", flush=True)
    for process in workers:
        process.join()
    return found


# ---------------------------------------------------------------- at random times
def victims_of(pid: int, victim: str) -> list[psutil.Process]:
    """Return the processes to kill: the engine, one of its workers or stages, or all there are."""
    below = psutil.Process(pid).children(recursive=True)
    if victim == "group":
        return [psutil.Process(pid), *below]
    if victim == "engine":
        return [psutil.Process(pid)]
    called = WORKER if victim == "worker" else "stages."
    return [process for process in below if f"-m {called}" in " ".join(process.cmdline())][:1]  # a stage's name is one text


def at_a_random_time(bench: Bench, command: str, victim: str, within_s: float, random_time: random.Random) -> Outcome:
    bench.log.unlink(missing_ok=True)
    copy_state(bench.states / BEFORE_ANY, bench.workspace)
    arguments = ("--port", str(random_time.randrange(20000, 30000))) if command == "pipelines.schedule" else ()
    if command == "pipelines.publish":
        copy_state(bench.states / "publish", bench.workspace)
    process = started(bench.workspace, bench.log, command, *arguments)
    time.sleep(random_time.uniform(0.2, within_s))
    deadline, killed = time.monotonic() + 20, False
    while not killed and process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in victims_of(process.pid, victim):
                one.kill()
                killed = True
        time.sleep(0.05)
    if command == "pipelines.schedule":
        kill_group(process.pid)
    process.wait(240)
    wrong = again(bench, command, arguments)
    return Outcome(command, f"{victim} at random", wrong and f"killed: {killed}: {wrong}")


def again(bench: Bench, command: str, arguments: Sequence[str]) -> str:
    """Start the command again as a person would, then everything; return what is wrong, or ""."""
    process = started(bench.workspace, bench.log, command, *arguments)
    if command == "pipelines.schedule":
        wrong = "" if answers(int(arguments[1])) else "the schedule does not start again"
        process.send_signal(signal.SIGINT)
        process.wait(60)
    else:
        wrong = f"exit status {status}" if (status := process.wait(240)) else ""
    found = bench.recovered("everything")
    said = bench.log.read_text("utf-8", errors="replace").splitlines()[-25:]
    return "; ".join(filter(None, (wrong, found))) + ("\n    " + "\n    ".join(said) if wrong else "")


def answers(port: int) -> bool:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as response:
            return bool(response.status == 200)
        time.sleep(0.3)
    return False


KILLED = {  # command → its victims and the seconds within which they are killed
    "pipelines.run": (("engine", "worker", "stage", "group"), 14.0),
    "pipelines.publish": (("engine", "group"), 12.0),
    "pipelines.flow": (("engine", "worker", "stage", "group"), 25.0),
    "pipelines.schedule": (("engine", "group"), 12.0),
}


# ---------------------------------------------------------------- all
def table(outcomes: Sequence[Outcome]) -> str:
    crashed = Counter((one.command, one.victim) for one in outcomes)
    lost = Counter((one.command, one.victim) for one in outcomes if one.wrong)
    rows = [f"{command:28} {victim:22} {n:6} {n - lost[command, victim]:9}" for (command, victim), n in crashed.items()]
    head = f"{'command':28} {'killed':22} {'points':>6} {'recovered':>9}"
    total = f"{'all':51} {len(outcomes):6} {len(outcomes) - sum(lost.values()):9}"
    return "\n".join([head, *rows, total])


def main() -> int:
    """Crash; return the exit status: 0 if everything was recovered."""
    # a shell's background job ignores Ctrl-C, and so would every command that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--points", type=int, default=POINTS, help="crash points at changes of a file; default: %(default)s")
    parser.add_argument("--kills", type=int, default=KILLS, help="kills at random times per command and victim; default: %(default)s")
    parser.add_argument("--only", default="", help="commands whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="crash points at the same time; default: %(default)s")
    parser.add_argument("--seed", type=int, default=7, help="of the random times; default: %(default)s")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        import_once()
        bench.prepare(CASES)
        if options.points and cases:
            outcomes += at_each_change(bench, cases, options.points, options.jobs)
        random_time = random.Random(options.seed)
        for command, (victims, within_s) in KILLED.items():
            for victim in victims if options.only in command else ():
                for _ in range(options.kills):
                    outcomes.append(at_a_random_time(bench, command, victim, within_s, random_time))
                    print(f"{outcomes[-1].command}, {outcomes[-1].victim}: {outcomes[-1].wrong or 'recovered'}", flush=True)
    print(table(outcomes))
    return int(any(one.wrong for one in outcomes) or not outcomes)


if __name__ == "__main__":
    sys.exit(main())
