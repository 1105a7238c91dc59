"""Measurements that are too long for the tests: against other libraries (`make bench`), and `python -m benchmarks.large_data`."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded; peers have processes or threads of their own
