"""The protocol's own rules: which combinations are trained on, which of equals is kept, from what score on a label is predicted."""

import numpy as np
import pytest
from toy_problem import toy_problem

from stages.contracts.model import FoldResult
from stages.foundation.registry import component
from stages.model_selection.decisions import decide
from stages.model_selection.protocol import best_overall
from stages.training.read_problem import all_combinations


def test_every_combination_is_trained_on_small_ones_first() -> None:
    assert all_combinations(["b"]) == (("b",),)
    assert all_combinations(["b", "a", "c"]) == (
        ("b",), ("a",), ("c",), ("b", "a"), ("b", "c"), ("a", "c"), ("b", "a", "c"))  # fmt: skip


@pytest.mark.parametrize("name", ["accuracy", "rmse"])
def test_of_equal_combinations_the_smallest_is_kept_and_of_equal_configurations_the_first(name: str) -> None:
    problem = toy_problem(labels=("image", "table"))
    scores = np.array([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]])  # equal means
    largest_first = sorted(problem.combinations, key=len, reverse=True)
    reached = [FoldResult(problem.folds[0], some, {name: scores}, 0, np.zeros(0), None) for some in largest_first]
    assert best_overall(reached, component("metrics", name)) == (("image",), 0)


def test_a_label_is_predicted_from_its_threshold_on() -> None:
    scores = np.array([[0.5, 0.2], [0.49, 0.3], [0.51, 0.1]], dtype=np.float64)
    assert decide("multilabel", scores, np.array([0.5, 0.2])).tolist() == [[1, 1], [0, 1], [1, 0]]


def test_of_equal_scores_the_first_class_is_predicted() -> None:
    assert decide("multiclass", np.array([[0.2, 0.4, 0.4], [0.4, 0.2, 0.4]])).tolist() == [1, 0]
