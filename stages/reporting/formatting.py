"""How the report writes numbers, models, subsets and configurations."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

MODEL_NAMES = {"knn": "kNN", "svm": "SVM", "mlp": "MLP"}
# what the constant control answers, by task
CONSTANT_NAMES = {"binary": "majority", "multiclass": "majority", "multilabel": "majority", "regression": "mean"}
UNITS = {"binary": "classes", "multiclass": "classes", "multilabel": "labels", "regression": "numbers"}
NONE = "–"
SPACE = "\u00a0"  # no line ends at it
DIGITS = re.compile(r"([0-9]+)")
FINEST = 9  # decimals of the smallest number that is not called zero


def model_name(model: str, task: str | None = None) -> str:
    """Return how a model is written; one without an entry keeps its file's name.

    Args:
        task: what the model was trained for; None: several tasks are spoken of at once.
    """
    if model == "dummy":
        return CONSTANT_NAMES[task] if task else "majority or mean"
    return MODEL_NAMES.get(model, model)


def control_name(evaluation: Mapping[str, Any]) -> str:
    """Return "the majority control", or "the controls" where there are several."""
    controls = evaluation["controls"]
    return f"the {model_name(controls[0], evaluation['task'])} control" if len(controls) == 1 else "the controls"


def metric_of(evaluation: Mapping[str, Any], name: str | None = None) -> Mapping[str, Any]:
    """Return name, title and greater_is_better of a metric; without a name, of the primary one."""
    return next(metric for metric in evaluation["metrics"] if metric["name"] == (name or evaluation["primary"]))


def outputs_name(evaluation: Mapping[str, Any]) -> str:
    """Return "3 classes", "14 labels" or "1 number"."""
    n, unit = len(evaluation["outputs"]), UNITS[evaluation["task"]]
    return f"{n} {unit}" if n != 1 else f"1 {unit.removesuffix('s')}"


def reading_order(evaluation: Mapping[str, Any]) -> list[int]:
    """Return the places of the classes or labels in the order in which a person looks for them (2 before 10); of numbers as they are."""
    names = evaluation["outputs"]
    places = list(range(len(names)))
    if evaluation["task"] == "regression" or all(DIGITS.sub("", name).strip("+-. ") == "" for name in names):
        return places
    return sorted(places, key=lambda place: [int(part) if i % 2 else part for i, part in enumerate(DIGITS.split(names[place]))])


def level_name(evaluation: Mapping[str, Any]) -> str:
    """Return "95 %"."""
    return f"{100 * evaluation['confidence']:.4g}{SPACE}%"


def is_one_split(evaluation: Mapping[str, Any]) -> bool:
    """Return whether an official test split was scored once, so that no score is a mean."""
    return bool(evaluation["n_folds"] == 1 and evaluation["n_repeats"] == 1)


def averaged(evaluation: Mapping[str, Any]) -> str:
    """Return what a score is of."""
    return "on the official test split" if is_one_split(evaluation) else "mean over outer folds"


def subset_name(subset: str) -> str:
    """Return a subset with room around its plus signs."""
    return " + ".join(subset.split("+"))


def candidate_name(candidate: Mapping[str, str], task: str | None = None) -> str:
    """Return "SVM · image + text"."""
    return f"{model_name(candidate['model'], task)} · {subset_name(candidate['subset'])}"


def number(value: float | None) -> str:
    """Return a number with three decimals, fewer where it is large, more where it is small; a true minus sign; a dash for None."""
    return NONE if value is None else f"{value:,.{decimals(value)}f}".replace("-", "−")


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


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return "n_neighbors 5, metric cosine"; what does not apply (null) is left out."""
    return ", ".join(f"{name} {setting(value)}" for name, value in settings.items() if value is not None) or "nothing to choose"


def setting(value: Any) -> str:
    """Return one setting's value."""
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
