"""kNN rows: one grid on five folds, and every combination of three modalities in a nested cross-validation.

Ours is the sweep of models.knn. A peer gets the scaled, concatenated features for nothing, once for each metric, as ours scales a block
by one number for each.

scikit-learn lets the row number decide between rows that are equally far at the k-th place; ours lets all of them share the votes that are
left. The rows are therefore of continuous features, where no two distances are equal, and everything found must be equal. On features
with ties `looped`, in numpy alone, takes scikit-learn's place (tests/test_bench.py).
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.agreement import answer_of, best_of, key_of, same
from benchmarks.harness import Row, Side
from benchmarks.work import HELD_OUT, SEED, Work, nested_folds, one_fold, splits_of, synthetic_features
from stages.contracts.problem import Fold
from stages.foundation.registry import component
from stages.model_selection.protocol import LearnerSetup, results

KS = tuple(range(1, 51))
METRICS = ("manhattan", "euclidean")
Run = Callable[[int], dict[str, Any]]


def work_of(n: int, widths: dict[str, int], *, n_outer: int, n_inner: int, decimals: int | None = None) -> Work:
    """Return synthetic features; with one outer fold HELD_OUT rows are added, which it holds out.

    Args:
        decimals: to which features are rounded; the fewer, the more distances are equal. None: not at all.
    """
    modalities, target = synthetic_features(n + HELD_OUT * (n_outer == 1), widths)
    if decimals is not None:
        modalities = {name: np.round(values, decimals) for name, values in modalities.items()}
    return Work(modalities, target, one_fold(len(target), n_inner) if n_outer == 1 else nested_folds(n, n_outer, n_inner))


def ours(**shape: Any) -> Run:
    """Prepare our sweep."""
    work, model = work_of(**shape), component("models", "knn")
    settings = model.settings(n_neighbors=KS, metric=METRICS, weights=("uniform",))
    configs = model.grid(settings, SEED)

    def run(part: int) -> dict[str, Any]:
        return answer_of(list(results(LearnerSetup(model, settings), work.problem(), configs)))

    return run


def searched(accelerated: bool, n_jobs: int | None, by: str, **shape: Any) -> Run:
    """Prepare scikit-learn's search: GridSearchCV and a prediction by the refitted best, per outer fold, combination and metric.

    Args:
        accelerated: whether scikit-learn-intelex takes the place of scikit-learn's algorithms.
        by: what a part is: "all" of it, an "outer" fold, or an "inner" one (which then chooses and predicts nothing).
    """
    if accelerated:
        from sklearnex import patch_sklearn

        patch_sklearn(verbose=False)
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier

    work, model = work_of(**shape), component("models", "knn")
    configs = model.grid(model.settings(n_neighbors=KS, metric=METRICS, weights=("uniform",)), SEED)
    features = {
        (fold.index, modalities, metric): work.fused(fold, modalities, metric)
        for fold in work.folds for modalities in work.combinations() for metric in METRICS
    }  # fmt: skip

    warm = np.arange(400) % 20
    GridSearchCV(KNeighborsClassifier(), [{"n_neighbors": [1]}], cv=2, n_jobs=n_jobs).fit(warm[:, None] * 1.0, warm)

    def run(part: int) -> dict[str, Any]:
        folds = [work.folds[part]] if by == "outer" else work.folds
        return {key_of(fold, names): search(fold, names, part) for fold in folds for names in work.combinations()}

    def search(fold: Fold, modalities: tuple[str, ...], part: int) -> dict[str, Any]:
        splits = splits_of(fold)
        chosen_splits = [splits[part]] if by == "inner" else splits
        scores = np.full((len(configs), len(splits)), np.nan)
        target = work.target[fold.train]
        for metric in METRICS:
            rows = [i for i, config in enumerate(configs) if config["metric"] == metric]
            grid = [{"n_neighbors": [configs[i]["n_neighbors"]]} for i in rows]
            plain = KNeighborsClassifier(metric=metric, algorithm="brute")
            found = GridSearchCV(plain, grid, scoring="accuracy", cv=chosen_splits, n_jobs=n_jobs, refit=False)
            found.fit(features[fold.index, modalities, metric][fold.train], target)
            for place in range(len(chosen_splits)):
                scores[rows, part if by == "inner" else place] = found.cv_results_[f"split{place}_test_score"]
        if by == "inner":
            return {"scores": scores, "chosen": None}
        chosen = best_of(scores)
        config = configs[chosen]
        best = KNeighborsClassifier(config["n_neighbors"], metric=config["metric"], algorithm="brute")
        fused = features[fold.index, modalities, config["metric"]]
        return {"scores": scores, "chosen": chosen, "prediction": best.fit(fused[fold.train], target).predict(fused[fold.test])}

    return run


def looped(**shape: Any) -> Run:
    """Prepare the sweep by its definition, one configuration and inner fold at a time: rows tied at k share the votes that are left."""
    work, model = work_of(**shape), component("models", "knn")
    configs = model.grid(model.settings(n_neighbors=KS, metric=METRICS, weights=("uniform",)), SEED)
    classes = np.arange(int(work.target.max()) + 1)

    def predicted(distances: np.ndarray, codes: np.ndarray, k: int) -> np.ndarray:
        kth = np.sort(distances, axis=1)[:, k - 1 : k]
        nearer, tied = (distances < kth).astype(np.int64), (distances == kth).astype(np.int64)
        of_class = (codes[:, None] == classes).astype(np.int64)
        left = k - nearer.sum(axis=1, keepdims=True)
        votes = nearer @ of_class * tied.sum(axis=1, keepdims=True) + tied @ of_class * left  # times the number of tied rows
        return np.asarray(votes.argmax(axis=1))

    def run(part: int) -> dict[str, Any]:
        return {key_of(fold, names): search(fold, names) for fold in work.folds for names in work.combinations()}

    def search(fold: Fold, modalities: tuple[str, ...]) -> dict[str, Any]:
        distances = {name: np.round(pairwise(work.fused(fold, modalities, name), name), 9) for name in METRICS}
        scores = np.empty((len(configs), fold.n_inner))
        for i, config in enumerate(configs):
            of_metric = distances[config["metric"]]
            for inner in range(fold.n_inner):
                train, out = fold.train[fold.inner != inner], fold.train[fold.inner == inner]
                found = predicted(of_metric[np.ix_(out, train)], work.target[train], config["n_neighbors"])
                scores[i, inner] = (found == work.target[out]).mean()
        chosen = best_of(scores)
        of_chosen = distances[configs[chosen]["metric"]][np.ix_(fold.test, fold.train)]
        prediction = predicted(of_chosen, work.target[fold.train], configs[chosen]["n_neighbors"])
        return {"scores": scores, "chosen": chosen, "prediction": prediction}

    return run


def pairwise(features: np.ndarray, metric: str) -> np.ndarray:
    """Return the distances between all rows, by differences: float64 (n, n)."""
    apart = features[:, None] - features[None]
    return np.asarray(np.abs(apart).sum(axis=2) if metric == "manhattan" else np.sqrt((apart**2).sum(axis=2)))


def rows(*, quick: bool) -> list[Row]:
    single = {"n": 3000, "widths": {"features": 128}, "n_outer": 1, "n_inner": 5}
    by, parts = ("inner", 5) if quick else ("all", 1)
    accelerated = find_spec("sklearnex") is not None  # it is made for x86-64 alone
    peers = [_peer("scikit-learn-intelex, n_jobs=2", single, True, 2, by, parts, 50)] * accelerated
    if not (quick and accelerated):
        peers.append(_peer("n_jobs=2", single, False, 2, by, parts, 50))
    rows = [
        Row(
            "knn", "kNN, 3,000×128 (synthetic), k = 1…50, L1 and L2, 5 folds",
            Side("ours", "benchmarks.knn:ours", single),
            peers,
            same,
        )
    ]  # fmt: skip
    if quick:
        return rows
    nested = {"n": 2000, "widths": {"a": 64, "b": 64, "c": 32}, "n_outer": 5, "n_inner": 4}
    return [
        *rows,
        Row(
            "knn nested",
            "kNN, 3 modalities (64, 64 and 32 columns, synthetic) × 7 combinations, 5×4 nested, k = 1…50, L1 and L2, 2,000 rows",
            Side("ours", "benchmarks.knn:ours", nested),
            [*([_peer("scikit-learn-intelex, n_jobs=2", nested, True, 2, "outer", 5, 150)] * accelerated),
             _peer("n_jobs=2", nested, False, 2, "outer", 5, 150)],
            same,
        ),
    ]  # fmt: skip


def _peer(name: str, shape: dict[str, Any], accelerated: bool, n_jobs: int | None, by: str, parts: int, goal: float) -> Side:
    arguments = {"accelerated": accelerated, "n_jobs": n_jobs, "by": by, **shape}
    nested = " per combination" if by == "outer" else ""
    return Side(f"GridSearchCV{nested}, {name}", "benchmarks.knn:searched", arguments, parts, goal)
