"""Close zombie runs: flow runs whose process was killed.

In Prefect such a run stays in state Running forever; a scheduled one also keeps the only slot, so that every later run would be cancelled.
"""

import contextlib

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from stages.foundation.errors import InputError
from stages.foundation.lease import held


def close_zombie_runs(flow_name: str, *, started_only: bool) -> int:
    """Return the number of runs of a flow that were closed as crashed.

    Only for the workspace's own server. Nothing is closed while another run holds the workspace, because it is one of them.

    Args:
        started_only: keep pending runs, whose scheduler may be running.
    """
    with contextlib.suppress(InputError), held("closing zombie runs"), get_client(sync_client=True) as client:
        types = [StateType.RUNNING, StateType.CANCELLING, *([] if started_only else [StateType.PENDING])]
        states = FlowRunFilterState(type=FlowRunFilterStateType(any_=types))
        flows = FlowFilter(name=FlowFilterName(any_=[flow_name]))
        runs = client.read_flow_runs(flow_filter=flows, flow_run_filter=FlowRunFilter(state=states))
        for run in runs:
            client.set_flow_run_state(run.id, Crashed(message="its process was killed"))
        return len(runs)
    return 0
