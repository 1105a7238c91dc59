"""The stages learning_curve, bias_variance and representation with real training on small data, and what is made of their results."""

import re
from pathlib import Path

import pytest
import yaml
from claims import unsupported
from toy_predictions import write_toy
from toy_results import TOYS, toy_params, write_samples

from pipelines.publishing.metric_values import run_points
from stages import bias_variance, evaluate, learning_curve, representation
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import bias_variance_path, evaluation_path, learning_curve_path, predictions_dir, representation_path
from stages.contracts.tables.learning_curve_table import LearningCurveMetadata
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.representation_table import RepresentationMetadata
from stages.control import main as control
from stages.featurize import main as featurize
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.tables import column_values, read_described, write_table
from stages.reporting.evaluation_figures import draw_figures, page_figures
from stages.reporting.formatting import signed
from stages.reporting.growth_figures import capacity_plot
from stages.reporting.representation_sentences import representation_sentences
from stages.train import main as train

ALPHA, GAMMA = TOYS[0], TOYS[2]
KNN = Candidate("knn", ("image", "text"))
STUDIES = {"learning_curves": {"knn": {"n_halvings": 2}},
           "bias_variance": {"knn": {"parameter": "n_neighbors", "values": [1, 7, 5000], "n_bootstraps": 3, "datasets": ["alpha"]}},
           "representations": {"mlp": {"learners": ["knn"]}}}


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two evaluated toys, whose learners are really trained."""
    folder = tmp_path_factory.mktemp("studied")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(CORES_VARIABLE, "1")
        Path("params.yaml").write_text(yaml.safe_dump({**toy_params(), **STUDIES}), encoding="utf-8")
        for toy in (ALPHA, GAMMA):
            write_toy(toy)
            write_samples(toy)
            for label in toy.modalities:
                featurize(f"{toy.dataset}-{label}")
            control(toy.dataset)
            for model in ("knn", "mlp"):
                train(toy.dataset, model)
            learning_curve.main(toy.dataset, "knn")
            bias_variance.main(toy.dataset, "knn")
            representation.main(toy.dataset, "mlp")
            evaluate.main(toy.dataset)
    return folder


@pytest.fixture(autouse=True)
def in_the_folder(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studied)


def evaluation_of(dataset: str) -> Evaluation:
    return read_document(evaluation_path(dataset), Evaluation)


def test_the_last_point_is_the_score_of_the_leaderboard() -> None:
    evaluation = evaluation_of("alpha")
    (curve,) = evaluation.learning_curves  # all modalities together, of the one model that has an entry
    assert curve.candidate == KNN and [point.share for point in curve.points] == [0.25, 0.5, 1.0]
    score = evaluation.primary_score(evaluation.result(KNN))
    last = curve.points[-1]
    assert (last.mean, last.lo, last.hi, last.n_train) == (score.mean, score.lo, score.hi, 72)
    assert curve.withheld == "a law needs 4 sizes of training sets, and there are 3"
    (study,) = evaluation.bias_variance
    assert study.parameter == "n_neighbors" and [point.value for point in study.points] == [7, 1]
    ((value, why),) = [(skipped.value, skipped.why) for skipped in study.skipped]
    assert value == 5000 and re.fullmatch(r"needs 5,000 training rows, and one inner training set has 4\d", why)
    assert f"n_neighbors 5000 is not compared: {why}." in capacity_plot(evaluation, study).caption


def test_regression_has_a_curve_and_a_study_that_does_not_name_it_has_none() -> None:
    evaluation = evaluation_of("gamma")
    assert len(evaluation.learning_curves) == 1 and evaluation.bias_variance == ()
    assert evaluation.primary.name == "r2"


def test_report_and_server_have_them() -> None:
    evaluation = evaluation_of("alpha")
    drawn = draw_figures(evaluation)
    assert {"knn__image+text__growth", "knn__image+text__bias_variance_n_neighbors"} <= set(drawn)
    assert [figure.shows for figure in page_figures(evaluation, drawn)][-2:] == ["growth", "capacity"]
    names = {name for name, _, _ in run_points(evaluation, evaluation.result(KNN))}
    assert {"learning_curve/accuracy_mean", "bias_variance/bias_by_n_neighbors"} <= names
    others = {name for name, _, _ in run_points(evaluation, evaluation.result(Candidate("knn", ("text",))))}
    assert not any(name.startswith(("learning_curve", "bias_variance")) for name in others)


def test_again_on_two_cores_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = learning_curve_path("alpha", "knn"), bias_variance_path("alpha", "knn"), representation_path("alpha", "mlp")
    before = [path.read_bytes() for path in paths]
    monkeypatch.setenv(CORES_VARIABLE, "2")
    learning_curve.main("alpha", "knn")
    bias_variance.main("alpha", "knn")
    representation.main("alpha", "mlp")
    assert [path.read_bytes() for path in paths] == before


def test_predictions_of_every_share_are_of_every_test_row() -> None:
    table, about = read_described(learning_curve_path("alpha", "knn"), LearningCurveMetadata)
    assert table.num_rows == 2 * ALPHA.n_samples and about.combinations == ("image+text",) and about.skipped == {}
    counts = {share: set(column_values(table.filter(column_values(table["share"]) == share)["n_train"])) for share in (0.25, 0.5)}
    assert max(counts[0.25]) < min(counts[0.5]) <= 40


def test_a_curve_of_another_metric_or_with_a_row_missing_is_refused() -> None:
    path = learning_curve_path("alpha", "knn")
    whole = path.read_bytes()
    table, about = read_described(path, LearningCurveMetadata)
    try:
        write_table(path, table, about.model_copy(update={"scoring": "macro_f1"}))
        with pytest.raises(InputError, match=r"learning_curve\.arrow: metadata scoring: expected 'accuracy', which ranks, found 'macro"):
            evaluate.main("alpha")
        write_table(path, table.slice(1), about)
        with pytest.raises(InputError, match=r"learning_curve\.arrow: .*1 of .* test rows have no prediction"):
            evaluate.main("alpha")
    finally:
        path.write_bytes(whole)


def test_a_data_set_that_is_not_named_says_so() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    before = Path("params.yaml").read_text("utf-8"), learning_curve_path("gamma", "knn").read_bytes()
    params["learning_curves"]["knn"]["datasets"] = ["alpha"]
    try:
        Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        learning_curve.main("gamma", "knn")
        table, about = read_described(learning_curve_path("gamma", "knn"), LearningCurveMetadata)
        assert table.num_rows == 0 and about.not_applicable == "learning_curves.knn.datasets does not name it"
        evaluate.main("gamma")
        assert evaluation_of("gamma").learning_curves == ()
    finally:
        Path("params.yaml").write_text(before[0], encoding="utf-8")
        learning_curve_path("gamma", "knn").write_bytes(before[1])
        evaluate.main("gamma")


# ---------------------------------------------------------------- representations
def test_a_representation_stands_next_to_the_features_of_the_same_learner() -> None:
    evaluation = evaluation_of("alpha")
    table, about = read_described(representation_path("alpha", "mlp"), RepresentationMetadata)
    assert table.num_rows == ALPHA.n_samples and (about.learners, about.combinations) == (("knn",), ("image+text",))
    (one,) = evaluation.representations
    assert (one.model, one.learner, one.modalities) == ("mlp", "knn", ("image", "text"))
    assert one.raw.folds == evaluation.primary_score(evaluation.result(KNN)).folds
    target, prediction, fold = (column_values(table[name]) for name in ("target", "prediction", "fold"))
    assert one.represented.folds == pytest.approx([(target == prediction)[fold == index].mean() for index in range(ALPHA.n_folds)])
    assert one.difference == pytest.approx(one.represented.mean - one.raw.mean) and one.p_corrected == one.p


def test_report_and_server_have_representations() -> None:
    evaluation = evaluation_of("alpha")
    (one,) = evaluation.representations
    (sentence,) = representation_sentences(evaluation)
    assert sentence.startswith("kNN is ") and signed(one.difference) in sentence
    assert "on MLP's representation of image and text " in sentence
    assert unsupported([sentence], evaluation, ()) == []
    other = evaluation.model_copy(update={"representations": (one.model_copy(update={"difference": 0.321}),)})
    assert unsupported([sentence], other, ()) == [sentence]
    points = {name: value for name, value, _ in run_points(evaluation, evaluation.result(Candidate("mlp", ("image", "text"))))}
    assert points["representation/knn/accuracy"] == one.represented.mean and points["representation/knn/raw"] == one.raw.mean
    assert points["representation/knn/difference"] == one.difference
    assert not any(name.startswith("representation") for name, _, _ in run_points(evaluation, evaluation.result(KNN)))


def test_a_representation_of_another_metric_or_with_a_row_missing_is_refused() -> None:
    path = representation_path("alpha", "mlp")
    whole = path.read_bytes()
    table, about = read_described(path, RepresentationMetadata)
    try:
        write_table(path, table, about.model_copy(update={"scoring": "macro_f1"}))
        with pytest.raises(InputError, match=r"representation\.arrow: metadata scoring: expected 'accuracy', which ranks, found 'macro"):
            evaluate.main("alpha")
        write_table(path, table.slice(1), about)
        with pytest.raises(InputError, match=r"representation\.arrow: .*1 of .* test rows have no prediction"):
            evaluate.main("alpha")
    finally:
        path.write_bytes(whole)


def test_a_sweep_that_another_metric_chose_has_no_representation() -> None:
    path = predictions_dir("alpha", "mlp") / "sweep.arrow"
    whole = path.read_bytes()
    table, about = read_described(path, TrainingMetadata)
    try:
        write_table(path, table, about.model_copy(update={"scoring": "macro_f1"}))
        with pytest.raises(InputError, match=r"sweep\.arrow: metadata scoring: expected 'accuracy', which chooses, found 'macro_f1'"):
            representation.main("alpha", "mlp")
    finally:
        path.write_bytes(whole)
