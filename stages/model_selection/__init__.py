"""The evaluation protocol that all models share: folds, choice of a configuration, thresholds."""
