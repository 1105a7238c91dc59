"""The mean loss of rows by a network's outputs: its value, its gradient, and its Hessian's products with vectors, in float64."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, softmax


@dataclass(frozen=True)
class OutputLoss:
    """The mean loss over m rows.

    name: classes (cross-entropy), labels (binary cross-entropy, mean over labels) or continuous (mean square over the known targets).
    target: int64 (m,) codes, or (m, n_outputs).
    """

    name: str
    target: np.ndarray

    def value(self, outputs: np.ndarray) -> float:
        """Return the loss of outputs (m, n_outputs)."""
        if self.name == "classes":
            of_rows = logsumexp(outputs, axis=1) - outputs[np.arange(len(outputs)), self.target]
        elif self.name == "labels":
            of_rows = (np.logaddexp(outputs, 0) - outputs * self.target).mean(axis=1)
        else:
            of_rows = (self._weights * (outputs - self._known) ** 2).sum(axis=1)
        return float(of_rows.mean())

    def slope(self, outputs: np.ndarray) -> np.ndarray:
        """Return the gradient of the loss: (m, n_outputs)."""
        m, k = outputs.shape
        if self.name == "classes":
            return np.asarray((softmax(outputs, axis=1) - np.eye(k)[self.target]) / m)
        if self.name == "labels":
            return np.asarray((expit(outputs) - self.target) / (m * k))
        return np.asarray(2 * self._weights * (outputs - self._known) / m)

    def product(self, outputs: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the Hessian by the outputs times vectors (m, n_outputs): the rows do not meet."""
        m, k = outputs.shape
        if self.name == "classes":
            weighted = softmax(outputs, axis=1) * vectors
            return np.asarray((weighted - softmax(outputs, axis=1) * weighted.sum(axis=1, keepdims=True)) / m)
        if self.name == "labels":
            return np.asarray(expit(outputs) * expit(-outputs) * vectors / (m * k))
        return np.asarray(2 * self._weights * vectors / m)

    @property
    def _known(self) -> np.ndarray:
        return np.nan_to_num(self.target.astype(np.float64))

    @property
    def _weights(self) -> np.ndarray:
        """Return the weight of each square: 1 / known targets of its row, 0 of unknown ones."""
        known = ~np.isnan(self.target)
        return np.asarray(known / np.maximum(known.sum(axis=1, keepdims=True), 1))
