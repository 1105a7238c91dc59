"""The mean loss of rows by a network's outputs: its value, its gradient, and its Hessian's products with vectors, in float64."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, softmax


@dataclass(frozen=True)
class OutputLoss:
    """The mean loss over m rows.

    form: of the target: classes, labels (mean over labels) or continuous (mean square over the known targets).
    target: int64 (m,) codes, or (m, n_outputs). loss: of classes and labels: log (cross-entropy), hinge (of classes summed over the wrong
    ones) or hinge_max (the largest of these). margin: Δ of hinges, which are flat or straight: their second derivatives are 0.
    """

    form: str
    target: np.ndarray
    loss: str = "log"
    margin: float = 1.0

    def value(self, outputs: np.ndarray) -> float:
        """Return the loss of outputs (m, n_outputs)."""
        if self.form == "continuous":
            of_rows = (self._weights * (outputs - self._known) ** 2).sum(axis=1)
        elif self.loss != "log":
            gaps = np.maximum(self._gaps(outputs), 0)
            of_rows = gaps.mean(axis=1) if self.form == "labels" else gaps.max(axis=1) if self.loss == "hinge_max" else gaps.sum(axis=1)
        elif self.form == "labels":
            of_rows = (np.logaddexp(outputs, 0) - outputs * self.target).mean(axis=1)
        else:
            of_rows = logsumexp(outputs, axis=1) - outputs[np.arange(len(outputs)), self.target]
        return float(of_rows.mean())

    def slope(self, outputs: np.ndarray) -> np.ndarray:
        """Return the gradient of the loss: (m, n_outputs)."""
        m, k = outputs.shape
        if self.form == "continuous":
            return np.asarray(2 * self._weights * (outputs - self._known) / m)
        if self.loss != "log":
            return self._hinge_slope(outputs)
        if self.form == "labels":
            return np.asarray((expit(outputs) - self.target) / (m * k))
        return np.asarray((softmax(outputs, axis=1) - np.eye(k)[self.target]) / m)

    def product(self, outputs: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the Hessian by the outputs times vectors (m, n_outputs): the rows do not meet."""
        m, k = outputs.shape
        if self.form == "continuous":
            return np.asarray(2 * self._weights * vectors / m)
        if self.loss != "log":
            return np.zeros_like(vectors)
        if self.form == "labels":
            return np.asarray(expit(outputs) * expit(-outputs) * vectors / (m * k))
        weighted = softmax(outputs, axis=1) * vectors
        return np.asarray((weighted - softmax(outputs, axis=1) * weighted.sum(axis=1, keepdims=True)) / m)

    def _gaps(self, outputs: np.ndarray) -> np.ndarray:
        """Return by how much each output lacks the margin: (m, n_outputs), 0 of the right class."""
        if self.form == "labels":
            return np.asarray(self.margin - (2.0 * self.target - 1) * outputs)
        rows = np.arange(len(outputs))
        gaps = outputs - outputs[rows, self.target][:, None] + self.margin
        gaps[rows, self.target] = 0
        return np.asarray(gaps)

    def _hinge_slope(self, outputs: np.ndarray) -> np.ndarray:
        """Return the gradient of a hinge, 0 at its kink."""
        m, k = outputs.shape
        gaps = self._gaps(outputs)
        if self.form == "labels":
            return np.asarray(-(2.0 * self.target - 1) * (gaps > 0) / (m * k))
        counted = (gaps > 0).astype(np.float64)
        if self.loss == "hinge_max":
            counted *= np.arange(k) == gaps.argmax(axis=1)[:, None]
        counted[np.arange(m), self.target] -= counted.sum(axis=1)
        return counted / m

    @property
    def _known(self) -> np.ndarray:
        return np.nan_to_num(self.target.astype(np.float64))

    @property
    def _weights(self) -> np.ndarray:
        """Return the weight of each square: 1 / known targets of its row, 0 of unknown ones."""
        known = ~np.isnan(self.target)
        return np.asarray(known / np.maximum(known.sum(axis=1, keepdims=True), 1))
