"""What a change of a parameter reruns: no more and no less. Real DVC on a small sample of real data."""

import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml
from end_to_end import EMOJI, Route, copied, dvc, stages_run, write_params

from stages.foundation.params_file import read_params

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[1]


def changed(params: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return the parameters with another value under a dotted key."""
    first, _, rest = key.partition(".")
    return {**params, first: changed(params[first], rest, value) if rest else value}


def stale(folder: Path) -> set[str]:
    """Return the stages of dvc.yaml whose own inputs differ from those of their last run; lessons have a dvc.yaml of their own."""
    with chdir(folder), Repo() as repo:
        return {name for name in repo.status() if ":" not in name}


@pytest.fixture(scope="module")
def shared_copy(by_flow: Route, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of `by_flow` of which only params.yaml is changed, and nothing run."""
    return copied(by_flow.folder, tmp_path_factory.mktemp("shared") / "copy")


# ---------------------------------------------------------------- parameters
def test_a_modalitys_parameter_reruns_its_features_and_what_reads_them(copy: Path) -> None:
    write_params(copy, changed(EMOJI, "features.emoji-text.ngrams", [1, 2]))
    assert stale(copy) == {"check", "featurize@emoji-text"}
    said = dvc(copy, "repro", "control@emoji")
    assert said.returncode == 0, said.stderr
    assert stages_run(said) == ["check", "featurize@emoji-text", "validate@emoji", "control@emoji"]
    assert stale(copy) >= {f"train@emoji-{model}" for model in ("knn", "svm", "mlp")}


@pytest.mark.parametrize(("key", "value", "expected"), [
    ("models.knn.n_neighbors", [1, 3], {"train@emoji-knn"}),
    ("models.mlp.max_iter", 30, {"train@emoji-mlp"}),
    ("evaluate.confidence", 0.9, {"evaluate@emoji"}),
    ("split.n_inner_splits", 3, set()),  # by way of check, see below
    ("flow.workers", 1, set()),
])
def test_a_parameter_touches_only_the_stages_that_read_it(shared_copy: Path, key: str, value: Any, expected: set[str]) -> None:
    write_params(shared_copy, changed(EMOJI, key, value))
    assert stale(shared_copy) == {"check"} | expected


def test_numbers_of_folds_reach_the_split_of_their_data_set_through_check(copy: Path) -> None:
    write_params(copy, changed(EMOJI, "split.datasets", {"emoji": {"n_inner_splits": 3}}))
    said = dvc(copy, "repro", "check")
    assert said.returncode == 0, said.stderr
    assert stages_run(said) == ["check"]
    assert stale(copy) == {"split@emoji"}


@pytest.mark.parametrize(("settings", "retrained"), [
    ({"n_seeds": 2}, {"train@emoji-mlp", "condition@emoji"}),  # nothing else draws random numbers
    ({"keep": ["out_of_fold"]}, {"condition@emoji", *(f"train@emoji-{model}" for model in EMOJI["models"])}),
    ({"tuning_rows": 10_000, "n_seeds": 3}, set()),  # the defaults, written out
])
def test_a_setting_of_training_reaches_the_stages_that_use_it_through_check(
    copy: Path, settings: dict[str, Any], retrained: set[str]
) -> None:
    write_params(copy, changed(EMOJI, "train", {**EMOJI["train"], **settings}))
    said = dvc(copy, "repro", "check")
    assert said.returncode == 0, said.stderr
    assert stages_run(said) == ["check"]
    assert stale(copy) == retrained


def test_a_mistake_in_the_parameters_stops_all_stages_but_the_check(workspace: Path) -> None:
    write_params(workspace, changed(EMOJI, "models.knn", {"kk": [5], "metric": ["euclidean"]}))
    said = dvc(workspace, "repro")
    assert said.returncode != 0
    assert stages_run(said) == ["check"]
    assert "params.yaml: models.knn.kk: unknown key; allowed: n_neighbors, metric, weights" in said.stderr
    assert "Traceback" not in said.stderr
    assert not list(workspace.glob("data/*/**/*.arrow"))


def test_the_parameters_as_shipped_stay_the_same_when_dvc_rewrites_them(tmp_path: Path) -> None:
    # `dvc exp run -S` parses and writes the file, and drops quotes that it takes to be needless
    path = shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    with modify_yaml(path) as params:
        params["seed"] += 1
    before, after = read_params(ROOT / "params.yaml"), read_params(path)
    assert after == {**before, "seed": before["seed"] + 1}
