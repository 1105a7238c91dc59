"""Fake packages in the layout of the real ones: one file per data set, `write(folder)` → archives by package name, and what they hold."""

import zipfile
from collections.abc import Mapping
from pathlib import Path


def write_wheel(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a zip file with the same bytes each time."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=zipfile.ZIP_DEFLATED)
    return path
