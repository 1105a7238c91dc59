"""The public comparisons, one file each; the interface is benchmarks/public/comparison.py. The folder is the list."""
