"""Hostile inputs: how each is written and read. `python -m hostile` reads them; tests/test_hostile_inputs.py compares."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from own_entries import ingested, parsed

from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params as read_in_stage
from stages.foundation.registry import component
from stages.own_data.advice import advice
from stages.own_data.decoders.decode import decode
from stages.own_data.own_samples import unreadable_columns
from stages.own_data.roles import open_source
from stages.params import read_params


@dataclass(frozen=True)
class Case:
    """An input: how it is written to the working folder, and how it is read from there.

    In two processes, so that only what reading takes is measured.
    """

    write: Callable[[], Any]
    read: Callable[[], Any]


# ---------------------------------------------------------------- how an input is written and read
def params(text: Callable[[], str | bytes]) -> Case:
    """Return params.yaml, as it is read by the check and by a stage, which may accept it but not suffer from it."""

    def read() -> None:
        with contextlib.suppress(InputError):
            read_in_stage()
        read_params()

    return Case(lambda: Path("params.yaml").write_bytes(as_bytes(text())), read)


def table(name: str, make: Callable[[], Any], modality: str = "text", **source: Any) -> Case:
    """Return a table of the columns `kind` and `it`; `make` returns the file's bytes or writes them."""
    part = {"modality": modality, **({"columns": ["it"]} if modality == "table" else {"column": "it"})}
    entry = {"source": {"table": name, **source}, "target": {"column": "kind", "task": "multiclass"}, "modalities": {"it": part}}

    def write() -> None:
        made = make()
        if isinstance(made, bytes):
            Path(name).write_bytes(made)
        else:
            made(Path(name))

    return Case(write, lambda: own(entry))


def folder(label: str, name: str, **source: Any) -> Case:
    """Return a folder of one file."""
    entry = {
        "source": {"folder": "raw", "label": label, **source},
        "target": {"column": "f0", "task": "multiclass"},
        "modalities": {"it": {"modality": "text"}},
    }

    def write() -> None:
        Path("raw").mkdir()
        (Path("raw") / name).write_bytes(b"x")

    return Case(write, lambda: own(entry))


def own(entry: dict[str, Any]) -> None:
    """Check and ingest own data."""
    checked = parsed(entry)
    rows = open_source("mine", checked)
    advice("mine", checked, rows)
    if mistakes := unreadable_columns("mine", checked, rows):
        raise InputError("\n".join(mistakes))
    ingested(entry)


def file(modality: str, name: str, raw: Callable[[], str | bytes]) -> Case:
    """Return a file of one sample."""
    return Case(lambda: Path("input").write_bytes(as_bytes(raw())), lambda: decode(modality, Path("input").read_bytes(), name))


def media(modality: str, raw: Callable[[], bytes]) -> Case:
    """Return an image or a clip."""
    found = component("modalities", modality)

    def read() -> None:
        found.featurize(pa.chunked_array([pa.array([Path("input").read_bytes()], pa.binary())]), found.settings())

    return Case(lambda: Path("input").write_bytes(raw()), read)


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
