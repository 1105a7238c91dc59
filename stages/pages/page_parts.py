"""What every page of this project shares: its styles, and where the dashboard is."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

DASHBOARD = "http://127.0.0.1:5000/#/experiments?workflowType=machine_learning"  # of `make ui`; experiments have no address by name
SHARED_STYLES = ("page.css", "figure.css")


def page_css(own: Sequence[Path] = ()) -> Markup:
    """Return the styles that all pages share, then those of a page's own files."""
    shared = [Path(__file__).parent / name for name in SHARED_STYLES]
    return Markup("".join(path.read_text(encoding="utf-8") for path in (*shared, *own)))
