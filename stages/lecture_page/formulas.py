"""Formulas as SVG, drawn by matplotlib's mathtext: no script, no font of the reader, the same on paper."""

import re

import matplotlib
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser

from stages.pages.drawing import COLOURS, figure_style, new_figure, render

SIZE = 15.0  # px
EDGE = 2.0  # px


def formula_svg(latex: str, name: str) -> str:
    """Return a formula as SVG text; its LaTeX is what a screen reader says.

    Args:
        name: unique on the page.
    Raises:
        ValueError: if mathtext cannot draw it.
    """
    text = f"${latex}$"
    with figure_style():
        matplotlib.rcParams.update({"svg.fonttype": "path", "text.parse_math": True, "mathtext.fontset": "cm"})
        font = FontProperties(size=SIZE)
        width, height, depth, _, _ = MathTextParser("path").parse(text, dpi=72, prop=font)
        figure = new_figure(width + 2 * EDGE, height + 2 * EDGE)
        figure.text(EDGE / (width + 2 * EDGE), (depth + EDGE) / (height + 2 * EDGE), text, fontproperties=font, color=COLOURS["ink"])
        return re.sub(r'class="[^"]*" style="[^"]*"', 'class="formula"', render(figure, name, latex), count=1)
