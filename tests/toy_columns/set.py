"""Sets of unequal size, with a single point, copies of one point and a point that occurs twice."""

import numpy as np
import pyarrow as pa

from toy_columns import Toy

KIND = pa.list_(pa.list_(pa.float32(), 3))


def toy() -> Toy:
    random = np.random.default_rng(6)
    sets = [random.normal(size=(size, 3)) for size in (4, 30, 300, 1, 8, 12)]
    sets[4][:] = sets[4][0]
    sets[5][3] = sets[5][7]
    return Toy(exotic=(3, 4), 
        column=pa.array([points.tolist() for points in sets], KIND),
        wrong_type=pa.array(["a, b"]),
        nonsense=({"bins": 1}, {"grid": 1}, {"max_pairs": 0}, {"centre": 1}, {"features": ["hue"]}, {"center": True}),
    )
