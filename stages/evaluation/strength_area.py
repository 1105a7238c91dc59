"""How much of a clean score is kept under a corruption, and over all its strengths: scores and errors by one measure, 1 if nothing is lost.

```text
kept(s)  score(s) / score(0)   of scores, of which more is better
         error(0) / error(s)   of errors: twice the error keeps one half
area     ∫ kept(s) ds / S      from s = 0, where kept is 1, to the largest strength S, by the trapezoid rule
```
A ratio to a clean score that is no positive number (an R² of 0 or less) says nothing, so there is none.

Source: Hendrycks & Dietterich 2019, ICLR, arXiv:1903.12261 (errors relative to a reference, mean over severities). Differs: relative to the
same candidate's clean score, over the strengths' own unit.
"""

from collections.abc import Sequence

import numpy as np


def kept_share(score: float, clean: float, *, greater_is_better: bool) -> float:
    """Return which share of the clean score is kept; NaN where the clean score, or an error under a condition, is not above 0."""
    above, below = (score, clean) if greater_is_better else (clean, score)
    if not clean > 0 or not below > 0:
        return float("nan")
    return above / below


def area_kept(strengths: Sequence[float], scores: Sequence[float], clean: float, *, greater_is_better: bool) -> float:
    """Return the mean share of the clean score that is kept from strength 0 to the largest; NaN where one is undefined.

    Args:
        strengths: above 0, ascending. scores: at each of them.
    """
    kept = [kept_share(score, clean, greater_is_better=greater_is_better) for score in (clean, *scores)]
    return float(np.trapezoid(kept, [0.0, *strengths]) / strengths[-1])
