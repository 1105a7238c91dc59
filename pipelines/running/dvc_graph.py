"""DVC's graph as a list of steps in the order to run them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import Stage

from pipelines.running.repository import opened
from stages.foundation.errors import InputError
from stages.params import refuse_conflict_marks

CONFLICTS = {  # file → what to do about a merge conflict in it
    "dvc.yaml": "keep one side of each conflict and delete the marks",
    "dvc.lock": "take one side whole (`git checkout --ours dvc.lock`, or --theirs); the next run corrects it",
}


@dataclass(frozen=True)
class Step:
    """One DVC stage: its address (`train@emoji-knn`) and the addresses of the stages whose outputs it reads.

    The address of a stage of another dvc.yaml than the workspace's begins with its path: `pipelines/lessons/dvc.yaml:lesson@xor`.
    """

    name: str
    upstream: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Return the stage's name in its dvc.yaml, without the data set, model or lesson."""
        return self.name.rpartition(":")[2].partition("@")[0]


def steps(targets: Sequence[str] = ()) -> list[Step]:
    """Return the steps that `targets` (default: every stage) need, in the order that keeps all workers busy (`by_height`).

    Raises:
        InputError: as `steps_in_order`.
    """
    return by_height(steps_in_order(targets))


def steps_and_up_to_date(targets: Sequence[str] = ()) -> tuple[list[Step], frozenset[str]]:
    """Return `steps(targets)` and the names of those that are up to date, reading the graph only once (it takes most of a second).

    Raises:
        InputError: as `steps_in_order`.
    """
    with opened() as repo:
        plan = by_height(_in_order(repo, targets))
        return plan, _up_to_date(repo, plan)


def steps_in_order(targets: Sequence[str] = ()) -> list[Step]:
    """Return the steps that `targets` (default: every stage) need in `dvc repro`'s order, each after its upstream steps.

    Targets are those of `dvc repro`: `train@emoji-knn`, or `train` for all of them.

    Raises:
        InputError: if dvc.yaml cannot be read, or has no such target.
    """
    with opened() as repo:
        return _in_order(repo, targets)


def _in_order(repo: Repo, targets: Sequence[str]) -> list[Step]:
    try:
        graph = get_active_graph(repo.index.graph)  # edges from each stage to its dependencies
        wanted = [stage for target in targets for stage in repo.stage.collect(target)]
        plan = [stage for stage in plan_repro(graph, wanted or None) if wanted or not _is_apart(stage)]
        return [Step(stage.addressing, tuple(sorted(s.addressing for s in graph.successors(stage)))) for stage in plan]
    except DvcException as error:
        for name, remedy in CONFLICTS.items():
            if (path := Path(name)).is_file():
                refuse_conflict_marks(path, remedy)
        raise InputError(f"dvc.yaml: {error}") from error


def _is_apart(stage: Stage) -> bool:
    """Return whether a stage is of another dvc.yaml than the workspace's: it runs when it is a target, as with `dvc repro`."""
    return Path(stage.path).name == PROJECT_FILE and Path(stage.path).parent != Path(stage.repo.root_dir)


def _up_to_date(repo: Repo, plan: Sequence[Step]) -> frozenset[str]:
    """Return the names of the up-to-date steps: they and all steps upstream of them are unchanged in `dvc status`."""
    changed = set(repo.status())
    found: set[str] = set()
    for step in plan:
        if step.name not in changed and all(name in found for name in step.upstream):
            found.add(step.name)
    return frozenset(found)


def by_height(plan: Sequence[Step]) -> list[Step]:
    """Return the steps sorted by the length of the longest path downstream, descending, so that no long chain runs alone at the end.

    Args:
        plan: in topological order, as is the result.
    """
    height: dict[str, int] = {}
    for step in reversed(plan):
        height.setdefault(step.name, 0)
        for name in step.upstream:
            height[name] = max(height.get(name, 0), height[step.name] + 1)
    return sorted(plan, key=lambda step: -height[step.name])
