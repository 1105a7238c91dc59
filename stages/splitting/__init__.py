"""What split does: rows assigned to folds, groups never split."""
