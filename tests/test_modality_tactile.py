"""What pressure frames become: golden checks by hand, missing sensors, a glove of 548 sensors, and what cannot be read."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy_samples import features_metadata

from stages.contracts.modality import Features
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.modalities.tactile import MODALITY
from stages.modalities.tactile.tactile_settings import TactileSettings
from stages.samples.read import SampleError

GLOVE_SENSORS = 548


def column(*samples: Any, kind: pa.DataType | None = None) -> pa.Array:
    """Return samples of (T, H, W) as a column."""
    height, width = np.shape(samples[0])[1:]
    kind = kind or pa.list_(pa.list_(pa.list_(pa.float32(), width), height))
    return pa.array([np.asarray(sample).tolist() for sample in samples], kind)


def features(*samples: Any, **settings: Any) -> Features:
    return MODALITY.featurize(column(*samples), TactileSettings(**settings))


def pictures(*samples: Any, **settings: Any) -> np.ndarray:
    """Return the vectors, (n, k, h, w)."""
    found = features(*samples, **settings)
    return column_values(found.columns["vector"]).reshape(-1, *found.shape)


def summary(found: Features, **settings: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    metadata = features_metadata("tactile", shape=list(found.shape), settings=TactileSettings(**settings).model_dump(mode="json"))
    return MODALITY.summarise(pa.table(dict(found.columns)), metadata), metadata


PRESS = np.array([[[0, 1], [0, 0]], [[4, 0], [2, 0]], [[2, 2], [1, 0]]], dtype=float)  # sums 1, 6, 5


def test_peak_mean_and_max_in_the_order_declared() -> None:
    np.testing.assert_array_equal(pictures(PRESS)[0], [[[4, 0], [2, 0]], [[2, 1], [1, 0]], [[4, 2], [2, 0]]])
    scaled = pictures(PRESS, frames=["max", "peak"], full_scale=8)[0]
    np.testing.assert_array_equal(scaled, [[[0.5, 0.25], [0.25, 0]], [[0.5, 0], [0.25, 0]]])
    assert features(PRESS, frames=["max"]).names == ["max"] and features(PRESS, frames=["max"]).shape == (1, 2, 2)


def test_of_equal_peaks_the_first() -> None:
    np.testing.assert_array_equal(pictures(PRESS[[1, 1, 0]] * [[[1, 0], [1, 0]]], frames=["peak"])[0, 0], PRESS[1])


def test_frames_are_kept_resized_and_of_unequal_lengths() -> None:
    found = features(PRESS, PRESS[:1], size=[1, 1])
    assert found.columns["frames"].to_pylist() == [[[[0.25]], [[1.5]], [[1.25]]], [[[0.25]]]]
    assert features(PRESS).columns["frames"].to_pylist() == [PRESS.tolist()]


def test_resizing_averages_by_area() -> None:
    line = [[[0.0, 3.0, 6.0]]]
    np.testing.assert_allclose(pictures(line, size=[1, 2], frames=["max"])[0, 0], [[1, 5]], rtol=1e-6)
    np.testing.assert_allclose(pictures(line, size=[2, 6], frames=["max"])[0, 0], [[0, 0, 3, 3, 6, 6]] * 2, rtol=1e-6)


def test_a_dead_sensor_takes_the_mean_of_its_neighbours_frame_by_frame() -> None:
    press = np.arange(18, dtype=float).reshape(2, 3, 3)
    press[:, 1, 1] = np.nan
    press[1, 0, 0] = np.nan  # in a corner, two of three neighbours left
    found = np.array(features(press).columns["frames"].to_pylist()[0])
    assert found[0, 1, 1] == 4 and found[0, 0, 0] == 0
    assert found[1, 0, 0] == np.mean([10, 12])
    assert found[1, 1, 1] == pytest.approx(np.mean([10, 11, 12, 14, 15, 16, 17]), rel=1e-6)


def test_null_is_missing_as_nan_is() -> None:
    press = np.arange(9, dtype=float).reshape(1, 3, 3)
    with_null = [[[0, 1, 2], [3, None, 5], [6, 7, 8]]]
    kind = column(press).type
    found = MODALITY.featurize(pa.array([with_null], kind), TactileSettings())
    np.testing.assert_array_equal(column_values(found.columns["vector"]).reshape(found.shape)[0], press[0])
    assert found.columns["missing"].to_pylist() == [pytest.approx(1 / 9)]


def test_a_glove_of_548_sensors_is_a_grid_with_holes() -> None:
    random = np.random.default_rng(0)
    middle = np.hypot(*(np.indices((32, 32)) - 15.5))
    is_sensor = np.zeros((32, 32), dtype=bool)
    is_sensor.reshape(-1)[np.argsort(middle, axis=None, kind="stable")[:GLOVE_SENSORS]] = True
    grasp = np.where(is_sensor, random.uniform(0.4, 0.6, (5, 32, 32)), np.nan)
    found = features(grasp, size=[16, 16], full_scale=1)
    small = column_values(found.columns["vector"]).reshape(found.shape)[1]
    assert found.columns["missing"].to_pylist() == [pytest.approx(1 - GLOVE_SENSORS / 1024)]
    assert small[0, 0] == 0 and small[small > 0].min() > 0.4  # holes are 0 and do not thin out the cells beside them
    whole = features(grasp).columns["frames"].to_pylist()[0]
    np.testing.assert_allclose(np.array(whole)[:, is_sensor], grasp[:, is_sensor], rtol=1e-6)
    summed, metadata = summary(found)
    (limit,) = [arguments for _, arguments in MODALITY.expectations(metadata) if arguments["column"] == "missing_share"]
    assert summed["missing_share"][0] < limit["max_value"]


def test_the_type_carries_the_grid() -> None:
    assert MODALITY.featurize(column(PRESS, kind=pa.list_(pa.list_(pa.list_(pa.float64(), 2), 2))), TactileSettings()).shape == (3, 2, 2)
    for wrong in (pa.list_(pa.float32()), pa.list_(pa.list_(pa.float32(), 6)), pa.list_(pa.list_(pa.list_(pa.string(), 2), 2))):
        with pytest.raises(InputError, match=r"modality 'tactile' reads list<fixed_size_list<fixed_size_list<float>\[W\]>\[H\]>"):
            MODALITY.featurize(pa.array([], wrong), TactileSettings())


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (np.empty((0, 2, 2)), "0 frames of pressure; expected 1 to 100000"),
        (np.full((3, 2, 2), np.nan), r"every reading of every frame is missing \(NaN\)"),
        (PRESS - 1, "pressure -1 of frame 0, row 0, sensor 0 is negative; subtract the sensor's baseline"),
        (np.where(PRESS == 4, np.inf, PRESS), "pressure inf of frame 1, row 0, sensor 0 is infinite"),
        (PRESS * 3, r"pressure 12 of frame 1, row 0, sensor 0 is above full_scale = 10; raise full_scale"),
    ],
)
def test_what_no_sensor_felt_is_named(sample: np.ndarray, reason: str) -> None:
    with pytest.raises(SampleError, match=f"row 1: {reason}"):
        features(PRESS, sample, full_scale=10)


def test_a_null_frame_is_named() -> None:
    with pytest.raises(SampleError, match="row 0: a frame or a row of sensors is null"):
        MODALITY.featurize(pa.array([[PRESS[0].tolist(), None]], column(PRESS).type), TactileSettings())


def test_validation_sees_a_press_that_nothing_felt() -> None:
    summed, metadata = summary(features(PRESS, np.zeros((2, 2, 2))), full_scale=8)
    assert summed["contrast"].tolist() == [4, 0] and summed["n_frames"].tolist() == [3, 2]
    limits = {arguments["column"]: arguments for _, arguments in MODALITY.expectations(metadata)}
    assert limits["max"]["max_value"] == 1 and limits["contrast"]["strict_min"]
