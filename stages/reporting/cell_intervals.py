"""Draw intervals in the cells of tables: SVG as wide as the cell, coloured by classes of the page's style sheet."""

from html import escape


def cell_interval(mean: float, lo: float | None, hi: float | None, *, scale: tuple[float, float], reference: float | None, colour: str,
                  label: str) -> str:
    """Return one dot with its interval; all rows of a table share `scale`."""

    def at(value: float) -> str:
        return f"{min(max(100 * (0.02 + 0.96 * (value - scale[0]) / (scale[1] - scale[0])), 0.0), 100.0):.2f}%"

    def line(start: float, end: float, heights: tuple[int, int], kind: str) -> str:
        return f'<line x1="{at(start)}" x2="{at(end)}" y1="{heights[0]}" y2="{heights[1]}" class="{kind}"/>'

    parts = [f"<title>{escape(label)}</title>"]
    if reference is not None:
        parts.append(line(reference, reference, (0, 22), "reference"))
    if lo is not None and hi is not None:
        parts.append(line(lo, hi, (11, 11), f"whisker {colour}"))
    parts.append(f'<circle cx="{at(mean)}" cy="11" r="4.5" class="dot {colour}"/>')
    return f'<svg width="100%" height="22" role="img" aria-label="{escape(label)}" class="whiskers">{"".join(parts)}</svg>'
