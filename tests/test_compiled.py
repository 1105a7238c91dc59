"""Compiled functions: numba's cache of a file sees changes of that file alone, so none may call a compiled function of another."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from numba.core.registry import CPUDispatcher

ROOT = Path(__file__).parents[1]
COMPILING = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "stages").rglob("*.py") if "njit" in path.read_text()
)


def compiled_in(module: ModuleType) -> dict[str, CPUDispatcher]:
    return {name: value for name, value in vars(module).items() if isinstance(value, CPUDispatcher) and home_of(value) == module.__name__}


def home_of(function: CPUDispatcher) -> str:
    return str(function.py_func.__module__)


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)


def strangers(module: ModuleType) -> dict[str, list[str]]:
    """Return, per compiled function of the module, the compiled functions of other files that it calls."""
    found = {}
    for name, function in compiled_in(module).items():
        called = {other: vars(module).get(other) for other in names_in(function.py_func.__code__)}
        compiled = {other: home_of(value) for other, value in called.items() if isinstance(value, CPUDispatcher)}
        found[name] = sorted(other for other, home in compiled.items() if home != module.__name__)
    return {name: others for name, others in found.items() if others}


@pytest.mark.parametrize("name", COMPILING)
def test_compiled_functions_call_none_of_another_file(name: str) -> None:
    module = importlib.import_module(name)
    assert compiled_in(module), f"{name} speaks of njit and compiles nothing"
    assert not strangers(module), "numba would go on with the old code when the other file changes: move it into this file"


def test_a_stranger_is_found() -> None:
    from stages.models.mlp import descent

    guest = ModuleType("guest")
    vars(guest)["exponential"] = descent.exponential
    exec("import numba\n@numba.njit\ndef host(x):\n    exponential(x)\n", vars(guest))
    assert strangers(guest) == {"host": ["exponential"]}
