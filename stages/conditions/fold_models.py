"""All models of one outer fold, fitted again with one seed, and what they predict of clean and corrupted test samples.

The chosen way is, on each outer fold, the one that was chosen there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from stages.conditions.refits import Answers, Refit
from stages.conditions.trained_folds import FoldKey
from stages.contracts.candidate import CHOSEN, way_of
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Raw
from stages.features.feature_blocks import imputed
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
    imputing: the ways whose models answer samples that lack some of their modalities.
    """

    problem: Problem
    fold: Fold
    refits: Mapping[Member, Refit]
    late: Mapping[Member, FittedFusion]
    chosen: Mapping[Combination, str]
    imputing: frozenset[str] = frozenset()

    def own_rows(self, way: str, modalities: Combination) -> np.ndarray:
        """Return the test rows that a candidate answers itself: int64, sorted. Of the others those who see less answer."""
        if (self.chosen.get(modalities, way) if way == CHOSEN else way) not in self.imputing:
            return self.test_rows(modalities)
        return self.fold.test[self._present(modalities, self.fold.test).any(axis=1)]

    def _present(self, modalities: Combination, rows: np.ndarray) -> np.ndarray:
        """Return which rows have each modality: bool (n, n_modalities)."""
        masks = [self.problem.blocks[name].present for name in modalities]
        return np.stack([np.ones(len(rows), bool) if mask is None else mask[rows] for mask in masks], axis=1)

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
            elif way in self.imputing and self.problem.complete(modalities) is not None:
                found[way, modalities] = self._imputed(refit, way, modalities, raws, (name, n_copies))
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

    def _imputed(
        self, refit: Refit, way: str, modalities: Combination, raws: Mapping[str, Raw], copies: tuple[str, int]
    ) -> Answers:
        """Return the answers for copies of the rows that a way which imputes answers; copies: of which modality there are how many."""
        rows, (name, n_copies) = self.own_rows(way, modalities), copies
        present, parts = self._present(modalities, rows), []
        for pattern in np.unique(present, axis=0):
            places = np.flatnonzero((present == pattern).all(axis=1))
            taken: dict[str, Raw] = {}
            for one, is_there in zip(modalities, pattern.tolist(), strict=True):
                own = self.test_rows((one,))
                offsets = len(own) * np.arange(n_copies) if one == name else np.zeros(n_copies, np.int64)
                if is_there:
                    taken[one] = raws[one].taken((offsets[:, None] + np.searchsorted(own, rows[places])).ravel())
                else:
                    taken[one] = imputed(self.problem.blocks[one]).raw.taken(np.tile(rows[places], n_copies))
            at = (len(rows) * np.arange(n_copies)[:, None] + places).ravel()
            parts.append((at, refit.answers(refit.scores(taken))))
        return _joined(parts)

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
            own = self.own_rows(way, modalities)
            is_own = np.isin(self.fold.test, own)
            if is_own.all():
                yield key_of(modalities, way, self.fold), of_complete
                continue
            parts, rest = [(np.flatnonzero(is_own), of_complete)], np.flatnonzero(~is_own)
            for other, places in self.problem.answered_by(modalities, self.fold.test[rest]).items():
                member = (way_of(other, way), other)
                whole = answers.by_member.get(member, clean.by_member.get(member))
                parts.append((rest[places], self._of_rows(whole, member, rest[places])))
            yield key_of(modalities, way, self.fold), _joined(parts)

    def _of_rows(self, whole: Answers | None, member: Member, places: np.ndarray) -> Answers:
        """Return a candidate's answers at places of the fold's test rows; None: it sees nothing."""
        if whole is None:
            return prior_answer(self.problem.form, self.problem.target[self.fold.train], len(self.problem.outputs), len(places))
        at = np.searchsorted(self.own_rows(*member), self.fold.test[places])
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
