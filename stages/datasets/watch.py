"""Shoulder exercises recorded by a smartwatch: acceleration (3 axes) and angular velocity (3 axes) at 50 Hz.

Ten healthy people did 20 repetitions each of seven exercises of a rotator-cuff programme, with each arm; a sample is one such set of
repetitions, 19 to 52 s long. Exercises: PEN pendulum, ABD abduction, FEL forward elevation, IR and ER internal and external
rotation, TRAP trapezius extension, ROW upright row. A second target is the arm (left, right): the watch was worn on the arm that
moved, so movements of the two arms are mirror images of each other.

Leakage: subject and arm are not features.

Groups are subjects: a person's repetitions are similar, so that a subject's other arm would leak the exercise. Scores are for unseen
people.

Reference: Burns et al. recorded 20 such people, cut the series into windows and report 99.4 % (convolutional recurrent network) where
windows of one subject are in both training and test rows, and 88.9 % on unseen subjects. Here a sample is a whole series, and there are
half as many subjects, so the figures are not the same task; statistics of the series give 84 to 88 % on unseen subjects (kNN, SVM, MLP).

The file is a pickle in NumPy's `.npy` format; stages/readers/restricted_pickle.py reads it without executing code in it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.foundation.tables import fixed_lists
from stages.readers.archive import damaged, read_member
from stages.readers.restricted_pickle import load_arrays

MEMBER = "seglearn/data/watch_dataset.npy"
CHANNELS = ["ax", "ay", "az", "wx", "wy", "wz"]
SIDES = ("left", "right")


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives["seglearn"]
    content = load_arrays(archive, MEMBER, read_member(archive, MEMBER))
    try:
        series, exercises, sides, subjects = _columns(content)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise damaged(archive, MEMBER, error) from error
    offsets = np.cumsum([0, *(len(points) for points in series)], dtype=np.int32)
    imu = pa.ListArray.from_arrays(pa.array(offsets), fixed_lists(np.concatenate(series).astype(np.float32)))
    ids = [f"{row:03d}" for row in range(len(series))]
    groups = [f"subject {subject:02d}" for subject in subjects]
    return samples_table(ids, groups, exercises if target == "exercise" else sides, {"imu": ("series", imu)})


def _columns(content: Any) -> tuple[list[np.ndarray], list[str], list[str], list[int]]:
    """Return per sample the series (T, 6), the exercise, the side and the subject; raise where the content is not as described."""
    series = [np.asarray(points, dtype=np.float64) for points in content["X"]]
    if list(content["X_labels"]) != CHANNELS or any(points.ndim != 2 or points.shape[1] != len(CHANNELS) for points in series):
        raise ValueError(f"expected series of the channels {', '.join(CHANNELS)}")
    names = [str(name) for name in content["y_labels"]]
    codes, sides, subjects = (np.asarray(content[key]).astype(int).tolist() for key in ("y", "side", "subject"))
    if not series or {len(series)} != {len(codes), len(sides), len(subjects)} or min([*codes, *sides, *subjects]) < 0:
        raise ValueError("expected one exercise, side and subject per series, numbered from 0")
    return series, [names[code] for code in codes], [SIDES[side] for side in sides], subjects


DATA_SET = DataSet(
    name="watch",
    title="Shoulder exercises seen by a smartwatch",
    sources=(
        Source(
            "seglearn",
            "1.2.5",
            "seglearn-1.2.5-py3-none-any.whl",
            "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
        ),
    ),
    licence="BSD 3-Clause (of the package that carries the data; the data have no licence of their own)",
    citation="D. M. Burns, N. Leung, M. Hardisty, C. M. Whyne, P. Henry and S. McLachlin (2018), Shoulder physiotherapy exercise "
    "recognition: machine learning the inertial signals from a smartwatch, Physiological Measurement 39(7), doi:10.1088/1361-6579/aacfd9; "
    "D. M. Burns and C. M. Whyne (2018), Seglearn, Journal of Machine Learning Research 19(83)",
    n_samples=140,
    modalities={"imu": "series"},
    targets={"exercise": "multiclass", "side": "binary"},
    group="the subject",
    read=read,
)
