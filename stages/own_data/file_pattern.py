"""Patterns of file names with fields in braces, such as `{digit}_{speaker}_{index}.wav`: match names, fill in fields."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stages.own_data.absent import AbsentError

FIELD = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[^\W\d]\w*")
MAX_FIELDS = 50
MAX_STEPS = 20_000  # tries for one name, most of which take as many as there are fields


class TooManyWaysError(Exception):
    """A name could fit a pattern in so many ways that MAX_STEPS tries do not find out whether it does."""


@dataclass(frozen=True)
class Pattern:
    """A pattern: its fields, in order of first appearance; the text before the first one; every field with the text after it."""

    text: str
    fields: tuple[str, ...]
    start: str
    parts: tuple[tuple[str, str], ...]

    def match(self, name: str) -> dict[str, str] | None:
        """Return the fields of a name, or None if it does not match.

        Raises:
            ValueError: if it matches in two ways.
            TooManyWaysError: if that would take too long to find out.
        """
        shortest, longest = (self._values(name, longest=way) for way in (False, True))
        if shortest is None or longest is None:
            return None
        if shortest != longest:
            raise ValueError(f"{name}: fits {self.text} in two ways ({_listed(shortest)} or {_listed(longest)})")
        return shortest

    def _values(self, name: str, *, longest: bool) -> dict[str, str] | None:
        """Return the fields of a name, the first one as short (or long) as possible, then the second, …; None if it does not match.

        A regular expression would find the same, but names of many separators can take it years.
        """
        steps = itertools.count(1)

        def ways(part: int, start: int, found: dict[str, str]) -> Iterator[dict[str, str]]:
            if part == len(self.parts):
                if start == len(name):
                    yield found
                return
            field, after = self.parts[part]
            for end in self._ends(name, part, start, found, longest=longest):
                if next(steps) > MAX_STEPS:
                    raise TooManyWaysError(f"{name} could fit {self.text} in too many ways; use fewer fields, or other text between them")
                yield from ways(part + 1, end + len(after), {**found, field: name[start:end]})

        return next(ways(0, len(self.start), {}), None) if name.startswith(self.start) else None

    def _ends(self, name: str, part: int, start: int, found: Mapping[str, str], *, longest: bool) -> Iterator[int]:
        """Yield the places where the field of a part can end if it begins at `start`, the nearest (or farthest) first."""
        field, after = self.parts[part]
        slash = name.find("/", start)
        first, last = start + 1, slash if slash >= 0 else len(name)
        if field in found:
            first = last = min(last, start + len(found[field])) if name.startswith(found[field], start) else -1
        if part == len(self.parts) - 1:
            first = max(first, len(name) - len(after))
        end = _next_to(name, after, first, last, longest=longest)
        while end >= 0:
            yield end
            end = _next_to(name, after, first, end - 1, longest=True) if longest else _next_to(name, after, end + 1, last, longest=False)


def _next_to(name: str, after: str, first: int, last: int, *, longest: bool) -> int:
    """Return the first (or last) place from `first` to `last` where `after` stands in a name; -1 if there is none."""
    if not 0 <= first <= last:
        return -1
    return (name.rfind if longest else name.find)(after, first, last + len(after))


def parse_pattern(text: str) -> Pattern:
    """Return the pattern. A field does not match /; a field that occurs twice matches the same text.

    Raises:
        ValueError: if a brace is not closed, a field's name is not valid, two fields are adjacent, or there are too many.
    """
    pieces = FIELD.split(text)  # text, field, text, field, …, text
    names, literals = pieces[1::2], pieces[::2]
    for name, before in zip(names, ["start", *literals[1:]], strict=False):
        if not NAME.fullmatch(name):
            raise ValueError(f"{text}: {{{name}}} is not a field name; use letters, digits and _")
        if not before:
            raise ValueError(f"{text}: two fields are adjacent before {{{name}}}; put text between them")
    if any(brace in literal for literal in literals for brace in "{}"):
        raise ValueError(f"{text}: a brace is not closed")
    if len(names) > MAX_FIELDS:
        raise ValueError(f"{text[:80]}…: {len(names)} fields; expected at most {MAX_FIELDS}")
    return Pattern(text, tuple(dict.fromkeys(names)), literals[0], tuple(zip(names, literals[1:], strict=True)))


def fill(text: str, values: Mapping[str, str | None]) -> str:
    """Return the pattern with its fields filled in; raise AbsentError where one is empty."""

    def one(field: re.Match[str]) -> str:
        value = values[field[1]]
        if not value:
            raise AbsentError(f"{text}: {field[1]!r} is empty in this row, so no file is named")
        return value

    return FIELD.sub(one, text)


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
