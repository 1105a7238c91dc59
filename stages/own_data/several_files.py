"""Which modalities have several files per sample: what an entry declares, and what a column's type says."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from stages.foundation.errors import InputError
from stages.ingestion.data_set_entry import ModalityEntry
from stages.own_data.wildcard_files import WILDCARD, pattern_mistake

POOLED = ("image", "audio", "vector", "series", "tactile", "set")  # modalities with features of one fixed length (`pool:` in features)
HINT = "; if the cell names several files, declare the mark between them, `separator: '{mark}'`"
MARKS = (";", "|", ",")


def check_several(key: str, declared: ModalityEntry) -> None:
    """Raise InputError where an entry declares several files of a modality that has one, or in a form that is not read."""
    kind, is_pattern = declared.modality, WILDCARD in (declared.files or "")
    if declared.separator and not declared.column:
        raise InputError(f"{key}.separator: only with a `column` whose cells name several files")
    if kind not in POOLED and (is_pattern or declared.separator):
        what = "files: * stands for several files" if is_pattern else "separator: only for several files"
        raise InputError(f"{key}.{what}, and their features are pooled only of modalities {', '.join(POOLED)}; {kind} has one per sample")
    if is_pattern and (mistake := pattern_mistake(str(declared.files))):
        raise InputError(f"{key}.files: {mistake}")


def is_several(declared: ModalityEntry, kind: pa.DataType) -> bool:
    """Return whether the cells of a column name, or hold, several files."""
    return declared.modality in POOLED and (declared.separator is not None or _is_file_list(kind))


def _is_file_list(kind: pa.DataType) -> bool:
    """Return whether a type is lists of names, or of the bytes of files."""
    return bool(pa.types.is_list(kind)) and (pa.types.is_string(kind.value_type) or _is_encoded(kind.value_type))


def _is_encoded(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or (pa.types.is_struct(kind) and "bytes" in kind.names)


def check_separated(declared: ModalityEntry, kind: pa.DataType, place: str) -> None:
    """Raise InputError if the column whose cells have a separator is no text."""
    if declared.separator is not None and not pa.types.is_string(kind):
        raise InputError(f"{place}.separator: column {declared.column!r} holds {kind}; expected text with names of files; remove it")


def are_names(fields: Sequence[str], types: Mapping[str, pa.DataType], place: str) -> bool:
    """Return whether columns, each with one file of a sample, hold names (else: bytes); raise InputError if they hold neither."""
    kinds = {types[field] for field in fields}
    if kinds == {pa.string()}:
        return True
    wrong = next((field for field in fields if not pa.types.is_binary(types[field])), None)
    if wrong is not None:
        raise InputError(f"{place}.columns: column {wrong!r} holds {types[wrong]}; expected names of files (text) in all of them, or bytes "
                         "(binary) in all")
    return False


def separator_hint(name: str) -> str:
    """Return what to declare if a name that no file has could be several names in one cell; "" if it could not."""
    mark = ";" if name.lstrip().startswith("[") else next((mark for mark in MARKS if mark in name), None)
    return HINT.format(mark=mark) if mark else ""
