"""A shared sweep equals the plain one: scikit-learn on the concatenated, scaled blocks, configuration by configuration."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import f1_score, pairwise_distances
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR
from toy_control import control_data
from toy_problem import metrics_of, toy_problem

from stages.controlling.control_results import control_results
from stages.features.early_fusion import cross_distances, encode_fold
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.features.pairwise import manhattan_distances
from stages.features.projection import fit_projection
from stages.foundation.registry import component
from stages.model_selection.choice import choose
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.target_forms import known_means
from stages.model_selection.thresholds import THRESHOLDS, fit_thresholds
from stages.models import knn, svm
from stages.models.knn.neighbors import Neighbors
from stages.models.knn.votes import means_of, vote_probabilities


def fused(problem, fold, modalities, distance: str) -> np.ndarray:
    """Concatenate the blocks as the definition of early fusion says."""
    blocks = encode_fold(problem.blocks, fold.train)
    parts = []
    for modality, scale in zip(modalities, blocks.scales(modalities, distance), strict=True):
        matrix = blocks.encoded[modality].matrix
        dense = matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix, dtype=np.float64)
        parts.append(dense * (scale if distance == "manhattan" else np.sqrt(scale)))
    return np.hstack(parts)


def accuracy_of(estimator, X, target, train, test) -> float:
    return float((estimator.fit(X[train], target[train]).predict(X[test]) == target[test]).mean())


def plain_knn(distances: np.ndarray, target: np.ndarray, config: dict, n_classes: int) -> list[int]:
    """One query at a time: neighbours by (distance, row), equal votes to the lower class code."""
    predictions = []
    for row in np.round(distances, 9):
        near = sorted(range(len(row)), key=lambda i: (row[i], i))[: config["n_neighbors"]]
        votes = np.zeros(n_classes)
        exact = [i for i in near if row[i] == 0]
        for i in near:
            if config["weights"] == "uniform":
                votes[target[i]] += 1
            else:
                votes[target[i]] += (i in exact) if exact else 1 / row[i]
        predictions.append(int(votes.argmax()))
    return predictions


@pytest.mark.parametrize("seed", range(2))
def test_knn_equals_the_plain_loop(seed: int) -> None:
    problem = toy_problem(n=48, seed=seed)
    settings = knn.KnnSettings(n_neighbors=(1, 2, 5), metric=("manhattan", "euclidean", "cosine"), weights=("uniform", "distance"))
    for result in results(LearnerSetup(knn.MODEL, settings), problem, knn.grid(settings, 0)):
        train, inner, test = result.fold.train, result.fold.inner, result.fold.test
        for i, config in enumerate(knn.grid(settings, 0)):
            X = fused(problem, result.fold, result.modalities, config["metric"])
            distances = pairwise_distances(X, metric=config["metric"])
            for j in range(2):
                a, b = train[inner != j], train[inner == j]
                expected = plain_knn(distances[np.ix_(b, a)], problem.target[a], config, 3)
                assert result.inner_scores["accuracy"][i, j] == pytest.approx(np.mean(expected == problem.target[b]), abs=1e-12)
            if i == result.chosen:
                assert result.prediction.tolist() == plain_knn(distances[np.ix_(test, train)], problem.target[train], config, 3)


def test_knn_equals_brute_force_of_scikit_learn() -> None:
    """On blocks without tied distances, as scikit-learn leaves the order of ties open."""
    problem = toy_problem(n=72, modalities=("image", "table"))
    settings = knn.KnnSettings(n_neighbors=(1, 2, 5, 11), metric=("manhattan", "euclidean", "cosine"), weights=("uniform", "distance"))
    for result in results(LearnerSetup(knn.MODEL, settings), problem, knn.grid(settings, 0)):
        for i, config in enumerate(knn.grid(settings, 0)):
            X = fused(problem, result.fold, result.modalities, config["metric"])
            metric = config["metric"]
            plain = KNeighborsClassifier(config["n_neighbors"], algorithm="brute", metric=metric, weights=config["weights"])
            train, inner = result.fold.train, result.fold.inner
            expected = [accuracy_of(plain, X, problem.target, train[inner != j], train[inner == j]) for j in range(2)]
            assert result.inner_scores["accuracy"][i] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_svm_equals_svc_on_features(n_classes: int) -> None:
    problem = toy_problem(n=72, n_classes=n_classes)
    settings = svm.SvmSettings(kernel=("linear", "rbf"), C=(0.5, 5.0), gamma=(0.3, 2.0))
    for result in results(LearnerSetup(svm.MODEL, settings), problem, svm.grid(settings, 0)):
        X = fused(problem, result.fold, result.modalities, "euclidean") / np.sqrt(len(result.modalities))
        for i, config in enumerate(svm.grid(settings, 0)):
            plain = SVC(C=config["C"], kernel=config["kernel"], gamma=config["gamma"] or 1.0, break_ties=True)
            train, inner = result.fold.train, result.fold.inner
            expected = [accuracy_of(plain, X, problem.target, train[inner != j], train[inner == j]) for j in range(2)]
            assert result.inner_scores["accuracy"][i] == pytest.approx(expected, abs=1e-12)


def test_sparse_and_dense_distances_agree() -> None:
    dense = np.random.default_rng(0).poisson(0.3, (12, 30)).astype(np.float64)
    assert manhattan_distances(sp.csr_array(dense), sp.csr_array(dense)) == pytest.approx(manhattan_distances(dense, dense))


@pytest.mark.parametrize("shape", [(40, 8), (8, 40)])
def test_projection_equals_principal_components(shape: tuple[int, int]) -> None:
    from sklearn.decomposition import PCA

    X = np.random.default_rng(0).standard_normal(shape) @ np.diag(np.linspace(3, 0.1, shape[1]))
    projection = fit_projection(X, 4)
    ours = projection.apply(X)
    theirs = PCA(4, svd_solver="full").fit_transform(X)
    correlation = np.abs(np.sum(ours * theirs, axis=0)) / (np.linalg.norm(ours, axis=0) * np.linalg.norm(theirs, axis=0))
    assert correlation == pytest.approx(1, abs=1e-5)
    assert (ours**2).mean() == pytest.approx(1, rel=1e-4)
    assert fit_projection(sp.csr_array(X), 4).apply(sp.csr_array(X)) == pytest.approx(ours, abs=1e-4)


@pytest.mark.parametrize("distance", ["manhattan", "euclidean", "cosine"])
def test_distances_to_stored_rows_are_those_of_the_sweep(distance: str) -> None:
    """Pixels are float32: their norms must not be, or equal rows would lie apart."""
    problem = toy_problem()
    fold, modalities = problem.folds[0], problem.combinations[-1]
    blocks = encode_fold(problem.blocks, fold.train)
    matrices = [blocks.encoded[modality].matrix for modality in modalities]
    crossed = cross_distances(matrices, matrices, blocks.scales(modalities, distance), distance)
    assert crossed == pytest.approx(blocks.distances(modalities, distance), abs=2e-9)
    assert np.diagonal(crossed).tolist() == [0.0] * len(crossed)
    assert crossed.min() == 0.0


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("shape", [(40, 100), (100, 40)])
def test_a_constant_block_has_no_components(value: float, shape: tuple[int, int]) -> None:
    rows = np.full(shape, value, dtype=np.float32)
    projection = fit_projection(rows, 5)
    assert projection.directions is not None and projection.directions.shape == (shape[1], 1)
    assert projection.apply(rows).tolist() == [[0.0]] * shape[0]
    assert not fit_projection(rows, None).apply(rows).any()


def test_without_components_dense_rows_keep_their_columns_and_sparse_ones_turn() -> None:
    X = np.random.default_rng(0).standard_normal((40, 6)) * [5, 3, 1, 1, 0.1, 0] + 7
    ours = fit_projection(X[:30], None).apply(X)
    centred = X - X[:30].mean(axis=0)
    assert ours == pytest.approx(centred / np.sqrt(X[:30].var(axis=0)[:5].mean()), abs=1e-5)
    assert ours[:30].var(axis=0)[:5].mean() == pytest.approx(1, rel=1e-5)
    turned = fit_projection(sp.csr_array(X), None)
    X[35, 5] = 100.0  # it did not vary where the projection was fitted: nothing is known of it
    assert fit_projection(X[:30], None).apply(X)[35, 5] == 0
    fine = (101_325 + 0.05 * np.random.default_rng(0).standard_normal((200, 3))).astype(np.float32)
    assert fit_projection(fine, None).apply(fine).var() == pytest.approx(1, rel=1e-3)
    assert turned.directions is not None and turned.directions.shape == (6, 5)


def test_the_class_with_most_votes_is_the_most_probable() -> None:
    votes = np.array([[3.0, 3.0, 1.0], [0.0, 2.0, 2.0], [5.0, 0.0, 0.1]])
    probabilities = vote_probabilities(votes, 7)
    assert probabilities.argmax(axis=1).tolist() == votes.argmax(axis=1).tolist()
    assert probabilities.min() > 0


# ---------------------------------------------------------------- labels and continuous targets
def inner_pairs(fold, j: int) -> tuple[np.ndarray, np.ndarray]:
    return fold.train[fold.inner != j], fold.train[fold.inner == j]


def test_knn_means_equal_those_of_scikit_learn() -> None:
    """Targets: the neighbors' weighted mean, if all are known. Labels: their share, smoothed by one more neighbor that counts one half."""
    settings = knn.KnnSettings(n_neighbors=(2, 5), metric=("manhattan", "euclidean"), weights=("uniform", "distance"))
    for task in ("regression", "multilabel"):
        problem = toy_problem(n=72, modalities=("image", "table"), task=task)
        problem = replace(problem, target=np.nan_to_num(problem.target))
        for result in results(LearnerSetup(knn.MODEL, settings), problem, knn.grid(settings, 0)):
            config = knn.grid(settings, 0)[result.chosen]
            X = fused(problem, result.fold, result.modalities, config["metric"])
            metric = {"manhattan": "manhattan", "euclidean": "euclidean"}[config["metric"]]
            plain = KNeighborsRegressor(config["n_neighbors"], algorithm="brute", metric=metric, weights=config["weights"])
            train, test = result.fold.train, result.fold.test
            means = plain.fit(X[train], problem.target[train]).predict(X[test])
            if task == "regression":
                assert result.prediction == pytest.approx(means, rel=1e-5)
            else:
                assert result.probabilities == pytest.approx((config["n_neighbors"] * means + 0.5) / (config["n_neighbors"] + 1), abs=1e-6)


def apart(distances: np.ndarray, rows: np.ndarray, n_outputs: int) -> Neighbors:
    """Return neighbors (n, k) without further candidates at the last distance."""
    return Neighbors(distances, rows.astype(np.int32), np.zeros(len(rows), np.int32), np.zeros((len(rows), 3 * n_outputs)))


def test_knn_ignores_unknown_targets() -> None:
    values = np.array([[1.0], [np.nan], [5.0], [np.nan], [np.nan], [np.nan]])
    near = apart(np.array([[1.0, 2.0, 3.0]] * 2), np.arange(6).reshape(2, 3), 1)
    assert [means_of(near, values, "uniform", k, np.array([9.0]))[:, 0].tolist() for k in (1, 2, 3)] == [[1, 9], [1, 9], [3, 9]]


def test_a_neighbour_at_distance_0_votes_alone_only_on_its_known_targets() -> None:
    values = np.array([[np.nan, 7.0], [4.0, 8.0], [1.0, 9.0]])
    near = apart(np.array([[0.0, 1.0, 2.0]]), np.arange(3)[None], 2)
    found = [means_of(near, values, "distance", k, np.array([5.0, 5.0]))[0].tolist() for k in (1, 2, 3)]
    assert found == [[5.0, 7.0], [4.0, 7.0], [pytest.approx(3.0), 7.0]]


def test_svm_of_labels_and_targets_equals_one_svm_each() -> None:
    settings = svm.SvmSettings(kernel=("linear", "rbf"), C=(0.5, 5.0), gamma=(0.3,))
    for task in ("multilabel", "regression"):
        problem = toy_problem(n=72, modalities=("image", "table"), task=task)
        for result in results(LearnerSetup(svm.MODEL, settings), problem, svm.grid(settings, 0)):
            config = svm.grid(settings, 0)[result.chosen]
            X = fused(problem, result.fold, result.modalities, "euclidean") / np.sqrt(len(result.modalities))
            train, test = result.fold.train, result.fold.test
            plain = {"C": config["C"], "kernel": config["kernel"], "gamma": config["gamma"] or 1.0}
            for j, values in enumerate(problem.target[train].T):
                if task == "multilabel":
                    margin = SVC(**plain).fit(X[train], values).decision_function(X[test])
                    assert result.probabilities[:, j] == pytest.approx(1 / (1 + np.exp(-margin)), abs=2e-3)
                else:
                    known = ~np.isnan(values)
                    mean, deviation = values[known].mean(), values[known].std()
                    svr = SVR(epsilon=settings.epsilon, **plain).fit(X[train][known], (values[known] - mean) / deviation)
                    assert result.prediction[:, j] == pytest.approx(svr.predict(X[test]) * deviation + mean, abs=5e-3 * deviation)


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_inner_scores_are_those_of_each_fold(task: str) -> None:
    """With the thresholds that the held-out rows of all inner folds choose together."""
    problem = toy_problem(n=72, modalities=("image",), task=task)
    settings = knn.KnnSettings(n_neighbors=(3,), metric=("euclidean",), weights=("uniform",))
    for result in results(LearnerSetup(knn.MODEL, settings), problem, knn.grid(settings, 0)):
        X = fused(problem, result.fold, result.modalities, "euclidean")
        scores = np.empty((len(result.fold.train), 3))
        for j in range(2):
            a, b = inner_pairs(result.fold, j)
            distances = pairwise_distances(X[b], X[a])
            near, values = distances.argsort(axis=1)[:, :3], problem.target[a].astype(np.float64)
            neighbors = apart(np.take_along_axis(distances, near, axis=1), near, values.shape[1])
            known = means_of(neighbors, values, "uniform", 3, known_means(values))
            scores[result.fold.inner == j] = known if task == "regression" else (3 * known + 0.5) / 4
        target = problem.target[result.fold.train]
        prediction = scores if task == "regression" else scores >= fit_thresholds(target, scores.astype(np.float32), by_f1=True)
        for j in range(2):
            rows = result.fold.inner == j
            metric = problem.metrics[problem.scoring].bound_to(target)
            expected = metric.score(target[rows], prediction[rows].astype(result.prediction.dtype), None)
            assert result.inner_scores[problem.scoring][0, j] == pytest.approx(expected, abs=1e-6)


def test_thresholds_are_the_best_of_the_grid() -> None:
    rng = np.random.default_rng(0)
    target = (rng.random((80, 2)) < [0.2, 0.6]).astype(np.uint8)
    scores = np.clip(0.3 * target + 0.5 * rng.random((80, 2)), 0, 1)
    for by_f1, quality in ((True, lambda t, p: f1_score(t, p)), (False, lambda t, p: float((t == p).mean()))):
        found = fit_thresholds(target, scores, by_f1=by_f1)
        for j in range(2):
            best = max(quality(target[:, j], scores[:, j] >= threshold) for threshold in THRESHOLDS)
            assert quality(target[:, j], scores[:, j] >= found[j]) == pytest.approx(best)
    assert fit_thresholds(target[:, :1], np.where(target[:, :1] == 1, 0.99, 0.01), by_f1=True).tolist() == [0.5]


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_errors_in_any_unit_are_distinguished(unit: float) -> None:
    errors = unit * np.array([[0.5, 0.7], [0.3, np.nan], [0.2, 0.2], [0.2, 0.2 + 1e-15]])
    assert choose(errors, greater_is_better=False) == 2
    assert choose(errors, greater_is_better=True) == 0
    assert choose(np.vstack([[np.nan, np.nan], errors]), greater_is_better=False) == 3


def test_targets_of_test_rows_change_nothing_that_is_learned() -> None:
    """Not even the scale of the metric that chooses: a target that varies only in test rows would weigh less."""
    settings = knn.KnnSettings(n_neighbors=(1, 3, 9), metric=("manhattan", "euclidean"), weights=("uniform", "distance"))
    for task in ("multilabel", "regression"):
        problem = toy_problem(n=48, modalities=("image",), task=task)
        problem = replace(problem, folds=problem.folds[:1])
        target = problem.target.copy()
        target[problem.folds[0].test] = 1 if task == "multilabel" else 1e6 * np.arange(16)[:, None] * [1, 0, 0]
        other = replace(problem, target=target, metrics=metrics_of(problem.form, target))
        (a,), (b,) = (results(LearnerSetup(knn.MODEL, settings), p, knn.grid(settings, 0)) for p in (problem, other))
        assert a.chosen == b.chosen and a.prediction.tobytes() == b.prediction.tobytes()
        assert all(a.inner_scores[name].tobytes() == b.inner_scores[name].tobytes() for name in problem.metrics)


def test_noise_does_not_beat_the_baseline_of_labels() -> None:
    """Thresholds fitted to an F1 score 0.45 on noise: the baseline has them too."""
    rng = np.random.default_rng(0)
    target = (rng.random((240, 4)) < 0.3).astype(np.uint8)
    noise = Block("noise", Dense(rng.standard_normal((240, 5)).astype(np.float32)), {})
    problem = replace(toy_problem(n=240, modalities=("image",), task="multilabel"), blocks={"noise": noise}, target=target,
                      outputs=tuple("abcd"), combinations=(("noise",),), metrics=metrics_of("labels", target))  # fmt: skip
    settings = knn.KnnSettings(n_neighbors=(20,), metric=("euclidean",))
    control = control_results(component("controls", "constant"), control_data(problem), None)
    learner = list(results(LearnerSetup(knn.MODEL, settings), problem, knn.grid(settings, 0)))
    score = problem.metrics["micro_f1"].score
    of_control, of_learner = ([score(target[r.fold.test], r.prediction, None) for r in found] for found in (control, learner))
    assert min(of_control) > 0.35
    assert np.mean(of_learner) < np.mean(of_control) + 0.03
