"""Prefect: its server, one task per stage, artifacts of a flow run."""
