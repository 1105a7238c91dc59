"""A learner of the main protocol on plain arrays: one configuration, fitted on the training rows, scores the test rows."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep

N_INNER = 2
NAME = "x"


def fitted_scores(learner: str, settings: Mapping[str, Any], train: tuple[np.ndarray, np.ndarray], X: np.ndarray, *, seed: int) -> Scores:
    """Return the scores of new rows by a learner of stages/models/.

    Args:
        learner: its name. settings: as in params.yaml, of a single configuration. train: rows, float (n, d), and class codes, int (n,).
        X: new rows, float (m, d).
    """
    model = as_sweep(component("models", learner))
    parsed = model.settings(**settings)
    (config,) = model.grid(parsed, seed)
    rows, target = train
    n, m = len(rows), len(X)
    block = Block(NAME, Dense(np.concatenate([rows, X]).astype(np.float32)), {})
    fold = Fold(0, 0, np.arange(n), np.arange(n, n + m), (np.arange(n) % N_INNER).astype(np.int16), N_INNER)
    codes = np.concatenate([target, np.zeros(m, np.int64)]).astype(np.int32)
    names = tuple(str(code) for code in range(int(target.max()) + 1))
    metrics = {"accuracy": component("metrics", "accuracy")}
    problem = Problem({NAME: block}, codes, "classes", names, (fold,), ((NAME,),), metrics, "accuracy", seed)
    with ThreadPoolExecutor(1) as pool:
        ((sweep,),) = model.run(problem, parsed, model.approximated([config], parsed, problem), pool)
        return sweep.refit(0, seed)().scores


def fitted_accuracy(learner: str, settings: Mapping[str, Any], train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray],
                    *, seed: int) -> float:  # fmt: skip
    """Return the share of test rows whose class a learner predicts; arguments as of `fitted_scores`."""
    scores = fitted_scores(learner, settings, train, test[0], seed=seed)
    return float((scores.decisions.argmax(axis=1) == test[1]).mean())
