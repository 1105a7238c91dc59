"""The seeds with which a model is refitted on each outer fold: how much a score owes to the luck of a draw is shown, not hidden.

The choice of a configuration uses the first seed alone, that of params.yaml, and so does the model that is saved: more seeds cost refits,
not more grids.

Source: Bouthillier et al. 2021, Accounting for Variance in Machine Learning Benchmarks, MLSys 3: seeds are one source of variance, the
sample of the data a larger one.
"""

from stages.contracts.model import Model
from stages.contracts.problem import Problem
from stages.foundation.seeds import derived_seed


def more_refit_seeds(model: Model, problem: Problem, n_seeds: int) -> tuple[int, ...]:
    """Return the n_seeds − 1 seeds next to the problem's own; none for a model that draws nothing on so many training rows."""
    if not model.is_seeded(max(len(fold.train) for fold in problem.folds)):
        return ()
    return tuple(derived_seed(problem.seed, "refit", str(draw)) for draw in range(1, n_seeds))
