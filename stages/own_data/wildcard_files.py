"""Files of a sample by a pattern with `*`, such as `photos/{id}_*.jpg`: which of all files fit a row's pattern."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from stages.foundation.errors import InputError
from stages.own_data.absent import AbsentError
from stages.own_data.column_choice import natural_order
from stages.own_data.file_pattern import fill
from stages.own_data.sample_files import SampleFiles

WILDCARD = "*"
GAP = "\0"  # stands for * once fields are filled in, whose values may hold a *; no file's name has it
LAST = chr(0x10FFFF)
MAX_TRIES = 20_000_000  # names looked at for all samples, which take about half a minute


class WildcardFiles:
    """The files of a source, found by patterns; they are listed at the first search."""

    def __init__(self, files: SampleFiles) -> None:
        self._files = files
        self._forward: list[tuple[str, str]] | None = None  # (name in composed form, name on disk), sorted
        self._backward: list[tuple[str, str]] = []  # (composed name reversed, name on disk), sorted
        self._n_tries = 0

    def find(self, pattern: str, rows: Sequence[Mapping[str, str | None]], key: str) -> list[tuple[str, ...] | ValueError]:
        """Return the names that fit the pattern with each row's fields, in natural order, or the error.

        Raises:
            InputError: if a file fits two rows of different fields, whose sample it is then unknown, or the search would take too long.
        """
        found: list[tuple[str, ...] | ValueError] = []
        owner: dict[str, str] = {}
        for fields in rows:
            try:
                names = self._fitting(pattern, fields, key)
            except ValueError as error:
                found.append(error)
                continue
            found.append(names)
            shown = fill(pattern, fields)
            for name in names:
                if owner.setdefault(name, shown) != shown:
                    raise InputError(f"{key}: {name} fits {owner[name]} and {shown}, so it could be of either sample; use a pattern that "
                                     "tells them apart, or name the files in a column")
        return found

    def _fitting(self, pattern: str, fields: Mapping[str, str | None], key: str) -> tuple[str, ...]:
        filled = unicodedata.normalize("NFC", fill(pattern.replace(WILDCARD, GAP), fields))
        shown = filled.replace(GAP, WILDCARD)
        if filled.count(GAP) != pattern.count(WILDCARD):
            raise ValueError(f"{shown!r}: a field holds a null byte, which no file's name can")
        candidates = self._candidates(filled)
        self._n_tries += len(candidates)
        if self._n_tries > MAX_TRIES:
            raise InputError(f"{key}: {pattern} would take too long, as too many files begin and end like it; begin it with text or a "
                             "field that few files share, or name the files in a column")
        names = [name for composed, name in candidates if fits(filled, composed)]
        if not names:
            raise AbsentError(f"{shown}: no file of the source's folder fits it", shown)
        return tuple(sorted(names, key=lambda name: (natural_order(name), name)))

    def _candidates(self, filled: str) -> list[tuple[str, str]]:
        """Return (composed, name) of the files that begin, or of those that end, as the pattern does: whichever are fewer."""
        if self._forward is None:
            self._forward = sorted((unicodedata.normalize("NFC", name), name) for name in self._files.names())
            self._backward = sorted((composed[::-1], name) for composed, name in self._forward)
        head = _range(self._forward, filled.partition(GAP)[0])
        tail = _range(self._backward, filled.rpartition(GAP)[2][::-1])
        return head if len(head) <= len(tail) else [(composed[::-1], name) for composed, name in tail]


def _range(ordered: list[tuple[str, str]], start: str) -> list[tuple[str, str]]:
    """Return the pairs whose first member begins with `start`."""
    return ordered[bisect_left(ordered, (start, "")) : bisect_left(ordered, (start + LAST, ""))]


def fits(filled: str, name: str) -> bool:
    """Return whether a name fits a pattern whose gaps take any text, or none, within one part of a path."""
    parts, found = filled.split("/"), name.split("/")
    return len(parts) == len(found) and all(_part_fits(part, text) for part, text in zip(parts, found, strict=True))


def _part_fits(part: str, text: str) -> bool:
    first, *others = part.split(GAP)
    if not others:
        return part == text
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:  # the earliest place of each piece leaves most to those that follow
        place = text.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return text.endswith(last)


def pattern_mistake(pattern: str) -> str | None:
    """Return what is wrong with the wildcards of a pattern; None: nothing."""
    if re.search(r"\*[*{]|\}\*", pattern):
        return f"{pattern}: * is next to a field or another *, so that files of longer names fit too; put text between them"
    return None
