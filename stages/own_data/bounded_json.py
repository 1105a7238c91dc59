"""JSON whose reader names what is too large in it, where Python's own fails with advice for programmers."""

import json
from collections.abc import Callable
from typing import Any

MAX_DIGITS = 100  # of an integer; 64 bits have 19


def load_json(text: str, make_object: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Return the value of a JSON text.

    Args:
        make_object: makes an object of its keys and values; default: a dict.
    Raises:
        ValueError: if it is not JSON, nested too deeply, or has an integer of too many digits.
    """
    try:
        return json.loads(text, object_pairs_hook=make_object, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(digits):,} digits; expected at most {MAX_DIGITS}")
    return int(digits)
