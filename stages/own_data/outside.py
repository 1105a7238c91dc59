"""Record fingerprints of own data outside of data/raw/, so that DVC sees their changes: `python -m stages.own_data.outside`.

DVC tracks data/raw/; files elsewhere it tracks by this record there. The record names data sets and digests, never paths; it is written
when a digest changes and removed when no data set is outside. `make run` and the flow call this first.
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
from stages.own_data.dvc_files import fetch_hint, is_cached

RAW = DATA / "raw"
RECORD = RAW / ".outside.json"


def record_outside(params: Mapping[str, Any]) -> None:
    """Bring the record up to date; the check reports entries that cannot be read.

    Raises:
        InputError: if data/ is a link to another place, or something in data/raw/ is neither file nor folder.
    """
    refuse_linked_data()
    RAW.mkdir(parents=True, exist_ok=True)
    _refuse_special_files(RAW)
    found = {}
    datasets = params.get("datasets")
    for name, written in datasets.items() if isinstance(datasets, Mapping) else ():
        if isinstance(written, Mapping) and written.get("source"):
            try:
                entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
                if _is_outside(entry):
                    found[str(name)] = _fingerprint(str(name), entry)
            except InputError:
                found[str(name)] = {"unreadable": True}
    if not found:
        RECORD.unlink(missing_ok=True)
    elif not RECORD.is_file() or read_json(RECORD) != found:
        write_json(RECORD, found)


def refuse_linked_data() -> None:
    """Raise InputError if data/ is a link, as to another disk: DVC refuses outputs outside of the repository, after it has made them."""
    if DATA.is_symlink():
        raise InputError(f"{DATA}: is a link, but DVC keeps outputs inside the repository; make {DATA}/ a folder (`rm {DATA} && git "
                         f"checkout -- {DATA}`) and link only {RAW}/ or folders in it, or move DVC's cache to the other disk (`dvc cache "
                         "dir <folder>` with `dvc config cache.type symlink`)")


def _refuse_special_files(folder: Path) -> None:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if not (path.is_dir() if name in folders else path.is_file()):
                what = "a broken or circular link" if path.is_symlink() else "a pipe, socket or device"
                remedy = fetch_hint(path) or f"; expected files and folders, which DVC reads at each run; move it out of {RAW}/"
                raise InputError(f"{path}: is {what}{remedy}")


def _fingerprint(name: str, entry: DataSetEntry) -> dict[str, Any]:
    from stages.own_data.fingerprints import fingerprint_of  # here, because it imports Arrow, which only such data sets need

    return fingerprint_of(name, entry)


def _is_outside(entry: DataSetEntry) -> bool:
    from stages.foundation.registry import names

    path = next((value for kind, value in (entry.source or {}).items() if kind in names("sources")), None)
    if not isinstance(path, str):
        return False
    place, raw = Path(path).expanduser(), RAW.resolve()
    # a file of data/raw/ that DVC keeps as a link into its cache is in data/raw/
    return not place.resolve().is_relative_to(raw) and not (place.parent.resolve().is_relative_to(raw) and is_cached(place.resolve()))


def main() -> None:
    """Write, change or remove the record."""
    try:
        record_outside(read_params())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
