"""Parts of the stage train: reading the problem, limits, writing and loading results and models."""
