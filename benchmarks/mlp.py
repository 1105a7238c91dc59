"""MLP rows: 40 small networks × 5 folds on the digits, 20 larger ones × 5 folds on 784 pixels.

Ours is the sweep of models.mlp on the pixels (`n_components: null`), which it centres and scales itself. The peers get the same inputs
for nothing: centred and brought to mean variance 1. All have the same layers, epochs, batches and patience. Random numbers differ,
and MLPClassifier draws its first weights by another law and stops by a tenth of its own training rows, where ours and the loop in torch
stop by the inner fold's held-out rows.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.agreement import answer_of, best_of, key_of, within_band
from benchmarks.harness import Row, Side
from benchmarks.work import HELD_OUT, SEED, Work, digits, enlarged_digits, one_fold, splits_of
from stages.contracts.problem import Fold
from stages.foundation.registry import component
from stages.model_selection.protocol import LearnerSetup, results

SCHEDULE = {"max_iter": 40, "n_iter_no_change": 5, "batch_size": 128, "n_components": None}
SMALL = {"hidden_layer_sizes": [[32], [64], [32, 32], [64, 64]], "activation": ["relu"],
         "learning_rate_init": [0.001, 0.002, 0.003, 0.005, 0.01], "weight_decay": [0.0001, 0.01], **SCHEDULE}
LARGE = {"hidden_layer_sizes": [[64], [128], [64, 64], [128, 128]], "activation": ["relu"],
         "learning_rate_init": [0.0003, 0.0005, 0.001, 0.002, 0.003], "weight_decay": [0.0001], **SCHEDULE}
Run = Callable[[int], dict[str, Any]]


def work_of(data: str, n: int | None = None) -> tuple[Work, dict[str, Any]]:
    """Return the work and the grid's settings. data: digits, of which the first `n`, or enlarged ones."""
    modalities, target = digits(n) if data == "digits" else enlarged_digits(n or 6000 + HELD_OUT)
    return Work(modalities, target, one_fold(len(target), 5)), SMALL if data == "digits" else LARGE


def ours(data: str, n: int | None = None) -> Run:
    """Prepare our sweep."""
    model = component("models", "mlp")
    work, grid = work_of(data, n)
    settings = model.settings(**grid)
    configs = model.grid(settings, SEED)

    def run(part: int) -> dict[str, Any]:
        return answer_of(list(results(LearnerSetup(model, settings), work.problem(), configs)))

    return run


def task_of(data: str, n: int | None) -> tuple[Fold, np.ndarray, np.ndarray, list[dict[str, Any]], dict[str, Any]]:
    """Return the fold, the inputs float32 (n, d), the classes, the configurations and the grid.

    Inputs are the columns, centred, on one scale for all: of mean variance 1 on the training rows.
    """
    work, grid = work_of(data, n)
    (fold,) = work.folds
    values = work.modalities["image"].astype(np.float64)
    spread = values[fold.train].var(axis=0)
    features = ((values - values[fold.train].mean(axis=0)) / np.sqrt(spread[spread > 1e-12 * spread.max()].mean())).astype(np.float32)
    model = component("models", "mlp")
    return fold, features, work.target, model.grid(model.settings(**grid), SEED), grid


def searched(data: str, by: str, n: int | None = None) -> Run:
    """Prepare GridSearchCV(MLPClassifier) in two processes. by: what a part is: "all", or an "inner" fold (no prediction)."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    fold, features, target, configs, grid = task_of(data, n)
    splits = splits_of(fold)

    warm = np.arange(400) % 2
    GridSearchCV(MLPClassifier(max_iter=2), [{"alpha": [1.0]}], cv=2, n_jobs=2).fit(warm[:, None] * 1.0, warm)

    def values_of(config: dict[str, Any]) -> dict[str, Any]:
        hidden, rate = tuple(config["hidden_layer_sizes"]), config["learning_rate_init"]
        return {"hidden_layer_sizes": hidden, "learning_rate_init": rate, "alpha": config["weight_decay"]}

    def run(part: int) -> dict[str, Any]:
        plain = MLPClassifier(
            max_iter=grid["max_iter"], batch_size=grid["batch_size"], early_stopping=True, n_iter_no_change=grid["n_iter_no_change"],
            random_state=0,
        )  # fmt: skip
        chosen_splits = [splits[part]] if by == "inner" else splits
        listed = [{name: [value] for name, value in values_of(config).items()} for config in configs]
        found = GridSearchCV(plain, listed, scoring="accuracy", cv=chosen_splits, n_jobs=2, refit=False)
        found.fit(features[fold.train], target[fold.train])
        scores = np.full((len(configs), len(splits)), np.nan)
        for place in range(len(chosen_splits)):
            scores[:, part if by == "inner" else place] = found.cv_results_[f"split{place}_test_score"]
        answer: dict[str, Any] = {"scores": scores, "chosen": None}
        if by == "all":
            answer["chosen"] = best_of(scores)
            best = plain.set_params(**values_of(configs[answer["chosen"]])).fit(features[fold.train], target[fold.train])
            answer["prediction"] = best.predict(features[fold.test])
        return {key_of(fold, ("image",)): answer}

    return run


def in_turn(data: str, by: str, threads: int, n: int | None = None) -> Run:
    """Prepare a loop in torch that trains one network after the other. by: what a part is: "all", or an "inner" fold (no prediction)."""
    import torch

    torch.set_num_threads(threads)
    fold, features, target, configs, grid = task_of(data, n)
    splits = splits_of(fold)
    X, y = torch.from_numpy(features[fold.train]), torch.from_numpy(target[fold.train].astype(np.int64))
    n_classes = int(target.max()) + 1

    def network_of(config: dict[str, Any]) -> torch.nn.Sequential:
        sizes = [X.shape[1], *config["hidden_layer_sizes"]]
        layers: list[torch.nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [linear(a, b), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers, linear(sizes[-1], n_classes))

    def linear(fan_in: int, fan_out: int) -> torch.nn.Linear:
        """Return a layer whose first weights follow the law of ours: uniform of variance 2 / fan_in, biases 0."""
        layer = torch.nn.Linear(fan_in, fan_out)
        torch.nn.init.uniform_(layer.weight, -((6 / fan_in) ** 0.5), (6 / fan_in) ** 0.5)
        torch.nn.init.zeros_(layer.bias)
        return layer

    def train(config: dict[str, Any], used: np.ndarray, out: np.ndarray | None, epochs: int) -> tuple[torch.nn.Sequential, int, float]:
        """Return the network, its best epoch, and the accuracy on the rows `out` after it."""
        torch.manual_seed(0)
        network = network_of(config)
        optimizer = torch.optim.AdamW(network.parameters(), lr=config["learning_rate_init"], weight_decay=config["weight_decay"])
        loss = torch.nn.CrossEntropyLoss()
        rows, held_out = torch.from_numpy(used), None if out is None else torch.from_numpy(out)
        best_loss, best_epoch, accuracy = float("inf"), epochs, float("nan")
        for epoch in range(1, epochs + 1):
            for batch in rows[torch.randperm(len(rows))].split(grid["batch_size"]):
                optimizer.zero_grad()
                loss(network(X[batch]), y[batch]).backward()
                optimizer.step()
            if held_out is None:
                continue
            with torch.no_grad():
                logits = network(X[held_out])
                found = float(loss(logits, y[held_out]))
            if found < best_loss:
                best_loss, best_epoch, accuracy = found, epoch, float((logits.argmax(1) == y[held_out]).float().mean())
            if epoch - best_epoch >= grid["n_iter_no_change"]:
                break
        return network, best_epoch, accuracy

    def run(part: int) -> dict[str, Any]:
        scores = np.full((len(configs), len(splits)), np.nan)
        epochs = np.zeros(scores.shape)
        for i, config in enumerate(configs):
            for j in [part] if by == "inner" else range(len(splits)):
                _, epochs[i, j], scores[i, j] = train(config, *splits[j], grid["max_iter"])
        answer: dict[str, Any] = {"scores": scores, "chosen": None}
        if by == "all":
            chosen = answer["chosen"] = best_of(scores)
            network, _, _ = train(configs[chosen], np.arange(len(X)), None, max(1, round(epochs[chosen].mean())))
            with torch.no_grad():
                answer["prediction"] = network(torch.from_numpy(features[fold.test])).argmax(1).numpy()
        return {key_of(fold, ("image",)): answer}

    return run


def rows(*, quick: bool) -> list[Row]:
    by, parts = ("inner", 5) if quick else ("all", 1)
    found = [
        Row("mlp", "MLP, 1,797 digits (real, 64 pixels), 40 configurations × 5 folds",
            Side("ours", "benchmarks.mlp:ours", {"data": "digits"}),
            _peers("digits", by, parts, (6, 12))[: 1 if quick else 2], within_band(best=0.02, mean=0.04),
            )
    ]  # fmt: skip
    if quick:
        return found
    return [
        *found,
        Row("mlp 784", "MLP, 6,000×784 (digits enlarged, with noise), 20 configurations × 5 folds",
            Side("ours", "benchmarks.mlp:ours", {"data": "enlarged"}), _peers("enlarged", "inner", 5, (1.5, 2)),
            within_band(best=0.02, mean=0.04)),
    ]  # fmt: skip


def _peers(data: str, by: str, parts: int, goals: tuple[float, float]) -> list[Side]:
    return [
        Side("GridSearchCV(MLPClassifier), n_jobs=2", "benchmarks.mlp:searched", {"data": data, "by": by}, parts, goals[0]),
        Side("torch, one network after the other", "benchmarks.mlp:in_turn", {"data": data, "by": by, "threads": 1}, parts, goals[1]),
    ]
