"""Read and write dvc.lock by stage: DVC parses and writes the whole file for each stage that ran.

At 8,000 lines that takes 0.2 s and 2 s of processor time, a third of a whole run. Workers read and replace only the stage's own lines; the
result equals DVC's (tests/test_lock_file.py). DVC itself handles files with another layout, and stages whose parameters hold YAML anchors,
which DVC numbers across the file. Other stages' lines are not validated here: a run has read the whole file with DVC before it starts
workers.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dvc.dvcfile
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import YAMLFileCorruptedError, dumps_yaml, parse_yaml
from dvc.utils.strictyaml import YAMLValidationError

from pipelines.running.dvc_graph import steps_in_order
from stages.checking.stale_outputs import LESSONS_LOCK, LOCK

UNSORTED = Path(".dvc/tmp/dvc.lock.unsorted")  # there while a run adds stages: the next run sorts them if this one is killed
KEPT = Path(".dvc/tmp/dvc.lock.kept")
HEAD = "schema: '2.0'\nstages:\n"
NAME = re.compile(r"^  ([\w@.-]+):\n", re.MULTILINE)
ANCHOR = re.compile(r"(?:[-:,] +|[\[{])[&*]\w")  # DVC's anchors are id001, id002, …


def blocks_of(text: str) -> dict[str, str] | None:
    """Return each stage's lines by its name; None if the layout differs from DVC's."""
    nothing, *parts = NAME.split(text.removeprefix(HEAD))
    blocks = dict(zip(parts[::2], parts[1::2], strict=True))
    has_layout = text.startswith(HEAD) and not nothing and 2 * len(blocks) == len(parts)
    is_nested = all(line.startswith("    ") for block in blocks.values() for line in block.splitlines())
    return blocks if blocks and has_layout and is_nested and not ANCHOR.search(text) else None


def text_of(blocks: Mapping[str, str]) -> str:
    return HEAD + "".join(f"  {name}:\n{block}" for name, block in blocks.items())


class LockEntries(Mapping[str, Any]):
    """The entries of dvc.lock by stage, parsed on access.

    blocks: each stage's lines by its name. whole: parses the whole file, so that errors have the right line numbers.
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
    """DVC's lock file; only the lines of the current stage are parsed, and only those of stages that ran are rewritten."""

    def _load_yaml(self, **kwargs: Any) -> tuple[Any, str]:
        text = Path(self.path).read_text("utf-8", errors="replace")
        blocks = blocks_of(text)
        if blocks is None or kwargs or "\ufffd" in text:  # DVC reports text that is not UTF-8
            return super()._load_yaml(**kwargs)
        return {"schema": "2.0", "stages": LockEntries(self.path, blocks, lambda: super(StagewiseLockfile, self)._load_yaml()[0])}, text

    def dump_stages(self, stages: Any, **kwargs: Any) -> None:
        path = Path(self.path)
        existing = blocks_of(path.read_text("utf-8")) if path.is_file() else {}
        entries = {name: entry for stage in stages for name, entry in to_lockfile(stage, **kwargs).items()}
        found = blocks_of(dumps_yaml({"schema": "2.0", "stages": entries}))
        if existing is None or found is None or (path.is_file() and not os.access(path, os.W_OK)):
            with _kept(path):
                super().dump_stages(stages, **kwargs)
        elif existing | found != existing:
            _replace(path, existing | found)
            self.repo.scm_context.track_file(self.relpath)


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """Keep a copy of dvc.lock beside DVC's write, which empties the file first: `pipelines.running.recovery` puts it back after a kill.

    The lock of lessons can be lost: a run writes it again, from DVC's run cache.
    """
    if path.is_file() and path.absolute() == LOCK.absolute():
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, KEPT.with_suffix(".part"))
        os.replace(KEPT.with_suffix(".part"), KEPT)
    yield
    KEPT.unlink(missing_ok=True)


def use_stagewise_lockfile() -> None:
    """Make DVC in this process use `StagewiseLockfile`."""
    dvc.dvcfile.Lockfile = StagewiseLockfile


@contextmanager
def sorted_at_the_end() -> Iterator[None]:
    """Sort the lock files after the block; `UNSORTED` stays if it is not left regularly."""
    UNSORTED.parent.mkdir(parents=True, exist_ok=True)
    UNSORTED.touch()
    yield
    sort_locks()
    UNSORTED.unlink(missing_ok=True)


def sort_locks() -> None:
    """Sort the stages of dvc.lock in the graph's order; stages outside of the graph come last, by name, as do all of the lessons' lock.

    The order in which stages ended must not affect a file under version control.
    """
    for lock in (LOCK, LESSONS_LOCK):
        blocks = blocks_of(lock.read_text("utf-8")) if lock.is_file() else None
        if blocks is None:
            continue
        names = [step.name for step in steps_in_order() if step.name in blocks] if lock == LOCK else []
        names += sorted(set(blocks) - set(names))
        if names != list(blocks):
            _replace(lock, {name: blocks[name] for name in names})


def _replace(path: Path, blocks: Mapping[str, str]) -> None:
    target = path.resolve()  # keeps a symbolic link
    temporary = UNSORTED.absolute().with_name(f"{path.name}.part")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(text_of(blocks), "utf-8")
    if target.is_file():
        shutil.copymode(target, temporary)
    shutil.move(temporary, target)  # atomic, unless a link leads to another disk
