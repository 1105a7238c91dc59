"""Prefect's settings for this workspace, as environment variables, which Prefect reads at import."""

import os
from pathlib import Path

PREFECT_HOME = Path(".prefect")


def set_up_prefect() -> None:
    """Keep Prefect's files inside the workspace; by default turn off telemetry and console logs."""
    home = PREFECT_HOME.resolve()
    os.environ |= {"PREFECT_HOME": str(home), "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui")}
    defaults = {
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # Output of stages goes to their task's log; the console shows the flow's own lines (pipelines/flow.py).
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
