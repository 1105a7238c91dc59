"""Tell a person what moved: by a Prefect block, or by a webhook. What a block or an address holds is secret and reaches no message.

Import after `set_up_prefect`, because Prefect reads its settings at import.
"""

import inspect
import os
from typing import Any

import requests
from prefect.blocks.core import Block
from prefect.utilities.asyncutils import run_coro_as_sync

from stages.foundation.errors import InputError

WITHIN_S = 20
SETTING = "flow.notify"


def notify(target: str, subject: str, body: str) -> None:
    """Send a message.

    Args:
        target: `flow.notify` of params.yaml: a block, a webhook's address, or $NAME of a variable that holds one.
    Raises:
        InputError: if it could not be sent; without the address, which may hold a token anywhere.
    """
    if target.startswith("$"):
        address = os.environ.get(target[1:], "")
        if not address.startswith(("http://", "https://")):
            raise InputError(f"{SETTING}: the environment variable {target[1:]} holds no http(s) address; set it where the flow runs")
        _post(address, target, subject, body)
    elif "://" in target:
        _post(target, "the webhook", subject, body)
    else:
        _call(target, subject, body)


def _post(address: str, name: str, subject: str, body: str) -> None:
    """Post {"text": …}, which Slack, Mattermost, Teams and most receivers understand."""
    try:
        answer = requests.post(address, json={"text": f"{subject}\n\n{body}"}, timeout=WITHIN_S)
    except requests.RequestException as error:
        raise InputError(f"{SETTING}: {name} cannot be reached ({type(error).__name__}); check the address and the network") from None
    if not answer.ok:
        raise InputError(f"{SETTING}: {name} answered {answer.status_code}; check the address")


def _call(target: str, subject: str, body: str) -> None:
    """Use a block's `notify` (Slack, Teams, mail, …), or `call` (Prefect's Webhook)."""
    try:
        block: Any = Block.load(target)
    except ValueError:
        raise InputError(f"{SETTING}: Prefect has no block {target!r}; `prefect block ls` lists them, the dashboard makes one") from None
    try:
        if hasattr(block, "notify"):
            _ended(block.notify(body, subject))
        elif hasattr(block, "call"):
            _ended(block.call({"text": f"{subject}\n\n{body}"})).raise_for_status()
        else:
            raise InputError(f"{SETTING}: block {target!r} ({type(block).__name__}) sends nothing; expected one with notify or call")
    except InputError:
        raise
    except Exception as error:  # each block raises errors of its own, whose text may quote the address
        raise InputError(f"{SETTING}: block {target!r} failed ({type(error).__name__})") from None


def _ended(answer: Any) -> Any:
    """Return what a block's method returns; some are coroutines."""
    return run_coro_as_sync(answer) if inspect.isawaitable(answer) else answer
