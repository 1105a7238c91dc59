"""Draw SVG: elements, number formats and axes. Colours are CSS classes (templates/figure.css), so a page can restyle them.

Bytes follow from the numbers alone: coordinates are rounded, attributes keep their order, no ids, no dates.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

FIGURE_CSS = Path(__file__).parent / "templates" / "figure.css"
# what a figure looks like outside the page, where no style sheet sets these
LIGHT = {
    "paper": "#ffffff", "ink": "#1c2430", "muted": "#5f6b7a", "grid": "#e3e7ec", "heat": "#1f5fa8", "on-heat": "#ffffff",
    "c0": "#1f6fb4", "c1": "#c2571a", "c2": "#1a8a63", "c3": "#8a4fb0", "c4": "#a8790b", "c5": "#b03060", "control": "#7b8794",
}
FONT = 12  # px in the view box
MARGIN = 16  # px around a figure that stands alone
SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')
CHARACTER = 6.6  # px, mean advance of the sans-serif at FONT, on the wide side


def width_of(content: str) -> float:
    """Return about how many px a text takes, on the wide side: capitals and wide letters are wider."""
    return sum(CHARACTER * (1.45 if letter.isupper() or letter in "mw%@—" else 1.12 if letter.isdigit() or letter == "_" else 1.0)
               for letter in content)


def element(name: str, *children: str, **attributes: object) -> str:
    """Return one element of ready children; an attribute's name has _ for - and drops a last _ (class_), its value is escaped."""
    parts = [name]
    for key, value in attributes.items():
        shown = coordinate(value) if isinstance(value, float) else str(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    return f"<{' '.join(parts)}>{''.join(children)}</{name}>" if children else f"<{' '.join(parts)}/>"


def text(content: str, x: float, y: float, anchor: str = "start", kind: str = "ink", **more: object) -> str:
    """Return a text element with its baseline at (x, y)."""
    return element("text", escape(content), x=float(x), y=float(y), text_anchor=anchor, class_=f"t {kind}", **more)


def title(content: str) -> str:
    """Return a title element: the tooltip of the element that it stands in."""
    return element("title", escape(content))


def figure(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """Return an SVG image that scales with its container; `label` is what a screen reader says."""
    view = f"0 0 {coordinate(width)} {coordinate(height)}"
    return element("svg", title(label), *parts, xmlns="http://www.w3.org/2000/svg", viewBox=view,
                   width=float(width), height=float(height), role="img", aria_label=label, class_="figure")


def standalone(drawn: str) -> str:
    """Return the text of an SVG file: the figure with its colours, on paper with a margin."""
    css = FIGURE_CSS.read_text(encoding="utf-8")
    for name, value in LIGHT.items():
        css = css.replace(f"var(--{name})", value)
    width, height = (float(size) + 2 * MARGIN for size in SIZE.search(drawn).groups())  # type: ignore[union-attr]
    paper = element("rect", width="100%", height="100%", fill=LIGHT["paper"])
    placed = drawn.replace("<svg ", f'<svg x="{MARGIN}" y="{MARGIN}" ', 1)
    return element("svg", element("style", css), paper, placed, xmlns="http://www.w3.org/2000/svg", width=width, height=height) + "\n"


def coordinate(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"


def short(name: str, length: int = 20) -> str:
    """Return a name cut to `length` characters, the cut shown."""
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic map of values lo…hi to pixels start…end."""

    lo: float
    hi: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        lo, hi, at = (math.log10(v) for v in (self.lo, self.hi, value)) if self.log else (self.lo, self.hi, value)
        share = (at - lo) / (hi - lo) if hi > lo else 0.5
        return self.start + share * (self.end - self.start)


def ticks(lo: float, hi: float, n_wanted: int = 5) -> list[float]:
    """Return round numbers within [lo, hi], about `n_wanted`, 1, 2 or 5 times a power of ten apart."""
    if hi <= lo:
        return [lo]
    raw = (hi - lo) / n_wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= raw * 0.8)
    first = math.ceil(lo / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(hi / step + 1e-9) + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return lo and hi of the values, a little apart from them; a flat line gets room on both sides."""
    lo, hi = min(values), max(values)
    room = (hi - lo) * share or max(abs(hi) * 0.05, 0.01)
    return lo - room, hi + room
