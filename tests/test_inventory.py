"""The generated parts of README.md and docs/ are what generating them gives, and a new component changes none of the README."""

import re
import shutil
from pathlib import Path

import pytest
from imports import ROOT

from docs import inventory
from stages.foundation.registry import KINDS, names
from stages.foundation.schemas import document_schemas, schemas

GENERATED = (
    "README.md", "docs/catalogue.md", "docs/components.md", "docs/decisions/README.md", "docs/params.md", "docs/public.md",
    "docs/results.md", "docs/schemas.md",
    *(f"docs/schemas/{schema.name}.json" for schema in (*schemas(), *document_schemas())),
)  # fmt: skip


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """Return every page with generated parts, as `make inventory` leaves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return {path.as_posix(): text for path, text in inventory.pages().items()}


def test_the_generated_pages_are_found(generated: dict[str, str]) -> None:
    assert set(generated) == set(GENERATED)


@pytest.mark.parametrize("page", GENERATED)
def test_generating_changes_nothing(page: str, generated: dict[str, str]) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == generated[page], "run `make inventory`, and commit what it writes"


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_is_named(kind: str, generated: dict[str, str]) -> None:
    page = generated["docs/catalogue.md" if kind == "datasets" else "docs/components.md"]
    listed = re.findall(r"^\| \[?([a-z0-9_]+)", page, flags=re.MULTILINE)
    assert names(kind)
    assert set(names(kind)) <= set(listed)


def test_a_new_component_or_file_changes_nothing_in_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("stages", "pipelines"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc"))
    before = inventory.tree()
    for folder, _ in KINDS.values():
        (tmp_path / "stages" / folder / "new.py").write_text('"""Something new."""\n')
        (tmp_path / "stages" / folder / "newer").mkdir()
        (tmp_path / "stages" / folder / "newer" / "__init__.py").write_text('"""Something newer."""\n')
    (tmp_path / "pipelines/running/new.py").write_text('"""Something new."""\n')
    monkeypatch.chdir(tmp_path)
    assert inventory.tree() == before
    (tmp_path / "stages/explain.py").write_text('"""Explain predictions: `python -m stages.explain`."""\n')
    assert re.search(r"^  explain\.py +explain predictions$", inventory.tree(), flags=re.MULTILINE)


def test_the_tree_names_what_is_there() -> None:
    package = Path()
    lines = inventory.tree().splitlines()[1:-1]
    for line in lines:
        about = re.split(r" {2,}", line.strip())
        assert len(about) == 2, line
        package = package if line.startswith(" ") else Path()
        for name in about[0].split(", "):
            assert (ROOT / package / name).exists(), name
            package = Path(name) if not line.startswith(" ") else package


def test_a_docstring_becomes_markdown() -> None:
    said = "What <b>it</b> is.\n\n- one | two,\n  three\n- `a|b` *c*\n\nkey   what it means\n      and more\nEnd of snake_case."
    assert inventory.as_markdown(said) == (
        "What \\<b\\>it\\</b\\> is.\n\n- one \\| two,\n  three\n- `a|b` \\*c\\*\n\n```text\nkey   what it means\n      and more\n```\n\n"
        "End of snake_case."
    )
