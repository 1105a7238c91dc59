"""Simulate contact trials: a tactile pad presses a shape (SIMULATED with MuJoCo, in a separate process).

`simulate(trials)` runs `python -m stages.simulators.contact_trials`, which reads trials (JSON) from standard input and writes an Arrow
stream to standard output. A fresh process with one thread gives the same bytes each time, and a crash in the library is an error here
rather than the end of the stage. Importing this file does not import MuJoCo.

The pad moves down at constant speed until the contact force exceeds CONTACT_N, moves on by the trial's depth, and holds for HOLD_S.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.simulators.contact_scene import SIDE, STEP_S, ContactTrial, scene_xml

PACKAGE, VERSION = "mujoco-core", "4.0.1"
TOUCH_EVERY, SERIES_EVERY = 5, 2  # simulation steps per frame of touch, and per reading of force and joints
CONTACT_N, HOLD_S, LONGEST_S = 0.3, 0.08, 2.0


@dataclass(frozen=True)
class TrialReadings:
    """The sensors' readings in one trial, without noise.

    touch: float64 (T, 16, 16), N. wrench: float64 (T', 6), force in N and torque in N·m, in the pad's frame.
    joints: float64 (T', 10), x, y, z (mm), roll, pitch (degrees), then their velocities per second.
    depth_mm: indentation of the pad after first contact.
    """

    touch: np.ndarray
    wrench: np.ndarray
    joints: np.ndarray
    depth_mm: float


def simulate(trials: Sequence[ContactTrial]) -> list[TrialReadings]:
    """Return the readings of each trial.

    Raises:
        InputError: if the data set's version of the simulator is not installed, or it fails.
    """
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = "none"
    if found != VERSION:
        raise InputError(f"contact trials need {PACKAGE} {VERSION}, found {found}; `make run` installs the locked requirements")
    request = json.dumps([asdict(trial) for trial in trials]).encode()
    result = subprocess.run([sys.executable, "-m", __name__], input=request, capture_output=True, check=False)
    if result.returncode != 0:
        last = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise InputError(f"{PACKAGE} {VERSION}: the simulator failed with status {result.returncode}: {last}; reinstall the package")
    table = pa.ipc.open_stream(result.stdout).read_all()
    return [
        TrialReadings(_array(row["touch"], SIDE, SIDE), _array(row["wrench"], 6), _array(row["joints"], 10), row["depth_mm"])
        for row in table.to_pylist()
    ]


def _array(raw: bytes, *shape: int) -> np.ndarray:
    return np.frombuffer(raw, "<f8").reshape(-1, *shape)


def run_trial(trial: ContactTrial) -> TrialReadings:
    """Return the readings of one trial (imports MuJoCo)."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(scene_xml(trial))
    data = mujoco.MjData(model)
    touch, wrench, joints = [], [], []
    down_mm_step = trial.speed_mm_s * STEP_S
    contact_mm, hold_steps, step = math.nan, round(HOLD_S / STEP_S), 0
    to_units = np.array([1e3, 1e3, 1e3, 180 / math.pi, 180 / math.pi])
    while hold_steps > 0:
        target_mm = -down_mm_step * step
        if not math.isnan(contact_mm) and target_mm <= contact_mm - trial.depth_mm:
            target_mm, hold_steps = contact_mm - trial.depth_mm, hold_steps - 1
        data.ctrl[2] = target_mm / 1000
        mujoco.mj_step(model, data)
        if step % TOUCH_EVERY == 0:
            touch.append(data.sensordata[: SIDE * SIDE].reshape(SIDE, SIDE).copy())
        if step % SERIES_EVERY == 0:
            wrench.append(data.sensordata[SIDE * SIDE :].copy())
            joints.append(np.concatenate([data.qpos * to_units, data.qvel * to_units]))
        if math.isnan(contact_mm) and data.sensordata[: SIDE * SIDE].sum() > CONTACT_N:
            contact_mm = data.qpos[2] * 1000
        step += 1
        if step * STEP_S > LONGEST_S:
            raise RuntimeError(f"no contact in {LONGEST_S:g} s: {trial}")
    return TrialReadings(np.array(touch), np.array(wrench), np.array(joints), float(contact_mm - data.qpos[2] * 1000))


def _rows(trials: Sequence[ContactTrial]) -> Iterator[dict[str, bytes | float]]:
    for trial in trials:
        readings = run_trial(trial)
        arrays = {"touch": readings.touch, "wrench": readings.wrench, "joints": readings.joints}
        yield {**{name: values.astype("<f8").tobytes() for name, values in arrays.items()}, "depth_mm": readings.depth_mm}


def _main() -> None:
    table = pa.Table.from_pylist(list(_rows([ContactTrial(**fields) for fields in json.load(sys.stdin)])))
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    _main()
