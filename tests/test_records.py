"""What makes a published run this one, when results are out of date, and which numbers are logged: files alone, no server."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_evaluation import candidate_result, fold_scores, toy_evaluation

from pipelines.publishing.lock_entries import digest, identity, md5_of, refuse_changed, why_outdated
from pipelines.publishing.metric_values import run_points, score_points
from pipelines.publishing.tracking import redact, tracking_uri
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import FoldScores, SweepPoint
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import evaluation_path, validation_path
from stages.foundation.documents import write_document
from stages.foundation.errors import InputError
from stages.foundation.tables import write_text

ENTRY: dict[str, Any] = {
    "cmd": "python -m stages.train emoji knn",
    "deps": [{"path": "data/splits/emoji.arrow", "md5": "1" * 32, "size": 9}],
    "params": {"params.yaml": {"models.knn": {"n_neighbors": [1, 3]}}},
    "outs": [{"path": "data/predictions/emoji/knn", "md5": f"{'2' * 32}.dir", "size": 8, "nfiles": 3}],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---------------------------------------------------------------- keys
@pytest.mark.parametrize("change", [
    {"cmd": "python -m stages.train emoji svm"},
    {"deps": [{**ENTRY["deps"][0], "md5": "3" * 32}]},
    {"params": {"params.yaml": {"models.knn": {"n_neighbors": [1, 5]}}}},
    {"outs": [{**ENTRY["outs"][0], "md5": f"{'3' * 32}.dir"}]},
])  # fmt: skip
def test_another_command_parameter_input_or_output_is_another_run(change: dict[str, Any]) -> None:
    assert digest(identity({**ENTRY, **change})) != digest(identity(ENTRY))


def test_sizes_and_the_order_of_keys_make_no_other_run() -> None:
    other = {**dict(reversed(ENTRY.items())), "deps": [{**ENTRY["deps"][0], "size": 10}]}
    assert digest(identity(other)) == digest(identity(ENTRY))


# ---------------------------------------------------------------- up to date
def lock_of(**changed: str) -> dict[str, Any]:
    """Return a lock of a data set that was split, trained on and evaluated; `changed`: hash of what a stage wrote since."""
    def entry(deps: dict[str, str], outs: dict[str, str]) -> dict[str, Any]:
        def listed(files: dict[str, str]) -> list[dict[str, str]]:
            return [{"path": f"data/{path}", "md5": md5} for path, md5 in files.items()]
        return {"cmd": "c", "deps": listed(deps), "outs": listed(outs)}

    return {
        "split@toy": entry({}, {"splits/toy": changed.get("split", "s")}),
        "train@toy-knn": entry({"splits/toy": "s"}, {"predictions/toy/knn": changed.get("train", "p")}),
        "evaluate@toy": entry({"predictions/toy/knn": "p", "unknown/to/the/lock": "u"}, {"evaluation/toy": "e"}),
    }


@pytest.fixture
def evaluated(folder: Path) -> None:
    scores = {Candidate("knn", ("a",)): {"accuracy": fold_scores(0.5, 0.5)}}
    write_document(evaluation_path("toy"), toy_evaluation(scores, "accuracy"))


def test_results_of_the_data_as_it_is_are_up_to_date(evaluated: None) -> None:
    assert why_outdated(lock_of(), "toy") is None
    write_document(validation_path("toy"), Validation(dataset="toy", success=True, suites=()))
    assert why_outdated(lock_of(), "toy") is None


@pytest.mark.parametrize(("stage", "path", "reader"), [
    ("split", "data/splits/toy", "train@toy-knn"), ("train", "data/predictions/toy/knn", "evaluate@toy")])
def test_what_was_written_again_since_is_named_with_its_reader(evaluated: None, stage: str, path: str, reader: str) -> None:
    why = why_outdated(lock_of(**{stage: "other"}), "toy")
    assert why and path in why and reader in why


def test_a_failed_validation_and_a_missing_evaluation_are_named(evaluated: None) -> None:
    assert "evaluate@other" in (why_outdated(lock_of(), "other") or "")
    write_document(validation_path("toy"), Validation(dataset="toy", success=False, suites=()))
    assert "validation" in (why_outdated(lock_of(), "toy") or "")


def test_a_file_that_changed_or_is_gone_is_refused() -> None:
    path = Path("data/evaluation/toy/leaderboard.csv")
    write_text(path, "a")
    entry = {"outs": [{"path": path.as_posix(), "md5": md5_of(path)}], "deps": [{"path": "stages/evaluate.py", "md5": "0"}]}
    refuse_changed(entry, "evaluate@toy", ("data/evaluation/",))
    write_text(path, "b")
    with pytest.raises(InputError, match=r"leaderboard\.csv.*dvc\.lock.*dvc repro evaluate@toy"):
        refuse_changed(entry, "evaluate@toy", ("data/evaluation/",))
    refuse_changed(entry, "evaluate@toy", ("data/predictions/",))
    path.unlink()
    with pytest.raises(InputError, match=r"leaderboard\.csv: not found"):
        refuse_changed(entry, "evaluate@toy", ("data/evaluation/",))


# ---------------------------------------------------------------- numbers
KNN = Candidate("knn", ("a",))


def test_scores_stand_under_their_fold_and_what_is_undefined_nowhere() -> None:
    scores = {"roc_auc": FoldScores(mean=0.75, lo=None, hi=None, folds=(0.5, None, 1.0)),
              "accuracy": FoldScores(mean=0.5, lo=0.25, hi=0.75, folds=(0.5, None, None))}  # fmt: skip
    assert score_points(scores, toy_evaluation({KNN: scores}, "accuracy", "roc_auc")) == [
        ("accuracy_mean", 0.5, 0), ("accuracy_lo", 0.25, 0), ("accuracy_hi", 0.75, 0), ("roc_auc_mean", 0.75, 0),
        ("fold/accuracy", 0.5, 0), ("fold/roc_auc", 0.5, 0), ("fold/roc_auc", 1.0, 2)]  # fmt: skip


def test_curves_start_at_step_1_and_sweeps_are_of_whole_numbers() -> None:
    sweeps = {"k": (SweepPoint(value=1, mean=0.5), SweepPoint(value=3, mean=None)), "C": (SweepPoint(value=0.5, mean=0.1),),
              "on": (SweepPoint(value=True, mean=1.0),)}  # fmt: skip
    details = {"by_output": {"macro_f1": (0.5, None)}, "curves": {"loss": ((0.9, None, 0.7), (0.8,))}, "notes": {"tied_rows": 0.4},
               "sweeps": sweeps}
    evaluation = toy_evaluation({KNN: {"accuracy": FoldScores(mean=None, lo=None, hi=None, folds=(None,) * 5)}}, "accuracy")
    assert run_points(evaluation, candidate_result(KNN, 1, evaluation.candidates[0].scores, **details)) == [
        ("f1/red", 0.5, 0),
        ("curve/loss/fold 0", 0.9, 1), ("curve/loss/fold 0", 0.7, 3), ("curve/loss/fold 1", 0.8, 1),
        ("tied_rows", 0.4, 0), ("inner/by_k", 0.5, 1)]  # fmt: skip


# ---------------------------------------------------------------- addresses
def test_passwords_are_redacted() -> None:
    text = "HTTPConnectionPool: https://me:p@ss@host/api and postgresql://u:p@db"
    assert redact(text) == "HTTPConnectionPool: https://***@host/api and postgresql://***@db"


@pytest.mark.parametrize(("text", "expected"), [
    ("https://me:p/w@host/api", "https://***@host/api"),
    ("https://me:p?w#x@host/api", "https://***@host/api"),
    ("https://me:p@ss/w@rd@host/api", "https://***@host/api"),
    ("https://me@host/api", "https://***@host/api"),
    ("https://:pw@host", "https://***@host"),
    ("https://m%40e:p%2Fw@host", "https://***@host"),
    ("postgresql+psycopg2://me:pw@[::1]:5432/db", "postgresql+psycopg2://***@[::1]:5432/db"),
    ("https://a:b@one/x,https://c:d@two/y", "https://***@one/x,https://***@two/y"),
    ("https://host/db?password=a&user=b", "https://host/db?password=***&user=b"),
    ("https://host?x=1&api_key=a;Token=b#access_token=c", "https://host?x=1&api_key=***;Token=***#access_token=***"),
    ("url: /api?sslpassword=p%40ss (Caused by x)", "url: /api?sslpassword=*** (Caused by x)"),
    ("s3://bucket/a?X-Amz-Signature=0a1b&X-Amz-Date=2", "s3://bucket/a?X-Amz-Signature=***&X-Amz-Date=2"),
])  # fmt: skip
def test_every_form_of_a_secret_is_redacted(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(f"({text!r}) and {text} .") == f"({expected!r}) and {expected} ."


@pytest.mark.parametrize("text", [
    "http://127.0.0.1:5000/#/experiments?workflowType=machine_learning", "http://host:5000/images/cat@2x.png", "sqlite:////tmp/a@b/mlflow.db",
    "write to me@example.org // or not", "https://host/a?tokens", "x = password", "a@b?c=d", "https://host/v1@2/a:b@c",
])  # fmt: skip
def test_other_text_is_not_redacted(text: str) -> None:
    assert redact(text) == text


SAFE = st.text("abcXYZ019-._~%", min_size=1, max_size=8).filter(lambda text: not text.isdigit())


PASSWORDS = st.text("abc/@?#:%&=+", max_size=9).filter(lambda text: "://" not in text).map(lambda text: f"S3{text}S3")


@given(user=SAFE, password=PASSWORDS, host=SAFE, before=st.text("abc, (", max_size=9))
def test_no_password_remains(user: str, password: str, host: str, before: str) -> None:
    assert redact(f"{before}https://{user}:{password}@{host}/api said no") == f"{before}https://***@{host}/api said no"


@given(st.text("abc:/@?&= .\n", max_size=30))
def test_redacting_twice_changes_nothing_more_and_text_without_addresses_not_at_all(text: str) -> None:
    assert redact(redact(text)) == redact(text)
    if "://" not in text:
        assert redact(text) == text


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite://", "sqlite:mlflow.db"])
def test_a_sqlite_address_without_a_file_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InputError, match="names no file"):
        tracking_uri(PublishEntry(tracking_uri=uri))


def test_a_path_that_mlflow_would_misread_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InputError, match="with % or"):
        tracking_uri(PublishEntry(tracking_uri="sqlite:////tmp/50%20/mlflow.db"))
