"""Close the records of flow runs whose process was killed.

To Prefect such a run goes on for ever; a scheduled one also keeps the only slot, so that every later one would be cancelled.
"""

import contextlib

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from stages.foundation.errors import InputError
from stages.foundation.lease import held


def close_zombie_runs(flow_name: str, *, started_only: bool) -> int:
    """Return how many runs of a flow were closed as crashed.

    Call it where the server is the workspace's own. Nothing is closed while another run has the workspace: then one of them lives.

    Args:
        started_only: leave those alone that are about to start, because what starts them may be alive.
    """
    with contextlib.suppress(InputError), held("closing the records of killed runs"), get_client(sync_client=True) as client:
        types = [StateType.RUNNING, StateType.CANCELLING, *([] if started_only else [StateType.PENDING])]
        states = FlowRunFilterState(type=FlowRunFilterStateType(any_=types))
        flows = FlowFilter(name=FlowFilterName(any_=[flow_name]))
        runs = client.read_flow_runs(flow_filter=flows, flow_run_filter=FlowRunFilter(state=states))
        for run in runs:
            client.set_flow_run_state(run.id, Crashed(message="its process was killed"))
        return len(runs)
    return 0
