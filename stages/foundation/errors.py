"""The error that a user can fix."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

DEBUG = "SENSORIUM_DEBUG"  # set: errors of the machine keep their traceback
MACHINE = {  # errors of the machine, not of the code → what to do
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file would be larger than the limit of this shell (`ulimit -f`); raise it",
    errno.EROFS: "the folder is read-only; move the workspace to one that can be written",
    errno.EACCES: "no permission; change the owner or the mode (`ls -ld` shows both)",
    errno.EPERM: "no permission; change the owner or the mode (`ls -ld` shows both)",
    errno.EMFILE: "too many open files for this shell (`ulimit -n`); raise the limit",
    errno.EIO: "the disk cannot be read or written; check it",
    errno.EISDIR: "is a folder where a file is expected; move it away",
    errno.ENOTDIR: "a file lies where a folder is expected; move it away",
}


class InputError(Exception):
    """An error in the input: a parameter, a file, a sample.

    The message names the file, key or row, what was expected, and what to do. A stage prints it without a traceback and exits with status
    1.
    """


@contextmanager
def machine_errors() -> Iterator[None]:
    """Raise InputError in place of an error of the machine, such as a full disk; with SENSORIUM_DEBUG set, leave it as it is."""
    try:
        yield
    except OSError as error:
        remedy = MACHINE.get(error.errno or 0)
        if remedy is None or os.environ.get(DEBUG):
            raise
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes | os.PathLike) else ""
        raise InputError(f"{where}{remedy}, then run again ({error.strerror or error})") from error
