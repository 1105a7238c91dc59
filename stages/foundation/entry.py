"""Run a stage's main: one clear error message, no orphan processes, one run per workspace."""

import ctypes
import gc
import inspect
import itertools
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

import psutil

from stages.foundation import lease
from stages.foundation.errors import InputError, machine_errors
from stages.foundation.plain_output import plain_output

PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCH_EVERY_S = 1.0


def run_stage(main: Callable[..., None], arguments: Sequence[str] | None = None) -> None:
    """Run a stage as `_run` does; what it prints holds no code that a terminal would obey."""
    with plain_output():
        _run(main, arguments)


def _run(main: Callable[..., None], arguments: Sequence[str] | None) -> None:
    """Call `main(*arguments)` (default: the command line's) and exit: 0, or 1 after one clear error message.

    Any other exception is a bug and keeps its traceback; so does an error of the machine (a full disk) if SENSORIUM_DEBUG is set.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    stage = " ".join([main.__module__.rpartition(".")[2] if main.__module__ != "__main__" else _script(), *arguments])
    started = time.perf_counter()
    gc.freeze()  # objects of imports are permanent: exclude them from garbage collection
    try:
        _refuse_other_arguments(main, arguments)
        with machine_errors(), lease.held() as owner:
            end_with(owner)
            main(*arguments)
    except InputError as error:
        print(f"error: {stage}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"stopped: {stage}", file=sys.stderr, flush=True)
        sys.exit(130)
    gc.freeze()  # skips the deallocation of objects when the process ends (0.1 to 0.4 s)
    used = os.times()  # of this process and its children
    processor = used.user + used.system + used.children_user + used.children_system
    print(f"{stage}: {time.perf_counter() - started:.1f} s, {processor:.1f} s of processor time on all cores", flush=True)


def _refuse_other_arguments(main: Callable[..., None], arguments: Sequence[str]) -> None:
    """Print the usage and exit if requested; raise InputError if the arguments do not fit."""
    signature = inspect.signature(main)
    usage = f"usage: python -m {main.__globals__['__package__']}.{_script()}"
    usage += "".join(f" [{name}]" if p.default is not p.empty else f" {name.upper()}" for name, p in signature.parameters.items())
    if "--help" in arguments or "-h" in arguments:
        print(usage, main.__globals__["__doc__"], sep="\n\n")
        sys.exit(0)
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise InputError(f"{error}; {usage}") from error


def end_with(owner: psutil.Process) -> None:
    """End this process and its children once `owner` or a process between the two is gone, or on SIGTERM.

    A killed DVC leaves its running stage behind; an orphan would overwrite files of the next run.
    """
    me = psutil.Process()
    if owner == me:
        return
    above = [*itertools.takewhile(lambda process: process != owner, me.parents()), owner]
    # The watcher reads the signal from a pipe: a handler alone would wait until a long call into numpy or torch returns.
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    os.register_at_fork(after_in_child=_forget_signal)
    threading.Thread(target=_watch, args=(above, wake), name="watch the run", daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _watch(above: Sequence[psutil.Process], wake: int) -> None:
    while all(lease.is_alive(process) for process in above):
        if select.select([wake], [], [], WATCH_EVERY_S)[0] and signal.SIGTERM in os.read(wake, 64):
            break
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(128 + signal.SIGTERM)


def _forget_signal() -> None:
    signal.set_wakeup_fd(-1)  # the end of a forked worker does not end the stage
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _script() -> str:
    return os.path.splitext(os.path.basename(sys.argv[0]))[0]
