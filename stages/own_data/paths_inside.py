"""Files inside a source's folder: listed in one order on every system, never outside of the folder."""

import errno
import os
import stat
import unicodedata
from functools import lru_cache
from pathlib import Path

from stages.foundation.errors import InputError
from stages.own_data import dvc_files
from stages.own_data.absent import AbsentError

MAX_FILE_BYTES = 2**28  # of one sample's file
_IGNORED = ("Thumbs.db",)  # and names that begin with a dot, or end as DVC's files: never samples


def existing(path: str, key: str, *, folder: bool) -> Path:
    """Return the path of a source; raise InputError unless it is a folder, or a file, as declared under `key`."""
    found = Path(path).expanduser()
    if not found.exists() and not path.isascii():
        found = _on_disk(Path(found.anchor), found.relative_to(found.anchor).as_posix())
    try:
        mode = found.stat().st_mode
    except (OSError, ValueError) as error:
        absent = dvc_files.fetch_hint(found) if isinstance(error, FileNotFoundError) else ""
        remedy = absent or f"; name {'a folder' if folder else 'a file'}, relative to the repository's root or absolute"
        raise InputError(f"{key}: {path}: {_why(error, folder=folder)}{remedy}") from error
    if stat.S_ISDIR(mode) != folder or not (folder or stat.S_ISREG(mode)):
        hint = ("; name a file in it, or write `folder: …` if its files are the samples" if stat.S_ISDIR(mode) else
                "; write `table: …` if its rows are the samples" if stat.S_ISREG(mode) else "")
        raise InputError(f"{key}: {path}: is not {'a folder' if folder else 'a file'}{hint}")
    return found


def resolve_inside(root: Path, name: str) -> Path:
    """Return the file of a sample, links resolved: inside `root`, or in DVC's cache, where DVC keeps files of `root` that it links to.

    Raises:
        AbsentError: if there is nothing of that name.
        ValueError: with a message for the user, if it is elsewhere or no file.
    """
    if not name:
        raise ValueError("no file is named (the path is empty)")
    if name.startswith("/") or os.path.isabs(name):
        raise ValueError(f"{name}: an absolute path; write it relative to the source's folder")
    if ".." in name.split("/"):
        raise ValueError(f"{name}: '..' leaves the source's folder; put the file inside it")
    try:
        place, top = _on_disk(root, name), root.resolve(strict=True)
        real = place.resolve()  # where a file that is not there would be
        if not real.is_relative_to(top) and not dvc_files.is_cached(real):
            raise ValueError(f"{name}: a link that leads outside the source's folder; put the file itself inside")
        mode = place.resolve(strict=True).stat().st_mode
    except (OSError, RuntimeError) as error:
        hint = "; folders in a path are separated by /, not by \\" if "\\" in name else ""
        hint = hint or (dvc_files.fetch_hint(root / name) if isinstance(error, FileNotFoundError) else "")
        if isinstance(error, FileNotFoundError) and not hint:
            if (link := _broken_link(root, name)) is not None:
                raise ValueError(f"{name}: {link} is a link to a file that is not there") from error
            if (other := _other_case(root, name)) is not None:
                raise ValueError(f"{name}: {_why(error)}, but there is {other}; write the name in the same case") from error
            raise AbsentError(f"{name}: {_why(error)} in the source's folder", name) from error
        raise ValueError(f"{name}: {_why(error)}{hint}") from error
    except ValueError as error:  # a null byte in a name, or raised above
        raise ValueError(str(error) if name in str(error) else f"{name!r}: not a valid file name ({error})") from error
    if not stat.S_ISREG(mode):
        raise ValueError(f"{name}: is {'a folder' if stat.S_ISDIR(mode) else 'a device, pipe or socket'}, not a file")
    return real


def _broken_link(root: Path, name: str) -> str | None:
    """Return the part of a path that is a link to nothing, relative to `root`; None if there is none."""
    place = _on_disk(root, name)
    inside = [*place.relative_to(root).parents][-2::-1]
    return next((part.as_posix() for part in [*inside, place.relative_to(root)] if (root / part).is_symlink()
                 and not (root / part).exists()), None)  # fmt: skip


def _other_case(root: Path, name: str) -> str | None:
    """Return the file whose name differs from a missing one only in case, on which systems disagree; None if there is none."""
    place = root
    for part in name.split("/"):
        if not (place / part).exists():
            part = _folded(place.absolute()).get(part.casefold(), "")
            if not part:
                return None
        place = place / part
    return place.relative_to(root).as_posix() if place.is_file() else None


def _on_disk(root: Path, name: str) -> Path:
    """Return where a file is: under its name, or one that differs only in how its characters are composed (NFC, NFD)."""
    if (root / name).exists() or name.isascii():
        return root / name
    place = root
    for part in name.split("/"):
        place = place / (part if (place / part).exists() else _composed(place).get(unicodedata.normalize("NFC", part), part))
    return place


@lru_cache(maxsize=64)
def _composed(folder: Path) -> dict[str, str]:
    """Return the names in a folder by their composed form."""
    return {unicodedata.normalize("NFC", name): name for name in sorted(os.listdir(folder))} if folder.is_dir() else {}


@lru_cache(maxsize=64)
def _folded(folder: Path) -> dict[str, str]:
    """Return the names in a folder by what they are without case."""
    return {name.casefold(): name for name in sorted(os.listdir(folder))} if folder.is_dir() else {}


def read_inside(root: Path, name: str) -> bytes:
    """Return a sample's file; raise ValueError if it is not a readable file inside `root` of at most MAX_FILE_BYTES."""
    real = resolve_inside(root, name)
    try:
        # follows no link and waits for no pipe, even if one has replaced the file since it was checked
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
    """Return the names of all files in a folder and its subfolders, relative to it, sorted; links to folders are listed, not followed.

    Raises:
        InputError: if a folder cannot be listed, or a name is not UTF-8.
    """

    def stop(error: OSError) -> None:
        raise InputError(f"{root}: {os.path.relpath(error.filename, root)}: {_why(error)}") from error

    names: list[str] = []
    for folder, folders, files in os.walk(root, onerror=stop, followlinks=False):
        folders[:] = [name for name in folders if not is_skipped(name)]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*files, *links):
            if not is_skipped(name):
                names.append(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/"))
    undecodable = [name for name in names if not is_text(name)]
    if undecodable:
        first = undecodable[0].encode(errors="surrogateescape")
        raise InputError(f"{root}: {first!r} is not UTF-8 ({len(undecodable)} such names); rename it")
    return sorted(names)


def is_skipped(name: str) -> bool:
    """Return whether a file or folder of this name is never a sample."""
    return name.startswith(".") or name.endswith(dvc_files.ENDING) or name in _IGNORED


def is_text(name: str) -> bool:
    """Return whether a name is UTF-8, as a name in a table has to be."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(error: Exception, *, folder: bool = False) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ELOOP or isinstance(error, RuntimeError):
        return "circular links"
    return {
        errno.ENOENT: "no such folder" if folder else "no such file",
        errno.ENOTDIR: "a folder in the path is a file",
        errno.ENAMETOOLONG: "the name is too long",
        errno.EACCES: "it may not be read (permissions)",
        errno.EPERM: "it may not be read (permissions)",
    }.get(code or 0, str(getattr(error, "strerror", None) or error))
