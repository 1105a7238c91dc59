"""The report's figures: confusion matrix, curves, dot-and-whisker rows. Each returns the text of an SVG element."""

from collections.abc import Mapping, Sequence

from stages.reporting.formatting import number
from stages.reporting.svg import Axis, element, figure, padded, short, text, ticks, title, width_of

WIDTH = 440.0
N_COLOURS = 6
ON_HEAT_FROM = 0.65  # share from which the heat's own text colour has the better contrast, on light and on dark paper
CELL_TEXT_UP_TO = 12  # classes; smaller cells hold no number, but keep their tooltip


def colour(place: int) -> str:
    """Return the class of the n-th series' colour."""
    return f"c{place % N_COLOURS}"


def confusion_matrix(counts: Sequence[Sequence[int]], classes: Sequence[str], label: str) -> str:
    """Return a confusion matrix, rows true and columns predicted; shade is the share of the true class."""
    n_classes = len(classes)
    names = [short(name, 20) for name in classes]
    longest = max(map(width_of, names))
    left = max(52.0, longest + 30)  # room for the words above the names too
    cell = max(12.0, min(72.0, (WIDTH - left) / n_classes))
    slanted = n_classes > 2 and longest > cell
    top = (longest * 0.75 if slanted else 12) + 28
    parts = [text("predicted →", left, 10, kind="muted small"), text("true ↓", left - 8, top - 6, "end", "muted small")]
    for i, (name, row) in enumerate(zip(names, counts, strict=True)):
        middle = cell * (i + 0.5)
        parts.append(text(name, left - 8, top + middle + 4, "end"))
        x, y = left + middle + (3 if slanted else 0), top - 6
        turn = {"transform": f"rotate(-48 {x:.2f} {y:.2f})"} if slanted else {}
        parts.append(text(name, x, y, "start" if slanted else "middle", **turn))
        parts += [_cell(count, sum(row), (left + cell * j, top + cell * i, cell), (classes[i], classes[j]), n_classes)
                  for j, count in enumerate(row)]
    reach = longest * 0.7 if slanted else 0  # the last slanted name leans out to the right
    return figure(max(WIDTH, left + cell * n_classes + reach), top + cell * n_classes + 6, label, parts)


def _cell(count: int, total: int, box: tuple[float, float, float], names: tuple[str, str], n_classes: int) -> str:
    share = count / total if total else 0.0
    x, y, size = box
    what = f"true {names[0]}, predicted {names[1]}: {count} of {total} ({share:.0%})"
    parts = [element("rect", title(what), x=x + 0.5, y=y + 0.5, width=size - 1, height=size - 1, rx=2,
                     class_="cell", fill_opacity=round(0.05 + 0.95 * share, 3))]
    if count and n_classes <= CELL_TEXT_UP_TO:
        kind = "on small" if share > ON_HEAT_FROM else "small"
        parts.append(text(str(count), x + size / 2, y + size / 2 + 4, "middle", kind, pointer_events="none"))
    return "".join(parts)


def curves(series: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str, y_label: str, label: str, log_x: bool = False) -> str:
    """Return one line per series of (x, y) points, with a legend above; a dot marks each point where they are few.

    Args:
        log_x: logarithmic x axis, with a tick at each x that occurs.
    """
    points = [point for line in series.values() for point in line]
    xs = sorted({x for x, _ in points})
    legend, legend_height = _legend(list(series))
    lo, hi = padded([y for _, y in points])
    x_axis = Axis(xs[0], xs[-1], 52, WIDTH - 16, log_x)
    y_axis = Axis(lo, hi, legend_height + 190, legend_height + 22)
    parts = [*legend, text(y_label, 0, legend_height + 8, kind="muted small")]
    for value in ticks(lo, hi):
        y = y_axis.place(value)
        parts += [element("line", x1=52.0, x2=WIDTH - 16, y1=y, y2=y, class_="grid"), text(f"{value:g}", 46, y + 4, "end", "muted small")]
    last = -100.0
    for value in xs if log_x else [v for v in ticks(xs[0], xs[-1], 6) if v == int(v)] or xs:
        x = x_axis.place(value)
        if x - last >= 24:  # labels closer than this run into each other
            parts.append(text(f"{value:g}", x, y_axis.start + 18, "middle", "muted small"))
            last = x
    parts.append(text(x_label, (52 + WIDTH - 16) / 2, y_axis.start + 36, "middle", "muted small"))
    for place, (name, line) in enumerate(series.items()):
        pixels = [(x_axis.place(x), y_axis.place(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
        parts.append(element("polyline", title(name), points=path, class_=f"line {colour(place)}"))
        if len(xs) <= 20:
            parts += [element("circle", title(f"{name}, {x_label} {at[0]:g}: {number(at[1])}"), cx=x, cy=y, r=3.2,
                              class_=f"dot {colour(place)}") for at, (x, y) in zip(line, pixels, strict=True)]
    return figure(WIDTH, y_axis.start + 44, label, parts)


def _legend(names: Sequence[str]) -> tuple[list[str], float]:
    """Return the legend's elements, wrapped to the figure's width, and its height."""
    if len(names) < 2:
        return [], 8.0
    parts, x, y = [], 0.0, 12.0
    for place, name in enumerate(names):
        width = 24 + width_of(name) + 14
        if x and x + width > WIDTH:
            x, y = 0.0, y + 18
        parts.append(element("line", x1=x, x2=x + 16, y1=y - 4, y2=y - 4, class_=f"line {colour(place)}"))
        parts.append(text(name, x + 22, y))
        x += width
    return parts, y + 14


def whisker(mean: float, lo: float | None, hi: float | None, *, scale: tuple[float, float], reference: float | None, kind: str,
            label: str) -> str:
    """Return one dot with its interval for a table's cell, as wide as the cell is; all rows share `scale`."""
    axis = Axis(*scale, 2.0, 98.0)

    def at(value: float) -> str:
        return f"{min(max(axis.place(value), 0.0), 100.0):.2f}%"

    parts = [title(label)]
    if reference is not None:
        parts.append(element("line", x1=at(reference), x2=at(reference), y1=0.0, y2=22.0, class_="reference"))
    if lo is not None and hi is not None:
        parts.append(element("line", x1=at(lo), x2=at(hi), y1=11.0, y2=11.0, class_=f"whisker {kind}"))
    parts.append(element("circle", cx=at(mean), cy=11.0, r=4.5, class_=f"dot {kind}"))
    return element("svg", *parts, width="100%", height="22", role="img", aria_label=label, class_="whiskers")


def intervals(rows: Sequence[tuple[str, float, float | None, float | None, str]], *, x_label: str, reference: float | None,
              label: str) -> str:
    """Return dot-and-whisker rows (name, mean, lo, hi, colour class) as one figure, with the reference as a dashed line."""
    left = max(width_of(name) for name, *_ in rows) + 12
    width, height, step = left + 420, 26.0 * len(rows), 26.0
    ends = [value for _, mean, lo, hi, _ in rows for value in (mean, lo, hi) if value is not None]
    axis = Axis(*padded(ends), left, width - 66)
    parts = []
    for value in ticks(axis.lo, axis.hi):
        x = axis.place(value)
        parts.append(element("line", x1=x, x2=x, y1=4.0, y2=height, class_="grid"))
        parts.append(text(f"{value:g}", x, height + 16, "middle", "muted small"))
    if reference is not None:
        parts.append(element("line", x1=axis.place(reference), x2=axis.place(reference), y1=4.0, y2=height, class_="reference"))
    for i, (name, mean, lo, hi, kind) in enumerate(rows):
        y = step * (i + 0.5)
        parts.append(text(name, left - 12, y + 4, "end"))
        if lo is not None and hi is not None:
            parts.append(element("line", x1=axis.place(lo), x2=axis.place(hi), y1=y, y2=y, class_=f"whisker {kind}"))
        parts.append(element("circle", title(f"{name}: {number(mean)}"), cx=axis.place(mean), cy=y, r=4.5, class_=f"dot {kind}"))
        parts.append(text(number(mean), width - 56, y + 4))
    parts.append(text(x_label, (left + width - 66) / 2, height + 34, "middle", "muted small"))
    return figure(width, height + 42, label, parts)
