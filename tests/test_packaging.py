"""The lock holds what pyproject.toml asks for, exactly, on every platform, and says nothing of where it was made."""

import re
import subprocess
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
HASHED, TORCH = "requirements.lock", "requirements-torch.lock"


def pins(name: str) -> dict[str, Requirement]:
    """Return canonical name → requirement of a lock file."""
    lines = re.findall(r"^([A-Za-z0-9][^\\\n]*?)\s*\\?$", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def version_of(requirement: Requirement) -> str:
    (only,) = requirement.specifier
    assert only.operator == "==" and "*" not in only.version, requirement
    return only.version


@pytest.mark.parametrize("asked", PROJECT["dependencies"] + EXTRAS["dev"] + EXTRAS["docs"])
def test_the_lock_holds_what_the_project_asks_for(asked: str) -> None:
    requirement = Requirement(asked)
    locked = {**pins(HASHED), **pins(TORCH)}
    assert requirement.specifier.contains(version_of(locked[canonicalize_name(requirement.name)])), "run `make lock`"


@pytest.mark.parametrize("name", [HASHED, TORCH])
def test_every_version_is_exact(name: str) -> None:
    assert len(pins(name)) > 20
    for requirement in pins(name).values():
        assert version_of(requirement)


def test_every_file_is_hashed_and_no_index_is_named() -> None:
    text = (ROOT / HASHED).read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block
    for name in (HASHED, TORCH, "requirements.in"):
        assert not re.search(r"://|--index|--find-links|--trusted-host", (ROOT / name).read_text(encoding="utf-8"))


def test_the_two_locks_agree() -> None:
    hashed, torch = pins(HASHED), pins(TORCH)
    assert "torch" not in hashed
    for name in hashed.keys() & torch.keys():
        assert version_of(hashed[name]) == version_of(torch[name]), name


def test_what_torch_needs_everywhere_is_hashed() -> None:
    asked = [Requirement(text) for text in requires("torch") or ()]
    environment = {**default_environment(), "extra": "", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}
    everywhere = [requirement for requirement in asked if not requirement.marker or requirement.marker.evaluate(environment)]
    assert everywhere
    assert {canonicalize_name(requirement.name) for requirement in everywhere} <= pins(HASHED).keys()


def test_a_checkout_has_the_same_line_ends_everywhere() -> None:
    files = ["Makefile", "dvc.lock", "params.yaml", "stages/check.py", "docs/index.md"]
    out = subprocess.run(["git", "check-attr", "text", "eol", "--", *files], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == [line for file in files for line in (f"{file}: text: auto", f"{file}: eol: lf")]
