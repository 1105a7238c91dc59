"""Targets by form: what the tasks share to read, check and encode them."""
