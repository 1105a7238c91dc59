"""Guess what a folder holds: one folder per class, or files whose names have fields."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.foundation.errors import InputError
from stages.own_data.foreign_formats import foreign_format, foreign_layout
from stages.own_data.guesses import FORMATS, MAX_CLASSES, Guess, GuessedModality, count_values, free_name, modality_of, task_of
from stages.own_data.official_splits import is_split
from stages.own_data.sample_files import SampleFiles, open_files
from stages.own_data.text_encoding import guessed_encoding

BETWEEN = ("_", "-", " ", ".")
SPLIT = "split"  # the field of an official split
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # of the files next to it, by the column file_name
LETTERS = re.compile(r"[^\W\d]+")


def guess_folder(path: str, target: str | None) -> Guess:
    """Return the entry for a folder with one file per sample.

    Raises:
        InputError: if its files have no known format, or neither folders nor names hold a target.
    """
    files = open_files(path, "PATH")
    names = files.names()
    if layout := foreign_layout(names):
        raise InputError(f"{path}: is {layout}")
    found = modality_of(names, files)
    if found is None:
        if formats := {what for name in names if (what := foreign_format(name))}:
            raise InputError(f"{path}: each file is {min(formats)}")
        endings = ", ".join(sorted({Path(name).suffix or "none" for name in names})[:10]) or "there are no files"
        raise InputError(f"{path}: no file in it has an ending that a modality reads ({endings})")
    kind, ending = found
    read = (".npy", ".npz") if ending in (".npy", ".npz") else FORMATS[kind]
    samples = [name for name in names if name.lower().endswith(read)]
    others = Counter(Path(name).suffix for name in names if not name.lower().endswith(read))
    source: dict[str, Any] = {"folder": path}
    ignore = {"ignore": [f"*{suffix}" if suffix else "*" for suffix in sorted(others)]} if others and "" not in others else {}
    if kind == "text" and (encoding := next(filter(None, (_encoding(files, name) for name in samples)), None)):
        source["encoding"] = encoding
    suffixes = Counter(Path(name).suffix.lower() for name in samples)
    why = f"{len(samples)} of {len(names)} files end in {', '.join(suffix for suffix, _ in suffixes.most_common())}"
    modality = GuessedModality(free_name(kind, []), {"modality": kind}, why)
    ignored = ", ".join(f"{count} {suffix or 'without ending'}" for suffix, count in others.most_common(5))
    notes = [f"{len(samples)} files are read, {others.total()} ignored ({ignored})"] if others else []
    if "/" in samples[0] and (by_folders := _by_folders(samples, target)):
        label, fields, chosen, about = by_folders
        split = (SPLIT, f"an official split: {', '.join(sorted(fields[SPLIT]))}") if SPLIT in fields else None
        task = "binary" if len(fields[chosen]) == 2 else "multiclass"
        entry = source | {"label": label} | ignore
        return Guess((entry, about), ({"column": chosen, "task": task}, f"{len(fields[chosen])} folders: {_some(fields[chosen])}"),
                     (None, "nothing says which files belong together"), [modality], [*notes, *_levels(fields, chosen)], split)  # fmt: skip
    pattern, values = _pattern(samples, ending, path)
    return _by_names(source | {"label": pattern} | ignore, values, target, modality, notes)


def described_by(folder: Path) -> str | None:
    """Return the table in a folder that describes its files, as image and audio folders of Hugging Face have it; None if there is none.

    Raises:
        InputError: if each part of an official split has a table of its own.
    """
    tables = [name for name in METADATA if (folder / name).is_file()]
    if tables:
        return tables[0]
    parts = sorted(path.parent.name for name in METADATA for path in folder.glob(f"*/{name}"))
    if len(parts) > 1 and is_split(set(parts)):
        raise InputError(f"{folder}: {', '.join(parts)} have a table of metadata each; join them into one metadata.csv in {folder}, with "
                         "the part in a column `split` and in front of each `file_name` (train/1.png)")
    return None


def _encoding(files: SampleFiles, name: str) -> str | None:
    try:
        return guessed_encoding(files.read(name))
    except ValueError:  # a bad sample, which the check names
        return None


def _by_folders(samples: Sequence[str], target: str | None) -> tuple[str, dict[str, set[str]], str, str] | None:
    """Return the label of files in folders, the values of its fields, the field of the class, and why; None if no folder is a class."""
    paths = [name.split("/")[:-1] for name in samples]
    if not all(paths):
        return None
    depths = {len(path) for path in paths}
    if len(depths) > 1:
        fields = {"top_folder": {path[0] for path in paths}}
        label, why = "top_folder", f"files are {min(depths)} to {max(depths)} folders deep; their first folder"
    elif depths == {1}:
        fields, label = {"folder": {path[0] for path in paths}}, "folder"
        why = f"each file is in one of {len(fields['folder'])} folders"
    else:
        names = [f"folder{level + 1}" for level in range(depths.pop())]
        if is_split({path[0] for path in paths}):
            names[0] = SPLIT
        fields = {name: {path[level] for path in paths} for level, name in enumerate(names)}
        label, why = "/".join(f"{{{name}}}" for name in [*names, "file_name"]), "the folders on a file's path"
    classes = [name for name, values in fields.items() if name != SPLIT and 2 <= len(values) <= min(MAX_CLASSES, len(samples) // 2)]
    if target is not None:
        classes = [name for name in classes if name == target]
    return (label, fields, classes[0], why) if classes else None


def _levels(fields: Mapping[str, set[str]], chosen: str) -> list[str]:
    """Return a note for each level of folders that is neither the class nor the split."""
    return [
        f"{name}: {len(values)} folders ({_some(values)}): the class (`target: {{column: {name}, …}}`), or a group (`group: {name}`)?"
        for name, values in fields.items()
        if name not in (chosen, SPLIT)
    ]


def _some(values: set[str]) -> str:
    return ", ".join(sorted(values)[:3]) + (", …" if len(values) > 3 else "")


def _by_names(
    source: dict[str, Any], fields: dict[str, list[str]], target: str | None, modality: GuessedModality, notes: Sequence[str]
) -> Guess:
    counted = {name: count_values(values) for name, values in fields.items()}
    repeating = [name for name, values in counted.items() if 2 <= values.n_different <= values.n // 2]
    if target is not None and target not in fields:
        raise InputError(f"--target: names of files have the fields {', '.join(fields)}, not {target!r}")
    chosen = target or next(iter(repeating), None)
    if chosen is None:
        raise InputError(f"no field of the files' names repeats as a class would (fields {', '.join(fields)}); name one with --target")
    task, why = task_of(counted[chosen])
    reason = f"{why}; {'as requested' if target else 'the first field that repeats; name another with --target'}"
    named = [name for name in repeating if name != chosen and all(LETTERS.fullmatch(value) for value in fields[name])]
    group: tuple[str | None, str] = (None, "no field of the names looks like a speaker, object or session; name a field if one is")
    if named:
        group = named[0], f"{counted[named[0]].n_different} names such as {fields[named[0]][0]!r}: a speaker, object or session?"
    values_of = ", ".join(f"{name}: {values.n_different} values" for name, values in counted.items())
    source_why = f"fields of the names ({values_of}); give them better names"
    return Guess((source, source_why), ({"column": chosen, "task": task}, reason), group, [modality], notes)


def _pattern(samples: Sequence[str], ending: str, path: str) -> tuple[str, dict[str, list[str]]]:
    """Return a pattern that all names match, and the values of its fields."""
    stems = [name.rpartition("/")[2][: -len(ending)] for name in samples]
    depths = {name.count("/") for name in samples}
    for mark in BETWEEN:
        rows = [stem.split(mark) for stem in stems]
        if len(depths) == 1 and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1:
            rows = [[*name.split("/")[:-1], *row] for name, row in zip(samples, rows, strict=True)]
            n_folders = depths.pop()
            names = [f"part{i + 1}" for i in range(len(rows[0]))]
            last = count_values([row[-1] for row in rows])
            names[-1] = "index" if last.whole else names[-1]
            folders = "".join(f"{{{name}}}/" for name in names[:n_folders])
            suffix = samples[0][-len(ending) :]
            return folders + mark.join(f"{{{name}}}" for name in names[n_folders:]) + suffix, {
                name: [row[i] for row in rows] for i, name in enumerate(names)
            }
    raise InputError(f"{path}: the files are not in folders named after classes, and their names ({stems[0][:40]}, …) have no fixed number "
                     "of fields; name them {class}_{number}, or write a table of them")
