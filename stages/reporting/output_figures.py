"""Figures of labels and regression targets: one dot per output next to its baseline's, and predicted against true values."""

from collections.abc import Mapping, Sequence

from stages.reporting.figures import WIDTH
from stages.reporting.formatting import number
from stages.reporting.svg import Axis, element, figure, short, text, ticks, title, width_of

ROW = 22.0  # px
PANEL, GAP = 124.0, 30.0  # px, one small multiple and the room between two
N_COLUMNS = 3


def output_dots(rows: Sequence[tuple[str, float | None, float | None]], *, x_label: str, label: str) -> str:
    """Return one row per label or target: (name, score, its baseline's score); scores end at 1, and those below −1 are drawn at −1."""
    names = [short(name, 24) for name, *_ in rows]
    left = max(map(width_of, names)) + 12
    width, height = max(WIDTH, left + 300), ROW * len(rows) + 4
    values = [value for row in rows for value in row[1:] if value is not None]
    least = min([0.0, *values])
    axis = Axis(max(-1.0, least - 0.03 if least < 0 else least), 1.0, left, width - 60)
    parts = []
    for value in ticks(axis.lo, axis.hi):
        x = axis.place(value)
        parts.append(element("line", x1=x, x2=x, y1=2.0, y2=height, class_="grid"))
        parts.append(text(f"{value:g}", x, height + 16, "middle", "muted small"))
    for i, (name, (whole, score, baseline)) in enumerate(zip(names, rows, strict=True)):
        y = ROW * (i + 0.5) + 2
        parts.append(text(name, left - 12, y + 4, "end"))
        if baseline is not None:
            x = axis.place(max(baseline, axis.lo))
            tooltip = title(f"{whole}, baseline: {number(baseline)}")
            parts.append(element("line", tooltip, x1=x, x2=x, y1=y - 8, y2=y + 8, class_="reference"))
        if score is not None:
            x = axis.place(max(score, axis.lo))
            parts.append(element("circle", title(f"{whole}: {number(score)}"), cx=x, cy=y, r=4.5, class_="dot c0"))
        parts.append(text(number(score), width - 50, y + 4))
    parts.append(text(x_label, (left + width - 60) / 2, height + 34, "middle", "muted small"))
    return figure(width, height + 42, label, parts)


def agreement_panels(cells: Mapping[str, Sequence[Sequence[int]]], ranges: Mapping[str, tuple[float, float]], *, n_bins: int,
                     label: str) -> str:
    """Return a small multiple per target: rows by bin of the true value (x) and of the predicted one (y), equality dashed."""
    parts = []
    for place, (name, counts) in enumerate(cells.items()):
        x, y = (PANEL + GAP) * (place % N_COLUMNS), (PANEL + 54) * (place // N_COLUMNS)
        parts += _panel(name, counts, ranges[name], n_bins=n_bins, corner=(x + 2, y + 20))
    n_rows = -(-len(cells) // N_COLUMNS)
    return figure(WIDTH, (PANEL + 54) * n_rows + 2, label, parts)


def _panel(name: str, counts: Sequence[Sequence[int]], ends: tuple[float, float], *, n_bins: int,
           corner: tuple[float, float]) -> list[str]:
    (left, top), (lo, hi) = corner, ends
    size, most = PANEL / n_bins, max((n for *_, n in counts), default=1)
    edges = [lo + (hi - lo) * i / n_bins for i in range(n_bins + 1)]
    parts = [text(fitting(name, PANEL + GAP - 6), left, top - 8)]
    parts.append(element("rect", x=left, y=top, width=PANEL, height=PANEL, fill="none", class_="grid"))
    for true, predicted, n in counts:
        spans = [f"{number(edges[place])} to {number(edges[place + 1])}" for place in (true, predicted)]
        parts.append(element("rect", title(f"{name}: true {spans[0]}, predicted {spans[1]}: {n:,} rows"), x=left + size * true,
                             y=top + PANEL - size * (predicted + 1), width=size, height=size, class_="cell",
                             fill_opacity=round(0.12 + 0.88 * (n / most) ** 0.5, 3)))
    parts.append(element("line", x1=left, x2=left + PANEL, y1=top + PANEL, y2=top, class_="reference"))
    parts.append(text(number(lo), left, top + PANEL + 14, "start", "muted small"))
    parts.append(text(number(hi), left + PANEL, top + PANEL + 14, "end", "muted small"))
    return parts


def fitting(name: str, width: float) -> str:
    """Return a name cut so that it takes at most `width` px."""
    length = len(name)
    while width_of(short(name, length)) > width and length > 2:
        length -= 1
    return short(name, length)
