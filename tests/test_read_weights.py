"""The stage read_weights with real training on small data, and what the report and MLflow make of it."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from PIL import Image
from test_report import Page
from toy_predictions import SCORING, write_toy
from toy_results import TOYS, toy_params, write_samples
from toy_samples import write_used_settings

from pipelines.publishing.linear_readings import linear_reading
from pipelines.publishing.lock_entries import md5_of
from stages import evaluate, read_weights, report
from stages.contracts.candidate import Candidate
from stages.contracts.documents.weights_document import LinearWeights, ReadCombination, WeightBars, WeightImage
from stages.contracts.paths import report_path, samples_path, support_vectors_path, weights_dir, weights_document_path, weights_table_path
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.support_vectors_table import SupportVectorsMetadata
from stages.contracts.tables.weights_table import WeightsMetadata
from stages.control import main as control
from stages.featurize import main as featurize
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.tables import column_values, read_described, write_table
from stages.train import main as train

MODELS = {"knn": {"n_neighbors": [1, 3]}, "linear": {"C": [0.1, 1.0]},
          "svm": {"kernel": ["linear", "rbf"], "C": [1.0, 10.0], "gamma": [1.0]}}
ALPHA, COLORS = TOYS[0], [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
READ = {"linear": {}, "svm": {"datasets": ["alpha", "beta"], "n_terms": 5}}


def write_alpha() -> None:
    """Write samples of alpha whose pictures and texts tell the class: a color with noise, and the class's name."""
    generator = np.random.default_rng(1)
    table, about = read_described(samples_path("alpha"), SamplesMetadata)
    codes = column_values(table["target"])
    colors = np.array(COLORS)[codes][:, None, None] + generator.normal(0, 40, (len(codes), 8, 8, 3))
    columns = {"image": pa.array([png(np.clip(image, 0, 255).astype(np.uint8)) for image in colors], pa.binary()),
               "text": pa.array([f"a {ALPHA.outputs[code]} number {row % 20}" for row, code in enumerate(codes)], pa.string())}
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(name), values)
    write_table(samples_path("alpha"), table, about)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three toys, whose linear models are really trained and read."""
    folder = tmp_path_factory.mktemp("read")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(CORES_VARIABLE, "1")
        Path("params.yaml").write_text(yaml.safe_dump({**toy_params(), "models": MODELS, "read_weights": READ}), encoding="utf-8")
        for toy in TOYS:
            write_toy(toy)
            write_used_settings(toy.dataset, MODELS, toy.scoring or SCORING[toy.task])
            write_samples(toy)
            if toy is ALPHA:
                write_alpha()
            for label in toy.modalities:
                featurize(f"{toy.dataset}-{label}")
            control(toy.dataset)
            for model in MODELS:
                train(toy.dataset, model)
            for model in READ:
                read_weights.main(toy.dataset, model)
            evaluate.main(toy.dataset)
        report.main()
    return folder


@pytest.fixture(autouse=True)
def in_the_folder(read: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(read)
    monkeypatch.setenv(CORES_VARIABLE, "1")


def document(dataset: str, model: str) -> LinearWeights:
    return read_document(weights_document_path(dataset, model), LinearWeights)


def part(dataset: str, model: str, *modalities: str) -> ReadCombination:
    return next(one for one in document(dataset, model).combinations if one.modalities == modalities)


@pytest.mark.parametrize("model", READ)
def test_each_modality_and_all_together_are_read(model: str) -> None:
    found = document("alpha", model)
    assert [one.modalities for one in found.combinations] == [("image",), ("text",), ("image", "text")] and found.not_read == {}
    assert {one.n_rows for one in found.combinations} == {90}
    if model == "svm":
        assert {one.config["kernel"] for one in found.combinations} == {"linear"}
    images = [shown.exhibit for shown in part("alpha", model, "image").weights]
    assert len(images) == 3 and all(isinstance(image, WeightImage) and (image.height, image.width) == (8, 8) for image in images)
    (words,) = [shown.exhibit for shown in part("alpha", model, "text").weights if shown.output == "apple"]
    assert isinstance(words, WeightBars) and words.bars[0][0] in {"apple", "a apple", "apple number"} and words.bars[0][1] > 0
    assert words.bars[-1][1] < 0 and words.per == "unit"


def test_the_weights_are_those_that_decide() -> None:
    """A picture is of one color: the class whose color it is has the largest value of f by the weights of raw pixels in the table."""
    table, about = read_described(weights_table_path("alpha", "linear"), WeightsMetadata)
    mine = table.filter(pc.and_(pc.equal(table["modalities"], "image"), pc.equal(table["modality"], "image")))
    weights = column_values(mine["weights"]).reshape(8, 8, 3, 3)
    assert mine["name"][4].as_py() == "0, 1, 1" and about.outputs == ("apple", "bread", "cheese")
    for code, color in enumerate(COLORS):
        values = np.einsum("hwco,c->o", weights, np.array(color) / 255) + about.intercepts["image"]
        assert values.argmax() == code


def test_terms_are_named_and_the_rest_counted() -> None:
    table, about = read_described(weights_table_path("alpha", "svm"), WeightsMetadata)
    text = table.filter(pc.equal(table["modalities"], "text"))
    assert text.num_rows <= 3 * 2 * 5 and {"apple", "bread", "cheese"} <= set(text["name"].to_pylist())
    assert "" not in text["name"].to_pylist()
    (shown,) = [shown.exhibit for shown in part("alpha", "svm", "text").weights if shown.output == "bread"]
    assert isinstance(shown, WeightBars)
    assert about.left_out["text/text"] + text.num_rows == shown.n_features


def test_margins_count_the_rows_of_the_table() -> None:
    table, _ = read_described(support_vectors_path("alpha", "svm"), SupportVectorsMetadata)
    for one in document("alpha", "svm").combinations:
        mine = table.filter(pc.equal(table["modalities"], "+".join(one.modalities)))
        assert len(one.margins) == 3 and one.n_support_vectors == len(pc.unique(mine["sample_id"]))
        for margin in one.margins:
            rows = [row for row in mine.to_pylist() if (row["positive"], row["negative"]) == (margin.positive, margin.negative)]
            assert margin.n_support_vectors == len(rows) <= margin.n_rows
            assert margin.n_inside == sum(row["place"] == "inside" for row in rows)
            assert margin.n_plus == sum((row["place"], row["side"]) == ("plane", "plus") for row in rows)
            assert all(row["slack"] == pytest.approx(max(0.0, 1 - row["margin"])) for row in rows)
            assert margin.width == pytest.approx(2 / margin.norm)


def test_support_vectors_are_shown_as_samples() -> None:
    for name, kind in (("image", "image"), ("text", "text")):
        gallery = part("alpha", "svm", name).gallery
        assert gallery is not None and gallery.vectors
        narrowest = part("alpha", "svm", name).narrowest
        assert narrowest is not None and (gallery.positive, gallery.negative) == (narrowest.positive, narrowest.negative)
        assert {shown.exhibit.kind for vector in gallery.vectors for shown in vector.shown} == {kind}
    assert part("alpha", "svm", "image", "text").gallery is None


def test_labels_have_a_margin_each() -> None:
    found = part("beta", "svm", "text", "table")
    assert [(margin.positive, margin.negative) for margin in found.margins] == [("red", None), ("ripe (soft)", None)]
    exhibits = [shown.exhibit for shown in part("beta", "svm", "table").weights]
    names = [name for exhibit in exhibits if isinstance(exhibit, WeightBars) for name, _ in exhibit.bars]
    assert {"price", "age is missing"} <= set(names) and any(name.startswith("shop = ") for name in names)


def test_a_data_set_that_is_not_named_says_so() -> None:
    found = document("gamma", "svm")
    assert found.combinations == () and found.not_applicable == "all: read_weights.svm.datasets does not name it"
    table, about = read_described(weights_table_path("gamma", "svm"), WeightsMetadata)
    assert table.num_rows == 0 and about.not_applicable == found.not_applicable
    vectors, why = read_described(support_vectors_path("gamma", "svm"), SupportVectorsMetadata)
    assert vectors.num_rows == 0 and why.not_applicable == found.not_applicable


def test_regression_has_weights_per_target_and_no_margin() -> None:
    found = part("gamma", "linear", "series")
    assert [shown.output for shown in found.weights] == ["length, m", "mass"] and found.margins == ()
    _, why = read_described(support_vectors_path("gamma", "linear"), SupportVectorsMetadata)
    assert why.not_applicable == "linear has no margins"


def changed(params: dict[str, Any], *stages: tuple[str, str]) -> None:
    """Run stages with other parameters."""
    before = Path("params.yaml").read_text(encoding="utf-8")
    try:
        Path("params.yaml").write_text(yaml.safe_dump({**yaml.safe_load(before), **params}), encoding="utf-8")
        for dataset, model in stages:
            read_weights.main(dataset, model)
    finally:
        Path("params.yaml").write_text(before, encoding="utf-8")


def files(dataset: str, model: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(weights_dir(dataset, model).glob("*"))}


def test_reading_again_writes_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = files("alpha", "svm")
    monkeypatch.setenv(CORES_VARIABLE, "2")
    read_weights.main("alpha", "svm")
    assert set(before) == {"weights.arrow", "support_vectors.arrow", "weights.json"} and files("alpha", "svm") == before


def test_without_a_gallery_no_sample_is_shown() -> None:
    before = files("alpha", "svm")
    try:
        changed({"evaluate": {"gallery": 0}}, ("alpha", "svm"))
        assert {one.gallery for one in document("alpha", "svm").combinations} == {None}
        assert files("alpha", "svm")["support_vectors.arrow"] == before["support_vectors.arrow"]
    finally:
        read_weights.main("alpha", "svm")
    assert files("alpha", "svm") == before


def test_a_grid_without_a_linear_kernel_is_not_read() -> None:
    before = Path("params.yaml").read_text(encoding="utf-8")
    rbf = {**yaml.safe_load(before), "models": {**MODELS, "svm": {"kernel": ["rbf"], "C": [1.0], "gamma": [1.0]}}}
    try:
        Path("params.yaml").write_text(yaml.safe_dump(rbf), encoding="utf-8")
        train("beta", "svm")
        read_weights.main("beta", "svm")
        why = document("beta", "svm").not_applicable or ""
        assert why.count("train compared no linear configuration of it") == 3
    finally:
        Path("params.yaml").write_text(before, encoding="utf-8")
        train("beta", "svm")
        read_weights.main("beta", "svm")


# ---------------------------------------------------------------- the page, MLflow, params.yaml
def test_the_page_shows_weights_margins_and_support_vectors() -> None:
    text = report_path().read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == [] and text.count("<h3>What linear models weigh</h3>") == 3
    assert text.count("Margins of the linear SVM</summary>") == 2, "of a regression there is none"
    labels = [attributes.get("alt") for tag, attributes in page.tags if tag == "img"]
    assert {f"weights of image for {name}" for name in ("apple", "bread", "cheese")} <= set(labels)
    width = part("alpha", "svm", "image").margins[0].width
    assert width is not None and f'<td class="n">{width:.3f}</td>' in text
    assert "red | the others" in text
    assert not [attributes for _, attributes in page.tags if (attributes.get("src") or "").startswith("http")]


def lock_of(dataset: str, model: str) -> dict[str, Any]:
    folder = weights_dir(dataset, model)
    return {f"read_weights@{dataset}-{model}": {"outs": [{"path": folder.as_posix(), "md5": md5_of(folder)}]}}


def test_margins_are_metrics_and_tables_artifacts_of_the_run() -> None:
    found = linear_reading(lock_of("alpha", "svm"), "alpha", Candidate("svm", ("image",)))
    points = {name: value for name, value, _ in found.points}
    one = part("alpha", "svm", "image")
    widths = {f"{margin.positive} {margin.negative}": margin.width for margin in one.margins}
    assert points["margin/width_min"] == min(width for width in widths.values() if width is not None)
    assert {name.removeprefix("margin/width/"): value for name, value in points.items() if name.startswith("margin/width/")} == widths
    assert points["margin/n_support_vectors"] == one.n_support_vectors
    assert points["margin/n_plus"] == sum(margin.n_plus for margin in one.margins)
    rows = {name: list(csv.DictReader(text.splitlines())) for name, text in found.texts.items()}
    assert set(rows) == {"linear/weights.csv", "linear/margins.csv", "linear/support_vectors.csv"}
    assert len(rows["linear/margins.csv"]) == 3 and len(rows["linear/weights.csv"]) == 8 * 8 * 3
    assert {"modality", "feature", "name", "deviation", "weight apple"} <= set(rows["linear/weights.csv"][0])
    table, _ = read_described(support_vectors_path("alpha", "svm"), SupportVectorsMetadata)
    assert len(rows["linear/support_vectors.csv"]) == pc.sum(pc.equal(table["modalities"], "image")).as_py()


def test_other_candidates_have_none() -> None:
    lock = lock_of("alpha", "svm")
    for candidate in (Candidate("knn", ("image",)), Candidate("svm", ("image", "text"), "late_mean"), Candidate("mlp", ("image",))):
        assert linear_reading(lock, "alpha", candidate).points == ()
    assert linear_reading({}, "alpha", Candidate("svm", ("image",))).texts == {}, "the stage is not in dvc.lock"
    assert set(linear_reading(lock_of("alpha", "linear"), "alpha", Candidate("linear", ("text",))).texts) == {"linear/weights.csv"}


def test_files_that_dvc_does_not_know_are_refused() -> None:
    lock = lock_of("alpha", "svm")
    next(iter(lock.values()))["outs"][0]["md5"] = "0.dir"
    with pytest.raises(InputError, match=r"differs from its hash in dvc\.lock"):
        linear_reading(lock, "alpha", Candidate("svm", ("image",)))
