"""Predict raw samples with a saved model, for users of published models; no stage uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from stages.contracts.checked import described
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.fitted import Fitted
from stages.contracts.model import Sweep
from stages.contracts.task import TargetForm
from stages.features.encoders import State, raw_features
from stages.features.structures import model_input
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.model_selection.calibrators import calibrated, saved_calibrator
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.target_forms import FORMS
from stages.samples.pooling import features_of
from stages.training.saved_model import load_fitted


@dataclass(frozen=True)
class Predicted:
    """A model's predictions for n samples.

    outputs: names of the classes, labels or targets.
    predictions: the class (str) of each sample, or the list of its labels; for continuous targets float64 (n, n_outputs).
    probabilities: of classes or labels, float32 (n, n_outputs); None for continuous targets.
    """

    form: TargetForm
    outputs: tuple[str, ...]
    predictions: list[str] | list[list[str]] | np.ndarray
    probabilities: np.ndarray | None


@dataclass(frozen=True)
class Predictor:
    """A fitted model, loaded once for many predictions from `folder`."""

    folder: Path
    fitted: Fitted
    about: SavedModel
    model: Sweep

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Return the model in `folder`, as `save_fitted` wrote it."""
        fitted, about = load_fitted(folder)
        return cls(folder, fitted, about, as_sweep(component("models", about.model)))

    def predict(self, columns: Mapping[str, pa.Array]) -> Predicted:
        """Return the predictions of raw samples.

        Args:
            columns: one Arrow column per modality of the model, as in the samples table.
        Raises:
            InputError: if a modality is missing, or a sample cannot be read.
        """
        matrices = {name: self._encoded(name, columns) for name in self.about.modalities}
        try:
            scores = self.model.predict(self.fitted, matrices)
            of_classes = self.about.form == "classes"
            scores = calibrated(scores, saved_calibrator(self.about.calibration, self.fitted.arrays, is_of_classes=of_classes))
        except InputError as error:  # about one of the model's files
            raise InputError(f"{self.folder}/{error}") from error
        except KeyError as error:
            path, name = self.folder / "model.json", self.about.model
            raise InputError(f"{path}: state: {error} is missing; expected by {name}; train the model again") from error
        form, outputs = self.about.form, self.about.outputs
        prediction = FORMS[form].decide(scores.decisions, self.fitted.arrays.get("thresholds"))
        return Predicted(form, outputs, _named(form, outputs, prediction), scores.probabilities)

    def _encoded(self, name: str, columns: Mapping[str, pa.Array]) -> Any:
        if name not in columns:
            raise InputError(f"column {name!r} is missing; this model reads {_listed(self.about.modalities)}")
        feature = self.about.features[name]
        modality = component("modalities", feature.modality)
        column = columns[name]
        chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        try:
            settings = modality.settings(**feature.settings)
        except ValidationError as error:
            mistakes = "; ".join(described(error))
            raise InputError(f"{self.folder / 'model.json'}: features.{name}.settings: {mistakes}; train the model again") from error
        features = features_of(modality, chunked, settings)
        encoder = self.about.encoders[name]
        state = State({key: self.fitted.arrays[f"encoder/{name}/{key}"] for key in encoder.arrays}, encoder.state)
        raw = raw_features(features.columns, features.encoding, feature.modality, features.shape)
        return model_input(raw, state, structured=self.model.reads_structure)


def _named(form: TargetForm, outputs: Sequence[str], prediction: np.ndarray) -> Any:
    if form == "continuous":
        return prediction
    if form == "labels":
        return [[outputs[label] for label in np.flatnonzero(row).tolist()] for row in prediction]
    return [outputs[code] for code in prediction.tolist()]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
