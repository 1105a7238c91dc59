"""How the labels of each row are ranked by its scores: what metrics of rankings count."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from stages.metric_inputs.classification_inputs import require_rows, require_scores


@dataclass(frozen=True)
class LabelRanks:
    """Of labels that score as high as each: how many, how many of them hold; float64 (n, n_labels). holds: bool (n, n_labels).

    some: bool (n,), the rows of which some labels hold and some do not; the others have no ranking to be wrong.
    """

    at_least: np.ndarray
    holding_at_least: np.ndarray
    holds: np.ndarray

    @property
    def some(self) -> np.ndarray:
        return np.asarray(self.holds.any(axis=1) & ~self.holds.all(axis=1))


def label_ranks(target: np.ndarray, scores: np.ndarray | None, name: str) -> LabelRanks:
    """Return the ranks of the labels of each row; ties share the last rank.

    Raises:
        ValueError: if there is no row, or no scores; `name` is the metric's.
    """
    require_rows(target, name)
    values, holds = require_scores(scores, name).astype(np.float64), target != 0
    at_least = rankdata(-values, method="max", axis=1)
    return LabelRanks(at_least, rankdata(np.where(holds, -values, np.inf), method="max", axis=1), holds)


def ranking_losses(ranks: LabelRanks) -> np.ndarray:
    """Return each row's share of pairs of a label that holds and one that does not in which the latter scores as high: float64 (n,)."""
    n_holding = ranks.holds.sum(axis=1)
    wrong = np.where(ranks.holds, ranks.at_least - ranks.holding_at_least, 0.0).sum(axis=1)
    n_pairs = n_holding * (ranks.holds.shape[1] - n_holding)
    return np.asarray(np.where(ranks.some, wrong / np.maximum(n_pairs, 1), 0.0))


def ranking_precisions(ranks: LabelRanks) -> np.ndarray:
    """Return each row's mean, over its labels, of the share of labels that hold among those that score as high: float64 (n,)."""
    shares = np.where(ranks.holds, ranks.holding_at_least / ranks.at_least, 0.0).sum(axis=1)
    return np.asarray(np.where(ranks.some, shares / np.maximum(ranks.holds.sum(axis=1), 1), 1.0))


def top_errors(ranks: LabelRanks) -> np.ndarray:
    """Return each row's share of labels that do not hold among those with the highest score: float64 (n,)."""
    top = ranks.at_least == ranks.at_least.min(axis=1, keepdims=True)
    wrong = (top & ~ranks.holds).sum(axis=1) / top.sum(axis=1)
    return np.asarray(np.where(ranks.some, wrong, 0.0))
