"""Numbers as people write them: decimal commas, separators of thousands, currency and percent signs, marks of missing values.

`plain_numbers` reads a column as declared. `readings` finds how a column that is not numeric as declared could be numeric, so that it is
neither taken for categories in silence nor read off by a factor of 1,000.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# marks of missing values, in lower case
MARKS = frozenset((
    "na", "n/a", "#n/a", "#na", "<na>", "n.a.", "nan", "null", "nil", "none", "-", "--", "---", "–", "—", "?", ".", "..", "missing",
    "unknown", "not available", "n.d.", "nd", "#null!", "(null)", "\\n",
))  # fmt: skip
UNIT = r"[$€£¥₹₽₩₺%]|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|kr"
BEFORE, AFTER = rf"^([+-]?)({UNIT})\s?([+-]?[\d.,].*)$", rf"^(.*[\d.,])\s?({UNIT})$"
SPACES = "[\u00a0\u202f\u2009]"  # fixed and narrow ones, between thousands
FEWEST_MARKS = 3  # cells that hold a text which is no usual mark of missing values, from which it is taken for one
FEWEST = 2  # different numbers that a numeric column has, at least
EXPLAINED = 0.9  # share of a column's cells that are numbers or marks, at least


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written. decimal: mark before the decimals. thousands: separator of groups of three digits; None: there is none."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def pattern(self) -> str:
        """The regular expression that a whole cell matches."""
        if self == PLAIN:
            return NUMBER
        decimal, digits = re.escape(self.decimal), r"\d+"
        if self.thousands is not None:
            digits = rf"(\d{{1,3}}({re.escape(self.thousands)}\d{{3}})+|\d+)"
        return rf"^[+-]?({digits}({decimal}\d*)?|{decimal}\d+)([eE][+-]?\d+)?$"

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a source that declare it."""
        decimal: dict[str, object] = {"decimal": self.decimal} if self.decimal != "." else {}
        return decimal | ({"thousands": self.thousands} if self.thousands is not None else {})

    def plain(self, text: pa.Array) -> pa.Array:
        """Return the cells that are such numbers as Python writes them, the others unchanged."""
        if self == PLAIN:
            return text
        found = text if self.thousands is None else pc.replace_substring(text, self.thousands, "")
        return pc.if_else(pc.match_substring_regex(text, self.pattern), pc.replace_substring(found, self.decimal, "."), text)


PLAIN = NumberFormat()
# the simplest first
OTHERS = tuple(NumberFormat(*marks) for marks in (",", ".,", ". ", ".'", ",.", ", ", ",'"))


@dataclass(frozen=True)
class Reading:
    """A way in which a column is numeric. marks: of missing values, with their counts, the most frequent first. example: a cell that is
    a number in no other way, and `value` the number.
    """

    number_format: NumberFormat
    marks: dict[str, int]
    n_numbers: int
    example: str
    value: str


def plain_numbers(text: pa.Array, number_format: NumberFormat) -> pa.Array:
    """Return a column of stripped text with its numbers as Python writes them: 1234.5 for "1.234,5 €", read with `number_format`.

    A unit (a currency, percent) is removed if every number has the same, as it changes nothing but the scale.
    """
    return number_format.plain(_without_unit(pc.replace_substring_regex(text, SPACES, " "), number_format))


def readings(text: pa.Array, number_format: NumberFormat) -> list[Reading]:
    """Return the ways in which a column of stripped text that is not all numbers could be numeric, those that explain most cells.

    At least EXPLAINED of its cells are then numbers or marks of missing values; a single text that all other cells hold, and is
    no slip of the pen, is such a mark, too. Of ways that read every number alike, the simplest is returned.
    """
    n_known, declared = len(text) - text.null_count, plain_numbers(text, number_format)
    found: list[Reading] = []
    seen: list[pa.Array] = []
    for candidate in dict.fromkeys((number_format, *OTHERS)):
        plain = plain_numbers(text, candidate)
        if any(plain.equals(earlier) for earlier in seen):
            continue
        seen.append(plain)
        fits = pc.fill_null(pc.match_substring_regex(plain, NUMBER), fill_value=False)
        numbers = plain.filter(fits)
        others = Counter(text.filter(pc.and_(pc.invert(fits), text.is_valid())).to_pylist())
        only = len(others) == 1 and others.total() >= FEWEST_MARKS
        marks = {mark: count for mark, count in others.most_common() if only or mark.lower() in MARKS}
        if not marks and candidate == number_format:
            continue
        if len(numbers.unique()) >= FEWEST and len(numbers) + sum(marks.values()) >= EXPLAINED * n_known:
            differs = pc.and_(fits, pc.fill_null(pc.not_equal(plain, declared), fill_value=False)).index(True).as_py()
            place = differs if differs >= 0 else fits.index(True).as_py()
            found.append(Reading(candidate, marks, len(numbers), text[place].as_py(), plain[place].as_py()))
    most = max((reading.n_numbers for reading in found), default=0)
    found = [reading for reading in found if reading.n_numbers == most]
    return found[:1] if found and found[0].number_format == number_format else found


def proposal(found: Sequence[Reading], number_format: NumberFormat, n_known: int, column: str | None) -> str:
    """Return what `readings` found in a column, with counts, and the settings of the source that declare it.

    Args:
        column: its name, if it could hold categories instead.
    """
    first = found[0]
    other = first.number_format != number_format
    missing: dict[str, object] = {"missing": list(first.marks)} if first.marks else {}
    if len(found) > 1:
        options = " or ".join(f"{_flow(reading.number_format.settings | missing)} (then it is {reading.value})" for reading in found)
    else:
        options = _flow((first.number_format.settings if other else {}) | missing)
    when = " if these are missing values" if first.marks else ""
    instead = f", or, if the column holds categories, `types: {{{column}: text}}`" if column is not None else ""
    return f"{counted(first, number_format, n_known)}; add {options} to the source{when}{instead}"


def counted(found: Reading, number_format: NumberFormat, n_known: int) -> str:
    """Return the counts of a reading: "3 of 5 cells are numbers such as '1,5', 2 are 'NA'"."""
    marked = "".join(f", {count} {'is' if count == 1 else 'are'} {mark!r}" for mark, count in list(found.marks.items())[:3])
    example = f" such as {found.example!r}" if found.number_format != number_format else ""
    return f"{found.n_numbers} of {n_known} cells are numbers{example}{marked}"


def _without_unit(text: pa.Array, number_format: NumberFormat) -> pa.Array:
    """Return the cells without their unit, if every cell with one has the same and no number is without."""
    bare = pc.replace_substring_regex(pc.replace_substring_regex(text, BEFORE, r"\1\3"), AFTER, r"\1")
    with_unit = pc.fill_null(pc.not_equal(bare, text), fill_value=False)
    if not pc.any(with_unit).as_py():
        return text
    units = pc.replace_substring_regex(pc.replace_substring_regex(text.filter(with_unit), BEFORE, r"\2"), rf"^.*[\d.,]\s?({UNIT})$", r"\1")
    alone = pc.and_(pc.match_substring_regex(text, number_format.pattern), pc.invert(with_unit))
    return text if len(units.unique()) > 1 or pc.any(alone).as_py() else bare


def _flow(settings: dict[str, object]) -> str:
    """Return settings as YAML, each in backquotes."""
    return " and ".join(f"`{key}: {json.dumps(value, ensure_ascii=False)}`" for key, value in settings.items())
