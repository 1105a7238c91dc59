"""How many samples lack a modality, as far as names of files and texts tell: printed at each check. Ingest knows all."""

from collections.abc import Sequence

import pyarrow as pa

from stages.ingestion.data_set_entry import DataSetEntry
from stages.ingestion.missing_modalities import Absent, MissingModalities
from stages.own_data.absent import AbsentError
from stages.own_data.empty_cells import blank_as_null
from stages.own_data.file_names import FileNames
from stages.own_data.roles import OwnModality, find_modalities, key_of, sample_names
from stages.own_data.source_rows import SourceRows

FATES = {
    "keep": "they are kept: `missing_modalities`",
    "quarantine": "they will be skipped (`missing_modalities: quarantine`)",
    "fail": "ingest will refuse them (`missing_modalities: fail`)",
}


def advice_on_missing(name: str, entry: DataSetEntry, rows: SourceRows) -> list[str]:
    """Return a line per modality that some samples lack; contents of files, and bytes and lists in tables, are not read."""
    modalities = find_modalities(name, entry, rows)
    ids = sample_names(name, entry, rows)
    absent = {modality.name: _absent(modality, rows, ids) for modality in modalities}
    missing = MissingModalities(name, "keep", {modality.name: key_of(name, modality) for modality in modalities}, len(modalities))
    missing.judge(ids, absent, {})
    return [f"note: datasets.{name}.modalities.{line}" for line in missing.lines(FATES[entry.missing_modalities])]


def _absent(modality: OwnModality, rows: SourceRows, ids: Sequence[str]) -> Absent:
    """Return which samples lack a modality whose files are named, or whose texts are in a column; of others none."""
    if not modality.is_file and (modality.kind != "text" or not pa.types.is_string(rows.types[modality.fields[0]])):
        return {}
    table = rows.read([field for field in modality.needed if field in rows.types], None)
    if not modality.is_file:
        nulls = blank_as_null(table[modality.fields[0]].combine_chunks()).is_null().to_pylist()
        return {name: ("", "") for name, nothing in zip(ids, nulls, strict=True) if nothing}
    files, found = FileNames(rows.sample_files), dict[str, tuple[str, str]]()
    for name, names in zip(ids, files.of(modality, table, ids), strict=True):
        try:
            if isinstance(names, ValueError):
                raise names
            files.n_bytes(names)
        except AbsentError as error:
            found[name] = (str(error), error.looked_for)
        except ValueError:  # there, and not readable: ingest names it
            continue
    return found
