"""Columns of samples: read one sample at a time, points and graphs as Arrow lists."""
