"""Check by simulation what evaluate says of twice the training rows: `python -m benchmarks.more_rows [--sets 100] [scenario ...]`.

Every data set is **simulated**: normal classes, 600 rows in 5 outer folds, learners of scikit-learn really trained on nested halves of the
training rows. The truth is the mean error of learners on new rows, over many training sets of n and of 2n rows. Each statement comes from
the code that evaluate runs (stages/evaluation/more_rows.py). The table stands on docs/honesty.md.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from stages.contracts.candidate import Candidate
from stages.contracts.documents.growth import LearningCurve
from stages.evaluation.checked_predictions import FoldPredictions
from stages.evaluation.design import Design
from stages.evaluation.more_rows import FACTOR, TrainedShare, judged_curve
from stages.foundation.registry import component
from stages.splitting.assign_folds import assign_folds

N_ROWS, N_FOLDS, N_HALVINGS, N_TESTED = 600, 5, 3, 20_000
TRAINED = 60_000  # rows on which learners are trained for one truth


@dataclass(frozen=True)
class Scenario:
    """Classes with normal columns. distance: of the class means from their centre. group_size: rows that share a part of their noise."""

    n_columns: int
    n_classes: int
    distance: float
    make: Callable[[], Any]
    group_size: int = 1

    def draw(self, n: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return columns, classes and groups of n rows."""
        means = np.random.default_rng(99).normal(size=(self.n_classes, self.n_columns))
        means *= self.distance / np.linalg.norm(means, axis=1, keepdims=True)
        groups = np.arange(n) // self.group_size
        target = generator.integers(0, self.n_classes, groups.max() + 1)[groups]
        shared, own = (0.8, 0.6) if self.group_size > 1 else (0.0, 1.0)
        of_groups = generator.normal(size=(groups.max() + 1, self.n_columns))[groups]
        return means[target] + shared * of_groups + own * generator.normal(size=(n, self.n_columns)), target, groups


SCENARIOS = {
    "logistic, 20 columns": Scenario(20, 2, 1.6, LogisticRegression),
    "logistic, 20 columns, groups of 5": Scenario(20, 2, 1.6, LogisticRegression, group_size=5),
    "5 neighbors, 6 columns": Scenario(6, 3, 2.0, lambda: KNeighborsClassifier(5)),
    "logistic, 2 columns": Scenario(2, 2, 2.0, LogisticRegression),
    "logistic, 60 columns, C chosen": Scenario(60, 4, 2.2, lambda: GridSearchCV(LogisticRegression(), {"C": [0.01, 0.1, 1, 10]}, cv=3)),
    "logistic, 60 columns, C = 1": Scenario(60, 4, 2.2, LogisticRegression),
}


def true_error(scenario: Scenario, n: int, generator: np.random.Generator) -> float:
    """Return the mean error of learners that are trained on n rows; the rows that test it are the same for all n."""
    columns, target, _ = scenario.draw(N_TESTED, np.random.default_rng(1))
    errors = []
    for _ in range(min(300, TRAINED // n)):
        own, classes, _ = scenario.draw(n, generator)
        errors.append(float((scenario.make().fit(own, classes).predict(columns) != target).mean()))
    return float(np.mean(errors))


def simulated_curve(scenario: Scenario, seed: int) -> LearningCurve:
    """Return what evaluate says of one simulated data set."""
    columns, target, groups = scenario.draw(N_ROWS, np.random.default_rng(seed))
    strata = np.eye(scenario.n_classes)[target]
    folds = assign_folds(strata, groups, N_FOLDS, seed).astype(np.int64)
    order = np.argsort(folds, kind="stable")
    n_groups = int(groups.max()) + 1
    design = Design(rows=order, groups=groups[order], folds=folds[order], n_folds=N_FOLDS, n_rows=N_ROWS, test_per_train=1 / (N_FOLDS - 1),
                    confidence=0.95, blocks=np.arange(n_groups))  # fmt: skip
    shares: list[list[tuple[int, FoldPredictions]]] = [[] for _ in range(N_HALVINGS + 1)]
    for fold in range(N_FOLDS):
        rows, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        for level in range(N_HALVINGS, -1, -1):
            predicted = scenario.make().fit(columns[rows], target[rows]).predict(columns[test])
            shares[level].append((len(rows), FoldPredictions(target[test].astype(np.int32), predicted.astype(np.int32), None)))
            rows = rows[assign_folds(strata[rows], groups[rows], 2, 100 * fold + level) == 0]
    trained = [TrainedShare(0.5 ** (N_HALVINGS - level), float(np.mean([n for n, _ in of_share])), [found for _, found in of_share])
               for level, of_share in enumerate(shares)]
    accuracy = component("metrics", "accuracy")
    return judged_curve(Candidate("learner", ("columns",)), trained, accuracy, design, skipped={}, time_ordered=False)


def main() -> None:
    """Print a row of a Markdown table per scenario."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=100, help="simulated data sets of each scenario")
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; all, if none is named")
    chosen = parser.parse_args()
    print("| learner | error at 60, 120, 240, 480, 960 rows | true gain of 960 over 480 | something said | of these covered | gain below "
          "| gain above | mean width |\n|---|---|--:|--:|--:|--:|--:|--:|")
    n = N_ROWS * (N_FOLDS - 1) // N_FOLDS
    for name in chosen.scenarios or SCENARIOS:
        scenario, generator = SCENARIOS[name], np.random.default_rng(0)
        truth = [true_error(scenario, size, generator) for size in (n // 8, n // 4, n // 2, n, int(FACTOR * n))]
        gain = truth[-2] - truth[-1]
        said = [curve.twice for curve in (simulated_curve(scenario, seed) for seed in range(chosen.sets)) if curve.twice is not None]
        ends = np.array([(found.lo, found.hi) for found in said]).reshape(-1, 2)
        below, above = int((gain < ends[:, 0]).sum()), int((gain > ends[:, 1]).sum())
        width = f"{np.diff(ends, axis=1).mean():.3f}" if said else "–"
        print(f"| {name} | {', '.join(f'{error:.3f}' for error in truth)} | {gain:.4f} | {len(said)} of {chosen.sets} "
              f"| {len(said) - below - above} | {below} | {above} | {width} |", flush=True)


if __name__ == "__main__":
    main()
