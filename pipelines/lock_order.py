"""Keep dvc.lock in the order in which `dvc repro` writes it: which stage ended first must not show in a file under version control."""

from dvc.utils.serialize import dump_yaml, load_yaml

from pipelines.graph import steps_in_order
from stages.leftovers import LOCK


def sort_lock() -> None:
    """Put the stages of dvc.lock in the graph's order; those that the graph no longer has come last, by name."""
    if not LOCK.is_file():
        return
    lock = load_yaml(str(LOCK))
    names = [step.name for step in steps_in_order() if step.name in lock["stages"]]
    names += sorted(set(lock["stages"]) - set(names))
    if names != list(lock["stages"]):
        part = LOCK.with_name(f"{LOCK.name}.part")
        dump_yaml(str(part), {**lock, "stages": {name: lock["stages"][name] for name in names}})
        part.replace(LOCK)
