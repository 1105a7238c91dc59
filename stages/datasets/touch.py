"""SIMULATED touch: a probe with a 16×16 tactile pad presses eight shapes; which one, and where, how deep and how big?

Nothing here was measured: the presses are simulated with MuJoCo (stages/simulators/contact_trials.py) and sensor noise is added. A press moves the
pad down onto a fixed object until contact, on by a depth asked for, and holds; presses last unequally long. Modalities:
    pressure        T×16×16 every 10 ms, kPa: one taxel of 2.5 mm by 2.5 mm per reading, NaN where a taxel is dead
    force_torque    T×6 every 4 ms: force (N) and torque (N·m) between wrist and pad
    proprioception  T×10 every 4 ms: x, y, z (mm), roll, pitch (degrees) of the machine, then their velocities per second
Targets:
    shape    sphere, cube_face, cube_edge, cube_corner, cylinder_side, cylinder_end, cone, ring
    contact  x_mm, y_mm (the object's centre from the pad's), depth_mm (how far the pad sank in), size_mm (radius, or half a cube's edge)

An object is a shape of one size, stiffness and friction, and each object is pressed several times: groups are objects, since sizes would
otherwise be recognised instead of shapes. Where an object lies, how it is turned and tilted, from how far above and how fast the pad comes
is drawn anew for each press, so the time of contact and the height of the machine do not give away what was met. An object's name
stands in its samples' ids, which no model sees.

Noise, per reading and independent (options): pressure gets a gain per taxel, drawn anew for each press as if each were made with another
pad, then white noise; it is cut off at 0 and at the sensor's full scale, 300 kPa, and rounded to 0.1 kPa. Forces, torques and joints get
white noise. All is seeded by the sample's id.

There are no public figures, as the data are made here. On five grouped folds of the default presses (seed 20241101; modalities with their
default features, blocks of equal weight; C = 10), accuracy in %, where the majority has 12.5:
                                  pressure  force_torque  proprioception  all
    5-NN                                59            41              41   53
    SVM (RBF)                           74            56              59   82
    SVM (RBF) without any noise         90            74              65   88
and R² of an RBF support vector regression: x 0.69 by pressure, 0.78 by force_torque, 0.82 by all; depth 0.54, 0.65, 0.85 (by
proprioception 0.83); size 0.08, below 0, 0.21: of sizes, fifteen per shape is little to learn from.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.seeds import derived_seed
from stages.simulators.contact_scene import PITCH_M, SHAPES, Press
from stages.simulators.contact_trials import Felt, simulate

FULL_SCALE_KPA = 300.0
KPA_PER_N = 1e-3 / PITCH_M**2
TORQUE_ARM_M = 0.01  # torque noise is that of the force at this distance
OFFSET_MM, YAW_DEG, TILT_DEG = 3.0, 20.0, 4.0  # of an object, either way
VELOCITY_PER_S = 10.0  # velocity noise is that of the joints, this many times a second


class Presses(Settings):
    """How many presses there are, and how well they are felt."""

    objects: int = Field(15, ge=2, le=1_000, description="objects of each shape")
    presses: int = Field(6, ge=1, le=1_000, description="presses of each object")
    pressure_noise_kpa: float = Field(8.0, ge=0, le=300, description="standard deviation of a pressure reading's noise")
    gain_spread: float = Field(0.25, ge=0, le=0.5, description="standard deviation of a taxel's gain, of 1")
    dead_share: float = Field(0.03, ge=0, le=0.4, description="share of a pad's taxels that read nothing")
    force_noise_n: float = Field(0.1, ge=0, le=100, description="standard deviation of a force reading's noise; of torque 0.01 m times it")
    joint_noise: float = Field(0.05, ge=0, le=100, description="a joint's noise likewise, mm or degrees; of velocity ten times it")


def read(archives: Mapping[str, Path], target: str, options: Presses, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    presses = {
        f"{shape}-{number:03d}-{repeat:03d}": press
        for shape in SHAPES
        for number in range(options.objects)
        for repeat, press in enumerate(_presses(shape, number, options.presses, seed))
    }
    felt = simulate(list(presses.values()))
    noises = [np.random.default_rng(derived_seed(seed, "touch noise", name)) for name in presses]
    sensed = [_sensed(clean, options, noise) for clean, noise in zip(felt, noises, strict=True)]
    columns = {
        label: (modality, _frames([readings[place] for readings in sensed]))
        for place, (label, modality) in enumerate(DATA_SET.modalities.items())
    }
    groups = [name.rpartition("-")[0] for name in presses]
    return samples_table(list(presses), groups, _targets(target, list(presses.values()), felt), columns)


def _presses(shape: str, number: int, n_presses: int, seed: int) -> list[Press]:
    """Return the presses of one object, as drawn."""
    thing = np.random.default_rng(derived_seed(seed, "touch object", shape, str(number)))
    size_mm, friction = thing.uniform(6, 14), thing.uniform(0.3, 1.0)
    stiffness = float(np.exp(thing.uniform(np.log(0.8), np.log(1.25))))
    presses = []
    for repeat in range(n_presses):
        draw = np.random.default_rng(derived_seed(seed, "touch press", shape, str(number), str(repeat))).uniform
        x_mm, y_mm, yaw, *tilt = draw(-1, 1, 5) * (OFFSET_MM, OFFSET_MM, YAW_DEG, TILT_DEG, TILT_DEG)
        presses.append(
            Press(
                shape=shape,
                size_mm=float(size_mm),
                stiffness=stiffness,
                friction=float(friction),
                x_mm=float(x_mm),
                y_mm=float(y_mm),
                yaw_deg=float(yaw),
                tilt_deg=(float(tilt[0]), float(tilt[1])),
                gap_mm=float(draw(2.5, 5)),
                depth_mm=float(draw(2, 5)),
                speed_mm_s=float(draw(25, 45)),
            )
        )
    return presses


def _sensed(felt: Felt, options: Presses, noise: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the sensors say, float64 (T, 16, 16), (T', 6) and (T', 10)."""
    gains = np.maximum(0, 1 + options.gain_spread * noise.standard_normal(felt.touch.shape[1:]))
    kpa = felt.touch * KPA_PER_N * gains + options.pressure_noise_kpa * noise.standard_normal(felt.touch.shape)
    pressure = np.round(np.clip(kpa, 0, FULL_SCALE_KPA), 1)
    pressure[:, noise.random(gains.shape) < options.dead_share] = np.nan
    force = options.force_noise_n * np.repeat([1, TORQUE_ARM_M], 3)
    wrench = felt.wrench + force * noise.standard_normal(felt.wrench.shape)
    joint = options.joint_noise * np.repeat([1, VELOCITY_PER_S], 5)
    joints = felt.joints + joint * noise.standard_normal(felt.joints.shape)
    return pressure, np.round(wrench, 4), np.round(joints, 3)


def _frames(samples: list[np.ndarray]) -> pa.ListArray:
    """Return samples of (T, …) as Arrow lists of T fixed-size lists of float32."""
    values = pa.array(np.concatenate(samples).astype(np.float32).reshape(-1))
    for width in reversed(samples[0].shape[1:]):
        values = pa.FixedSizeListArray.from_arrays(values, width)
    return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *map(len, samples)], dtype=np.int32)), values)


def _targets(target: str, presses: list[Press], felt: list[Felt]) -> list[str] | dict[str, list[float]]:
    if target == "shape":
        return [press.shape for press in presses]
    return {
        "x_mm": [press.x_mm for press in presses],
        "y_mm": [press.y_mm for press in presses],
        "depth_mm": [round(press_felt.depth_mm, 3) for press_felt in felt],
        "size_mm": [press.size_mm for press in presses],
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
    options=Presses,
)
