"""The planted data set: its structure is there, and learners find it and nothing else."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from stages.datasets.planted import DATA_SET, DIRECTIONS
from stages.foundation.tables import column_values

CHANCE = 0.5
SEEDS = (20241101, 2)
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
    return column_values(table[name]) @ np.array(DIRECTIONS[name][1]) > 0


def accuracy(model: Any, table: pa.Table, *names: str) -> float:
    return float(cross_val_score(model, vectors(table, *names), classes(table), cv=5).mean())


def test_the_class_is_the_xor_of_two_bits_but_for_the_flipped_ones() -> None:
    for flipped in (0.0, 0.05, 0.5):
        table = samples(flipped=flipped)
        wrong = classes(table) != (bit(table, "left") == bit(table, "right"))
        assert wrong.mean() == pytest.approx(flipped, abs=0.01)


def test_each_pair_of_bits_is_equally_frequent_so_that_no_bit_tells_the_class() -> None:
    table = samples(noise=0, flipped=0)
    left, right, same = bit(table, "left"), bit(table, "right"), classes(table)
    assert [((left == a) & (right == b)).sum() for a in (0, 1) for b in (0, 1)] == [150] * 4
    assert [same[left].mean(), same[right].mean(), same.mean()] == [0.5] * 3


def test_the_copy_has_the_first_bit_and_noise_of_its_own() -> None:
    table = samples(samples=4000)
    assert (bit(table, "left") == bit(table, "copy")).mean() > 0.99
    signs = np.where(bit(table, "left"), 1, -1)[:, None]
    units = {name: np.array(direction) / np.linalg.norm(direction) for name, (_, direction) in DIRECTIONS.items()}
    residuals = [column_values(table[name]) - signs * units[name] for name in ("left", "copy")]
    assert [residual.std() for residual in residuals] == pytest.approx([0.35, 0.35], abs=0.02)
    assert np.abs(np.corrcoef(residuals[0].T, residuals[1].T)[:4, 4:]).max() < 0.06


def test_the_useless_one_knows_no_bit() -> None:
    table = samples(samples=4000)
    for name in ("left", "right"):
        correlations = [np.corrcoef(bit(table, name), column)[0, 1] for column in column_values(table["useless"]).T]
        assert len(correlations) == 60 and np.abs(correlations).max() < 0.07


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("model", MODELS, ids=["svm", "mlp"])
def test_a_pair_is_solved_and_nothing_less(model: Any, seed: int) -> None:
    table = samples(seed)
    margin = 4 * np.sqrt(0.25 / len(table))  # four standard errors of chance
    for names in (("left", "right"), ("copy", "right"), ("left", "right", "copy")):
        assert accuracy(model, table, *names) > 0.88, names
    for names in (("left",), ("right",), ("copy",), ("useless",), ("left", "copy")):
        assert accuracy(model, table, *names) == pytest.approx(CHANCE, abs=margin), names


def test_a_linear_model_is_at_chance_on_everything() -> None:
    table = samples()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    assert accuracy(model, table, *DATA_SET.modalities) == pytest.approx(CHANCE, abs=4 * np.sqrt(0.25 / len(table)))
