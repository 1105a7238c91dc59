"""The margins of a linear SVM: how wide they are, and where the support vectors lie."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from stages.contracts.documents.weights_document import MarginFacts
from stages.contracts.linear_reading import Margin

AT_BOUND = 1 - 1e-6  # of C: a dual coefficient below it is free, so that its row lies on its plane
ON_PLANE = 1e-3  # largest |slack| of a row on its plane, as exact as the solver
PLANE, INSIDE, WRONG = "plane", "inside", "wrong"


def slack_of(margin: Margin) -> np.ndarray:
    """Return max(0, 1 − side · f) of each support vector: float64 (n,)."""
    return np.maximum(0.0, 1 - margin.margin)


def places_of(margin: Margin) -> np.ndarray:
    """Return where each support vector lies: on its plane, inside (slack up to 1) or beyond the boundary; object (n,), text.

    A row whose dual coefficient is free is on its plane, as exactly as the solver is; one at C is on the plane or violates it.
    """
    slack = slack_of(margin)
    on_plane = (margin.alpha < AT_BOUND * margin.C) | (slack <= ON_PLANE)
    return np.where(on_plane, PLANE, np.where(slack <= 1, INSIDE, WRONG)).astype(object)


def margin_facts(margin: Margin, outputs: Sequence[str]) -> MarginFacts:
    """Return the width of a margin and its support vectors by place."""
    place = places_of(margin)
    return MarginFacts(
        positive=outputs[margin.positive], negative=None if margin.negative is None else outputs[margin.negative], norm=margin.norm,
        width=2 / margin.norm if margin.norm > 0 else None, n_rows=margin.n_rows,
        n_plus=int(((place == PLANE) & (margin.side > 0)).sum()), n_minus=int(((place == PLANE) & (margin.side < 0)).sum()),
        n_inside=int((place == INSIDE).sum()), n_wrong=int((place == WRONG).sum()),
    )  # fmt: skip


def support_rows(combination: str, margins: Sequence[Margin], outputs: Sequence[str], ids: Sequence[str]) -> pa.Table:
    """Return the rows of support_vectors.arrow of one combination; ids: of all rows of the problem."""
    return pa.concat_tables([_rows(combination, margin, outputs, ids) for margin in margins])


def _rows(combination: str, margin: Margin, outputs: Sequence[str], ids: Sequence[str]) -> pa.Table:
    n, negative = len(margin.rows), None if margin.negative is None else outputs[margin.negative]
    return pa.table({
        "modalities": pa.array([combination] * n, pa.string()),
        "positive": pa.array([outputs[margin.positive]] * n, pa.string()),
        "negative": pa.array([negative] * n, pa.string()),
        "sample_id": pa.array([ids[row] for row in margin.rows.tolist()], pa.string()),
        "side": pa.array(["plus" if side > 0 else "minus" for side in margin.side], pa.string()),
        "place": pa.array(places_of(margin).tolist(), pa.string()),
        "alpha": pa.array(margin.alpha, pa.float64()),
        "margin": pa.array(margin.margin, pa.float64()),
        "slack": pa.array(slack_of(margin), pa.float64()),
    })  # fmt: skip


def shown_places(margin: Margin, ids: Sequence[str], n: int) -> Iterator[int]:
    """Yield the support vectors that are shown, as places in `margin.rows`: n of the plus plane, n of the minus plane, n of largest slack.

    Of a plane those with the largest dual coefficients, which pull hardest at it; ties by sample id.
    """
    place, slack = places_of(margin), slack_of(margin)
    name = np.array([ids[row] for row in margin.rows.tolist()], object)
    for side in (1, -1):
        on_plane = np.flatnonzero((place == PLANE) & (margin.side == side))
        yield from sorted(on_plane.tolist(), key=lambda at: (-round(float(margin.alpha[at]), 6), name[at]))[:n]
    violating = np.flatnonzero(place != PLANE)
    yield from sorted(violating.tolist(), key=lambda at: (-round(float(slack[at]), 6), name[at]))[:n]
