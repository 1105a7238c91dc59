"""One folder per model: settings, grid, and a sweep or an estimator."""
