"""Sizes on paper, shapes whose points are known, and a network of sets that a permutation does not change."""

import numpy as np
import pytest

from stages.lessons import permuted_sets
from stages.lessons.permuted_sets import PermutedSetsSettings, clouds, deep_sets, largest_change, mlp
from stages.teaching.modules import n_parameters, nearest_width, seeded_module


@pytest.mark.parametrize("units", [2, 7, 24])
def test_parameters_on_paper(units: int) -> None:
    u = units
    assert n_parameters(deep_sets(u)) == (2 * u + u) + (u * u + u) + (u * u + u) + (3 * u + 3)
    assert n_parameters(mlp(12, u)) == (24 * u + u) + (u * u + u) + (3 * u + 3)


def test_the_mlp_has_as_many_parameters_as_one_can() -> None:
    """w² + (2n + 5)·w + 3 next to 2u² + 8u + 3, u = 24, n = 12: 1,347 against the root of w² + 29w = 1,344."""
    settings = PermutedSetsSettings()
    width = nearest_width(lambda units: mlp(settings.n_points, units), n_parameters(deep_sets(settings.units)), range(1, 600))
    root = (-29 + np.sqrt(29**2 + 4 * 1344)) / 2
    assert n_parameters(deep_sets(settings.units)) == 1347 and width == round(root)


@pytest.mark.parametrize("seed", range(5))
def test_no_permutation_changes_deep_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, _ = clouds(rng, 9, 12)
    mixed = np.stack([rng.permutation(members) for members in rows])
    assert largest_change(seeded_module(lambda: deep_sets(24), seed), rows, mixed) < 1e-14
    assert largest_change(seeded_module(lambda: deep_sets(24), seed), rows, rows[:, ::-1].copy()) < 1e-14
    assert largest_change(seeded_module(lambda: mlp(12, 24), seed), rows, mixed) > 1e-3


def test_each_member_counts_as_often_as_it_is_there() -> None:
    """A mean over members: twice the same set is the same, one other member is not."""
    module = seeded_module(lambda: deep_sets(24), 0)
    rows, _ = clouds(np.random.default_rng(0), 4, 12)
    other = rows.copy()
    other[:, 0] += 1
    assert largest_change(module, rows, np.concatenate([rows, rows], axis=1)) < 1e-14 and largest_change(module, rows, other) > 1e-4


def test_largest_change_of_known_outputs() -> None:
    import torch

    rows = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    for sign in (1, -1):
        assert largest_change(torch.nn.Flatten(), rows, rows + sign * np.array([[[0.5, -2.0]], [[1.0, 0.0]]])) == 2.0


def test_shapes_without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permuted_sets, "NOISE", 0.0)
    points, target = clouds(np.random.default_rng(0), 30, 12)
    assert np.bincount(target).tolist() == [10, 10, 10]
    assert np.linalg.norm(points[target == 0], axis=2) == pytest.approx(1.0)
    for line in points[target == 1]:
        assert np.linalg.matrix_rank(line, tol=1e-9) == 1 and len(np.unique(line.round(9), axis=0)) == 12
    for pair in points[target == 2]:
        assert len(np.unique(pair.round(9), axis=0)) == 2 and np.linalg.norm(pair, axis=1) == pytest.approx(1.0)
