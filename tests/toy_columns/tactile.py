"""Presses of a 6×5 array, of unequal lengths: one with a gap, one with a column of places without a sensor."""

import numpy as np
import pyarrow as pa

from toy_columns import Toy

KIND = pa.list_(pa.list_(pa.list_(pa.float32(), 5), 6))


def toy() -> Toy:
    random = np.random.default_rng(5)
    samples = [random.uniform(0, 1, (n_frames, 6, 5)) for n_frames in (3, 1, 7, 4, 2, 5)]
    samples[1][0, 2, 2] = np.nan
    samples[2][:, :, 4] = np.nan
    return Toy(
        column=pa.array([sample.tolist() for sample in samples], KIND),
        wrong_type=pa.array([1.0]),
        nonsense=(
            {"size": [0, 4]},
            {"size": [4]},
            {"frames": []},
            {"frames": ["peak", "peak"]},
            {"full_scale": 0},
            {"max_missing_share": 2},
        ),
    )
