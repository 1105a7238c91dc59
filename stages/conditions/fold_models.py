"""All models of one outer fold, fitted again with one seed, and what they predict of clean and corrupted test samples.

The chosen way is, on each outer fold, the one that was chosen there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from stages.conditions.refits import Answers, Refit
from stages.conditions.trained_folds import FoldKey
from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Raw
from stages.model_selection.late_fusion import FittedFusion
from stages.model_selection.prior_answer import prior_answer
from stages.model_selection.protocol import fusible

Combination = tuple[str, ...]
Member = tuple[str, Combination]  # way of fusing, modalities; of a single modality `early`


@dataclass(frozen=True)
class FoldAnswers:
    """by_member: of each way and combination, for its test rows. members: of each modality, the scores that late fusion combines."""

    by_member: Mapping[Member, Answers]
    members: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class FoldModels:
    """The models of one outer fold of the whole problem.

    refits: of single modalities and of early fusion. late: of late fusion. chosen: by combination, the way that was chosen.
    """

    problem: Problem
    fold: Fold
    refits: Mapping[Member, Refit]
    late: Mapping[Member, FittedFusion]
    chosen: Mapping[Combination, str]

    def test_rows(self, modalities: Combination) -> np.ndarray:
        """Return the test rows that have all of a combination's modalities: int64, sorted."""
        rows = self.problem.complete(modalities)
        return self.fold.test if rows is None else self.fold.test[rows[self.fold.test]]

    def clean(self, raws: Mapping[str, Raw]) -> FoldAnswers:
        """Return the answers of all models; raws: of each modality, the raw features of the test rows that have it."""
        return self._predicted(raws, FoldAnswers({}, {}), "", 1)

    def corrupted(self, raws: Mapping[str, Raw], clean: FoldAnswers, name: str, n_copies: int) -> list[FoldAnswers]:
        """Return, for each of `n_copies` of the test rows, the answers of the models that see the modality `name`.

        Args:
            raws: of `name`, the raw features of all rows of the first copy, then of the next; clean ones of the other modalities.
            clean: the answers without a corruption.
        """
        found = self._predicted(raws, clean, name, n_copies)
        parts: list[dict[Member, Answers]] = [{} for _ in range(n_copies)]
        for member, (predictions, probabilities) in found.by_member.items():
            of_copies = np.split(predictions, n_copies), None if probabilities is None else np.split(probabilities, n_copies)
            for copy, part in enumerate(parts):
                part[member] = of_copies[0][copy], None if of_copies[1] is None else of_copies[1][copy]
        scores = np.split(found.members[name], n_copies) if name in found.members else []
        return [FoldAnswers(part, {**clean.members, name: scores[copy]} if scores else clean.members) for copy, part in enumerate(parts)]

    def _predicted(self, raws: Mapping[str, Raw], clean: FoldAnswers, name: str, n_copies: int) -> FoldAnswers:
        """Return the answers for copies of the test rows by the models that see `name`; an empty one: by all models.

        Args:
            clean: what is known without a corruption.
        """
        found: dict[Member, Answers] = {}
        members = dict(clean.members)
        for (way, modalities), refit in self.refits.items():
            if name and name not in modalities:
                continue
            if name and name not in refit.states:  # weight 0
                found[way, modalities] = copied(clean.by_member[way, modalities], n_copies)
            elif (twin := self._twin(way, modalities, found)) is not None:
                found[way, modalities] = found[twin]
            else:
                rows = {one: self._rows(one, modalities, n_copies, is_copied=one == name) for one in refit.states}
                scores = refit.scores({one: raws[one].taken(taken) for one, taken in rows.items()})
                found[way, modalities] = refit.answers(scores)
                if len(modalities) == 1:
                    members[modalities[0]] = fusible(scores)
        for (way, modalities), late in self.late.items():
            if not name or name in modalities:
                stacked = [members[one][self._rows(one, modalities, n_copies, is_copied=one == name)] for one in modalities]
                found[way, modalities] = late.predicted(np.stack(stacked, axis=1))
        chosen = {(CHOSEN, modalities): found[way, modalities] for modalities, way in self.chosen.items() if (way, modalities) in found}
        return FoldAnswers(found | chosen, members)

    def _twin(self, way: str, modalities: Combination, found: Mapping[Member, Answers]) -> Member | None:
        """Return who has predicted the same rows with the same model: equal weights, or one modality that has all the weight."""
        refit, n_rows = self.refits[way, modalities], len(self.test_rows(modalities))
        return next((member for member in found if member in self.refits and self.refits[member] is refit
                     and len(self.test_rows(member[1])) == n_rows), None)  # fmt: skip

    def _rows(self, name: str, modalities: Combination, n_copies: int, *, is_copied: bool) -> np.ndarray:
        """Return where copies of a combination's test rows are among those of one of its modalities, which has as many copies or one."""
        own = self.test_rows((name,))
        places = np.searchsorted(own, self.test_rows(modalities))
        offsets = len(own) * np.arange(n_copies) if is_copied else np.zeros(n_copies, np.int64)
        return (offsets[:, None] + places).ravel()

    def of_all_rows(self, answers: FoldAnswers, clean: FoldAnswers) -> Iterator[tuple[FoldKey, Answers]]:
        """Yield each candidate's key of the fold and its answers for all test rows.

        A sample that lacks some of the candidate's modalities is answered as `Problem.answered_by` says, by the same way of fusing.

        Args:
            answers: of the candidates that see what is corrupted. clean: of all.
        """
        for (way, modalities), of_complete in answers.by_member.items():
            by = self.problem.answered_by(modalities, self.fold.test)
            if set(by) == {modalities}:
                yield key_of(modalities, way, self.fold), of_complete
                continue
            parts = []
            for other, places in by.items():
                member = (way if len(other) > 1 else EARLY, other)
                whole = answers.by_member.get(member, clean.by_member.get(member))
                parts.append((places, self._of_rows(whole, other, places)))
            yield key_of(modalities, way, self.fold), _joined(parts)

    def _of_rows(self, whole: Answers | None, modalities: Combination, places: np.ndarray) -> Answers:
        """Return a candidate's answers at places of the fold's test rows; None: it sees nothing."""
        if whole is None:
            return prior_answer(self.problem.form, self.problem.target[self.fold.train], len(self.problem.outputs), len(places))
        at = np.searchsorted(self.test_rows(modalities), self.fold.test[places])
        return whole[0][at], None if whole[1] is None else whole[1][at]


def copied(answers: Answers, n_copies: int) -> Answers:
    """Return the same answers several times, one copy after another."""
    predictions, probabilities = answers
    return np.concatenate([predictions] * n_copies), None if probabilities is None else np.concatenate([probabilities] * n_copies)


def _joined(parts: list[tuple[np.ndarray, Answers]]) -> Answers:
    """Return the answers of parts of the rows, each with its places, in the order of the rows."""
    order = np.argsort(np.concatenate([places for places, _ in parts]))
    probabilities = [answers[1] for _, answers in parts if answers[1] is not None]
    joined = np.concatenate(probabilities)[order] if len(probabilities) == len(parts) else None
    return np.concatenate([answers[0] for _, answers in parts])[order], joined


def key_of(modalities: Combination, way: str, fold: Fold) -> FoldKey:
    """Return what tells a candidate's answers on a fold from others."""
    return "+".join(modalities), way, fold.repeat, fold.index
