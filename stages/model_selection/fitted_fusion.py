"""A fitted way of late fusion: what it predicts by its members' scores. Predicting with a saved model needs no more of late fusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.fitted import CalibrationMethod, Scores
from stages.contracts.fusion import Combiner, LateFusion
from stages.contracts.task import TargetForm
from stages.model_selection.calibrators import Calibrator, calibrated, saved_arrays, saved_calibrator
from stages.model_selection.target_forms import FORMS

COMBINER = "combiner/"  # arrays of a saved model that its way of fusing has learned
THRESHOLDS = "thresholds"  # ... those of its labels


@dataclass(frozen=True)
class FittedFusion:
    """A way of late fusion, fitted on one outer fold. thresholds: of labels, float64 (n_outputs,); else None."""

    form: TargetForm
    combine: Combiner
    thresholds: np.ndarray | None
    calibrator: Calibrator | None

    def predicted(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return predictions and probabilities by the members' scores float64 (n, n_members, n_outputs)."""
        return self.decided(self.combine(scores) if len(scores) else np.empty((0, scores.shape[2])))

    def decided(self, fused: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return predictions, in the target's form, and calibrated probabilities by fused scores float64 (n, n_outputs)."""
        scores = fused_scores(self.form, fused)
        return FORMS[self.form].decide(scores.decisions, self.thresholds), calibrated(scores, self.calibrator).probabilities


def fused_scores(form: TargetForm, decisions: np.ndarray) -> Scores:
    """Return fused scores float64 (n, n_outputs) as a model's: of classes and labels they are probabilities."""
    return Scores(decisions, decisions.astype(np.float32) if FORMS[form].has_probabilities else None)


def fusible(scores: Scores) -> np.ndarray:
    """Return what late fusion combines: probabilities, or predictions of continuous targets; float64 (n, n_outputs)."""
    return (scores.decisions if scores.probabilities is None else scores.probabilities).astype(np.float64)


def decision_arrays(thresholds: np.ndarray | None, calibrator: Calibrator | None) -> dict[str, np.ndarray]:
    """Return labels' thresholds and a calibrator as the arrays of a saved model."""
    own = {} if thresholds is None else {THRESHOLDS: thresholds}
    return own | ({} if calibrator is None else saved_arrays(calibrator))


def combiner_arrays(fusion: LateFusion, combine: Combiner) -> dict[str, np.ndarray]:
    """Return what a combiner has learned as the arrays of a saved model; none of one that `fit` makes of its configuration alone."""
    return {COMBINER + name: array for name, array in fusion.arrays(combine).items()} if fusion.learns else {}


def loaded_fusion(
    fusion: LateFusion, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, form: TargetForm, calibration: CalibrationMethod
) -> FittedFusion:
    """Return a way of late fusion by the configuration and the arrays of a saved model.

    Raises:
        KeyError: if an array is missing.
    """
    if fusion.learns:
        combine = fusion.load({name.removeprefix(COMBINER): array for name, array in arrays.items() if name.startswith(COMBINER)})
    else:
        nothing = np.empty((0, 0, 0))
        combine = fusion.fit(config, nothing, nothing, form)
    calibrator = saved_calibrator(calibration, arrays, is_of_classes=form == "classes")
    return FittedFusion(form, combine, arrays.get(THRESHOLDS), calibrator)
