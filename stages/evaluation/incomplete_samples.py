"""What candidates predict where test samples lack a modality: no model is needed that train has not tested.

A sample without a modality is answered by the candidate of the same model, and the same way of fusing, that sees the largest trained
combination of the others (of a single modality that is `early`); by what the training rows' targets say if there is none. `answered_by` in
stages/contracts/problem.py is the same rule for samples that lack a modality in the data. All of that is in predictions.arrow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from stages.contracts.candidate import Candidate, largest_trained, way_of
from stages.contracts.sample_condition import MISSING, Condition
from stages.contracts.task import TargetForm
from stages.evaluation.checked_predictions import BySeed, FoldPredictions, Splits
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import column_values
from stages.model_selection.prior_answer import prior_answer

Answer = tuple[np.ndarray, np.ndarray | None]  # the same of all rows of a fold: predictions and probabilities of n_test rows


@dataclass(frozen=True)
class IncompleteSamples:
    """Test samples that may lack a modality.

    shares: of the samples that lack it, ascending. seed: of the draws. priors: of each test fold, the answers of a model that sees nothing.
    """

    splits: Splits
    shares: Sequence[float]
    seed: int
    priors: Sequence[Answer]
    _draws: dict[str, list[np.ndarray]] = field(default_factory=dict, init=False, repr=False)

    def predictions(self, candidate: Candidate, known: Mapping[Candidate, BySeed]) -> dict[Condition, BySeed]:
        """Return a candidate's predictions where samples lack one of its modalities, by modality and share.

        Args:
            known: what the candidates of its model predict of the samples as they are, in the order of the combinations that were trained.
        """
        found = dict[Condition, BySeed]()
        for name in candidate.modalities if self.shares else ():
            other = answers_for(candidate, name, known)
            for share in self.shares:
                found[Condition(name, MISSING, share)] = [
                    self._of_seed(folds, None if other is None else known[other][place], self.absent(name, share))
                    for place, folds in enumerate(known[candidate])
                ]
        return found

    def absent(self, name: str, share: float) -> list[np.ndarray]:
        """Return which test rows of each fold lack a modality, bool (n_test,): who lacks it at some share does at a larger one."""
        if name not in self._draws:
            self._draws[name] = [np.array([self._draw(name, row) for row in test.rows.tolist()]) for test in self.splits.folds]
        return [drawn < share for drawn in self._draws[name]]

    def _draw(self, name: str, row: int) -> float:
        """Return a number from 0 to 1 that depends on the seed, the modality and the sample alone."""
        return np.random.default_rng(derived_seed(self.seed, MISSING, name, self.splits.ids[row].as_py())).random()

    def _of_seed(
        self, own: Sequence[FoldPredictions], others: Sequence[FoldPredictions] | None, absent: Sequence[np.ndarray]
    ) -> list[FoldPredictions]:
        """Return predictions with one seed, those of `others`, or of a model that sees nothing, where a modality is absent."""
        answers = self.priors if others is None else [(fold.prediction, fold.probabilities) for fold in others]
        return [FoldPredictions(fold.target, _either(lacks, prediction, fold.prediction),
                                None if fold.probabilities is None or probabilities is None
                                else _either(lacks, probabilities, fold.probabilities))
                for fold, (prediction, probabilities), lacks in zip(own, answers, absent, strict=True)]  # fmt: skip


def answers_for(candidate: Candidate, gone: str, known: Iterable[Candidate]) -> Candidate | None:
    """Return the candidate that answers a sample without a modality; None: none sees only what is left.

    Args:
        known: the candidates of the model, in the order of the combinations that were trained.
    """
    rest = largest_trained(set(candidate.modalities) - {gone}, [other.modalities for other in known])
    return Candidate(candidate.model, rest, way_of(rest, candidate.fusion)) if rest else None


def prior_answers(table: pa.Table, splits: Splits, form: TargetForm, n_outputs: int) -> list[Answer]:
    """Return what the training rows of each test fold say of its test rows; table: of the splits, of which `splits` are made."""
    repeats, inner, targets = column_values(table["repeat"]), column_values(table["inner"]), column_values(table["target"])
    return [prior_answer(form, targets[(repeats == test.repeat) & (inner[:, test.fold] >= 0)], n_outputs, len(test.rows))
            for test in splits.folds]  # fmt: skip


def _either(rows: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a where `rows`, bool (n,), is true, else b."""
    return np.where(rows if a.ndim == 1 else rows[:, None], a, b)
