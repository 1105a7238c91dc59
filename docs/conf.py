"""The documentation as a site, `make docs`: README.md and docs/ as they stand, by Sphinx with MyST and Furo. Nothing is fetched.

The pages are plain Markdown; what only the site needs, its navigation, is added here when a page is read.
"""

import shutil
from pathlib import Path
from typing import Any

project = "Sensorium"
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "docs/*.md", "docs/decisions/*.md"]
exclude_patterns = [".*", "**/.*", "data", "build", "stages", "pipelines", "tests", "benchmarks"]
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "Sensorium"
html_static_path = ["site"]
html_css_files = ["style.css"]
html_copy_source = html_show_sourcelink = html_show_copyright = False
pygments_style, pygments_dark_style = "tango", "monokai"

NAVIGATION = {
    "Use it": ["docs/quick_start", "docs/own_data", "docs/params", "docs/running", "docs/comparing", "docs/dashboard", "docs/lessons",
               "docs/leaks", "docs/troubleshooting"],
    "What there is": ["docs/catalogue", "docs/components", "docs/results", "docs/public", "docs/performance", "CHANGELOG"],
    "How and why": ["docs/how_it_works", "docs/schemas", "docs/guarantees", "docs/honesty", "docs/decisions/README"],
    "Change it": ["docs/extending", "docs/development"],
}
WIDE = {"docs/catalogue", "docs/schemas", "docs/results", "docs/public", "docs/performance"}  # pages of wide tables


def toctree(caption: str, pages: list[str]) -> str:
    """Return a hidden table of contents, which Sphinx makes the sidebar of."""
    options = ":hidden:\n" + f":caption: {caption}\n" * bool(caption)
    return f"\n\n```{{toctree}}\n{options}\n" + "\n".join(pages) + "\n```\n"


def add_navigation(app: Any, page: str, text: list[str]) -> None:
    """Append the tables of contents to the first page and to the index of decisions."""
    if page == root_doc:
        text[0] += "".join(toctree(caption, pages) for caption, pages in NAVIGATION.items())
    elif page == "docs/decisions/README":
        text[0] += toctree("", [path.stem for path in sorted((Path(app.srcdir) / page).parent.glob("[0-9]*.md"))])


def widen(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Hide the list of sections of a page of wide tables."""
    if page in WIDE:
        context["furo_hide_toc"] = True


def write_index(app: Any, error: Exception | None) -> None:
    """Make the README the page that opens first."""
    if error is None and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", widen, priority=900)  # after Furo's own
    app.connect("build-finished", write_index)
