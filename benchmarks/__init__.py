"""Measurements that are too long for the tests; each file is run by itself: `python -m benchmarks.<name>`."""
