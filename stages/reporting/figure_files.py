"""The pictures of a data set as SVG files: <model>__<subset>__<name>, and its leaderboard."""

from collections.abc import Mapping
from typing import Any

from stages.reporting.figures import intervals
from stages.reporting.formatting import candidate_name, model_name
from stages.reporting.prediction_figures import answer_pictures, primary_title
from stages.reporting.report_page import colours, control_level, ranked
from stages.reporting.svg import standalone
from stages.reporting.tuning_figures import learning_curve, tuning_curve


def pictures(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return file name (without .svg) → SVG text of every picture of a data set."""
    found = {"leaderboard": standalone(leaderboard(evaluation))}
    for model in evaluation["models"]:
        for subset in evaluation["subsets"]:
            drawn = {picture.kind: picture.drawn for picture in answer_pictures(evaluation, model, subset)}
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
    task, controls = evaluation["task"], evaluation["controls"]
    rows = [
        (model_name(row["model"], task) if row["model"] in controls else candidate_name(row, task), row[primary], row["lo"], row["hi"],
         kinds[row["model"]])
        for row in ranked(evaluation) if row[primary] is not None
    ]
    return intervals(rows, x_label=f"{primary_title(evaluation)}, mean and interval", reference=control_level(evaluation),
                     label=f"Leaderboard of {evaluation['dataset']}")
