"""Train many networks: one per core at a time, or all of a shape together on a graphics card."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from stages.foundation.prefetch import workers
from stages.models.mlp.devices import Device, chosen_device
from stages.models.mlp.draws import Orders
from stages.models.mlp.networks import Examples, Network, Schedule, Shape, Trained, train_network

Coming = Callable[[], Trained]  # waits for a network and returns it


class Trainer:
    """A queue of networks to train, used in a `with` statement. `pool` takes other work that belongs between them."""

    def __init__(self, device: Device) -> None:
        self.on_card = chosen_device(device) == "cuda"
        self._threads = workers(1 if self.on_card else None)

    def __enter__(self) -> "Trainer":
        self.pool = self._threads.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._threads.__exit__(*error)

    def begin(self, networks: Sequence[Network], examples: Examples, schedule: Schedule, orders: Orders) -> list[Coming]:
        """Queue networks on the same examples, the slowest first, so that no core waits at the end; return each, to be waited for."""
        begin = self._begin_together if self.on_card else self._begin_each
        return begin(networks, examples, schedule, orders)

    def _begin_each(self, networks: Sequence[Network], examples: Examples, schedule: Schedule, orders: Orders) -> list[Coming]:
        n_inputs = examples.inputs.shape[1]
        found: dict[int, Coming] = {}
        for i in sorted(range(len(networks)), key=lambda i: -networks[i].shape.n_weights(n_inputs, examples.n_outputs)):
            found[i] = self.pool.submit(train_network, networks[i], examples, schedule, orders).result
        return [found[i] for i in range(len(networks))]

    def _begin_together(self, networks: Sequence[Network], examples: Examples, schedule: Schedule, orders: Orders) -> list[Coming]:
        from stages.models.mlp.batched import train_together  # torch takes 3 s to import

        members: dict[Shape, list[int]] = {}
        for i, network in enumerate(networks):
            members.setdefault(network.shape, []).append(i)
        found: dict[int, Coming] = {}
        for indices in members.values():
            group = self.pool.submit(train_together, [networks[i] for i in indices], examples, schedule, orders, "cuda")
            found |= {i: partial(_member, group, place) for place, i in enumerate(indices)}
        return [found[i] for i in range(len(networks))]


def _member(group: Future[list[Trained]], place: int) -> Trained:
    return group.result()[place]
