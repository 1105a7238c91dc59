"""Files of a person's folder: found in one order everywhere, and never outside of it."""

import errno
import os
import stat
from pathlib import Path

from stages.foundation.errors import InputError

MAX_FILE_BYTES = 2**28  # of one sample's file
_IGNORED = ("Thumbs.db",)  # and what begins with a dot: folders' own notes, never samples


def existing(path: str, key: str, *, folder: bool) -> Path:
    """Return the path of a source; raise InputError unless it is a folder, or a file, as declared under `key`."""
    found = Path(path).expanduser()
    try:
        mode = found.stat().st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"{key}: {path}: {_why(error, folder=folder)}; name {'a folder' if folder else 'a file'}, relative to the "
                         "repository's root or absolute") from error
    if stat.S_ISDIR(mode) != folder or not (folder or stat.S_ISREG(mode)):
        hint = ("; name a file in it, or write `folder: …` if its files are the samples" if stat.S_ISDIR(mode) else
                "; write `table: …` if its rows are the samples" if stat.S_ISREG(mode) else "")
        raise InputError(f"{key}: {path}: is not {'a folder' if folder else 'a file'}{hint}")
    return found


def resolve_inside(root: Path, name: str) -> Path:
    """Return the file of a sample, free of links; raise ValueError, in words for a person, if it is not a file inside `root`."""
    if not name:
        raise ValueError("no file is named (the path is empty)")
    if name.startswith("/") or os.path.isabs(name):
        raise ValueError(f"{name}: an absolute path; write it relative to the source's folder")
    if ".." in name.split("/"):
        raise ValueError(f"{name}: '..' leaves the source's folder; put the file inside it")
    try:
        real, top = (root / name).resolve(strict=True), root.resolve(strict=True)
        if not real.is_relative_to(top):
            raise ValueError(f"{name}: a link to a place outside the source's folder; put the file itself inside")
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        hint = "; a path's parts are parted by /, not by \\" if "\\" in name else ""
        where = " in the source's folder" if isinstance(error, FileNotFoundError) and not hint else ""
        raise ValueError(f"{name}: {_why(error)}{where}{hint}") from error
    except ValueError as error:  # a zero byte in a name, or ours
        raise ValueError(str(error) if name in str(error) else f"{name!r}: no file can be called that ({error})") from error
    if not stat.S_ISREG(mode):
        raise ValueError(f"{name}: is {'a folder' if stat.S_ISDIR(mode) else 'a device, pipe or socket'}, not a file")
    return real


def read_inside(root: Path, name: str) -> bytes:
    """Return a sample's file; raise ValueError if it is not a readable file inside `root` of at most MAX_FILE_BYTES."""
    real = resolve_inside(root, name)
    try:
        # not following a link and not waiting for a pipe, should the file have been exchanged for one since it was looked at
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{name}: is not a file")
            if status.st_size > MAX_FILE_BYTES:
                raise ValueError(f"{name}: {status.st_size:,} bytes, more than {MAX_FILE_BYTES:,}; cut it into several samples")
            return file.read()
    except OSError as error:
        raise ValueError(f"{name}: {_why(error)}") from error


def walk_files(root: Path) -> list[str]:
    """Return the names of all that is in a folder and its folders, relative to it, sorted; links to folders are not followed but named.

    Raises:
        InputError: if a folder cannot be listed, or a name is not UTF-8.
    """

    def stop(error: OSError) -> None:
        raise InputError(f"{root}: {os.path.relpath(error.filename, root)}: {_why(error)}") from error

    names: list[str] = []
    for folder, folders, files in os.walk(root, onerror=stop, followlinks=False):
        folders[:] = [name for name in folders if not _skipped(name)]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*files, *links):
            if not _skipped(name):
                names.append(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/"))
    strange = [name for name in names if not _is_text(name)]
    if strange:
        raise InputError(f"{root}: {strange[0].encode(errors='surrogateescape')!r} is not UTF-8 ({len(strange)} such names); rename it")
    return sorted(names)


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in _IGNORED


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(error: Exception, *, folder: bool = False) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ELOOP or isinstance(error, RuntimeError):
        return "links that lead to each other (a loop)"
    return {
        errno.ENOENT: "no such folder" if folder else "no such file",
        errno.ENOTDIR: "a part of the path is a file, not a folder",
        errno.ENAMETOOLONG: "the name is too long",
        errno.EACCES: "it may not be read (permissions)",
        errno.EPERM: "it may not be read (permissions)",
    }.get(code or 0, str(getattr(error, "strerror", None) or error))
