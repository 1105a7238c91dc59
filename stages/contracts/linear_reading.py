"""What is read of a fitted linear model: its functions of the features, and the margins of a linear SVM."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearFunctions:
    """Linear functions f = Σ x·w + b of encoded features: sums over the modalities of a combination.

    outputs: the output that each function is of, an index into `Problem.outputs`. Two classes have one function, of the second.
    weights: by modality, float64 (d, n_functions), per unit of the encoded features. intercepts: float64 (n_functions,).
    """

    outputs: tuple[int, ...]
    weights: Mapping[str, np.ndarray]
    intercepts: np.ndarray


@dataclass(frozen=True)
class Margin:
    """The maximum margin of one binary linear SVM, in the space of the fused rows: scaled so that two training rows have a mean squared
    distance of 1.

    positive, negative: the outputs on the plus and on the minus side, indices into `Problem.outputs`; negative None: without the label.
    norm: ‖w‖; the planes f = 1 and f = −1 are 2 / norm apart. C: the largest dual coefficient. n_rows: that the SVM is trained on.
    rows: int64 (n,), the support vectors' row numbers in the problem, ascending. side: int8 (n,), 1 or −1, the row's own.
    alpha: float64 (n,), dual coefficients in (0, C]. margin: float64 (n,), side · f.
    """

    positive: int
    negative: int | None
    norm: float
    C: float
    n_rows: int
    rows: np.ndarray
    side: np.ndarray
    alpha: np.ndarray
    margin: np.ndarray


@dataclass(frozen=True)
class LinearReading:
    """margins: of an SVM; none of other models. without_margins: why there are none."""

    functions: LinearFunctions
    margins: tuple[Margin, ...] = ()
    without_margins: str | None = None
