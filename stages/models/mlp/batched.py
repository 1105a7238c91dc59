"""Networks of one shape trained side by side in torch, as one batched matrix product: for a graphics card, which a single one leaves idle.

The same networks as in stages/models/mlp/networks.py: the same initial weights, order of rows, losses, steps and stopping. A network that
has stopped leaves the batch, so its work is freed.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional

from stages.models.mlp.draws import Orders
from stages.models.mlp.networks import Examples, Network, Schedule, Trained, Weights, initial_weights

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "linear": lambda x: x,
}

Layers = list[tuple[torch.Tensor, torch.Tensor]]  # per layer: (B, in, out), (B, 1, out)


def _cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    chosen = logits.gather(2, target[None, :, None].expand(len(logits), -1, 1)).squeeze(2)
    return torch.logsumexp(logits, dim=2) - chosen


def _binary_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (functional.softplus(logits) - logits * target).mean(dim=2)


def _squared_error(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    known = ~torch.isnan(target)
    errors = torch.where(known, outputs - torch.nan_to_num(target), 0.0) ** 2
    return errors.sum(dim=2) / known.sum(dim=1).clamp(min=1)


# per kind of target: outputs (B, n, n_outputs), target → loss (B, n); outputs → probabilities or numbers
LOSSES: dict[str, tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], Callable[[torch.Tensor], torch.Tensor]]] = {
    "classes": (_cross_entropy, lambda logits: torch.softmax(logits, dim=-1)),
    "labels": (_binary_cross_entropy, torch.sigmoid),
    "numbers": (_squared_error, lambda outputs: outputs),
}


def forward(layers: Layers, inputs: torch.Tensor, activation: str) -> torch.Tensor:
    """Return outputs (B, n, n_outputs) of inputs (n, d), shared by all networks."""
    (first, bias), *rest = layers
    n_networks, fan_in, fan_out = first.shape
    # one large product instead of B small ones: the inputs are the same for all networks
    hidden = (inputs @ first.permute(1, 0, 2).reshape(fan_in, -1)).reshape(-1, n_networks, fan_out).permute(1, 0, 2) + bias
    for weight, bias in rest:
        hidden = torch.baddbmm(bias, ACTIVATIONS[activation](hidden), weight)
    return hidden


class _AdamW:
    """Adam with decoupled weight decay, a learning rate and a decay per network. Source: Loshchilov and Hutter, 2019, algorithm 2."""

    def __init__(self, layers: Layers, rates: torch.Tensor, decays: torch.Tensor) -> None:
        self.parameters = [parameter for layer in layers for parameter in layer]
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.rates, self.decays, self.steps = rates[:, None, None], decays[:, None, None], 0

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        self.steps += 1
        correction1, correction2 = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for parameter, gradient, (mean, square) in zip(self.parameters, gradients, self.moments, strict=True):
            mean.lerp_(gradient, 0.1)
            square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            update = mean / ((square / correction2).sqrt_().add_(1e-8))
            parameter.mul_(1 - self.rates * self.decays).sub_(update * (self.rates / correction1))

    def keep(self, alive: torch.Tensor) -> Layers:
        """Drop the networks not in `alive` (indices); return the remaining ones' layers."""
        self.rates, self.decays = self.rates[alive], self.decays[alive]
        self.moments = [(mean[alive], square[alive]) for mean, square in self.moments]
        self.parameters = [parameter.detach()[alive].requires_grad_() for parameter in self.parameters]
        return [(self.parameters[i], self.parameters[i + 1]) for i in range(0, len(self.parameters), 2)]


def train_together(networks: Sequence[Network], examples: Examples, schedule: Schedule, orders: Orders, device: str) -> list[Trained]:
    """Train networks of one shape; rows that a network does not train on stop it early."""
    X, y = (torch.from_numpy(values).to(device) for values in (examples.inputs, examples.target))
    used = torch.from_numpy(np.stack([network.used for network in networks]).astype(np.float32)).to(device)
    shape, (loss_of, read) = networks[0].shape, LOSSES[examples.loss]
    layers = _stacked([initial_weights(shape, X.shape[1], examples.n_outputs, network.seed) for network in networks], device)
    rates, decays = (torch.tensor(values, dtype=torch.float32, device=device) for values in
                     ([network.rate for network in networks], [network.decay for network in networks]))  # fmt: skip
    optimizer, alive = _AdamW(layers, rates, decays), torch.arange(len(networks), device=device)
    trained = [Trained(np.full(((~n.used).sum(), examples.n_outputs), examples.ignorant(), dtype=np.float32)) for n in networks]
    for epoch, order in enumerate((order for part in orders.parts() for order in part), start=1):
        for batch in torch.from_numpy(order.astype(np.int64)).to(device).split(schedule.batch):
            weight = used[alive][:, batch]
            losses = loss_of(forward(layers, X[batch], shape.activation), y[batch]) * weight
            mean = losses / weight.sum(dim=1, keepdim=True).clamp(min=1)
            optimizer.step(torch.autograd.grad(mean.sum(), optimizer.parameters))
        with torch.no_grad():
            outputs = forward(layers, X, shape.activation)
            losses = loss_of(outputs, y)
            stopped = _note(trained, alive.tolist(), losses.cpu().numpy(), read(outputs).cpu().numpy(), networks, epoch, schedule)
        if all(stopped):
            break
        if any(stopped):
            remaining = torch.tensor([i for i, stops in enumerate(stopped) if not stops], device=device)
            layers, alive = optimizer.keep(remaining), alive[remaining]
    for place, index in enumerate(alive.tolist()):
        if networks[index].used.all():
            trained[index].weights = [(w[place].detach().cpu().numpy(), b[place, 0].detach().cpu().numpy()) for w, b in layers]
    return trained


def _note(
    trained: list[Trained],
    alive: list[int],
    losses: np.ndarray,
    answers: np.ndarray,
    networks: Sequence[Network],
    epoch: int,
    schedule: Schedule,
) -> list[bool]:
    """Note losses and the best epoch of each living network; return which have stopped."""
    stopped = []
    for place, index in enumerate(alive):
        result, used = trained[index], networks[index].used
        if used.all():
            result.train_loss.append(float(losses[place].mean(dtype=np.float64)))
            result.best_epoch = epoch
        else:
            held_out = float(losses[place, ~used].mean(dtype=np.float64))
            result.held_out_loss.append(held_out)
            if held_out < result.best_loss:
                result.best_epoch, result.best_loss, result.held_out = epoch, held_out, answers[place, ~used]
        stopped.append(epoch - result.best_epoch >= schedule.patience)
    return stopped


def _stacked(weights: Sequence[Weights], device: str) -> Layers:
    """Return the layers of all networks together, on the device, ready for gradients."""
    layers = [(np.stack([pair[0] for pair in same]), np.stack([pair[1][None] for pair in same])) for same in zip(*weights, strict=True)]
    return [(torch.from_numpy(w).to(device).requires_grad_(), torch.from_numpy(b).to(device).requires_grad_()) for w, b in layers]
