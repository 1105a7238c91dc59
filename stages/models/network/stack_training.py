"""Training of a stack: networks of one shape and configuration, each on rows of its own, side by side.

All numbers of a network are computed from its own rows, seeds and weights. A stack is trained by one thread, so that its bytes do not
depend on the number of cores.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from stages.models.network.fused_network import FusedNetwork
from stages.models.network.stack_data import NetworkStack, Plan, StackData, side_by_side, tensor, tensors
from stages.models.network.stack_steps import Stepper

EVALUATED = 256  # rows per network at a time


@dataclass
class TrainedStack:
    """answers: of each network's held-out rows at its best epoch (1-based). Losses: per epoch, float64 (n_networks,)."""

    network: FusedNetwork
    answers: list[np.ndarray]
    best_epochs: np.ndarray
    best_losses: np.ndarray
    train_losses: list[np.ndarray] = field(default_factory=list)
    held_out_losses: list[np.ndarray] = field(default_factory=list)


def train_stack(build: Callable[[Sequence[int]], FusedNetwork], data: StackData, stack: NetworkStack, plan: Plan) -> TrainedStack:
    """Return the networks that `build` makes of their seeds, trained; with early stopping if any rows are held out."""
    import torch

    torch.set_num_threads(1)  # of this thread
    torch.set_flush_denormal(True)  # moments of weights without a gradient become so small that they slow down each step
    try:
        return _trained(build, data, stack, plan)
    finally:
        torch.set_flush_denormal(False)  # the thread has other tasks, too


def _trained(build: Callable[[Sequence[int]], FusedNetwork], data: StackData, stack: NetworkStack, plan: Plan) -> TrainedStack:
    network, n_networks = build(stack.seeds), len(stack.used)
    trained = TrainedStack(network, [np.zeros(0)] * n_networks, np.zeros(n_networks, int), np.full(n_networks, np.inf))
    stepper = Stepper(network, data, stack, plan)
    stops_early = any(len(rows) for rows in stack.held_out)
    for epoch in range(1, plan.epochs + 1):
        trained.train_losses.append(stepper.epoch())
        if stops_early:
            losses, answers = evaluated(network, data, stack.held_out)
            trained.held_out_losses.append(losses)
            for index in np.flatnonzero(losses < trained.best_losses):
                trained.best_losses[index], trained.best_epochs[index], trained.answers[index] = losses[index], epoch, answers[index]
            if epoch - trained.best_epochs.max() >= plan.patience:
                break
    if stops_early and (trained.best_epochs == 0).any():  # a loss that was never a number
        for index in np.flatnonzero(trained.best_epochs == 0):
            trained.answers[index], trained.best_epochs[index] = np.nan_to_num(answers[index]), 1
    return trained


def evaluated(network: FusedNetwork, data: StackData, rows: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the mean loss of each network's rows, float64 (n_networks,), and its answers (n, n_outputs)."""
    import torch

    longest, losses, found = max(map(len, rows)), np.zeros(len(rows)), [list[np.ndarray]() for _ in rows]
    with torch.no_grad():
        for start in range(0, longest, EVALUATED):
            chunk = [of_one[start : start + EVALUATED] for of_one in rows]
            places, known = side_by_side(chunk)
            outputs = network.outputs(tensors(data, places))
            of_rows = data.loss.of_rows(outputs, tensor(data.target[places], data.device)).cpu().numpy()
            answers = data.loss.answers(outputs).cpu().numpy()
            losses += (of_rows * known).sum(axis=1, dtype=np.float64)
            for index, of_one in enumerate(chunk):
                found[index].append(answers[index, : len(of_one)])
    return losses / np.maximum(1, [len(of_one) for of_one in rows]), [np.concatenate(parts) for parts in found]
