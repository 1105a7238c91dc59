"""One file per metric: a plain function of targets, predictions and probabilities."""
