"""The simulated presses: what is felt agrees with itself and with the scene, and noise is as declared."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from stages.datasets import touch
from stages.foundation.errors import InputError
from stages.simulators import contact_trials
from stages.simulators.contact_scene import SHAPES, SIDE, ContactTrial

CLEAN = {"pressure_noise_kpa": 0, "gain_spread": 0, "dead_share": 0, "force_noise_n": 0, "joint_noise": 0}


def press(shape: str, **changes: object) -> ContactTrial:
    usual = {"size_mm": 9.0, "stiffness": 1.0, "friction": 0.5, "x_mm": 0.0, "y_mm": 0.0, "yaw_deg": 0.0, "tilt_deg": (0.0, 0.0)}
    return ContactTrial(shape=shape, **{**usual, "gap_mm": 2.5, "depth_mm": 3.0, "speed_mm_s": 40.0, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def felt() -> dict[str, contact_trials.TrialReadings]:
    moved = {"moved": press("sphere", x_mm=5.0, y_mm=-2.5), "deep": press("sphere", depth_mm=5.0)}
    asked = {**{shape: press(shape) for shape in SHAPES}, **moved}
    return dict(zip(asked, contact_trials.simulate(list(asked.values())), strict=True))


def centre_mm(frame: np.ndarray) -> np.ndarray:
    """Return (x, y) of the centre of pressure."""
    rows, columns = np.indices(frame.shape) - (SIDE - 1) / 2
    return np.array([(columns * frame).sum(), (rows * frame).sum()]) / frame.sum() * 2.5


def test_the_pad_feels_what_the_wrist_feels(felt: dict[str, contact_trials.TrialReadings]) -> None:
    for shape, press_felt in felt.items():
        pad, wrist = press_felt.touch[-1].sum(), -press_felt.wrench[-1, 2]
        assert pad == pytest.approx(wrist, rel=0.1), shape
        assert press_felt.touch[0].max() == 0 and pad > 0.5
        assert press_felt.touch.shape[1:] == (SIDE, SIDE) and 0 < press_felt.depth_mm < 5.5


def test_pressure_is_where_the_object_is(felt: dict[str, contact_trials.TrialReadings]) -> None:
    for shape in SHAPES:
        np.testing.assert_allclose(centre_mm(felt[shape].touch[-1]), 0, atol=0.5, err_msg=shape)
    np.testing.assert_allclose(centre_mm(felt["moved"].touch[-1]), [5.0, -2.5], atol=1)
    x_m, y_m, push_n = 0.005, -0.0025, felt["moved"].wrench[-1, 2]
    np.testing.assert_allclose(felt["moved"].wrench[-1, 3:5], [y_m * push_n, -x_m * push_n], rtol=0.35)  # torque is lever × force


def test_shapes_leave_their_prints(felt: dict[str, contact_trials.TrialReadings]) -> None:
    prints = {shape: felt[shape].touch[-1] > 0.01 for shape in SHAPES}
    middle = slice(SIDE // 2 - 1, SIDE // 2 + 1)
    assert not prints["ring"][middle, middle].any()
    assert all(prints[shape][middle, middle].all() for shape in SHAPES if shape != "ring")
    rows, columns = (np.ptp(np.argwhere(prints["cylinder_side"]), axis=0) + 1).tolist()
    assert rows >= columns + 2
    assert prints["cube_face"].sum() > prints["sphere"].sum() > prints["cone"].sum() >= 4


def test_deeper_is_harder(felt: dict[str, contact_trials.TrialReadings]) -> None:
    assert felt["deep"].depth_mm > felt["sphere"].depth_mm + 0.3
    assert felt["deep"].wrench[-1, 2] < 1.5 * felt["sphere"].wrench[-1, 2]
    assert len(felt["deep"].touch) > len(felt["sphere"].touch)


def test_presses_of_an_object_share_what_it_is_and_differ_in_how_it_lies() -> None:
    one, other = touch._trials("cone", 3, 4, 7), touch._trials("cone", 4, 4, 7)
    assert len({(one_press.size_mm, one_press.stiffness, one_press.friction) for one_press in one}) == 1
    assert one[0].size_mm != other[0].size_mm
    assert len({(one_press.x_mm, one_press.yaw_deg, one_press.depth_mm, one_press.gap_mm) for one_press in one}) == 4
    assert touch._trials("cone", 3, 2, 7) == one[:2] and touch._trials("cone", 3, 4, 8) != one  # asking for more changes none


def test_the_declared_number_of_samples_is_that_of_the_default_options() -> None:
    options = touch.TouchOptions()
    assert len(SHAPES) * options.objects * options.trials == touch.DATA_SET.n_samples


def test_noise_is_as_declared(felt: dict[str, contact_trials.TrialReadings]) -> None:
    options = touch.TouchOptions(gain_spread=0, dead_share=0.1)
    clean = [touch._with_noise(one, touch.TouchOptions(**CLEAN), np.random.default_rng(0)) for one in felt.values()]
    noisy = [touch._with_noise(one, options, np.random.default_rng(number)) for number, one in enumerate(felt.values())]
    pressed = [np.isfinite(b[0]) & (a[0] > 30) for a, b in zip(clean, noisy, strict=True)]
    pressure = np.concatenate([(b[0] - a[0])[where] for a, b, where in zip(clean, noisy, pressed, strict=True)])
    assert pressure.std() == pytest.approx(options.pressure_noise_kpa, rel=0.15)
    dead = [np.isnan(b[0]) for b in noisy]
    assert np.mean([gone.mean() for gone in dead]) == pytest.approx(0.1, abs=0.03)
    assert all((gone == gone[0]).all() for gone in dead)  # a taxel is dead from first to last
    wrench = np.concatenate([b[1] - a[1] for a, b in zip(clean, noisy, strict=True)])
    np.testing.assert_allclose(wrench.std(axis=0), options.force_noise_n * np.repeat([1, 0.01], 3), rtol=0.15)
    joints = np.concatenate([b[2] - a[2] for a, b in zip(clean, noisy, strict=True)])
    np.testing.assert_allclose(joints.std(axis=0), options.joint_noise * np.repeat([1, 10], 5), rtol=0.15)
    assert all(np.nanmin(b[0]) >= 0 and np.nanmax(b[0]) <= touch.FULL_SCALE_KPA for b in noisy)


def test_numbers_of_contact_are_those_of_the_press(felt: dict[str, contact_trials.TrialReadings]) -> None:
    targets = touch._targets("contact", [press("sphere", x_mm=5.0, y_mm=-2.5)], [felt["moved"]])
    assert targets == {"x_mm": [5.0], "y_mm": [-2.5], "depth_mm": [round(felt["moved"].depth_mm, 3)], "size_mm": [9.0]}


def test_another_simulator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_trials, "VERSION", "0.0.1")
    with pytest.raises(InputError, match=rf"contact trials need mujoco-core 0\.0\.1, found {contact_trials.version('mujoco-core')}"):
        touch.read({}, "shape", touch.TouchOptions(), 1)


def test_a_failure_of_the_simulator_is_told() -> None:
    with pytest.raises(InputError, match=r"the simulator failed with status 1: RuntimeError: no contact in 2 s"):
        contact_trials.simulate([press("sphere", x_mm=500.0)])


def test_checking_the_parameters_does_not_load_the_simulator() -> None:
    code = "import sys, stages.datasets.touch; sys.exit('mujoco' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_frames_nest_as_the_modalities_read_them() -> None:
    assert touch._frames([np.zeros((2, 3, 4)), np.ones((1, 3, 4))]).type == pa.list_(pa.list_(pa.list_(pa.float32(), 4), 3))
    assert touch._frames([np.zeros((2, 3))]).to_pylist() == [[[0, 0, 0], [0, 0, 0]]]
