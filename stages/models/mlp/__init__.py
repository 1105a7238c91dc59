"""Multilayer perceptrons: hidden layers, activation, loss, optimizer, learning rate and weight decay are swept; inner folds stop early.

Each configuration and inner fold has its own network (stages/models/mlp/networks.py). Networks are trained on the first principal
components of each dense block, fitted on the outer training rows; with `n_components: null` on its columns. Sparse blocks stay sparse, with
the `n_terms` columns of the largest variance; with `n_terms: null` they enter as principal components, too.
The chosen configuration is refitted on all outer training rows for the mean best epoch of its inner folds.

loss             of a row with outputs f and the right class y       targets
log              log Σⱼ exp(fⱼ) − f_y                               classes, labels
hinge            Σ_{j≠y} max(0, fⱼ − f_y + Δ)                       classes, labels
hinge_max        max(0, max_{j≠y} fⱼ − f_y + Δ)                     classes, labels
squared          (f − y)², mean over the targets that are known     continuous
auto             log; of continuous targets squared                 all

A label has one output f; both hinges are max(0, Δ ∓ f) of it, and the loss is the mean over labels. Hinges are not rounded off. Their
probabilities are the softmax (of labels the sigmoid) of the outputs, which they do not fit as probabilities: `train.calibration` does.

optimizer: adamw is trained by a compiled loop, any other rule of stages/optimizers/ by torch, which takes much longer.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Size, Sweep, always
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import encode_fold
from stages.features.encoders import Matrix
from stages.features.projection import Projection, fit_projections, saved_projection
from stages.foundation.parallel import n_cores
from stages.foundation.prefetch import prefetched
from stages.models.mlp.hidden_layer import represent
from stages.models.mlp.losses import saved_loss
from stages.models.mlp.mixed_inputs import mixed_inputs
from stages.models.mlp.mlp_fold_sweep import scores_of, start_fold_sweep
from stages.models.mlp.mlp_settings import MlpSettings, applicable, grid, of_form
from stages.models.mlp.networks import Shape, outputs_of

# Processor seconds of a network per row and allowed epoch, of which early stopping uses a part: docs/performance.md (growth, 50,000 rows)
# and 200,000 × 6.
NETWORK_S = 1.6e-7
SPARSE_S = 1.5e-6  # more, with sparse columns: 3,000 texts of words and pairs of words
BYTES_PER_WEIGHT, OF_TORCH = {"adamw": 5 * 4.0}, 8 * 8.0  # weights, moments, gradient and what is kept; in torch in double precision


def run(problem: Problem, settings: MlpSettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the sweeps of every outer fold and modality combination; their networks are already queued."""

    def prepare(fold: Fold) -> tuple[dict[str, Matrix], dict[str, Projection]]:
        blocks = encode_fold(problem.blocks, fold.train)
        matrices = {name: block.matrix for name, block in blocks.encoded.items()}
        return matrices, fit_projections(blocks, matrices, fold.train, settings.n_components, n_terms=settings.n_terms)

    for fold, prepared in prefetched((fold, pool.submit(prepare, fold)) for fold in problem.folds):
        for modalities in problem.combinations:
            yield [start_fold_sweep(problem, settings, configs, fold, modalities, *prepared.result(), pool=pool)]


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the scores of new rows."""
    arrays, state = fitted.arrays, fitted.state
    projections = {name: saved_projection(name, arrays) for name in state["modalities"]}
    inputs = mixed_inputs(matrices, projections, state["modalities"])
    weights = [(arrays[f"weight/{i}"], arrays[f"bias/{i}"]) for i in range(state["n_layers"])]
    loss = saved_loss(state["form"], arrays)
    return scores_of(loss, outputs_of(weights, inputs, state["config"]["activation"], loss.name))


def memory_bytes(size: Size, settings: MlpSettings) -> float:
    """Return the memory of the features in float64, the inputs of three folds' networks, the Gram matrix of the widest block that is
    projected, and the networks that are trained at once.
    """
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    n_kept = 0 if settings.n_terms is None else size.n_sparse
    n_dense = n_values if settings.n_components is None else float(settings.n_components) * (size.n_blocks - n_kept)
    projects = (settings.n_components is not None and n_kept < size.n_blocks) or (settings.n_terms is None and size.n_sparse > 0)
    widest = min(size.n_rows, n_values) if projects else 0.0
    inputs = 4.0 * size.n_rows * (n_dense + (2 * n_values if n_kept else 0))  # a sparse value has a column number
    n_inputs = round(n_dense + n_kept * min(settings.n_terms or 0, size.n_rows * n_values))
    n_weights = max(Shape(sizes, "").n_weights(n_inputs, size.n_outputs) for sizes in settings.hidden_layer_sizes)
    network = max(BYTES_PER_WEIGHT.get(name, OF_TORCH) for name in settings.optimizer) * float(n_weights)
    if "bfgs" in settings.optimizer:
        network += 3 * 8.0 * float(n_weights) ** 2  # the estimate of the inverse Hessian, and what an update makes of it
    return 8.0 * (2 * size.n_rows * n_values + 4 * widest**2) + 3 * inputs * (1 + n_cores() / 3) + network * n_cores()


def processor_s(size: Size, settings: MlpSettings) -> float:
    """Return the estimated processor seconds: in proportion to the rows, networks and epochs; with compiled AdamW, the only rule whose
    time is estimated.
    """
    n_networks = len(of_form(grid(settings, 0), size.form)) * size.n_inner
    n_refitted = ((size.n_inner + 1 if size.n_tuned < size.n_rows else 0) + size.n_seeds - 1) * size.n_rows
    per_row = NETWORK_S + (SPARSE_S if size.n_sparse and settings.n_terms is not None else 0.0)
    return per_row * settings.max_iter * size.n_folds * size.n_combinations * (n_networks * float(size.n_tuned) + n_refitted)


MODEL = Sweep(
    name="mlp", settings=MlpSettings, grid=grid, run=run, predict=predict, memory_bytes=memory_bytes, processor_s=processor_s,
    approximated=applicable, is_seeded=always, represent=represent,
)  # fmt: skip
