"""Guess what a folder holds: one folder per class, or files whose names have fields."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest, parse
from stages.own_data.column_names import is_group
from stages.own_data.foreign_formats import foreign_format, foreign_layout
from stages.own_data.guess_companions import guess_companions
from stages.own_data.guess_rows import Rare, rare_of, usable_rows
from stages.own_data.guesses import (
    FORMATS,
    MAX_CLASSES,
    Guess,
    GuessedModality,
    Hints,
    checked_task,
    count_values,
    free_name,
    modality_of,
    task_of,
)
from stages.own_data.official_splits import is_split
from stages.own_data.sample_files import SampleFiles, open_files
from stages.own_data.sampling_rate import rate_settings, readable
from stages.own_data.sources.folder import FILE, FolderSourceSettings, open_rows
from stages.own_data.text_encoding import guessed_encoding
from stages.splitting.scarce_groups import FEWEST_GROUPS

BETWEEN = ("_", "-", " ", ".")
SPLIT = "split"  # the field of an official split
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # of the files next to it, by the column file_name
LETTERS = re.compile(r"[^\W\d]+")
FOLDER = re.compile(r"top_folder|folder\d*")  # fields that `_by_folders` names
NUMBERED = re.compile(r"([^\W\d_]*)[ _-]?\d+")  # 2023, p07, subject_3: no class where other folders are words
MOST_AT_ROOT = 0.05  # share of files that lie outside of the folders of classes, and are ignored


@dataclass(frozen=True)
class Fields:
    """What the files' names hold: the source's label, and of each field the value of every file, and why.

    chosen: the field of the class. group: a field that may be the group, and why. notes: on other fields.
    """

    label: str
    values: Mapping[str, Sequence[str]]
    chosen: str
    why: str
    group: tuple[str | None, str]
    notes: Sequence[str] = field(default_factory=list)


def guess_folder(path: str, hints: Hints) -> Guess:
    """Return the entry for a folder with one file per sample.

    Raises:
        InputError: if its files have no known format, neither folders nor names hold a target, or a hint does not fit.
    """
    if hints.types or hints.missing:
        raise InputError(f"{path}: --types and --missing are for tables; fields of files' names are texts as they are")
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
    if not hints.label:
        samples = _without_strays(samples)
    ignored = sorted(set(names) - set(samples))
    source: dict[str, Any] = {"folder": path}
    encoding = hints.encoding or (_encoding(files, samples) if kind == "text" else None)
    ignore = {"ignore": _patterns(ignored, samples)} if ignored else {}
    extra = ({"encoding": encoding} if encoding else {}) | ignore
    fields = _declared(source | extra, samples, hints) if hints.label else _fields(samples, path, hints)
    suffixes = Counter(Path(name).suffix.lower() for name in samples)
    why = f"{len(samples)} of {len(names)} files end in {', '.join(suffix for suffix, _ in suffixes.most_common())}"
    settings, about = rate_settings(kind, readable(samples, files.read))
    modality = GuessedModality(free_name(kind, []), {"modality": kind}, why + about, settings)
    others = guess_companions(files, samples, ignored, fields.label, kind)
    if labels := _classes(fields, hints):
        others = others.trainable(labels, fields.values[fields.group[0]] if fields.group[0] else None)
    fields = replace(fields, label=others.label if others.found else fields.label, notes=[*fields.notes, *others.notes])
    ignored = sorted(set(ignored) - others.names)
    parts = [part.modality for part in others.found]
    broken = {part.modality.name: part.gaps.broken for part in others.found}
    return _guess(source | {"label": fields.label} | extra, fields, [modality, *parts], hints, _Files(files, samples, ignored, broken))


@dataclass(frozen=True)
class _Files:
    files: SampleFiles
    samples: Sequence[str]
    ignored: Sequence[str]
    broken: Mapping[str, np.ndarray]  # by modality of other files of the samples: which cannot be read, bool (n,)

    def lacks(self) -> dict[str, np.ndarray]:
        """Return which samples cannot be used, in words; each counts once."""
        found = {"without content (0 bytes)": self.is_empty()}
        for name, broken in self.broken.items():
            found[f"with a {name} that cannot be read"] = broken & ~np.logical_or.reduce(list(found.values()))
        return found

    def is_empty(self) -> np.ndarray:
        """Return whether each sample's file has no bytes."""
        return np.array([self._is_empty(name) for name in self.samples], dtype=bool)

    def _is_empty(self, name: str) -> bool:
        with suppress(ValueError):  # a link that leads outside, which the check names
            return self.files.n_bytes(name) == 0
        return False

    @property
    def ignored_kinds(self) -> str:
        counts = Counter(Path(name).suffix or "without ending" for name in self.ignored)
        return ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common())


def _guess(source: dict[str, Any], fields: Fields, modalities: Sequence[GuessedModality], hints: Hints, files: _Files) -> Guess:
    values, chosen = fields.values, fields.chosen
    task, why = _task(fields, hints)
    labels = _classes(fields, hints)
    group, about_group = fields.group
    lacks = files.lacks()
    kept = ~np.logical_or.reduce(list(lacks.values()))
    others: list[str] = []
    rare = rare_of(labels, None if group is None else values[group], kept) if labels else Rare(0, {})
    n_groups = len(set(values[group])) if group is not None else 0
    if group is not None and hints.group is None and (not rare.is_possible or n_groups < hints.n_splits):
        why_not = (f"with fewer folds: {n_groups} values, and `split.n_splits` is {hints.n_splits}" if n_groups < hints.n_splits else
                   f"with other classes: class {rare.scarce}, and folds need {FEWEST_GROUPS}")
        others, (group, about_group) = [f"# or: group: {group}, {why_not}"], (None, "nothing else says which files belong together")
        rare = rare_of(labels or [], None, kept)
    if rare.below > 0 and task["task"] == "multiclass" and len(set(values[chosen]) - set(rare.names)) == 2:
        task = task | {"task": "binary"}
    usable = usable_rows(labels, lacks, rare, what="files",
                         ignored=(len(files.ignored), files.ignored_kinds))  # fmt: skip
    split = (SPLIT, f"an official split: {', '.join(sorted(set(values[SPLIT])))}") if SPLIT in values else None
    return Guess((source, fields.why), (task, why), (group, about_group), modalities, fields.notes, split, usable.counts, others,
                 usable.more)  # fmt: skip


def _classes(fields: Fields, hints: Hints) -> list[list[str]] | None:
    """Return the class of each file, alone; None if the target is no class."""
    is_known = _task(fields, hints)[0]["task"] in ("binary", "multiclass")
    return [[name] for name in fields.values[fields.chosen]] if is_known else None


def _task(fields: Fields, hints: Hints) -> tuple[dict[str, Any], str]:
    chosen, names = fields.chosen, fields.values[fields.chosen]
    counted = count_values(names)
    if hints.task is not None:
        return checked_task(hints.task, {"column": chosen, "task": hints.task}, "as requested", counted)
    if not hints.label and FOLDER.fullmatch(chosen):
        task = "binary" if counted.n_different == 2 else "multiclass"
        return {"column": chosen, "task": task}, f"{counted.n_different} folders: {_some(set(names))}"
    task, why = task_of(counted)
    chose = "as requested" if hints.target else "the first field that repeats; name another with --target"
    return {"column": chosen, "task": task}, f"{why}; {chose}"


def _without_strays(samples: Sequence[str]) -> list[str]:
    """Return the files without the few that lie beside the folders of all others."""
    inside = [name for name in samples if "/" in name]
    return inside if len(samples) - len(inside) <= MOST_AT_ROOT * len(samples) else list(samples)


def _patterns(ignored: Sequence[str], samples: Sequence[str]) -> list[str]:
    """Return patterns that match the ignored files alone: endings, else names."""
    kept_suffixes = {Path(name).suffix for name in samples}
    suffixes = {Path(name).suffix for name in ignored} - kept_suffixes - {""}
    by_name = [name for name in ignored if Path(name).suffix not in suffixes]
    bases = {Path(name).name for name in samples}
    named = {name if Path(name).name in bases or "/" not in name else Path(name).name for name in by_name}
    return [f"*{_literal(suffix)}" for suffix in sorted(suffixes)] + [_literal(name) for name in sorted(named)]


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _encoding(files: SampleFiles, samples: Sequence[str]) -> str | None:
    """Return the likely encoding of the first text that is not UTF-8, else None; a text that cannot be read is named by the check."""
    for name in samples:
        with suppress(ValueError):
            if found := guessed_encoding(files.read(name)):
                return found
    return None


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


def _declared(source: Mapping[str, Any], samples: Sequence[str], hints: Hints) -> Fields:
    """Return the fields of the declared label; raise InputError naming the files that do not fit it."""
    settings = parse({**source, "label": hints.label}, "PATH", FolderSourceSettings)
    try:
        rows = open_rows(settings, "--label")
    except InputError as error:
        raise InputError(str(error).replace("--label.label", "--label", 1)) from error
    table = rows.read([name for name in rows.types if name != FILE], None)
    values = {name: table[name].to_pylist() for name in table.column_names}
    return _of_names(str(hints.label), values, hints, "fields of the files' names, as requested")


def _fields(samples: Sequence[str], path: str, hints: Hints) -> Fields:
    if "/" in samples[0] and (found := _by_folders(samples, hints)):
        return found
    label, values = _pattern(samples, path)
    return _of_names(label, values, hints, "fields of the names")


def _by_folders(samples: Sequence[str], hints: Hints) -> Fields | None:
    """Return the fields of files in folders; None if no folder is a class."""
    paths = [name.split("/")[:-1] for name in samples]
    if not all(paths):
        return None
    depths = {len(path) for path in paths}
    values: dict[str, list[str]]
    if len(depths) > 1:
        values = {"top_folder": [path[0] for path in paths]}
        label, why = "top_folder", f"files are {min(depths)} to {max(depths)} folders deep; their first folder"
    elif depths == {1}:
        values, label = {"folder": [path[0] for path in paths]}, "folder"
        why = f"each file is in one of {len(set(values['folder']))} folders"
    else:
        names = [f"folder{level + 1}" for level in range(depths.pop())]
        if is_split({path[0] for path in paths}):
            names[0] = SPLIT
        values = {name: [path[level] for path in paths] for level, name in enumerate(names)}
        label, why = "/".join(f"{{{name}}}" for name in [*names, "file_name"]), "the folders on a file's path"
    repeating = [name for name, found in values.items() if name != SPLIT and 2 <= len(set(found)) <= max(2, len(samples) // 2)]
    classes = [name for name in repeating if len(set(values[name])) <= MAX_CLASSES]
    if hints.target is not None:
        classes = [name for name in classes if name == hints.target]
    if not classes:
        return None
    chosen = next((name for name in classes if not _is_numbered(values[name])), classes[0])
    if hints.group is not None and hints.group not in values:
        raise InputError(f"--group: folders on the files' paths are the fields {', '.join(values)}, not {hints.group!r}")
    group: tuple[str | None, str] = (hints.group, "as requested") if hints.group else (None, "nothing says which files belong together")
    numbered = [name for name in repeating if name not in (chosen, SPLIT) and _is_numbered(values[name])
                and any(is_group(folder) for folder in values[name]) and len(set(values[name])) >= hints.n_splits]  # fmt: skip
    if numbered and not hints.group:
        group = numbered[0], f"{len(set(values[numbered[0]]))} folders: {_some(set(values[numbered[0]]))}"
    return Fields(label, values, chosen, why, group, _levels(values, (chosen, SPLIT, group[0])))


def _is_numbered(folders: Sequence[str]) -> bool:
    """Return whether folders are numbers, or numbers after one word."""
    stems = {match[1].lower() if (match := NUMBERED.fullmatch(name)) else None for name in folders}
    return len(stems) == 1 and None not in stems


def _levels(values: Mapping[str, Sequence[str]], used: Sequence[str | None]) -> list[str]:
    """Return a note for each level of folders that is neither the class, the group nor the split."""
    return [
        f"{name}: {len(set(found))} folders ({_some(set(found))}): the class (`target: {{column: {name}, …}}`), or a group "
        f"(`group: {name}`)?"
        for name, found in values.items()
        if name not in used and len(set(found)) > 1
    ]


def _some(values: set[str]) -> str:
    return ", ".join(sorted(values)[:3]) + (", …" if len(values) > 3 else "")


def _of_names(label: str, values: Mapping[str, Sequence[str]], hints: Hints, what: str) -> Fields:
    counted = {name: count_values(found) for name, found in values.items()}
    for option, name in (("target", hints.target), ("group", hints.group)):
        if name is not None and name not in values:
            raise InputError(f"--{option}: names of files have the fields {', '.join(values)}, not {name!r}{nearest(name, list(values))}")
    repeating = [name for name, found in counted.items() if 2 <= found.n_different <= found.n // 2]
    chosen = hints.target or next((name for name in repeating if name != hints.group), None)
    if chosen is None:
        raise InputError(f"no field of the files' names repeats as a class would (fields {', '.join(values)}); name one with --target")
    named = [name for name in repeating if name != chosen and (is_group(name) or all(LETTERS.fullmatch(value) for value in values[name]))]
    group: tuple[str | None, str] = (None, "no field of the names looks like a speaker, object or session; name a field if one is")
    if hints.group is not None:
        group = hints.group, "as requested"
    elif named:
        group = named[0], f"{counted[named[0]].n_different} names such as {values[named[0]][0]!r}: a speaker, object or session?"
    listed = ", ".join(f"{name}: {found.n_different} values" for name, found in counted.items())
    return Fields(label, values, chosen, f"{what} ({listed})" + ("" if hints.label else "; give them better names"), group)


def _pattern(samples: Sequence[str], path: str) -> tuple[str, dict[str, list[str]]]:
    """Return a pattern that all names match, and the values of its fields."""
    stems = [name.rpartition("/")[2].rpartition(".")[0] for name in samples]
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
            suffixes = {Path(name).suffix for name in samples}
            suffix = suffixes.pop() if len(suffixes) == 1 else ".{ending}"
            return folders + mark.join(f"{{{name}}}" for name in names[n_folders:]) + suffix, {
                name: [row[i] for row in rows] for i, name in enumerate(names)
            }
    raise InputError(f"{path}: the files are not in folders named after classes, and their names ({stems[0][:40]}, …) have no fixed number "
                     "of fields; name them {class}_{number}, write a table of them, or give the pattern of their names with --label")
