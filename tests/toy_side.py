"""A side of a comparison that does nothing, for the tests of the benchmarks' harness."""

from collections.abc import Callable


def answering(value: int, spoil: int | None = None) -> Callable[[int], dict[str, int]]:
    """Prepare a side that answers with `value`, and for part `spoil` with another."""
    return lambda part: {"value": value + (part == spoil)}
