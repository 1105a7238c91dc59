"""Objects that are read from files: pydantic checks their types, `contradictions` whether their parts fit together.

Mistakes are worded here in plain English, of files as of settings (stages/params.py).
"""

import reprlib
from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

MOST_NAMED = 5
AnyChecked = TypeVar("AnyChecked", bound="Checked")


class Checked(BaseModel):
    """Unknown keys are refused, and an object does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def contradictions(self) -> Iterable[str]:
        """Return in what the object contradicts itself, a line each, the key first."""
        return ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        found = list(self.contradictions())
        if found:
            raise ValueError("; ".join(shortened(found)))
        return self


def shortened(lines: Iterable[str]) -> list[str]:
    """Return the first lines or names of a message, and how many more there are."""
    found = list(lines)
    return found if len(found) <= MOST_NAMED else [*found[:MOST_NAMED], f"and {len(found) - MOST_NAMED} more"]


def checked(kind: type[AnyChecked], text: str | bytes) -> tuple[AnyChecked | None, list[str]]:
    """Return the object in a JSON text; None and what is wrong with it, a line each, if it is not such an object."""
    try:
        # as JSON: strict about types (`true` is no number, "3" neither), and a list may still become a tuple
        return kind.model_validate_json(text, strict=True), []
    except ValidationError as error:
        return None, described(error)


def described(error: ValidationError) -> list[str]:
    """Return pydantic's errors in plain English, a line each: `scores.0: expected a number, found 'x'`."""
    lines = []
    for place, items in by_place(error.errors()).items():
        kind, found = items[0]["type"], f", found {reprlib.repr(items[0]['input'])}"
        text = wanted(items) + ("" if kind in PLAIN or kind == "value_error" else found)
        lines.append(f"{'.'.join(place)}: {text}" if place else text)
    return lines


def by_place(errors: Sequence[Any]) -> dict[tuple[str, ...], list[Any]]:
    """Return pydantic's errors by their location; the branches of a union share one."""
    found: dict[tuple[str, ...], list[Any]] = {}
    for item in errors:
        found.setdefault(tuple(str(part) for part in item["loc"] if not _is_union_branch(part)), []).append(item)
    # a list with a wrong entry also counts as too short: report the entry only
    outer = {place[:depth] for place in found for depth in range(len(place))}
    return {place: items for place, items in found.items() if place not in outer}


def wanted(items: Sequence[Any]) -> str:
    """Return what the errors of one location expected."""
    first = items[0]
    if first["type"] in EXPECTED:
        return "expected " + " or ".join(dict.fromkeys(EXPECTED[item["type"]].format(**item.get("ctx", {})) for item in items))
    if first["type"] in PLAIN:
        return PLAIN[first["type"]].format(**first.get("ctx", {}))
    return str(first["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")


# pydantic's types of error → message; {…} is filled from the error's context
PLAIN = {"missing": "missing", "extra_forbidden": "unknown key", "json_invalid": "not JSON ({error})"}
EXPECTED = {
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}


def _is_union_branch(part: Any) -> bool:
    # pydantic names the branch of a union in its location ("int", "literal['all']", "TargetEntry"), which a user need not see
    known = {"int", "constrained-int", "float", "str", "bool", "none"}
    return isinstance(part, str) and (part in known or "[" in part or part.endswith("Entry"))
