"""Note what own data outside of data/raw/ is made of, so that the graph sees when it changes: `python -m stages.own_data.outside`.

DVC watches data/raw/, and what lies elsewhere only by this note in it. It names data sets and digests, never paths; it is written when
something changed and removed when nothing lies outside. `make run` and the flow call this first.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.contracts.paths import DATA
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params, section
from stages.foundation.tables import read_json, write_json
from stages.ingestion.data_set_entry import DataSetEntry

RAW = DATA / "raw"
NOTE = RAW / ".outside.json"


def note_outside(params: Mapping[str, Any]) -> None:
    """Bring the note up to date; entries that cannot be read are left to the check, which says what is wrong with them.

    Raises:
        InputError: if something in data/raw/ is neither file nor folder.
    """
    RAW.mkdir(parents=True, exist_ok=True)
    _refuse_odd(RAW)
    found = {}
    datasets = params.get("datasets")
    for name, written in datasets.items() if isinstance(datasets, Mapping) else ():
        if isinstance(written, Mapping) and written.get("source"):
            try:
                entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
                if _is_outside(entry):
                    found[str(name)] = _made_of(str(name), entry)
            except InputError:
                found[str(name)] = {"unreadable": True}
    if not found:
        NOTE.unlink(missing_ok=True)
    elif not NOTE.is_file() or read_json(NOTE) != found:
        write_json(NOTE, found)


def _refuse_odd(folder: Path) -> None:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if not (path.is_dir() if name in folders else path.is_file()):
                what = "a link to nothing or to itself" if path.is_symlink() else "a pipe, socket or device"
                raise InputError(f"{path}: is {what}; take it out of {RAW}/, whose files DVC reads whenever it runs")


def _made_of(name: str, entry: DataSetEntry) -> dict[str, Any]:
    from stages.own_data.fingerprints import fingerprint_of  # only where there is such a data set: it imports Arrow

    return fingerprint_of(name, entry)


def _is_outside(entry: DataSetEntry) -> bool:
    from stages.foundation.registry import names

    path = next((value for kind, value in (entry.source or {}).items() if kind in names("sources")), None)
    return isinstance(path, str) and not Path(path).expanduser().resolve().is_relative_to(RAW.resolve())


def main() -> None:
    """Write, change or remove the note."""
    try:
        note_outside(read_params())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
