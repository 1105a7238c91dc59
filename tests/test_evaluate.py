"""Evaluate on made-up predictions: numbers recomputed, lies found, files that DVC can show."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, mean_absolute_error, r2_score
from toy_predictions import SKILL, TOYS, Toy, change_predictions, only, results_dir, write_params, write_toy

from stages.contracts.candidate import Candidate, parsed_combination
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, GridPoint, SweepPoint
from stages.contracts.documents.results_document import Comparison
from stages.contracts.documents.summary_document import Summary
from stages.contracts.paths import evaluation_dir, evaluation_path, predictions_dir, samples_path, skipped_path, splits_path, summary_path
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.evaluate import main
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.details import FIFTHS, N_BINS, fifth_pairs
from stages.evaluation.inner_scores import fold_curves, swept
from stages.evaluation.scores import ONE_SPLIT
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_described, read_table, write_table

TOY, _, TAGS, SIZES = TOYS


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluated(toy: Toy, scoring: str = "") -> Evaluation:
    """Return the evaluation of a toy, written in the current folder."""
    toy = replace(toy, scoring=scoring)
    write_params([toy])
    write_toy(toy)
    main(toy.dataset)
    return read_document(evaluation_path(toy.dataset), Evaluation)


@pytest.fixture(scope="module")
def evaluated_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which TOY is evaluated, for all tests that only look at it."""
    folder = tmp_path_factory.mktemp("evaluated")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        evaluated(TOY)
    return folder


@pytest.fixture
def found(evaluated_toy: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Work in that folder; return its evaluation."""
    monkeypatch.chdir(evaluated_toy)
    return read_document(evaluation_path(TOY.dataset), Evaluation)


def result(evaluation: Evaluation, model: str, combination: str) -> CandidateResult:
    """Return the result of a model on a combination."""
    return evaluation.result(Candidate(model, parsed_combination(combination)))


def predicted(toy: Toy, model: str, combination: str) -> pl.DataFrame:
    """Return the predictions of a model on a modality combination."""
    table = pl.DataFrame(read_table(results_dir(toy, model) / "predictions.arrow"))
    return table.filter(pl.col("modalities") == combination)


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_scores_are_those_of_the_predictions(place: Path, n_repeats: int) -> None:
    toy = replace(TOY, n_repeats=n_repeats)
    found = evaluated(toy)
    for model in toy.skill:
        for combination in toy.skill[model]:
            frame = predicted(toy, model, combination)
            folds = [f for _, f in frame.group_by(["repeat", "fold"], maintain_order=True)]
            scores = result(found, model, combination).scores
            assert scores["accuracy"].folds == pytest.approx([accuracy_score(f["target"], f["prediction"]) for f in folds], abs=1e-12)
            macro = [f1_score(f["target"], f["prediction"], average="macro") for f in folds]
            assert scores["macro_f1"].mean == pytest.approx(np.mean(macro))
            assert scores["accuracy"].lo <= scores["accuracy"].mean <= scores["accuracy"].hi
            counts = confusion_matrix(frame["target"], frame["prediction"], labels=range(3))
            assert np.array_equal(result(found, model, combination).confusion, counts)


def test_facts_stand_in_the_evaluation(found: Evaluation) -> None:
    assert (found.title, found.licence, found.rows.used, found.rows.available) == (TOY.title, "CC BY 4.0", 240, 960)
    assert (found.n_folds, found.n_repeats, found.n_inner_folds, found.n_groups) == (5, 1, 3, 120)
    assert sum(found.counts.values()) == 240
    assert found.combinations == (("image",), ("text",), ("image", "text"))
    assert found.primary.model_dump() == {
        "name": "accuracy", "title": "accuracy", "greater_is_better": True, "attainable": (0.0, 1.0)}  # fmt: skip
    assert found.baselines == ("constant",)
    assert (found.quarantined.rows, found.quarantined.share, found.shipped) == (0, 0.0, True)


def test_skipped_samples_and_whose_data_it_is_are_in_the_evaluation(place: Path) -> None:
    write_params([TOY])
    write_toy(TOY)
    bad = pa.table({"sample_id": ["x"], "modality": ["image"], "reason": ["no picture"]})
    write_table(skipped_path("toy"), bad, SkippedMetadata(dataset="toy", share=1 / 241))
    samples, metadata = read_described(samples_path("toy"), SamplesMetadata)
    write_table(samples_path("toy"), samples, metadata.model_copy(update={"shipped": False}))
    main("toy")
    found = read_document(evaluation_path("toy"), Evaluation)
    assert (found.quarantined.rows, found.quarantined.share, found.shipped) == (1, 1 / 241, False)
    assert read_document(summary_path("toy"), Summary).quarantined == round(1 / 241, 6)


def test_labels_are_scored_together_and_one_by_one(place: Path) -> None:
    found = evaluated(TAGS)
    frame = read_table(predictions_dir("tags", "svm") / "predictions.arrow")
    frame = frame.filter(pa.array([name == "text" for name in frame["modalities"].to_pylist()]))
    target, prediction, fold = (column_values(frame[name]) for name in ("target", "prediction", "fold"))
    folds = [fold == f for f in range(5)]
    micro = [f1_score(target[f], prediction[f], average="micro") for f in folds]
    svm = result(found, "svm", "text")
    assert svm.scores["micro_f1"].folds == pytest.approx(micro)
    by_label = np.mean([f1_score(target[f], prediction[f], average=None) for f in folds], axis=0)
    assert svm.by_output["macro_f1"] == pytest.approx(by_label)
    assert set(svm.by_output) == {"macro_f1", "average_precision"}
    assert found.counts == dict(zip(TAGS.outputs, target.sum(axis=0).tolist(), strict=True))
    assert svm.confusion is None
    pairs = (evaluation_dir("tags") / "confusion.csv").read_text(encoding="utf-8").splitlines()
    assert len(pairs) == 1 + TAGS.n_samples * len(TAGS.outputs)
    assert set(pairs[1:]) <= {f"{label}: {t},{p}" for label in TAGS.outputs for t in ("yes", "no") for p in ("yes", "no")}


def test_numbers_are_scored_together_and_one_by_one(place: Path) -> None:
    found = evaluated(SIZES)
    frame = read_table(predictions_dir("sizes", "svm") / "predictions.arrow")
    frame = frame.filter(pa.array([name == "text" for name in frame["modalities"].to_pylist()]))
    target, prediction, fold = (column_values(frame[name]) for name in ("target", "prediction", "fold"))
    known = ~np.isnan(target)
    assert not known.all()
    by_number = np.mean([[r2_score(target[here, j], prediction[here, j]) for j in range(3) for here in [(fold == f) & known[:, j]]]
                         for f in range(5)], axis=0)
    svm = result(found, "svm", "text")
    assert svm.by_output["r2"] == pytest.approx(by_number)
    assert svm.scores["r2"].mean == pytest.approx(by_number.mean())
    first = [mean_absolute_error(target[here, 0], prediction[here, 0]) for f in range(5) for here in [(fold == f) & known[:, 0]]]
    assert svm.by_output["mae"][0] == pytest.approx(np.mean(first))
    assert found.counts is None
    for place_of, name in enumerate(SIZES.outputs):
        cells = svm.agreement[name]
        assert sum(n for *_, n in cells) == known[:, place_of].sum()
        assert all(0 <= bin_ < N_BINS for *bins, _ in cells for bin_ in bins)
        assert found.ranges[name] == (np.nanmin(target[:, place_of]), np.nanmax(target[:, place_of]))


def test_fifths_of_the_true_values_hold_as_many_rows_each() -> None:
    target = np.arange(10.0)[:, None]
    pairs = list(fifth_pairs([FoldPredictions(target, target[::-1], None)]))
    assert pairs[0] == (FIFTHS[0], FIFTHS[4])
    assert [sum(t == name for t, _ in pairs) for name in FIFTHS] == [2] * 5


@pytest.mark.parametrize("primary", ["rmse", "r2"])
def test_better_means_better_whether_more_or_less_is(place: Path, primary: str) -> None:
    found = evaluated(replace(SIZES, n_samples=600), scoring=primary)
    means = [found.primary_score(candidate).mean for candidate in found.ranked()]
    assert means == sorted(means, reverse=primary == "r2")
    assert found.best.model in ("svm", "mlp")
    assert found.ranked()[-1].model == "constant"
    for test in found.family("baseline"):
        assert (test.difference > 0) == (primary == "r2")
        assert test.verdict == "better"
    summary = read_document(summary_path("sizes"), Summary)
    assert (summary.metric, summary.score) == (primary, pytest.approx(means[0], abs=1e-6))
    assert summary.fusion_gain > 0


def test_a_metric_that_does_not_score_the_task_is_refused(place: Path) -> None:
    with pytest.raises(InputError, match=r"metadata scoring: 'accuracy' does not score targets; expected one of mae, q2, r2"):
        evaluated(SIZES, scoring="accuracy")


@pytest.mark.parametrize("toy", [TAGS, SIZES], ids=lambda toy: toy.dataset)
def test_official_split_of_labels_and_numbers_has_intervals(place: Path, toy: Toy) -> None:
    skill = {"constant": SKILL["constant"], "knn": {"image": SKILL["knn"]["image"]}}
    found = evaluated(replace(toy, n_folds=1, n_samples=200, skill=skill))
    score = found.primary_score(result(found, "knn", "image"))
    assert score.lo < score.mean < score.hi


def test_leaderboard_falls_and_best_leads_it(found: Evaluation) -> None:
    board = found.ranked()
    means = [candidate.scores["accuracy"].mean for candidate in board]
    assert means == sorted(means, reverse=True)
    assert [candidate.rank for candidate in board] == list(range(1, 11))
    assert found.best == board[0].candidate


def test_comparisons_are_the_declared_families(found: Evaluation) -> None:
    families = [test.family for test in found.comparisons]
    assert {name: families.count(name) for name in set(families)} == {"baseline": 9, "fusion": 6, "sufficient": 6, "learners": 3}
    for test in found.comparisons:
        assert test.p_corrected >= test.p
        assert (test.verdict in ("not shown", "equal")) == (test.p_corrected >= 0.05)
        assert test.verdict != ("worse" if test.difference > 0 else "better")
        assert test.p == max(test.p_fold, test.p_row)
        assert (test.rows_needed is None) == (test.verdict != "not shown")
        right = [predicted(TOY, one.model, one.combination).sort("sample_id").select(pl.col("target") == pl.col("prediction")).to_series()
                 for one in (test.a, test.b)]
        wins, losses = ((mine & ~other).sum() for mine, other in (right, right[::-1]))
        assert (test.wins, test.losses) == (wins, losses)
        assert test.p_row == pytest.approx(grouped_sign_test(test, right), rel=1e-6)
        a, b = (np.array(found.result(candidate).scores["accuracy"].folds) for candidate in (test.a, test.b))
        assert test.difference == pytest.approx(np.mean(a - b), abs=1e-12)


def grouped_sign_test(test: Comparison, right: list[pl.Series]) -> float:
    """Return the exact sign-flip p of groups of two rows, by convolution of the two-point distributions."""
    groups = pl.DataFrame(read_table(splits_path("toy"))).sort("sample_id")["group"]
    sums = (right[0].cast(int) - right[1].cast(int)).to_frame("d").with_columns(groups).group_by("group").sum()["d"].to_numpy()
    distribution = np.ones(1)
    for size in np.abs(sums[sums != 0]):
        step = np.zeros(2 * size + 1)
        step[[0, -1]] = 0.5
        distribution = np.convolve(distribution, step)
    offsets = np.arange(len(distribution)) - len(distribution) // 2
    return float(distribution[np.abs(offsets) >= abs(sums.sum())].sum())


def test_equal_models_are_never_called_better(place: Path) -> None:
    same = {model: dict.fromkeys(SKILL["svm"], 0.5) for model in ("knn", "svm")}
    found = evaluated(replace(TOY, skill=same))
    assert not any(test.verdict == "better" for test in found.comparisons)


def test_a_clear_gain_is_called_better(place: Path) -> None:
    found = evaluated(replace(TOY, n_samples=2000, n_repeats=2))
    assert all(test.verdict == "better" for test in found.family("fusion"))


def test_one_modality_needs_no_fusion_family(place: Path) -> None:
    found = evaluated(replace(TOY, modalities=("image",), skill=only("image")))
    assert {test.family for test in found.comparisons} == {"baseline", "learners"}
    assert found.choice_bias is not None and found.choice_bias >= 0
    assert read_document(summary_path("toy"), Summary).fusion_gain is None


def test_official_split_is_judged_by_its_groups(place: Path) -> None:
    found = evaluated(replace(TOY, n_folds=1, n_samples=400, skill={model: SKILL[model] for model in ("constant", "svm")}))
    score = result(found, "svm", "text").scores["accuracy"]
    assert len(score.folds) == 1
    assert score.lo < score.mean < score.hi
    assert found.interval == ONE_SPLIT
    assert all(0 < test.p <= 1 for test in found.comparisons)


def test_a_metric_undefined_in_a_fold_is_null(place: Path) -> None:
    toy = replace(TOY, n_samples=12, outputs=("apple", "bread"), seed=1)
    found = evaluated(toy)
    folds = result(found, "svm", "text").scores["roc_auc"].folds
    single = [f["target"].n_unique() == 1 for _, f in predicted(toy, "svm", "text").group_by("fold", maintain_order=True)]
    assert any(single)
    assert [fold is None for fold in folds] == single


def test_same_bytes_when_rerun_and_when_predictions_come_in_another_order(place: Path) -> None:
    evaluated(TOY)
    before = {path.name: path.read_bytes() for path in evaluation_dir("toy").iterdir()}
    order = np.random.default_rng(0).permutation(720)
    change_predictions(TOY, "svm", lambda table, metadata: (table.take(pa.array(order)), metadata))
    main("toy")
    assert {path.name: path.read_bytes() for path in evaluation_dir("toy").iterdir()} == before
    assert set(before) == {"evaluation.json", "gallery.json", "summary.json", "leaderboard.csv", "confusion.csv"}


def test_configurations_and_sweeps_follow_the_sweep_table(found: Evaluation) -> None:
    sweep = pl.DataFrame(read_table(predictions_dir("toy", "knn") / "sweep.arrow")).filter(pl.col("modalities") == "text")
    chosen = sweep.filter("chosen").group_by("fold", maintain_order=True).agg(pl.first("settings"), pl.mean("score"))
    knn = result(found, "knn", "text")
    assert [fold.settings for fold in knn.configs] == [json.loads(text) for text in chosen["settings"]]
    assert [fold.inner_score for fold in knn.configs] == pytest.approx(chosen["score"].to_list())
    means = sweep.group_by("settings").agg(pl.mean("score"))
    of_five = max(mean for text, mean in means.iter_rows() if json.loads(text)["n_neighbors"] == 5)
    assert {point.value: point.mean for point in knn.sweeps["n_neighbors"]}[5] == pytest.approx(of_five)
    assert set(result(found, "svm", "text").sweeps) == {"C", "gamma", "kernel"}
    assert result(found, "constant", "").sweeps == {}


def test_a_parameter_that_does_not_apply_takes_no_part() -> None:
    grid = [
        GridPoint(settings={"kernel": "linear", "gamma": None}, mean=0.9),
        GridPoint(settings={"kernel": "rbf", "gamma": 1.0}, mean=0.7),
        GridPoint(settings={"kernel": "rbf", "gamma": 0.1}, mean=0.8),
    ]
    assert swept(grid)["gamma"] == (SweepPoint(value=0.1, mean=0.8), SweepPoint(value=1.0, mean=0.7))
    assert swept(grid, greater_is_better=False)["kernel"] == (SweepPoint(value="linear", mean=0.9), SweepPoint(value="rbf", mean=0.7))


def test_there_is_a_curve_per_outer_fold_as_long_as_it_trained(found: Evaluation) -> None:
    assert result(found, "knn", "text").curves == {}
    curves = result(found, "mlp", "text").curves["train_loss"]
    assert len(curves) == found.n_folds * found.n_repeats
    for curve in curves:
        assert 20 <= len(curve) < 30
        assert curve == pytest.approx([0.1 + np.exp(-step / 8) for step in range(len(curve))])


def test_curves_are_in_the_order_of_the_folds_and_a_step_without_a_value_is_null() -> None:
    rows = [(1, 0, 1, 0.5), (0, 1, 2, 0.6), (0, 1, 1, 0.7), (0, 0, 1, math.nan), (0, 0, 2, 0.8)]
    table = pl.DataFrame([("loss", *row) for row in rows], schema=["name", "repeat", "fold", "step", "value"], orient="row")
    assert fold_curves(table) == {"loss": ((None, 0.8), (0.7, 0.6), (0.5,))}


def test_notes_are_means_over_the_folds(found: Evaluation) -> None:
    n_folds = found.n_folds
    assert result(found, "knn", "text").notes == {"tied_rows": pytest.approx(0.2 + 0.1 * (n_folds // 2) / n_folds)}
    assert result(found, "mlp", "text").notes == {}


def test_dvc_shows_metrics(place: Path) -> None:
    write_params(TOYS)
    for toy in TOYS:
        write_toy(toy)
        main(toy.dataset)
    graph = yaml.safe_load((Path(__file__).parents[1] / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["evaluate"]
    graph["do"] = {key: graph["do"][key] for key in ("cmd", "metrics")}
    (place / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"evaluate": graph}}), encoding="utf-8")
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm"], check=True)
    shown = json.loads(subprocess.run([*dvc, "metrics", "show", "--json"], check=True, capture_output=True).stdout)
    tables = [entry["data"] for entry in shown[""]["data"].values()]
    assert len(tables) == len(TOYS)
    for table in tables:
        assert set(table) == {"models", "best", "metric", "score", "lo", "hi", "baseline", "fusion_gain", "rows", "rows_available",
                              "quarantined"}
        assert set(table["models"]) == set(SKILL)


def test_ways_of_fusing_are_candidates_of_their_own(place: Path) -> None:
    """A model fused in two ways has two candidates of all modalities, which every name tells apart; singles stay as they are."""
    write_params([TOY])
    write_toy(TOY)
    for name in ("predictions", "sweep", "curves", "notes", "critical_points"):
        path = predictions_dir("toy", "svm") / f"{name}.arrow"
        table, metadata = read_described(path, TrainingMetadata)
        fused = table.filter(pc.equal(table["modalities"], "image+text"))
        late = fused.set_column(fused.column_names.index("fusion"), "fusion", pa.array(["late"] * len(fused), pa.string()))
        write_table(path, pa.concat_tables([table, late]), metadata)
    main("toy")
    found = read_document(evaluation_path("toy"), Evaluation)
    early, late = (Candidate("svm", ("image", "text"), way) for way in ("early", "late"))
    assert len(found.candidates) == 11
    assert found.result(early).scores == found.result(late).scores
    assert {found.key(early), found.key(late)} == {("svm", "image+text", "early"), ("svm", "image+text", "late")}
    assert found.key(Candidate("svm", ("text",))) == ("svm", "text")
    tests = found.family("fusion")
    assert [test.a for test in tests if test.a.model == "svm"] == [early, early, late, late]
    board = pl.read_csv(evaluation_dir("toy") / "leaderboard.csv")
    assert {"svm · image+text · early", "svm · image+text · late", "svm · text"} <= set(board["candidate"])
    assert board["candidate"].n_unique() == 11


def test_samples_in_another_condition_do_not_count(place: Path) -> None:
    before = evaluated(TOY)

    def with_noise(table: pa.Table, metadata: TrainingMetadata) -> tuple[pa.Table, TrainingMetadata]:
        noisy = table.set_column(table.column_names.index("condition"), "condition", pa.array(["noisy"] * len(table), pa.string()))
        return pa.concat_tables([table, noisy]), metadata

    change_predictions(TOY, "svm", with_noise)
    main("toy")
    assert read_document(evaluation_path("toy"), Evaluation) == before
