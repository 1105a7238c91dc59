"""Every hostile input (tests/hostile/) is refused within two seconds and a gigabyte by one clear message, and no code in it runs."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from hostile.cases import CASES, SOUND

ROOT = Path(__file__).parents[1]
MAX_S, MAX_BYTES, MAX_CHARACTERS = 2.0, 1e9, 1_000


@pytest.fixture(scope="module")
def reader() -> Iterator["subprocess.Popen[str]"]:
    """Yield the process that reads hostile inputs; its imports are made once."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen([sys.executable, "-m", "hostile"], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        yield process


def answer(reader: "subprocess.Popen[str]", name: str) -> dict[str, Any]:
    streams: tuple[IO[str] | None, IO[str] | None] = (reader.stdin, reader.stdout)
    assert streams[0] and streams[1]
    streams[0].write(f"{name}\n")
    streams[0].flush()
    found: dict[str, Any] = json.loads(streams[1].readline())
    return found


@pytest.mark.parametrize("name", list(CASES))
def test_it_is_refused(reader: "subprocess.Popen[str]", name: str) -> None:
    found = answer(reader, name)
    assert {"InputError", "ValueError"} & set(found["kinds"]), f"{found['kinds'][0]}: {found['message'][:500]}"
    assert re.search(CASES[name][1], found["message"], re.DOTALL), found["message"][:500]
    assert len(found["message"]) <= MAX_CHARACTERS and "Traceback" not in found["message"]
    assert found["seconds"] < MAX_S and found["bytes"] < MAX_BYTES and not found["pwned"], found


@pytest.mark.parametrize("name", list(SOUND))
def test_a_sound_file_that_is_packed_as_tightly_is_read(reader: "subprocess.Popen[str]", name: str) -> None:
    assert answer(reader, name)["kinds"] == ["NoneType", "object"]
