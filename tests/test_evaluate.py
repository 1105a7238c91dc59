"""Evaluate on made-up predictions: numbers recomputed, lies found, files that DVC can show."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import yaml
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from toy_predictions import SKILL, Toy, change_predictions, write_params, write_toy

from stages.contracts import evaluation_dir, predictions_dir
from stages.evaluate import main
from stages.evaluation.tuning import swept
from stages.tables import read_json, read_table

TOY = Toy()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluated(toy: Toy) -> Any:
    """Return the evaluation of a toy, written in the current folder."""
    write_params([toy])
    write_toy(toy)
    main(toy.dataset)
    return read_json(evaluation_dir(toy.dataset) / "evaluation.json")


def held(toy: Toy, model: str, subset: str) -> pl.DataFrame:
    """Return the predictions of a model on a subset."""
    return pl.DataFrame(read_table(predictions_dir(toy.dataset, model) / "predictions.arrow")[0]).filter(pl.col("subset") == subset)


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_scores_are_those_of_the_predictions(place: Path, n_repeats: int) -> None:
    toy = replace(TOY, n_repeats=n_repeats)
    found = evaluated(toy)
    for model in toy.skill:
        for subset in toy.subsets:
            frame = held(toy, model, subset)
            folds = [f for _, f in frame.group_by(["repeat", "fold"], maintain_order=True)]
            scores = found["scores"][model][subset]
            assert scores["accuracy"]["folds"] == pytest.approx([accuracy_score(f["target"], f["prediction"]) for f in folds], abs=1e-12)
            macro = [f1_score(f["target"], f["prediction"], average="macro") for f in folds]
            assert scores["macro_f1"]["mean"] == pytest.approx(np.mean(macro))
            assert scores["accuracy"]["lo"] <= scores["accuracy"]["mean"] <= scores["accuracy"]["hi"]
            assert found["confusion"][model][subset] == confusion_matrix(frame["target"], frame["prediction"], labels=range(3)).tolist()


def test_facts_stand_in_the_evaluation(place: Path) -> None:
    found = evaluated(TOY)
    assert (found["title"], found["licence"], found["rows"]) == (TOY.title, "CC BY 4.0", {"used": 240, "available": 960})
    assert (found["n_folds"], found["n_repeats"], found["n_inner_folds"], found["n_groups"]) == (5, 1, 3, 120)
    assert sum(found["class_counts"].values()) == 240
    assert found["subsets"] == ["image", "text", "image+text"]
    assert found["metrics"][0] == found["primary"] == "accuracy"


def test_leaderboard_falls_and_best_leads_it(place: Path) -> None:
    found = evaluated(TOY)
    means = [row["accuracy"] for row in found["leaderboard"]]
    assert means == sorted(means, reverse=True)
    assert [row["rank"] for row in found["leaderboard"]] == list(range(1, 13))
    assert found["best"] == {name: found["leaderboard"][0][name] for name in ("model", "subset")}


def test_comparisons_are_the_declared_families(place: Path) -> None:
    found = evaluated(TOY)
    families = [c["family"] for c in found["comparisons"]]
    assert {name: families.count(name) for name in set(families)} == {"control": 9, "fusion": 6, "learners": 3}
    for c in found["comparisons"]:
        assert c["p_corrected"] >= c["p"]
        assert c["verdict"] == ("not shown" if c["p_corrected"] >= 0.05 else "better" if c["difference"] > 0 else "worse")
        a, b = (np.array(found["scores"][c[side]["model"]][c[side]["subset"]]["accuracy"]["folds"]) for side in "ab")
        assert c["difference"] == pytest.approx(np.mean(a - b), abs=1e-12)


def test_equal_models_are_never_called_better(place: Path) -> None:
    same = {model: dict.fromkeys(SKILL["svm"], 0.5) for model in ("knn", "svm")}
    found = evaluated(replace(TOY, skill=same))
    assert not any(c["verdict"] == "better" for c in found["comparisons"])


def test_a_clear_gain_is_called_better(place: Path) -> None:
    found = evaluated(replace(TOY, n_samples=2000, n_repeats=2))
    gains = [c for c in found["comparisons"] if c["family"] == "fusion"]
    assert all(c["verdict"] == "better" for c in gains)


def test_one_modality_needs_no_fusion_family(place: Path) -> None:
    skill = {model: {"image": share["image"]} for model, share in SKILL.items()}
    found = evaluated(replace(TOY, modalities=("image",), skill=skill))
    assert {c["family"] for c in found["comparisons"]} == {"control", "learners"}
    assert read_json(evaluation_dir("toy") / "summary.json")["fusion_gain"] is None


def test_official_split_is_bootstrapped(place: Path) -> None:
    found = evaluated(replace(TOY, n_folds=1, n_samples=400))
    scores = found["scores"]["svm"]["text"]["accuracy"]
    assert len(scores["folds"]) == 1
    assert scores["lo"] < scores["mean"] < scores["hi"]
    assert "bootstrap" in found["interval"]
    assert all(0 < c["p"] <= 1 for c in found["comparisons"])


def test_a_metric_undefined_in_a_fold_is_null(place: Path) -> None:
    toy = replace(TOY, n_samples=12, classes=("apple", "bread"), seed=1)
    found = evaluated(toy)
    folds = found["scores"]["svm"]["text"]["roc_auc"]["folds"]
    single = [f["target"].n_unique() == 1 for _, f in held(toy, "svm", "text").group_by("fold", maintain_order=True)]
    assert any(single)
    assert [fold is None for fold in folds] == single


def test_same_bytes_when_rerun_and_when_predictions_come_in_another_order(place: Path) -> None:
    evaluated(TOY)
    before = {path.name: path.read_bytes() for path in evaluation_dir("toy").iterdir()}
    order = np.random.default_rng(0).permutation(720)
    change_predictions(TOY, "svm", lambda table, metadata: (table.take(pa.array(order)), metadata))
    main("toy")
    assert {path.name: path.read_bytes() for path in evaluation_dir("toy").iterdir()} == before
    assert set(before) == {"evaluation.json", "summary.json", "leaderboard.csv", "confusion.csv"}


def test_configurations_and_sweeps_follow_the_sweep_table(place: Path) -> None:
    found = evaluated(TOY)
    sweep = pl.DataFrame(read_table(predictions_dir("toy", "knn") / "sweep.arrow")[0]).filter(pl.col("subset") == "text")
    chosen = sweep.filter("chosen").group_by("fold", maintain_order=True).agg(pl.first("settings"), pl.mean("accuracy"))
    configs = found["configs"]["knn"]["text"]
    assert [c["settings"] for c in configs] == [json.loads(text) for text in chosen["settings"]]
    assert [c["inner_score"] for c in configs] == pytest.approx(chosen["accuracy"].to_list())
    means = sweep.group_by("settings").agg(pl.mean("accuracy"))
    of_five = max(mean for text, mean in means.iter_rows() if json.loads(text)["k"] == 5)
    assert dict(map(lambda p: (p["value"], p["mean"]), found["sweeps"]["knn"]["text"]["k"]))[5] == pytest.approx(of_five)
    assert set(found["sweeps"]["svm"]["text"]) == {"C", "gamma", "kernel"}
    assert found["sweeps"]["majority"]["text"] == {}


def test_a_parameter_that_does_not_apply_takes_no_part() -> None:
    grid = [
        {"settings": {"kernel": "linear", "gamma": None}, "mean": 0.9},
        {"settings": {"kernel": "rbf", "gamma": 1.0}, "mean": 0.7},
        {"settings": {"kernel": "rbf", "gamma": 0.1}, "mean": 0.8},
    ]
    assert swept(grid)["gamma"] == [{"value": 0.1, "mean": 0.8}, {"value": 1.0, "mean": 0.7}]


def test_curves_are_means_over_the_folds_that_got_there(place: Path) -> None:
    found = evaluated(TOY)["curves"]
    assert found["knn"] == {}
    curve = found["mlp"]["text"]["train_loss"]
    assert 20 <= len(curve) < 30
    assert curve == pytest.approx([0.1 + np.exp(-step / 8) for step in range(len(curve))])


def test_dvc_shows_metrics_and_plots(place: Path) -> None:
    toys = [TOY, replace(TOY, dataset="other", n_samples=120)]
    write_params(toys)
    for toy in toys:
        write_toy(toy)
        main(toy.dataset)
    graph = yaml.safe_load((Path(__file__).parents[1] / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["evaluate"]
    graph["do"] = {key: graph["do"][key] for key in ("cmd", "metrics", "plots")}
    (place / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"evaluate": graph}}), encoding="utf-8")
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm"], check=True)
    shown = json.loads(subprocess.run([*dvc, "metrics", "show", "--json"], check=True, capture_output=True).stdout)
    tables = [entry["data"] for entry in shown[""]["data"].values()]
    assert len(tables) == 2
    assert set(tables[0]) == set(tables[1])
    assert sum(isinstance(value, float) for value in tables[0].values()) == 12
    plots = json.loads(subprocess.run([*dvc, "plots", "show", "--json"], check=True, capture_output=True).stdout)
    assert not plots.get("errors")
    assert {Path(name).name for name in plots["data"]} == {"leaderboard.csv", "confusion.csv"}
    for rendered in plots["data"].values():
        assert rendered[0]["type"] == "vega"
        assert '"value": "rev"' not in rendered[0]["content"]
