"""Network rows: small networks and small CNNs, 12 configurations × 5 folds, against a loop in torch over configurations and folds.

Ours is the sweep of models.network, which trains the folds of a configuration side by side. The loop trains one network of torch's modules
after the other: the same layers, first weights of the same law, epochs, batches, decoupled weight decay, linear decay of the rate, and
patience. Random numbers differ, and the folds of a stack stop together, each at its own best epoch.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.agreement import answer_of, key_of, within_band
from benchmarks.harness import Row, Side
from benchmarks.work import SEED, Work, digits, one_fold, splits_of
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.features.structures import Structure
from stages.foundation.registry import component
from stages.model_selection.protocol import LearnerSetup, results

GRID = {"width": [16, 32, 64], "learning_rate_init": [0.003, 0.01], "weight_decay": [0.1, 1.0], "dropout": [0.0], "modality_dropout": [0.0],
        "n_iter": "all", "max_iter": 20, "n_iter_no_change": 4, "batch_size": 64, "device": "cpu"}  # fmt: skip
SIDE, WARM_UP = 8, 20  # pixels of a digit; steps in which the rate rises
Run = Callable[[int], dict[str, Any]]


def work_of(n: int | None) -> Work:
    """Return the digits, of which the first n, with one outer fold and five inner ones."""
    modalities, target = digits(n)
    return Work(modalities, target, one_fold(len(target), 5))


def ours(encoder: str, n: int | None = None) -> Run:
    """Prepare our sweep. encoder: plain, or cnn."""
    model = component("models", "network")
    work = work_of(n)
    settings = model.settings(**GRID, encoders={"image": [encoder]})
    configs = model.grid(settings, SEED)
    values = work.modalities["image"].astype(np.float32)

    def run(part: int) -> dict[str, Any]:
        block = Block("image", Dense(values, Structure("image", (SIDE, SIDE, 1))), {})
        problem = replace(work.problem(), blocks={"image": block})
        return answer_of(list(results(LearnerSetup(model, settings), problem, configs)))

    return run


def in_turn(encoder: str, threads: int, n: int | None = None) -> Run:
    """Prepare a loop in torch that trains one network after the other. A round is one of the five inner folds: a fifth of our work."""
    import torch

    torch.set_num_threads(threads)
    work = work_of(n)
    (fold,) = work.folds
    model = component("models", "network")
    configs = model.grid(model.settings(**GRID), SEED)
    pixels = work.modalities["image"].astype(np.float64)
    pixels = pixels - pixels[fold.train].mean(axis=0)
    X = torch.from_numpy((pixels / pixels[fold.train].std()).astype(np.float32)[fold.train])
    y = torch.from_numpy(work.target[fold.train].astype(np.int64))
    n_classes, splits = int(work.target.max()) + 1, splits_of(fold)

    class Fused(torch.nn.Module):
        """An encoder, then a hidden layer next to a direct one."""

        def __init__(self, layers: list[torch.nn.Module], width: int) -> None:
            super().__init__()
            self.encoder, self.hidden = torch.nn.Sequential(*layers), torch.nn.Linear(width, width)
            self.last, self.direct = torch.nn.Linear(width, n_classes), torch.nn.Linear(width, n_classes)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            embedding = self.encoder(values)
            found: torch.Tensor = self.last(torch.relu(self.hidden(torch.relu(embedding)))) + self.direct(embedding)
            return found

    def network_of(width: int) -> torch.nn.Module:
        relu = torch.nn.ReLU
        first: list[torch.nn.Module] = [torch.nn.Linear(SIDE**2, 2 * width), relu(), torch.nn.Linear(2 * width, width)]
        if encoder == "cnn":
            convolutions = torch.nn.Conv2d(1, 8, 5, 2, 2), torch.nn.Conv2d(8, 16, 5, 2, 2)
            first = [torch.nn.Unflatten(1, (1, SIDE, SIDE)), convolutions[0], relu(), convolutions[1], relu(), torch.nn.Flatten(),
                     torch.nn.Linear(16 * (SIDE // 4) ** 2, width)]  # fmt: skip
        network = Fused(first, width)
        for layer in network.modules():
            if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
                bound = (6 / layer.weight[0].numel()) ** 0.5
                torch.nn.init.uniform_(layer.weight, -bound, bound)
                torch.nn.init.zeros_(layer.bias)
        return network

    def train(config: dict[str, Any], used: np.ndarray, out: np.ndarray) -> float:
        """Return the accuracy on the rows `out` after the epoch that is best on them."""
        torch.manual_seed(0)
        network = network_of(config["width"])
        decayed = [weight for weight in network.parameters() if weight.dim() > 1]
        others = [weight for weight in network.parameters() if weight.dim() == 1]
        rate, epochs = config["learning_rate_init"], GRID["max_iter"]
        groups = [{"params": decayed, "weight_decay": config["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
        optimizer, loss = torch.optim.AdamW(groups, lr=rate), torch.nn.CrossEntropyLoss()
        rows, held_out = torch.from_numpy(used), torch.from_numpy(out)
        n_steps, step = epochs * -(-len(rows) // GRID["batch_size"]), 0
        best_loss, best_epoch, accuracy = float("inf"), 0, float("nan")
        for epoch in range(1, epochs + 1):
            for batch in rows[torch.randperm(len(rows))].split(GRID["batch_size"]):
                for group in optimizer.param_groups:
                    group["lr"] = rate * (1 - 0.99 * step / n_steps) * min(1, (step + 1) / WARM_UP)
                optimizer.zero_grad()
                loss(network(X[batch]), y[batch]).backward()
                optimizer.step()
                step += 1
            with torch.no_grad():
                logits = network(X[held_out])
                found = float(loss(logits, y[held_out]))
            if found < best_loss:
                best_loss, best_epoch, accuracy = found, epoch, float((logits.argmax(1) == y[held_out]).float().mean())
            if epoch - best_epoch >= GRID["n_iter_no_change"]:
                break
        return accuracy

    def run(part: int) -> dict[str, Any]:
        scores = np.full((len(configs), len(splits)), np.nan)
        for index, config in enumerate(configs):
            scores[index, part] = train(config, *splits[part])
        return {key_of(fold, ("image",)): {"scores": scores, "chosen": None}}

    return run


def rows(*, quick: bool) -> list[Row]:
    return [
        Row(f"network {encoder}", f"network ({title}), 1,797 digits (real, 64 pixels), {len(GRID['width']) * 4} configurations × 5 folds",
            Side("ours", "benchmarks.network:ours", {"encoder": encoder}),
            [Side("torch, one network after the other", "benchmarks.network:in_turn", {"encoder": encoder, "threads": 1}, 5, goal)],
            within_band(best=0.02, mean=0.04))
        for encoder, title, goal in (("plain", "plain MLP", 2.0), ("cnn", "CNN", 1.0))
    ][: 1 if quick else 2]  # fmt: skip
