"""How the report writes numbers, models, modality combinations and configurations."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stages.contracts.candidate import Candidate
from stages.contracts.checked import shortened
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import Results
from stages.contracts.task import OUTPUT_NOUNS

MODEL_NAMES = {"knn": "kNN", "svm": "SVM", "mlp": "MLP"}
# what the control `constant` predicts, by form of the targets
CONSTANT_NAMES = {"classes": "majority", "labels": "majority", "continuous": "mean"}
NONE = "–"
SPACE = "\u00a0"  # no line ends at it
DIGITS = re.compile(r"([0-9]+)")
FINEST = 9  # decimals of the smallest number that is not called zero


def model_name(model: str, form: str | None = None) -> str:
    """Return how a model is written; one without an entry keeps its file's name.

    Args:
        form: of the targets; None: several forms at once.
    """
    if model == "constant":
        return CONSTANT_NAMES[form] if form else "majority or mean"
    return MODEL_NAMES.get(model, model)


def baseline_name(evaluation: Results) -> str:
    """Return "the majority baseline", or "the baselines" where there are several."""
    baselines = evaluation.baselines
    return f"the {model_name(baselines[0], evaluation.form)} baseline" if len(baselines) == 1 else "the baselines"


def outputs_name(evaluation: Results) -> str:
    """Return "3 classes", "14 labels" or "1 target"."""
    n, unit = len(evaluation.outputs), OUTPUT_NOUNS[evaluation.form]
    return f"{n} {unit}" if n != 1 else f"1 {unit.removesuffix('es' if unit == 'classes' else 's')}"


def reading_order(outputs: Sequence[str], form: str) -> list[int]:
    """Return the indices of the classes or labels in natural order (2 before 10); of targets as they are."""
    indices = list(range(len(outputs)))
    if form == "continuous" or all(DIGITS.sub("", name).strip("+-. ") == "" for name in outputs):
        return indices
    return sorted(indices, key=lambda index: [int(part) if i % 2 else part for i, part in enumerate(DIGITS.split(outputs[index]))])


def level_name(evaluation: Evaluation) -> str:
    """Return "95 %"."""
    return f"{100 * evaluation.confidence:.4g}{SPACE}%"


def averaged(evaluation: Evaluation) -> str:
    """Return what a score is of."""
    return "on the official test split" if evaluation.is_one_split else "mean over outer folds"


def outer_folds(evaluation: Evaluation) -> str:
    """Return how models were tested: "5 outer folds × 2 repeats", "3 outer folds given by the data set (a, b, c)", "5 outer folds,
    time-ordered: each trains on the past only" or "official test split".
    """
    if evaluation.is_one_split:
        return "official test split"
    repeats = f" × {evaluation.n_repeats} repeats" if evaluation.n_repeats > 1 else ""
    given = f" given by the data set ({', '.join(shortened(evaluation.fold_names))})" if evaluation.fold_names else ""
    in_time = ", time-ordered: each trains on the past only" if evaluation.time_ordered else ""
    return f"{evaluation.n_folds} outer folds{repeats}{given}{in_time}"


def inner_folds(evaluation: Evaluation) -> str:
    """Return on what configurations were chosen: "3 inner folds" or "the latest part of the training rows"."""
    return "the latest part of the training rows" if evaluation.time_ordered else f"{evaluation.n_inner_folds} inner folds"


def way_name(fusion: str) -> str:
    """Return "late, stacked" of late_stacked."""
    return fusion.replace("_", ", ")


def combination_name(candidate: Candidate, evaluation: Results) -> str:
    """Return "image + text", with the way of fusing where several ways are compared; "none" of a control that looks at no modality."""
    way = f" ({way_name(candidate.fusion)})" if evaluation.names_fusion(candidate) else ""
    return (" + ".join(candidate.modalities) or "none") + way


def candidate_name(candidate: Candidate, evaluation: Results) -> str:
    """Return "SVM · image + text", or "majority" of a control that looks at no modality."""
    name = model_name(candidate.model, evaluation.form)
    return f"{name} · {combination_name(candidate, evaluation)}" if candidate.modalities else name


def number(value: float | None) -> str:
    """Return a number with three decimals, fewer where it is large, more where it is small; a true minus sign; a dash for None."""
    return NONE if value is None else f"{value:,.{decimals(value)}f}".replace("-", "−")


def fixed(value: float | None) -> str:
    """Return a number with three decimals, however small: for shares in a table, of which only the large ones matter."""
    return NONE if value is None else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Return a difference with its sign; what is zero but for rounding has none."""
    if value is None:
        return NONE
    if abs(value) < 10**-FINEST:
        return "0.000"
    return f"{value:+,.{decimals(value)}f}".replace("-", "−")


def decimals(value: float) -> int:
    """Return how many decimals show what matters of a number: 0 of 1,234; 3 of 0.25; 5 of 0.00012."""
    size = abs(value)
    if size >= 10:
        return max(0, 3 - math.floor(math.log10(size)))
    return 3 if size >= 0.001 or size < 10**-FINEST else min(FINEST, 1 - math.floor(math.log10(size)))


def p_value(value: float | None) -> str:
    """Return a p with three digits, or "< 0.001"."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval(lo: float | None, hi: float | None) -> str:
    """Return "0.700 to 0.810"."""
    return NONE if lo is None or hi is None else f"{number(lo)} to {number(hi)}"


def with_interval(mean: float | None, lo: float | None, hi: float | None, *, write: Callable[[float | None], str] = number) -> str:
    """Return "0.717 [0.644, 0.790]", without brackets where there is no interval.

    Args:
        write: how each number is written.
    """
    return write(mean) + ("" if lo is None or hi is None else f" [{write(lo)},{SPACE}{write(hi)}]")


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return "n_neighbors 5, metric cosine"; what does not apply (null) is omitted."""
    return ", ".join(f"{name} {setting(value)}" for name, value in settings.items() if value is not None) or "nothing to choose"


def setting(value: Any) -> str:
    """Return one setting's value."""
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
