"""Guess which other files of a folder belong to its samples: `sound/cat_1.wav` to `image/cat_1.png`, `cat/1.wav` to `cat/1.png`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from stages.own_data.guess_missing import Gaps
from stages.own_data.guesses import MODALITY_OF, GuessedModality, free_name, modality_of
from stages.own_data.sample_files import SampleFiles
from stages.own_data.sampling_rate import rate_settings, readable

PLAIN = re.compile(r"[^{}*]*")  # parts of a pattern as they are
OF_FOLDERS = {"folder": "{folder}/{file_name}"}  # labels that are no pattern, as one
Place = tuple[int | None, str, str]  # the level of folders at which the companions are elsewhere, that folder, their ending


@dataclass(frozen=True)
class Companion:
    """A modality in other files of the samples, with which samples lack it, and the files' names."""

    modality: GuessedModality
    gaps: Gaps
    names: frozenset[str]


@dataclass(frozen=True)
class Companions:
    """The files next to the samples. label: the source's label, with the field that both have in their names.

    notes: on files that few samples have.
    """

    label: str
    found: Sequence[Companion]
    notes: Sequence[str]

    @property
    def names(self) -> set[str]:
        """Names of all files that are used."""
        return {name for companion in self.found for name in companion.names}

    def trainable(self, labels: Sequence[Sequence[str]], groups: Sequence[str] | None) -> "Companions":
        """Return those whose samples are of enough classes to be trained on, with a note on each other one."""
        why = {part.modality.name: part.gaps.lack_of_classes(labels, groups, 2) for part in self.found}
        notes = [f"{part.modality.entry['files']} is not used: {why[part.modality.name]}" for part in self.found if why[part.modality.name]]
        return replace(self, found=[part for part in self.found if not why[part.modality.name]], notes=[*self.notes, *notes])


def guess_companions(files: SampleFiles, samples: Sequence[str], others: Sequence[str], label: str, kind: str) -> Companions:
    """Return the files that are named like samples, but for the ending and one folder that all samples share.

    Args:
        samples: names of the files that are samples, of modality `kind`. others: of all other files. label: of the source.
    """
    none = Companions(label, (), ())
    endings = {PurePosixPath(name).suffix for name in samples}
    ending, pattern = next(iter(endings)), OF_FOLDERS.get(label, label)
    if len(endings) > 1 or not (pattern.endswith(ending) or pattern.endswith("{file_name}")) or not ending:
        return none
    stem = pattern.removesuffix(ending)
    keys = [_parts(name, ending) for name in samples]
    if any(len(key) != len(stem.split("/")) for key in keys):
        return none
    found: list[Companion] = []
    notes = list[str]()
    for place, there in _places(keys, others).items():
        moved = [_moved(key, place) for key in keys]
        has = np.array([name in there for name in moved], dtype=bool)
        gaps = Gaps(~has, np.array([one and _is_broken(files, name) for one, name in zip(has, moved, strict=True)], dtype=bool))
        written = _moved(tuple(stem.split("/")), place)
        if gaps.are_too_many:
            notes.append(f"{written} is not used: {gaps.n_have} of {len(keys)} samples have such a file")
            continue
        of, _ = modality_of(sorted(there), files) or ("", "")
        settings, about = rate_settings(of, readable(sorted(there), files.read))
        extra = len(there) - int(has.sum())
        alone = f"; {extra} more are of no sample and are ignored (a table with a row per sample keeps them)" if extra else ""
        why = f"{has.sum()} files of the samples' names{about}{alone}{gaps.about('samples')}"
        name = free_name(of, [free_name(kind, []), *(companion.modality.name for companion in found)])
        modality = GuessedModality(name, {"modality": of, "files": written}, why, settings)
        found.append(Companion(modality, gaps, frozenset(name for name, one in zip(moved, has, strict=True) if one)))
    return Companions(f"{stem}{ending}", found, notes)


def _parts(name: str, ending: str) -> tuple[str, ...]:
    return tuple(name.removesuffix(ending).split("/"))


def _places(keys: Sequence[tuple[str, ...]], others: Sequence[str]) -> dict[Place, set[str]]:
    """Return where other files are that a modality reads and at least one of which is named like a sample."""
    shared = [level for level in range(len(keys[0]) - 1) if len({key[level] for key in keys}) == 1]
    of_samples = set(keys)
    found: dict[Place, set[str]] = {}
    for name in others:
        ending = PurePosixPath(name).suffix
        key = _parts(name, ending)
        if ending.lower() not in MODALITY_OF or len(key) != len(keys[0]):
            continue
        elsewhere = [level for level in shared if key[level] != keys[0][level]]
        if len(elsewhere) <= 1 and all(PLAIN.fullmatch(key[level]) for level in elsewhere):
            level = elsewhere[0] if elsewhere else None
            found.setdefault((level, "" if level is None else key[level], ending), set()).add(name)
    return {place: names for place, names in sorted(found.items(), key=lambda item: (item[0][0] or 0, *item[0][1:]))
            if any(_at_home(_parts(name, place[2]), place, keys[0]) in of_samples for name in names)}  # fmt: skip


def _at_home(key: tuple[str, ...], place: Place, sample: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of a companion's name in the folder of the samples."""
    level = place[0]
    return key if level is None else (*key[:level], sample[level], *key[level + 1 :])


def _moved(key: tuple[str, ...], place: Place) -> str:
    """Return the name of a sample's companion, or the pattern of these names."""
    level, folder, ending = place
    return "/".join(key if level is None else (*key[:level], folder, *key[level + 1 :])) + ending


def _is_broken(files: SampleFiles, name: str) -> bool:
    try:
        return files.n_bytes(name) == 0
    except ValueError:
        return True
