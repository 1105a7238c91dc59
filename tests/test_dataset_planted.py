"""The planted data set: its structure is there, and learners find it and nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from stages.contracts.candidate import Candidate
from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold, Problem
from stages.datasets.planted import DATA_SET, DIRECTIONS
from stages.evaluation.comparisons import Contest, Evidence, difference_of
from stages.evaluation.contributions import contributions
from stages.evaluation.design import Design
from stages.evaluation.scores import MetricScores
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.fusing import fused_results, trained_combinations
from stages.model_selection.protocol import LearnerSetup, results
from stages.models import knn, svm
from stages.training.read_problem import all_combinations

CHANCE = 0.5
SEEDS = (20241101, 2)
SETTINGS = svm.SvmSettings(kernel=("rbf",), C=(1.0, 10.0), gamma=(0.3, 1.0, 3.0))
MODELS = [SVC(C=10, gamma=1.0), MLPClassifier((32,), learning_rate_init=0.03, alpha=0.1, tol=3e-3, max_iter=500, random_state=0)]


def samples(seed: int = SEEDS[0], **options: Any) -> pa.Table:
    return DATA_SET.read({}, "relation", DATA_SET.options(**options), seed)


def vectors(table: pa.Table, *names: str) -> np.ndarray:
    """Return modalities side by side, each of mean squared length 1: as early fusion scales blocks without mixed units."""
    blocks = [column_values(table[name]).astype(float) for name in names]
    return np.hstack([block / np.sqrt((block**2).sum(axis=1).mean()) for block in blocks])


def classes(table: pa.Table) -> np.ndarray:
    return np.array(table["target"].to_pylist()) == "same"


def bit(table: pa.Table, name: str) -> np.ndarray:
    return column_values(table[name]) @ np.array(DIRECTIONS[name]) > 0


def accuracy(model: Any, table: pa.Table, *names: str) -> float:
    return float(cross_val_score(model, vectors(table, *names), classes(table), cv=5).mean())


def test_the_class_is_the_xor_of_two_bits_but_for_the_flipped_ones() -> None:
    for flipped in (0.0, 0.05, 0.5):
        table = samples(flipped=flipped, noise=0)
        wrong = classes(table) != (bit(table, "left") == bit(table, "right"))
        assert wrong.mean() == pytest.approx(flipped, abs=0.01)


def test_each_pair_of_bits_is_equally_frequent_so_that_no_bit_tells_the_class() -> None:
    table = samples(noise=0, flipped=0)
    left, right, same = bit(table, "left"), bit(table, "right"), classes(table)
    assert [((left == a) & (right == b)).sum() for a in (0, 1) for b in (0, 1)] == [150] * 4
    assert [same[left].mean(), same[right].mean(), same.mean()] == [0.5] * 3


def test_the_hint_tells_whether_the_bits_are_equal_three_times_in_four() -> None:
    table = samples(samples=4000, noise=0)
    equal = bit(table, "left") == bit(table, "right")
    assert (bit(table, "hint") == equal).mean() == pytest.approx(norm.cdf(1 / 1.4), abs=0.03)
    assert (bit(table, "hint") == classes(table)).mean() == pytest.approx(0.05 + 0.9 * norm.cdf(1 / 1.4), abs=0.03)


def test_the_useless_one_knows_no_bit_and_varies_in_two_directions() -> None:
    table = samples(samples=4000)
    columns = column_values(table["useless"])
    for name in ("left", "right", "hint"):
        correlations = [np.corrcoef(bit(table, name), column)[0, 1] for column in columns.T]
        assert len(correlations) == 60 and np.abs(correlations).max() < 0.07
    shares = np.linalg.svd(columns - columns.mean(axis=0), compute_uv=False) ** 2
    assert shares[:2].sum() / shares.sum() > 0.85


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("model", MODELS, ids=["svm", "mlp"])
def test_the_pair_is_solved_its_members_are_not_and_the_hint_is_half_way(model: Any, seed: int) -> None:
    table = samples(seed)
    margin = 4 * np.sqrt(0.25 / len(table))  # four standard errors of chance
    for names in (("left", "right"), ("left", "right", "hint")):
        assert accuracy(model, table, *names) > 0.83, names
    for names in (("left",), ("right",), ("useless",)):
        assert accuracy(model, table, *names) == pytest.approx(CHANCE, abs=margin), names
    assert 0.6 < accuracy(model, table, "hint") < 0.8


def test_a_linear_model_sees_the_hint_alone() -> None:
    table = samples()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    assert accuracy(model, table, "left", "right", "useless") == pytest.approx(CHANCE, abs=4 * np.sqrt(0.25 / len(table)))
    assert 0.6 < accuracy(model, table, *DATA_SET.modalities) < 0.8


def problem_of(table: pa.Table, names: tuple[str, ...]) -> tuple[Problem, tuple[str, ...]]:
    """Return the problem of each of some modalities alone, of all, and of all but the last, on five random folds."""
    columns = {name: column_values(table[name]) for name in names}
    rows, rng = np.arange(len(table)), np.random.default_rng(0)
    fold_of, inner_of = rng.permutation(rows % 5), rng.permutation(rows % 3)
    folds = tuple(Fold(0, i, rows[fold_of != i], rows[fold_of == i], inner_of[fold_of != i].astype(np.int16), 3) for i in range(5))
    blocks = {name: Block(name, Dense(values.astype(np.float32)), {}) for name, values in columns.items()}
    combinations = tuple(dict.fromkeys((*((name,) for name in names), names[:-1], names)))
    target = classes(table).astype(np.int32)
    return Problem(blocks, target, "classes", ("no", "yes"), folds, combinations, {"accuracy": component("metrics", "accuracy")},
                   "accuracy", 0), names  # fmt: skip


def costs_of_useless(table: pa.Table) -> tuple[dict[str, float], float]:
    """Return what the useless block costs an SVM on left and right, by the way of fusing, and the mean weight that it is given."""
    problem, names = problem_of(table, ("left", "right", "useless"))
    target = problem.target
    found = list(results(LearnerSetup(svm.MODEL, SETTINGS), problem, svm.MODEL.grid(SETTINGS, 0)))
    way = component("fusions", "early_weighted")
    ways = {component("fusions", "early"): None, way: way.settings()}
    weighted = list(fused_results(LearnerSetup(svm.MODEL, SETTINGS), problem, ways, svm.MODEL.grid(SETTINGS, 0), found))

    def of(fusion: str, modalities: tuple[str, ...]) -> list[FoldResult]:
        return [one for one in (*found, *weighted) if (one.fusion, one.modalities) == (fusion, modalities)]

    def mean(fusion: str, modalities: tuple[str, ...]) -> float:
        return float(np.mean([(one.prediction == target[one.fold.test]).mean() for one in of(fusion, modalities)]))

    weights = [one.configs[one.chosen]["modality_weights"]["useless"] for one in of("early_weighted", names)]
    return {fusion: mean("early", names[:2]) - mean(fusion, names) for fusion in ("early", "early_weighted")}, float(np.mean(weights))


def costs_in_late_fusion(table: pa.Table) -> tuple[dict[str, float], float]:
    """Return what the useless member costs kNN beside the hint, by the way of late fusion, and the mean weight that it is given.

    SVMs at chance say 50 %, which costs nothing; of five neighbors the votes are never so even.
    """
    problem, names = problem_of(table, ("hint", "useless"))
    ways = {component("fusions", name): component("fusions", name).settings() for name in ("late_mean", "late_weighted")}
    learner = LearnerSetup(knn.MODEL, knn.MODEL.settings.model_validate(LEARNERS["knn"]))
    found = list(results(learner, trained_combinations(problem, ways), knn.MODEL.grid(learner.settings, 0), members=True))
    found += fused_results(learner, problem, ways, knn.MODEL.grid(learner.settings, 0), tuple(found))
    mean: dict[str, list[float]] = {}
    for one in found:
        if "hint" in one.modalities:
            way = one.fusion if one.modalities == names else "alone"
            mean.setdefault(way, []).append((one.prediction == problem.target[one.fold.test]).mean())
    weights = [one.configs[one.chosen]["modality_weights"]["useless"] for one in found if one.fusion == "late_weighted"]
    return {way: float(np.mean(mean["alone"]) - np.mean(mean[way])) for way in ("late_mean", "late_weighted")}, float(np.mean(weights))


def test_late_fusion_leaves_the_useless_member_out() -> None:
    drawn = [costs_in_late_fusion(samples(seed)) for seed in range(4)]
    equal, chosen = (float(np.mean([cost[way] for cost, _ in drawn])) for way in ("late_mean", "late_weighted"))
    assert equal > 0.005 and chosen < equal / 3, (equal, chosen)
    assert np.mean([weight for _, weight in drawn]) < 0.05


def test_weights_chosen_on_inner_folds_leave_the_useless_one_out() -> None:
    """At equal weights an SVM loses accuracy to the useless block, at chosen ones less than a third of that, over draws of the data."""
    drawn = [costs_of_useless(samples(seed)) for seed in range(6)]
    equal, chosen = (float(np.mean([cost[fusion] for cost, _ in drawn])) for fusion in ("early", "early_weighted"))
    assert equal > 0.01 and chosen < equal / 3, (equal, chosen)
    assert np.mean([weight for _, weight in drawn]) < 0.1


LEARNERS = {
    "knn": {"n_neighbors": (5, 10, 20), "metric": ("euclidean",), "weights": ("distance",)},
    "svm": {"kernel": ("rbf",), "C": (1.0, 10.0), "gamma": (0.3, 1.0, 3.0)},
    "mlp": {"hidden_layer_sizes": ((32,),), "activation": ("relu",), "learning_rate_init": (0.01,), "weight_decay": (0.01,)},
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LEARNERS)
def test_what_each_modality_brings_is_what_was_planted(name: str, seed: int) -> None:
    """Shapley values of equal weights: the pair and the hint are shown, the useless one is not, nor what the hint adds to the others."""
    table, modalities = samples(seed), tuple(DATA_SET.modalities)
    problem, _ = problem_of(table, modalities)
    problem = replace(problem, combinations=all_combinations(modalities))
    model = as_sweep(component("models", name))
    learner = LearnerSetup(model, model.settings.model_validate(LEARNERS[name]))
    correct: dict[Candidate, list[np.ndarray]] = {}
    for one in results(learner, problem, model.grid(learner.settings, 0)):
        hits = (one.prediction == problem.target[one.fold.test]).astype(float)
        correct.setdefault(Candidate(name, one.modalities), []).append(hits)
    # the majority of training rows, as the control constant: 50 % of balanced classes
    correct[Candidate("constant", ())] = [(problem.target[fold.test] == np.bincount(problem.target[fold.train]).argmax()).astype(float)
                                          for fold in problem.folds]  # fmt: skip
    scores = {candidate: MetricScores(np.array([hits.mean() for hits in folds]), np.concatenate(folds))
              for candidate, folds in correct.items()}  # fmt: skip
    rows = np.concatenate([fold.test for fold in problem.folds])
    design = Design(rows, rows, np.repeat(np.arange(5), [len(fold.test) for fold in problem.folds]), 5, len(rows), 0.25, 0.95, rows)
    evidence = Evidence(scores, {candidate: 1 - found.values for candidate, found in scores.items()}, component("metrics", "accuracy"),
                        design, 0.01)  # fmt: skip
    (found,) = contributions(evidence, Contest(["constant", name], ["constant"], list(scores)), modalities)
    shown = {share.modalities[0]: share.verdict for share in found.shares}
    assert shown == {"left": "better", "right": "better", "hint": "better", "useless": "not shown"}
    beyond = difference_of(scores[Candidate(name, modalities)], scores[Candidate(name, ("left", "right", "useless"))], design)
    assert beyond.lo < 0 < beyond.hi
