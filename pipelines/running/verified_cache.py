"""Outputs come back from DVC's cache only if their bytes still have the hash that they are stored under.

DVC takes a read-only object for whole: a flipped byte would be restored and trained on. Hashing what is restored costs about as much as
copying it. A corrupt object is deleted, and DVC then finds the entry incomplete and runs the stage.
"""

from collections.abc import Iterator
from typing import Any

from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import Stage
from dvc.stage.cache import StageCache
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.tree import Tree


class VerifiedStageCache(StageCache):
    """DVC's run cache. dropped: the outputs of which an object was corrupt."""

    def __init__(self, repo: Repo) -> None:
        super().__init__(repo)
        self.dropped: list[str] = []

    def _create_stage(self, cache: Any, wdir: Any = None) -> Stage:
        """Return the stage whose outputs DVC restores if all their objects are there, without the corrupt ones."""
        stage = super()._create_stage(cache, wdir)
        self.dropped += [out.def_path for out in stage.outs if _drop_corrupt(out)]
        return stage


def _drop_corrupt(out: Output) -> bool:
    """Delete an output's objects whose bytes do not have their hash; return whether there was one."""
    corrupt = [oid for oid in _objects(out) if _is_there(out, oid) and not _is_whole(out, oid)]
    for oid in corrupt:
        out.cache.delete(oid)
    return bool(corrupt)


def _is_whole(out: Output, oid: str) -> bool:
    return bool(file_md5(out.cache.oid_to_path(oid), out.cache.fs, name=out.hash_info.name) == oid.removesuffix(".dir"))


def _is_there(out: Output, oid: str) -> bool:
    return bool(out.cache.fs.exists(out.cache.oid_to_path(oid)))


def _objects(out: Output) -> Iterator[str]:
    """Yield the names of an output's objects in the cache: of its list of files first, if it is a folder."""
    if not out.use_cache or not out.hash_info:
        return
    yield out.hash_info.value
    if out.hash_info.isdir and _is_there(out, out.hash_info.value) and _is_whole(out, out.hash_info.value):
        yield from sorted({hash_info.value for _, _, hash_info in Tree.load(out.cache, out.hash_info)})
