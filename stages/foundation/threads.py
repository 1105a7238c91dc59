"""Limit libraries to one thread: imported first by every stage, because libraries read the variables when they are loaded.

The rounding of a matrix product depends on the number of threads, and so would the bytes of outputs. Stages run independent tasks in
parallel instead (stages/foundation/parallel.py).
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"
