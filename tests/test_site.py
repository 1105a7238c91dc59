"""`make docs`: the navigation lists every page, every link and anchor resolves, and the pages load nothing from elsewhere."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from imports import ROOT

from docs.conf import NAVIGATION, WIDE, root_doc

pytestmark = pytest.mark.integration
MISSING = [name for name in ("sphinx", "myst_parser", "furo") if find_spec(name) is None]


def test_the_navigation_lists_every_page_once() -> None:
    listed = [page for pages in NAVIGATION.values() for page in pages]
    numbered = re.compile(r"docs/decisions/\d{4}-")  # conf.py lists these by itself, below the index of decisions
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted({page for page in pages if not numbered.match(page)} | {"CHANGELOG"})
    assert set(listed) >= WIDE
    assert (ROOT / root_doc).with_suffix(".md").is_file()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site just built, any warning an error."""
    if MISSING:
        pytest.skip(f"{', '.join(MISSING)} not installed: `pip install -e .[docs]`, or `make test` with the lock")
    folder = tmp_path_factory.mktemp("site")
    options = ["-c", "docs", "-d", str(folder / "doctrees"), "-q", "-W", "--keep-going"]
    command = [sys.executable, "-m", "sphinx", *options, ".", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_every_page_is_built(site: Path) -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        assert (site / page.relative_to(ROOT).with_suffix(".html")).is_file(), page
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        tags = re.findall(r"<(?:script|img|iframe|source|link)\b[^>]*>", page.read_text(encoding="utf-8"))
        assert tags, page
        assert not [tag for tag in tags if re.search(r"""\b(src|href|srcset)=["'](\w+:)?//""", tag)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(\w+:)?//|@import\s+(url\()?['\"](\w+:)?//", sheet.read_text(encoding="utf-8")), sheet
