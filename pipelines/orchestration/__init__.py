"""Prefect: its server, one task per stage, what a flow run leaves to look at."""
