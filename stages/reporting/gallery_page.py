"""The gallery of errors as the page shows it: images and sounds as data, wave forms, lines and points as small drawings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.gallery_document import (
    Exhibit,
    Gallery,
    ImageExhibit,
    LinesExhibit,
    Mistake,
    NoExhibit,
    PointsExhibit,
    ShownModality,
    SoundExhibit,
    TableExhibit,
    TextExhibit,
)
from stages.reporting.formatting import SPACE, candidate_name, number

WIDTH, HEIGHT = 240.0, 56.0  # of drawings
FEWEST_PIXELS = 112  # of the longer side of an image as shown: a smaller one is enlarged
NOTHING = "none"


class Card(NamedTuple):
    """A sample in the gallery: its id, what is true and predicted, how sure or wrong that is, and what it holds by modality.

    targets: (name, true, predicted) of several targets; else empty.
    """

    sample_id: str
    true: str
    predicted: str
    targets: Sequence[tuple[str, str, str]]
    measure: str
    contents: Sequence[tuple[str, Markup]]


def gallery_lead(evaluation: Evaluation, gallery: Gallery) -> str:
    """Return of which candidate the samples are, and how they were chosen."""
    name, n = candidate_name(gallery.candidate, evaluation), len(gallery.mistakes)
    those = "the one" if n == 1 else f"the {n}"
    if gallery.ranked_by == "residual":
        return f"{name}: {those} of {gallery.n_tested:,} test rows that are furthest from the truth, in standard deviations of the target."
    how = "whose wrong class is most probable" if gallery.ranked_by == "confidence" else "with the largest log-loss"
    verb = "is" if gallery.n_wrong == 1 else "are"
    wrong = "wrong in a label or more" if evaluation.form == "labels" else "predicted wrong"
    return (f"{name}: {gallery.n_wrong:,} of {gallery.n_tested:,} test rows {verb} {wrong}; below, {those} {how}. "
            "Look here first for wrong targets and damaged samples.")


def cards(gallery: Gallery) -> list[Card]:
    """Return the samples, the worst first."""
    return [Card(one.sample_id, stated(one.true), stated(one.predicted), several_targets(one), measure(one, gallery), contents(one))
            for one in gallery.mistakes]


def several_targets(one: Mistake) -> list[tuple[str, str, str]]:
    """Return a line per target, for a table; of one target the values stand alone."""
    return list(zip(one.targets, one.true, one.predicted, strict=True)) if len(one.targets) > 1 else []


def stated(names: Sequence[str]) -> str:
    return ", ".join(names) or NOTHING


def measure(one: Mistake, gallery: Gallery) -> str:
    """Return how sure, or how wrong, the prediction is."""
    if one.confidence is not None:
        return f"probability {number(one.confidence)}"
    return f"{number(one.loss)}{SPACE}standard deviations off" if gallery.ranked_by == "residual" else f"log-loss {number(one.loss)}"


def contents(one: Mistake) -> list[tuple[str, Markup]]:
    """Return each modality's name, with the number of its files if there are several, and what is shown of it."""
    return [(shown.modality + (f" (first of {shown.n_files} files)" if shown.n_files > 1 else ""), drawn(shown, one.sample_id))
            for shown in one.shown]


def drawn(shown: ShownModality, sample_id: str) -> Markup:
    """Return the markup of one modality of one sample."""
    label = f"{shown.modality} of {sample_id}"
    return DRAWERS[type(shown.exhibit)](shown.exhibit, label)


def _text(found: TextExhibit, label: str) -> Markup:
    if not found.text:
        return _none(NoExhibit(why="empty text"), label)
    rest = found.n_characters - len(found.text)
    more = Markup(' <span class="quiet">{:,} characters in all</span>').format(found.n_characters) if rest > 0 else Markup("")
    return Markup('<p class="quote" tabindex="0">{}{}</p>').format(found.text, more)


def _table(found: TableExhibit, label: str) -> Markup:
    rows = Markup("").join(Markup("<tr><th scope=\"row\">{}</th><td>{}</td></tr>").format(name, value) for name, value in found.cells)
    rest = found.n_cells - len(found.cells)
    more = Markup('<p class="quiet">and {:,} more</p>').format(rest) if rest else Markup("")
    return Markup('<div class="tall" tabindex="0"><table class="cells">{}</table>{}</div>').format(rows, more)


def _image(found: ImageExhibit, label: str) -> Markup:
    return enlarged(found.png, found.height, found.width, label)


def enlarged(png: str, height: int, width: int, label: str, *, n_parts: int = 1) -> Markup:
    """Return an image, enlarged if it is small, or if the parts next to one another in it are."""
    scale = max(1.0, FEWEST_PIXELS / max(height, width / n_parts))
    pixelated = " pixelated" if scale > 1 else ""
    return Markup('<img class="exhibit{}" alt="{}" width="{}" height="{}" src="data:image/png;base64,{}">').format(
        pixelated, label, round(width * scale), round(height * scale), png)


def _sound(found: SoundExhibit, label: str) -> Markup:
    cut = f"first {found.shown_seconds:g} of {found.seconds:g} s" if found.shown_seconds < found.seconds else f"{found.seconds:g} s"
    step = WIDTH / max(1, len(found.wave))
    # a flat part is still a line
    path = "".join(f"M{(i + 0.5) * step:.1f} {_y(max(hi, lo + 2), -100, 100)}V{_y(lo, -100, 100)}" for i, (lo, hi) in enumerate(found.wave))
    wave = _svg(Markup('<path class="line0" d="{}"/>').format(path), f"wave form of {label}")
    player = Markup('<audio controls preload="metadata" aria-label="{}" src="data:audio/wav;base64,{}"></audio>').format(label, found.wav)
    return wave + player + Markup('<p class="quiet">{}</p>').format(cut)


def _lines(found: LinesExhibit, label: str) -> Markup:
    known = [value for line in found.lines for value in line if value is not None]
    if not known:
        return _none(NoExhibit(why="no value"), label)
    lo, hi = min(known), max(known)
    paths = Markup("")
    for place, line in enumerate(found.lines):
        step, pen, parts = WIDTH / max(1, len(line) - 1), "M", list[str]()
        for i, value in enumerate(line):
            if value is None:
                pen = "M"
                continue
            parts.append(f"{pen}{i * step:.1f} {_y(value, lo, hi)}")
            pen = "L"
        paths += Markup('<path class="line{}" d="{}"/>').format(place, "".join(parts))
    channels = "1 channel" if found.n_channels == 1 else f"{found.n_channels:,} channels"
    shown = f", the first {len(found.lines)} drawn" if len(found.lines) < found.n_channels else ""
    range_ = f"{number(lo)} to {number(hi)}"
    return _svg(paths, label) + Markup('<p class="quiet">{}{}, {:,} points, {}</p>').format(channels, shown, found.n_points, range_)


def _points(found: PointsExhibit, label: str) -> Markup:
    if not found.points:
        return _none(NoExhibit(why="no point"), label)
    xs, ys = zip(*found.points, strict=True)
    size, side = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0, 2 * HEIGHT
    middle = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    places = [(side / 2 + (x - middle[0]) / size * (side - 8), side / 2 - (y - middle[1]) / size * (side - 8)) for x, y in found.points]
    dots = Markup("").join(Markup('<circle cx="{}" cy="{}" r="1.6"/>').format(f"{x:.1f}", f"{y:.1f}") for x, y in places)
    drawing = Markup('<svg class="exhibit points" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>').format(
        label, f"{side:g}", f"{side:g}", f"{side:g}", f"{side:g}", dots)
    return drawing + Markup('<p class="quiet">{:,} points</p>').format(found.n_points)


def _none(found: NoExhibit, label: str) -> Markup:
    return Markup('<p class="quiet">{}</p>').format(found.why)


def _y(value: float, lo: float, hi: float) -> str:
    return f"{2 + (HEIGHT - 4) * (1 - (value - lo) / (hi - lo or 1.0)):.1f}"


def _svg(inside: Markup, label: str) -> Markup:
    return Markup('<svg class="exhibit drawing" role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>').format(
        escape(label), f"{WIDTH:g}", f"{HEIGHT:g}", inside)


DRAWERS: Mapping[type[Exhibit], Callable[[Any, str], Markup]] = {
    TextExhibit: _text, TableExhibit: _table, ImageExhibit: _image, SoundExhibit: _sound, LinesExhibit: _lines, PointsExhibit: _points,
    NoExhibit: _none,
}  # fmt: skip
