"""Neighbors found chunk by chunk, for whole grids at once, are those that a plain loop finds; scales in closed form are plain means."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from random_problem import random_problem, smallest_training_fold
from toy_problem import toy_problem

from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks, encode_fold
from stages.features.pairwise import SAME
from stages.features.scales import mean_manhattan_distance, mean_squared_distance
from stages.model_selection.choice import choose
from stages.model_selection.protocol import fit_on, results
from stages.model_selection.target_forms import FORMS, known_means
from stages.model_selection.thresholds import fit_thresholds
from stages.models import knn
from stages.models.knn import neighbor_search, topk
from stages.models.knn.distance_chunks import prepared_rows, square
from stages.models.knn.fold_index import fold_codes, fold_index
from stages.models.knn.votes import label_probabilities, means_for, vote_weights, votes_for
from stages.scoring.stacked_scores import scorer
from stages.scoring.stacks import Stack

METRICS = ("manhattan", "euclidean", "cosine")
TASKS: tuple[str, ...] = ("binary", "multiclass", "multilabel", "regression")


# ---------------------------------------------------------------- the plain way
def plain_scores(distances: np.ndarray, target: np.ndarray, config: dict, form: str, n_outputs: int) -> np.ndarray:
    """One configuration: sort whole rows by (distance, row), and let the first k vote."""
    near = np.argsort(distances, axis=1, kind="stable")[:, : config["n_neighbors"]]
    of_near = np.take_along_axis(distances, near, axis=1)
    if form == "classes":
        return votes_for(target[near], vote_weights(of_near, config["weights"]), [config["n_neighbors"]], n_outputs)[0]
    values = target[near].astype(np.float64)
    weights = vote_weights(of_near, config["weights"], ~np.isnan(values))
    means = means_for(values, weights if weights.ndim == 3 else weights[:, :, None], [config["n_neighbors"]], known_means(target))[0]
    return label_probabilities(means, config["n_neighbors"]) if form == "labels" else means


def plain_fold(problem: Problem, fold: Fold, blocks: FoldBlocks, modalities: tuple[str, ...], configs: list[dict]) -> tuple:
    """Return (inner scores, chosen, prediction) of one outer fold and combination, computed one configuration and inner fold at a time."""
    target, n_outputs = problem.target[fold.train], len(problem.outputs)
    metrics = {name: scorer(metric, target) for name, metric in problem.metrics.items()}  # equal to the metrics: tests/test_metrics.py
    scores = {name: np.empty((len(configs), int(fold.inner.max()) + 1)) for name in metrics}
    thresholds = []
    for i, config in enumerate(configs):
        distances = blocks.distances(modalities, config["metric"])
        held_out = None
        for j in range(int(fold.inner.max()) + 1):
            out = fold.inner == j
            found = plain_scores(distances[np.ix_(fold.train[out], fold.train[~out])], target[~out], config, problem.form, n_outputs)
            held_out = np.empty((len(target), n_outputs), found.dtype) if held_out is None else held_out
            held_out[out] = found
        thresholds.append(fit_thresholds(target, held_out, by_f1=True) if problem.form == "labels" else None)
        prediction = FORMS[problem.form].decide(held_out, thresholds[-1])
        for j in range(int(fold.inner.max()) + 1):
            for name, score in metrics.items():
                (scores[name][i, j],) = score(Stack(target[fold.inner == j], prediction[fold.inner == j][None]))
    chosen = choose(scores[problem.scoring], greater_is_better=problem.metrics[problem.scoring].greater_is_better)
    distances = blocks.distances(modalities, configs[chosen]["metric"])[np.ix_(fold.test, fold.train)]
    found = plain_scores(distances, target, configs[chosen], problem.form, n_outputs)
    return scores, chosen, FORMS[problem.form].decide(found, thresholds[chosen])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", range(6))
def test_a_shared_sweep_equals_the_plain_loop(task: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(100 * TASKS.index(task) + seed, task)
    most = smallest_training_fold(problem)
    if seed == 5:  # folds and combinations one by one
        monkeypatch.setattr(knn, "KEPT_BYTES", 1)
    settings = knn.KnnSettings(n_neighbors=(1, 4, most // 2, most), metric=METRICS, weights=("uniform", "distance"))
    configs = knn.grid(settings, 0)
    reached = list(results(knn.MODEL, problem, settings, configs))
    assert [(r.fold, r.modalities) for r in reached] == [(f, s) for f in problem.folds for s in problem.combinations]
    for result in reached:
        blocks = encode_fold(problem.blocks, result.fold.train)
        scores, chosen, prediction = plain_fold(problem, result.fold, blocks, result.modalities, configs)
        for name, expected in scores.items():
            np.testing.assert_array_equal(result.inner_scores[name], expected)
        assert result.chosen == chosen
        np.testing.assert_array_equal(result.prediction, prediction)


@pytest.mark.parametrize("n_cores", [1, 2, 3])
def test_any_number_of_cores_finds_the_same(n_cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(7, "multiclass")
    search = neighbor_search.NeighborSearch(
        [fold_index(encode_fold(problem.blocks, f.train), fold_codes(f, len(problem.target)))
         for f in problem.folds], problem.combinations, ["manhattan", "euclidean", "cosine"], 3,
    )  # fmt: skip
    monkeypatch.setenv("SENSORIUM_CORES", "1")
    first = search.tables()
    monkeypatch.setenv("SENSORIUM_CORES", str(n_cores))
    for a, b in zip(first, search.tables(), strict=True):
        for distance in a:
            for x, y in zip(a[distance], b[distance], strict=True):
                assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("modalities", [("image",), ("text", "table"), ("image", "text", "table")])
def test_the_saved_model_predicts_as_the_sweep(modalities: tuple[str, ...]) -> None:
    """Fitted on a fold's training rows, it predicts the test rows as the sweep did."""
    problem = toy_problem(n=90)
    for distance in ("manhattan", "euclidean", "cosine"):
        settings = knn.KnnSettings(n_neighbors=(7,), metric=(distance,), weights=("distance",))
        alone = replace(problem, folds=problem.folds[:1], combinations=(modalities,))
        (result,) = results(knn.MODEL, alone, settings, knn.grid(settings, 0))
        fold = alone.folds[0]
        fitted = fit_on(knn.MODEL, alone, fold, modalities, knn.grid(settings, 0)[0], settings)
        matrices = {modality: problem.blocks[modality].encoded(fold.train).matrix[fold.test] for modality in modalities}
        scores = knn.predict(fitted, matrices)
        np.testing.assert_array_equal(FORMS["classes"].decide(scores.decisions), result.prediction)
        assert scores.probabilities == pytest.approx(result.probabilities, abs=1e-6)


# ---------------------------------------------------------------- the kernels
@pytest.mark.parametrize("distance", [topk.L1, topk.L2, topk.COSINE])
@pytest.mark.parametrize(("n", "k"), [(40, 1), (900, 20), (2300, 300), (2300, 2)])
def test_the_nearest_of_a_chunk_are_those_of_a_sort(distance: int, n: int, k: int) -> None:
    rng = np.random.default_rng(n + k)
    n_rows, n_folds = 6, 3
    chunk = np.round(rng.random((2, n_rows, n)), rng.integers(1, 4))  # the fewer decimals, the more ties
    members, n_members = np.array([[0, 0], [0, 1]]), np.array([1, 2])
    scales = 1 + 0.05 * rng.random((n_folds, 2, 2))
    codes = rng.integers(-2, 3, (n_folds, n)).astype(np.int16)
    codes[:, ::2] = np.maximum(codes[:, ::2], 0)
    row_codes = rng.integers(-1, 3, (n_folds, n_rows)).astype(np.int16)
    row_codes[0, 1] = topk.ABSENT
    norms, row_norms = 2 + rng.random((n_folds, 2, n)), 2 + rng.random((n_folds, 2, n_rows))
    norms[:, :, 3] = row_norms[:, :, 2] = 0
    chunk[:, 2] = chunk[:, :, 3] = 0
    k = min(k, int(min((codes[f] >= 0).sum() - max((codes[f] == c).sum() for c in range(3)) for f in range(n_folds))))
    near, rows = np.full((n_folds, 2, n_rows, k), -1.0), np.full((n_folds, 2, n_rows, k), -1, np.int32)
    assert topk.nearest_in_chunk(chunk, members, n_members, scales, codes, row_codes, distance, norms, row_norms, near, rows)
    for f, s, r in np.ndindex(n_folds, 2, n_rows):
        if row_codes[f, r] == topk.ABSENT:
            assert (rows[f, s, r] == -1).all()
            continue
        total = scales[f, s, 0] * chunk[0, r]
        total = total + scales[f, s, 1] * chunk[1, r] if s else total
        if distance == topk.L2:
            total = np.sqrt(total)
        elif distance == topk.COSINE:
            both = row_norms[f, s, r] * norms[f, s]
            total = np.maximum(1 - total / np.where(both > 0, both, 1), 0)
        total = np.round(total, 9)
        columns = np.flatnonzero((codes[f] >= 0) & (codes[f] != row_codes[f, r]))
        expected = columns[np.argsort(total[columns], kind="stable")][:k]
        np.testing.assert_array_equal(rows[f, s, r], expected)
        np.testing.assert_array_equal(near[f, s, r], total[expected])


def test_too_few_neighbors_are_refused() -> None:
    problem = toy_problem(n=24, modalities=("image",))
    settings = knn.KnnSettings(n_neighbors=(9,), metric=("euclidean",))
    with pytest.raises(ValueError, match="fewer than 9 others"):
        list(results(knn.MODEL, problem, settings, knn.grid(settings, 0)))


def block_matrices() -> dict[str, np.ndarray | sp.csr_array]:
    rng = np.random.default_rng(3)
    dense = rng.standard_normal((71, 37)) * 10.0 ** rng.integers(-3, 4, 37)
    sparse = sp.random_array((71, 50), density=0.2, rng=rng, format="csr")
    outlier = dense.copy()
    outlier[0] = 1e6
    equal = np.tile(rng.random((1, 9)), (71, 1))
    few = sp.csr_array(np.tile(rng.random((1, 9)), (71, 1)))
    return {"dense": dense, "float32": dense.astype(np.float32), "sparse": sp.csr_array(sparse), "signed": sp.csr_array(np.round(dense, 0)),
            "outlier": outlier, "equal": equal, "equal sparse": few, "far": 1e4 + dense}  # fmt: skip


@pytest.mark.parametrize("name", block_matrices())
def test_scales_in_closed_form_are_plain_means(name: str) -> None:
    matrix = block_matrices()[name]
    rows = np.flatnonzero(np.random.default_rng(0).random(71) < 0.7)
    plain = (matrix.toarray() if sp.issparse(matrix) else matrix)[rows].astype(np.float64)
    apart = plain[:, None] - plain[None]
    n_pairs = len(rows) * (len(rows) - 1)
    assert mean_manhattan_distance(matrix, rows) == pytest.approx(np.abs(apart).sum() / n_pairs, rel=1e-12, abs=0)
    assert mean_squared_distance(matrix, rows) == pytest.approx((apart**2).sum() / n_pairs, rel=1e-12, abs=0)


@pytest.mark.parametrize("name", block_matrices())
def test_chunks_are_plain_distances(name: str) -> None:
    matrix = block_matrices()[name]
    plain = (matrix.toarray() if sp.issparse(matrix) else matrix).astype(np.float64)
    rows, queries = prepared_rows(matrix), prepared_rows(matrix[:18])
    out, at = np.full((8, 72), np.nan), slice(12, 20)  # two rows behind the last
    n = 6
    rows.fill("manhattan", queries, at, out)
    size = np.abs(plain).sum(axis=1).max()
    assert out[:n, :71] == pytest.approx(np.abs(plain[12:18, None] - plain[None]).sum(axis=2), rel=1e-12, abs=1e-13 * size)
    assert [out[i, 12 + i] for i in range(n)] == pytest.approx([0.0] * n, abs=1e-13 * size)
    rows.fill("products", queries, at, out)
    products = plain[12:18] @ plain.T
    assert out[:n, :71] == pytest.approx(products, rel=1e-12, abs=1e-13 * (plain**2).sum(axis=1).max())
    square(out, rows, queries, at, out)
    norms = (plain**2).sum(axis=1)
    expected = ((plain[12:18, None] - plain[None]) ** 2).sum(axis=2)
    assert out[:n, :71] == pytest.approx(expected, rel=1e-9, abs=2 * SAME * 2 * norms.max())
    assert [out[i, 12 + i] for i in range(n)] == [0.0] * n
