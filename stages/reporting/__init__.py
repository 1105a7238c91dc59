"""The static report: figures by matplotlib, findings in words, one page."""

import os
from pathlib import Path

# matplotlib reads this when it is loaded, and writes its list of fonts there: not into the home folder
os.environ.setdefault("MPLCONFIGDIR", str(Path(".sensorium") / "matplotlib"))
