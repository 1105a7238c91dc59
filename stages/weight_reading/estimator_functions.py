"""The functions of a fitted linear estimator as functions of the encoded features: scales and principal components are undone."""

from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.contracts.linear_reading import LinearFunctions
from stages.features.projection import saved_projection
from stages.model_selection.fitted_estimators import FittedEstimators
from stages.model_selection.saved_estimators import load_estimators


def estimator_functions(fitted: Fitted, widths: dict[str, int]) -> LinearFunctions:
    """Return the functions of a saved linear estimator (stages/model_selection/estimator_sweep.py); a constant label has none.

    An estimator reads √scale · x of each block, or of a wide one its components s (x − mean) D / √(2c): their weights v are those of x
    as √scale · v, and as D v · s · √scale / √(2c), with the intercept lower by mean · w.

    Args:
        widths: by modality, the number of encoded features, in the order of the combination.
    """
    outputs, coefficients, intercepts = _functions(load_estimators(fitted))
    if not outputs:
        return LinearFunctions((), {name: np.zeros((width, 0)) for name, width in widths.items()}, intercepts)
    weights, start = {}, 0
    for name, scale in zip(fitted.state["modalities"], fitted.arrays["scales"], strict=True):
        if name in fitted.state["projected"]:
            projection = saved_projection(name, fitted.arrays)
            directions = projection.directions
            n_components = widths[name] if directions is None else directions.shape[1]
            stop = start + n_components
            of_components = coefficients[start:stop] if directions is None else directions @ coefficients[start:stop]
            weights[name] = np.reshape(np.sqrt(scale / (2 * n_components)) * projection.scale, (-1, 1)) * of_components
            intercepts = intercepts - projection.mean @ weights[name]
        else:
            stop = start + widths[name]
            weights[name] = np.sqrt(scale) * coefficients[start:stop]
        start = stop
    if start != len(coefficients):
        raise ValueError(f"an estimator has {len(coefficients)} coefficients, and the blocks have {start} columns")
    return LinearFunctions(outputs, weights, intercepts)


def _functions(found: FittedEstimators) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Return outputs, coefficients (d, n_functions) and intercepts, of targets in their own units."""
    if found.form == "classes":
        member = found.members[0]
        codes = [int(code) for code in member.classes_]
        return tuple(codes if len(codes) > 2 else codes[1:]), *_of(member)
    linear = {place: member for place, member in enumerate(found.members) if hasattr(member, "coef_")}  # a constant label has a dummy
    parts = [_of(member) for member in linear.values()]
    coefficients = np.hstack([part[0] for part in parts]) if parts else np.zeros((0, 0))
    intercepts = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0)
    outputs = tuple(linear) if len(found.members) > 1 else tuple(range(len(intercepts)))
    if found.scale is None:
        return outputs, coefficients, intercepts
    return outputs, coefficients * found.scale.deviation, intercepts * found.scale.deviation + found.scale.mean


def _of(member: Any) -> tuple[np.ndarray, np.ndarray]:
    coefficients = np.atleast_2d(np.asarray(member.coef_, np.float64))
    return coefficients.T, np.broadcast_to(np.asarray(member.intercept_, np.float64).ravel(), (len(coefficients),))


