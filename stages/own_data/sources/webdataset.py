"""Archives in the naming of WebDataset: files of one key (`0001.jpg`, `0001.cls`, `0001.json`) are one sample.

The key is a file's path up to the first dot of its name, and what follows is the field. Files of short text (`.txt`, `.cls`) give their
text, `.json` gives the object's keys as fields, and any other field is the name of a file that a modality reads.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from pydantic import Field

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.own_data.absent import AbsentError
from stages.own_data.archives import ArchiveFiles, is_archive, open_archive
from stages.own_data.json_lines import table_of_objects, unique_keys
from stages.own_data.paths_inside import existing
from stages.own_data.source_rows import SourceKind, SourceRows, table_reader
from stages.own_data.text_encoding import decoded

KEY = "key"
TEXTS = ("txt", "text", "transcript", "cls", "cls2", "class", "count", "index", "id")  # as WebDataset decodes them
JSON = ("json", "jsn")
MAX_TEXT_BYTES = 2**24


class WebdatasetSourceSettings(Settings):
    webdataset: str = Field(min_length=1, description="a .tar (or .zip) archive, or a pattern with * and ? for several: train-*.tar")
    missing: tuple[str, ...] = Field((), description="texts that count as missing, in addition to empty ones, such as [NA, '-']")


class Shards:
    """The files of several archives, by name."""

    def __init__(self, archives: Mapping[str, ArchiveFiles]) -> None:
        self._shard_of: dict[str, str] = {}
        self._archives = archives
        for shard, files in archives.items():
            for name in files.names():
                if (other := self._shard_of.setdefault(name, shard)) != shard:
                    raise InputError(f"{shard}: {name} is also in {other}; a key names one sample of all shards")

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(self._shard_of)

    def read(self, name: str) -> bytes:
        """Return a file; raise ValueError, with a message for the user, if it cannot be read."""
        return self._archive_of(name).read(name)

    def n_bytes(self, name: str) -> int:
        """Return the size of a file, which is not unpacked; raise ValueError if it is not there, or not read."""
        return self._archive_of(name).n_bytes(name)

    def digest(self, name: str) -> tuple[str, int, bool]:
        """Return the SHA-256 of a file, its bytes, and True; of one that cannot be read the reason, 0 and False."""
        try:
            return self._archive_of(name).digest(name)
        except ValueError as error:
            return str(error), 0, False

    def _archive_of(self, name: str) -> ArchiveFiles:
        if name not in self._shard_of:
            raise AbsentError(f"{name}: no such file in the shards", name)
        return self._archives[self._shard_of[name]]


def open_rows(settings: WebdatasetSourceSettings, key: str) -> SourceRows:
    """Return a row per key, sorted, with `key`, the text of its files of text, the fields of its JSON, and the names of its other files.

    Raises:
        InputError: if no archive is found, one cannot be read, or a file has another form.
    """
    paths = _shards(settings.webdataset, f"{key}.webdataset")
    shards = Shards({path.name: open_archive(path, str(path), keep_top=True) for path in paths})
    samples = by_key(shards.names())
    rows = list(_rows(samples, shards, settings.webdataset))
    if not rows:
        raise InputError(f"{key}.webdataset: {settings.webdataset}: there is no file in it; expected files named <key>.<field>")
    keys = [row[KEY] for _, row in rows]
    table, _ = table_of_objects(rows, settings.webdataset, frozenset(settings.missing), {}, "sample")
    return SourceRows(shards, keys, {field.name: field.type for field in table.schema}, table_reader(table), where=keys.__getitem__,
                      content=None, written=True, declared={}, files={path.name: path for path in paths})


def by_key(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the files of each key, by field (in lower case): key → field → name; files without a dot in their names are left out."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        folder, slash, last = name.rpartition("/")
        stem, dot, field = last.partition(".")
        if dot:
            found.setdefault(folder + slash + stem, {})[field.lower()] = name
    return dict(sorted(found.items()))


def _shards(path: str, key: str) -> list[Path]:
    if not has_magic(path) or Path(path).expanduser().exists():
        paths = [existing(path, key, folder=False)]
    else:
        paths = [Path(found) for found in sorted(glob(str(Path(path).expanduser()))) if Path(found).is_file()]
        if not paths:
            raise InputError(f"{key}: {path}: no file fits this pattern; it is relative to the repository's root, or absolute")
    for found in paths:
        if not is_archive(found):
            raise InputError(f"{key}: {found}: is no archive; expected .tar, .tar.gz or .zip")
    if len({found.name for found in paths}) < len(paths):
        raise InputError(f"{key}: {path}: two shards in different folders have one name; rename one")
    return paths


def _rows(samples: Mapping[str, Mapping[str, str]], shards: Shards, source: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the fields of each sample."""
    for number, (key, files) in enumerate(samples.items(), 1):
        row: dict[str, Any] = {KEY: key}
        for field, name in files.items():
            try:
                values = _values(field, name, shards)
            except (ValueError, RecursionError) as error:
                why = "nested too deeply" if isinstance(error, RecursionError) else error
                raise InputError(f"{source}: {name}: {str(why).removeprefix(f'{name}: ')}") from error
            if twice := values.keys() & row.keys():
                raise InputError(f"{source}: {name}: field {min(twice)!r} is in another file of the sample too; rename one")
            row |= values
        yield number, row


def _values(field: str, name: str, shards: Shards) -> dict[str, Any]:
    """Return the fields that a file gives; raise ValueError if it cannot be read."""
    if field not in (*TEXTS, *JSON):
        return {field: name}
    raw = shards.read(name)
    if len(raw) > MAX_TEXT_BYTES:
        raise ValueError(f"{len(raw):,} bytes, more than {MAX_TEXT_BYTES:,}, which a text of a sample may have")
    text = decoded(raw, None)
    if field in TEXTS:
        return {field: text.strip() or None}
    value = json.loads(text, object_pairs_hook=unique_keys)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, found {text[:40]!r}")
    return value


SOURCE = SourceKind("webdataset", WebdatasetSourceSettings, open_rows)
