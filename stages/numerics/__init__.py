"""The numerics that models and split share: blocks, distances, kernels, networks, folds."""
