"""Commands that are crashed: in a fork of a process that has imported DVC and the engine, or as a person starts them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pipelines.run
from pipelines.running import worker
from pipelines.running.dvc_lock import use_stagewise_lockfile
from pipelines.running.executor import StageResult
from pipelines.running.forked_stages import LIBRARIES, import_libraries, use_forks
from stages.foundation.parallel import CORES_VARIABLE
from tests.chaos.hook.sitecustomize import install

HOOK = Path(__file__).parent / "hook"
LIMIT_S = 240.0
PROGRAM = "CHAOS_PROGRAM"


def import_once() -> None:
    """Import what the commands of `forked` would import anew each time."""
    for module in LIBRARIES:
        import_libraries(module)


class InThisProcess:
    """An executor without workers: the engine's process reproduces the stages, so that nothing has to be imported again."""

    n_at_once = 1

    def __enter__(self) -> "InThisProcess":
        use_stagewise_lockfile()
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def reproduce(self, stage: str, on_line: object = None, *, alone: bool = False) -> StageResult:
        os.environ[CORES_VARIABLE] = "1"
        result = worker.reproduce(stage)
        return StageResult(stage, result["status"], 0.0, result["reason"])


def forked(
    folder: Path, log: Path, run: Callable[[], int], variables: Mapping[str, str], at: int | None = None, count: Path | None = None
) -> int:
    """Return the exit status of `run()` in a fork that works in `folder`; negative: the signal that ended it.

    at: the change of a file, listed in `count`, at which the fork is killed; 0: it is not. None: its changes are not counted.
    """
    pid = os.fork()
    if not pid:
        status = 70
        try:
            os.setsid()
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.chdir(folder)
            os.environ.update(variables)
            pipelines.run.executor_of = lambda _: InThisProcess()
            if PROGRAM not in variables:  # a stage that is to be killed is a new process, which the hook starts with
                use_forks()
            if at is not None and count is not None:
                install(str(folder), at, str(count))
            status = run()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    kill_group(pid)
    os.waitpid(pid, 0)
    return 124


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of every command: the interpreter first, DVC's state in the workspace, no statistics."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "DVC_SITE_CACHE_DIR": str(folder / ".dvc" / "site"), "CI": "true", "SENSORIUM_CORES": "2", "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }  # fmt: skip


def hooked(folder: Path, program: str, at: int, count: Path) -> dict[str, str]:
    """Return the variables that kill the process of a module at a change."""
    path = os.pathsep.join([str(HOOK), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {"PYTHONPATH": path, PROGRAM: program, "CHAOS_FOLDER": str(folder), "CHAOS_AT": str(at), "CHAOS_COUNT": str(count)}


def started(folder: Path, log: Path, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start `python -m module …` as a person would, in a session of its own."""
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=folder, env={**os.environ, **environment(folder)},
                                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
