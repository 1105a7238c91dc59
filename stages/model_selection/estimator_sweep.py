"""Make a sweep of an estimator: every configuration is fitted on every inner fold, in parallel on all cores.

Modalities are fused early (stages/features/early_fusion.py): each block is scaled so that the mean squared distance of two training rows
is 1, then the blocks are concatenated; the result is sparse if one of them is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, Estimator, FoldSweep, Model, Size, Sweep, TestScores
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks, encode_fold, fused_matrix_of
from stages.features.encoders import Matrix
from stages.features.projection import Projection, fit_projections, saved_projection
from stages.foundation.errors import InputError
from stages.foundation.parallel import each, n_cores
from stages.foundation.seeds import derived_seed
from stages.model_selection.fitted_estimators import fit_path, scores_by
from stages.model_selection.fold_predictions import empty_predictions, joined_scores, predictions_of
from stages.model_selection.grid import product
from stages.model_selection.saved_estimators import load_estimators, save_estimators
from stages.model_selection.stacked_folds import are_dense, fits_as_one, inner_fits


def as_sweep(model: Model) -> Sweep:
    """Return the model as a sweep: itself, or the loop over an estimator's configurations and folds."""
    return model if isinstance(model, Sweep) else sweep_of(model)


def sweep_of(model: Estimator) -> Sweep:
    """Return the estimator as a sweep."""
    return Sweep(
        name=model.name,
        settings=model.settings,
        grid=model.grid or grid_of,
        run=partial(_run, model),
        predict=_predict,
        min_samples=model.min_samples,
        memory_bytes=_memory_bytes,
        approximated=model.approximated,
        target_forms=model.target_forms,
        encodings=model.encodings,
        is_seeded=model.is_seeded,
        is_linear=model.is_linear,
    )


def grid_of(settings: Any, seed: int) -> list[Config]:
    """Return the product of the settings that are lists; other settings are constant, and `n_components` applies to the blocks."""
    values = {name: value for name, value in settings if name != "n_components"}
    return product(**{name: value if isinstance(value, tuple) else (value,) for name, value in values.items()})


def _run(
    model: Estimator, problem: Problem, settings: Any, configs: list[Config], pool: ThreadPoolExecutor
) -> Iterator[Sequence[FoldSweep]]:
    for fold in problem.folds:
        rows = problem.preprocessing_rows(fold)
        blocks = encode_fold(problem.blocks, rows)
        projections = fit_projections(blocks, wide_blocks(blocks, settings), rows, getattr(settings, "n_components", None))
        as_one = fits_as_one(model, problem, configs, fold) and are_dense(blocks, problem.combinations)
        sweeps = map(partial(EstimatorFoldSweep, model, problem, configs, fold, blocks, projections, as_one), problem.combinations)
        yield from [list(sweeps)] if as_one else ([sweep] for sweep in sweeps)  # sweeps of one batch share the cores


@dataclass(frozen=True)
class EstimatorFoldSweep:
    """An estimator's grid on one outer fold and modality combination. as_one: whether all inner folds are fitted at once."""

    model: Estimator
    problem: Problem
    configs: list[Config]
    fold: Fold
    blocks: FoldBlocks
    projections: Mapping[str, Projection]
    as_one: bool
    modalities: tuple[str, ...]

    @cached_property
    def rows(self) -> Matrix:
        """The fused rows of every sample."""
        return estimator_rows([self.block(name) for name in self.modalities], self.scales)

    @cached_property
    def scales(self) -> np.ndarray:
        """The blocks' factors on squared distances; principal components are already scaled."""
        factors = [1.0 if name in self.projections else self.blocks.scales([name], "euclidean")[0] for name in self.modalities]
        return np.array(factors) / len(self.modalities)

    def block(self, name: str) -> Matrix:
        """The matrix of a modality, or its principal components."""
        matrix = self.blocks.encoded[name].matrix
        return components(matrix, self.projections[name]) if name in self.projections else matrix

    def purpose(self) -> tuple[str, ...]:
        """Return what this fold's random numbers are for, as `derived_seed` takes it."""
        where = ("final",) if self.fold.is_final else (str(self.fold.repeat), str(self.fold.index))
        return (self.model.name, *where, "+".join(self.modalities))

    def inner_predictions(self) -> np.ndarray:
        found = empty_predictions(self.problem, len(self.configs), len(self.fold.train))
        if self.as_one and self.model.stacked_path is not None:
            fits = inner_fits(self.problem, self.fold, self.rows)
            for indices in self._paths():
                configs = [self.configs[index] for index in indices]
                for config, decisions in zip(indices, self.model.stacked_path(configs, fits), strict=True):
                    found[config] = predictions_of(self.problem, decisions)
            return found

        def fit_and_predict(job: tuple[list[int], int]) -> None:
            indices, inner = job
            out = self.fold.inner == inner
            for config, scores in zip(indices, self._scores(indices, self.fold.train[~out], self.fold.train[out]), strict=True):
                found[config, out] = predictions_of(self.problem, scores.decisions)

        each(fit_and_predict, [(indices, inner) for indices in self._paths() for inner in range(self.fold.n_inner)])
        return found

    def out_of_fold(self, config: int) -> Scores:
        masks = [self.fold.inner == inner for inner in range(self.fold.n_inner)]
        scores = each(lambda out: next(self._scores([config], self.fold.train[~out], self.fold.train[out])), masks)
        return joined_scores(scores, masks)

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        (scores,) = self._scores([config], self.fold.train, self.fold.test, seed)
        return lambda: TestScores(scores)

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        (estimators,) = self._fit([config], self.fold.train, seed)
        saved = save_estimators(estimators)
        arrays = {"scales": self.scales, **saved.arrays}
        projected = [name for name in self.modalities if name in self.projections]
        for name in projected:
            arrays |= self.projections[name].arrays(name)
        return Fitted(arrays, {"modalities": list(self.modalities), "projected": projected, **saved.state}, saved.files)

    def _paths(self) -> list[list[int]]:
        """Return groups of configurations' indices that are fitted in sequence, each starting from the previous solution."""
        groups: dict[str, list[int]] = {}
        for index, config in enumerate(self.configs):
            alone = self.model.path is None
            key = str(index) if alone else repr([(name, value) for name, value in config.items() if name != self.model.path])
            groups.setdefault(key, []).append(index)
        return list(groups.values())

    def _fit(self, indices: list[int], train: np.ndarray, seed: int | None = None) -> Iterator[Any]:
        """Yield the estimators of some configurations; seed: instead of the problem's."""
        configs = [self.configs[index] for index in indices]
        drawn = derived_seed(self.problem.seed if seed is None else seed, *self.purpose())

        def make(config: Config) -> Any:
            return self.model.make(config, self.problem.form, drawn)

        try:
            yield from fit_path(make, configs, self.rows[train], self.problem, train, path=self.model.path)
        except TypeError as error:
            if isinstance(self.rows, np.ndarray):
                raise
            raise InputError(f"stages/models/{self.model.name}/: the estimator cannot read the features of {'+'.join(self.modalities)}, "
                             f"which are sparse ({error}); declare what it reads on the Model: encodings=('dense', 'table')") from error

    def _scores(self, indices: list[int], train: np.ndarray, rows: np.ndarray, seed: int | None = None) -> Iterator[Scores]:
        return (scores_by(estimators, self.rows[rows]) for estimators in self._fit(indices, train, seed))


def _predict(fitted: Fitted, matrices: Any) -> Scores:
    blocks = [
        components(matrices[name], saved_projection(name, fitted.arrays)) if name in fitted.state["projected"] else matrices[name]
        for name in fitted.state["modalities"]
    ]
    return scores_by(load_estimators(fitted), estimator_rows(blocks, fitted.arrays["scales"]))


def estimator_rows(blocks: Sequence[Matrix], scales: np.ndarray) -> Matrix:
    """Return the fused rows that estimators are trained on and predict: float32 (n, Σ d)."""
    return fused_matrix_of(blocks, scales).astype(np.float32)


def wide_blocks(blocks: FoldBlocks, settings: Any) -> list[str]:
    """Return the dense blocks with more columns than the setting `n_components`, which are replaced by their principal components."""
    limit = getattr(settings, "n_components", None)
    dense = {name: block.matrix for name, block in blocks.encoded.items() if isinstance(block.matrix, np.ndarray)}
    return [name for name, matrix in dense.items() if limit is not None and matrix.shape[1] > limit]


def components(matrix: Matrix, projection: Projection) -> np.ndarray:
    """Return a block's principal components, float64 (n, c), scaled so that the mean squared distance of two training rows is 1."""
    rows = projection.apply(matrix).astype(np.float64)
    return rows / np.sqrt(2 * rows.shape[1])


def _memory_bytes(size: Size, settings: Any) -> float:
    """Return the memory of the features and their fused rows in float64, plus one copy per core."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    return 8.0 * size.n_rows * n_values * (3 + n_cores())
