"""SIMULATED touch: a 16×16 tactile pad presses eight shapes; which shape is it, and where, how deep and how large?

Nothing here was measured: contact trials are simulated with MuJoCo (stages/simulators/contact_trials.py) and sensor noise is added. In a
trial the pad moves down onto a fixed object until contact, further by a given depth, and holds; trials differ in length. Modalities:
    pressure        T×16×16 every 10 ms, kPa: a reading per taxel of 2.5 mm by 2.5 mm, NaN where a taxel is dead
    force_torque    T×6 every 4 ms: force (N) and torque (N·m) between wrist and pad
    proprioception  T×10 every 4 ms: x, y, z (mm), roll, pitch (degrees) of the robot, then their velocities per second
Targets:
    shape    sphere, cube_face, cube_edge, cube_corner, cylinder_side, cylinder_end, cone, ring
    contact  x_mm, y_mm (the object's centre relative to the pad's), depth_mm (indentation), size_mm (radius, or half a cube's edge)

An object is a shape of one size, stiffness and friction, with several trials each: groups are objects, since models could otherwise
recognise sizes instead of shapes. Position, yaw and tilt of the object, the pad's starting height and its speed are sampled for each trial,
so that time of contact and height of the robot do not leak the target. An object's name is part of its samples' ids, which no model sees.

Noise is independent for each reading (options): pressure has a gain per taxel, sampled for each trial as if each used another pad, then
white noise; it is clipped to 0 and to the sensor's full scale, 300 kPa, and rounded to 0.1 kPa. Forces, torques and joints have white
noise. All noise is seeded by the sample's id.

There are no published figures, as the data are made here. On five grouped folds of the default trials (seed 20241101; modalities with their
default features, blocks of equal weight; C = 10), accuracy in %, where the majority class has 12.5:
                                  pressure  force_torque  proprioception  all
    5-NN                                59            41              41   53
    SVM (RBF)                           74            56              59   82
    SVM (RBF) without any noise         90            74              65   88
and R² of an RBF support vector regression: x 0.69 by pressure, 0.78 by force_torque, 0.82 by all; depth 0.54, 0.65, 0.85 (by
proprioception 0.83); size 0.08, below 0, 0.21: fifteen sizes per shape are few to learn from.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.seeds import derived_seed
from stages.simulators.contact_scene import PITCH_M, SHAPES, ContactTrial
from stages.simulators.contact_trials import TrialReadings, simulate

FULL_SCALE_KPA = 300.0
KPA_PER_N = 1e-3 / PITCH_M**2
TORQUE_ARM_M = 0.01  # torque noise: force noise times this distance
OFFSET_MM, YAW_DEG, TILT_DEG = 3.0, 20.0, 4.0  # of an object, in either direction
VELOCITY_PER_S = 10.0  # velocity noise: joint noise times this


class TouchOptions(Settings):
    """The number of trials, and the noise of the sensors."""

    renamed: ClassVar[Mapping[str, str]] = {"presses": "trials"}

    objects: int = Field(15, ge=2, le=1_000, description="objects of each shape")
    trials: int = Field(6, ge=1, le=1_000, description="contact trials of each object")
    pressure_noise_kpa: float = Field(8.0, ge=0, le=300, description="standard deviation of a pressure reading's noise")
    gain_spread: float = Field(0.25, ge=0, le=0.5, description="standard deviation of a taxel's gain, relative to 1")
    dead_share: float = Field(0.03, ge=0, le=0.4, description="share of a pad's taxels without readings")
    force_noise_n: float = Field(0.1, ge=0, le=100, description="standard deviation of a force reading's noise; of torque: 0.01 m times it")
    joint_noise: float = Field(0.05, ge=0, le=100, description="the same of a joint, mm or degrees; of a velocity: ten times it per second")


def read(archives: Mapping[str, Path], target: str, options: TouchOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    trials = {
        f"{shape}-{number:03d}-{repeat:03d}": trial
        for shape in SHAPES
        for number in range(options.objects)
        for repeat, trial in enumerate(_trials(shape, number, options.trials, seed))
    }
    readings = simulate(list(trials.values()))
    generators = [np.random.default_rng(derived_seed(seed, "touch noise", name)) for name in trials]
    noisy = [_with_noise(clean, options, random) for clean, random in zip(readings, generators, strict=True)]
    columns = {
        name: (modality, _frames([sample[place] for sample in noisy])) for place, (name, modality) in enumerate(DATA_SET.modalities.items())
    }
    groups = [name.rpartition("-")[0] for name in trials]
    return samples_table(list(trials), groups, _targets(target, list(trials.values()), readings), columns)


def _trials(shape: str, number: int, n_trials: int, seed: int) -> list[ContactTrial]:
    """Return the seeded trials of one object."""
    of_object = np.random.default_rng(derived_seed(seed, "touch object", shape, str(number)))
    size_mm, friction = of_object.uniform(6, 14), of_object.uniform(0.3, 1.0)
    stiffness = float(np.exp(of_object.uniform(np.log(0.8), np.log(1.25))))
    trials = []
    for repeat in range(n_trials):
        uniform = np.random.default_rng(derived_seed(seed, "touch press", shape, str(number), str(repeat))).uniform
        x_mm, y_mm, yaw, *tilt = uniform(-1, 1, 5) * (OFFSET_MM, OFFSET_MM, YAW_DEG, TILT_DEG, TILT_DEG)
        trials.append(
            ContactTrial(
                shape=shape,
                size_mm=float(size_mm),
                stiffness=stiffness,
                friction=float(friction),
                x_mm=float(x_mm),
                y_mm=float(y_mm),
                yaw_deg=float(yaw),
                tilt_deg=(float(tilt[0]), float(tilt[1])),
                gap_mm=float(uniform(2.5, 5)),
                depth_mm=float(uniform(2, 5)),
                speed_mm_s=float(uniform(25, 45)),
            )
        )
    return trials


def _with_noise(readings: TrialReadings, options: TouchOptions, noise: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the readings with noise, float64 (T, 16, 16), (T', 6) and (T', 10)."""
    gains = np.maximum(0, 1 + options.gain_spread * noise.standard_normal(readings.touch.shape[1:]))
    kpa = readings.touch * KPA_PER_N * gains + options.pressure_noise_kpa * noise.standard_normal(readings.touch.shape)
    pressure = np.round(np.clip(kpa, 0, FULL_SCALE_KPA), 1)
    pressure[:, noise.random(gains.shape) < options.dead_share] = np.nan
    force = options.force_noise_n * np.repeat([1, TORQUE_ARM_M], 3)
    wrench = readings.wrench + force * noise.standard_normal(readings.wrench.shape)
    joint = options.joint_noise * np.repeat([1, VELOCITY_PER_S], 5)
    joints = readings.joints + joint * noise.standard_normal(readings.joints.shape)
    return pressure, np.round(wrench, 4), np.round(joints, 3)


def _frames(samples: list[np.ndarray]) -> pa.ListArray:
    """Return samples of (T, …) as Arrow lists of T fixed-size lists of float32."""
    values = pa.array(np.concatenate(samples).astype(np.float32).reshape(-1))
    for width in reversed(samples[0].shape[1:]):
        values = pa.FixedSizeListArray.from_arrays(values, width)
    return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *map(len, samples)], dtype=np.int32)), values)


def _targets(target: str, trials: list[ContactTrial], readings: list[TrialReadings]) -> list[str] | dict[str, list[float]]:
    if target == "shape":
        return [trial.shape for trial in trials]
    return {
        "x_mm": [trial.x_mm for trial in trials],
        "y_mm": [trial.y_mm for trial in trials],
        "depth_mm": [round(sample.depth_mm, 3) for sample in readings],
        "size_mm": [trial.size_mm for trial in trials],
    }


DATA_SET = DataSet(
    name="touch",
    title="Touch: shapes pressed by a tactile pad (SIMULATED with MuJoCo)",
    sources=(),
    licence="generated by this project: CC0 1.0; the simulator, MuJoCo, is under Apache-2.0, which does not cover what it computes",
    citation="simulated with MuJoCo 4.0.1: E. Todorov, T. Erez, Y. Tassa (2012), MuJoCo: A physics engine for model-based control, IROS, "
    "doi:10.1109/IROS.2012.6386109",
    n_samples=720,
    modalities={"pressure": "tactile", "force_torque": "series", "proprioception": "series"},
    targets={"shape": "multiclass", "contact": "regression"},
    group="the object pressed (a shape of one size, stiffness and friction)",
    read=read,
    options=TouchOptions,
    known_leaks={"name-tells-target/samples": "the ids begin with the shape, and no modality holds them"},
)
