"""Golden checks of series: what the features are, gaps, types of column, and what cannot be read."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from toy_columns import MAKERS
from toy_samples import features_metadata

from stages.contracts.modality import Features
from stages.features.encoders import raw_features
from stages.foundation.errors import InputError
from stages.modalities.series import MODALITY
from stages.samples.read import SampleError

NAN = float("nan")


def column(*series: Any, kind: pa.DataType | None = None) -> pa.Array:
    lists = [np.asarray(points, dtype=float).tolist() for points in series]
    return pa.array(lists, kind or pa.list_(pa.list_(pa.float64(), len(lists[0][0]))))


def rows(features: Features) -> list[dict[str, float]]:
    numeric = features.columns["numeric"].to_pylist()
    names = features.names["numeric"]  # type: ignore[call-overload]
    assert len(set(names)) == len(names) == features.shape[0]
    return [dict(zip(names, row, strict=True)) for row in numeric]


def featurize(*series: Any, **settings: Any) -> list[dict[str, float]]:
    return rows(MODALITY.featurize(column(*series), MODALITY.settings(**settings)))


def test_statistics_agree_with_numpy_and_scipy() -> None:
    series = np.random.default_rng(0).gamma(2, size=(37, 2))
    [row] = featurize(series, rate_hz=10, channels=["a", "b"])
    a, b = series.T
    time = np.arange(37) / 10
    expected = {
        "mean": a.mean(), "first quartile": np.quantile(a, 0.25), "median": np.median(a), "third quartile": np.quantile(a, 0.75),
        "min": a.min(), "max": a.max(), "first": a[0], "last": a[-1], "deviation": a.std(), "skewness": scipy.stats.skew(a),
        "kurtosis": scipy.stats.kurtosis(a), "root mean square": np.sqrt(np.mean(a**2)), "slope": np.polyfit(time, a, 1)[0],
        "mean step": 10 * np.abs(np.diff(a)).mean(), "crossings": 10 / 37 * np.count_nonzero(np.diff(a < a.mean())),
        "lag 2": np.mean((a - a.mean())[2:] * (a - a.mean())[:-2]) * 35 / 37 / a.var(),
    }  # fmt: skip
    assert {name: row[f"a: {name}"] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert row["a, b: correlation"] == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-5)
    assert row["length"] == pytest.approx(3.7)


@pytest.mark.parametrize("hz", [0.5, 3.0, 20.0])
def test_a_tone_has_its_frequency_in_hz_and_its_power_in_one_octave(hz: float) -> None:
    time = np.arange(200) / 50
    [row] = featurize(np.sin(2 * np.pi * hz * time)[:, None], rate_hz=50)
    assert row["0: strongest Hz"] == row["0: centre Hz"] == pytest.approx(hz, rel=1e-5)
    shares = {name: share for name, share in row.items() if name.startswith("0: power")}
    assert list(shares)[:2] == ["0: power below 0.781 Hz", "0: power 0.781–1.56 Hz"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[{0.5: "0: power below 0.781 Hz", 3.0: "0: power 1.56–3.12 Hz", 20.0: "0: power 12.5–25 Hz"}[hz]] == pytest.approx(1)


def test_one_motion_has_the_same_course_at_any_rate() -> None:
    def motion(rate_hz: float) -> dict[str, float]:
        time = np.arange(0, 4, 1 / rate_hz)[:, None]
        return featurize(3 + time + np.sin(2 * np.pi * 2 * time), rate_hz=rate_hz, features=("level", "spread", "change", "length"))[0]

    slow, fast = motion(100), motion(400)
    assert slow == pytest.approx(fast, rel=0.05, abs=0.05)


def test_values_are_laid_out_in_equal_steps() -> None:
    line = np.linspace(5, 9, 33)
    for series in (line, line[::4], line[::16], line[::32]):
        [row] = featurize(series[:, None], features=["values"], points=5)
        assert list(row.values()) == pytest.approx([5, 6, 7, 8, 9])
    stroke = np.array([[0.0, 10.0], [3.0, 1.0], [2.5, 7.0]])
    assert list(featurize(stroke, features=["values"], points=3)[0].values()) == stroke.ravel().tolist()
    assert set(featurize([[4.0]], features=["values"], points=3)[0].values()) == {4}


def test_gaps_are_filled_over_time_and_missing_channels_stay_missing() -> None:
    gappy = [[NAN, NAN, 1], [2, NAN, NAN], [NAN, NAN, 4], [6, NAN, NAN]]
    features = MODALITY.featurize(column(gappy), MODALITY.settings())
    [series] = features.columns["series"].to_pylist()
    np.testing.assert_array_equal(series, [[2, NAN, 1], [2, NAN, 2.5], [4, NAN, 4], [6, NAN, 4]])
    [row] = rows(features)
    missing = {name for name, value in row.items() if np.isnan(value)}
    assert missing >= {name for name in row if name.startswith("1:")} | {"0, 1: correlation", "1, 2: correlation"}
    assert missing <= {name for name in row if "1" in name.split(":")[0]} | {f"{c}: lag {lag}" for c in (0, 2) for lag in (4, 8)}
    [filled] = featurize([[2, 0, 1], [2, 0, 2.5], [4, 0, 4], [6, 0, 4]])
    assert {name: filled[name] for name in set(row) - missing} == {name: row[name] for name in set(row) - missing}


def test_a_null_is_a_gap() -> None:
    kind = pa.list_(pa.list_(pa.float32(), 2))
    with_nulls = pa.array([[[1, 2], None, [3, None], [4, 8]]], kind)
    as_nan = pa.array([[[1, 2], [NAN, NAN], [3, NAN], [4, 8]]], kind)
    one, other = (MODALITY.featurize(values, MODALITY.settings()).columns for values in (with_nulls, as_nan))
    assert one["series"].to_pylist() == [[[1, 2], [2, 4], [3, 6], [4, 8]]]
    assert repr(one["numeric"].to_pylist()) == repr(other["numeric"].to_pylist())  # as text NaN equals NaN


def test_a_dead_channel_has_no_course() -> None:
    [row] = featurize(np.full((9, 1), 0.1))
    assert row["0: mean"] == pytest.approx(0.1)
    courses = ("deviation", "skewness", "kurtosis", "slope", "crossings", "lag 1", "strongest Hz", "centre Hz")
    assert [row[f"0: {name}"] for name in courses] == [0] * len(courses)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.list_(pa.float32(), 2)),
        pa.large_list(pa.list_(pa.int16(), 2)),
        pa.list_(pa.list_(pa.float64(), 2), 3),
        pa.list_(pa.list_(pa.float64())),
        pa.large_list(pa.large_list(pa.int64())),
    ],
    ids=str,
)
def test_every_type_of_column_gives_the_same(kind: pa.DataType) -> None:
    series = np.arange(24.0).reshape(4, 3, 2) ** 2
    settings = MODALITY.settings(channels=["x", "y"])
    expected = MODALITY.featurize(column(*series), settings)
    found = MODALITY.featurize(pa.array(series.astype(int).tolist(), kind), settings)
    later = MODALITY.featurize(pa.array(series.astype(int).tolist(), kind).slice(2), settings)
    for name in expected.columns:
        rows_expected = [repr(row) for row in expected.columns[name].to_pylist()]  # as text NaN equals NaN
        assert [repr(row) for row in found.columns[name].to_pylist()] == rows_expected
        assert [repr(row) for row in later.columns[name].to_pylist()] == rows_expected[2:]
        assert found.columns[name].type == expected.columns[name].type


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (pa.list_(pa.float32()), {}, "expected lists of points"),
        (pa.list_(pa.list_(pa.string(), 2)), {}, "expected lists of points"),
        (pa.list_(pa.list_(pa.float32())), {}, "does not declare the number of channels; name them in `channels`"),
        (pa.list_(pa.list_(pa.float32(), 2)), {"channels": ["x"]}, r"points of 2 numbers, and `channels` names 1 \(x\)"),
        (pa.list_(pa.list_(pa.float32(), 0)), {}, "points of 0 numbers"),
    ],
)
def test_a_column_of_something_else_is_refused(kind: pa.DataType, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        MODALITY.featurize(pa.array([], kind), MODALITY.settings(**settings))


def test_series_that_cannot_be_read_are_named() -> None:
    fine, kind = [[1.0, 2.0]], pa.list_(pa.list_(pa.float64(), 2))
    bad = [fine, None, [[NAN, NAN]] * 3, [], [[1.0, float("inf")]], fine, [[1.0, 1.0], [-1e16, 1.0]]]
    with pytest.raises(SampleError) as caught:
        MODALITY.featurize(pa.array(bad, kind), MODALITY.settings())
    reasons = caught.value.reasons
    assert reasons[1] == "the sample is missing (null)"
    assert reasons[2] == "no values: all 3 points are missing (NaN) in every channel"
    assert reasons[3] == "no points: the list is empty"
    assert reasons[4].startswith("point 0 holds inf in channel 1") and reasons[6].startswith("point 1 holds -1e+16 in channel 0")
    assert set(reasons) == {1, 2, 3, 4, 6}
    ragged = pa.array([fine, [[1.0, 2.0], [3.0]]], pa.list_(pa.list_(pa.float64())))
    with pytest.raises(SampleError, match="row 1: point 1 has 1 numbers, `channels` names 2"):
        MODALITY.featurize(ragged, MODALITY.settings(channels=["x", "y"]))


def test_values_near_the_largest_are_finite() -> None:
    for row in featurize(np.outer([1e15, -1e15, 1e15, 3], [1.0, 1e-3]), np.outer([1e-200, 0, 1e-200, 0], [1, 1])):
        assert np.isfinite([value for name, value in row.items() if "lag" not in name]).all()


def test_train_can_encode_them() -> None:
    features = MODALITY.featurize(MAKERS["series"]().column, MODALITY.settings())
    raw = raw_features(features.columns, features.encoding)
    encoded = raw.encode(raw.fit(np.arange(4), features.fit))
    assert np.isfinite(np.asarray(encoded)).all() and len(np.asarray(encoded)) == 6


def test_validation_sees_missing_channels_and_dead_sensors() -> None:
    column_ = column([[1, NAN], [2, NAN]], [[5, 5], [5, 5]])
    features = MODALITY.featurize(column_, MODALITY.settings(channels=["x", "y"]))
    metadata = features_metadata("series", names=features.names, settings=MODALITY.settings().model_dump())
    summary = MODALITY.summarise(pa.table(dict(features.columns)).slice(0, 2), metadata)
    assert summary["missing_share"].tolist() == [0.5, 0] and summary["variation"].tolist() == [1, 0]
    assert np.isnan(summary["channel:y"][0]) and summary["channel:x"].tolist() == [2, 5]
    named = [arguments["column"] for _, arguments in MODALITY.expectations(metadata)]
    assert named[-2:] == ["channel:x", "channel:y"]
