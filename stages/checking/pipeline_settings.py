"""Settings of the sections `publish:` and `flow:`, which pipelines read."""

import re
from collections.abc import Iterator
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, field_validator

from stages.contracts.settings import Settings
from stages.foundation.params_file import nearest


class PublishEntry(Settings):
    tracking_uri: str = Field(
        "sqlite:///mlflow.db",
        pattern=r"^[a-z][a-z0-9+]*:.+",
        description="MLflow's server, as scheme:address (sqlite:///mlflow.db, http://127.0.0.1:5000); MLFLOW_TRACKING_URI overrides it",
    )


NUMBERS = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of month 1, 2, …
NOTIFIED = re.compile(r"|https?://\S+|\$[A-Za-z_]\w*|[a-z0-9-]+/[a-z0-9-]+")
CRON_FIELDS = {"minute": 59, "hour": 23, "day": 31, "month": 12, "weekday": 7}


class FlowEntry(Settings):
    cron: str = Field("0 3 * * *", description="schedule of `make schedule`")
    timezone: str = Field("UTC", description="time zone of the cron line")
    executor: Literal["local_processes"] = Field("local_processes", description="where stages run: processes of this machine")
    workers: int = Field(2, ge=1, le=64, description="number of parallel stages")
    retries: int = Field(1, ge=0, le=10, description="retries of a failed stage")
    notify: str = Field(
        "",
        description="whom a run tells what moved since the accepted version: a Prefect block (slack-webhook/nightly), a webhook's address, "
        "or $NAME, the environment variable that holds one; empty: nobody",
    )

    @field_validator("notify")
    @classmethod
    def _block_or_webhook(cls, notify: str) -> str:
        if not NOTIFIED.fullmatch(notify):
            raise ValueError("expected <type of block>/<name>, http(s)://…, $NAME of an environment variable, or nothing")
        return notify

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str) -> str:
        if len(cron.split()) != 5:
            raise ValueError("expected five fields (minute hour day month weekday)")
        for value, (name, most) in zip(cron.split(), CRON_FIELDS.items(), strict=True):
            if value.isdigit() and int(value) > most:
                raise ValueError(f"{name} {value} is above {most}")
        _refuse_days_that_never_come(*cron.split()[2:])
        return cron

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str) -> str:
        try:
            return ZoneInfo(timezone).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # ValueError, OSError: a path, or a folder of zones
            raise ValueError(f"unknown time zone{nearest(timezone, available_timezones())}") from error


def _refuse_days_that_never_come(days: str, months: str, weekdays: str) -> None:
    """Raise ValueError if none of the months has one of the days: cron would never start, and scheduling would search for ever."""
    if weekdays == "*" and NUMBERS.fullmatch(days) and NUMBERS.fullmatch(months):
        first = min(map(int, re.findall(r"\d+", days)))
        last = max((DAYS[month] for month in _listed(months) if month < len(DAYS)), default=31)
        if first > last:
            raise ValueError(f"day {days} never comes in month {months}; L is the last day of a month")


def _listed(numbers: str) -> Iterator[int]:
    """Return the months of a list of numbers and ranges."""
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
