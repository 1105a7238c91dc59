"""Keep matplotlib's list of fonts in the workspace: imported first by the report, as matplotlib reads the variable when it is loaded."""

import os
from pathlib import Path

os.environ.setdefault("MPLCONFIGDIR", str(Path(".sensorium") / "matplotlib"))
