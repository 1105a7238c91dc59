"""dvc.lock, one block of lines per stage: DVC reads and writes all of it for each stage that ran.

At 8,000 lines that is 0.2 s and 2 s of a processor, a third of a whole run. Workers read and replace the stage's own lines instead; what
stands there is what DVC would have written (tests/test_lock_file.py). A file that is not laid out as DVC lays it out is left to DVC, and
so are values that stand twice in a stage's parameters (an anchor of params.yaml), which DVC numbers throughout the file. Lines of other
stages are not looked at here: a run has read all of the file, as DVC does, before it starts workers.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dvc.dvcfile
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import YAMLFileCorruptedError, dumps_yaml, parse_yaml
from dvc.utils.strictyaml import YAMLValidationError

from pipelines.running.dvc_graph import steps_in_order
from stages.checking.stale_outputs import LOCK

HEAD = "schema: '2.0'\nstages:\n"
NAME = re.compile(r"^  ([\w@.-]+):\n", re.MULTILINE)
ANCHOR = re.compile(r"(?:[-:,] +|[\[{])[&*]\w")  # DVC's own are id001 and so on


def blocks_of(text: str) -> dict[str, str] | None:
    """Return each stage's lines by its name; None where the text is not laid out as DVC lays it out."""
    nothing, *parts = NAME.split(text.removeprefix(HEAD))
    blocks = dict(zip(parts[::2], parts[1::2], strict=True))
    is_laid_out = text.startswith(HEAD) and not nothing and 2 * len(blocks) == len(parts)
    is_nested = all(line.startswith("    ") for block in blocks.values() for line in block.splitlines())
    return blocks if blocks and is_laid_out and is_nested and not ANCHOR.search(text) else None


def text_of(blocks: Mapping[str, str]) -> str:
    return HEAD + "".join(f"  {name}:\n{block}" for name, block in blocks.items())


class LockEntries(Mapping[str, Any]):
    """What dvc.lock says of each stage, read when it is asked for.

    blocks: each stage's lines by its name. whole: reads all of the file, and says of what is wrong in it in which line that is.
    """

    def __init__(self, path: str, blocks: Mapping[str, str], whole: Callable[[], Any]) -> None:
        self._path, self._blocks, self._whole = path, blocks, whole

    def __getitem__(self, name: str) -> Any:
        try:
            read = parse_yaml(text_of({name: self._blocks[name]}), self._path)
            return dvc.dvcfile.Lockfile.validate(read, self._path)["stages"][name]
        except (YAMLFileCorruptedError, YAMLValidationError):
            return self._whole()["stages"][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)


class StagewiseLockfile(dvc.dvcfile.Lockfile):
    """DVC's lock file, of which only the lines of the stage in hand are read, and only those of the stages that ran written anew."""

    def _load_yaml(self, **kwargs: Any) -> tuple[Any, str]:
        text = Path(self.path).read_text("utf-8", errors="replace")
        blocks = blocks_of(text)
        if blocks is None or kwargs or "\ufffd" in text:  # what is not UTF-8 DVC says in its own words
            return super()._load_yaml(**kwargs)
        return {"schema": "2.0", "stages": LockEntries(self.path, blocks, lambda: super(StagewiseLockfile, self)._load_yaml()[0])}, text

    def dump_stages(self, stages: Any, **kwargs: Any) -> None:
        path = Path(self.path)
        before = blocks_of(path.read_text("utf-8")) if path.is_file() else None
        now = {name: entry for stage in stages for name, entry in to_lockfile(stage, **kwargs).items()}
        found = blocks_of(dumps_yaml({"schema": "2.0", "stages": now}))
        if before is None or found is None or not os.access(path, os.W_OK):
            super().dump_stages(stages, **kwargs)
        elif before | found != before:
            _replace(path, before | found)
            self.repo.scm_context.track_file(self.relpath)


def use_stagewise_lockfile() -> None:
    """Have DVC in this process read and write its lock file so."""
    dvc.dvcfile.Lockfile = StagewiseLockfile


def sort_lock() -> None:
    """Put the stages of dvc.lock in the graph's order; those that the graph no longer has come last, by name.

    Which stage ended first must not show in a file under version control.
    """
    blocks = blocks_of(LOCK.read_text("utf-8")) if LOCK.is_file() else None
    if blocks is None:
        return
    names = [step.name for step in steps_in_order() if step.name in blocks]
    names += sorted(set(blocks) - set(names))
    if names != list(blocks):
        _replace(LOCK, {name: blocks[name] for name in names})


def _replace(path: Path, blocks: Mapping[str, str]) -> None:
    target = path.resolve()  # a link stays one
    part = path.absolute().parent / ".dvc" / "tmp" / f"{path.name}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(text_of(blocks), "utf-8")
    shutil.copymode(target, part)
    shutil.move(part, target)  # one rename, unless a link leads to another disk
