"""Multilayer perceptrons: hidden layers, activation, learning rate and weight decay are swept; inner folds stop early.

Each configuration and inner fold has its own network (stages/models/mlp/networks.py). Networks are trained on the first principal
components of each block, fitted on the outer training rows; with `n_components: null` on the columns of dense blocks.
The chosen configuration is refitted on all outer training rows for the mean best epoch of its inner folds.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Size, Sweep, always
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.features.early_fusion import encode_fold
from stages.features.encoders import Matrix
from stages.features.projection import Projection, fit_projections, project, saved_projection
from stages.foundation.parallel import n_cores
from stages.foundation.prefetch import prefetched
from stages.foundation.seeds import derived_seed
from stages.model_selection.grid import product
from stages.models.mlp.hidden_layer import represent
from stages.models.mlp.losses import saved_loss
from stages.models.mlp.mlp_fold_sweep import scores_of, start_fold_sweep
from stages.models.mlp.networks import outputs_of

Activation = Literal["relu", "tanh", "logistic", "softplus", "identity"]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(min_length=1, max_length=16)]
Rate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, le=10)]
Count = Annotated[int, Field(ge=1)]


# Processor seconds of a network per row and allowed epoch, of which early stopping uses a part: docs/performance.md (growth, 50,000 rows)
# and 200,000 × 6.
NETWORK_S = 1.6e-7


class MlpSettings(Settings):
    hidden_layer_sizes: tuple[Sizes, ...] = Field(
        ((32,), (128,), (32, 32), (128, 128)), min_length=1, description="lists of hidden layers' widths, one to 16 layers of equal width"
    )
    activation: tuple[Activation, ...] = Field(
        ("relu", "tanh"), min_length=1, description="any of relu, tanh, logistic, softplus, identity"
    )
    learning_rate_init: tuple[Rate, ...] = Field((0.001, 0.003), min_length=1, description="Adam's step sizes, each above 0, at most 10")
    weight_decay: tuple[Decay, ...] = Field((0.0001, 0.01), min_length=1, description="decoupled weight decays (AdamW), 0 to 10")
    n_iter: Literal["all"] | Count = Field("all", description="'all', or the size of a seeded random sample of the grid")
    n_components: int | None = Field(128, ge=1, description="principal components of each block, or null for its own columns")
    max_iter: int = Field(60, ge=1, le=100_000, description="most epochs")
    n_iter_no_change: int = Field(8, ge=1, description="epochs without a lower held-out loss before a network stops")
    batch_size: int = Field(64, ge=1, description="rows per step")
    critical_points: bool = Field(True, description="gradient and extreme curvature of the loss where training on an outer fold ended")

    renamed: ClassVar[Mapping[str, str]] = {
        "width": "hidden_layer_sizes", "depth": "hidden_layer_sizes", "learning_rate": "learning_rate_init", "configurations": "n_iter",
        "components": "n_components", "epochs": "max_iter", "patience": "n_iter_no_change", "batch": "batch_size",
    }  # fmt: skip

    @field_validator("hidden_layer_sizes")
    @classmethod
    def _of_equal_width(cls, values: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        if any(len(set(sizes)) > 1 for sizes in values):
            raise ValueError("the hidden layers of a network must have equal widths")
        return values


def grid(settings: MlpSettings, seed: int) -> list[Config]:
    """Return the configurations, small networks first: the whole product, or a seeded random sample of it."""
    configs = product(
        hidden_layer_sizes=[list(sizes) for sizes in sorted(settings.hidden_layer_sizes, key=lambda sizes: (len(sizes), sizes))],
        activation=settings.activation,
        weight_decay=sorted(settings.weight_decay, reverse=True),
        learning_rate_init=sorted(settings.learning_rate_init),
    )
    if settings.n_iter == "all" or settings.n_iter >= len(configs):
        return configs
    rng = np.random.default_rng(derived_seed(seed, "mlp", "configurations"))
    return [configs[i] for i in sorted(rng.choice(len(configs), settings.n_iter, replace=False))]


def run(problem: Problem, settings: MlpSettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the sweeps of every outer fold and modality combination; their networks are already queued."""

    def prepare(fold: Fold) -> tuple[dict[str, Matrix], dict[str, Projection]]:
        blocks = encode_fold(problem.blocks, fold.train)
        matrices = {name: block.matrix for name, block in blocks.encoded.items()}
        return matrices, fit_projections(blocks, matrices, fold.train, settings.n_components)

    for fold, prepared in prefetched((fold, pool.submit(prepare, fold)) for fold in problem.folds):
        for modalities in problem.combinations:
            yield [start_fold_sweep(problem, settings, configs, fold, modalities, *prepared.result(), pool=pool)]


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the scores of new rows."""
    arrays, state = fitted.arrays, fitted.state
    projections = {name: saved_projection(name, arrays) for name in state["modalities"]}
    inputs = project(matrices, projections, state["modalities"])
    weights = [(arrays[f"weight/{i}"], arrays[f"bias/{i}"]) for i in range(state["n_layers"])]
    loss = saved_loss(state["form"], arrays)
    return scores_of(loss, outputs_of(weights, inputs, state["config"]["activation"], loss.name))


def memory_bytes(size: Size, settings: MlpSettings) -> float:
    """Return the memory of the features in float64, the inputs of three folds' networks, and the Gram matrix of the widest block."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    if settings.n_components is None:  # only sparse blocks are decomposed
        n_inputs, widest = n_values, size.n_rows * min(1.0, size.n_sparse)
    else:
        n_inputs, widest = float(settings.n_components) * size.n_blocks, min(size.n_rows, n_values)
    return 8.0 * (2 * size.n_rows * n_values + 4 * widest**2) + 4.0 * 3 * size.n_rows * n_inputs * (1 + n_cores() / 3)


def processor_s(size: Size, settings: MlpSettings) -> float:
    """Return the estimated processor seconds: in proportion to the rows, networks and epochs."""
    n_networks = len(grid(settings, 0)) * size.n_inner
    n_refitted = ((size.n_inner + 1 if size.n_tuned < size.n_rows else 0) + size.n_seeds - 1) * size.n_rows
    return NETWORK_S * settings.max_iter * size.n_folds * size.n_combinations * (n_networks * float(size.n_tuned) + n_refitted)


MODEL = Sweep(
    name="mlp", settings=MlpSettings, grid=grid, run=run, predict=predict, memory_bytes=memory_bytes, processor_s=processor_s,
    is_seeded=always, represent=represent,
)  # fmt: skip
