"""What the report says of how far probabilities can be believed."""

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.reliability_curve import Reliability
from stages.reporting.formatting import candidate_name, interval, number

ONE_SIDED = 0.25  # of the shown error, at most, lies on the other side where one is named


def reliability_sentence(evaluation: Evaluation, found: Reliability) -> str:
    """Return whether probabilities hold, by the interval of the calibration error, and where they hold least."""
    worst = max(found.bins, key=lambda one: one.rows * abs(one.held - one.stated))
    example = f"where it states {number(worst.stated)}, {number(worst.held)} {holding(evaluation)}"
    if found.lo is None:
        return f"Calibration error {number(found.ece)}; {example}. Too few groups of rows tell how much of it is chance."
    by_chance = f"a calibrated model would show {number(found.ece_by_chance)} by chance"
    if found.lo == 0:
        return f"Probabilities are not shown to be wrong: calibration error {number(found.ece)}, and {by_chance} on these rows."
    bias = found.stated - found.held
    above, below = _shown_errors(found)
    with_it, against = (above, below) if bias > 0 else (below, above)
    one_sided = 2 * abs(bias) >= found.ece and against <= ONE_SIDED * with_it
    high, low = ("too high", "too low") if evaluation.form == "labels" else ("over-confident", "under-confident")
    side = (high if bias > 0 else low) if one_sided else "too high in places and too low in others"
    return (f"Probabilities are {side}: {example}. Calibration error {number(found.ece)}, without chance {number(found.ece_corrected)} "
            f"({interval(found.lo, found.hi)}).")


def _shown_errors(found: Reliability) -> tuple[float, float]:
    """Return Σ rows · |held − stated| of the bins that are shown to state too much, and of those that are shown to state too little."""
    bins = [(one.rows * abs(one.held - one.stated), one.stated, one.lo, one.hi) for one in found.bins]
    above = sum(error for error, stated, _, hi in bins if hi is not None and hi < stated)
    below = sum(error for error, stated, lo, _ in bins if lo is not None and lo > stated)
    return above, below


def reliability_finding(evaluation: Evaluation) -> str:
    """Return the sentence on the best candidate's probabilities, if they are shown to be wrong."""
    found = evaluation.result(evaluation.best).reliability
    if found is None or not found.lo:
        return ""
    sentence = reliability_sentence(evaluation, found)
    return f"{candidate_name(evaluation.best, evaluation)}: {sentence[0].lower()}{sentence[1:]}"


def holding(evaluation: Evaluation) -> str:
    """Return the verb of what was stated: "are right" of a class, "hold" of labels."""
    return "hold" if evaluation.form == "labels" else "are right"
