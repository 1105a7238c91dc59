"""Names and values of the data never reach a terminal or a log as codes that it would obey."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.foundation.plain_output import PlainStream, plain, plain_output, terminal

ROOT = Path(__file__).parents[1]
CODES = "\x1b[2J\x9b31m\r\x07\u202e\u2066"
WRITTEN = r"\x1b[2J\x9b31m\r\x07\u202e\u2066"


def obeyed(text: str) -> list[str]:
    return [mark for mark in text if (ord(mark) < 32 and mark not in "\n\t") or 127 <= ord(mark) < 160 or mark in "\u202e\u2066"]


def test_codes_are_written_out_and_other_text_stays() -> None:
    assert plain(f"a{CODES}b") == f"a{WRITTEN}b"
    for text in ("é🙂 한국어 עברית\tx\n", "", "a\\x1b", "👩\u200d💻"):
        assert plain(text) == text


def test_it_holds_within_the_context_and_progress_bars_are_exempt(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with plain_output(), plain_output():
        print("\x1b[31m", file=sys.stderr)
        print("\x1b[31m")
        assert not isinstance(terminal(sys.stdout), PlainStream)
        terminal(sys.stdout).write("\x1b[A")
    assert sys.stdout is before
    assert capsys.readouterr() == ("\\x1b[31m\n\x1b[A", "\\x1b[31m\n")


def run(module: str, *arguments: str) -> str:
    """Return what a command prints, as it is."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run([sys.executable, "-m", module, *arguments], env=environment, capture_output=True, check=False)
    return (found.stdout + found.stderr).decode()


@pytest.mark.parametrize("bad", [False, True])
def test_of_a_data_set_whose_names_are_codes(bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    column, first = f"words{CODES}", f"one{CODES}"
    with Path(f"t{CODES.replace('/', '')}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([["kind", "file", column], *([first if i % 2 else "two", f"{CODES}{i}", i] for i in range(12))])
    source = {"table": str(next(Path().glob("*.csv")))}
    part = {"modality": "image", "column": "file"} if bad else {"modality": "table", "columns": [column]}
    entry = {"source": source, "target": {"column": "kind", "task": "multiclass"}, "modalities": {"it": part}}
    params = {"seed": 1, "datasets": {"mine": entry}, "features": {"mine-it": {"dataset": "mine", "modality": part["modality"]}},
              "models": {"dummy": {}}, **{name: {} for name in ("split", "train", "evaluate", "publish", "flow")}}  # fmt: skip
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params, file)
    said = [run("stages.check"), run("stages.ingest", "mine"), run("pipelines.new", "other", source["table"])]
    assert not [obeyed(text) for text in said if obeyed(text)]
    assert r"\u001b[2J\x9b31m\r\u0007\u202e" in said[2], "as YAML reads it back"
    assert not bad or r": \x1b[2J" in said[1], "the file that is missing"
    assert not any("Traceback" in text for text in said)
