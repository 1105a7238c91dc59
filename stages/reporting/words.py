"""How the report writes numbers, models, subsets and configurations."""

from collections.abc import Mapping, Sequence
from typing import Any

MODEL_NAMES = {"knn": "kNN", "svm": "SVM", "mlp": "MLP", "majority": "majority"}
METRIC_NAMES = {"macro_f1": "macro-F1", "log_loss": "log-loss", "roc_auc": "ROC-AUC"}
CONTROL = "majority"
NONE = "–"


def model_name(model: str) -> str:
    """Return how a model is written; a model without an entry keeps its file's name."""
    return MODEL_NAMES.get(model, model)


def metric_name(metric: str) -> str:
    """Return how a metric is written."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def subset_name(subset: str) -> str:
    """Return a subset with room around its plus signs."""
    return " + ".join(subset.split("+"))


def candidate_name(candidate: Mapping[str, str]) -> str:
    """Return "SVM · image + text"."""
    return f"{model_name(candidate['model'])} · {subset_name(candidate['subset'])}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with fixed digits and a true minus sign; a dash where it is undefined."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Return a difference with its sign; what rounds to zero has none."""
    if value is None:
        return NONE
    return "0.000" if abs(value) < 0.0005 else f"{value:+.3f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """Return a p with three digits, or "< 0.001"."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval(lo: float | None, hi: float | None, digits: int = 3) -> str:
    """Return "0.700 to 0.810"."""
    return NONE if lo is None or hi is None else f"{number(lo, digits)} to {number(hi, digits)}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return "k 5, distance l2"; what does not apply (null) is left out."""
    return ", ".join(f"{name} {setting(value)}" for name, value in settings.items() if value is not None) or "nothing to choose"


def setting(value: Any) -> str:
    """Return one setting's value."""
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
