"""Guess what a folder holds: one folder per class, or files whose names have fields."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.foundation.errors import InputError
from stages.own_data.guesses import Guess, GuessedModality, count_values, free_name, modality_of, task_of
from stages.own_data.paths_inside import existing, walk_files

BETWEEN = ("_", "-", " ", ".")
LETTERS = re.compile(r"[^\W\d]+")


def guess_folder(path: str, target: str | None) -> Guess:
    """Return the entry for a folder with one file per sample.

    Raises:
        InputError: if its files have no known format, or neither folders nor names hold a target.
    """
    root = existing(path, "PATH", folder=True)
    names = walk_files(root)
    found = modality_of(names, root)
    if found is None:
        endings = ", ".join(sorted({Path(name).suffix or "none" for name in names})[:10]) or "there are no files"
        raise InputError(f"{path}: no file in it has an ending that a modality reads ({endings})")
    kind, ending = found
    samples = [name for name in names if name.lower().endswith(ending)]
    source: dict[str, Any] = {"folder": path}
    others = Counter(Path(name).suffix for name in names if not name.lower().endswith(ending))
    ignore = {"ignore": [f"*{suffix}" if suffix else "*" for suffix in sorted(others)]} if others and "" not in others else {}
    modality = GuessedModality(free_name(kind, []), {"modality": kind}, f"{len(samples)} of {len(names)} files end in {ending}")
    notes = [f"{sum(others.values())} files with other endings are ignored"] if ignore else []
    classes = {name.split("/")[-2] if "/" in name else "" for name in samples}
    if "" not in classes and len(classes) > 1 and target in (None, "folder"):
        target_entry = {"column": "folder", "task": "binary" if len(classes) == 2 else "multiclass"}
        return Guess(
            (source | {"label": "folder"} | ignore, f"each file is in one of {len(classes)} folders"),
            (target_entry, "the folder"),
            (None, "nothing says which files belong together"),
            [modality],
            notes,
        )
    pattern, fields = _pattern(samples, ending, path)
    return _by_names(source | {"label": pattern} | ignore, fields, target, modality, notes)


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
