"""Versions of the pipeline from git and DVC's cache, what differs between two, and where the result goes."""
