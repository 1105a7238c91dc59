"""Parts of the stage split: rows are assigned to folds, and groups are never split."""
