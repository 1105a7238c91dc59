"""How the findings write differences: by how much a is better than b, and what would have been shown."""

from collections.abc import Sequence

from stages.contracts.documents.results_document import Comparison, Results
from stages.reporting.formatting import SPACE, number, signed


def gain(test: Comparison, evaluation: Results) -> float | None:
    """Return by how much a is better than b: the difference, with its sign turned where less is better."""
    if test.difference is None:
        return None
    return test.difference if evaluation.metric(test.metric).greater_is_better else -test.difference


def gains(tests: Sequence[Comparison], evaluation: Results) -> str:
    """Return "+0.033" or "+0.033 to +0.120"."""
    known = sorted(found for test in tests if (found := gain(test, evaluation)) is not None)
    ends = list(dict.fromkeys(signed(end) for end in (known[0], known[-1]))) if known else ["nothing known"]
    return " to ".join(ends)


def would_show(tests: Sequence[Comparison], evaluation: Results) -> str:
    """Return " (+0.012; 0.035 would have been shown with 80 %)", of the least sensitive of the tests; "" where nothing is known.

    A test that tells how many rows are needed but no difference would have shown none that there can be.
    """
    if any(test.detectable is None and test.rows_needed is not None for test in tests):
        return f" ({gains(tests, evaluation)}; no difference that can be would have been shown with 80{SPACE}%)"
    detectable = [test.detectable for test in tests if test.detectable is not None]
    if not detectable:
        return ""
    return f" ({gains(tests, evaluation)}; {number(max(detectable))} would have been shown with 80{SPACE}%)"
