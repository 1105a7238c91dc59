"""Networks that read the structured form of each modality; embeddings stand next to one another (intermediate fusion).

Each modality has an encoder (stages/models/network/modality_encoders/), chosen as any setting is. A configuration has a network per inner
fold, and these are trained side by side with early stopping (stack_training.py); the chosen configuration is refitted on all outer training
rows for the mean best epoch of its inner folds. Blocks' weights change nothing: a network learns its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Size, Sweep, always
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import encode_fold
from stages.features.structures import Structured
from stages.foundation.prefetch import prefetched
from stages.models.network.fold_inputs import FoldInputs, loaded_batches
from stages.models.network.fused_network import FusedNetwork, Part
from stages.models.network.inputs.fitted_input import ReadLimits
from stages.models.network.network_embedding import represent
from stages.models.network.network_fold_sweep import NetworkFoldSweep, answers_of
from stages.models.network.network_losses import saved_loss
from stages.models.network.network_settings import NetworkSettings, grid
from stages.models.network.stacked_weights import StackedWeights

# Processor seconds of a network per row and allowed epoch: 1e-5 of a table, 4e-5 of pressure frames with a series.
NETWORK_S = 2e-5


def run(problem: Problem, settings: NetworkSettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the sweeps of every outer fold and modality combination; their networks are already queued."""
    device = chosen_device(settings.device)

    def prepare(fold: Fold) -> FoldInputs:
        encoded = encode_fold(problem.blocks, fold.train).encoded
        blocks = {name: Structured(block.matrix, problem.blocks[name].raw.structure) for name, block in encoded.items()}
        states = {name: block.state for name, block in encoded.items()}
        inputs = FoldInputs(blocks, states, fold.train, ReadLimits(settings.max_steps, settings.n_terms))
        inputs.load(list(dict.fromkeys(name for modalities in problem.combinations for name in modalities)), configs)
        return inputs

    for fold, prepared in prefetched((fold, pool.submit(prepare, fold)) for fold in problem.folds):
        for modalities in problem.combinations:
            yield [NetworkFoldSweep(problem, settings, configs, fold, modalities, prepared.result(), device, pool, []).started()]


def chosen_device(declared: str) -> str:
    """Return cpu or cuda."""
    import torch

    if declared != "auto":
        return declared
    return "cuda" if torch.cuda.is_available() else "cpu"


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the scores of new rows. A matrix alone is a block whose structured form is not known."""
    import torch

    torch.set_num_threads(1)
    arrays, state = fitted.arrays, fitted.state
    blocks = {name: block if isinstance(block, Structured) else Structured(block) for name, block in matrices.items()}
    loss = saved_loss(state["form"], arrays)
    stored = {name.removeprefix("weight/"): values for name, values in arrays.items() if name.startswith("weight/")}
    parts = [Part(**part) for part in state["parts"]]
    network = FusedNetwork(parts, state["config"]["width"], state["n_outputs"], StackedWeights([], stored=stored))
    n_rows = blocks[state["modalities"][0]].matrix.shape[0]
    if n_rows == 0:
        return loss.scores(np.zeros((0, state["n_outputs"]), np.float32))
    return loss.scores(answers_of(fitted, loaded_batches(state["parts"], arrays, blocks), n_rows, network, loss))


def approximated(configs: list[Config], settings: NetworkSettings, problem: Problem) -> list[Config]:
    """Return the configurations with the encoders of the problem's modalities alone; those that no longer differ are one."""
    blocks = {name: block.raw for name, block in problem.blocks.items()}
    present = {raw.structure.modality for raw in blocks.values() if raw.structure is not None}
    if not present:
        return configs
    found = [{**config, "encoders": {name: chosen for name, chosen in config["encoders"].items() if name in present}} for config in configs]
    return [config for index, config in enumerate(found) if config not in found[:index]]


def memory_bytes(size: Size, settings: NetworkSettings) -> float:
    """Return the memory of the features in float64 and as inputs of three folds' networks, and of a batch's activations."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    return (8.0 + 3 * 4.0) * 2 * size.n_rows * n_values + 64.0 * settings.batch_size * size.n_inner * n_values


def processor_s(size: Size, settings: NetworkSettings) -> float:
    """Return the estimated processor seconds: in proportion to the rows, networks and epochs."""
    n_networks = len(grid(settings, 0)) * size.n_inner
    n_refitted = ((size.n_inner + 1 if size.n_tuned < size.n_rows else 0) + size.n_seeds) * size.n_rows
    return NETWORK_S * settings.max_iter * size.n_folds * size.n_combinations * (n_networks * float(size.n_tuned) + n_refitted)


MODEL = Sweep(
    name="network", settings=NetworkSettings, grid=grid, run=run, predict=predict, memory_bytes=memory_bytes, processor_s=processor_s,
    approximated=approximated, is_seeded=always, reads_structure=True, uses_weights=False, represent=represent,
)  # fmt: skip
