"""One file per detector of leaks: between folds, and from the target into the features."""
