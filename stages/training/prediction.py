"""Predict raw samples with a saved model, for users of published models; no stage uses it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from stages.contracts.checked import described
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Sweep
from stages.contracts.task import TargetForm
from stages.features.encoders import State, raw_features
from stages.features.structures import model_input
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.model_selection.calibrators import calibrated, saved_calibrator
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.fitted_fusion import THRESHOLDS, fusible, loaded_fusion
from stages.model_selection.target_forms import FORMS
from stages.samples.pooling import features_of
from stages.training.saved_model import load_fitted, member_folder


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
    """A fitted model, loaded once for many predictions from `folder`. members: the models of late fusion."""

    folder: Path
    fitted: Fitted
    about: SavedModel
    model: Sweep
    members: tuple["Predictor", ...] = ()

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Return the model in `folder`, as `save_model` wrote it.

        Raises:
            InputError: if a file is missing, cannot be read or does not belong to the others.
        """
        fitted, about = load_fitted(folder)
        members = tuple(cls.load(member_folder(folder, name)) for name in about.members)
        for name, member in zip(about.members, members, strict=True):
            if (member.about.read, member.about.form, member.about.outputs) != ((name,), about.form, about.outputs):
                raise InputError(f"{member.folder / 'model.json'}: is of {member.about.form} of {_listed(member.about.read)}; expected "
                                 f"{about.form} of {name!r}, as in {folder / 'model.json'}; train the model again")
        return cls(folder, fitted, about, as_sweep(component("models", about.model)), members)

    def predict(self, columns: Mapping[str, pa.Array]) -> Predicted:
        """Return the predictions of raw samples.

        Args:
            columns: one Arrow column per modality of the model, as in the samples table.
        Raises:
            InputError: if a modality is missing, of all samples or of one, or a sample cannot be read.
        """
        form, outputs = self.about.form, self.about.outputs
        prediction, probabilities = self._fused(columns) if self.members else self._decided(columns)
        return Predicted(form, outputs, _named(form, outputs, prediction), probabilities)

    def _scores(self, columns: Mapping[str, pa.Array]) -> Scores:
        """Return the scores of one model that sees all, not calibrated."""
        matrices = {name: self._encoded(name, columns) for name in self.about.read}
        with self._blamed():
            return self.model.predict(self.fitted, matrices)

    def _decided(self, columns: Mapping[str, pa.Array]) -> tuple[np.ndarray, np.ndarray | None]:
        scores, about, arrays = self._scores(columns), self.about, self.fitted.arrays
        with self._blamed():
            scores = calibrated(scores, saved_calibrator(about.calibration, arrays, is_of_classes=about.form == "classes"))
        return FORMS[about.form].decide(scores.decisions, arrays.get(THRESHOLDS)), scores.probabilities

    def _fused(self, columns: Mapping[str, pa.Array]) -> tuple[np.ndarray, np.ndarray | None]:
        about = self.about
        config = dict(about.config)
        if weights := config.get("modality_weights"):  # in model.json they are sorted by name
            config["modality_weights"] = {name: weights[name] for name in about.members}
        scores = np.stack([fusible(member._scores(columns)) for member in self.members], axis=1)
        way = component("fusions", about.way or about.fusion)
        with self._blamed():
            fusion = loaded_fusion(way, config, self.fitted.arrays, form=about.form, calibration=about.calibration)
            return fusion.predicted(scores)

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Name the model's files in an error about what they hold."""
        try:
            yield
        except InputError as error:
            raise InputError(f"{self.folder}/{error}") from error
        except KeyError as error:
            path, name = self.folder / "model.json", self.about.model
            raise InputError(f"{path}: state: {error} is missing; expected by {name}; train the model again") from error

    def _encoded(self, name: str, columns: Mapping[str, pa.Array]) -> Any:
        if name not in columns:
            raise InputError(f"column {name!r} is missing; this model reads {_listed(self.about.read)}")
        feature = self.about.features[name]
        modality = component("modalities", feature.modality)
        column = columns[name]
        chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        if chunked.null_count:
            row = chunked.is_null().index(True).as_py()
            raise InputError(f"column {name!r}, row {row}: the sample lacks it; this model needs {_listed(self.about.read)} of every "
                             "sample; leave such samples out, or predict them with a model of the modalities that they have")
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
