"""The warning that gradient boosting beats every learner: on data where it must, and on data where it must not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from toy_control import control_data
from toy_predictions import SKILL, Toy, write_toy
from toy_problem import toy_problem
from toy_samples import write_used_settings

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import evaluation_path, features_path, splits_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.control import main as control
from stages.controlling.control_results import control_results
from stages.evaluate import main as evaluate
from stages.foundation.documents import read_document
from stages.foundation.registry import component
from stages.foundation.tables import column_values, fixed_lists, read_described, write_table
from stages.reporting.doubts import boosting_finding
from stages.reporting.findings import findings
from stages.reporting.report_page import render
from stages.train import main as train

TOY = Toy(modalities=("image",), outputs=("no", "yes"), n_samples=600, n_inner_folds=2, skill={"constant": SKILL["constant"]})
MODELS = {"linear": {"C": [1]}, "knn": {"n_neighbors": [5, 15], "metric": ["euclidean"], "weights": ["uniform"]},
          "hist_gradient_boosting": {"max_iter": [50]}}


Columns = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def trained(models: tuple[str, ...], columns: Columns, *, control_is_on: bool) -> Evaluation:
    """Return the evaluation of models that are really trained on columns which `columns` makes of the classes, in the current folder."""
    controls = {"constant": {}} | ({"gradient_boosting": {}} if control_is_on else {})
    params = {"seed": 7, "datasets": {"toy": {"rows": "all", "target": "kind", "modalities": ["image"]}},
              "controls": controls, "models": {name: MODELS[name] for name in models}, "train": {}, "evaluate": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    write_toy(TOY)
    table, _ = read_described(splits_path("toy"), SplitsMetadata)
    values = columns(column_values(table["target"]), np.random.default_rng(0)).astype(np.float32)
    about = FeaturesMetadata(dataset="toy", modality_name="image", modality="image", settings={}, encoding="dense",
                             shape=(values.shape[1],), names=(), fit={})  # fmt: skip
    write_table(features_path("toy", "image"), pa.table({"sample_id": table["sample_id"], "vector": fixed_lists(values)}), about)
    write_used_settings("toy", models, "accuracy")
    control("toy")
    for name in models:
        train("toy", name)
    evaluate("toy")
    return read_document(evaluation_path("toy"), Evaluation)


def parity(target: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return eight columns of which the signs of two tell the class, and neither alone: their parity."""
    columns = generator.standard_normal((len(target), 8))
    columns[:, 1] = np.abs(columns[:, 1]) * np.where(target == 1, 1, -1) * np.sign(columns[:, 0])
    return columns


def sums(target: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return eight columns of which each says a little of the class, which a linear learner adds up."""
    return generator.standard_normal((len(target), 8)) + 0.5 * np.where(target == 1, 1, -1)[:, None]


def test_where_only_trees_find_the_parity_of_two_columns_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = trained(("linear", "knn"), parity, control_is_on=True)
    tests = found.family("boosting")
    assert [(test.a, test.b.model, test.verdict) for test in tests] == [
        (Candidate("gradient_boosting", ("image",)), name, "better") for name in ("knn", "linear")]
    said = boosting_finding(found)
    assert said.startswith("Gradient boosting with default settings beats every learner: on image it is better than kNN · image and linear")
    assert findings(found)[0] == said and "Does gradient boosting with default settings do better?" in render([found], {})
    assert found.result(tests[0].a).rank == len(found.candidates), "it is shown, and ranks behind all others"
    assert not any("gradient_boosting" in (test.a.model, test.b.model) for test in found.comparisons if test.family != "boosting")


def test_one_learner_that_is_as_good_and_it_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tuned model finds the parity, too: it beats the other learners, and that is said of it instead."""
    monkeypatch.chdir(tmp_path)
    found = trained(("linear", "knn", "hist_gradient_boosting"), parity, control_is_on=True)
    assert [test.verdict for test in found.family("boosting")].count("better") == 2
    assert boosting_finding(found).startswith("Gradient boosting (hist_gradient_boosting) beats every other learner: on image it is better")


def test_where_a_linear_learner_suffices_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = trained(("linear", "knn", "hist_gradient_boosting"), sums, control_is_on=True)
    assert len(found.family("boosting")) == 3 and boosting_finding(found) == ""


def test_without_the_control_there_is_no_such_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = trained(("linear",), parity, control_is_on=False)
    assert not found.family("boosting") and boosting_finding(found) == ""


def test_it_reads_all_that_is_not_sparse() -> None:
    """On its largest combination, fitted on the training rows as of models; of text alone it says why not."""
    boosting = component("controls", "gradient_boosting")
    problem = toy_problem(n=180)
    found = control_results(boosting, control_data(problem), boosting.settings())
    assert {result.modalities for result in found} == {("image", "table")} and len(found) == len(problem.folds)
    assert np.mean([np.mean(result.prediction == problem.target[result.fold.test]) for result in found]) > 0.8
    text = replace(toy_problem(modalities=("text",)))
    assert control_results(boosting, control_data(text), boosting.settings()) == (
        "it reads dense features and tables, and the features of all modalities are sparse")
