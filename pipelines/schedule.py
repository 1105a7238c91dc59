"""`make schedule`: serve the flow on the cron line of params.yaml, with its own Prefect server and dashboard, until stopped.

The alternative is `prefect.yaml`: a deployment to a work pool on an existing Prefect server.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from pipelines.orchestration.environment import set_up_prefect

set_up_prefect()  # before Prefect is imported: it reads its settings at import

from prefect.client.orchestration import PrefectClient, get_client  # noqa: E402
from prefect.client.schemas.filters import (  # noqa: E402
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, FlowRun, StateType  # noqa: E402
from prefect.client.schemas.sorting import FlowRunSort  # noqa: E402
from prefect.runner import Runner  # noqa: E402
from prefect.schedules import Cron  # noqa: E402
from prefect.server.schemas.schedules import CronSchedule  # noqa: E402
from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: E402

from pipelines.flow import sensorium  # noqa: E402
from pipelines.orchestration.server import DEFAULT_PORT, running  # noqa: E402
from pipelines.orchestration.zombie_runs import close_zombie_runs  # noqa: E402
from stages.checking.check_params import checked_params  # noqa: E402
from stages.checking.pipeline_settings import FlowEntry  # noqa: E402
from stages.foundation.errors import InputError, machine_errors  # noqa: E402
from stages.foundation.params_file import PARAMS, section  # noqa: E402
from stages.foundation.plain_output import plain_output  # noqa: E402

NAME = "schedule"
SCHEDULED_WITHIN_S = 60
# A run that is due while another one is running is dropped: the next run covers all changes.
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the flow on the cron line of params.yaml until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.schedule", description=main.__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the dashboard; default: %(default)s")
    port = parser.parse_args(arguments).port
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # during the start: also end the server
    try:
        settings: FlowEntry = section(checked_params(), "flow", FlowEntry)
        next_run(settings, datetime.now(UTC))  # an invalid cron line is reported before a server starts
        print("starting Prefect's server …", flush=True)
        with machine_errors(), running(port=port, schedules=True) as url, temporary_settings({PREFECT_API_URL: f"{url}/api"}):
            print(f"dashboard: {url}; Ctrl-C ends the schedule", flush=True)
            close_zombie_runs(sensorium.name, started_only=False)
            asyncio.run(serve(settings))
            close_zombie_runs(sensorium.name, started_only=False)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        pass
    print("schedule stopped", flush=True)
    return 0


async def serve(settings: FlowEntry) -> None:
    """Start the flow whenever it is due, until SIGINT or SIGTERM, which end a running flow."""
    runner = Runner(name=NAME, pause_on_shutdown=True)
    due = Cron(settings.cron, timezone=settings.timezone)
    deployment = await runner.aadd_deployment(await sensorium.ato_deployment(NAME, schedule=due, concurrency_limit=ONE_AT_A_TIME))
    serving = asyncio.create_task(runner.start())
    await asyncio.sleep(0)
    # Replaces the runner's handler, which does not stop it (3.8.8: a coroutine that is never awaited).
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    announcing = asyncio.create_task(announce(deployment, settings))
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    announcing.cancel()


async def announce(deployment: UUID, settings: FlowEntry) -> None:
    """Print the next run that Prefect's server holds: its scheduler makes the runs, some seconds after a deployment."""
    line = f"no run is scheduled within {SCHEDULED_WITHIN_S} s; the dashboard and .prefect/server.log show why"
    async with get_client() as client:
        for _ in range(SCHEDULED_WITHIN_S):
            run = await scheduled_run(client, deployment)
            if run and run.expected_start_time:
                when = run.expected_start_time.astimezone(ZoneInfo(settings.timezone))
                line = f"next run: {when:%A %Y-%m-%d %H:%M %Z} ({settings.cron}), {run.name}"
                break
            await asyncio.sleep(1)
    print(line, flush=True)


async def scheduled_run(client: PrefectClient, deployment: UUID) -> FlowRun | None:
    """Return the first run of a deployment that is due, None if the server holds none."""
    is_scheduled = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
    runs = await client.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
                                       flow_run_filter=is_scheduled, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=1)
    return runs[0] if runs else None


def next_run(settings: FlowEntry, now: datetime) -> datetime:
    """Return the next time of the cron line after `now`.

    Raises:
        InputError: if the cron line or its time zone is not valid.
    """
    try:
        return asyncio.run(CronSchedule(cron=settings.cron, timezone=settings.timezone).get_dates(1, start=now))[0]
    except ValueError as error:
        raise InputError(f"{PARAMS}: flow: cannot schedule cron {settings.cron!r} in time zone {settings.timezone!r}; expected five "
                         "fields, such as '0 3 * * *' (every night at three), and a name such as Europe/Vienna") from error


if __name__ == "__main__":
    sys.exit(main())
