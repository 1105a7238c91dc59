"""What DVC shows: a flat summary with the same keys for every data set, a leaderboard and a confusion table."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def leaderboard(scores: Mapping[str, Any], metrics: Sequence[str], primary: str) -> list[dict[str, Any]]:
    """Return model × subset by falling mean of the primary metric; equals keep the order of models and subsets."""
    rows = [
        {"model": model, "subset": subset, **{metric: of_subset[metric]["mean"] for metric in metrics},
         "lo": of_subset[primary]["lo"], "hi": of_subset[primary]["hi"]}
        for model, of_model in scores.items()
        for subset, of_subset in of_model.items()
    ]
    rows.sort(key=lambda row: -row[primary])
    return [{"rank": rank, **row} for rank, row in enumerate(rows, start=1)]


def summary(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers that `dvc metrics show` and `dvc metrics diff` compare.

    The best model × subset with every metric, each model's best primary score, and how much the best fused subset gains
    over the best single modality (null where there is one modality).
    """
    primary, best = evaluation["primary"], evaluation["best"]
    winner = evaluation["scores"][best["model"]][best["subset"]]
    flat: dict[str, Any] = {"best": f"{best['model']} · {best['subset']}"}
    flat |= {metric: winner[metric]["mean"] for metric in evaluation["metrics"]}
    flat |= {f"{primary}_lo": winner[primary]["lo"], f"{primary}_hi": winner[primary]["hi"]}
    for row in reversed(evaluation["leaderboard"]):
        flat[row["model"]] = row[primary]
    fused = [row[primary] for row in evaluation["leaderboard"] if "+" in row["subset"]]
    single = [row[primary] for row in evaluation["leaderboard"] if "+" not in row["subset"]]
    rows = evaluation["rows"]
    flat |= {"rows": rows["used"], "rows_available": rows["available"]}
    flat["fusion_gain"] = max(fused) - max(single) if fused else None
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in flat.items()}


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV with a header line and \\n line ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
