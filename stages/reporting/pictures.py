"""The pictures of a data set as SVG files: <model>__<subset>__<name>, and its leaderboard."""

from collections.abc import Mapping
from typing import Any

from stages.reporting.figures import confusion_matrix, intervals
from stages.reporting.page import colours, control_level, ranked
from stages.reporting.svg import standalone
from stages.reporting.tuning import learning_curve, tuning_curve
from stages.reporting.words import CONTROL, candidate_name, metric_name


def pictures(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return file name (without .svg) → SVG text of every picture of a data set."""
    found = {"leaderboard": standalone(leaderboard(evaluation))}
    for model in evaluation["models"]:
        for subset in evaluation["subsets"]:
            name = f"Confusion of {candidate_name({'model': model, 'subset': subset})}"
            drawn = {"confusion": confusion_matrix(evaluation["confusion"][model][subset], evaluation["classes"], name)}
            tuned = tuning_curve(evaluation, model, subset)
            if tuned:
                drawn[tuned[0]] = tuned[1]
            learnt = learning_curve(evaluation, model, subset)
            if learnt:
                drawn["learning"] = learnt
            found |= {f"{model}__{subset}__{kind}": standalone(picture) for kind, picture in drawn.items()}
    return found


def leaderboard(evaluation: Mapping[str, Any]) -> str:
    """Return the leaderboard as dot-and-whisker rows."""
    kinds, primary = colours(evaluation), evaluation["primary"]
    rows = [
        (row["model"] if row["model"] == CONTROL else candidate_name(row), row[primary], row["lo"], row["hi"], kinds[row["model"]])
        for row in ranked(evaluation)
    ]
    return intervals(rows, x_label=f"{metric_name(primary)}, mean and interval", reference=control_level(evaluation),
                     label=f"Leaderboard of {evaluation['dataset']}")
