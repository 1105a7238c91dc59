"""Scores of whole grids of predictions at once."""
