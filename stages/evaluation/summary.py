"""What DVC shows: a flat summary with the same keys for every data set, a leaderboard and a confusion table."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stages.contracts.metric import Metric
from stages.evaluation.scores import goodness


def leaderboard(scores: Mapping[str, Any], metrics: Mapping[str, Metric], primary: str) -> list[dict[str, Any]]:
    """Return model × subset, the best mean of the primary metric first; equals keep the order of models and subsets."""
    rows = [
        {"model": model, "subset": subset, **{metric: of_subset[metric]["mean"] for metric in metrics},
         "lo": of_subset[primary]["lo"], "hi": of_subset[primary]["hi"]}
        for model, of_model in scores.items()
        for subset, of_subset in of_model.items()
    ]
    rows.sort(key=lambda row: -goodness(row[primary], metrics[primary]))
    return [{"rank": rank, **row} for rank, row in enumerate(rows, start=1)]


def summary(evaluation: Mapping[str, Any], metric: Metric) -> dict[str, Any]:
    """Return the numbers that `dvc metrics show` and `dvc metrics diff` compare; null where there is none.

    score, lo, hi: of the best model and subset on the primary `metric`, which they name; control: the best control's mean; each
    model's best mean under its name; fusion_gain: how far the best fused subset is ahead of the best single modality, positive
    where fusing is better whatever the metric.
    """
    primary, board, best = evaluation["primary"], evaluation["leaderboard"], evaluation["leaderboard"][0]
    of_model = {row["model"]: row[primary] for row in reversed(board)}
    controls = [row[primary] for row in board if row["model"] in evaluation["controls"]]
    fused = [goodness(row[primary], metric) for row in board if "+" in row["subset"]]
    single = [goodness(row[primary], metric) for row in board if "+" not in row["subset"]]
    flat = of_model | {
        "best": f"{best['model']} · {best['subset']}",
        "metric": primary,
        "score": best[primary],
        "lo": best["lo"],
        "hi": best["hi"],
        "control": controls[0] if controls else None,
        "fusion_gain": max(fused) - max(single) if fused else None,
        "rows": evaluation["rows"]["used"],
        "rows_available": evaluation["rows"]["available"],
        "quarantined": evaluation["quarantined"]["share"],
    }
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in flat.items()}


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV with a header line and \\n line ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
