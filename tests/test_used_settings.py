"""What of the section `train:` each stage uses: an edit changes the files of those stages alone, computed from params.yaml and dvc.yaml."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from imports import ROOT
from test_graph import declared

from pipelines.comparing.lock_changes import dataset_changes
from pipelines.comparing.versions import PipelineVersion
from stages.checking.train_files import train_files, write_train_settings
from stages.contracts.documents.version_comparison_document import VersionInfo
from stages.contracts.paths import train_settings_path
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params
from stages.training.train_settings import UsedTrainSettings, used_train_settings

PARAMS = read_params(ROOT / "params.yaml")
MULTICLASS, REGRESSION = {"emoji", "av_digits", "touch", "solubility"}, {"river_flow"}  # of the data sets that run by default
DATASETS = set(PARAMS["datasets"])


def readers(edited: dict[str, Any]) -> set[str]:
    """Return the stages that depend on a file that differs after an edit of `train:`."""
    before, after = dict(train_files(PARAMS)), dict(train_files({**PARAMS, "train": edited}))
    paths = {path.as_posix() for path, values in after.items() if values != before[path]}
    return {name for name, (_, deps, _) in declared().items() if paths & deps}


def train(*models: str, datasets: set[str] = DATASETS) -> set[str]:
    return {f"train@{dataset}-{model}" for dataset in datasets for model in models}


def curves(datasets: set[str] = DATASETS) -> set[str]:
    return {f"learning_curve@{dataset}-{model}" for dataset in datasets for model in PARAMS["learning_curves"]}


def readings(datasets: set[str] = DATASETS) -> set[str]:
    return {f"read_weights@{dataset}-{model}" for dataset in datasets for model in PARAMS["read_weights"]}


OF_EMOJI = {"control@emoji", *readings({"emoji"}), *(f"{stage}@emoji-{model}" for stage, key in
                               (("learning_curve", "learning_curves"), ("bias_variance", "bias_variance"),
                                ("representation", "representations")) for model in PARAMS[key])}


@pytest.mark.parametrize(("edited", "expected"), [
    ({"n_seeds": 5}, train("mlp", "network")),
    ({"keep": ["fold_models"]}, train(*PARAMS["models"])),
    ({"calibration": "sigmoid"}, train(*PARAMS["models"], datasets=DATASETS - REGRESSION)),
    ({"tuning_rows": 500}, train(*PARAMS["models"]) | curves()),
    ({"scoring": {"multiclass": "balanced_accuracy"}},
     train(*PARAMS["models"], datasets=MULTICLASS) | curves(MULTICLASS) | readings(MULTICLASS)
     | {f"control@{dataset}" for dataset in MULTICLASS}),
    ({"combinations": {"emoji": [["image"]]}}, train(*PARAMS["models"], datasets={"emoji"}) | OF_EMOJI),
    ({"scoring": {"regression": "q2"}, "tuning_rows": 10_000, "n_seeds": 3, "calibration": "none", "keep": []}, set()),  # the defaults
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_an_edit_reruns_the_stages_that_use_the_setting(edited: dict[str, Any], expected: set[str]) -> None:
    assert readers(edited) == expected


def test_no_stage_depends_on_the_whole_section() -> None:
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert [name for name, stage in graph.items() if "train" in stage.get("do", stage).get("params", ())] == []


def test_a_stage_reads_what_check_wrote_and_what_it_does_not_use_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    params = {**PARAMS, "train": {"n_seeds": 7, "tuning_rows": 900, "keep": ["out_of_fold"], "calibration": "isotonic"}}
    write_train_settings(params)
    every = UsedTrainSettings(scoring="accuracy", n_seeds=7, tuning_rows=900, keep=("out_of_fold",), calibration="isotonic")
    assert used_train_settings("emoji", "train.mlp") == every
    assert used_train_settings("emoji", "train.knn") == every.model_copy(update={"n_seeds": 1})
    assert used_train_settings("river_flow", "train.knn") == UsedTrainSettings(scoring="q2", tuning_rows=900, keep=("out_of_fold",))
    assert used_train_settings("yeast", "learning_curve") == UsedTrainSettings(scoring="micro_f1", tuning_rows=900)
    assert used_train_settings("yeast", "control") == used_train_settings("yeast", "bias_variance") == UsedTrainSettings(scoring="micro_f1")
    write_train_settings({**params, "datasets": {"emoji": PARAMS["datasets"]["emoji"]}, "models": {"knn": {}}})
    assert not train_settings_path("yeast", "control").exists() and not train_settings_path("emoji", "train.mlp").exists()
    with pytest.raises(InputError, match=r"data/check/train/yeast/control\.json: not found; run the stage that writes it"):
        used_train_settings("yeast", "control")


# ---------------------------------------------------------------- make compare
def version(knn: str, mlp: str, settings: dict[str, Any]) -> PipelineVersion:
    """Return a version in which kNN and MLP were trained with settings of these hashes."""
    entries = {f"train@toy-{model}": {
        "deps": [{"path": train_settings_path("toy", f"train.{model}").as_posix(), "md5": md5},
                 {"path": f"data/check/settings/models.{model}.json", "md5": md5}],
        "outs": [{"path": f"data/predictions/toy/{model}", "md5": "0"}],
    } for model, md5 in (("knn", knn), ("mlp", mlp))}  # fmt: skip
    return PipelineVersion(VersionInfo(name="v", commit=None, lock="0"), entries, {"train": settings}, {})


def test_compare_tells_an_edit_by_its_key_and_of_the_stages_that_it_reached() -> None:
    before, after = version("a", "a", {"n_seeds": 3}), version("a", "b", {"n_seeds": 5})
    (change,) = dataset_changes(before, after, "toy")
    assert (change.area, change.name, change.before, change.after) == ("params", "train.n_seeds", "3", "5")
    assert change.stages == ("train@toy-mlp",)
    assert dataset_changes(before, version("a", "a", {"n_seeds": 5}), "toy") == []
