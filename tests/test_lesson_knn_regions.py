"""Distances of the nearest-neighbor lesson on rows whose neighbors are known."""

import numpy as np
import pytest
from pydantic import ValidationError

from stages.lessons.knn_regions import L1, L2, KnnRegionsSettings, predicted

ROWS = np.array([[1.0, 1.0], [1.6, 0.0], [9.0, 9.0]])  # from the origin: 2, 1.6 and 18 by L1; 1.41, 1.6 and 12.7 by L2
CLASSES = np.array([0, 1, 0])


def test_the_distance_decides_which_row_is_nearest() -> None:
    origin = np.zeros((1, 2))
    assert predicted((ROWS, CLASSES), origin, 1, L1) == [1]
    assert predicted((ROWS, CLASSES), origin, 1, L2) == [0]
    assert predicted((ROWS, CLASSES), origin, 3, L1) == [0], "two of all three rows are of class 0"


@pytest.mark.parametrize("values", [(3, 5, 7), (1, 5, 3), (1, 3, 300)])
def test_k_ascends_from_1_to_the_number_of_rows(values: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="must ascend from 1 to at most n_train"):
        KnnRegionsSettings(n_neighbors=values, n_train=200)
