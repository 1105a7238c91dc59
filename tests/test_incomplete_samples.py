"""What candidates predict where samples lack a modality: by a plain loop over rows, for every form of target."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.contracts.candidate import CHOSEN, EARLY, Candidate
from stages.contracts.sample_condition import MISSING, Condition
from stages.contracts.task import TargetForm
from stages.evaluation import checked_predictions
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.incomplete_samples import IncompleteSamples, answers_for, prior_answers
from stages.training.read_problem import all_combinations

MODALITIES = ("image", "text", "sound")
SHARES = (0.25, 0.5, 1.0)
WAYS = (EARLY, "late_weighted", CHOSEN)
FORMS: tuple[TargetForm, ...] = ("classes", "labels", "continuous")
N, N_FOLDS, N_OUTPUTS = 60, 3, 3


def targets_of(form: TargetForm) -> np.ndarray:
    rng = np.random.default_rng(4)
    if form == "classes":
        return rng.integers(0, N_OUTPUTS, N).astype(np.int32)
    if form == "labels":
        return (rng.random((N, N_OUTPUTS)) < [0.2, 0.5, 0.8]).astype(np.uint8)
    target = rng.normal(5, 2, (N, N_OUTPUTS))
    target[::7, 1] = np.nan
    return target


def splits_table(target: np.ndarray) -> pa.Table:
    """Return the columns of a splits table that tell training rows: row i is tested in fold i mod 3, of two repeats."""
    inner = [[-1 if row % N_FOLDS == fold else row % 2 for fold in range(N_FOLDS)] for row in range(N)] * 2
    flat = pa.array(np.array(inner, np.int16).ravel())
    values = pa.array(target) if target.ndim == 1 else pa.FixedSizeListArray.from_arrays(pa.array(target.ravel()), N_OUTPUTS)
    return pa.table({"repeat": pa.array(np.repeat([0, 1], N).astype(np.int16)), "inner": pa.FixedSizeListArray.from_arrays(flat, N_FOLDS),
                     "target": pa.concat_arrays([values, values])})  # fmt: skip


def splits_of(target: np.ndarray) -> Splits:
    folds = [checked_predictions.TestFold(repeat, fold, np.arange(fold, N, N_FOLDS), 40) for repeat in range(2) for fold in range(N_FOLDS)]
    return Splits(pa.array([f"s{row}" for row in range(N)]), ["g"] * N, target, tuple(folds))


def predicted(form: TargetForm, target: np.ndarray, splits: Splits, n_seeds: int = 2) -> dict[Candidate, list[list[FoldPredictions]]]:
    """Return random predictions of every combination and way of fusing, by seed and fold."""
    rng = np.random.default_rng(9)

    def one(rows: np.ndarray) -> FoldPredictions:
        probabilities = rng.random((len(rows), N_OUTPUTS)).astype(np.float32) if form != "continuous" else None
        prediction: Any = rng.integers(0, N_OUTPUTS, len(rows)).astype(np.int32)
        if form != "classes":
            prediction = rng.integers(0, 2, (len(rows), 3)).astype(np.uint8) if form == "labels" else rng.normal(size=(len(rows), 3))
        return FoldPredictions(target[rows], prediction, probabilities)

    candidates = [Candidate("knn", modalities, way) for modalities in all_combinations(MODALITIES)
                  for way in (WAYS if len(modalities) > 1 else (EARLY,))]  # fmt: skip
    return {candidate: [[one(test.rows) for test in splits.folds] for _ in range(n_seeds)] for candidate in candidates}


def prior_by_hand(form: TargetForm, target: np.ndarray) -> Any:
    """Return what training rows say, by counting."""
    if form == "classes":
        counts = [int((target == code).sum()) for code in range(N_OUTPUTS)]
        return counts.index(max(counts))
    columns = [[value for value in column if value == value] for column in target.T.tolist()]
    means = [sum(column) / len(column) for column in columns]
    return [int(mean >= 0.5) for mean in means] if form == "labels" else means


@pytest.mark.parametrize("form", FORMS)
def test_a_sample_without_a_modality_is_answered_by_the_others(form: TargetForm) -> None:
    target = targets_of(form)
    splits = splits_of(target)
    known = predicted(form, target, splits)
    incomplete = IncompleteSamples(splits, SHARES, 7, prior_answers(splits_table(target), splits, form, N_OUTPUTS))
    n_answered = {"own": 0, "other": 0, "nothing": 0}
    for candidate, own in known.items():
        found = incomplete.predictions(candidate, known)
        assert list(found) == [Condition(name, MISSING, share) for name in candidate.modalities for share in SHARES]
        for condition, by_seed in found.items():
            rest = tuple(name for name in candidate.modalities if name != condition.modality)
            other = Candidate("knn", rest, candidate.fusion if len(rest) > 1 else EARLY)
            absent = incomplete.absent(condition.modality, condition.strength)
            for seed, folds in enumerate(by_seed):
                for place, fold in enumerate(folds):
                    test = splits.folds[place]
                    train = [row for row in range(N) if row % N_FOLDS != test.fold]
                    assert fold.target is own[seed][place].target
                    for row in range(len(test.rows)):
                        if not absent[place][row]:
                            expected, who = own[seed][place].prediction[row], "own"
                        elif rest:
                            expected, who = known[other][seed][place].prediction[row], "other"
                        else:
                            expected, who = prior_by_hand(form, target[train]), "nothing"
                        n_answered[who] += 1
                        np.testing.assert_allclose(fold.prediction[row], expected, rtol=1e-12)
    assert min(n_answered.values()) > 1000


@pytest.mark.parametrize("form", ["classes", "labels"])
def test_probabilities_are_those_of_who_answers(form: TargetForm) -> None:
    target = targets_of(form)
    splits = splits_of(target)
    known = predicted(form, target, splits)
    incomplete = IncompleteSamples(splits, SHARES, 7, prior_answers(splits_table(target), splits, form, N_OUTPUTS))
    pair, alone = Candidate("knn", ("image", "text"), "late_weighted"), Candidate("knn", ("text",))
    gone = incomplete.predictions(pair, known)[Condition("image", MISSING, 1.0)][1][2]
    assert np.array_equal(gone.probabilities, known[alone][1][2].probabilities)
    nothing = incomplete.predictions(alone, known)[Condition("text", MISSING, 1.0)][0][1]
    train = target[np.arange(N) % N_FOLDS != 1]
    shares = [(train == code).mean() for code in range(N_OUTPUTS)] if form == "classes" else train.mean(axis=0)
    np.testing.assert_allclose(nothing.probabilities, np.tile(shares, (20, 1)), rtol=1e-6)


def test_predictions_as_they_are_stay_as_they_are() -> None:
    target = targets_of("classes")
    splits = splits_of(target)
    known = predicted("classes", target, splits)
    before = {candidate: [[fold.prediction.copy() for fold in folds] for folds in by_seed] for candidate, by_seed in known.items()}
    incomplete = IncompleteSamples(splits, SHARES, 7, prior_answers(splits_table(target), splits, "classes", N_OUTPUTS))
    for candidate in known:
        incomplete.predictions(candidate, known)
    for candidate, by_seed in known.items():
        for folds, earlier in zip(by_seed, before[candidate], strict=True):
            assert all(np.array_equal(fold.prediction, one) for fold, one in zip(folds, earlier, strict=True))


def test_who_lacks_a_modality_at_some_share_lacks_it_at_a_larger_one_whatever_the_order() -> None:
    ids, target = [f"sample {row}" for row in range(600)], np.zeros(600, np.int32)

    def absent(order: list[str], name: str, share: float) -> np.ndarray:
        splits = Splits(pa.array(order), ["g"] * 600, target, (checked_predictions.TestFold(0, 0, np.arange(600), 1),))
        return IncompleteSamples(splits, SHARES, 3, []).absent(name, share)[0]

    by_share = [absent(ids, "text", share) for share in SHARES]
    assert by_share[2].all() and (by_share[0] <= by_share[1]).all()
    assert [mask.mean() for mask in by_share[:2]] == pytest.approx([0.25, 0.5], abs=0.06)
    assert np.array_equal(absent(ids[::-1], "text", 0.25)[::-1], by_share[0])
    assert not np.array_equal(absent(ids, "sound", 0.25), by_share[0])


def test_no_share_means_no_condition() -> None:
    target = targets_of("classes")
    splits = splits_of(target)
    known = predicted("classes", target, splits)
    assert IncompleteSamples(splits, (), 7, []).predictions(Candidate("knn", ("image", "text")), known) == {}


def test_the_largest_trained_combination_of_the_others_answers() -> None:
    """A model that cannot read text has no combination with it; ties go to the combination that comes first."""
    whole = Candidate("m", MODALITIES, "late_mean")
    without = [Candidate("m", one) for one in (("image",), ("sound",))]
    assert answers_for(whole, "text", [*without, Candidate("m", ("image", "sound"), "late_mean")]) == Candidate(
        "m", ("image", "sound"), "late_mean")  # fmt: skip
    assert answers_for(whole, "text", without) == Candidate("m", ("image",))
    assert answers_for(Candidate("m", ("image",)), "image", without) is None


def test_a_redundant_modality_stands_in_for_a_missing_one_and_a_useless_one_does_not() -> None:
    target = targets_of("classes")
    splits = splits_of(target)
    wrong = (target + 1) % N_OUTPUTS
    alone = {"image": target, "text": target, "sound": wrong}
    known = {Candidate("m", modalities): [[FoldPredictions(target[test.rows], alone[modalities[-1]][test.rows], None)
                                           for test in splits.folds]] for modalities in all_combinations(MODALITIES)}  # fmt: skip
    incomplete = IncompleteSamples(splits, (1.0,), 7, [])
    kept = {}
    for pair in (("image", "text"), ("text", "sound")):
        (folds,) = incomplete.predictions(Candidate("m", pair), known)[Condition("text", MISSING, 1.0)]
        kept[pair] = np.mean([(fold.target == fold.prediction).mean() for fold in folds])
    assert kept == {("image", "text"): 1.0, ("text", "sound"): 0.0}
