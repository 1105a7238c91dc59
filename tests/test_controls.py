"""What every control promises, and the values of each by an independent definition."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from toy_control import control_data
from toy_problem import time_ordered, toy_folds, toy_problem

from stages.contracts.control import ControlData, Reference, Restricted, Rule
from stages.contracts.model import FoldResult
from stages.contracts.problem import Problem
from stages.controlling import fitted_trees
from stages.controlling.control_results import control_results, controlled
from stages.controlling.fitted_trees import tree_scores
from stages.controls import vader
from stages.foundation.registry import component, names
from stages.model_selection.target_forms import FORMS
from stages.samples.pooling import FILES_KEY, SEVERAL

CONTROLS = [name for name in names("controls") if isinstance(component("controls", name), Rule | Restricted | Reference)]
KNOWS = "knows what it is shown"
EXCEPTIONS = {  # (control, check) → why it fails
    ("constant", KNOWS): "it is shown nothing",
}
SENTIMENTS = ("negative", "neutral", "positive")
TEXTS = {"negative": "awful", "neutral": "a chair", "positive": "very good film"}  # of one, two and three words
TASKS = ("binary", "multiclass", "multilabel", "regression")
N = 60


def toy_data(task: str, *, in_time: bool = False) -> ControlData:
    """Return a toy problem of which every control says something: sizes and a column that tell the class."""
    problem = toy_problem(n=N, n_classes=2 if task == "binary" else 3, task=task, modalities=("image", "text"))
    problem = time_ordered(problem) if in_time else problem
    codes = codes_of(problem)
    if problem.form == "classes":
        problem = replace(problem, outputs=SENTIMENTS[:: 2 if task == "binary" else 1])
    words = pa.array([TEXTS[problem.outputs[code]] if problem.form == "classes" else " ".join("w" * (1 + code)) for code in codes])
    columns: dict[str, Any] = {"text": words, "image": pa.array([b"x" * (9 + code) for code in codes], pa.binary())}
    if problem.form == "classes":
        columns["persistence"] = problem.target
    elif problem.form == "continuous":
        columns["persistence"] = pa.FixedSizeListArray.from_arrays(pa.array(problem.target.ravel()), problem.target.shape[1])
    data = with_modality(control_data(problem, **columns))
    return replace(data, features={name: pa.table({"sample_id": data.samples["sample_id"]}) for name in ("image", "text")})


def with_modality(data: ControlData) -> ControlData:
    """Return the data with the modality of the column `text` in its metadata, as ingest writes it."""
    fields = [field.with_metadata({"modality": "text"}) if field.name == "text" else field for field in data.samples.schema]
    return replace(data, samples=data.samples.cast(pa.schema(fields)))


def codes_of(problem: Problem) -> np.ndarray:
    """Return a class per row that the target tells."""
    target = problem.target if problem.form == "classes" else np.nan_to_num(problem.target).argmax(axis=1)
    return np.asarray(target, dtype=np.int64)


def results_of(name: str, data: ControlData) -> list[FoldResult]:
    control: Rule | Restricted = component("controls", name)
    found = control_results(control, data, control.settings())
    if isinstance(found, str):
        assert (name, data.problem.form) in {("persistence", "labels"), ("vader", "labels"), ("vader", "continuous")}, found
        pytest.skip(found)
    return found


def scores_of(name: str, data: ControlData) -> list[float]:
    metric = data.problem.metrics[data.problem.scoring]
    return [metric.score(data.problem.target[r.fold.test], r.prediction, r.probabilities) for r in results_of(name, data)]


def why_not(name: str, data: ControlData) -> str | list[FoldResult]:
    control: Rule | Restricted = component("controls", name)
    return control_results(control, data, control.settings())


def test_controls_are_found() -> None:
    assert {"constant", "persistence", "size", "identifiers"} <= set(CONTROLS)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", CONTROLS)
class TestEveryControl:
    def test_predicts_every_test_row_of_every_fold_once(self, name: str, task: str) -> None:
        data = toy_data(task)
        found = results_of(name, data)
        control: Rule | Restricted = component("controls", name)
        combinations = controlled(data.problem, control).combinations
        expected = (("image",),) if isinstance(control, Reference) else data.problem.combinations if control.by_combination else ((),)
        assert combinations == expected
        assert [(r.fold.index, r.modalities) for r in found] == [(fold.index, some) for fold in data.problem.folds for some in combinations]
        form, n_outputs = FORMS[data.problem.form], len(data.problem.outputs)
        like = form.decide(np.zeros((1, n_outputs)), np.ones(n_outputs))
        for result in found:
            assert (result.prediction.shape, result.prediction.dtype) == (data.problem.target[result.fold.test].shape, like.dtype)
            if not form.has_probabilities:
                assert result.probabilities is None and np.isfinite(result.prediction).all()
                continue
            assert result.probabilities is not None and result.probabilities.shape == (len(result.fold.test), n_outputs)
            assert result.probabilities.min() >= 0 and result.probabilities.max() <= 1 and result.probabilities.dtype == np.float32
            if data.problem.form == "classes":
                np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, rtol=1e-5)

    def test_same_bytes_on_any_number_of_cores(self, name: str, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
        found = []
        for cores in ("1", "3"):
            monkeypatch.setenv("SENSORIUM_CORES", cores)
            found.append(results_of(name, toy_data(task)))
        for a, b in zip(*found, strict=True):
            assert a.prediction.tobytes() == b.prediction.tobytes()
            assert a.probabilities is None or a.probabilities.tobytes() == b.probabilities.tobytes()

    @pytest.mark.parametrize("in_time", [False, True], ids=["drawn", "in time"])
    def test_targets_of_test_rows_change_nothing(self, name: str, task: str, in_time: bool) -> None:
        data = toy_data(task, in_time=in_time)
        fold = data.problem.folds[1]
        data = replace(data, problem=replace(data.problem, folds=(fold,)))
        target = data.problem.target.copy()
        others = np.setdiff1d(np.arange(N), fold.train)  # in time order also what comes later
        target[others] = target[others][::-1] if data.problem.form == "classes" else 1 - target[others]
        changed = replace(data, problem=replace(data.problem, target=target))
        for before, after in zip(results_of(name, data), results_of(name, changed), strict=True):
            assert before.prediction.tobytes() == after.prediction.tobytes()

    def test_knows_what_it_is_shown(self, name: str, task: str, request: pytest.FixtureRequest) -> None:
        """The toy's sizes and its column persistence tell the class; its ids do where the rows are in the order of the class."""
        if (name, KNOWS) in EXCEPTIONS:
            request.applymarker(pytest.mark.xfail(reason=EXCEPTIONS[name, KNOWS], strict=True, raises=AssertionError))
        data = toy_data(task)
        if name == "identifiers":
            order = np.argsort(codes_of(data.problem), kind="stable")
            data = replace(data, problem=replace(data.problem, target=data.problem.target[order]))
        assert np.mean(scores_of(name, data)) > np.mean(scores_of("constant", data)) + 0.02


# ---------------------------------------------------------------- vader
def sentiment_data(texts: list[str | None], target: list[int], outputs: tuple[str, ...], **columns: Any) -> ControlData:
    """Return texts with their sentiments; two folds, the even rows and the odd ones."""
    problem = replace(toy_problem(n=len(texts)), outputs=outputs, target=np.array(target, np.int32), folds=toy_folds(len(texts), 2))
    data = with_modality(control_data(problem, text=pa.array(texts, pa.string()), **columns))
    return replace(data, features={"text": data.samples.select(["sample_id"])})


def vader_scores(data: ControlData, train: list[int], rows: list[int], **settings: float) -> Any:
    control: Rule = component("controls", "vader")
    return control.predict(data, control.settings(**settings), np.array(train), np.array(rows))


def test_vader_scores_are_those_of_the_package_readme() -> None:
    """The examples on the package's page, with the scores printed there."""
    texts = {
        "VADER is smart, handsome, and funny.": 0.8316,
        "VADER is VERY SMART, handsome, and FUNNY!!!": 0.9342,
        "VADER is not smart, handsome, nor funny.": -0.7424,
        "The book was good.": 0.4404,
        "At least it isn't a horrible book.": 0.431,
        "Today SUX!": -0.5461,
        "Make sure you :) or :D today!": 0.8633,
    }
    data = sentiment_data([*texts, "", None], [0] * 9, SENTIMENTS)
    np.testing.assert_allclose(vader.compound_scores(data), [*texts.values(), 0, 0], atol=1e-12)


def test_vader_reads_utterances_and_every_text_of_a_sample() -> None:
    data = sentiment_data(["good", "bad"], [0, 1], ("negative", "positive"))
    utterances = pa.array([{"text": "bad", "speaker": "great"}, {"text": "bad", "speaker": None}])
    field = pa.field("words", utterances.type, metadata={"modality": "text"})
    several = replace(data, samples=data.samples.append_column(field, [utterances]))
    several = replace(several, features=dict.fromkeys(("words", "text"), data.features["text"]))
    both = vader.compound_scores(sentiment_data(["good\nbad", "bad\nbad"], [0, 1], ("negative", "positive")))
    assert vader.compound_scores(several).tolist() == both.tolist() and both[0] > both[1]


def test_vader_has_the_thresholds_of_its_authors_and_the_sign_without_a_neutral_class() -> None:
    texts = ["It was good.", "It was bad.", "A chair.", "The plot was good, but the dialog is not great."]
    data = sentiment_data(texts, [2, 0, 1, 0], SENTIMENTS)
    assert vader_scores(data, [0, 1, 2, 3], [0, 1, 2, 3]).decisions.argmax(axis=1).tolist() == [2, 0, 1, 0]
    assert vader_scores(data, [0, 1, 2, 3], [0, 1, 2, 3], threshold=0.8).decisions.argmax(axis=1).tolist() == [1, 1, 1, 1]
    for target, most_frequent in (([1, 0, 0, 0], 0), ([1, 0, 1, 1], 1)):
        polar = sentiment_data(texts, target, ("negative", "positive"))
        assert vader_scores(polar, [0, 1, 2, 3], [0, 1, 2, 3]).decisions.argmax(axis=1).tolist() == [1, 0, most_frequent, 0]


def test_probabilities_of_vader_are_shares_among_training_rows_it_predicts_alike() -> None:
    data = sentiment_data(["good", "good", "good", "bad", "good", "bad", "chair"], [2, 2, 0, 0, 0, 0, 0], SENTIMENTS)
    found = vader_scores(data, [0, 1, 2, 3], [4, 5, 6]).probabilities
    np.testing.assert_allclose(found, [[2 / 6, 1 / 6, 3 / 6], [2 / 4, 1 / 4, 1 / 4], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)


def test_vader_says_what_it_needs() -> None:
    texts: list[str | None] = ["good", "bad"]
    for outputs in (("no", "yes"), ("negative", "neutral"), ("mixed", "negative", "positive")):
        assert "it predicts the classes negative, positive and" in str(why_not("vader", sentiment_data(texts, [0, 1], outputs)))
    data = sentiment_data(texts, [0, 1], ("negative", "positive"))
    words = with_modality(replace(data, samples=data.samples.drop_columns("text").append_column("text", pa.array([["good"], ["bad"]]))))
    assert why_not("vader", words) == "it reads texts, and no modality is one"
    untexted = replace(data, features={})
    assert why_not("vader", untexted) == "it reads texts, and no modality is one"


# ---------------------------------------------------------------- constant
def test_the_constant_is_the_most_frequent_class_of_the_training_rows_with_its_shares() -> None:
    data = toy_data("multiclass")
    for result in results_of("constant", data):
        counts = np.bincount(data.problem.target[result.fold.train], minlength=3)
        assert set(result.prediction) == {counts.argmax()}
        np.testing.assert_allclose(result.probabilities, np.tile(counts / counts.sum(), (len(result.fold.test), 1)), rtol=1e-6)


def test_the_constant_of_targets_is_the_mean_of_known_values() -> None:
    data = toy_data("regression")
    for result in results_of("constant", data):
        expected = np.nanmean(data.problem.target[result.fold.train], axis=0)
        np.testing.assert_allclose(result.prediction, np.tile(expected, (len(result.fold.test), 1)))


# ---------------------------------------------------------------- persistence
def test_persistence_is_the_column_and_where_that_is_empty_the_training_mean() -> None:
    target, said = np.arange(60.0).reshape(30, 2), np.arange(60.0).reshape(30, 2) * 10
    said[4, 1] = np.nan
    problem = replace(toy_problem(n=30, task="regression"), target=target, outputs=("a", "b"), folds=toy_folds(30))
    data = control_data(problem, persistence=pa.FixedSizeListArray.from_arrays(pa.array(said.ravel()), 2))
    for result in results_of("persistence", data):
        expected = said[result.fold.test].copy()
        if 4 in result.fold.test:
            expected[list(result.fold.test).index(4), 1] = target[result.fold.train, 1].mean()
        assert np.array_equal(result.prediction, expected)


def test_persistence_of_classes_is_the_named_class_as_sure_as_it_was_right_on_the_training_rows() -> None:
    """Of every four rows the column is wrong in one; in row 0 it names no class."""
    target = np.random.default_rng(3).integers(0, 3, 60).astype(np.int32)
    said = np.where(np.arange(60) % 4 == 3, (target + 1) % 3, target).astype(np.int32)
    said[0] = -1
    for result in results_of("persistence", control_data(replace(toy_problem(n=60), target=target), persistence=said)):
        train = result.fold.train
        right = (np.count_nonzero(said[train] == target[train]) + 1) / (np.count_nonzero(said[train] >= 0) + 2)
        shares = np.bincount(target[train], minlength=3) / len(train)
        for row, prediction, probabilities in zip(result.fold.test, result.prediction, result.probabilities, strict=True):
            if row == 0:
                assert prediction == shares.argmax()
                np.testing.assert_allclose(probabilities, shares, rtol=1e-6)
                continue
            others = [code for code in range(3) if code != said[row]]
            assert prediction == said[row] and probabilities[said[row]] == pytest.approx(right)
            assert probabilities[others] == pytest.approx((1 - right) * shares[others] / shares[others].sum())


def test_without_a_column_persistence_says_where_to_name_one() -> None:
    assert "`persistence:` in the data set's entry" in str(why_not("persistence", control_data(toy_problem())))
    assert "the targets are labels" in str(why_not("persistence", control_data(toy_problem(task="multilabel"))))


# ---------------------------------------------------------------- identifiers
def test_identifiers_are_place_length_prefix_and_numbers() -> None:
    ids = ["b-7", "a-12-x-0500", "plain", "b_9999999999999999", "a0"]
    found = component("controls", "identifiers").columns(control_data(toy_problem(n=5), sample_id=ids), None)
    assert list(found) == [""]
    assert found[""].tolist() == [
        [0, 3, 2, 7, -1, -1, 7], [1, 11, 1, 12, 500, -1, 500], [2, 5, 4, -1, -1, -1, -1],
        [3, 18, 3, 999999999999999, 9, -1, 9], [4, 2, 0, 0, -1, -1, 0],
    ]  # fmt: skip


# ---------------------------------------------------------------- size
def encoded(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = [encoded(3, 5), encoded(40, 2)]
GRAPH = pa.array([{"n_nodes": 4, "source": [0, 1, 1], "target": [1, 2, 3]}, {"n_nodes": 1, "source": [], "target": []}],
                 pa.struct([("n_nodes", pa.int32()), ("source", pa.list_(pa.int32())), ("target", pa.list_(pa.int32()))]))
SIZES: list[tuple[str, str, pa.Array, dict[str, pa.Array], list[list[float]]]] = [
    ("image", "image", pa.array(PNG), {}, [[len(PNG[0]), 3, 5], [len(PNG[1]), 40, 2]]),
    ("audio", "audio", pa.array([b"abc", b""]), {"frames": pa.array([[[1.0]], []])}, [[3, 1], [0, 0]]),
    ("text", "text", pa.array(["two  wörds", None]), {"indices": pa.array([[5, 9], []])}, [[10, 2, 2], [-1, -1, 0]]),
    ("graph", "graph", GRAPH, {}, [[4, 3], [1, 0]]),
    ("points", "set", pa.array([[[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]]), {}, [[1], [2]]),
    ("table", "table", pa.array([{"a": 1.0, "b": "x"}, {"a": float("nan"), "b": None}]), {}, [[0], [2]]),
    ("vector", "vector", pa.FixedSizeListArray.from_arrays(pa.array([1.0, None, 2.0, 3.0]), 2), {}, [[1], [0]]),
    ("several files", "image", pa.array([[b"ab", b"c"], [b"defg"]]), {}, [[2, 3], [1, 4]]),
]


@pytest.mark.parametrize(("what", "kind", "column", "features", "expected"), SIZES, ids=[size[0] for size in SIZES])
def test_sizes_are_those_counted_by_hand(
    what: str, kind: str, column: pa.Array, features: dict[str, pa.Array], expected: list[list[float]]
) -> None:
    about = {b"modality": kind.encode(), **({FILES_KEY: SEVERAL} if what == "several files" else {})}
    samples = pa.Table.from_arrays([column], schema=pa.schema([pa.field("mine", column.type, metadata=about)]))
    data = ControlData(toy_problem(n=2), samples, {"mine": pa.table({"sample_id": ["a", "b"], **features})})
    assert component("controls", "size").columns(data, None)["mine"].tolist() == expected


def test_what_is_of_one_size_is_no_control_but_next_to_other_sizes_it_is() -> None:
    data = toy_data("multiclass")
    same = data.samples.set_column(data.samples.column_names.index("text"), "text", pa.array(["one two"] * N))
    assert {r.modalities for r in results_of("size", replace(data, samples=same))} == {("image",), ("text",), ("image", "text")}
    same = same.set_column(same.column_names.index("image"), "image", pa.array([b"xx"] * N))
    assert why_not("size", replace(data, samples=same)) == "what it sees is the same of every sample"


def test_the_learner_of_a_few_columns_is_fitted_on_a_bounded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = toy_problem(n=300)
    rows = np.arange(300)
    columns = problem.target[:, None] + 0.3 * np.random.default_rng(0).standard_normal((300, 1))
    whole = tree_scores(columns, problem, rows, rows, purpose=("a",)).decisions
    monkeypatch.setattr(fitted_trees, "MOST_ROWS", 30)
    sampled = tree_scores(columns, problem, rows, rows, purpose=("a",)).decisions
    assert not np.array_equal(whole, sampled) and np.mean(sampled.argmax(axis=1) == problem.target) > 0.7
    assert np.array_equal(sampled, tree_scores(columns, problem, rows, rows, purpose=("a",)).decisions)


def test_a_rule_looks_at_no_modality() -> None:
    assert all(not component("controls", name).by_combination for name in CONTROLS if isinstance(component("controls", name), Rule))
