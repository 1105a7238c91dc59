"""Samples that lack a modality: their features, folds, training, predictions and scores."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from raw_samples import columns as readable_columns
from toy_problem import toy_problem

from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.modality import Modality
from stages.contracts.model import FoldResult, SeededPrediction
from stages.contracts.problem import Fold, Problem
from stages.controls.size.sizes import sample_sizes
from stages.features.feature_blocks import imputed
from stages.featurize import describe, featurized_chunks
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.leak_evidence.nearest_samples import nearest_samples
from stages.model_selection.answered_rows import answered
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.fusing import fused_results, trained_combinations
from stages.model_selection.prior_answer import prior_answer
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.scarce_samples import untrainable
from stages.model_selection.tuning_sample import fitting
from stages.samples.absent_samples import PRESENT, empty_values, has_sample
from stages.scoring.stacked_scores import is_of_numbers
from stages.splitting.presence import presence_of, refuse_scarce
from stages.validation.suites import modality_suite

READABLE = readable_columns()
CHANNELS = {("series", "plain lists"): {"channels": ["a", "b"]}}  # whose type does not say how many there are
FORMS = {"multiclass": "classes", "multilabel": "labels", "regression": "continuous"}


# ---------------------------------------------------------------- features
def featurized(column: pa.Array, modality: Modality[Any], chunk_rows: int = 4096, **settings: Any) -> tuple[list[pa.Table], dict[str, str]]:
    """Return the chunks of a features file, and the reasons of unreadable samples."""
    samples = pa.table({"sample_id": [f"s{row:03d}" for row in range(len(column))], "raw": column})
    reasons: dict[str, str] = {}
    chunks = list(featurized_chunks(samples, "raw", modality, modality.settings(**settings), reasons, chunk_rows=chunk_rows))
    return [table for table, _ in chunks], reasons


def with_nulls(column: pa.Array, before: int, between: int) -> pa.Array:
    """Return a column with nulls before its first value and after each value."""
    places: list[int | None] = [None] * before
    for row in range(len(column)):
        places += [row, *([None] * between)]
    return column.take(pa.array(places, pa.int64()))


@pytest.mark.parametrize("key", READABLE, ids=" ".join)
@pytest.mark.parametrize("chunk_rows", [1, 3, 4096])
def test_features_of_a_sample_do_not_depend_on_others_that_lack_the_modality(key: tuple[str, str], chunk_rows: int) -> None:
    modality, settings = component("modalities", key[0]), CHANNELS.get(key, {})
    alone, none = featurized(READABLE[key], modality, **settings)
    tables, reasons = featurized(with_nulls(READABLE[key], 2, 1), modality, chunk_rows, **settings)
    assert none == reasons == {}
    whole = pa.concat_tables(tables)
    present = np.array(whole[PRESENT].to_pylist())
    assert present.tolist() == [False, False, *[True, False] * (len(present) // 2 - 1)]
    assert [f"s{row:03d}" for row in range(len(present))] == whole["sample_id"].to_pylist()
    kept = whole.filter(pa.array(present)).drop_columns(["sample_id", PRESENT])
    assert kept.to_pydict().__repr__() == pa.concat_tables(alone).drop_columns(["sample_id"]).to_pydict().__repr__()
    assert whole.schema.field(PRESENT).type == pa.bool_()


@pytest.mark.parametrize("key", READABLE, ids=" ".join)
def test_sizes_tell_which_samples_lack_the_modality(key: tuple[str, str]) -> None:
    column = with_nulls(READABLE[key], 1, 1)
    found = list(sample_sizes(pa.field("raw", column.type, metadata={"modality": key[0]}), pa.chunked_array([column])))
    assert all(len(sizes) == len(column) for sizes in found)
    for sizes in found:
        assert len(set(sizes[~has_sample(column)].tolist())) == 1


def test_no_column_of_marks_where_every_sample_has_the_modality() -> None:
    tables, _ = featurized(READABLE["image", "toy"], component("modalities", "image"))
    assert PRESENT not in tables[0].column_names


def test_a_sample_that_cannot_be_read_is_not_one_that_lacks_the_modality() -> None:
    good = READABLE["image", "toy"][0].as_py()
    tables, reasons = featurized(pa.array([None, b"nonsense", good, None], pa.binary()), component("modalities", "image"), 1)
    assert list(reasons) == ["s001"]
    assert pa.concat_tables(tables).select(["sample_id", PRESENT]).to_pydict() == {
        "sample_id": ["s000", "s002", "s003"], PRESENT: [False, True, False]}  # fmt: skip


def test_of_a_modality_that_no_sample_has_there_are_no_features() -> None:
    assert featurized(pa.array([None] * 5, pa.binary()), component("modalities", "image")) == ([], {})


def test_empty_values_of_every_type() -> None:
    kind = pa.struct([("a", pa.list_(pa.float32())), ("b", pa.list_(pa.float64(), 2)), ("c", pa.string()), ("d", pa.int16())])
    found = empty_values(kind, 2).to_pylist()
    assert str(found) == str([{"a": [], "b": [float("nan")] * 2, "c": None, "d": 0}] * 2)
    assert empty_values(pa.list_(pa.float32(), 3), 2).to_pylist() == [[0.0] * 3] * 2


def test_validation_expects_nothing_of_samples_that_lack_the_modality_and_counts_them() -> None:
    modality, column = component("modalities", "vector"), READABLE["vector", "toy"]
    tables, _ = featurized(with_nulls(column, 0, 2), modality)
    metadata = describe(next(iter(_features(column, modality))), modality, modality.settings(), dataset="toy", name="raw")
    samples = pa.table({"sample_id": pa.concat_tables(tables)["sample_id"], "raw": with_nulls(column, 0, 2)})
    suite = modality_suite("raw", tables, metadata, samples)
    assert suite.n_absent == 2 * len(column)
    assert len(suite.frame["sample_id"]) == len(column) and list(suite.frame["sample_id"]) == list(suite.frame["expected_id"])
    assert suite.expectations[0] == ("expect_table_row_count_to_equal", {"value": len(column)})


def _features(column: pa.Array, modality: Modality[Any]) -> Iterator[Any]:
    samples = pa.table({"sample_id": [str(row) for row in range(len(column))], "raw": column})
    return (features for _, features in featurized_chunks(samples, "raw", modality, modality.settings(), {}))


def test_samples_that_lack_a_modality_are_nobodys_neighbors() -> None:
    rng = np.random.default_rng(0)
    vectors, present = rng.standard_normal((60, 4)), rng.random(60) < 0.5
    vectors[~present] = 0
    found, alone = nearest_samples(vectors, np.arange(60), present), nearest_samples(vectors[present], np.arange(present.sum()))
    kept = np.flatnonzero(present)
    assert np.array_equal(found.rows, kept) and np.array_equal(found.nearest, kept[alone.nearest])
    assert np.array_equal(found.distances, alone.distances)


# ---------------------------------------------------------------- folds
def samples_table(present: dict[str, np.ndarray]) -> pa.Table:
    n = len(next(iter(present.values())))
    fields, columns = [pa.field("sample_id", pa.string())], [pa.array([f"s{row}" for row in range(n)])]
    for name, has in present.items():
        fields.append(pa.field(name, pa.string(), metadata={"modality": "text"}))
        columns.append(pa.array(["a text" if there else None for there in has.tolist()], pa.string()))
    return pa.table(columns, schema=pa.schema(fields))


def test_presence_is_that_of_the_samples_that_are_used() -> None:
    table = samples_table({"a": np.array([1, 0, 1, 1], bool), "b": np.array([1, 1, 1, 0], bool), "c": np.ones(4, bool)})
    assert presence_of(table, np.ones(4, bool)).modalities == ("a", "b")
    used = presence_of(table, np.array([1, 0, 1, 1], bool))
    assert used.modalities == ("b",) and used.present.tolist() == [[1], [1], [0]]
    assert presence_of(table, np.array([1, 0, 1, 0], bool)).present.shape == (2, 0)


def test_too_few_samples_with_a_modality_are_refused_by_fold() -> None:
    has = np.zeros(12, bool)
    has[:3] = True
    presence = presence_of(samples_table({"sound": has}), np.ones(12, bool))
    inner = np.stack([np.arange(12) % 2, np.where(np.arange(12) < 6, -1, np.arange(12) % 2)], axis=1).astype(np.int16)
    members = np.eye(2, dtype=bool)[np.arange(12) // 6]
    with pytest.raises(InputError) as caught:
        refuse_scarce(presence, inner, members, "classes", 2)
    assert str(caught.value) == (
        "modality 'sound', outer fold 0: its training set has 3 such samples, of 1 class; modality 'sound', outer fold 1: its training set "
        "has 0 such samples, of 0 classes; use fewer folds (params.yaml: split), add samples that have it, or leave it out of `modalities`")
    members[1] = [False, True]
    refuse_scarce(presence, inner[:, :1], np.eye(2, dtype=bool)[np.array([0, 0, 1, 0] * 3)][:12] | members, "classes", 2)


# ---------------------------------------------------------------- training
def prior_prediction(problem: Problem, fold: Fold, n_rows: int) -> SeededPrediction:
    return SeededPrediction(problem.seed, *prior_answer(problem.form, problem.target[fold.train], len(problem.outputs), n_rows))


def partly(task: str = "multiclass") -> Problem:
    """Return a problem some of whose samples lack the image, the text, or both; those of the last class lack the image."""
    problem = toy_problem(task=task)
    rng, n = np.random.default_rng(3), len(problem.target)
    codes = np.random.default_rng(1).integers(0, 3, n)
    masks = {"image": (rng.random(n) > 0.33) & (codes != 2), "text": rng.random(n) > 0.2}
    return replace(problem, blocks={name: replace(block, present=masks.get(name), _shared={}) for name, block in problem.blocks.items()})


def trained(model: Any, problem: Problem, *ways: str) -> list[FoldResult]:
    model = as_sweep(model)
    settings = model.settings()
    learner = LearnerSetup(model, settings)
    configs = fitting(model, problem, model.grid(settings, problem.seed), None)[:4]
    fusions = {component("fusions", way): component("fusions", way).settings() for way in ways}
    found = list(results(learner, trained_combinations(problem, fusions), configs, members=True))
    return [*found, *fused_results(learner, problem, fusions, configs, found)] if len(ways) > 1 else found


@pytest.mark.parametrize("task", FORMS)
@pytest.mark.parametrize("name", names("models"))
def test_every_learner_predicts_every_test_row(name: str, task: str) -> None:
    problem, model = partly(task), as_sweep(component("models", name))
    readable = tuple(modalities for modalities in problem.combinations if "sparse" in model.encodings or "text" not in modalities)
    if problem.form not in model.target_forms:
        pytest.skip(f"{name} does not predict {problem.form}")
    problem = replace(problem, combinations=readable)
    assert untrainable(problem) == {}
    found = trained(model, problem)
    whole = list(answered(problem, found))
    by_key = {(result.fold.index, result.modalities): result for result in found}
    for result in whole:
        fold = problem.folds[result.fold.index]
        assert np.array_equal(result.fold.test, fold.test) and len(result.prediction) == len(fold.test)
        for place, row in enumerate(fold.test.tolist()):
            there = tuple(one for one in result.modalities if problem.blocks[one].present is None or problem.blocks[one].present[row])
            if there:
                other = by_key[fold.index, there]
                at = other.fold.test.tolist().index(row)
                expected, shares = other.prediction[at], None if other.probabilities is None else other.probabilities[at]
            else:
                prior = prior_prediction(problem, fold, 1)
                expected, shares = prior.prediction[0], None if prior.probabilities is None else prior.probabilities[0]
            assert np.array_equal(result.prediction[place], expected)
            assert (shares is None) == (result.probabilities is None)
            assert shares is None or np.array_equal(result.probabilities[place], shares)


@pytest.mark.parametrize(("task", "expected", "shares"), [
    ("multiclass", lambda target: np.bincount(target).argmax(), lambda target: np.bincount(target, minlength=3) / len(target)),
    ("multilabel", lambda target: target.mean(axis=0) >= 0.5, lambda target: target.mean(axis=0)),
    ("regression", lambda target: np.nanmean(target, axis=0), None),
])  # fmt: skip
def test_a_sample_that_has_none_of_the_modalities_is_predicted_by_the_training_targets(task: str, expected: Any, shares: Any) -> None:
    problem = toy_problem(task=task)
    found = prior_prediction(problem, problem.folds[0], 4)
    target = problem.target[problem.folds[0].train]
    assert len(found.prediction) == 4
    assert np.allclose(found.prediction[0], expected(target), rtol=1e-12)
    if shares is None:
        assert found.probabilities is None
    else:
        assert found.probabilities is not None and np.allclose(found.probabilities[0], shares(target), atol=1e-7)


def test_a_problem_without_absent_samples_is_answered_as_it_is() -> None:
    problem = toy_problem()
    found = trained(component("models", "linear"), problem)
    assert all(one is other for one, other in zip(answered(problem, found), found, strict=True))


def test_chosen_of_fewer_modalities_answers_for_chosen() -> None:
    problem = partly()
    found = trained(as_sweep(component("models", "linear")), problem, "early", "late_mean")
    whole = {(r.fold.index, r.modalities, r.fusion): r for r in answered(problem, found)}
    everything = ("image", "text", "table")
    for fold in problem.folds:
        rows = fold.test
        lacks = ~problem.blocks["image"].present[rows] & problem.blocks["text"].present[rows]
        assert lacks.any()
        for way in ("early", "late_mean", CHOSEN):
            mine, other = whole[fold.index, everything, way], whole[fold.index, ("text", "table"), way]
            assert np.array_equal(mine.prediction[lacks], other.prediction[lacks])
        alone, both = whole[fold.index, ("table",), EARLY], whole[fold.index, ("image", "text"), CHOSEN]
        none = ~problem.blocks["image"].present[rows] & ~problem.blocks["text"].present[rows]
        assert none.any() and np.array_equal(whole[fold.index, everything, CHOSEN].prediction[none], alone.prediction[none])
        assert np.array_equal(both.prediction[none], prior_prediction(problem, fold, int(none.sum())).prediction)


def test_imputed_dense_rows_are_the_mean_of_the_training_rows_that_are_there() -> None:
    problem = partly()
    block, rows = problem.blocks["image"], problem.folds[0].train
    matrix = np.asarray(imputed(block).encoded(rows).matrix)
    known = block.raw.values[[row for row in rows.tolist() if block.present[row]]]
    assert np.array_equal(matrix[block.present], block.raw.values[block.present])
    assert np.allclose(matrix[~block.present], known.mean(axis=0), atol=1e-6)
    assert imputed(problem.blocks["table"]) is problem.blocks["table"]


def test_the_imputing_way_trains_on_all_samples_and_is_compared_on_complete_ones() -> None:
    """A plain loop: the same rows, imputed by hand, one configuration of scikit-learn's LogisticRegression through the same protocol."""
    problem, model = partly(), as_sweep(component("models", "linear"))
    found = [r for r in trained(model, problem, "early", "early_imputed") if r.fusion == "early_imputed"]
    assert {r.modalities for r in found} == {m for m in problem.combinations if len(m) > 1}
    of_pair = [r for r in found if r.modalities == ("image", "text")]
    image, text = (problem.blocks[name].present for name in ("image", "text"))
    for result in of_pair:
        fold = problem.folds[result.fold.index]
        assert np.array_equal(result.fold.train, fold.train[(image | text)[fold.train]])
        assert np.array_equal(result.fold.test, fold.test[(image | text)[fold.test]])
    by_hand = toy_problem()
    blocks = {}
    for name in ("image", "text"):
        block = problem.blocks[name]
        blocks[name] = replace(block, present=None, _shared={})
    for result in of_pair:
        fold = problem.folds[result.fold.index]
        values = problem.blocks["image"].raw.values.copy()
        known = values[[row for row in fold.train.tolist() if image[row]]]
        values[~image] = known.mean(axis=0, dtype=np.float64).astype(np.float32)
        filled = {**blocks, "image": replace(by_hand.blocks["image"], raw=type(by_hand.blocks["image"].raw)(values), _shared={})}
        kept = fold.restricted(image | text)
        own = replace(problem, blocks=filled, combinations=(("image", "text"),), folds=(kept,))
        config = result.configs[result.chosen]
        ((sweep,),) = model.run(own, model.settings(), [config], None)
        refit = sweep.refit(0, problem.seed)()
        assert np.allclose(refit.scores.probabilities, result.probabilities, atol=2e-5)
        members = sweep.inner_predictions()[0]
        for inner in range(fold.n_inner):
            judged = (kept.inner == inner) & (image & text)[kept.train]
            expected = (members[judged] == problem.target[kept.train][judged]).mean()
            assert result.inner_scores[problem.scoring][result.chosen, inner] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("task", FORMS)
@pytest.mark.parametrize("name", ["knn", "linear", "svm", "mlp"])
def test_a_fold_without_a_test_row_that_has_all_is_answered_by_what_is_there(name: str, task: str) -> None:
    problem, model = toy_problem(task=task), as_sweep(component("models", name))
    present = np.ones(len(problem.target), bool)
    present[problem.folds[0].test] = False
    blocks = {**problem.blocks, "image": replace(problem.blocks["image"], present=present, _shared={})}
    problem = replace(problem, blocks=blocks, combinations=(("image",), ("table",), ("image", "table")))
    found = trained(model, problem, "early", "early_imputed", "early_weighted", "late_mean", "late_weighted", "late_stacked")
    whole = {(r.fold.index, r.modalities, r.fusion): r for r in answered(problem, found)}
    table = whole[0, ("table",), EARLY]
    for way in ("early", "early_weighted", "late_mean", "late_weighted", "late_stacked"):
        assert np.array_equal(whole[0, ("image", "table"), way].prediction, table.prediction)
    prior = prior_prediction(problem, problem.folds[0], len(problem.folds[0].test))
    assert np.array_equal(whole[0, ("image",), EARLY].prediction, prior.prediction)
    assert len(whole[1, ("image", "table"), CHOSEN].prediction) == len(problem.folds[1].test)


def test_a_combination_that_too_few_samples_have_is_not_trained() -> None:
    problem = toy_problem()
    has_image = np.random.default_rng(0).random(len(problem.target)) < 0.5
    masks = {"image": has_image, "text": ~has_image}
    blocks = {name: replace(block, present=masks.get(name), _shared={}) for name, block in problem.blocks.items()}
    found = untrainable(replace(problem, blocks=blocks))
    assert list(found) == [("image", "text"), ("image", "text", "table")]
    assert found["image", "text"] == "outer fold 0: its training set has 0 such samples, of 0 classes"


def test_a_sample_is_answered_by_the_largest_trained_combination_that_it_has() -> None:
    problem = partly()
    few = replace(problem, combinations=(("image",), ("text",), ("table",), ("image", "text", "table")))
    rows = np.arange(len(problem.target))
    found = few.answered_by(("image", "text", "table"), rows)
    image, text = problem.blocks["image"].present, problem.blocks["text"].present
    assert np.array_equal(found["image", "text", "table"], np.flatnonzero(image & text))
    assert np.array_equal(found["image",], np.flatnonzero(image & ~text))
    assert np.array_equal(found["text",], np.flatnonzero(~image & text))  # of two that are as large the first in the problem's order
    assert np.array_equal(found["table",], np.flatnonzero(~image & ~text))
    assert sorted(np.concatenate([*found.values()]).tolist()) == rows.tolist()
    assert is_of_numbers(problem.scoring) is False
