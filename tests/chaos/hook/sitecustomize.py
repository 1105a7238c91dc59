"""Kill this process at its i-th change of a file: Python imports this module where its folder stands in PYTHONPATH.

CHAOS_PROGRAM: the module whose process is meant (`stages.split`). CHAOS_FOLDER: only changes below it count. CHAOS_AT: the number of the
change; 0 kills nobody. CHAOS_COUNT: a file that gets a line for each change.
"""

import os
import signal
import sys

CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.utime", "sqlite3.connect",
}  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NOT_COUNTED = ("__pycache__", "/.git/", "/logs/")


def install(folder: str, at: int, log: str) -> None:
    """Kill this process at change `at`. An open that empties a file counts twice: before it, and with the file emptied."""
    me, n = os.getpid(), 0
    lines = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal n
        if event == "open":
            if not isinstance(arguments[2], int) or not arguments[2] & WRITES:
                return
        elif event not in CHANGES:
            return
        path = arguments[0]
        if os.getpid() != me or not isinstance(path, str | bytes | os.PathLike):
            return
        whole = os.path.join(os.getcwd(), os.fsdecode(path))
        if not whole.startswith(folder + os.sep) or any(part in whole for part in NOT_COUNTED):
            return
        n += 1
        os.write(lines, f"{n} {event} {whole}\n".encode())
        if n == at:
            os.kill(me, signal.SIGKILL)
        if event == "open" and arguments[2] & os.O_TRUNC:
            n += 1
            os.write(lines, f"{n} emptied {whole}\n".encode())
            if n == at:
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
                os.kill(me, signal.SIGKILL)

    sys.addaudithook(hook)


if os.environ.get("CHAOS_PROGRAM") and os.environ["CHAOS_PROGRAM"] in sys.orig_argv:
    install(os.environ["CHAOS_FOLDER"], int(os.environ["CHAOS_AT"]), os.environ["CHAOS_COUNT"])
