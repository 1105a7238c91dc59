"""Give libraries one thread each: imported first by every stage, as a library reads its variable when it is loaded.

The sum of a matrix product depends on how many threads share it, and so would our bytes. Stages use their cores by running independent
pieces side by side instead (stages/foundation/parallel.py).
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"
