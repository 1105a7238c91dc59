"""Patterns of file names with fields in braces, such as `{digit}_{speaker}_{index}.wav`: match names, fill in fields."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

FIELD = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Pattern:
    """A pattern: its fields, in order of first appearance, and two regular expressions (lazy and greedy) for names."""

    text: str
    fields: tuple[str, ...]
    lazy: re.Pattern[str]
    greedy: re.Pattern[str]

    def match(self, name: str) -> dict[str, str] | None:
        """Return the fields of a name, or None if it does not match; raise ValueError if it matches in two ways."""
        lazy = self.lazy.fullmatch(name)
        greedy = self.greedy.fullmatch(name)
        if lazy is None or greedy is None:
            return None
        if lazy.groupdict() != greedy.groupdict():
            raise ValueError(f"{name}: fits {self.text} in two ways ({_listed(lazy)} or {_listed(greedy)})")
        return lazy.groupdict()


def parse_pattern(text: str) -> Pattern:
    """Return the pattern. A field does not match /; a field that occurs twice matches the same text.

    Raises:
        ValueError: if a brace is not closed, a field's name is not valid, or two fields are adjacent.
    """
    fields: list[str] = []
    forms = {"+?": "", "+": ""}
    for form in forms:
        fields, expression, end = [], "", 0
        for field in FIELD.finditer(text):
            literal, name = text[end : field.start()], field[1]
            if not NAME.fullmatch(name):
                raise ValueError(f"{text}: {{{name}}} is not a field name; use letters, digits and _")
            if fields and not literal:
                raise ValueError(f"{text}: two fields are adjacent before {{{name}}}; put text between them")
            expression += re.escape(literal) + (f"(?P={name})" if name in fields else f"(?P<{name}>[^/]{form})")
            end = field.end()
            fields += [name] * (name not in fields)
        forms[form] = expression + re.escape(text[end:])
    if "{" in FIELD.sub("", text) or "}" in FIELD.sub("", text):
        raise ValueError(f"{text}: a brace is not closed")
    return Pattern(text, tuple(fields), re.compile(forms["+?"]), re.compile(forms["+"]))


def fill(text: str, values: Mapping[str, str | None]) -> str:
    """Return the pattern with its fields filled in; raise ValueError where one is empty."""

    def one(field: re.Match[str]) -> str:
        value = values[field[1]]
        if not value:
            raise ValueError(f"{text}: {field[1]!r} is empty in this row, so no file is named")
        return value

    return FIELD.sub(one, text)


def _listed(match: re.Match[str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in match.groupdict().items())
