"""Files of an earlier version's outputs, found by their hash in DVC's cache; what it lacks is fetched from the default remote.

The workspace, its dvc.lock and its outputs stay as they are: nothing is checked out. An object is hashed before it is read.
"""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.config import ConfigError
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.hash_info import HashInfo

from pipelines.publishing.lock_entries import LockedFile
from pipelines.publishing.tracking import redact
from pipelines.running.repository import opened
from stages.contracts.checked import shortened
from stages.foundation.errors import InputError

DIRECTORY = ".dir"


def linked(wanted: Sequence[LockedFile], folder: Path, version: str) -> None:
    """Put links to cached files into `folder`, under their paths in a workspace; a file that its folder does not hold gets none.

    Args:
        version: name of the version, for messages.
    Raises:
        InputError: if objects are neither in the cache nor on the remote, or damaged: one line that says which, and how to get them.
    """
    with opened() as repo:
        problem = _fill(repo, wanted)
        if missing := [file for file in wanted if not _is_cached(repo, file)]:
            raise InputError(refusal(missing, version, problem))
        for file in wanted:
            _verified(repo, file.hash, file, version)  # of a folder its list of files
            if (oid := _object(repo, file)) is not None:
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(_verified(repo, oid, file, version))


def refusal(missing: Sequence[LockedFile], version: str, problem: str) -> str:
    """Return the message about outputs that cannot be had."""
    names = "; ".join(shortened(f"{file.output} (md5 {file.hash})" for file in missing))
    targets = " ".join(dict.fromkeys(file.stage for file in missing[:3])) + (" …" if len(missing) > 3 else "")
    return (f"{version}: not in DVC's cache{f', and {problem}' if problem else ''}: {names}; `dvc push --all-commits` where that version "
            f"was run, then `dvc fetch --all-commits {targets}` here")


def _fill(repo: Repo, wanted: Sequence[LockedFile]) -> str:
    """Fetch what is missing, a folder's list of files before the files; return why that may not have brought all."""
    lacking, before, problem = _missing(repo, wanted), list[HashInfo](), ""
    while lacking and lacking != before:
        problem = _fetch(repo, lacking)
        lacking, before = _missing(repo, wanted), lacking
    return problem


def _fetch(repo: Repo, missing: Sequence[HashInfo]) -> str:
    """Fetch objects from the default remote; return why that may not have brought all."""
    try:
        with _quiet():
            repo.cloud.pull(missing)
    except ConfigError:  # no remote, or a default remote that is not defined
        return "no default remote is configured (`dvc remote add -d <name> <address>`)"
    except (DvcException, OSError) as error:
        return f"the remote cannot be read ({redact(str(error).splitlines()[0] if str(error) else type(error).__name__)})"
    return "not on the remote"


def _missing(repo: Repo, wanted: Sequence[LockedFile]) -> list[HashInfo]:
    """Return the objects that are not in the cache; of a folder whose list of files is missing, the list."""
    lacking = [file for file in wanted if not _is_cached(repo, file)]
    return [HashInfo(file.kind, _object(repo, file) if _is_there(repo, file, file.hash) else file.hash) for file in lacking]


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out DVC's list of missing objects: `refusal` names the outputs."""
    loggers = [logging.getLogger(name) for name in ("dvc", "dvc_data", "dvc_objects")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _odb(repo: Repo, kind: str) -> Any:
    return repo.cache.local if kind == "md5" else repo.cache.legacy


def _is_there(repo: Repo, file: LockedFile, oid: str) -> bool:
    return os.path.isfile(_odb(repo, file.kind).oid_to_path(oid))


def _is_cached(repo: Repo, file: LockedFile) -> bool:
    """Return whether a file's object is in the cache; true of a file that its folder does not hold."""
    if not _is_there(repo, file, file.hash):
        return False
    oid = _object(repo, file)
    return oid is None or _is_there(repo, file, oid)


def _members(repo: Repo, file: LockedFile) -> dict[str, str]:
    """Return the hash of each file of a folder by its path within it; nothing for an output that is a file."""
    if not file.hash.endswith(DIRECTORY):
        return {}
    listing = Path(_odb(repo, file.kind).oid_to_path(file.hash))
    try:
        return {item["relpath"]: item["md5"] for item in json.loads(listing.read_text(encoding="utf-8"))}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{listing}: damaged, it is no list of files of DVC; delete it, then "
                         f"`dvc fetch --all-commits {file.stage}`") from error


def _object(repo: Repo, file: LockedFile) -> str | None:
    """Return the hash of the file itself."""
    return _members(repo, file).get(file.inside) if file.inside else file.hash


def _verified(repo: Repo, oid: str, file: LockedFile, version: str) -> str:
    """Return the path of an object whose bytes have its hash."""
    odb = _odb(repo, file.kind)
    path = str(odb.oid_to_path(oid))
    if file_md5(path, odb.fs, name=file.kind) != oid.removesuffix(DIRECTORY):
        raise InputError(f"{version}: {file.path} (md5 {oid}) is damaged in DVC's cache; delete {path}, then "
                         f"`dvc fetch --all-commits {file.stage}`")
    return path


