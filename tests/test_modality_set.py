"""Golden checks of sets: permuted members give the same bytes, and what the features are."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from toy_columns import MAKERS

from stages.contracts.modality import Features
from stages.contracts.table_schema import Metadata
from stages.foundation.errors import InputError
from stages.foundation.tables import write_table
from stages.modalities.set import MODALITY
from stages.samples.read import SampleError


def column(*sets: Any) -> pa.Array:
    lists = [np.asarray(points, dtype=float).tolist() for points in sets]
    return pa.array(lists, pa.list_(pa.list_(pa.float64(), len(lists[0][0]))))


def featurized(*sets: Any, **settings: Any) -> Features:
    return MODALITY.featurize(column(*sets), MODALITY.settings(**settings))


def rows(features: Features) -> list[dict[str, float]]:
    names = features.names["numeric"]  # type: ignore[call-overload]
    assert len(set(names)) == len(names) == features.shape[0]
    return [dict(zip(names, row, strict=True)) for row in features.columns["numeric"].to_pylist()]


@pytest.mark.parametrize("settings", [{}, {"centre": False, "scale": False}, {"max_pairs": 50, "grid": 2}], ids=str)
def test_permuted_members_give_the_same_bytes(settings: dict[str, Any], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    members = [random.normal(size=(n, 3)) * 10.0 ** random.integers(-8, 8, (n, 1)) for n in (1, 2, 7, 40, 333)]
    members[2][1] = members[2][0]
    members[3][:, 1] = random.choice([0.0, -0.0, 1.0], 40)  # equal, but not the same bytes
    members.append(np.repeat([[0.1, 0.2, 0.3]], 7, axis=0))
    written = set()
    for trial in range(6):
        sets = [points if trial == 0 else random.permutation(points) for points in members]
        write_table(tmp_path / "features", pa.table(dict(featurized(*sets, **settings).columns)), Metadata())
        written.add((tmp_path / "features").read_bytes())
    assert len(written) == 1


def test_members_are_kept_in_sorted_order() -> None:
    features = featurized([[2, 0], [1, 5], [1, -5], [2, 0]], centre=False, scale=False)
    assert features.columns["points"].to_pylist() == [[[1, -5], [1, 5], [2, 0], [2, 0]]]
    [points] = featurized([[2, 0], [1, 5], [1, -5], [2, 0]]).columns["points"].to_pylist()
    assert np.sqrt((np.array(points) ** 2).sum() / 4) == pytest.approx(1) and np.mean(points, axis=0) == pytest.approx([0, 0], abs=1e-7)


def test_moments_agree_with_numpy_and_scipy() -> None:
    points = np.random.default_rng(1).gamma(2, size=(60, 2))
    [row] = rows(featurized(points, centre=False, scale=False, channels=["x", "y"]))
    covariance = np.cov(points.T, bias=True)
    x = points[:, 0]
    expected = {
        "x: mean": x.mean(), "x: skewness": scipy.stats.skew(x), "x: kurtosis": scipy.stats.kurtosis(x),
        "x: min": x.min(), "x: max": x.max(), "x: first quartile": np.quantile(x, 0.25), "x: median": np.median(x),
        "x: third quartile": np.quantile(x, 0.75),
        "covariance x, x": covariance[0, 0], "covariance x, y": covariance[0, 1], "covariance y, y": covariance[1, 1],
        "eigenvalue 1": np.linalg.eigvalsh(covariance)[1], "eigenvalue 2": np.linalg.eigvalsh(covariance)[0], "count": 60,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_distances_of_a_square_are_counted_in_parts_of_the_largest() -> None:
    [row] = rows(featurized([[0, 0], [0, 1], [1, 0], [1, 1]], centre=False, scale=False, bins=4))
    shares = [row[f"pairs: part {i}/4"] for i in (1, 2, 3, 4)]
    assert shares == pytest.approx([0, 0, 4 / 6, 2 / 6])  # four sides of 0.71 of the diagonal, two diagonals
    assert row["pairs: distance, largest"] == pytest.approx(2**0.5)
    assert row["pairs: distance, mean"] == pytest.approx((4 + 2 * 2**0.5) / 6)
    assert [row[f"centroid: part {i}/4"] for i in (1, 2, 3, 4)] == [0, 0, 0, 1]
    assert row["centroid: distance, deviation"] == 0
    assert {name: share for name, share in row.items() if name.startswith("cell") and share} == {
        f"cell {cell}": 0.25 for cell in ("1,1", "1,3", "3,1", "3,3")
    }


def test_place_and_size_count_only_if_declared_and_turning_keeps_axes_and_distances() -> None:
    points = np.random.default_rng(2).normal(size=(50, 3)) * [1, 2, 3]
    moved = 7 * points + [100, -50, 3]
    normal, same = rows(featurized(points, moved))
    assert same == pytest.approx(normal, rel=1e-4, abs=1e-5)
    raw, other = rows(featurized(points, moved, centre=False, scale=False))
    assert other["0: mean"] == pytest.approx(7 * raw["0: mean"] + 100) and other["eigenvalue 1"] == pytest.approx(49 * raw["eigenvalue 1"])
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    before, after = rows(featurized(points, points @ turn, features=["axes", "distances"]))
    assert after == pytest.approx(before, rel=1e-3, abs=1e-3)


def test_points_on_a_line_have_one_axis() -> None:
    [row] = rows(featurized(np.outer(np.arange(9), [1, 2, 2])))
    assert [row[f"share of axis {i}"] for i in (1, 2, 3)] == pytest.approx([1, 0, 0], abs=1e-7)


def test_pairs_are_bounded() -> None:
    members = np.random.default_rng(4).normal(size=(30_000, 2))
    [row] = rows(featurized(members, max_pairs=1000, features=["distances", "count"], centre=False, scale=False))
    assert row["count"] == 30_000
    assert row["pairs: distance, mean"] == pytest.approx(np.pi**0.5, rel=0.15)  # of two points of a standard normal law
    all_pairs, few_pairs = (rows(featurized(members[:45], max_pairs=n, features=["distances"])) for n in (990, 989))
    assert all_pairs == rows(featurized(members[:45], features=["distances"])) != few_pairs


def test_one_point_and_copies_of_one_have_no_shape() -> None:
    one, copies = rows(featurized([[0.1, 0.7]], [[0.1, 0.7]] * 7))
    assert one.pop("count") == 1 and copies.pop("count") == 7
    assert one == copies
    assert {name for name, value in one.items() if value} == {"cell 1,1"}


def test_sets_that_cannot_be_read_are_named() -> None:
    kind = pa.list_(pa.list_(pa.float64(), 2))
    sets = pa.array([[[1, 2]], [], [[1, 2], [float("nan"), 2]], None, [[1, float("inf")]], [[0, 0], None]], kind)
    with pytest.raises(SampleError) as caught:
        MODALITY.featurize(sets, MODALITY.settings())
    reasons = caught.value.reasons
    assert reasons[1] == "no points: the list is empty" and reasons[3] == "the sample is missing (null)"
    assert reasons[2].startswith("point 1 lacks a coordinate (NaN)") and reasons[5].startswith("point 1 lacks")
    assert "inf" in reasons[4] and set(reasons) == {1, 2, 3, 4, 5}


def test_a_grid_of_too_many_cells_is_refused() -> None:
    with pytest.raises(InputError, match=r"a grid of 3 parts in 8 coordinates has more than 4096 cells; lower `grid`"):
        featurized(np.zeros((2, 8)))
    assert len(rows(featurized(np.eye(8), features=["moments", "axes"]))) == 1


def test_without_a_grid_there_may_be_many_coordinates() -> None:
    features = featurized(np.random.default_rng(0).normal(size=(3, 60)), features=("axes", "count"))  # a grid would have 3^60 cells
    assert features.shape == (121, 0) and len(features.names["numeric"]) == 121  # type: ignore[call-overload]


def test_far_away_and_tiny_sets_are_finite() -> None:
    features = featurized([[1e15, -1e15], [-1e15, 3]], [[1e-200, 0], [0, 1e-200]], [[1e15, 1], [1e15, 2]], centre=False, scale=False)
    assert all(np.isfinite(list(row.values())).all() for row in rows(features))


def test_validation_counts_points_and_finds_sets_without_extent() -> None:
    features = MODALITY.featurize(MAKERS["set"]().column, MODALITY.settings())
    summary = MODALITY.summarise(pa.table(dict(features.columns)), {})
    assert summary["n_points"].tolist() == [4, 30, 300, 1, 8, 12]
    assert (summary["extent"] == 0).tolist() == [False, False, False, True, True, False]
