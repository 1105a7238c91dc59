"""Lines that separate rows of two classes (in more dimensions: hyperplanes): of a linear SVM, and of perceptrons."""

from typing import NamedTuple

import numpy as np

HARD = 1e6  # C so large that no row is allowed inside the margin


class Separator(NamedTuple):
    """The line w·x + b = 0. w: float (d,)."""

    w: np.ndarray
    b: float

    @property
    def width(self) -> float:
        """Return the distance of the planes w·x + b = 1 and w·x + b = −1."""
        return 2 / float(np.linalg.norm(self.w))

    def distances(self, X: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """Return the distance of each row from the line, negative on the wrong side: float (n,). signs: ±1 (n,)."""
        found: np.ndarray = signs * (X @ self.w + self.b) / np.linalg.norm(self.w)
        return found

    def margin(self, X: np.ndarray, signs: np.ndarray) -> float:
        """Return the width by which the line can grow, on both sides alike, before it hits a row; negative if one is on the wrong side."""
        return 2 * float(self.distances(X, signs).min())

    def accuracy(self, X: np.ndarray, signs: np.ndarray) -> float:
        """Return the share of rows on their own side."""
        return float((self.distances(X, signs) > 0).mean())


def svm_line(X: np.ndarray, signs: np.ndarray, C: float = HARD) -> tuple[Separator, np.ndarray]:
    """Return the line of a linear SVM, and the numbers of its support vectors, ascending."""
    from sklearn.svm import SVC

    fitted = SVC(kernel="linear", C=C, tol=1e-6).fit(X, signs)
    return Separator(fitted.coef_[0], float(fitted.intercept_[0])), np.sort(fitted.support_)


def perceptron_line(X: np.ndarray, signs: np.ndarray, seed: int) -> Separator:
    """Return a line by Rosenblatt's rule, which stops changing as soon as it separates the rows. seed: of their order."""
    from sklearn.linear_model import Perceptron

    fitted = Perceptron(max_iter=1000, tol=None, random_state=seed).fit(X, signs)
    return Separator(fitted.coef_[0], float(fitted.intercept_[0]))
