"""Neighbors found chunk by chunk, for whole grids at once, are those that a plain loop finds; scales in closed form are plain means."""

from dataclasses import dataclass, replace
from functools import cache
from math import fsum

import numpy as np
import pytest
import scipy.sparse as sp
from random_problem import random_problem, smallest_training_fold
from toy_problem import toy_problem

from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks, encode_fold
from stages.features.encoders import Dense
from stages.features.pairwise import SAME
from stages.features.scales import mean_manhattan_distance, mean_squared_distance
from stages.model_selection.choice import choose
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.model_selection.target_forms import FORMS, known_means
from stages.model_selection.thresholds import fit_thresholds
from stages.models import knn
from stages.models.knn import neighbor_search, topk
from stages.models.knn.distance_chunks import prepared_rows, square
from stages.models.knn.fold_index import fold_codes, fold_index
from stages.models.knn.neighbor_search import TiedTarget
from stages.models.knn.neighbors import Neighbors
from stages.models.knn.votes import label_probabilities, means_of, tied_share, votes_of
from stages.scoring.stacked_scores import scorer
from stages.scoring.stacks import Stack

METRICS = ("manhattan", "euclidean", "cosine")
TASKS: tuple[str, ...] = ("binary", "multiclass", "multilabel", "regression")


# ---------------------------------------------------------------- the plain way
@dataclass(frozen=True)
class Groups:
    """The rows at each distance of one query, nearest first: their number, sums of known values, and numbers of known values."""

    distances: np.ndarray
    sizes: np.ndarray
    sums: np.ndarray
    known: np.ndarray


def plain_groups(distances: np.ndarray, values: np.ndarray) -> Groups:
    """Group one query's rows by distance; values: float64 (n_train, n_outputs), NaN where not known."""
    order = np.argsort(distances)
    unique, starts, sizes = np.unique(distances[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(np.nan_to_num(values[order]), starts)
    for i in np.flatnonzero(sizes > 2):
        group = np.nan_to_num(values[order[starts[i] : starts[i] + sizes[i]]])
        sums[i] = [fsum(column) for column in group.T]  # rounded once
    return Groups(unique, sizes, sums, np.add.reduceat((~np.isnan(values[order])).astype(np.int64), starts))


def plain_votes(groups: Groups, k: int, weights: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the sums of one query's votes for each value, and of these votes, both times an integer; and that integer.

    All rows at the k-th distance share what the nearer ones leave of k votes. A neighbor's vote is 1, or 1/distance; if rows with a known
    value are at distance 0, only they vote.
    """
    last = int(np.searchsorted(groups.sizes.cumsum(), k))
    zero = (groups.distances == 0)[:, None]
    vote = np.ones_like(groups.sums)
    if weights == "distance":
        vote /= np.where(zero, 1.0, groups.distances[:, None])
        vote = np.where((zero & (groups.known > 0)).any(axis=0), zero, vote)
    total, votes = (np.vstack([0 * vote[:1], np.cumsum(of_each * vote, axis=0)])[last] for of_each in (groups.sums, groups.known))
    left, n = k - groups.sizes[:last].sum(), groups.sizes[last]
    if weights == "uniform":  # whole numbers of votes
        return total * n + groups.sums[last] * left, votes * n + groups.known[last] * left, n
    return total + groups.sums[last] * left / n * vote[last], votes + groups.known[last] * left / n * vote[last], 1


def plain_values(target: np.ndarray, form: str, n_outputs: int) -> np.ndarray:
    return (target[:, None] == np.arange(n_outputs)).astype(np.float64) if form == "classes" else target.astype(np.float64)


def plain_scores(queries: list[Groups], target: np.ndarray, config: dict, form: str) -> np.ndarray:
    """Return the votes, shares or means of one configuration, query by query; target: of the training rows."""
    k = config["n_neighbors"]
    total, votes, n = (np.array(part) for part in zip(*(plain_votes(groups, k, config["weights"]) for groups in queries), strict=True))
    if form == "classes":
        return total / n[:, None]
    means = np.where(votes > 0, total / np.where(votes > 0, votes, 1), known_means(target))
    return label_probabilities(means, k) if form == "labels" else means


def plain_fold(problem: Problem, fold: Fold, blocks: FoldBlocks, modalities: tuple[str, ...], configs: list[dict]) -> tuple:
    """Return (inner scores, chosen, prediction) of one outer fold and combination, computed one configuration and inner fold at a time."""
    target, n_outputs = problem.target[fold.train], len(problem.outputs)
    metrics = {name: scorer(metric, target) for name, metric in problem.metrics.items()}  # equal to the metrics: tests/test_metrics.py
    scores = {name: np.empty((len(configs), int(fold.inner.max()) + 1)) for name in metrics}
    values, thresholds = plain_values(target, problem.form, n_outputs), []

    @cache
    def queries(metric: str, j: int) -> list[Groups]:
        out = fold.inner == j
        distances = blocks.distances(modalities, metric)[np.ix_(fold.train[out], fold.train[~out])]
        return [plain_groups(row, values[~out]) for row in distances]

    for i, config in enumerate(configs):
        held_out = None
        for j in range(int(fold.inner.max()) + 1):
            out = fold.inner == j
            found = plain_scores(queries(config["metric"], j), target[~out], config, problem.form)
            held_out = np.empty((len(target), n_outputs), found.dtype) if held_out is None else held_out
            held_out[out] = found
        thresholds.append(fit_thresholds(target, held_out, by_f1=True) if problem.form == "labels" else None)
        prediction = FORMS[problem.form].decide(held_out, thresholds[-1])
        for j in range(int(fold.inner.max()) + 1):
            for name, score in metrics.items():
                (scores[name][i, j],) = score(Stack(target[fold.inner == j], prediction[fold.inner == j][None]))
    chosen = choose(scores[problem.scoring], greater_is_better=problem.metrics[problem.scoring].greater_is_better)
    distances = blocks.distances(modalities, configs[chosen]["metric"])[np.ix_(fold.test, fold.train)]
    found = plain_scores([plain_groups(row, values) for row in distances], target, configs[chosen], problem.form)
    return scores, chosen, FORMS[problem.form].decide(found, thresholds[chosen])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", range(6))
def test_a_shared_sweep_equals_the_plain_loop(task: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(100 * TASKS.index(task) + seed, task)
    most = smallest_training_fold(problem)
    if seed == 5:  # folds and combinations one by one
        monkeypatch.setattr(knn, "KEPT_BYTES", 1)
    ks = (1, 4, most // 2, most) if seed % 2 else (1, 2, min(9, most))  # of few neighbors, ties are cut off
    settings = knn.KnnSettings(n_neighbors=ks, metric=METRICS, weights=("uniform", "distance"))
    configs = knn.grid(settings, 0)
    reached = list(results(LearnerSetup(knn.MODEL, settings), problem, configs))
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
         for f in problem.folds], problem.combinations, ["manhattan", "euclidean", "cosine"], 3, TiedTarget(problem.target, 3),
    )  # fmt: skip
    monkeypatch.setenv("SENSORIUM_CORES", "1")
    first = search.tables()
    monkeypatch.setenv("SENSORIUM_CORES", str(n_cores))
    for a, b in zip(first, search.tables(), strict=True):
        for distance in a:
            for x, y in zip(a[distance].arrays()[:3], b[distance].arrays()[:3], strict=True):
                assert x.tobytes() == y.tobytes()
            tied = a[distance].n_tied > 0
            assert a[distance].tied_sums[tied].tobytes() == b[distance].tied_sums[tied].tobytes()


@pytest.mark.parametrize("modalities", [("image",), ("text", "table"), ("image", "text", "table")])
def test_the_saved_model_predicts_as_the_sweep(modalities: tuple[str, ...]) -> None:
    """Fitted on a fold's training rows, it predicts the test rows as the sweep did."""
    problem = toy_problem(n=90)
    for distance in ("manhattan", "euclidean", "cosine"):
        settings = knn.KnnSettings(n_neighbors=(7,), metric=(distance,), weights=("distance",))
        alone = replace(problem, folds=problem.folds[:1], combinations=(modalities,))
        (result,) = results(LearnerSetup(knn.MODEL, settings), alone, knn.grid(settings, 0))
        fold = alone.folds[0]
        fitted = fit_on(LearnerSetup(knn.MODEL, settings), alone, fold, modalities, knn.grid(settings, 0)[0])
        matrices = {modality: problem.blocks[modality].encoded(fold.train).matrix[fold.test] for modality in modalities}
        scores = knn.predict(fitted, matrices)
        np.testing.assert_array_equal(FORMS["classes"].decide(scores.decisions), result.prediction)
        assert scores.probabilities == pytest.approx(result.probabilities, abs=1e-6)


# ---------------------------------------------------------------- ties
def found_with(distances: list[float], codes: list[int], others: dict[int, int]) -> Neighbors:
    """Return the neighbors of one query, in the order of the codes, and the number of each class among the ties that are cut off."""
    counts = np.array([[others.get(code, 0) for code in range(3)]], np.float64)
    return Neighbors(np.array([distances]), np.arange(len(codes), dtype=np.int32)[None], counts.sum(axis=1).astype(np.int32), counts)


def test_rows_that_are_tied_at_k_share_the_remaining_votes() -> None:
    """Worked by hand: one nearer row, then four tied ones, one of which is cut off."""
    codes = np.array([0, 1, 1, 2], np.int32)
    near = found_with([0.5, 1.0, 1.0, 1.0], codes.tolist(), {2: 1})
    for k, expected in ((1, [1, 0, 0]), (2, [1, 1 / 2, 1 / 2]), (3, [1, 1, 1]), (4, [1, 3 / 2, 3 / 2])):
        assert votes_of(near, codes, "uniform", k, 3).tolist() == [expected]
    assert votes_of(near, codes, "distance", 3, 3).tolist() == [[2, 1, 1]]
    assert [tied_share(near, k) for k in (1, 2, 3, 4)] == [0, 1, 1, 1]


def test_rows_at_distance_0_share_all_votes() -> None:
    codes = np.array([1, 2, 0], np.int32)
    near = found_with([0.0, 0.0, 2.0], codes.tolist(), {})
    assert votes_of(near, codes, "distance", 1, 3).tolist() == [[0, 0.5, 0.5]]
    assert votes_of(near, codes, "distance", 3, 3).tolist() == [[0, 1, 1]]
    assert votes_of(near, codes, "uniform", 3, 3).tolist() == [[1, 1, 1]]


def test_equal_votes_are_equal_whatever_the_number_of_ties() -> None:
    """One vote of class 1 and 49 shares of 1/49 of class 0 are equal; 49 · (1/49) in floating point is less than 1."""
    codes = np.array([1, 0], np.int32)
    near = found_with([1.0, 2.0], codes.tolist(), {0: 48})
    assert votes_of(near, codes, "uniform", 2, 3).tolist() == [[1, 1, 0]]


def test_tied_targets_are_averaged_with_those_that_are_cut_off() -> None:
    """Of four tied rows two have a known target."""
    near = Neighbors(np.array([[1.0, 2.0, 2.0]]), np.array([[0, 1, 2]], np.int32), np.array([2], np.int32), np.array([[7.0, 0.0, 1.0]]))
    values = np.array([[3.0], [np.nan], [5.0]])
    assert means_of(near, values, "uniform", 1, np.zeros(1)).tolist() == [[3]]
    assert means_of(near, values, "uniform", 2, np.zeros(1))[0, 0] == pytest.approx((3 + 12 / 4) / (1 + 2 / 4))
    assert means_of(near, values, "distance", 3, np.zeros(1))[0, 0] == pytest.approx((3 + 12 / 2 / 2) / (1 + 2 / 2 / 2))


def test_rows_that_are_all_equal_vote_with_the_shares_of_their_classes() -> None:
    problem = toy_problem(n=90, modalities=("image",))
    equal = replace(problem.blocks["image"], raw=Dense(np.ones((90, 4), np.float32)), _shared={})
    settings = knn.KnnSettings(n_neighbors=(1, 5), metric=METRICS, weights=("uniform", "distance"))
    for result in results(LearnerSetup(knn.MODEL, settings), replace(problem, blocks={"image": equal}), knn.grid(settings, 0)):
        shares = np.bincount(problem.target[result.fold.train], minlength=3) / len(result.fold.train)
        k = knn.grid(settings, 0)[result.chosen]["n_neighbors"]
        assert result.notes == {"tied_rows": 1.0}
        assert result.probabilities == pytest.approx(np.tile((k * shares + 1 / 3) / (k + 1), (len(result.fold.test), 1)))


# ---------------------------------------------------------------- the kernels
@pytest.mark.parametrize("distance", [topk.L1, topk.L2, topk.COSINE])
@pytest.mark.parametrize(("n", "k"), [(40, 1), (900, 20), (2300, 300), (2300, 2)])
@pytest.mark.parametrize("spread", [0.05, 0.5])
def test_the_nearest_of_a_chunk_are_those_of_a_sort(distance: int, n: int, k: int, spread: float) -> None:
    """Whatever the scales of the other folds, and however many rows are tied."""
    rng = np.random.default_rng(n + k)
    n_rows, n_folds = 6, 3
    chunk = np.round(rng.random((2, n_rows, n)), rng.integers(1, 4))  # the fewer decimals, the more ties
    members, n_members = np.array([[0, 0], [0, 1]]), np.array([1, 2])
    scales = 1 + spread * rng.random((n_folds, 2, 2))
    codes = rng.integers(-2, 3, (n_folds, n)).astype(np.int16)
    codes[:, ::2] = np.maximum(codes[:, ::2], 0)
    row_codes = rng.integers(-1, 3, (n_folds, n_rows)).astype(np.int16)
    row_codes[0, 1] = topk.ABSENT
    norms, row_norms = 2 + rng.random((n_folds, 2, n)), 2 + rng.random((n_folds, 2, n_rows))
    norms[:, :, 3] = row_norms[:, :, 2] = 0
    chunk[:, 2] = chunk[:, :, 3] = 0
    k = min(k, int(min((codes[f] >= 0).sum() - max((codes[f] == c).sum() for c in range(3)) for f in range(n_folds))))
    near, rows = np.full((n_folds, 2, n_rows, k), -1.0), np.full((n_folds, 2, n_rows, k), -1, np.int32)
    classes = rng.integers(0, 3, n).astype(np.int32)
    values = np.where(rng.random((n, 2)) < 0.2, np.nan, 10.0 ** rng.integers(-3, 4, (n, 2)) * rng.standard_normal((n, 2)))
    n_tied, counts, sums = np.full(near.shape[:3], -1, np.int32), np.empty((*near.shape[:3], 3)), np.empty((*near.shape[:3], 6))
    given = chunk, members, n_members, scales, codes, row_codes, distance, norms, row_norms
    assert topk.nearest_in_chunk(*given, np.empty(0, np.int32), values, near, rows, n_tied, sums)
    assert topk.nearest_in_chunk(*given, classes, np.empty((0, 0)), near, rows, n_tied, counts)
    n_checked = 0
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
        others = columns[(total[columns] == total[expected[-1]]) & ~np.isin(columns, expected)]
        assert n_tied[f, s, r] == len(others)
        if len(others):
            np.testing.assert_array_equal(counts[f, s, r], np.bincount(classes[others], minlength=3))
            of_each = [column[~np.isnan(column)] for column in values[others].T]
            np.testing.assert_array_equal(sums[f, s, r, :2] + sums[f, s, r, 2:4], [fsum(known) for known in of_each])
            np.testing.assert_array_equal(sums[f, s, r, 4:], [len(known) for known in of_each])
            n_checked += 1
    assert n_checked > 0


@pytest.mark.parametrize("distance", [topk.L1, topk.L2])
@pytest.mark.parametrize("factors", [(0.5, 1.0), (1.0, 2.0), (1.1, 1.2), (0.8, 0.7)])
def test_columns_gathered_for_one_fold_are_complete_for_another_as_far_as_its_scales_allow(distance: int, factors: tuple) -> None:
    """Of distances by the scales 1, those beyond the limit 1 are the ones that were not gathered."""
    covered = topk._covered(1.0, distance, np.array(factors), np.ones(2), 2)
    parts = np.random.default_rng(0).random((2, 10000))
    by_first, by_other = parts.sum(axis=0), np.array(factors) @ parts
    if distance == topk.L2:
        by_first, by_other = np.sqrt(by_first), np.sqrt(by_other)
    assert 0 < covered <= by_other[by_first > 1].min()


def test_too_few_neighbors_are_refused() -> None:
    problem = toy_problem(n=24, modalities=("image",))
    settings = knn.KnnSettings(n_neighbors=(9,), metric=("euclidean",))
    with pytest.raises(ValueError, match="fewer than 9 others"):
        list(results(LearnerSetup(knn.MODEL, settings), problem, knn.grid(settings, 0)))


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
