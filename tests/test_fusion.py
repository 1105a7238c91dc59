"""Early fusion: every modality has the same say, by distances of the training rows alone; against all pairs, one by one."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from toy_problem import toy_problem

from stages.features.early_fusion import FoldBlocks, encode_fold
from stages.features.encoders import Dense

MODALITIES = ("image", "text", "table")
COMBINATIONS = [("image",), ("text", "table"), MODALITIES]
Parts = tuple[FoldBlocks, dict[str, np.ndarray], dict[str, float], dict[str, float]]


@pytest.fixture(scope="module")
def parts() -> Parts:
    """Return a fold's blocks, each modality's rows, and what makes its mean squared, and its mean L1, distance of training rows 1."""
    problem = toy_problem(n=60)
    train = problem.folds[0].train
    blocks = encode_fold(problem.blocks, train)
    rows, of_squares, of_l1 = {}, {}, {}
    pair = ~np.eye(len(train), dtype=bool)
    for name in MODALITIES:
        matrix = blocks.encoded[name].matrix
        rows[name] = matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix, dtype=np.float64)
        known = rows[name][train]
        of_squares[name] = 1 / cdist(known, known, "sqeuclidean")[pair].mean()
        of_l1[name] = 1 / cdist(known, known, "cityblock")[pair].mean()
    return blocks, rows, of_squares, of_l1


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_distances_and_products_are_weighted_sums_over_modalities(parts: Parts, combination: tuple[str, ...]) -> None:
    blocks, rows, of_squares, of_l1 = parts
    fused = np.hstack([np.sqrt(of_squares[name]) * rows[name] for name in combination])
    products = fused @ fused.T
    assert blocks.products(combination) == pytest.approx(products, rel=1e-6, abs=1e-6)
    assert blocks.squared(combination) == pytest.approx(cdist(fused, fused, "sqeuclidean"), rel=1e-6, abs=1e-6)
    assert blocks.distances(combination, "euclidean") == pytest.approx(cdist(fused, fused), abs=1e-6)
    l1 = sum(of_l1[name] * cdist(rows[name], rows[name], "cityblock") for name in combination)
    assert blocks.distances(combination, "manhattan") == pytest.approx(l1, rel=1e-6, abs=1e-6)
    assert blocks.distances(combination, "cosine") == pytest.approx(np.maximum(cdist(fused, fused, "cosine"), 0), abs=1e-6)
    for metric, scales in (("manhattan", of_l1), ("euclidean", of_squares), ("cosine", of_squares)):
        assert blocks.scales(combination, metric) == pytest.approx([scales[name] for name in combination], rel=1e-6)


@pytest.mark.parametrize("metric", ["manhattan", "euclidean", "cosine"])
def test_a_modality_in_another_unit_weighs_the_same(parts: Parts, metric: str) -> None:
    problem = toy_problem(n=60)
    pixels = problem.blocks["image"]
    other = replace(pixels, raw=Dense(1000 * pixels.raw.values), _shared={})
    blocks = encode_fold({**problem.blocks, "image": other}, problem.folds[0].train)
    assert blocks.distances(MODALITIES, metric) == pytest.approx(parts[0].distances(MODALITIES, metric), abs=1e-5)
