"""The saved view "Leaderboard" of an experiment: current runs in the order of the report, with the columns that matter.

Without it the runs table of MLflow's dashboard shows no score until each is picked by hand. The format is the
dashboard's own (an experiment tag that it writes when a person saves a view); a version that does not know it ignores it.
"""

import json
from collections.abc import Mapping

from pipelines.publishing.costs import COST
from pipelines.publishing.leaderboard_tags import DIFFERENCE, RANK, SCORE, VERDICT

VIEW_ID = "leaderboard"
NAME, DATE = "attributes.`Run Name`", "runDateAndNestInfo"  # always shown, always first
# px, by name of a tag: all of them next to the run's name in a window of 1,440 px, also while MLflow's assistant takes a quarter of it
WIDTHS = {RANK: 48, SCORE: 152, DIFFERENCE: 160, VERDICT: 78, COST: 84}


def leaderboard_view() -> dict[str, str]:
    """Return the tag that holds the saved view of a data set's runs."""
    return saved_view("Leaderboard", WIDTHS, f"tags.{RANK} != ''", order=RANK, name_width=190)


def saved_view(title: str, widths: Mapping[str, int], kept: str, *, order: str, name_width: int) -> dict[str, str]:
    """Return the tag that holds a saved view of the current runs.

    Args:
        widths: px of each column, by the name of its tag. kept: a further condition. order: the tag that the runs are sorted by.
    """
    columns = {f"tags.`{tag}`": width for tag, width in widths.items()}
    state = {
        "searchFilter": f"tags.current = 'true' and {kept}",
        "orderByKey": f"tags.`{order}`",
        "orderByAsc": True,
        "selectedColumns": list(columns),
        "columnOrder": [NAME, DATE, *columns],
        "columnWidths": {NAME: name_width, DATE: 40, **columns},
    }
    # `createdAt` must be a number; a fixed one, so that publishing again writes the same tag
    return {f"mlflow.sharedViewState.{VIEW_ID}": json.dumps({"name": title, "createdAt": 0, "state": json.dumps(state)})}
