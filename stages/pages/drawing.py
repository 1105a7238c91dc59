"""How every figure is drawn: one style, lengths in px, and an SVG text that is the same on every run and every machine.

Colours are those of the page by day; `themed` replaces them by the page's variables, which know the night too. Text stays text, laid out
by the metrics of the DejaVu Sans that matplotlib brings and shown in the reader's own sans-serif, which is narrower.
"""

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stages.contracts.candidate import Candidate

WIDTH = 400.0  # px, of most figures: a phone shows them at 9/10 of their size
WIDE_FROM = 520.0  # px: the page gives it both columns, and a phone scrolls it
FONT, SMALL = 11.5, 10.5  # px
COLOURS = {
    "paper": "#ffffff", "ink": "#1c2430", "muted": "#5f6b7a", "grid": "#e3e7ec", "on-heat": "#fffffe",
    "c0": "#1f6fb4", "c1": "#c2571a", "c2": "#1a8a63", "c3": "#8a4fb0", "c4": "#a8790b", "c5": "#b03060", "baseline": "#7b8794",
}  # fmt: skip
SERIES = [COLOURS[name] for name in ("c0", "c1", "c2", "c3", "c4", "c5")]
HEAT = (0x2C, 0x70, 0xBD)  # of images, whose pixels no style sheet reaches: readable on white and on black
READ_IN = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "text.parse_math": False, "font.family": "DejaVu Sans", "font.size": FONT, "text.color": COLOURS["ink"],
    "figure.dpi": 72, "figure.facecolor": COLOURS["paper"], "axes.facecolor": "none", "axes.spines.left": False,
    "axes.spines.right": False, "axes.spines.top": False, "axes.spines.bottom": False, "axes.unicode_minus": True,
    "axes.axisbelow": True, "axes.edgecolor": COLOURS["grid"], "axes.xmargin": 0, "axes.ymargin": 0, "axes.labelpad": 6,
    "axes.labelsize": SMALL, "axes.labelcolor": COLOURS["muted"], "grid.color": COLOURS["grid"], "grid.linewidth": 1,
    "xtick.bottom": False, "ytick.left": False, "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"], "xtick.major.pad": 6, "ytick.major.pad": 6, "lines.linewidth": 2, "lines.markersize": 6,
    "lines.solid_capstyle": "round", "legend.frameon": False, "legend.borderpad": 0, "legend.borderaxespad": 0,
    "legend.handlelength": 1.4, "legend.columnspacing": 1.4,
}  # fmt: skip
REFERENCE: dict[str, Any] = {"color": COLOURS["muted"], "linewidth": 1.2, "linestyle": (0, (4, 3))}  # of lines to compare with

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
TOOLTIP = "tooltip: "  # an artist whose id begins so has the rest as its tooltip
GEOMETRY = {"d", "x", "y", "width", "height", "transform", "viewBox"}
LONG_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
UNUSED_STYLE = re.compile(r" ?font-family: [^;]*;?")
COLOUR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})")


class Plot(NamedTuple):
    """A figure of a data set, or of one candidate: its kind (part of a file's name), its heading and caption on the page."""

    kind: str
    title: str
    caption: str
    figure: Figure
    candidate: Candidate | None = None


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the report's style, whatever a person's own settings are."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name in a script that the reader's fonts may know
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def axes_in(figure: Figure, *, left: float, right: float, top: float, bottom: float) -> Axes:
    """Return axes that leave so many px free on each side of the figure."""
    width, height = figure.get_size_inches() * figure.dpi
    return figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in px."""
    return Figure(figsize=(width / 72, height / 72))


def value_ticks(axes: Axes, axis: str) -> None:
    """Put round numbers on an axis, and lines of a grid at them."""
    numbers = axes.xaxis if axis == "x" else axes.yaxis
    numbers.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], min_n_ticks=3))
    numbers.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    numbers.grid(visible=True)


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return lo and hi of the values, a little apart from them; a flat line gets room on both sides."""
    lo, hi = min(values), max(values)
    room = (hi - lo) * share or max(abs(hi) * 0.05, 0.01)
    return lo - room, hi + room


@cache
def text_width(text: str, size: float = FONT) -> float:
    """Return how many px a text takes."""
    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])


def printable(name: str) -> str:
    """Return a name on one line, without characters that SVG cannot hold."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


@cache
def shortened(name: str, width: float, size: float = FONT) -> str:
    """Return a name that takes at most `width` px, the cut shown."""
    name = printable(name)
    kept = name
    while text_width(kept, size) > width and len(name) > 1:
        name = name[:-1].rstrip()
        kept = f"{name}…"
    return kept


def write_name(axes: Axes, name: str, at: tuple[float, float], width: float, **text: Any) -> None:
    """Write a name cut to `width` px, at a place in fractions of the axes and in data; the whole name is the tooltip.

    A text for itself: a tick of matplotlib is three lines and two texts, and takes four times as long.
    """
    shown = shortened(name, width, text.get("fontsize", FONT))
    whole = printable(name)
    axes.text(*at, shown, gid=TOOLTIP + whole if shown != whole else None, **text)


def render(figure: Figure, name: str, label: str) -> str:
    """Return a figure as SVG text; `name` keeps its ids apart from other figures', `label` is what a screen reader says."""
    matplotlib.rcParams["svg.hashsalt"] = name
    text = io.StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))  # type: ignore[no-untyped-call]
    root = ElementTree.fromstring(text.getvalue())
    width, height = (f"{inches * 72:g}" for inches in figure.get_size_inches())
    root.attrib = {"viewBox": root.attrib["viewBox"], "width": width, "height": height, "role": "img", "aria-label": printable(label),
                   "class": "figure", "style": f"font-family:{READ_IN};max-width:{float(width) * 1.15:g}px"}
    if float(width) > WIDE_FROM:
        root.attrib |= {"class": "figure wide", "style": f"{root.attrib['style']};min-width:{float(width) * 0.9:g}px"}
    tidy(root)
    title = ElementTree.Element(f"{{{SVG}}}title")
    title.text = printable(label)
    root.insert(0, title)
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def tidy(root: ElementTree.Element) -> None:
    """Drop what no reader needs, in place: ids that nothing refers to, fonts, decimals, white space; make tooltips of ids."""
    text = " ".join(value for element in root.iter() for key, value in element.attrib.items() if key in (HREF, "clip-path"))
    used = set(re.findall(r"#([\w-]+)", text))
    for element in list(root.iter()):
        element.text, element.tail = (element.text or "").strip() or None, None
        if HREF in element.attrib:
            element.set("href", element.attrib.pop(HREF).replace("\n", ""))
        for key in GEOMETRY & element.attrib.keys():
            rounded = element.attrib[key] if "scale(" in element.attrib[key] else LONG_DECIMALS.sub(_rounded, element.attrib[key])
            element.set(key, rounded.replace("\n", ""))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        if "font-family" in element.get("style", ""):
            element.set("style", UNUSED_STYLE.sub("", element.attrib["style"]))
        name = element.get("id", "")
        if name not in used:
            element.attrib.pop("id", None)
        if name.startswith(TOOLTIP):
            tooltip = ElementTree.Element(f"{{{SVG}}}title")
            tooltip.text = name.removeprefix(TOOLTIP)
            element.insert(0, tooltip)


def _rounded(found: re.Match[str]) -> str:
    return f"{round(float(found[0]), 2) + 0.0:g}"  # no minus zero


def themed(svg: str) -> str:
    """Return a figure for the page, whose style sheet sets the colours."""
    variables = {value: f"var(--{name})" for name, value in COLOURS.items()}
    return COLOUR.sub(lambda found: f"{found[1]}: {variables.get(found[2], found[2])}", svg)
