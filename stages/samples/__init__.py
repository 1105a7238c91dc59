"""Columns of samples: reading sample by sample, points and graphs as Arrow lists."""
