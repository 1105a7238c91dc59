"""From samples of which some lack a modality to scores, report and metrics: the stages split to evaluate, really run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from toy_samples import METADATA, write_fold_numbers, write_leak_levels, write_samples, write_used_settings

from pipelines.publishing.metric_values import absent_points, run_points
from stages import condition, control, evaluate, featurize, learning_curve, split, train, validate
from stages.contracts.candidate import CHOSEN, Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import (
    condition_settings_path,
    conditions_path,
    evaluation_path,
    features_path,
    learning_curve_path,
    missing_shares_path,
    predictions_dir,
    quarantine_path,
    samples_path,
    settings_path,
    splits_path,
    validation_path,
)
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.tables import column_values, fixed_lists, read_described, read_table, write_json, write_table
from stages.metrics.accuracy import METRIC as ACCURACY
from stages.reporting.findings import findings
from stages.reporting.report_page import render
from stages.samples.read import quarantine_table

N = 120
WAYS: dict[str, Any] = {"early": {}, "early_imputed": {}, "late_mean": {}}
TASKS = {"binary": ("classes", "accuracy", ["no", "yes"]), "multilabel": ("labels", "micro_f1", ["sharp", "heavy"]),
         "regression": ("continuous", "q2", ["length", "mass"])}  # fmt: skip
PARAMS: dict[str, Any] = {
    "seed": 3,
    "datasets": {"toy": {"rows": "all", "target": "kind", "modalities": ["code", "note"]}},
    "features": {"toy-code": {"dataset": "toy", "modality": "vector"}, "toy-note": {"dataset": "toy", "modality": "text"}},
    "split": {"n_splits": 3, "n_repeats": 1, "n_inner_splits": 2},
    "fusions": WAYS,
    "controls": {"constant": {}, "size": {}, "permuted": {"n_permutations": 2}},
    "models": {"linear": {"C": [0.1, 1]}, "knn": {"n_neighbors": [1, 3], "metric": ["euclidean"]}},
    "learning_curves": {"linear": {"n_halvings": 1}},
    "evaluate": {"confidence": 0.95},
}
CORRUPTED = {"code": {"noise": [0.5, 2.0]}, "note": {"typos": [0.3]}}
LACKS_CODE = np.random.default_rng(8).random(N) < 1 / 3
LACKS_NOTE = (np.random.default_rng(9).random(N) < 0.15) & ~LACKS_CODE


def write_workspace(task: str, order: np.ndarray | None = None) -> None:
    """Write the samples of a data set a third of which lack the code, and some the note."""
    form, scoring, outputs = TASKS[task]
    rng = np.random.default_rng(1)
    kind = np.arange(N) % 2
    codes = rng.standard_normal((N, 3)) + 1.5 * kind[:, None]
    words = np.array([["day bright", "night dark"], ["calm", "wind"]])
    notes = [f"{words[0][one]} {words[1][int(rng.random() < 0.5)]} number {row}" for row, one in enumerate(kind)]
    values = kind.astype(np.int32) if form == "classes" else np.stack([kind, rng.random(N) < 0.5], 1).astype(np.uint8)
    if form == "continuous":
        values = np.stack([kind + 0.3 * rng.standard_normal(N), 5 * kind - codes[:, 0]], axis=1)
    target = pa.array(values) if values.ndim == 1 else fixed_lists(values)
    columns = {
        "sample_id": pa.array([f"s{row:03d}" for row in range(N)]), "target": target,
        "code": pa.array(codes.tolist(), pa.list_(pa.float32(), 3)), "note": pa.array(notes),
    }  # fmt: skip
    for name, lacks in (("code", LACKS_CODE), ("note", LACKS_NOTE)):
        columns[name] = pc.if_else(pa.array(~lacks), columns[name], pa.scalar(None, columns[name].type))
    about_field = {"code": {"modality": "vector"}, "note": {"modality": "text"}}
    fields = [pa.field(name, column.type, metadata=about_field.get(name)) for name, column in columns.items()]
    table = pa.table(list(columns.values()), schema=pa.schema(fields))
    about = {**METADATA, "target": {"name": "kind", "task": task, "form": form, "scoring": scoring, "outputs": outputs},
             "rows": {"used": N, "available": N}}  # fmt: skip
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS), encoding="utf-8")
    write_samples(samples_path("toy"), table if order is None else table.take(pa.array(order)), about)
    write_table(quarantine_path("toy"), quarantine_table({}), QuarantineMetadata(dataset="toy"))
    write_fold_numbers(**PARAMS["split"])
    write_leak_levels()
    write_used_settings("toy", PARAMS["models"], scoring)
    write_json(settings_path("fusions.toy"), WAYS)
    write_json(condition_settings_path("toy"), {"corruptions": CORRUPTED, "models": PARAMS["models"]})
    write_json(missing_shares_path("toy"), [0.5, 1.0])


def run_stages() -> None:
    for name in ("code", "note"):
        featurize.main(f"toy-{name}")
    split.main("toy")
    validate.main("toy")
    control.main("toy")
    for model in PARAMS["models"]:
        train.main("toy", model)
    learning_curve.main("toy", "linear")
    condition.main("toy")
    evaluate.main("toy")


@pytest.fixture(scope="module", params=TASKS)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a workspace in which all stages have been run."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(CORES_VARIABLE, "1")
        write_workspace(request.param)
        run_stages()
        yield folder


def evaluation() -> Evaluation:
    return read_document(evaluation_path("toy"), Evaluation)


def present_of(name: str) -> np.ndarray:
    return ~(LACKS_CODE if name == "code" else LACKS_NOTE)


def test_features_and_folds_know_who_lacks_what(finished: Path) -> None:
    for name in ("code", "note"):
        assert read_table(features_path("toy", name))["present"].to_pylist() == present_of(name).tolist()
    table, about = read_described(splits_path("toy"), SplitsMetadata)
    assert about.incomplete == ("code", "note")
    assert np.array_equal(column_values(table["present"]), np.stack([~LACKS_CODE, ~LACKS_NOTE], axis=1))
    shares = [LACKS_CODE[column_values(table["fold"]) == fold].mean() for fold in range(3)]
    assert max(shares) - min(shares) <= 2 / 40  # groups of one sample can be shared out evenly
    of_suite = {suite.suite: suite.n_absent for suite in read_document(validation_path("toy"), Validation).suites}
    assert of_suite == {"samples": 0, "splits": 0, "code": LACKS_CODE.sum(), "note": LACKS_NOTE.sum()}


def test_every_candidate_of_every_model_and_control_predicts_every_sample(finished: Path) -> None:
    for model in (*PARAMS["models"], "controls/constant", "controls/size"):
        table, _ = read_described(predictions_dir("toy", model) / "predictions.arrow", TrainingMetadata)
        by_candidate = table.group_by(["modalities", "fusion"]).aggregate([("sample_id", "count_distinct"), ("sample_id", "count")])
        assert set(by_candidate["sample_id_count_distinct"].to_pylist()) == set(by_candidate["sample_id_count"].to_pylist()) == {N}
    table, _ = read_described(predictions_dir("toy", "linear") / "predictions.arrow", TrainingMetadata)
    assert set(table["fusion"].unique().to_pylist()) == {"early", "early_imputed", "late_mean", CHOSEN}
    curve = read_table(learning_curve_path("toy", "linear"))
    assert set(curve.group_by(["share", "modalities"]).aggregate([("sample_id", "count")])["sample_id_count"].to_pylist()) == {N}


def test_one_modality_answers_for_samples_that_lack_the_other(finished: Path) -> None:
    table, _ = read_described(predictions_dir("toy", "linear") / "predictions.arrow", TrainingMetadata)

    def predicted(modalities: str, way: str) -> dict[str, Any]:
        mine = table.filter(pc.and_(pc.equal(table["modalities"], modalities), pc.equal(table["fusion"], way)))
        return dict(zip(mine["sample_id"].to_pylist(), mine["prediction"].to_pylist(), strict=True))

    names = np.array([f"s{row:03d}" for row in range(N)])
    for way in ("early", "late_mean", CHOSEN):
        both, note, code = predicted("code+note", way), predicted("note", "early"), predicted("code", "early")
        imputing = way == CHOSEN and any(config.settings["fusion"] == "early_imputed" for config in
                                         evaluation().result(Candidate("linear", ("code", "note"), CHOSEN)).configs)  # fmt: skip
        assert imputing or all(both[name] == note[name] for name in names[LACKS_CODE])
        assert imputing or all(both[name] == code[name] for name in names[LACKS_NOTE])
    assert len({str(code[name]) for name in names[LACKS_CODE]}) <= 3  # one prior a fold


def test_a_corrupted_modality_changes_nothing_for_samples_that_lack_it(finished: Path) -> None:
    changed = read_table(conditions_path("toy"))
    assert set(changed["fusion"].unique().to_pylist()) == {"early", "early_imputed", "late_mean", CHOSEN}
    assert set(changed["condition"].unique().to_pylist()) == {"code/noise/0.5", "code/noise/2", "note/typos/0.3"}
    keys = ("modalities", "fusion", "seed", "fold", "sample_id")
    n_same = 0
    for model in PARAMS["models"]:
        clean = read_table(predictions_dir("toy", model) / "predictions.arrow")
        known = {tuple(row[key] for key in keys): row["prediction"] for row in clean.to_pylist()}
        mine = changed.filter(pc.equal(changed["model"], model)).to_pylist()
        lacks = {"code": LACKS_CODE, "note": LACKS_NOTE}
        for row in mine:
            if lacks[row["condition"].partition("/")[0]][int(row["sample_id"][1:])]:
                before = known[tuple(row[key] for key in keys)]
                assert row["prediction"] == (before if evaluation().form != "continuous" else pytest.approx(before, rel=1e-5, abs=1e-5))
                n_same += 1
        candidates = {(row["modalities"], row["fusion"], row["condition"]) for row in mine}
        assert len(mine) == N * len(candidates)
    assert n_same > N


def test_scores_are_those_of_all_and_of_complete_samples(finished: Path) -> None:
    found = evaluation()
    complete = ~LACKS_CODE & ~LACKS_NOTE
    assert found.incomplete is not None
    assert found.incomplete.absent == {"code": LACKS_CODE.sum(), "note": LACKS_NOTE.sum()}
    assert found.incomplete.n_complete == complete.sum()
    names = [f"s{row:03d}" for row in np.flatnonzero(complete)]
    if found.form != "classes":
        pytest.skip("of the other forms the metrics' own tests tell that they are means over these rows")
    for result in found.candidates:
        folder = "controls/" + result.model if result.model in found.controls else result.model
        table = read_table(predictions_dir("toy", folder) / "predictions.arrow")
        mine = table.filter(pc.and_(pc.equal(table["modalities"], "+".join(result.modalities)), pc.equal(table["fusion"], result.fusion)))
        for rows, scores in ((mine, result.scores), (mine.filter(pc.is_in(mine["sample_id"], value_set=pa.array(names))), result.complete)):
            assert scores is not None
            of_folds = [ACCURACY.score(column_values(one["target"]), column_values(one["prediction"]), None)
                        for fold in range(3) for one in [rows.filter(pc.equal(rows["fold"], fold))]]  # fmt: skip
            assert scores["accuracy"].folds == pytest.approx(of_folds, abs=1e-12)
            assert scores["accuracy"].mean == pytest.approx(np.mean(of_folds), abs=1e-12)


def test_report_and_metrics_say_who_lacks_what(finished: Path) -> None:
    found = evaluation()
    sentence = next(line for line in findings(found) if "lack" in line)
    assert sentence.startswith(f"Of 120 samples {LACKS_CODE.sum()} lack code and {LACKS_NOTE.sum()} lack note; they are predicted by the ")
    page = render([found], {})
    assert "Lack a modality" in page and f"code {LACKS_CODE.sum()}, note {LACKS_NOTE.sum()}" in page
    assert dict((name, value) for name, value, _ in absent_points(found)) == {
        "absent/code": LACKS_CODE.sum(), "absent/note": LACKS_NOTE.sum(), "n_complete": (~LACKS_CODE & ~LACKS_NOTE).sum()}  # fmt: skip
    result = found.result(found.best)
    points = {name: value for name, value, _ in run_points(found, result)}
    assert result.complete is not None
    assert points[f"complete/{found.primary.name}_mean"] == result.complete[found.primary.name].mean


def test_the_order_of_samples_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ingest sorts samples by id; here features of other neighbors are the same bytes."""
    monkeypatch.chdir(tmp_path)
    write_workspace("binary")
    featurize.main("toy-code")
    first = read_table(features_path("toy", "code"))
    order = np.random.default_rng(0).permutation(N)
    write_workspace("binary", order)
    featurize.main("toy-code")
    again = read_table(features_path("toy", "code"))
    assert again.take(pa.array(np.argsort(order))).equals(first)


def test_a_modality_that_too_few_samples_of_a_class_have_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_workspace("binary")
    table = read_table(samples_path("toy"))
    kept = [row in (0, 2, 4, 6) for row in range(N)]  # all of them of one class
    codes = [value if keep else None for keep, value in zip(kept, table["code"].to_pylist(), strict=True)]
    field = table.schema.field("code")
    about = {**METADATA, "rows": {"used": N, "available": N}}
    write_samples(samples_path("toy"), table.set_column(2, field, pa.array(codes, field.type)), about)
    with pytest.raises(InputError, match=r"modality 'code', outer fold 1: its training set has 2 such samples, of 1 class;"):
        split.main("toy")
    assert not splits_path("toy").exists()
