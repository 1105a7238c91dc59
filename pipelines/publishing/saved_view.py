"""The saved view "Leaderboard" of an experiment: current runs, best first, with the columns that matter.

Without it the runs table of MLflow's dashboard shows no metric until each is picked by hand. The format is the
dashboard's own (an experiment tag that it writes when a person saves a view); a version that does not know it ignores it.
"""

import json
from collections.abc import Mapping
from typing import Any

VIEW_ID = "leaderboard"


def leaderboard_view(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return the tag that holds the saved view."""
    primary = evaluation["primary"]
    metrics = [f"{primary}_mean", f"{primary}_lo", f"{primary}_hi", *(f"{m['name']}_mean" for m in evaluation["metrics"][1:])]
    columns = [*(f"tags.`{tag}`" for tag in ("model", "subset")), *(f"metrics.`{metric}`" for metric in metrics), "attributes.`Models`"]
    state = {
        "searchFilter": "tags.current = 'true' and tags.kind = 'run'",
        "orderByKey": f"metrics.`{primary}_mean`",
        "orderByAsc": not evaluation["metrics"][0]["greater_is_better"],
        "selectedColumns": columns,
        "columnOrder": columns,
    }
    # `createdAt` must be a number; a fixed one, so that publishing again writes the same tag
    return {f"mlflow.sharedViewState.{VIEW_ID}": json.dumps({"name": "Leaderboard", "createdAt": 0, "state": json.dumps(state)})}
