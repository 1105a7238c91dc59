"""The stage condition with real training on small data, and what evaluate, the report and MLflow make of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from claims import sentences_of_html, unsupported
from sklearn.metrics import balanced_accuracy_score, f1_score
from test_claims import FIXED
from toy_evaluation import fold_scores, toy_evaluation
from toy_predictions import change_predictions, write_toy
from toy_results import TOYS, toy_params, write_samples

from pipelines.publishing.lock_entries import stages_behind
from pipelines.publishing.metric_values import run_points
from stages import condition, evaluate
from stages.checking.condition_files import write_condition_settings
from stages.contracts.candidate import CHOSEN, EARLY, Candidate
from stages.contracts.documents.condition_scores import Robustness, StrengthCurve, StrengthPoint
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import conditions_path, evaluation_path, settings_path
from stages.contracts.tables.conditions_table import ConditionsMetadata
from stages.control import main as control
from stages.evaluation.strength_area import area_kept, kept_share
from stages.featurize import main as featurize
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.tables import read_described, read_table, write_json, write_table
from stages.reporting.evaluation_figures import draw_figures, page_figures
from stages.reporting.findings import findings
from stages.reporting.formatting import number
from stages.reporting.report_page import render
from stages.reporting.robustness_sentences import examined, missing_findings
from stages.train import main as train

ALPHA, GAMMA = TOYS[0], TOYS[2]
WAYS: dict[str, Any] = {"early": {}, "late_mean": {}, "late_stacked": {"C": [0.1]}}
CONDITIONS: dict[str, Any] = {"corruptions": {"image": {"gaussian_noise": [0.1, 0.5]}, "text": {"typos": None}, "series": {"drift": [1.0]}}}
KNN = Candidate("knn", ("image", "text"), CHOSEN)


@pytest.fixture(scope="module")
def examined_toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two evaluated toys, whose learners are really trained and examined."""
    folder = tmp_path_factory.mktemp("examined")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(CORES_VARIABLE, "1")
        params = {**toy_params(), "fusions": WAYS, "conditions": CONDITIONS}
        Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        for toy in (ALPHA, GAMMA):
            write_toy(toy)
            write_samples(toy)
            write_json(settings_path(f"fusions.{toy.dataset}"), WAYS if len(toy.modalities) > 1 else {})
        write_condition_settings(params)
        for toy in (ALPHA, GAMMA):
            for label in toy.modalities:
                featurize(f"{toy.dataset}-{label}")
            control(toy.dataset)
            for model in ("knn", "mlp"):
                train(toy.dataset, model)
            condition.main(toy.dataset)
            evaluate.main(toy.dataset)
    return folder


@pytest.fixture(autouse=True)
def in_the_folder(examined_toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(examined_toys)


def evaluation_of(dataset: str) -> Evaluation:
    return read_document(evaluation_path(dataset), Evaluation)


def robustness_of(evaluation: Evaluation, candidate: Candidate) -> Robustness:
    return next(found for found in evaluation.robustness if found.candidate == candidate)


def test_every_condition_has_a_prediction_of_every_test_row_by_every_candidate_that_sees_the_modality() -> None:
    table, about = read_described(conditions_path("alpha"), ConditionsMetadata)
    names = ["image/gaussian_noise/0.1", "image/gaussian_noise/0.5", "text/typos/0.05", "text/typos/0.1", "text/typos/0.2"]
    by = ["model", "condition", "modalities", "fusion"]
    counts = {tuple(row[name] for name in by): row["sample_id_count"]
              for row in table.group_by(by).aggregate([("sample_id", "count")]).to_pylist()}  # fmt: skip
    ways = [*WAYS, CHOSEN]
    candidates = {(name, name.split("/")[0], EARLY) for name in names} | {(name, "image+text", way) for name in names for way in ways}
    n_seeds = {"knn": 1, "mlp": 3}
    assert counts == {(model, *candidate): n * ALPHA.n_samples for model, n in n_seeds.items() for candidate in candidates}
    assert pc.unique(table["condition"]).to_pylist() == names
    assert about.seeds["knn"] == (7,) and len(set(about.seeds["mlp"])) == 3 and about.seeds["mlp"][0] == 7
    assert about.units["text/typos"] == "probability of a letter to be mistyped"


def test_scores_stand_next_to_the_clean_one_with_tests() -> None:
    evaluation = evaluation_of("alpha")
    found = robustness_of(evaluation, KNN)
    assert found.clean == evaluation.primary_score(evaluation.result(KNN)).mean
    assert [curve.key for curve in found.curves] == ["image/gaussian_noise", "image/missing", "text/typos", "text/missing"]
    points = [point for curve in found.curves for point in curve.points]
    assert [point.p_corrected for point in points] == [None if point.p is None else min(1.0, point.p * len(points)) for point in points]
    # an interval and a verdict of one change do not contradict each other
    assert all((point.change_lo > 0 or point.change_hi < 0) or point.verdict in ("not shown", "equal") for point in points)
    for curve in found.curves:
        for point in curve.points:
            assert point.change == pytest.approx(point.mean - found.clean) and point.lo <= point.mean <= point.hi
        means = [point.mean for point in curve.points]
        assert curve.area == pytest.approx(area_kept([p.strength for p in curve.points], means, found.clean, greater_is_better=True))
    table, _ = read_described(conditions_path("alpha"), ConditionsMetadata)
    mine = [row for row in table.to_pylist() if (row["model"], row["fusion"], row["condition"]) == ("knn", CHOSEN, "text/typos/0.2")]
    by_fold = [[row for row in mine if row["fold"] == fold] for fold in range(ALPHA.n_folds)]
    point = next(curve for curve in found.curves if curve.key == "text/typos").points[-1]
    assert point.mean == pytest.approx(np.mean([np.mean([row["target"] == row["prediction"] for row in rows]) for rows in by_fold]))
    pairs = [([row["target"] for row in rows], [row["prediction"] for row in rows]) for rows in by_fold]
    assert point.scores == pytest.approx({
        "balanced_accuracy": np.mean([balanced_accuracy_score(*pair) for pair in pairs]),
        "macro_f1": np.mean([f1_score(*pair, average="macro") for pair in pairs])})  # fmt: skip


def test_without_a_modality_every_way_of_fusing_two_is_the_other_one_alone() -> None:
    evaluation = evaluation_of("alpha")
    for model in ("knn", "mlp"):
        for way in (*WAYS, CHOSEN):
            found = robustness_of(evaluation, Candidate(model, ("image", "text"), way))
            for gone, other in (("text", "image"), ("image", "text")):
                point = next(curve for curve in found.curves if curve.key == f"{gone}/missing").points[-1]
                assert point.strength == 1 and point.mean == pytest.approx(robustness_of(evaluation, Candidate(model, (other,))).clean)


def test_a_seeded_model_is_compared_with_its_mean_over_seeds() -> None:
    evaluation = evaluation_of("alpha")
    found = [found for found in evaluation.robustness if found.model == "mlp"]
    assert len(found) == 6
    for one in found:
        result = evaluation.result(one.candidate)
        assert result.seeds is not None and one.clean == evaluation.primary_score(result).mean
    table, _ = read_described(conditions_path("alpha"), ConditionsMetadata)
    wanted = ("mlp", "image", "image/gaussian_noise/0.5")
    rows = [row for row in table.to_pylist() if (row["model"], row["modalities"], row["condition"]) == wanted]
    by_place = {(seed, fold): [row["target"] == row["prediction"] for row in rows if (row["seed"], row["fold"]) == (seed, fold)]
                for seed in {row["seed"] for row in rows} for fold in range(ALPHA.n_folds)}  # fmt: skip
    point = robustness_of(evaluation, Candidate("mlp", ("image",))).curves[0].points[-1]
    assert len(by_place) == 3 * ALPHA.n_folds and point.mean == pytest.approx(np.mean([np.mean(hits) for hits in by_place.values()]))


def test_one_modality_of_regression_is_corrupted_and_never_missing() -> None:
    evaluation = evaluation_of("gamma")
    assert {found.model for found in evaluation.robustness} == {"knn", "mlp"}
    for found in evaluation.robustness:
        assert [curve.key for curve in found.curves] == ["series/drift"] and [point.strength for point in found.curves[0].points] == [1.0]
        assert found.curves[0].points[0].scores.keys() == {"mae", "q2", "rmse"}


def write_conditions_of(**section: Any) -> None:
    write_condition_settings({**yaml.safe_load(Path("params.yaml").read_text("utf-8")), "conditions": section})


def test_models_and_corruptions_can_be_switched_off() -> None:
    before = {path: path.read_bytes() for path in (conditions_path("gamma"), evaluation_path("gamma"))}
    try:
        write_conditions_of(corruptions=CONDITIONS["corruptions"], models=["knn"])
        condition.main("gamma")
        assert pc.unique(read_table(conditions_path("gamma"))["model"]).to_pylist() == ["knn"]
        write_conditions_of()
        condition.main("gamma")
        assert len(read_table(conditions_path("gamma"))) == 0
        evaluate.main("gamma")
        assert "robustness" not in json.loads(evaluation_path("gamma").read_text("utf-8"))
    finally:
        write_conditions_of(**CONDITIONS)
        for path, content in before.items():
            path.write_bytes(content)


def test_missing_needs_no_model_and_can_be_switched_off() -> None:
    before = {path: path.read_bytes() for path in (conditions_path("alpha"), evaluation_path("alpha"))}
    try:
        write_conditions_of(missing=[0.5])
        condition.main("alpha")
        evaluate.main("alpha")
        found = evaluation_of("alpha").robustness
        assert [[point.strength for point in curve.points] for curve in found[0].curves] == [[0.5]]
        assert {curve.corruption for one in found for curve in one.curves} == {"missing"} and len(found) == 12
        write_conditions_of(missing=[])
        evaluate.main("alpha")
        assert evaluation_of("alpha").robustness == ()
    finally:
        write_conditions_of(**CONDITIONS)
        for path, content in before.items():
            path.write_bytes(content)


def test_report_and_server_have_them() -> None:
    evaluation = evaluation_of("alpha")
    ways = examined(evaluation)
    assert [way.fusion for way in ways] == [CHOSEN, *WAYS]
    drawn = draw_figures(evaluation)
    assert {"conditions_image", "conditions_text"} <= set(drawn)
    assert [figure.shows for figure in page_figures(evaluation, drawn)][:1] == ["together"]
    assert "gaussian noise" in drawn["conditions_image"].svg and "late, stacked" in drawn["conditions_image"].svg
    assert "typos" not in drawn["conditions_image"].svg
    page = render([evaluation], {"alpha": drawn})
    assert "What if a modality is noisy or missing?" in page and "Every strength, with tests" in page
    points = run_points(evaluation, evaluation.result(ways[0].candidate))
    image = next(curve for curve in ways[0].curves if curve.key == f"image/{ways[0].curves[0].corruption}")
    expected = [(f"condition/{image.key}", ways[0].clean, 0),
                *((f"condition/{image.key}", point.mean, step) for step, point in enumerate(image.points, start=1))]  # fmt: skip
    assert [point for point in points if point[0] == f"condition/{image.key}"] == expected
    assert (f"condition_area/{image.key}", image.area, 0) in points
    assert "condition@alpha" in stages_behind(evaluation)


def test_the_finding_is_what_was_scored() -> None:
    evaluation = evaluation_of("alpha")
    best = examined(evaluation)[0]
    for modality, other in (("image", "text"), ("text", "image")):
        gone = next(curve for curve in best.curves if curve.key == f"{modality}/missing").points[-1]
        alone = evaluation.primary_score(evaluation.result(Candidate(best.model, (other,)))).mean
        (said,) = [text for text in findings(evaluation) if text.startswith(f"With {modality} gone, ")]
        assert f"keeps {number(gone.mean / best.clean)} of its clean accuracy" in said
        assert said.endswith(f"; {other} alone has {number(alone)}.")


def test_the_page_claims_nothing_else() -> None:
    evaluation = evaluation_of("alpha")
    page = render([evaluation], {"alpha": draw_figures(evaluation)})
    assert "What if a modality is noisy or missing?" in page
    assert unsupported(sentences_of_html(page), evaluation, FIXED) == []


def gone(mean: float, clean: float, verdict: str) -> StrengthPoint:
    change = mean - clean
    return StrengthPoint(strength=1.0, mean=mean, lo=mean - 0.01, hi=mean + 0.01, change=change, change_lo=change - 0.02,
                         change_hi=change + 0.02, p=0.001, p_corrected=0.004, verdict=verdict)  # type: ignore[arg-type]


@pytest.mark.parametrize(("metric", "clean", "mean", "said"), [
    ("accuracy", 0.8, 0.6, "With image gone, knn keeps 0.750 of its clean accuracy (−0.200 [−0.220,\u00a0−0.180], worse); text alone has "
                           "0.500."),
    ("rmse", 0.4, 0.6, "With image gone, the RMSE of knn is 1.500 times the clean one (+0.200 [+0.180,\u00a0+0.220], worse); text alone "
                       "has 0.500."),
])  # fmt: skip
def test_what_is_left_is_said_with_its_test_and_nothing_more(metric: str, clean: float, mean: float, said: str) -> None:
    both, text = Candidate("knn", ("image", "text")), Candidate("knn", ("text",))
    curve = StrengthCurve(modality="image", corruption="missing", unit="share", points=(gone(mean, clean, "worse"),), area=0.8)
    found = Robustness(model="knn", modalities=both.modalities, fusion="early", clean=clean, curves=(curve,))
    scores = {both: {metric: fold_scores(clean, *[clean] * 5)}, text: {metric: fold_scores(0.5, *[0.5] * 5)}}
    evaluation = toy_evaluation(scores, metric, robustness=(found,))
    said = said.replace("knn", "kNN · image + text")
    assert missing_findings(evaluation) == [said] and said in findings(evaluation)
    plain = said.replace("\u00a0", " ")
    assert unsupported([plain], evaluation, ()) == []
    wrongs = (("worse", "better"), ("image gone", "text gone"), ("0.750", "0.850"), ("1.500", "1.400"), ("−0.200", "−0.100"),
              ("+0.200", "+0.100"))  # fmt: skip
    for wrong in wrongs:
        if plain.replace(*wrong) != plain:
            assert unsupported([plain.replace(*wrong)], evaluation, ()) == [plain.replace(*wrong)]


def test_again_on_two_cores_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    path = conditions_path("alpha")
    before = path.read_bytes()
    monkeypatch.setenv(CORES_VARIABLE, "2")
    condition.main("alpha")
    assert path.read_bytes() == before


def test_predictions_of_another_run_are_refused() -> None:
    def turned(table: pa.Table, about: Any) -> tuple[pa.Table, Any]:
        prediction = pc.cast(pc.if_else(pc.equal(table["prediction"], 0), 1, 0), pa.int32())
        return table.set_column(table.column_names.index("prediction"), "prediction", prediction), about

    path = Path("data/predictions/alpha/knn/predictions.arrow")
    before = path.read_bytes(), conditions_path("alpha").read_bytes()
    try:
        change_predictions(ALPHA, "knn", turned)
        with pytest.raises(InputError, match=r"knn/predictions\.arrow: image, early, repeat 0, fold 0: the chosen configuration, fitted "):
            condition.main("alpha")
        assert conditions_path("alpha").read_bytes() == before[1]
    finally:
        path.write_bytes(before[0])


def test_a_file_of_another_metric_or_with_a_row_missing_is_refused() -> None:
    path = conditions_path("alpha")
    whole = path.read_bytes()
    table, about = read_described(path, ConditionsMetadata)
    try:
        write_table(path, table, about.model_copy(update={"scoring": "macro_f1"}))
        with pytest.raises(InputError, match=r"predictions\.arrow: metadata scoring: expected 'accuracy', which ranks, found 'macro"):
            evaluate.main("alpha")
        write_table(path, table.slice(1), about)
        with pytest.raises(InputError, match=r"predictions\.arrow: .*1 of .* test rows have no prediction"):
            evaluate.main("alpha")
        with pytest.raises(Exception, match=r"column 'condition': 'image/gaussian_noise/0\.1' is not a modality"):
            write_table(path, table, about.model_copy(update={"units": {}}))
    finally:
        path.write_bytes(whole)


# ---------------------------------------------------------------- how much is kept, by hand
def test_the_kept_share_and_the_area_by_hand() -> None:
    assert kept_share(0.6, 0.8, greater_is_better=True) == pytest.approx(0.75)
    assert kept_share(4.0, 2.0, greater_is_better=False) == pytest.approx(0.5)  # twice the error
    # scores 1.0, 0.8, 0.6 at 0, 1, 2: (1 + 0.8) / 2 + (0.8 + 0.6) / 2 = 1.6 over a width of 2
    assert area_kept([1, 2], [0.8, 0.6], 1.0, greater_is_better=True) == pytest.approx(0.8)
    # errors 2, 4, 8 at 0, 0.5, 1 keep 1, 1/2, 1/4: 0.75 · 0.5 + 0.375 · 0.5
    assert area_kept([0.5, 1], [4.0, 8.0], 2.0, greater_is_better=False) == pytest.approx(0.5625)
    for greater in (True, False):
        assert area_kept([0.1, 0.7], [3.0, 3.0], 3.0, greater_is_better=greater) == pytest.approx(1.0)


def test_nothing_is_said_of_shares_of_a_score_that_is_not_positive() -> None:
    assert np.isnan(kept_share(0.1, -0.2, greater_is_better=True)) and np.isnan(kept_share(0.1, 0.0, greater_is_better=True))
    assert np.isnan(kept_share(0.0, 0.1, greater_is_better=False))
    assert kept_share(-0.3, 0.6, greater_is_better=True) == pytest.approx(-0.5)  # an R² below 0
    assert np.isnan(area_kept([1.0], [0.5], float("nan"), greater_is_better=True))
