"""Calibrated probabilities of models, by a calibrator that calibrator_fitting.py fits on the training rows.

```text
temperature  softmax(ln p / T): one T for all classes, for each label one; keeps the order of a row's classes, and so the most probable
sigmoid      1 / (1 + exp(−(a·ln(p / (1 − p)) + b))) per class or label (Platt); a = 1 and b = 0 change nothing. n rows cannot tell a
             probability below 1 / (n + 2) from 0, and one vote of 0 must not decide the slope: p is kept as far from 0 and 1
isotonic     a rising step function of p per class or label, interpolated; needs some thousand rows
```

As in `CalibratedClassifierCV(ensemble=False)`, one calibrator is fitted on the out-of-fold probabilities of the inner folds, whose models
are trained on fewer rows than the one whose probabilities it then changes. Sigmoid and isotonic are fitted for each class against all
others (of two classes for the second) and normalised. A class or label that all rows of the fit, or none, are of stays as it is.

Predictions are made of decisions, as without calibration: a configuration and the thresholds of labels were chosen by them. With sigmoid
and isotonic the most probable class may therefore be another than the predicted one.

Source: Platt 1999, Advances in Large Margin Classifiers, 61; Zadrozny & Elkan 2002, KDD, 694; Guo et al. 2017, ICML, 1321. Differs: sigmoid
of log-odds, where scikit-learn takes the decision function or else the probability; of a logistic regression both are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_softmax, logit

from stages.contracts.fitted import CalibrationMethod, Scores

PREFIX = "calibration/"  # of the arrays of a saved model
LEAST_PROBABILITY = 1e-12  # added to probabilities before their logarithm, as scikit-learn does


@dataclass(frozen=True)
class Calibrator:
    """A fitted calibrator. arrays: what was learned, by name; of `sigmoid` and `isotonic` with the number of the output in the name."""

    method: CalibrationMethod
    is_of_classes: bool
    arrays: Mapping[str, np.ndarray]

    def apply(self, probabilities: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities: float32 (n, n_outputs) of (n, n_outputs)."""
        p = probabilities.astype(np.float64)
        if self.is_of_classes and self.method == "temperature":
            found = np.exp(log_softmax(np.log(p + LEAST_PROBABILITY) * self.arrays["inverse_temperature"][0], axis=1))
        elif self.is_of_classes and p.shape[1] == 2:
            second = self._output(p[:, 1], 1)
            found = np.stack([1 - second, second], axis=1)
        else:
            found = np.stack([self._output(column, output) for output, column in enumerate(p.T)], axis=1)
            if self.is_of_classes:
                total = found.sum(axis=1, keepdims=True)
                found = np.divide(found, total, out=np.full_like(found, 1 / found.shape[1]), where=total > 0)
        return found.astype(np.float32)

    def _output(self, p: np.ndarray, output: int) -> np.ndarray:
        """Return the calibrated probabilities of one class or label; those of one without a calibrator as they are."""
        if self.method == "isotonic":
            if f"x/{output}" not in self.arrays:
                return p
            return np.interp(p, self.arrays[f"x/{output}"], self.arrays[f"y/{output}"])
        if self.method == "temperature":
            return expit(log_odds(p, LEAST_PROBABILITY) * self.arrays["inverse_temperature"][output])
        slope, intercept = self.arrays["slope"][output], self.arrays["intercept"][output]
        return p if np.isnan(slope) else expit(slope * log_odds(p, float(self.arrays["least"][0])) + intercept)


def calibrated(scores: Scores, calibrator: Calibrator | None) -> Scores:
    """Return scores with calibrated probabilities; unchanged without a calibrator or probabilities."""
    if calibrator is None or scores.probabilities is None:
        return scores
    return Scores(scores.decisions, calibrator.apply(scores.probabilities))


def saved_arrays(calibrator: Calibrator) -> dict[str, np.ndarray]:
    """Return the arrays of a calibrator as a saved model names them."""
    return {PREFIX + name: array for name, array in calibrator.arrays.items()}


def saved_calibrator(method: CalibrationMethod, arrays: Mapping[str, np.ndarray], *, is_of_classes: bool) -> Calibrator | None:
    """Return the calibrator of a saved model; None if it has none."""
    if method == "none":
        return None
    own = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
    return Calibrator(method, is_of_classes, own)


def log_odds(p: np.ndarray, least: float) -> np.ndarray:
    """Return ln(p / (1 − p)) of probabilities that are kept `least` from 0 and 1."""
    return np.asarray(logit(np.clip(p, least, 1 - least)))
