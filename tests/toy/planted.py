"""No package to fake: the data set is synthetic. The toy has fewer samples."""

from pathlib import Path

OPTIONS = {"samples": 60}
N_ROWS = {"relation": 60}


def write(folder: Path) -> dict[str, Path]:
    return {}
