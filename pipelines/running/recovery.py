"""Remove what a killed DVC process left and every later run would fail at: `python -m pipelines.running.recovery`.

DVC empties `.dvc/tmp/rwlock` before it writes it, makes the folder of a run cache entry before the entry, and copies to temporary names. A
process that is killed in between leaves an empty file, an empty folder or a part of a file. The lease keeps other runs away and DVC's
own locks other commands, so that nothing is removed that somebody still writes. A cache outside of the workspace may be shared with
others and is left as it is.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
from dvc.lock import LockError, make_lock
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK

from pipelines.running.dvc_lock import KEPT
from pipelines.running.repository import opened
from stages.checking.stale_outputs import LOCK
from stages.contracts.paths import DATA
from stages.foundation.errors import InputError
from stages.foundation.lease import held, is_alive, is_dvc, is_in_this_folder

WORKER = "pipelines.running.worker"
ORPHANS_END_WITHIN_S = 30.0
DVCS_TEMPORARY = re.compile(r"\.[\w-]{22}\.tmp")  # dvc_objects.fs.utils.tmp_fname


def recover() -> list[str]:
    """Return what was removed, a line for each path. Call it under the lease, before workers start.

    Raises:
        InputError: if a worker of a killed run does not end, or another DVC command is at work.
    """
    wait_for_orphans()
    try:
        with opened() as repo, repo.lock:
            removed = _leftovers(repo)
    except LockError as error:
        raise InputError("another DVC command works in this workspace; wait until it ends, then run again") from error
    return [f"removed {os.path.relpath(path)}, which a killed process left" for path in removed]


def _leftovers(repo: Repo) -> list[Path]:
    removed = [*_rwlock(repo), *_lock_file(), *_temporaries(DATA)]
    cache = Path(repo.cache.local.path)
    if cache.is_relative_to(Path.cwd()):
        runs = Path(repo.stage_cache.cache_dir)
        removed += [*_temporaries(cache), *_temporaries(runs), *_run_cache(runs)]
    return removed


def wait_for_orphans() -> None:
    """Wait until the workers of a killed engine have ended, as they do once their stages have."""
    ours = {process.pid for process in psutil.Process().children(recursive=True)}
    orphans = [process for process in psutil.process_iter(["cmdline"])
               if WORKER in (process.info["cmdline"] or ()) and process.pid not in ours and is_in_this_folder(process)]
    _, left = psutil.wait_procs([process for process in orphans if is_alive(process)], timeout=ORPHANS_END_WITHIN_S)
    if left:
        pids = " ".join(str(process.pid) for process in left)
        raise InputError(f"a worker of a killed run still runs a stage here; wait until it ends, or stop it with `kill {pids}`")


def _rwlock(repo: Repo) -> Iterator[Path]:
    """Remove the list of paths in use, unless it names a live DVC process."""
    path, guard = Path(repo.tmp_dir, RWLOCK_FILE), str(Path(repo.tmp_dir, RWLOCK_LOCK))
    with make_lock(guard, tmp_dir=repo.tmp_dir, hardlink_lock=repo.config["core"].get("hardlink_lock", False)):
        try:
            text = path.read_text("utf-8")
            found = json.loads(text)
            used = [*found.get("write", {}).values(), *(reader for readers in found.get("read", {}).values() for reader in readers)]
            in_use = any(_is_dvc_here(int(entry["pid"])) for entry in used)
        except FileNotFoundError:
            return
        except (ValueError, AttributeError, TypeError, KeyError):  # cut off, or not DVC's
            used, in_use = [text], False
        if used and not in_use:
            path.unlink()
            yield path


def _is_dvc_here(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return is_alive(process) and is_in_this_folder(process) and (is_dvc(process.cmdline()) or WORKER in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _lock_file() -> Iterator[Path]:
    """Put dvc.lock back as it was before DVC wrote it itself; remove an empty one, which comes back from the run cache."""
    if KEPT.is_file():
        shutil.copyfile(KEPT, LOCK)
        KEPT.unlink()
        yield KEPT
    if LOCK.is_file() and not LOCK.stat().st_size:
        LOCK.unlink()
        yield LOCK


def _temporaries(folder: Path) -> Iterator[Path]:
    for path in folder.rglob(".*.tmp"):
        if DVCS_TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink()
            yield path


def _run_cache(folder: Path) -> Iterator[Path]:
    """Remove empty files and folders: DVC takes the newest file of a folder and fails where there is none."""
    for path in sorted(folder.glob("*/*/*")):
        if path.is_file() and not path.stat().st_size:
            path.unlink()
            yield path
    for path in sorted(folder.glob("*/*")):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
            yield path


if __name__ == "__main__":
    try:
        with held("python -m pipelines.running.recovery"):
            for line in recover():
                print(line, flush=True)
    except InputError as error:
        sys.exit(f"error: {error}")
