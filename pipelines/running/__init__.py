"""Running DVC's graph: steps in order, warm workers, dvc.lock."""
