"""Measurements that are too long for the tests: against other libraries (`make bench`), and `python -m benchmarks.large_data`."""

import stages  # noqa: F401 - gives BLAS one thread, which must be before numpy is loaded: peers have processes or threads of their own
