"""DVC reads through what is parsed once, sees a change at once, and cannot spoil it for the next reader."""

from pathlib import Path

import pytest
from dvc.repo import Repo

from pipelines.running import repository
from pipelines.running.repository import opened, parse_once

# DVC's own, from reading its graph
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")


def test_a_text_is_parsed_once_and_each_reader_has_its_own() -> None:
    first = parse_once("a: [1, {b: 2}]\n", "p.yaml")
    first["a"][1]["b"] = 3
    hits = repository._parsed.cache_info().hits
    assert parse_once("a: [1, {b: 2}]\n", "p.yaml") == {"a": [1, {"b": 2}]}
    assert repository._parsed.cache_info().hits == hits + 1


def test_dvc_reads_through_it_and_sees_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    Path("dvc.yaml").write_text("stages:\n  one:\n    cmd: echo ${a} > one.txt\n    params: [a]\n    outs: [one.txt]\n")
    for value in (1, 2):
        Path("params.yaml").write_text(f"a: {value}\n")
        for expected in (True, False):
            with opened() as repo:
                hits = repository._parsed.cache_info().hits
                assert bool(repo.reproduce("one")) is expected
                assert repository._parsed.cache_info().hits > hits
        assert Path("one.txt").read_text() == f"{value}\n"
