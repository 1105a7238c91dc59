"""Predictions of corrupted and incomplete test samples by the models that train chose."""
