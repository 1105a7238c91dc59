"""`make compare` after real runs of the real stages on a small sample of emoji."""

import subprocess
from pathlib import Path

import pytest
from end_to_end import EMOJI, IDENTITY, dvc, module, write_params

from stages.contracts.documents.version_comparison_document import VersionComparison
from stages.contracts.paths import comparison_path

pytestmark = pytest.mark.integration
ASCII = "    if text.isascii():\n"  # the first line of the text featurizer's normalization


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)


def compared(folder: Path, status: int) -> VersionComparison:
    said = module(folder, "pipelines.compare", "v1")
    assert said.returncode == status, said.stdout + said.stderr
    return VersionComparison.model_validate_json((folder / comparison_path()).read_text(encoding="utf-8"))


def rerun(folder: Path) -> None:
    done = dvc(folder, "repro", "evaluate@emoji")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_comment_a_grid_and_a_seed(copy: Path) -> None:
    git(copy, "add", "-A")
    git(copy, "commit", "-q", "-m", "results")
    git(copy, "tag", "v1")
    code = copy / "stages/models/knn/__init__.py"
    code.write_text(code.read_text(encoding="utf-8") + "# a comment\n", encoding="utf-8")
    rerun(copy)
    found = compared(copy, 0)
    assert {move.move for move in found.datasets[0].candidates} == {"identical"} and len(found.datasets[0].candidates) == 9
    assert [(change.label, change.files) for change in found.datasets[0].changes] == [
        ("code stages/models/knn", ("stages/models/knn/__init__.py",))]

    write_params(copy, {**EMOJI, "models": EMOJI["models"] | {"knn": {"n_neighbors": [1], "metric": ["manhattan"]}}})
    rerun(copy)
    found = compared(copy, 0)
    assert {move.model for move in found.datasets[0].candidates if move.move != "identical"} == {"knn"}
    assert {change.name for change in found.datasets[0].changes if change.area == "params"} == {
        "models.knn.n_neighbors", "models.knn.metric"}

    write_params(copy, {**EMOJI, "seed": 8})
    rerun(copy)
    found = compared(copy, 0)
    assert {move.move for move in found.datasets[0].candidates} == {"not comparable"}
    assert found.datasets[0].note.startswith(("other rows: ", "other folds: ")), "rows: 160 draws others by another seed"

    write_params(copy, {**EMOJI, "split": EMOJI["split"] | {"n_splits": 3}})
    rerun(copy)
    found = compared(copy, 0)
    assert found.datasets[0].note.startswith("other folds: 2 folds × 1 repeat before, 3 folds × 1 repeat now")
    assert ("split.n_splits", "2", "3") in [(change.name, change.before, change.after) for change in found.datasets[0].changes]


def test_a_worse_featurizer_moves_its_candidates_down_and_exits_with_1(copy: Path) -> None:
    """400 emoji in five folds, kNN alone: of each name the text featurizer keeps its first letter."""
    emoji = EMOJI["datasets"]["emoji"] | {"rows": 400}
    write_params(copy, {**EMOJI, "datasets": {"emoji": emoji}, "models": {"knn": EMOJI["models"]["knn"]},
                        "split": EMOJI["split"] | {"n_splits": 5}})  # fmt: skip
    rerun(copy)
    git(copy, "add", "-A")
    git(copy, "commit", "-q", "-m", "results")
    git(copy, "tag", "-f", "v1")
    code = copy / "stages/modalities/text/text_samples.py"
    whole = code.read_text(encoding="utf-8")
    assert whole.count(ASCII) == 1
    code.write_text(whole.replace(ASCII, f"    text = text[:1]\n{ASCII}"), encoding="utf-8")
    rerun(copy)
    found = compared(copy, 1)
    moves = {"+".join(move.modalities): move for move in found.datasets[0].candidates if move.model == "knn"}
    assert {name: move.move for name, move in moves.items() if name != "image+text"} == {"text": "moved down", "image": "identical"}
    assert moves["image+text"].move in ("moved down", "no evidence")
    text = moves["text"]
    assert text.before is not None and text.after is not None and text.p_corrected is not None and text.hi is not None
    assert text.after < text.before - 0.1 and text.hi < 0 and text.p_corrected < 0.05
    assert "code stages/modalities/text" in text.changes and not moves["image"].changes
    assert ("stages/modalities/text/text_samples.py",) in [change.files for change in found.datasets[0].changes]
