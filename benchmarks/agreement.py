"""When the results of a cross-validation by two sides are the same.

An answer maps each outer fold and modality combination, "0/image+text", to what was found there:
    scores      float64 (n_configs, n_inner), accuracy; NaN for the inner folds that a side was not asked for
    chosen      the configuration used (None where a side did not choose)
    prediction  of the outer fold's held-out rows
    margin      of each of them, how far the closest class pair's decision value is from 0 (SVM)
A side may answer for fewer outer folds than ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.harness import Answer, Disagreement
from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold

ROUNDING = 1e-12


def key_of(fold: Fold, modalities: Sequence[str]) -> str:
    return f"{fold.index}/{'+'.join(modalities)}"


def answer_of(results: Sequence[FoldResult]) -> dict[str, dict[str, Any]]:
    """Return what one of our sweeps found."""
    return {
        key_of(found.fold, found.modalities): {
            "scores": np.asarray(found.inner_scores["accuracy"]), "chosen": found.chosen, "prediction": np.asarray(found.prediction)
        }
        for found in results
    }  # fmt: skip


def best_of(scores: np.ndarray) -> int:
    """Return the configuration with the best mean over the inner folds; of equals (to 12 digits) the first."""
    return int(np.argmax(np.round(scores.mean(axis=1), 12)))


def _pairs(ours: Answer, theirs: Answer) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    missing = set(theirs) - set(ours)
    if missing or not theirs:
        raise Disagreement(f"ours has nothing for {sorted(missing)}")
    return [(key, ours[key], theirs[key]) for key in theirs]


def _counted(ours: Mapping[str, Any], theirs: Mapping[str, Any], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return both tables of scores, of the inner folds that the peer did."""
    mine, other = np.asarray(ours["scores"]), np.asarray(theirs["scores"])
    if mine.shape != other.shape:
        raise Disagreement(f"{key}: scores of shape {mine.shape} and {other.shape}")
    done = ~np.isnan(other).all(axis=0)
    return mine[:, done], other[:, done]


def same(ours: Answer, theirs: Answer) -> str:
    """Require equal scores (to rounding), the same choice and the same predictions."""
    n_scores = n_predictions = 0
    for key, a, b in _pairs(ours, theirs):
        mine, other = _counted(a, b, key)
        wrong = ~(np.abs(mine - other) <= ROUNDING)
        if wrong.any():
            raise Disagreement(f"{key}: {wrong.sum()} of {wrong.size} scores differ, by up to {np.abs(mine - other).max():.2g}")
        n_scores += mine.size
        if b["chosen"] is None:
            continue
        if a["chosen"] != b["chosen"]:
            raise Disagreement(f"{key}: configuration {a['chosen']} was chosen, and {b['chosen']}")
        if not np.array_equal(a["prediction"], b["prediction"]):
            raise Disagreement(f"{key}: {(a['prediction'] != b['prediction']).sum()} predictions differ")
        n_predictions += len(a["prediction"])
    return f"all {n_scores:,} scores{f' and {n_predictions:,} predictions' if n_predictions else ''} equal"


def within_tolerance(n_held_out: int, rows: int = 2, boundary: float = 1e-2) -> Callable[[Answer, Answer], str]:
    """Return a comparison of solvers that stop within a tolerance: libsvm's is 1e-3 on the optimality conditions.

    A score may differ by `rows` of the inner fold's n_held_out; the mean of all by a tenth of a row. With the same choice a prediction may
    differ only where a decision value of the peer is within `boundary` of 0; another choice must be one whose score is as good within that.
    """

    def compare(ours: Answer, theirs: Answer) -> str:
        n_scores = n_equal = n_predictions = near = others = 0
        for key, a, b in _pairs(ours, theirs):
            mine, other = _counted(a, b, key)
            apart = np.abs(mine - other) * n_held_out
            if not (apart.max() <= rows + 0.1 and abs((mine - other).mean()) * n_held_out <= 0.1 + rows / mine.size):
                on_average = (mine - other).mean() * n_held_out
                raise Disagreement(f"{key}: scores differ by up to {apart.max():.1f} rows, {on_average:.2f} on average")
            n_scores, n_equal = n_scores + mine.size, n_equal + int((apart < 0.1).sum())
            if b["chosen"] is None:
                continue
            if a["chosen"] != b["chosen"]:
                means = other.mean(axis=1)
                if means[b["chosen"]] - means[a["chosen"]] > rows / n_held_out:
                    raise Disagreement(f"{key}: configuration {a['chosen']} was chosen, and {b['chosen']}, which is better")
                others += 1
                continue
            differs = a["prediction"] != b["prediction"]
            if (differs & (b["margin"] > boundary)).any():
                raise Disagreement(f"{key}: {differs.sum()} predictions differ, not all of them at a boundary")
            n_predictions, near = n_predictions + len(differs), near + int(differs.sum())
        said = f"{n_equal:,} of {n_scores:,} scores equal, the others within {rows} rows"
        said += f"; {n_predictions - near:,} of {n_predictions:,} predictions equal" if n_predictions else ""
        return said + (f"; {others} choices of equal rank differ" if others else "")

    return compare


def within_band(best: float, mean: float) -> Callable[[Answer, Answer], str]:
    """Return a comparison of learners that draw other random numbers: the best mean score and the mean of all must be near."""

    def compare(ours: Answer, theirs: Answer) -> str:
        said = []
        for key, a, b in _pairs(ours, theirs):
            mine, other = _counted(a, b, key)
            bests, means = [x.mean(axis=1).max() for x in (mine, other)], [x.mean() for x in (mine, other)]
            said.append(f"best {bests[0]:.3f} and {bests[1]:.3f}, mean of all {means[0]:.3f} and {means[1]:.3f}")
            if not (abs(bests[0] - bests[1]) <= best and abs(means[0] - means[1]) <= mean):
                raise Disagreement(f"{key}: accuracy {said[-1]}; allowed are {best} and {mean}")
        return "; ".join(said)

    return compare
