"""One run at a time in a workspace: a lease, valid while the process that holds it lives.

The lease `.sensorium/lock.json` names its holder: pid and start time (pids are reused), command and time. A flow holds it for itself; a
stage takes it for its parent `dvc` command, so that `dvc repro` holds it from its first stage until its own end. A stage runs if the holder
is itself or an ancestor: no environment variable is needed. A lease whose holder is gone is replaced, so that nothing needs cleaning up
after `kill -9`. The lease is local to one machine: a workspace on a network drive is not protected from another machine.
"""

import fcntl
import json
import os
import re
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
DATA = Path("data")
RAW = DATA / "raw"
TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp(-journal|-wal|-shm)?")  # of a process with this pid; sqlite's files beside it
# Start times are relative to the boot time, which changes when the clock is adjusted.
CLOCK_SLACK_S = 2.0


@dataclass(frozen=True)
class Lease:
    """The holder of the workspace: `started` in seconds since the epoch, `since` in local time, for messages."""

    pid: int
    started: float
    what: str
    since: str


def is_workspace() -> bool:
    """Return whether this folder is a DVC workspace. Elsewhere (a stage rerun in an empty folder) no lease is needed."""
    return Path(".dvc").is_dir()


@contextmanager
def held(what: str | None = None) -> Iterator[psutil.Process]:
    """Hold the workspace for this process; yield the process that holds it, which may be an ancestor.

    Args:
        what: name of the run in messages; default: a stage, so that the lease goes to the parent `dvc` command, if any.
    Raises:
        InputError: if another run holds it; the message names it and says what to do.
    """
    me = psutil.Process()
    if not is_workspace():
        yield me
        return
    ancestry = [me, *me.parents()]
    with _guard():
        lease = read()
        holder = next((process for process in ancestry if lease and _is(process, lease)), None)
        is_new = holder is None
        if holder is None:
            if lease is not None:
                raise InputError(refusal(lease))
            holder = me if what else run_owner(ancestry)
            remove_leftovers()
            _write(Lease(holder.pid, holder.create_time(), what or command_of(holder), datetime.now().isoformat(" ", "seconds")))
    try:
        yield holder
    finally:
        if is_new and holder == me:
            with _guard():
                LEASE.unlink(missing_ok=True)


def read() -> Lease | None:
    """Return the lease, or None if there is none, it is unreadable, or its holder is gone."""
    try:
        lease = Lease(**json.loads(LEASE.read_text(encoding="utf-8")))
        return lease if _is(psutil.Process(lease.pid), lease) else None
    except (FileNotFoundError, ValueError, TypeError, psutil.NoSuchProcess):
        return None


def refusal(lease: Lease) -> str:
    """Return the message for a run that finds the workspace held."""
    return (f"another run holds this workspace: {lease.what} (pid {lease.pid}, since {lease.since}); "
            f"wait until it ends, or stop it with `kill {lease.pid}`, then run again")


def run_owner(ancestry: Sequence[psutil.Process]) -> psutil.Process:
    """Return the outermost `dvc` command among a process and its ancestors, else the process itself."""
    return next((process for process in reversed(ancestry) if is_dvc(_command_line(process))), ancestry[0])


def is_dvc(command: Sequence[str]) -> bool:
    """Return whether a command line is dvc's: `dvc …`, `python …/dvc …` or `python -m dvc …`."""
    names = [os.path.basename(word) for word in command[:3]]
    return "dvc" in names[:2] or names[1:3] == ["-m", "dvc"]


def command_of(process: psutil.Process) -> str:
    """Return a process's command line for messages: without the interpreter's path."""
    command = sys.orig_argv if process.pid == os.getpid() else _command_line(process)
    names = [os.path.basename(word) for word in command[:3]] + list(command[3:])
    return " ".join(names[names.index("dvc") :] if is_dvc(command) else names) or f"process {process.pid}"


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process is running; a zombie is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_in_this_folder(process: psutil.Process) -> bool:
    """Return whether a process works in this folder; False if its folder may not be seen."""
    try:
        return process.cwd() == os.getcwd()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def remove_leftovers() -> None:
    """Remove temporary files of our writers (tables.py) that were killed."""
    folders = [Path(), FOLDER, *(folder for folder in DATA.glob("**/") if folder.parts[:2] != RAW.parts), RAW]
    for path in (path for folder in folders if folder.is_dir() for path in folder.glob(".*.tmp*")):
        written = TEMPORARY.fullmatch(path.name)
        if written and path.is_file() and not _works_here(int(written[1])):
            path.unlink(missing_ok=True)


def _works_here(pid: int) -> bool:
    try:
        return is_in_this_folder(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def _is(process: psutil.Process, lease: Lease) -> bool:
    return process.pid == lease.pid and is_alive(process) and abs(process.create_time() - lease.started) < CLOCK_SLACK_S


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


@contextmanager
def _guard() -> Iterator[None]:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    found = FOLDER.stat()
    if found.st_mode & 0o077 and found.st_uid == os.getuid():
        FOLDER.chmod(0o700)  # DVC makes it open to all (.dvc/config), and keeps pickles in it
    with GUARD.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _write(lease: Lease) -> None:
    temporary = LEASE.with_name(f".{LEASE.name}.{os.getpid()}.tmp")
    content: Mapping[str, object] = asdict(lease)
    temporary.write_text(json.dumps(content), encoding="utf-8")
    os.replace(temporary, LEASE)


if __name__ == "__main__":  # `make run` checks first: DVC's own message about a locked file suggests no remedy
    current = read() if is_workspace() else None
    sys.exit(f"error: {refusal(current)}" if current else 0)
