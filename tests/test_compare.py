"""`make compare`: verdicts by a paired test, what differs between two versions, exit statuses.

Real git and DVC; the stages copy predictions that were made beforehand.
"""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from toy_predictions import Toy
from toy_versions import IDENTITY, TOY, WORSE, commit, repro, run, write_code, write_repository, write_version

from pipelines.compare import main
from stages.contracts.documents.accepted_document import AcceptedVersion
from stages.contracts.documents.version_comparison_document import VersionComparison
from stages.contracts.paths import accepted_path, comparison_path
from stages.foundation.documents import read_document

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose first version has run, is committed and tagged v1."""
    root = tmp_path_factory.mktemp("versions") / "first"
    root.mkdir()
    write_repository(root, TOY)
    repro(root)
    commit(root, "v1")
    return root


@pytest.fixture
def root(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, as the current folder."""
    copy = tmp_path / "copy"
    shutil.copytree(first, copy, symlinks=True)
    monkeypatch.chdir(copy)
    return copy


def compare(*arguments: str) -> tuple[int, VersionComparison]:
    status = main(arguments)
    return status, read_document(comparison_path(), VersionComparison)


def moves(found: VersionComparison) -> dict[str, str]:
    return {f"{move.model} {'+'.join(move.modalities)}": move.move for part in found.datasets for move in part.candidates}


def test_a_comment_in_the_code_moves_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_code(root, "stages/models/knn/__init__.py", "# model, with another comment\n")
    repro(root)
    before = run(root, "git", "status", "--porcelain"), run(root, "git", "stash", "list")
    status, found = compare("v1")
    assert status == 0 and set(moves(found).values()) == {"identical"} and len(moves(found)) == 9
    (part,) = found.datasets
    (change,) = part.changes
    assert (change.label, change.stages, change.files) == (
        "code stages/models/knn", ("train@toy-knn",), ("stages/models/knn/__init__.py",))
    assert part.metric is None and found.environment == ()
    assert capsys.readouterr().out.splitlines()[-1] == "9 identical"
    assert (run(root, "git", "status", "--porcelain"), run(root, "git", "stash", "list")) == before, "nothing in the workspace is changed"


def test_identical_versions_need_no_cache(root: Path) -> None:
    shutil.rmtree(root / ".dvc/cache")
    status, found = compare("v1")
    assert status == 0 and set(moves(found).values()) == {"identical"} and found.datasets[0].changes == ()


def test_another_grid_is_compared_for_its_own_model_alone(root: Path) -> None:
    slightly = {**TOY.skill, "knn": {**TOY.skill["knn"], "text": 0.51}}
    write_version(root, replace(TOY, skill=slightly), models={"mlp": {}, "knn": {"grid": [1]}, "svm": {}})
    repro(root)
    status, found = compare("v1")
    assert status == 0
    assert {name for name, move in moves(found).items() if move != "identical"} == {"knn text"}, "other rows of the same file stay the same"
    (part,) = found.datasets
    (knn,) = [move for move in part.candidates if move.modalities == ("text",) and move.model == "knn"]
    assert knn.move == "no evidence" and knn.rows is not None and 0 < knn.rows.changed < 30
    assert [(c.label, c.before, c.after) for c in part.changes] == [("params models.knn.grid", "[1, 2]", "[1]")]
    assert knn.changes == ("params models.knn.grid",)
    assert all(not move.changes for move in part.candidates if move.model == "svm")


def test_a_worse_featurizer_moves_its_candidates_down(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_code(root, "stages/modalities/text.py", "# worse\n")
    write_version(root, replace(TOY, skill=WORSE))
    repro(root)
    status, found = compare("v1")
    assert status == 1
    assert {name: move for name, move in moves(found).items() if move != "identical"} == {
        "knn text": "moved down", "knn image+text": "moved down"}
    (part,) = found.datasets
    text = next(move for move in part.candidates if (move.model, move.modalities) == ("knn", ("text",)))
    assert text.changes == ("data data/features/toy/toy-text.arrow", "code stages/modalities/text.py")
    assert next(move for move in part.candidates if move.modalities == ("image",)).changes == ()
    assert text.p is not None and text.p_corrected is not None and text.p_corrected == pytest.approx(2 * min(
        move.p for move in part.candidates if move.p is not None), rel=1) and text.p_corrected < 0.05
    said = capsys.readouterr()
    assert "moved down: toy · kNN · text: " in said.err and "2 moved down, 7 identical" in said.out
    assert "changed: code stages/modalities/text.py" in said.out


def test_the_scores_are_those_of_both_files(root: Path) -> None:
    """By numpy, from the file of the commit that DVC checks out and from that of the workspace."""
    write_version(root, replace(TOY, skill=WORSE))
    repro(root)
    _, found = compare("v1")
    text = next(move for move in found.datasets[0].candidates if (move.model, move.modalities) == ("knn", ("text",)))
    run(root, "git", *IDENTITY, "stash", "-q")
    accuracies = []
    for version in ("now", "v1"):
        if version == "v1":
            run(root, "python", "-m", "dvc", "checkout", "-q", "-f")
        table = pa.ipc.open_file(Path("data/predictions/toy/knn/predictions.arrow").read_bytes()).read_all().to_pylist()
        rows = [row for row in table if row["modalities"] == "text"]
        accuracies.append(np.mean([row["target"] == row["prediction"] for row in rows]))  # folds are of one size
    assert (text.after, text.before) == pytest.approx(tuple(accuracies))
    assert text.difference == pytest.approx(accuracies[0] - accuracies[1])


OTHER_VERSIONS: list[tuple[str, Toy, dict[str, Any], str]] = [
    ("seed", replace(TOY, seed=8), {"seed": 8}, r"other folds: 10 of 10 test folds hold other rows|other target"),
    ("folds", replace(TOY, n_folds=3), {"split": {"n_splits": 3}}, r"other folds: 5 folds × 2 repeats before, 3 folds × 2 repeats now"),
    ("rows", replace(TOY, n_samples=310), {}, r"other rows: 300 test rows in both, 0 only before, 10 only now"),
    ("classes", replace(TOY, outputs=("apple", "bread", "cake")), {},
     r"other target: 3 classes before, 3 now \(only before: cheese; only now: cake\)"),
    ("metric", replace(TOY, scoring="macro_f1"), {}, r"other metric: accuracy before, macro_f1 now"),
    ("target", replace(TOY, outputs=("length", "mass"), kind="regression"), {},
     r"other target: kind \(multiclass\) before, kind \(regression\) now"),
]  # fmt: skip


@pytest.mark.parametrize(("toy", "params", "reason"), [case[1:] for case in OTHER_VERSIONS], ids=[case[0] for case in OTHER_VERSIONS])
def test_what_is_not_of_the_same_test_rows_is_not_tested(root: Path, toy: Toy, params: dict[str, Any], reason: str) -> None:
    write_version(root, toy, **params)
    repro(root)
    status, found = compare("v1")
    assert status == 0 and set(moves(found).values()) == {"not comparable"}
    (part,) = found.datasets
    assert all(re.fullmatch(reason, move.reason) and move.p is None for move in part.candidates), part.candidates[0].reason
    if "split" in params:
        assert ("params split.n_splits", "5", "3") not in [(c.label, c.before, c.after) for c in part.changes], "it is check's to say"
    if "seed" in params:
        assert ("params seed", "7", "8") in [(c.label, c.before, c.after) for c in part.changes]


def test_models_and_data_sets_come_and_go(root: Path) -> None:
    other = Toy(dataset="other", n_samples=60, skill={model: TOY.skill[model] for model in ("mlp", "knn")})
    write_version(root, replace(TOY, skill=other.skill), other)
    repro(root)
    status, found = compare("v1")
    assert status == 0 and [part.dataset for part in found.datasets] == ["toy", "other"]
    assert {move.move for move in found.datasets[0].candidates if move.model == "svm"} == {"removed"}
    assert {move.move for move in found.datasets[1].candidates} == {"new"} and found.datasets[1].note.startswith("new")
    commit(root, "v2")
    write_version(root, replace(TOY, skill=other.skill))
    repro(root)
    status, found = compare("v2")
    assert status == 0 and [(part.dataset, part.note.partition(":")[0]) for part in found.datasets] == [("toy", ""), ("other", "removed")]


def test_missing_objects_are_one_line_that_says_how_to_get_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_version(root, replace(TOY, skill=WORSE))
    repro(root)
    shutil.rmtree(root / ".dvc/cache")
    assert main(["v1"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("error: v1 (") and "Traceback" not in error
    assert "no default remote is configured" in error and "data/predictions/toy/knn (md5 " in error
    assert "`dvc fetch --all-commits train@toy-knn split@toy` here" in error


def test_missing_objects_are_fetched_from_the_remote(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root, "python", "-m", "dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    run(root, "python", "-m", "dvc", "push", "-q")
    write_version(root, replace(TOY, skill=WORSE))
    repro(root)
    shutil.rmtree(root / ".dvc/cache")
    status, _ = compare("v1")
    assert status == 1 and "2 moved down" in capsys.readouterr().out
    for path in (tmp_path / "store").rglob("*.dir"):
        path.unlink()
    shutil.rmtree(root / ".dvc/cache")
    assert main(["v1"]) == 2
    assert "not in DVC's cache, and not on the remote: data/predictions/toy/knn (md5 " in capsys.readouterr().err


def test_a_damaged_object_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_version(root, replace(TOY, skill=WORSE))
    lock = yaml.safe_load(Path("dvc.lock").read_text())["stages"]["train@toy-knn"]["outs"][0]["md5"]
    repro(root)
    listing = json.loads(Path(f".dvc/cache/files/md5/{lock[:2]}/{lock[2:]}").read_text())
    oid = next(item["md5"] for item in listing if item["relpath"] == "predictions.arrow")
    damaged = root / f".dvc/cache/files/md5/{oid[:2]}/{oid[2:]}"
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert main(["v1"]) == 2
    assert f"predictions.arrow (md5 {oid}) is damaged in DVC's cache; delete {damaged}" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "message"), [
    (["v2"], r"'v2': no commit, tag or branch of this repository (did you mean 'v1'?); `git tag` lists tags"),
    (["--hard"], "unrecognized arguments: --hard"),
    (["--accept", "v1"], "--accept records the version that is checked out and takes no other argument"),
    ([], "accepted.json: not found, so no version was accepted yet"),
])  # fmt: skip
def test_wrong_usage_ends_with_2(root: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as ended:  # argparse
        status = ended.code if isinstance(ended.code, int) else 0
    assert status == 2 and message in capsys.readouterr().err


def test_a_commit_without_results_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root, "git", "rm", "-q", "--cached", "dvc.lock")
    run(root, "git", *IDENTITY, "commit", "-q", "-m", "no results")
    assert main(["HEAD"]) == 2
    assert "has no dvc.lock, so it has no results to compare with" in capsys.readouterr().err


def test_the_accepted_version_is_the_commit_with_these_results(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--accept"]) == 0
    accepted = read_document(accepted_path(), AcceptedVersion)
    assert accepted.commit == run(root, "git", "rev-parse", "v1").strip()
    assert compare()[0] == 0
    write_version(root, replace(TOY, skill=WORSE))
    repro(root)
    assert compare()[0] == 1, "against the accepted version"
    capsys.readouterr()
    assert main(["--accept"]) == 2
    assert "dvc.lock differs from that of the commit" in capsys.readouterr().err
    assert read_document(accepted_path(), AcceptedVersion) == accepted, "what is not accepted changes nothing"
    commit(root, "v2")
    assert main(["--accept"]) == 0 and compare()[0] == 0
    assert read_document(accepted_path(), AcceptedVersion).commit == run(root, "git", "rev-parse", "v2").strip()


def test_json_and_markdown_say_the_same(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_version(root, replace(TOY, skill=WORSE))
    (root / "requirements.lock").write_text("numpy==2.4.7 \\\n    --hash=sha256:00\npolars==2.1.0\n")
    repro(root)
    capsys.readouterr()
    assert main(["v1", "--json", "-", "--markdown", "out/moves.md"]) == 1
    printed = VersionComparison.model_validate_json(capsys.readouterr().out)
    assert printed == read_document(comparison_path(), VersionComparison)
    assert [(c.name, c.before, c.after) for c in printed.environment] == [("numpy", "2.4.6", "2.4.7"), ("polars", None, "2.1.0")]
    text = Path("out/moves.md").read_text()
    assert "2 moved down, 7 identical" in text and "| kNN | text | " in text and "- environment: environment" not in text
    assert main(["v1", "--json", "out/moves.json"]) == 1
    assert VersionComparison.model_validate_json(Path("out/moves.json").read_text()) == printed


def test_results_that_are_not_those_of_the_lock_are_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("data/predictions/toy/knn/predictions.arrow")
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"x")
    assert main(["v1"]) == 2
    assert "differs from its hash in dvc.lock, stage train@toy-knn" in capsys.readouterr().err


def test_a_subfolder_of_a_repository_is_a_workspace_too(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(first, whole / "inner", symlinks=True, ignore=shutil.ignore_patterns(".git"))
    run(whole, "git", "init", "-q", "-b", "main")
    commit(whole, "v1")
    monkeypatch.chdir(whole / "inner")
    write_code(whole / "inner", "stages/models/knn/__init__.py", "# another comment\n")
    repro(whole / "inner")
    status, found = compare("v1")
    assert status == 0 and found.datasets[0].changes[0].files == ("stages/models/knn/__init__.py",)

