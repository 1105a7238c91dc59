"""Six vectors of five numbers, one of them of zeros."""

import numpy as np
import pyarrow as pa

from toy_columns import Toy


def toy() -> Toy:
    vectors = np.random.default_rng(6).standard_normal((6, 5))
    vectors[4] = 0
    return Toy(
        column=pa.array(vectors.tolist(), pa.list_(pa.float64(), 5)),
        wrong_type=pa.array([1.0]),
        nonsense=({"normalize": "l1"}, {"max_zero_share": 2}, {"max_columns": 0}, {"normalise": "l2"},
                  {"normalize": "l2", "standardize": True}),
        exotic=(4,),
    )  # fmt: skip
