"""Raw data under DVC (`dvc add`, `dvc import`): the `.dvc` files next to it, and its links into this workspace's own cache."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

ENDING = ".dvc"
WORKSPACE = Path(".dvc")  # stages run in the workspace's root
OBJECT = re.compile(r"(files/md5/)?[0-9a-f]{2}/[0-9a-f]{30}")  # of a cache: a file named after its content


def is_cached(real: Path) -> bool:
    """Return whether a file, links resolved, is an object of this workspace's DVC cache, to which `cache.type symlink` links raw data."""
    cache = _cache(Path.cwd())
    return cache is not None and real.is_relative_to(cache) and OBJECT.fullmatch(real.relative_to(cache).as_posix()) is not None


@lru_cache(maxsize=8)
def _cache(root: Path) -> Path | None:
    """Return the folder of the cache, links resolved, by DVC's configuration on all of its levels; None outside of a workspace."""
    if not (root / WORKSPACE).is_dir():
        return None
    from dvc.config import Config  # here: the import takes 0.2 s, and only links that lead outside of their folder need it

    configured = Config(str(root / WORKSPACE))["cache"].get("dir")
    return Path(configured or root / WORKSPACE / "cache").resolve()


def fetch_hint(path: Path) -> str:
    """Return how to fetch a missing file or folder that DVC tracks, by itself or with a folder that it is in.

    "" if DVC tracks none, or the folder has all of its files, so that the missing one is none of them.
    """
    for place in (path, *path.parents):
        pointer = place.with_name(place.name + ENDING) if place.name else place
        if pointer.is_file():
            if place != path and _is_fetched(place.absolute(), pointer.absolute()):
                return ""
            return f"; DVC tracks it: fetch it with `dvc pull {pointer}`"
    return ""


@lru_cache(maxsize=64)
def _is_fetched(folder: Path, pointer: Path) -> bool:
    """Return whether a folder that DVC tracks has as many files as its pointer declares."""
    if not folder.is_dir():
        return False
    from ruamel.yaml import YAML  # here: only a missing file of a tracked folder needs it
    from ruamel.yaml.error import YAMLError

    try:
        written: Any = YAML(typ="safe", pure=True).load(pointer.read_text(encoding="utf-8"))
        n_files = written["outs"][0]["nfiles"]
    except (YAMLError, OSError, ValueError, LookupError, TypeError):  # another form of pointer: whether all is there is not known
        return False
    return isinstance(n_files, int) and sum(len(files) for _, _, files in os.walk(folder)) >= n_files
