"""SVM rows: one RBF grid on the digits, and every combination of three modalities in a nested cross-validation.

Ours is the sweep of models.svm, probabilities included. A peer gets the scaled, concatenated features for nothing. Its ties between
classes are broken as ours are (`break_ties`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import answer_of, best_of, key_of, within_tolerance
from benchmarks.harness import Row, Side
from benchmarks.work import HELD_OUT, SEED, Work, digits, nested_folds, one_fold, splits_of, synthetic_features
from stages.contracts.problem import Fold
from stages.foundation.registry import component
from stages.model_selection.protocol import LearnerSetup, results

RBF = {"kernel": ["rbf"], "C": [0.1, 1.0, 10.0, 100.0, 1000.0], "gamma": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]}
DEFAULT = {"kernel": ["linear", "rbf"], "C": [0.1, 1.0, 10.0, 100.0], "gamma": [0.1, 0.3, 1.0, 3.0]}
N_JOBS = 2  # processes of the peers
N_NESTED, WIDTHS = 1000, {"a": 64, "b": 64, "c": 32}
Run = Callable[[int], dict[str, Any]]


def work_of(data: str, n: int | None = None) -> tuple[Work, dict[str, Any]]:
    """Return the work and the grid's settings. data: digits, of which the first `n`, or synthetic."""
    if data == "digits":
        modalities, target = digits(n)
        return Work(modalities, target, one_fold(len(target), 5)), RBF
    modalities, target = synthetic_features(n or N_NESTED, WIDTHS)
    return Work(modalities, target, nested_folds(len(target), 5, 4)), DEFAULT


def ours(data: str, n: int | None = None) -> Run:
    """Prepare our sweep."""
    model = component("models", "svm")
    work, grid = work_of(data, n)
    settings = model.settings(**grid)
    configs = model.grid(settings, SEED)

    def run(part: int) -> dict[str, Any]:
        return answer_of(list(results(LearnerSetup(model, settings), work.problem(), configs)))

    return run


def configurations(grid: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the grid's configurations in the order of ours."""
    model = component("models", "svm")
    found: list[dict[str, Any]] = model.grid(model.settings(**grid), SEED)
    return found


def svc(config: dict[str, Any], **others: Any) -> Any:
    from sklearn.svm import SVC

    return SVC(**{"kernel": config["kernel"], "C": config["C"], "gamma": config.get("gamma") or 1.0, "break_ties": True, **others})


def features_of(work: Work) -> dict[tuple[int, tuple[str, ...]], np.ndarray]:
    """Return the fused rows per outer fold and combination; their mean squared distance is 1."""
    return {
        (fold.index, modalities): work.fused(fold, modalities, "euclidean") / np.sqrt(len(modalities))
        for fold in work.folds for modalities in work.combinations()
    }  # fmt: skip


def searched(data: str, by: str, n: int | None = None) -> Run:
    """Prepare GridSearchCV(SVC) in two processes. by: what a part is: "all", an "outer" fold, or an "inner" one (no prediction)."""
    from sklearn.model_selection import GridSearchCV

    work, grid = work_of(data, n)
    configs, features = configurations(grid), features_of(work)
    warm = np.arange(40) % 2
    GridSearchCV(svc(configs[0]), [{"C": [1.0]}], cv=2, n_jobs=N_JOBS).fit(warm[:, None] * 1.0, warm)

    def run(part: int) -> dict[str, Any]:
        folds = [work.folds[part]] if by == "outer" else work.folds
        return {key_of(fold, names): search(fold, names, part) for fold in folds for names in work.combinations()}

    def search(fold: Fold, modalities: tuple[str, ...], part: int) -> dict[str, Any]:
        splits = splits_of(fold)
        chosen_splits = [splits[part]] if by == "inner" else splits
        rows, target = features[fold.index, modalities], work.target[fold.train]
        listed = [{"kernel": [c["kernel"]], "C": [c["C"]], "gamma": [c.get("gamma") or 1.0]} for c in configs]
        found = GridSearchCV(svc(configs[0]), listed, scoring="accuracy", cv=chosen_splits, n_jobs=N_JOBS, refit=False)
        found.fit(rows[fold.train], target)
        scores = np.full((len(configs), len(splits)), np.nan)
        for place in range(len(chosen_splits)):
            scores[:, part if by == "inner" else place] = found.cv_results_[f"split{place}_test_score"]
        if by == "inner":
            return {"scores": scores, "chosen": None}
        chosen = best_of(scores)
        return {"scores": scores, "chosen": chosen, **predicted(configs[chosen], rows[fold.train], target, rows[fold.test])}

    return run


def precomputed(data: str, by: str, n: int | None = None) -> Run:
    """Prepare SVC on precomputed kernels in two processes: a Gram matrix per gamma and inner fold, from shared distances, for every C."""
    from joblib import Parallel, delayed

    work, grid = work_of(data, n)
    configs, features = configurations(grid), features_of(work)
    fold, modalities = work.folds[0], work.combinations()[0]
    splits, target, rows = splits_of(fold), work.target[fold.train], features[fold.index, modalities]
    gammas = dict.fromkeys(config["gamma"] for config in configs)
    warm = np.arange(40) % 2
    Parallel(n_jobs=N_JOBS)(delayed(_accuracies)(np.eye(40), warm, np.arange(40), np.arange(5), 1.0, [1.0]) for _ in range(4))

    def run(part: int) -> dict[str, Any]:
        X = rows[fold.train]
        norms = (X**2).sum(axis=1)
        squared = np.maximum(norms[:, None] + norms[None, :] - 2 * X @ X.T, 0)
        pieces = [(gamma, i) for gamma in gammas for i in ([part] if by == "inner" else range(len(splits)))]
        asked = (delayed(_accuracies)(squared, target, *splits[i], gamma, grid["C"]) for gamma, i in pieces)
        scores = np.full((len(configs), len(splits)), np.nan)
        for (gamma, i), accuracies in zip(pieces, Parallel(n_jobs=N_JOBS, max_nbytes=1e6)(asked), strict=True):
            for place, config in enumerate(configs):
                if config["gamma"] == gamma:
                    scores[place, i] = accuracies[config["C"]]
        if by == "inner":
            return {key_of(fold, modalities): {"scores": scores, "chosen": None}}
        chosen = best_of(scores)
        return {key_of(fold, modalities): {"scores": scores, "chosen": chosen, **predicted(configs[chosen], X, target, rows[fold.test])}}

    return run


def _accuracies(
    squared: np.ndarray, target: np.ndarray, train: np.ndarray, out: np.ndarray, gamma: float, penalties: list[float]
) -> dict[float, float]:
    gram, cross = np.exp(-gamma * squared[np.ix_(train, train)]), np.exp(-gamma * squared[np.ix_(out, train)])
    found = {}
    for penalty in penalties:
        fitted = svc({"kernel": "precomputed", "C": penalty}).fit(gram, target[train])
        found[penalty] = float((fitted.predict(cross) == target[out]).mean())
    return found


def predicted(config: dict[str, Any], X: np.ndarray, target: np.ndarray, held_out: np.ndarray) -> dict[str, np.ndarray]:
    """Return predictions of the refitted best, and how near each row is to a boundary between two classes."""
    fitted = svc(config).fit(X, target)
    prediction = fitted.predict(held_out)
    fitted.decision_function_shape, fitted.break_ties = "ovo", False
    return {"prediction": prediction, "margin": np.abs(fitted.decision_function(held_out)).min(axis=1)}


def rows(*, quick: bool) -> list[Row]:
    by, parts = ("inner", 5) if quick else ("all", 1)
    n_inner = (1797 - HELD_OUT) / 5
    found = [
        Row(
            "svm", "SVM, 1,797 digits (real, 64 pixels), RBF, 5 C × 7 gamma, 5 folds",
            Side("ours", "benchmarks.svm:ours", {"data": "digits"}),
            [
                Side("GridSearchCV(SVC), n_jobs=2", "benchmarks.svm:searched", {"data": "digits", "by": by}, parts, 8),
                Side("SVC on shared Gram matrices, 2 processes", "benchmarks.svm:precomputed", {"data": "digits", "by": by}, parts, 1.5),
            ],
            within_tolerance(round(n_inner)),
        )
    ]  # fmt: skip
    if quick:
        return found
    return [
        *found,
        Row(
            "svm nested",
            "SVM, 3 modalities (64, 64, 32 columns, synthetic) × 7 combinations, 5×4 nested, linear and RBF, 4 C × 4 gamma, "
            f"{N_NESTED:,} rows",
            Side("ours", "benchmarks.svm:ours", {"data": "synthetic"}),
            [Side("GridSearchCV(SVC) per combination, n_jobs=2", "benchmarks.svm:searched", {"data": "synthetic", "by": "outer"}, 5, 12)],
            within_tolerance(N_NESTED * 4 // 5 // 4),
        ),
    ]  # fmt: skip
