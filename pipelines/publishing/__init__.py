"""Projection of what DVC tracks onto an MLflow server: what a run holds, its key, where it goes."""
