"""Targets by form: reading, checks and encoding, shared by the tasks."""
