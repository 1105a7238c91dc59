"""Types of numbers in documents that hold their range, and checks of numbers that belong together.

What is computed is rounded: a share of 1 + 1e-16 is one. An undefined number is null, and no range refuses it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from stages.contracts.document import Document, Number, defined

ROUNDING = 1e-9  # of sums and means of the numbers that are compared, as a share of their size
SUMS = 1e-6  # the same, of sums in another order over many rows


def _in_range(least: float, most: float, what: str) -> Callable[[float], float]:
    def check(value: float) -> float:
        if not least - ROUNDING <= value <= most + ROUNDING:  # so that NaN is refused too
            raise ValueError(f"expected {what}, found {value:g}")
        return value

    return check


Count = Annotated[int, Field(ge=0)]
CountFromOne = Annotated[int, Field(ge=1)]
Share = Annotated[float, AfterValidator(_in_range(0, 1, "a share from 0 to 1")), Field(json_schema_extra={"minimum": 0, "maximum": 1})]
NonNegative = Annotated[float, AfterValidator(_in_range(0, math.inf, "0 or more")), Field(json_schema_extra={"minimum": 0})]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Level = Annotated[float, Field(gt=0, lt=1)]  # of confidence
TrainedShare = Annotated[float, Field(gt=0, le=1)]  # of training rows: of none nothing is trained
# null where undefined
MaybeShare = Annotated[Share | None, BeforeValidator(defined)]
MaybeNonNegative = Annotated[NonNegative | None, BeforeValidator(defined)]


class Interval(Document):
    """The ends of an interval; null where they are undefined."""

    lo: Number
    hi: Number

    def contradictions(self) -> Iterable[str]:
        if is_above(self.lo, self.hi):
            yield f"lo: expected at most hi, {self.hi:g}, found {self.lo:g}"

    def around(self, value: float | None, name: str) -> Iterable[str]:
        """Return that the value called `name` is outside, a line, if it is."""
        if is_above(self.lo, value) or is_above(value, self.hi):
            yield f"{name}: expected from lo to hi, {_text(self.lo)} to {_text(self.hi)}, found {_text(value)}"


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:g}"


def is_above(a: float | None, b: float | None) -> bool:
    """Return whether a is above b by more than rounding; an undefined one (None) is not."""
    return a is not None and b is not None and a > b and not agree(a, b)


def agree(a: float | None, b: float | None, rounding: float = ROUNDING) -> bool:
    """Return whether two numbers are equal up to rounding, or undefined (None), either of them."""
    return a is None or b is None or math.isclose(a, b, rel_tol=rounding, abs_tol=rounding)


def mean_mistakes(key: str, mean: float | None, values: Sequence[float | None]) -> Iterable[str]:
    """Return that a mean is not that of the defined values, a line, if it is not; of no defined value it is undefined."""
    known = [value for value in values if value is not None]
    if not known:
        if mean is not None:
            yield f"{key}: expected null, as no value is defined, found {mean:g}"
    elif mean is None or not agree(mean, math.fsum(known) / len(known)):
        yield f"{key}: expected {math.fsum(known) / len(known):g}, the mean of the defined values, found {_text(mean)}"


def corrected_mistakes(p: float | None, p_corrected: float | None) -> Iterable[str]:
    """Return that a corrected p is below the p that it corrects, a line, if it is."""
    if is_above(p, p_corrected):
        yield f"p_corrected: expected p, {p:g}, or more, found {p_corrected:g}"


def repeated(names: Iterable[object]) -> list[object]:
    """Return what stands there more than once, in its order."""
    found = list(names)
    return [name for name in dict.fromkeys(found) if found.count(name) > 1]
