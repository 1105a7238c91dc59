"""Names and values of the data never reach a terminal, a log, a page or a server as codes that are obeyed there."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from toy_evaluation import fold_scores, toy_evaluation
from toy_predictions import SKILL, Toy, write_params, write_toy

from pipelines.orchestration.artifacts import summary
from pipelines.publishing.record import Record
from pipelines.publishing.runs import log_run, refresh_run
from pipelines.publishing.tracking import connect, open_experiment
from stages import evaluate, report
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.leaks_document import Finding, Leaks
from stages.contracts.documents.validation_document import ExpectationResult, SuiteResult, Validation
from stages.contracts.paths import evaluation_path, figures_dir, report_path
from stages.foundation.documents import read_document
from stages.foundation.plain_output import PlainStream, plain, plain_output, terminal
from stages.reporting.readme import results_table, short_table
from stages.validation.validation_page import validation_page

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
              "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [1]}},
              **{name: {} for name in ("split", "train", "evaluate", "publish", "flow")}}  # fmt: skip
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params, file)
    said = [run("stages.check"), run("stages.ingest", "mine"), run("pipelines.new", "other", source["table"])]
    assert not [obeyed(text) for text in said if obeyed(text)]
    assert r"\u001b[2J\x9b31m\r\u0007\u202e" in said[2], "as YAML reads it back"
    assert not bad or r": \x1b[2J" in said[1], "the file that is missing"
    assert not any("Traceback" in text for text in said)


# ---------------------------------------------------------------- pages and the tracking server
NAMES = (f"apple{CODES}", f"{CODES}bread", "cheese")


def test_pages_hold_no_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENSORIUM_CORES", "1")
    toy = Toy(outputs=NAMES, title=f"Toys{CODES}", n_samples=120, skill={"constant": SKILL["constant"], "knn": SKILL["knn"]})
    write_params([toy])
    write_toy(toy)
    evaluate.main("toy")
    report.main()
    expectation = ExpectationResult(expectation="expect_column_values_to_not_be_null", column=f"words{CODES}", notes="", kwargs={},
                                    success=True, observed=None, range=None, checked=1, missing=0, unexpected=0, offending=())
    suite = SuiteResult(suite="samples", success=True, n_rows=1, expectations=(expectation,))
    finding = Finding(code="telling-column", severity="high", level="warn", subject="words", text=f"column {CODES}", n_samples=1,
                      samples=(f"a{CODES}",), evidence={"explained": 1.0}, remedy=f"without: [{CODES}]", documentation="docs/leaks.md")
    leaks = Leaks(dataset="toy", examined=True, success=True, open=("telling-column",), findings=(finding,), suite=None)
    page = validation_page(Validation(dataset="toy", success=True, suites=(suite,)), leaks)
    shown = {path.name: path.read_text(encoding="utf-8") for path in (report_path(), *figures_dir("toy").glob("*.svg"))}
    evaluation = read_document(evaluation_path("toy"), Evaluation)
    shown |= {"validation.html": page, "README.md": short_table([evaluation]), "results.md": results_table([evaluation])}
    assert len(shown) > 5
    assert not {name: obeyed(text) for name, text in shown.items() if obeyed(text)}
    assert f"apple{WRITTEN}" in shown["report.html"] and f"Toys{WRITTEN}" in shown["report.html"]
    assert f"words{WRITTEN}" in page and f"column {WRITTEN}" in page
    assert evaluation.outputs == NAMES, "the data keep their names"


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning")
def test_the_tracking_server_gets_no_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = connect(PublishEntry())
    experiment = open_experiment(server, "toy", {"licence": f"CC{CODES}"})
    record = Record(name="knn", key="1", tags={"task": f"tag{CODES}"}, params={"target": f"param{CODES}"}, points=(), note=f"note{CODES}",
                    files={}, data=None)
    log_run(server, experiment, record)
    (run_id,) = (found.info.run_id for found in server.client.search_runs([experiment]))
    refresh_run(server, run_id, replace(record, note=f"new{CODES}"))
    found = server.client.get_run(run_id).data
    assert server.client.get_experiment(experiment).tags["licence"] == f"CC{WRITTEN}"
    assert (found.tags["task"], found.params["target"]) == (f"tag{WRITTEN}", f"param{WRITTEN}")
    assert found.tags["mlflow.note.content"] == f"new{WRITTEN}"
    log_run(server, experiment, replace(record, key="2"))
    notes = {one.data.tags["sensorium.key"]: one.data.tags["mlflow.note.content"] for one in server.client.search_runs([experiment])}
    assert notes["2"] == f"note{WRITTEN}"


def test_prefect_gets_no_codes() -> None:
    knn = Candidate("knn", ("image",))
    evaluation = toy_evaluation({knn: {"accuracy": fold_scores(0.5)}}, "accuracy", title=f"Toys{CODES}")
    assert f"Toys{WRITTEN}" in summary([evaluation], "")
