"""Series of unequal length with gaps, a dead channel, a missing channel and a single point."""

import numpy as np
import pyarrow as pa

from toy_columns import Toy

KIND = pa.list_(pa.list_(pa.float32(), 3))


def toy() -> Toy:
    random = np.random.default_rng(5)
    series = [random.normal(size=(length, 3)) for length in (5, 40, 17, 1, 64, 9)]
    series[1][:, 1] = 7  # never changes
    series[2][[0, 4, 5, 16], 2] = np.nan  # gaps
    series[4][:, 0] = np.nan  # missing throughout
    return Toy(exotic=(3,), 
        column=pa.array([values.tolist() for values in series], KIND),
        wrong_type=pa.array([1.5, 2.5]),
        nonsense=({"rate_hz": 0}, {"points": 1}, {"features": ["mood"]}, {"lags": [0]}, {"channels": ["x", "x"]}, {"octave": 3}),
    )
