"""What is predicted of a sample that has none of the modalities that a model sees: what the training rows' targets alone say."""

import numpy as np

from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import FORMS

HALF = 0.5  # a label is predicted if so many training rows have it


def prior_answer(form: TargetForm, target: np.ndarray, n_outputs: int, n_rows: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the same prediction and probabilities for every row: of the most frequent class, the frequent labels, or the targets' means.

    Args:
        target: of the training rows, in its form.
    Returns:
        Predictions in the target's form; the shares of the training rows, float32 (n_rows, n_outputs), None of continuous targets.
    """
    of_form = FORMS[form]
    shares = np.tile(of_form.expected(target, n_outputs), (n_rows, 1))
    decided = of_form.decide(shares, np.full(shares.shape[1], HALF) if form == "labels" else None)
    return decided, shares.astype(np.float32) if of_form.has_probabilities else None
