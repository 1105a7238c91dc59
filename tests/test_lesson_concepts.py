"""Scores of predictions whose values are known."""

import numpy as np
import pytest

from stages.lessons.concepts import BinaryPredictions, two_moons

CLASSES = np.array([1, 1, 0, 0])


def test_scores_of_probabilities() -> None:
    found = BinaryPredictions(np.array([1, 1, 1, 0]), np.array([0.8, 0.8, 0.6, 0.2]))
    assert found.accuracy(CLASSES) == 0.75
    assert found.log_loss(CLASSES) == pytest.approx(-np.log([0.8, 0.8, 0.4, 0.8]).mean())
    assert found.overconfidence(CLASSES) == pytest.approx(0.0)


def test_two_moons_without_noise_are_half_circles() -> None:
    rows, classes = two_moons(100, 0.0, np.random.default_rng(0))
    centers = np.array([[0.0, 0.0], [1.0, 0.5]])[classes]
    assert np.linalg.norm(rows - centers, axis=1) == pytest.approx(1.0) and classes.sum() == 50
