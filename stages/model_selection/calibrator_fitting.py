"""Fit calibrators of probabilities by scikit-learn's own (the parts of `CalibratedClassifierCV`); see calibrators.py."""

import numpy as np

from stages.contracts.fitted import CalibrationMethod
from stages.contracts.problem import Problem
from stages.model_selection.calibrators import LEAST_PROBABILITY, Calibrator, log_odds


def fit_calibrator(method: CalibrationMethod, problem: Problem, target: np.ndarray, probabilities: np.ndarray) -> Calibrator:
    """Return a calibrator of rows of a problem.

    Args:
        target: in the problem's form, (n,) or (n, n_outputs). probabilities: (n, n_outputs), out-of-fold.
    """
    p, is_of_classes = probabilities.astype(np.float64), problem.form == "classes"
    if is_of_classes and method == "temperature":
        return Calibrator(method, is_of_classes, {"inverse_temperature": np.array([_inverse_temperature(p, target)])})
    n_outputs = p.shape[1]
    holds = (target[:, None] == np.arange(n_outputs)) if is_of_classes else target != 0
    varies = holds.any(axis=0) & ~holds.all(axis=0)
    fitted = [output for output in ([1] if is_of_classes and n_outputs == 2 else range(n_outputs)) if varies[output]]
    if method == "isotonic":
        return Calibrator(method, is_of_classes, _isotonic(p, holds, fitted))
    if method == "temperature":
        found = np.ones(n_outputs)
        for output in fitted:
            of_label = np.stack([1 - p[:, output], p[:, output]], axis=1)
            found[output] = _inverse_temperature(of_label, holds[:, output].astype(np.int32))
        return Calibrator(method, is_of_classes, {"inverse_temperature": found})
    least = 1 / (len(p) + 2)
    slope, intercept = np.full(n_outputs, np.nan), np.full(n_outputs, np.nan)
    for output in fitted:
        slope[output], intercept[output] = _sigmoid(log_odds(p[:, output], least), holds[:, output])
    return Calibrator(method, is_of_classes, {"slope": slope, "intercept": intercept, "least": np.array([least])})


def _inverse_temperature(p: np.ndarray, target: np.ndarray) -> float:
    """Return 1 / T of rows' probabilities (n, n_classes) that minimises the log-loss of codes (n,)."""
    from sklearn.calibration import _TemperatureScaling

    # logits, so that scikit-learn need not guess whether these are probabilities
    return float(_TemperatureScaling().fit(np.log(p + LEAST_PROBABILITY), target).beta_)


def _sigmoid(values: np.ndarray, holds: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of Platt's sigmoid of log-odds (n,)."""
    from sklearn.calibration import _SigmoidCalibration

    found = _SigmoidCalibration().fit(values, holds.astype(np.float64))
    return -float(found.a_), -float(found.b_)


def _isotonic(p: np.ndarray, holds: np.ndarray, outputs: list[int]) -> dict[str, np.ndarray]:
    from sklearn.isotonic import IsotonicRegression

    arrays: dict[str, np.ndarray] = {}
    for output in outputs:
        found = IsotonicRegression(out_of_bounds="clip").fit(p[:, output], holds[:, output].astype(np.float64))
        arrays |= {f"x/{output}": found.X_thresholds_, f"y/{output}": found.y_thresholds_}
    return arrays
