"""dvc.yaml tells the truth: each stage declares the code that it imports, no more and no less, and the graph stays small."""

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from dvc.repo import Repo
from imports import COMPONENTS, PACKAGES, ROOT, component_kind, file_of, imported_files, source_files

from stages.checking.stale_outputs import stage_names
from stages.foundation.params_file import read_params


@cache
def declared() -> dict[str, tuple[str, frozenset[str], frozenset[str]]]:
    """Return stage → (module that it runs, its dependencies' paths, its outputs' paths), as DVC reads them."""
    with Repo(str(ROOT)) as repo:
        return {
            stage.addressing.rpartition(":")[2]: (  # lessons have a dvc.yaml of their own
                re.fullmatch(r"python -m (\S+).*", stage.cmd)[1],  # type: ignore[index]
                frozenset(Path(dep.fs_path).relative_to(ROOT).as_posix() for dep in stage.deps),
                frozenset(Path(out.fs_path).relative_to(ROOT).as_posix() for out in stage.outs),
            )
            for stage in repo.index.stages
        }


def covered(path: Path, deps: Iterable[str]) -> bool:
    text = path.as_posix()
    return any(text == dep or text.startswith(dep + "/") for dep in deps)


@cache
def kinds_resolved(path: Path) -> set[str]:
    """Return the kinds of components that a file asks the registry for by a literal: component("models", …)."""
    calls = [node for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("component", "names", "known") and call.args]
    return {call.args[0].value for call in named if isinstance(call.args[0], ast.Constant)} & set(COMPONENTS)  # type: ignore[misc]


@cache
def closure(module: str, deps: frozenset[str]) -> tuple[set[Path], set[str]]:
    """Return every file that a stage may run, and the kinds of components that it resolves.

    Of a kind's files those count that the stage declares: its own, or the folder; the kind itself must be declared.
    """
    start = file_of(module)
    assert start is not None, f"{module}: no such file"
    found: set[Path] = set()
    kinds: set[str] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        new_kinds = kinds_resolved(path) - kinds
        kinds |= new_kinds
        waiting += imported_files(path)
        waiting += [file for file in source_files() if component_kind(file) in new_kinds and covered(file, deps)]
    return found, kinds


@cache
def files_of_all(name: str) -> set[Path]:
    """Return what any of the stages name@… imports."""
    return {path for stage in stages() if stage.partition("@")[0] == name for path in closure(*declared()[stage][:2])[0]}


def stages() -> list[str]:
    return sorted(declared())


def test_the_graph_is_found_and_small() -> None:
    assert {name.partition("@")[0] for name in stages()} == {
        "check", "ingest", "split", "featurize", "validate", "train", "control", "learning_curve", "read_weights", "condition",
        "evaluate", "report", "publish", "lesson", "lecture", "publish_lessons",
    }  # fmt: skip
    # DVC's own cost grows with the stages, so folds, grids, seeds and modality combinations live inside one
    params = read_params(ROOT / "params.yaml")
    n_datasets, n_features, n_models = (len(params[section]) for section in ("datasets", "features", "models"))
    n_studies = sum(len(params[section]) for section in ("learning_curves", "bias_variance", "representations", "read_weights"))
    n_lessons = 2 + len(params["lessons"])
    assert len(stages()) == 3 + 6 * n_datasets + n_features + n_datasets * (n_models + n_studies) + n_lessons
    assert {name for name in stages() if "@" in name} == stage_names(read_params())


@pytest.mark.parametrize("stage", stages())
def test_imports_are_declared(stage: str) -> None:
    module, deps, _ = declared()[stage]
    files, kinds = closure(module, deps)
    assert {path.as_posix() for path in files if not covered(path, deps)} == set(), "imported, but not among the stage's deps"
    for kind in kinds:
        folder = COMPONENTS[kind]
        assert any(covered(Path(dep), [folder.as_posix()]) or covered(folder, [dep]) for dep in deps), f"resolves {folder}/, declares none"


@pytest.mark.parametrize("stage", stages())
def test_declared_code_exists_and_is_imported(stage: str) -> None:
    # A template cannot say that of all models mlp alone draws with a seed: what one stage of a name imports, all may declare.
    used = files_of_all(stage.partition("@")[0])
    for dep in declared()[stage][1]:
        if dep.split("/")[0] in PACKAGES:
            assert (ROOT / dep).exists(), f"{dep} is not there"
            assert any(covered(path, [dep]) for path in used), f"{dep}: a change of it reruns {stage}, which does not import it"


@pytest.mark.parametrize("stage", stages())
def test_declared_data_is_made_by_the_graph(stage: str) -> None:
    made = {out for _, _, outs in declared().values() for out in outs}
    for dep in declared()[stage][1]:
        if dep.split("/")[0] == "data" and dep != "data/raw":  # a person's own
            assert any(covered(Path(out), [dep]) or covered(Path(dep), [out]) for out in made), f"no stage makes {dep}"


def test_a_model_touches_its_own_training_only() -> None:
    knn = Path("stages/models/knn/__init__.py")
    of_knn = {name for name, (_, deps, _) in declared().items() if covered(knn, deps)} - {"check", "publish", "publish_lessons"}
    # these fit several models: condition all of a data set again, a lesson those that it compares
    learned = {name for name in of_knn if not name.startswith(("condition@", "lesson@"))}
    assert learned and all(name.startswith("train@") and name.endswith("-knn") for name in learned)


PACKAGE_FILES = [path for path in source_files() if path.name == "__init__.py" and not component_kind(path)]


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=str)
def test_package_files_hold_no_code(path: Path) -> None:
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
