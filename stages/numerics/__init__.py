"""The numerics that models and evaluation share: blocks, distances, kernels, networks, folds, statistics."""
