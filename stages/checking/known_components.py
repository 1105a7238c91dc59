"""Look up components that params.yaml names."""

from typing import Any

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest
from stages.foundation.registry import component, names


def known(kind: str, name: str, key: str) -> Any:
    """Return a component; the error for an unknown name has the key of params.yaml."""
    refuse_unknown(name, names(kind), key, f"file under stages/{kind}/ for")
    return component(kind, name)


def refuse_unknown(name: Any, choices: Any, key: str, what: str) -> None:
    """Raise InputError if `name` is not among `choices`."""
    if name not in choices:
        raise InputError(f"{PARAMS}: {key}: no {what} {name!r}{nearest(str(name), choices)}; there are: {', '.join(map(str, choices))}")
