"""One run at a time in a workspace: a lease, valid while the process that holds it lives.

The lease `.sensorium/lock.json` names its holder: pid and start time (a pid alone may be another process by now), what runs,
since when. A flow holds it for itself; a stage takes it for the `dvc` command above it, so that `dvc repro` holds it from the
first stage that it runs until its own end. A stage goes on if the holder is itself or above it, however it was started: no
variable to pass on, none to leak. A lease whose holder is gone is taken over without a word, so nothing needs cleaning up
after `kill -9`. It holds on one machine: a workspace on a network drive is not guarded from another one.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import psutil

from stages.foundation.errors import InputError

FOLDER = Path(".sensorium")
LEASE = FOLDER / "lock.json"
GUARD = FOLDER / "lock"
# Start times are reckoned from the boot time, which moves when the clock is set right.
CLOCK_SLACK_S = 2.0


@dataclass(frozen=True)
class Lease:
    """Who holds the workspace: `started` in seconds since the epoch, `since` local time for a person to read."""

    pid: int
    started: float
    what: str
    since: str


def is_workspace() -> bool:
    """Return whether this folder is a DVC workspace. Elsewhere (a stage rerun in an empty folder) there is nothing to guard."""
    return Path(".dvc").is_dir()


@contextmanager
def held(what: str | None = None) -> Iterator[psutil.Process]:
    """Hold the workspace for this process; yield the process that holds it, which may be one above.

    Args:
        what: name of the run for a person; default: a stage, so the lease goes to the `dvc` command above, if any.
    Raises:
        InputError: if another run holds it; the message says which and what to do.
    """
    me = psutil.Process()
    if not is_workspace():
        yield me
        return
    line = [me, *me.parents()]
    with _guard():
        lease = read()
        holder = next((process for process in line if lease and _is(process, lease)), None)
        taken = holder is None
        if holder is None:
            if lease is not None:
                raise InputError(refusal(lease))
            holder = me if what else run_owner(line)
            _write(Lease(holder.pid, holder.create_time(), what or command_of(holder), datetime.now().isoformat(" ", "seconds")))
    try:
        yield holder
    finally:
        if taken and holder == me:
            with _guard():
                LEASE.unlink(missing_ok=True)


def read() -> Lease | None:
    """Return the lease, or None where there is none, it is unreadable, or its holder is gone."""
    try:
        lease = Lease(**json.loads(LEASE.read_text(encoding="utf-8")))
        return lease if _is(psutil.Process(lease.pid), lease) else None
    except (FileNotFoundError, ValueError, TypeError, psutil.NoSuchProcess):
        return None


def refusal(lease: Lease) -> str:
    """Return the message for a run that finds the workspace held."""
    return (f"another run has this workspace: {lease.what} (pid {lease.pid}, since {lease.since}); "
            f"wait until it ends, or stop it with `kill {lease.pid}`, then run again")


def run_owner(line: Sequence[psutil.Process]) -> psutil.Process:
    """Return the outermost `dvc` command of a process's line (itself, parent, grandparent, …), else the process itself."""
    return next((process for process in reversed(line) if is_dvc(_words(process))), line[0])


def is_dvc(words: Sequence[str]) -> bool:
    """Return whether a command line is dvc's: `dvc …`, `python …/dvc …` or `python -m dvc …`."""
    names = [os.path.basename(word) for word in words[:3]]
    return "dvc" in names[:2] or names[1:3] == ["-m", "dvc"]


def command_of(process: psutil.Process) -> str:
    """Return a process's command line for a person: without the interpreter's path."""
    words = sys.orig_argv if process.pid == os.getpid() else _words(process)
    names = [os.path.basename(word) for word in words[:3]] + list(words[3:])
    return " ".join(names[names.index("dvc") :] if is_dvc(words) else names) or f"process {process.pid}"


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process still runs; one that ended and waits to be collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is(process: psutil.Process, lease: Lease) -> bool:
    return process.pid == lease.pid and is_alive(process) and abs(process.create_time() - lease.started) < CLOCK_SLACK_S


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


@contextmanager
def _guard() -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    with GUARD.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _write(lease: Lease) -> None:
    temporary = LEASE.with_name(f".{LEASE.name}.{os.getpid()}.tmp")
    content: Mapping[str, object] = asdict(lease)
    temporary.write_text(json.dumps(content), encoding="utf-8")
    os.replace(temporary, LEASE)


if __name__ == "__main__":  # `make run` asks before DVC does, whose own message on a busy file names no way out
    holder_of_now = read() if is_workspace() else None
    sys.exit(f"error: {refusal(holder_of_now)}" if holder_of_now else 0)
