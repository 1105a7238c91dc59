"""Run DVC's graph: steps in order, persistent workers, dvc.lock."""
