"""Entries of own data, as tests check and ingest them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from ruamel.yaml import YAML

from stages import ingest
from stages.checking.check_data_sets import check_own
from stages.contracts.paths import check_path, samples_path
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.foundation.params_file import parse
from stages.foundation.tables import read_described, write_json
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.fingerprints import fingerprint_of

Entry = dict[str, Any]


def parsed(entry: Mapping[str, Any], name: str = "mine") -> DataSetEntry:
    result: DataSetEntry = parse(entry, f"datasets.{name}", DataSetEntry)
    check_own(name, result)
    return result


def ingested(entry: Mapping[str, Any], name: str = "mine") -> tuple[pa.Table, dict[str, Any]]:
    """Return what ingest makes of an entry, after the check of it."""
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"seed": 1, "datasets": {name: dict(entry)}}, file)
    write_json(check_path(name), {"dataset": name, "files": fingerprint_of(name, parsed(entry, name))})
    ingest.main(name)
    table, metadata = read_described(samples_path(name), SamplesMetadata)
    return table, metadata.model_dump(mode="json")
