"""What the metrics of regression share: residuals of the entries that are known, and the mean over targets."""

from typing import Any

import numpy as np

from stages.scoring.stacks import mean_where


def known_residuals(target: np.ndarray, prediction: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (residuals, known): target − prediction, 0 where the target is not known, and where it is known.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        name: of the metric, for the message.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError(f"{name} of no rows is undefined; pass at least one row")
    known = ~np.isnan(target)
    return np.where(known, target - prediction.astype(np.float64), 0.0), known


def mean_where_known(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the mean of the known entries (n, n_outputs) of each column; NaN where none is. Values may be a stack (m, n, n_outputs)."""
    n_known = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=-2)
    return np.divide(total, n_known, out=np.full(total.shape, np.nan), where=n_known > 0)


def mean_of_defined(values: np.ndarray, defined: np.ndarray) -> float:
    """Return the mean over the targets on which a score is defined; NaN where it is on none.

    Which targets those are follows from the truth alone, so that a prediction of NaN is not left out.
    """
    return float(values[defined].mean()) if defined.any() else float("nan")


def means_of_defined(values: np.ndarray, defined: Any) -> np.ndarray:
    """Return `mean_of_defined` of each row of values (m, n_outputs): float64 (m,)."""
    return mean_where(values, defined)
