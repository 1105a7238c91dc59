"""The interface of a component under stages/optimizers/: one rule by which a model's parameters follow the gradient of a loss.

`make` returns a `torch.optim.Optimizer` whose `step(closure)` does one update, and nothing more. A training loop sets the learning rate
of a step in every `param_groups[i]["lr"]`, from a schedule (stages/contracts/schedule.py).

torch takes seconds to import: modules of optimizers import it inside functions, so that checking settings does not wait for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class LossClosure(Protocol):
    """Computes the loss for `step`, as often as the optimizer calls it: at the parameters' values at the time of the call.

    A full-batch optimizer calls it several times per step and needs the same loss of the same values: all rows, and one draw of dropout.
    """

    def __call__(self, *, backward: bool = True) -> "torch.Tensor":
        """Return the loss, a scalar tensor.

        Args:
            backward: True: zero the gradients, then call `loss.backward()`. False: leave the gradients as they are; the returned loss has
                its graph, so that second derivatives can be computed (Newton).
        """
        ...


@dataclass(frozen=True)
class Optimizer:
    """An update rule. Its docstring states the formula, and tests/update_rules.py computes it a second time.

    `make(parameters, settings, learning_rate)` returns the torch optimizer of the parameters, leaf tensors of one floating type and device
    that require gradients.
    title: as the report writes it.
    full_batch: whether a step needs the loss of all rows; False: a mini-batch will do.
    source: where the formula is from, a section of the lecture or a paper.
    searches_step: whether a step finds its own length, so that the learning rate and its schedule change nothing: a grid needs no rates.
    """

    name: str
    title: str
    settings: type[Settings]
    make: Callable[[Sequence["torch.Tensor"], Any, float], "torch.optim.Optimizer"]
    full_batch: bool
    source: str
    searches_step: bool = False
