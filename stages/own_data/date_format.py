"""Dates that are written with the day or the month first, such as 31.03.2024 or 3/31/2024."""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

DateOrder = Literal["day_first", "month_first"]
WRITTEN = r"^\d{1,2}[./-]\d{1,2}[./-]\d{4}([T ]\d{1,2}:\d\d(:\d\d(\.\d{1,6})?)?)?$"
LAST_MONTH = 12


def n_written(text: pa.Array) -> int:
    """Return how many cells are dates of this form, whichever part is the month."""
    return int(pc.sum(pc.match_substring_regex(text, WRITTEN)).as_py() or 0)


def iso_dates(text: pa.Array, order: DateOrder) -> pa.Array:
    """Return the cells that are such dates as 2024-03-31, with their time; other cells are unchanged."""
    padded = pc.replace_substring_regex(text, r"^(\d)([./-])", r"0\1\2")
    padded = pc.replace_substring_regex(padded, r"^(\d\d)([./-])(\d)([./-])", r"\1\20\3\4")
    padded = pc.replace_substring_regex(padded, r"([T ])(\d):", r"\10\2:")
    day, month = (r"\1", r"\2") if order == "day_first" else (r"\2", r"\1")
    found = pc.replace_substring_regex(padded, r"^(\d\d)[./-](\d\d)[./-](\d{4})", rf"\3-{month}-{day}")
    return pc.if_else(pc.match_substring_regex(text, WRITTEN), found, text)


def possible_orders(text: pa.Array) -> list[DateOrder]:
    """Return the orders in which no cell has a month above 12."""
    written = text.filter(pc.fill_null(pc.match_substring_regex(text, WRITTEN), fill_value=False))
    months = {order: pc.max(pc.utf8_slice_codeunits(iso_dates(written, order), 5, 7).cast(pa.int32())).as_py() for order in ORDERS}
    return [order for order, latest in months.items() if latest is not None and latest <= LAST_MONTH]


ORDERS: tuple[DateOrder, ...] = ("day_first", "month_first")
