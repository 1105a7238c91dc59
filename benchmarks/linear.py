"""Linear rows: paths of penalties C on every combination of three modalities, and on the pixels of enlarged digits.

Ours is the sweep of models.linear with its default settings but for the path. A peer is GridSearchCV over C with the solver's own `tol`
and `max_iter` set to ours. On the combinations it gets the scaled, concatenated features for nothing; on the pixels it is a pipeline that
fits 64 principal components, as a search in scikit-learn does: again for each C and inner fold. Ours fits them once per outer fold and
brings them to one scale, and it starts each penalty from the solution of the one before, so scores differ a little. On the combinations
it solves all inner folds as one problem.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.agreement import answer_of, best_of, key_of, within_band
from benchmarks.harness import Row, Side
from benchmarks.work import HELD_OUT, SEED, Work, enlarged_digits, nested_folds, one_fold, splits_of, synthetic_features
from stages.contracts.problem import Fold
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results

PATH = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
N_JOBS = 2  # processes of the peers
N_NESTED, WIDTHS = 1000, {"a": 64, "b": 64, "c": 32}
N_ENLARGED = 6000
Run = Callable[[int], dict[str, Any]]


def work_of(data: str, n: int | None = None) -> Work:
    """Return the work. data: enlarged digits, or synthetic features of three modalities."""
    if data == "enlarged":
        modalities, target = enlarged_digits(n or N_ENLARGED + HELD_OUT)
        return Work(modalities, target, one_fold(len(target), 5))
    modalities, target = synthetic_features(n or N_NESTED, WIDTHS)
    return Work(modalities, target, nested_folds(len(target), 5, 4))


def ours(data: str, n: int | None = None) -> Run:
    """Prepare our sweep."""
    model, work = as_sweep(component("models", "linear")), work_of(data, n)
    settings = model.settings(C=PATH)
    configs = model.grid(settings, SEED)

    def run(part: int) -> dict[str, Any]:
        return answer_of(list(results(LearnerSetup(model, settings), work.problem(), configs)))

    return run


def searched(data: str, by: str, n: int | None = None) -> Run:
    """Prepare GridSearchCV(LogisticRegression) in two processes. by: what a part is: "all", an "outer" fold, or an "inner" one."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    work, settings = work_of(data, n), component("models", "linear").settings()
    plain = LogisticRegression(max_iter=settings.max_iter, tol=settings.tol)
    learner: Any = make_pipeline(PCA(settings.n_components, random_state=0), plain) if data == "enlarged" else plain
    key = "logisticregression__C" if data == "enlarged" else "C"
    features = {(fold.index, names): work.fused(fold, names, "euclidean") / np.sqrt(len(names))
                for fold in work.folds for names in work.combinations()}  # fmt: skip
    warm = np.arange(40) % 2
    GridSearchCV(plain, {"C": [1.0]}, cv=2, n_jobs=N_JOBS).fit(warm[:, None] * 1.0, warm)

    def run(part: int) -> dict[str, Any]:
        folds = [work.folds[part]] if by == "outer" else work.folds
        return {key_of(fold, names): search(fold, names, part) for fold in folds for names in work.combinations()}

    def search(fold: Fold, names: tuple[str, ...], part: int) -> dict[str, Any]:
        splits, rows, target = splits_of(fold), features[fold.index, names], work.target
        chosen_splits = [splits[part]] if by == "inner" else splits
        found = GridSearchCV(learner, {key: list(PATH)}, scoring="accuracy", cv=chosen_splits, n_jobs=N_JOBS, refit=False)
        found.fit(rows[fold.train], target[fold.train])
        scores = np.full((len(PATH), len(splits)), np.nan)
        for place in range(len(chosen_splits)):
            scores[:, part if by == "inner" else place] = found.cv_results_[f"split{place}_test_score"]
        if by == "inner":
            return {"scores": scores, "chosen": None}
        chosen = best_of(scores)
        best = learner.set_params(**{key: PATH[chosen]}).fit(rows[fold.train], target[fold.train])
        return {"scores": scores, "chosen": chosen, "prediction": best.predict(rows[fold.test])}

    return run


def rows(*, quick: bool) -> list[Row]:
    """Return the comparisons; quick: the first alone, of which the peer does one outer fold per round."""
    by, parts = ("outer", 5) if quick else ("all", 1)
    combined = f"Linear, 3 modalities (64, 64, 32 columns, synthetic) × 7 combinations, 5×4 nested, {len(PATH)} C, {N_NESTED:,} rows"
    nested = Row("linear", combined,
                 Side("ours", "benchmarks.linear:ours", {"data": "synthetic"}),
                 [Side("GridSearchCV(LogisticRegression) per combination, n_jobs=2", "benchmarks.linear:searched",
                       {"data": "synthetic", "by": by}, parts, 5)], within_band(best=0.01, mean=0.01))  # fmt: skip
    pixels = Row("linear 784", f"Linear, {N_ENLARGED:,}×784 (digits enlarged, with noise), 64 components, {len(PATH)} C × 5 folds",
                 Side("ours", "benchmarks.linear:ours", {"data": "enlarged"}),
                 [Side("GridSearchCV(PCA, LogisticRegression), n_jobs=2", "benchmarks.linear:searched",
                       {"data": "enlarged", "by": "inner"}, 5, 5)], within_band(best=0.02, mean=0.01))  # fmt: skip
    return [nested] if quick else [nested, pixels]
