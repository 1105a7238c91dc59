"""Folds, choice of a configuration, thresholds: what every model shares."""
