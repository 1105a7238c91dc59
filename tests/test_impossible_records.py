"""Records that cannot be true are refused with file, key or row: documents, predictions of every seed, curves, leaks let in on purpose."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from imports import ROOT
from toy_predictions import SKILL, Toy, results_dir, write_leaking, write_params, write_toy
from toy_seeds import add_seeds, some_wrong

from stages import evaluate
from stages.contracts.candidate import Candidate
from stages.contracts.document import Document
from stages.contracts.documents.bias_variance_document import BiasVariance, CapacityPoint
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.gallery_document import Gallery
from stages.contracts.documents.randomised_document import Draw, RandomisedScores
from stages.contracts.documents.summary_document import Summary
from stages.contracts.metric import Metric
from stages.contracts.paths import (
    bias_variance_path,
    controls_dir,
    evaluation_path,
    gallery_path,
    learning_curve_path,
    splits_path,
    summary_path,
)
from stages.contracts.quantities import Interval, mean_mistakes
from stages.contracts.tables.learning_curve_table import LearningCurveMetadata
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluation.checked_predictions import Expected, Splits, splits_of
from stages.evaluation.design import design_of
from stages.evaluation.more_rows import learning_curves
from stages.evaluation.protocol_gaps import protocol_gaps
from stages.evaluation.training_results import TrainingResults, read_models
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import METADATA_KEY, column_values, read_described, write_table

TOY = Toy(n_samples=120, skill={model: SKILL[model] for model in ("constant", "knn", "mlp")})
EXPECTED = Expected("", "classes", TOY.outputs, ())
ACCURACY: Metric = component("metrics", "accuracy")
PREDICTIONS, SWEEP = (Path("data/predictions/toy/mlp") / f"{name}.arrow" for name in ("predictions", "sweep"))
LEAKING = controls_dir("toy") / "random_folds" / "leaking.arrow"
RANDOMISED = controls_dir("toy") / "permuted" / "randomised.json"
CURVE, STUDY = learning_curve_path("toy", "knn"), bias_variance_path("toy", "knn")


def write_curve() -> None:
    """Write a learning curve of kNN on both modalities: its predictions on all training rows, said to be of 1/2 and 1/4 of them."""
    table, about = read_described(results_dir(TOY, "knn") / "predictions.arrow", TrainingMetadata)
    table = table.filter(pa.array(np.array(table["modalities"].to_pylist()) == "image+text")).drop_columns(["probabilities"])
    shares = [pa.table({"share": pa.array(np.full(len(table), share)), "n_train": pa.array(np.full(len(table), n, np.int32)),
                        **{name: table[name] for name in table.column_names}}) for share, n in ((0.25, 24), (0.5, 48))]  # fmt: skip
    facts = {name: value for name, value in about if name in SplitsMetadata.model_fields}
    described = LearningCurveMetadata(**facts, model="knn", scoring=about.scoring, combinations=("image+text",), skipped={},
                                      not_applicable=None)
    write_table(CURVE, pa.concat_tables(shares), described)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that evaluate reads and writes of a toy, which nothing is wrong with."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_params([TOY])
        write_toy(TOY)
        add_seeds(TOY, "mlp", 2, some_wrong)
        write_leaking(TOY, "random_folds", {"image": (0.5, 0.52), "text": (0.4, 0.9)})
        write_curve()
        points = tuple(CapacityPoint(value=k, bias=(0.3, 0.2, 0.3, 0.2, -0.01), variance=(0.1 * k,) * 5) for k in (1, 2))
        write_document(STUDY, BiasVariance(dataset="toy", model="knn", modalities=("image", "text"), fusion="early", n_bootstraps=10,
                                           parameter="n_neighbors", loss="share of wrong rows", points=points, not_applicable=None))
        draws = tuple(Draw(what="labels", scores={"text": (0.3, 0.4, 0.3, None, 0.4)}) for _ in range(3))
        write_document(RANDOMISED, RandomisedScores(dataset="toy", control="permuted", model="linear", metric="accuracy", draws=draws,
                                                    observed={"text": (0.5, 0.6, 0.5, 0.6, 0.5)}))
        evaluate.main("toy")
    return folder


@pytest.fixture
def place(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of that folder to work in."""
    shutil.copytree(sound, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


# ---------------------------------------------------------------- documents
Change = Callable[[dict[str, Any]], Any]
C, R = "candidates", r"candidates\.3\."  # kNN on both modalities


def of_candidate(*keys: str | int, to: Any) -> Change:
    """Return a change of what stands under the keys of kNN's candidate of both modalities."""
    return at(C, 3, *keys, to=to)


def at(*keys: str | int, to: Any) -> Change:
    """Return a change of what stands under keys; `to` may be a function of it."""
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to(document[keys[-1]]) if callable(to) else to

    return change


EVALUATIONS: list[tuple[Change, str]] = [
    (of_candidate("scores", "accuracy", "mean", to=3.0),
     R + r"scores\.accuracy: mean: expected 0\.\d+, the mean of the defined values, found 3"),
    (of_candidate("scores", "accuracy", to={"mean": 3.0, "lo": 2.9, "hi": 3.1, "folds": [3.0] * 5}),
     R + r"scores\.accuracy: accuracy is from 0 to 1, found 3"),
    (of_candidate("scores", "log_loss", to={"mean": -1.0, "lo": None, "hi": None, "folds": [-1.0] * 5}),
     R + r"scores\.log_loss: log_loss is from 0 to 36\.0437, found -1"),
    (of_candidate("scores", "accuracy", "lo", to=0.99), R + r"scores\.accuracy: lo: expected at most hi, 0\.\d+, found 0\.99"),
    (of_candidate("scores", "accuracy", "folds", to=lambda folds: folds[:4]), R + r"scores\.accuracy: mean: expected"),
    (of_candidate("scores", "accuracy", "folds", to=lambda folds: [*folds, None]),
     R + r"scores\.accuracy\.folds: has 6 entries; expected 5"),
    (of_candidate("rank", to=0), R + "rank: expected at least 1, found 0"),
    (of_candidate("rank", to=1), r"candidates: expected the ranks 1 to 7, each once, found 1, 1, 2"),
    (lambda d: [found.update(rank=8 - found["rank"]) for found in d[C]], r"candidates: rank 1, .* is worse on accuracy than rank 2"),
    (at("best", to={"model": "constant", "modalities": [], "fusion": "early"}),
     "best: expected the candidate of rank 1, found constant on no modality"),
    (lambda d: d[C].append(d[C][3]), "candidates: 'knn on image.text, early' is there twice"),
    (of_candidate("confusion", 0, 0, to=-1), R + r"confusion\.0\.0: expected at least 0, found -1"),
    (of_candidate("confusion", 0, 0, to=lambda n: n + 1), R + r"confusion: expected as many rows of each true class as candidates\.0 has"),
    (of_candidate("reliability", "ece", to=-1.0), R + r"reliability\.ece: expected a share from 0 to 1, found -1"),
    (of_candidate("reliability", "ece", to=0.9), R + r"reliability: ece: expected 0\.\d+, as its parts add up to, found 0\.9"),
    (of_candidate("reliability", "brier", to=0.9), R + "reliability: brier: expected"),
    (of_candidate("reliability", "ece_corrected", to=0.99), R + r"reliability: ece_corrected: expected from lo to hi, .*, found 0\.99"),
    (of_candidate("reliability", "bins", to=[]), R + "reliability: bins: expected one bin or more"),
    (of_candidate("reliability", "bins", 1, "rows", to=0), R + r"reliability\.bins\.1\.rows: expected at least 1, found 0"),
    (of_candidate("reliability", "bins", 1, "held", to=1.5), R + r"reliability\.bins\.1\.held: expected a share from 0 to 1, found 1\.5"),
    (of_candidate("reliability", "bins", to=lambda bins: bins[::-1]), R + r"reliability: bins\.1\.stated: expected at least"),
    (of_candidate("configs", 0, "fold", to=-1), R + r"configs\.0\.fold: expected at least 0, found -1"),
    (of_candidate("configs", to=lambda configs: configs[1:]), R + "configs: expected one of each repeat and outer fold, 5, found 4"),
    (of_candidate("grid", 0, "mean", to=1.2), R + r"grid: accuracy is from 0 to 1, found 1\.2"),
    (of_candidate("notes", to={"tied_rows": 1.5}), R + r"notes\.tied_rows: expected a share from 0 to 1, found 1\.5"),
    (at(C, 6, "critical_points", 0, "hessian_min", to=21.0),
     r"candidates\.6\.critical_points\.0: hessian_min: expected at most hessian_max, 20, found 21"),
    (at(C, 6, "critical_points", 1, "verdict", to="saddle"),
     r"candidates\.6\.critical_points\.1: verdict: expected undetermined, as gradient_norm is not within gradient_limit, found saddle"),
    (at(C, 6, "critical_points", to=lambda points: [*points, points[0]]),
     r"candidates\.6\.critical_points: expected at most one of each .*, found 6"),
    (at(C, 6, "seeds", "sd", to=-1.0), r"candidates\.6\.seeds\.sd: expected 0 or more, found -1"),
    (at(C, 6, "seeds", "n_seeds", to=1), r"candidates\.6\.seeds\.n_seeds: expected at least 2, found 1"),
    (at(C, 6, "curves", "train_loss", to=[]), None),
    (at(C, 6, "curves", "train_loss", 0, to=[]),
     r"candidates\.6\.curves\.train_loss: expected at most 5 curves, .* each of one step or more"),
    (at("confidence", to=2.0), r"confidence: expected less than 1\.0, found 2\.0"),
    (at("n_folds", to=0), "n_folds: expected at least 1, found 0"),
    (at("n_groups", to=1000), "n_groups: expected at most rows.used, 120, found 1000"),
    (at("rows", "used", to=1000), "rows: used: expected at most available, 480, found 1000"),
    (at("rope", to=-0.1), r"rope: expected 0 or more, found -0\.1"),
    (at("choice_bias", to=-0.1), r"choice_bias: expected 0 or more, found -0\.1"),
    (at("counts", "apple", to=-1), r"counts\.apple: expected at least 0, found -1"),
    (at("quarantined", "share", to=2.0), r"quarantined\.share: expected a share from 0 to 1, found 2"),
    (at("combinations", 0, to=["image", "text"]), "combinations: expected those of candidates, each once, found image.text, "),
    (at("fold_names", to=["a"]), "fold_names: has 1 entries; expected 5"),
    (at("comparisons", 0, "p", to=-0.5), r"comparisons\.0\.p: expected a share from 0 to 1, found -0\.5"),
    (at("comparisons", 0, "p", to=0.0), r"comparisons\.0: p: expected at least p_fold and p_row, found 0"),
    (at("comparisons", 0, "p_corrected", to=0.0), r"comparisons\.0: p_corrected: expected p, .*, or more, found 0"),
    (at("comparisons", 0, "wins", to=121), r"comparisons\.0: wins and losses are \d+; expected at most 120, rows\.used"),
    (at("comparisons", 0, "difference", to=5.0), r"comparisons\.0: difference: expected from lo to hi, .*, found 5"),
    (at("comparisons", 0, "practical", "equal", to=0.9), r"comparisons\.0\.practical: better, equal and worse: expected to add up to 1"),
    (at("comparisons", 0, "rows_needed", to=0), r"comparisons\.0\.rows_needed: expected at least 1, found 0"),
    (lambda d: d["comparisons"][0].update(b=d["comparisons"][0]["a"]), r"comparisons\.0: b: expected another candidate than a"),
    (at("metrics", 0, "attainable", to=[1.0, 0.0]), r"metrics\.0: attainable: expected its least score first, found 1 and 0"),
    (at("learning_curves", 0, "points", to=[]), r"learning_curves\.0\.points: expected a list of at least 1, found \[\]"),
    (at("learning_curves", 0, "points", 0, "share", to=1.5), r"learning_curves\.0\.points\.0\.share: expected at most 1\.0, found 1\.5"),
    (at("learning_curves", 0, "points", 0, "n_train", to=-5), r"learning_curves\.0\.points\.0\.n_train: expected at least 1, found -5"),
    (at("learning_curves", 0, "points", 0, "n_train", to=60), r"learning_curves\.0: points\.1\.n_train: expected at least 60"),
    (at("learning_curves", 0, "points", 1, "share", to=0.25), r"learning_curves\.0: points\.1\.share: expected more than 0\.25"),
    (at("learning_curves", 0, "points", to=lambda points: points[:2]),
     r"learning_curves\.0: points\.1\.share: expected 1, all training rows"),
    (at("learning_curves", 0, "points", 0, "mean", to=7.0), r"learning_curves\.0\.points: accuracy is from 0 to 1, found 7"),
    (at("learning_curves", 0, "modalities", to=["sound"]), r"learning_curves\.0: 'knn on sound, early' is not among candidates"),
    (lambda d: d["learning_curves"].append(d["learning_curves"][0]), "learning_curves: knn on image.text, early is there twice"),
    (at("bias_variance", 0, "points", 0, "bias", 0, to=9.0), r"bias_variance\.0: points\.0\.bias\.0: expected at most 1 with its variance"),
    (at("bias_variance", 0, "points", 0, "variance", 0, to=-5.0),
     r"bias_variance\.0\.points\.0\.variance\.0: expected 0 or more, found -5"),
    (at("bias_variance", 0, "points", 0, "bias", 4, to=-0.02), r"bias_variance\.0: points\.0\.bias\.4: expected at least -0\.01, minus"),
    (at("bias_variance", 0, "modalities", to=["sound"]), r"bias_variance\.0\.modalities: 'sound' is not among modalities: image, text"),
    (at("bias_variance", 0, "points", to=lambda points: [p | {"bias": [0.1], "variance": [0.1]} for p in points]),
     r"bias_variance\.0\.points: has 1 folds; expected 5"),
    (at("bias_variance", 0, "loss", to="share of wrong labels"), r"bias_variance\.0\.loss: 'share of wrong labels' is not among losses"),
    (at("bias_variance", 0, "points", to=lambda points: [points[0], points[0]]), r"bias_variance\.0: points: 1 is there twice"),
    (at("randomised", 0, "p", to=0.01), r"randomised\.0: p: expected at least 0\.25, as there are 3 draws, found 0\.01"),
    (at("randomised", 0, "n_draws", to=0), r"randomised\.0\.n_draws: expected at least 1, found 0"),
    (at("randomised", 0, "observed", to=4.0), r"randomised\.0: accuracy is from 0 to 1, found 4"),
    (at("protocol_gaps", 0, "honest", to=4.0), r"protocol_gaps\.0: difference: expected -3\.\d+, leaking − honest"),
    (at("protocol_gaps", 0, "lo", to=0.99), r"protocol_gaps\.0: lo: expected at most hi"),
    (at("protocol_gaps", 0, "n_groups", to=99), r"protocol_gaps\.0\.n_groups: expected at most n_groups, 60, found 99"),
    (at("protocol_gaps", 0, "modalities", to=["sound"]), r"protocol_gaps\.0\.modalities: 'sound' is not among modalities"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), EVALUATIONS, ids=[f"{place} {message}" for place, (_, message) in enumerate(EVALUATIONS)])
def test_an_evaluation_that_cannot_be_is_refused(change: Change, message: str | None, place: Path) -> None:
    refused(evaluation_path("toy"), Evaluation, change, message)


OTHERS: list[tuple[Path, type[Document], Change, str]] = [
    (STUDY, BiasVariance, at("points", 0, "bias", 0, to=9.0),
     r"points\.0\.bias\.0: expected at most 1 with its variance, a share of wrong"),
    (STUDY, BiasVariance, at("points", 1, "variance", to=[0.1]), r"points\.1: bias and variance are not of the same folds"),
    (STUDY, BiasVariance, at("n_bootstraps", to=1), "n_bootstraps: expected at least 2, found 1"),
    (STUDY, BiasVariance, at("loss", to="votes"), "loss: expected 'share of wrong rows', .*, found 'votes'"),
    (RANDOMISED, RandomisedScores, at("observed", to={}), "observed: expected a combination or more"),
    (summary_path("toy"), Summary, at("lo", to=0.99), r"lo: expected at most hi, 0\.\d+, found 0\.99"),
    (summary_path("toy"), Summary, at("rows", to=-1), "rows: expected at least 0, found -1"),
    (gallery_path("toy"), Gallery, at("n_tested", to=0), "n_wrong: expected at most n_tested, 0, found"),
    (gallery_path("toy"), Gallery, at("mistakes", 0, "confidence", to=1.5), r"mistakes\.0\.confidence: expected a share from 0 to 1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "kind", "change", "message"), OTHERS, ids=[message for *_, message in OTHERS])
def test_other_documents_that_cannot_be_are_refused(
    path: Path, kind: type[Document], change: Change, message: str, place: Path
) -> None:
    refused(path, kind, change, message)


def refused(path: Path, kind: type[Document], change: Change, message: str | None) -> None:
    """Assert that a document is refused once it is changed; accepted, without a message."""
    read_document(path, kind)
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    if message is None:
        read_document(path, kind)
        return
    with pytest.raises(InputError, match=rf"(?s)^{re.escape(str(path))}: (.*; )?{message}.*; delete it and run `dvc repro`$"):
        read_document(path, kind)


def test_what_is_undefined_or_rounded_is_accepted() -> None:
    Interval(lo=None, hi=0.5)
    Interval(lo=0.5 + 1e-17, hi=0.5)
    assert list(mean_mistakes("mean", None, (None, None))) == []
    assert list(mean_mistakes("mean", 0.1 + 0.2, (0.3, None))) == []
    (line,) = mean_mistakes("mean", 0.4, (0.3, None))
    assert line == "mean: expected 0.3, the mean of the defined values, found 0.4"


# ---------------------------------------------------------------- tables
Rows = Callable[[pa.Table, dict[str, Any]], tuple[pa.Table, dict[str, Any]]]


def forge(path: Path, change: Rows) -> None:
    """Rewrite a table as `change` returns it, past all checks."""
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    table, about = change(table, json.loads(table.schema.metadata[METADATA_KEY]))
    described = table.replace_schema_metadata({METADATA_KEY: json.dumps(about)})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, described.schema) as writer:
        writer.write_table(described)


def without(**values: Any) -> Rows:
    """Return a change that drops the rows of these values."""
    return lambda table, about: (table.filter(pa.array(~chosen(table, **values))), about)


def chosen(table: pa.Table, **values: Any) -> np.ndarray:
    found = np.ones(len(table), bool)
    for name, value in values.items():
        found &= np.array(table[name].to_pylist()) == value
    return found


def more(column: str, value: Any, **values: Any) -> Rows:
    """Return a change that adds the rows of these values again, with another value in a column."""
    def change(table: pa.Table, about: dict[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
        added = table.filter(pa.array(chosen(table, **values)))
        kind = table.schema.field(column).type
        added = added.set_column(table.column_names.index(column), column, pa.array([value] * len(added), kind))
        return pa.concat_tables([table, added]), about

    return change


def first(column: str, value: Any) -> Rows:
    """Return a change of the first value of a column."""
    def change(table: pa.Table, about: dict[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
        kind = table.schema.field(column).type
        values = pa.array([value, *table[column].to_pylist()[1:]], kind)
        return table.set_column(table.column_names.index(column), column, values), about

    return change


def told(**changes: Any) -> Rows:
    return lambda table, about: (table, about | changes)


def toy_splits() -> Splits:
    return splits_of(read_described(splits_path("toy"), SplitsMetadata)[0])


def read_all_models() -> TrainingResults:
    folders, _ = evaluate.trained_models("toy")
    return read_models(folders, toy_splits(), form="classes", outputs=TOY.outputs, scoring=ACCURACY)


def test_the_sound_files_are_read(place: Path) -> None:
    found = read_all_models()
    assert [len(found.by_seed[Candidate("mlp", (name,))]) for name in TOY.modalities] == [3, 3]
    assert read_described(PREDICTIONS, TrainingMetadata)[1].seeds == (TOY.seed, 1001, 1002)


def told_and(changed: Rows, **changes: Any) -> Rows:
    """Return a change of the rows and of the metadata."""
    return lambda table, about: told(**changes)(*changed(table, about))


PREDICTED: list[tuple[Path, Rows, str]] = [
    (PREDICTIONS, without(seed=TOY.seed), r"modalities 'image', repeat 0, fold 0, seed 7: \d+ of \d+ test rows have no prediction"),
    (PREDICTIONS, without(seed=1001, modalities="text"), r"modalities 'text', repeat 0, fold 0, seed 1001: \d+ of \d+ test rows have no"),
    (PREDICTIONS, told_and(without(seed=TOY.seed), seeds=[1001, 1002]),
     r"column 'seed': expected 1001, the first of metadata seeds, found 7"),
    (PREDICTIONS, told_and(without(seed=TOY.seed), seeds=[]), r"modalities 'image', repeat 0, fold 0: \d+ of \d+ test rows have no"),
    (PREDICTIONS, told(seeds=[TOY.seed, 1001]),
     r"\d+ rows are of no candidate, seed and test fold .*, first row \d+: .*seed 1002.*; expected "),
    (PREDICTIONS, more("modalities", "sound", modalities="text"),
     r"\d+ rows are of no candidate, .*modalities 'sound'.*; expected modalities "),
    (PREDICTIONS, more("repeat", 1, modalities="text"), r"\d+ rows are of no candidate, .*repeat 1.*; expected .* on repeat/fold 0/0, "),
    (PREDICTIONS, more("fold", 9, modalities="text"), r"\d+ rows are of no candidate, .*fold 9"),
    (PREDICTIONS, first("prediction", None), r"column 'prediction': 1 of \d+ values are missing \(null\)"),
    (PREDICTIONS, first("sample_id", None), r"column 'sample_id': 1 of \d+ values are missing \(null\)"),
    (PREDICTIONS, first("probabilities", [None, 0.5, 0.5]), r"column 'probabilities': 1 numbers in its lists are missing \(null\)"),
    (PREDICTIONS, first("fold", -1), r"column 'fold': expected 0 or more, found -1 to 4"),
    (PREDICTIONS, told(combinations=[]), "metadata combinations: expected one or more"),
    (PREDICTIONS, told(combinations=[], not_applicable="no"), r"\d+ rows; expected none, as metadata not_applicable says why"),
    (PREDICTIONS, told(seeds=[7, 7]), "metadata seeds: 7 is there twice"),
    (SWEEP, without(modalities="text"), "modalities 'text', early: there is no configuration of it"),
    (SWEEP, without(fold=2), r"modalities 'image': column 'chosen': expected one configuration for each of 5 test folds, found 4"),
    (SWEEP, without(chosen=True), r"modalities 'image': column 'chosen': expected one configuration for each of 5 test folds, found 0"),
    (SWEEP, more("modalities", "sound", modalities="text"), "modalities 'sound', early: there is no prediction of it"),
    (SWEEP, first("config", -1), r"column 'config': expected 0 or more, found -1 to 3"),
    (results_dir(TOY, "knn") / "notes.arrow", first("value", 1.5), r"column 'value': expected 0 to 1, found 0\.2 to 1\.5"),
    (PREDICTIONS.with_name("curves.arrow"), first("step", 0), "column 'step': expected 1 or more, found 0 to "),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change", "message"), PREDICTED, ids=[f"{i} {message}" for i, (*_, message) in enumerate(PREDICTED)])
def test_training_results_that_are_not_whole_are_refused(path: Path, change: Rows, message: str, place: Path) -> None:
    forge(path, change)
    with pytest.raises(InputError, match=rf"data/predictions/toy/\w+/\w+\.arrow: (.*; )?{message}.*run `dvc repro`"):
        read_all_models()


def test_seeds_without_metadata_are_those_of_the_file_for_versions_before(place: Path) -> None:
    """Comparing reads what earlier versions wrote; there, too, every combination has every seed."""
    from stages.paired_versions.version_files import VersionFiles

    files = VersionFiles(splits_path("toy"), {"mlp": PREDICTIONS})
    forge(PREDICTIONS, told(seeds=[]))
    assert len(files.by_candidate("mlp")[Candidate("mlp", ("text",))]) == 3
    forge(PREDICTIONS, without(seed=1001, modalities="text"))
    with pytest.raises(InputError, match=r"modalities 'text', repeat 0, fold 0, seed 1001: \d+ of \d+ test rows have no prediction"):
        files.by_candidate("mlp")


LEAKS: list[tuple[Rows, str]] = [
    (without(protocol="leaking"), r"leaking, 'image', repeat 0, fold 0: no test row has a prediction"),
    (without(protocol="honest"), r"protocol honest, modalities 'image', repeat 0, fold 0: \d+ of \d+ test rows have no prediction"),
    (lambda table, about: (table.slice(1), about), r"protocol honest, modalities 'image', repeat 0, fold \d: 1 of \d+ test rows have no"),
    (lambda table, about: (table.slice(0, len(table) - 1), about),
     r"leaking, 'text', repeat 0: expected each of 120 test rows in one fold; 1"),
    (lambda table, about: (pa.concat_tables([table, table.slice(0, 1)]), about), "a row has two predictions"),
    (lambda table, about: (pa.concat_tables([table, table.slice(len(table) - 1)]), about), "a row has two predictions"),
    (first("prediction", 99), "predictions must be class codes 0 to 2, found 0 to 99"),
    (first("prediction", None), r"column 'prediction': 1 of \d+ values are missing"),
    (first("target", 2), r"\d targets differ from those of the splits"),
    (first("protocol", "secret"), "column 'protocol': expected 'honest' or 'leaking', found 'secret'"),
    (first("sample_id", "stranger"), "1 of .* test rows have no prediction"),
    (more("modalities", "sound", modalities="text"), "rows are of no candidate, .*modalities 'sound', .*protocol 'honest'"),
    (more("repeat", 3, modalities="text"), "rows are of no candidate, .*repeat 3"),
    (told(combinations=["image", "image"]), "metadata combinations: 'image' is there twice"),
    (told(combinations=["image"]), "rows are of no candidate"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), LEAKS, ids=[f"{i} {message}" for i, (_, message) in enumerate(LEAKS)])
def test_predictions_of_a_leaking_control_are_of_every_test_row(change: Rows, message: str, place: Path) -> None:
    assert len(protocol_gaps("toy", ACCURACY, toy_splits(), 0.95, EXPECTED)) == 2
    forge(LEAKING, change)
    with pytest.raises(InputError, match=rf"^{LEAKING}: .*{message}.*(run `dvc repro`|fix the model)$"):
        protocol_gaps("toy", ACCURACY, toy_splits(), 0.95, EXPECTED)


def test_leaking_folds_may_hold_other_rows_than_the_honest_ones(place: Path) -> None:
    def drawn(table: pa.Table, about: dict[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
        fold, leaking = np.array(column_values(table["fold"])), chosen(table, protocol="leaking")
        fold[leaking] = np.arange(leaking.sum()) % 5
        return table.set_column(table.column_names.index("fold"), "fold", pa.array(fold)), about

    forge(LEAKING, drawn)
    assert len(protocol_gaps("toy", ACCURACY, toy_splits(), 0.95, EXPECTED)) == 2


CURVES: list[tuple[Rows, str]] = [
    (first("share", 1.5), r"column 'share': expected 0 to 0\.5, found 0\.25 to 1\.5"),
    (first("share", float("nan")), r"column 'share': expected 0 to 0\.5, found NaN"),
    (more("share", 0.4, share=0.5), r"column 'share': expected 0\.5, 0\.25, …, found 0\.4"),
    (more("share", 1.0, share=0.5), r"column 'share': expected 0 to 0\.5, found 0\.25 to 1"),
    (first("n_train", -5), "column 'n_train': expected 1 or more, found -5 to 48"),
    (first("n_train", 25), r"share 0\.25, modalities 'image.text': n_train: expected one number for each repeat and fold, found several"),
    (lambda table, about: (table.set_column(1, "n_train", pa.array([30] * len(table), pa.int32())), about),
     r"share 0\.5: n_train: expected more than 30 and less than 96, those of other shares, found 30"),
    (without(fold=2), r"modalities 'image.text', repeat 0, fold 2: \d+ of \d+ test rows have no prediction"),
    (without(share=0.5), r"column 'share': 0\.5 is missing, and metadata skipped does not say why"),
    (lambda table, about: (pa.concat_tables([table, table.slice(0, 1)]), about), "a row has two predictions"),
    (more("modalities", "sound", share=0.5), "rows are of no candidate, .*modalities 'sound'"),
    (more("fusion", "late", share=0.5), r"share 0\.5: train wrote no predictions of knn on image.text, late"),
    (more("seed", 9, share=0.5), "column 'seed': expected one, found 2"),
    (first("prediction", 99), "predictions must be class codes 0 to 2"),
    (told(skipped={"1.5": "why"}), r"metadata skipped: expected shares 0\.5, 0\.25, …, found '1\.5'"),
    (told(not_applicable="no"), "metadata combinations: expected none, as not_applicable says why"),
]  # fmt: skip


def curves_of_the_toy() -> Any:
    splits = toy_splits()
    return learning_curves("toy", read_all_models().predictions, splits, ACCURACY, design_of(splits, 0.95), EXPECTED)


@pytest.mark.parametrize(("change", "message"), CURVES, ids=[f"{i} {message}" for i, (_, message) in enumerate(CURVES)])
def test_a_learning_curve_that_cannot_be_is_refused(change: Rows, message: str, place: Path) -> None:
    forge(CURVE, change)
    with pytest.raises(InputError, match=rf"^{CURVE}: .*{message}.*(run `dvc repro`|fix the model)$"):
        curves_of_the_toy()


def test_a_share_that_is_skipped_for_a_reason_needs_no_rows(place: Path) -> None:
    (curve,) = curves_of_the_toy()
    assert [(point.share, point.n_train) for point in curve.points] == [(0.25, 24), (0.5, 48), (1.0, 96)]
    forge(CURVE, told_and(without(share=0.5), skipped={"0.5": "too few rows", "0.000976562": "a group cannot be halved"}))
    forge(CURVE, told(skipped={"0.5": "too few rows", "0.125": "a group cannot be halved"}))
    (curve,) = curves_of_the_toy()
    assert [point.share for point in curve.points] == [0.25, 1.0]


# ---------------------------------------------------------------- the stage as a whole
STOPPED: list[tuple[Path, Callable[[Any], Any], str]] = [
    (RANDOMISED, at("observed", "text", 0, to=3.0), r"permuted/randomised\.json: observed\.text: accuracy is from 0 to 1, found 3; run"),
    (RANDOMISED, lambda d: [part.update(text=part["text"][1:]) for part in (d["observed"], *(draw["scores"] for draw in d["draws"]))],
     r"permuted/randomised\.json: observed\.text: has 4 scores; expected 5, one of each test fold; run"),
    (STUDY, at("modalities", to=["sound"]),
     r"knn/bias_variance\.json: modalities: 'sound' is not among modalities of the data set: image, text; run"),
    (STUDY, at("loss", to="share of wrong labels"),
     r"knn/bias_variance\.json: loss: expected 'share of wrong rows', found 'share of wrong la"),
    (STUDY, at("points", to=lambda points: [p | {"bias": [0.1], "variance": [0.1]} for p in points]),
     r"knn/bias_variance\.json: points\.0: is of 1 folds; expected 5; points\.1: is of 1 folds"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change", "message"), STOPPED, ids=[message for *_, message in STOPPED])
def test_evaluate_ends_with_one_error_and_writes_nothing(path: Path, change: Change, message: str, place: Path) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    before = evaluation_path("toy").read_bytes()
    with pytest.raises(InputError, match=message):
        evaluate.main("toy")
    assert evaluation_path("toy").read_bytes() == before


def test_inner_scores_that_no_metric_attains_are_an_error_of_the_evaluation(place: Path) -> None:
    forge(SWEEP, first("score", 40.0))
    with pytest.raises(InputError, match=r"is not written: candidates\.4\.\w+: accuracy is from 0 to 1, found \d.*; the files below"):
        evaluate.main("toy")


def test_a_null_prediction_ends_the_process_without_a_traceback(place: Path) -> None:
    forge(PREDICTIONS, first("prediction", None))
    done = subprocess.run([sys.executable, "-m", "stages.evaluate", "toy"], env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith(f"error: evaluate toy: {PREDICTIONS}: column 'prediction': 1 of ")
