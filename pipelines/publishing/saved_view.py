"""The saved view "Leaderboard" of an experiment: current runs, best first, with the columns that matter.

Without it the runs table of MLflow's dashboard shows no metric until each is picked by hand. The format is the
dashboard's own (an experiment tag that it writes when a person saves a view); a version that does not know it ignores it.
"""

import json

from stages.contracts.documents.evaluation_document import Evaluation

VIEW_ID = "leaderboard"


def leaderboard_view(evaluation: Evaluation) -> dict[str, str]:
    """Return the tag that holds the saved view."""
    primary = evaluation.primary.name
    metrics = [f"{primary}_mean", f"{primary}_lo", f"{primary}_hi", *(f"{metric.name}_mean" for metric in evaluation.metrics[1:])]
    several = any(evaluation.names_fusion(found.candidate) for found in evaluation.candidates)
    tags = ["model", "modalities", *(["fusion"] if several else [])]
    columns = [*(f"tags.`{tag}`" for tag in tags), *(f"metrics.`{metric}`" for metric in metrics), "attributes.`Models`"]
    state = {
        "searchFilter": "tags.current = 'true' and tags.kind = 'run'",
        "orderByKey": f"metrics.`{primary}_mean`",
        "orderByAsc": not evaluation.primary.greater_is_better,
        "selectedColumns": columns,
        "columnOrder": columns,
    }
    # `createdAt` must be a number; a fixed one, so that publishing again writes the same tag
    return {f"mlflow.sharedViewState.{VIEW_ID}": json.dumps({"name": "Leaderboard", "createdAt": 0, "state": json.dumps(state)})}
