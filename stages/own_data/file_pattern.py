"""Names of files with fields in braces: `{digit}_{speaker}_{index}.wav`, read from names or written into them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

FIELD = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Pattern:
    """A pattern of names: its fields, in order of first appearance, and a regular expression that takes as little (or much) as it can."""

    text: str
    fields: tuple[str, ...]
    lazy: re.Pattern[str]
    greedy: re.Pattern[str]

    def match(self, name: str) -> dict[str, str] | None:
        """Return the fields of a name, or None if it does not fit; raise ValueError if it fits in two ways."""
        little = self.lazy.fullmatch(name)
        much = self.greedy.fullmatch(name)
        if little is None or much is None:
            return None
        if little.groupdict() != much.groupdict():
            raise ValueError(f"{name}: fits {self.text} in two ways ({_told(little)} or {_told(much)})")
        return little.groupdict()


def parse_pattern(text: str) -> Pattern:
    """Return the pattern; a field matches within one part of the path, and one that stands twice is the same text.

    Raises:
        ValueError: if a brace is open, a field has no proper name, or two fields touch.
    """
    fields: list[str] = []
    forms = {"+?": "", "+": ""}
    for form in forms:
        fields, expression, end = [], "", 0
        for field in FIELD.finditer(text):
            literal, name = text[end : field.start()], field[1]
            if not NAME.fullmatch(name):
                raise ValueError(f"{text}: {{{name}}} is no field's name; use letters, digits and _")
            if fields and not literal:
                raise ValueError(f"{text}: two fields touch before {{{name}}}, so nothing says where one ends")
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


def _told(match: re.Match[str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in match.groupdict().items())
