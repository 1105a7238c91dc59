"""Run the commands of stages in forks of the worker, which imports once what each of its stages would import anew.

A new process takes 3 s of a processor to import scikit-learn with scipy and pandas, and 6 s for Great Expectations; most stages of the
default run compute for less. A fork starts with these libraries and without the project's own modules, which it reads from their files, so
that it is in the state of a process that `python -m stages.…` has started. Any other command is run by DVC, as are all on other systems.
"""

import contextlib
import importlib
import multiprocessing
import os
import re
import resource
import runpy
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import dvc.stage.run
from dvc.stage.exceptions import StageCmdFailedError
from setproctitle import setproctitle
from tqdm import tqdm

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

COMMAND = re.compile(r"python -m (?P<module>stages\.[a-z_]+)(?P<arguments>( [\w.:@/+-]+)*)", re.ASCII)
OWN = {"stages", "pipelines"}  # packages whose modules a fork loads itself
peaks_bytes: list[int] = []  # of memory, of each fork that has ended since the worker emptied it
dvcs_run: Callable[..., None] = dvc.stage.run._run

TABLES = ("numpy", "pyarrow.compute", "pandas")
LEARNING = (*TABLES, "scipy.stats", "sklearn.base", "sklearn.metrics")
# What the stages of a module import and no thread of which runs afterwards. Without polars: its threads would be missing in the fork.
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "stages.control": (*LEARNING, "sklearn.ensemble"),
    "stages.evaluate": LEARNING,
    "stages.featurize": TABLES,
    "stages.ingest": TABLES,
    "stages.report": ("numpy", "pyarrow.compute", "matplotlib.figure"),
    "stages.split": TABLES,
    "stages.train": (*LEARNING, "sklearn.linear_model", "sklearn.model_selection", "sklearn.impute", "numba"),
    "stages.validate": (*TABLES, "great_expectations"),
}


def use_forks() -> None:
    """Let DVC run the commands of stages in forks of this process."""
    if sys.platform == "linux":  # elsewhere system libraries do not survive a fork
        dvc.stage.run._run = run_command
        tqdm.monitor_interval = 0  # DVC's bars would leave a thread behind; none of them is seen


def run_command(executable: str | None, command: str, **settings: Any) -> None:
    """Run one command of a stage, as `dvc.stage.run._run` does.

    Args:
        executable: the shell. settings: of the new process, `cwd` and `env` among them.
    Raises:
        StageCmdFailedError: if its exit status is not 0.
    """
    found = COMMAND.fullmatch(command)
    if not found or threading.active_count() > 1:  # a lock that another thread holds would stay locked in the fork
        dvcs_run(executable, command, **settings)
        return
    module, arguments = found["module"], found["arguments"].split()
    import_libraries(module)
    sys.stdout.flush()
    sys.stderr.flush()
    received, sent = multiprocessing.Pipe(duplex=False)
    fork = multiprocessing.get_context("fork").Process(
        target=_measured, args=(sent, module, arguments, settings["cwd"], settings["env"]), name=command,
    )
    fork.start()
    sent.close()
    fork.join()
    if received.poll():  # there is a message, or the end: what the fork started may still hold the pipe, so nothing waits for it
        with contextlib.suppress(EOFError):  # it was killed
            peaks_bytes.append(received.recv())
    received.close()
    if fork.exitcode:
        raise StageCmdFailedError(command, fork.exitcode)


def import_libraries(module: str) -> None:
    """Import what the stages of a module import."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported
    for name in LIBRARIES.get(module, ()):
        importlib.import_module(name)


def _measured(sent: Connection, module: str, arguments: list[str], folder: str, variables: Mapping[str, str]) -> None:
    """Run a module and send the most memory that its process, or one that it has waited for, held at once, in bytes."""
    try:
        _run_module(module, arguments, folder, variables)
    finally:
        sent.send(1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
        sent.close()


def _run_module(module: str, arguments: list[str], folder: str, variables: Mapping[str, str]) -> None:
    """Do what `python -m MODULE ARGUMENTS` does in a new process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    setproctitle(" ".join(["python", "-m", module, *arguments]))  # finds the name by the environment that the process started with
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] in OWN]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.argv = ["-m", *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
