"""Diagrams of computational graphs: nodes as circles, edges as arrows with what is written on them. Places are in px."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 400.0, 350.0
RADIUS = 21.0
TEXT_ROW = 16.0
NOTE_ROW = 13.0


class DrawnNode(NamedTuple):
    """A circle with its name and value; note: lines below it. x, y: its centre. strong: whether it stands out, by a thick rim."""

    x: float
    y: float
    name: str
    value: str
    note: Sequence[str] = ()
    strong: bool = False


class DrawnEdge(NamedTuple):
    """An arrow between two nodes, by their keys. at: where its text is, as a share of the way. strong: thick; others are dotted.

    back: whether it points from the second to the first.
    """

    first: str
    second: str
    text: str = ""
    at: float = 0.5
    strong: bool = False
    back: bool = False


def unit_diagram(nodes: Mapping[str, DrawnNode], edges: Sequence[DrawnEdge], lines: Sequence[str]) -> "Figure":
    """Return the graph, with lines of text above it."""
    from stages.pages.drawing import SMALL, axes_in, new_figure

    figure = new_figure(WIDTH, HEIGHT)
    axes = axes_in(figure, left=0, right=0, top=0, bottom=0)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(0, HEIGHT)
    axes.axis("off")
    for edge in edges:
        draw_edge(axes, nodes[edge.first], nodes[edge.second], edge)
    for node in nodes.values():
        draw_node(axes, node)
    for row, line in enumerate(lines):
        axes.text(8, HEIGHT - TEXT_ROW * (row + 0.75), line, fontsize=SMALL, va="center")
    return figure


def draw_edge(axes: "Axes", first: DrawnNode, second: DrawnNode, edge: DrawnEdge) -> None:
    from stages.pages.drawing import COLOURS, SMALL

    x, y = second.x - first.x, second.y - first.y
    gap = RADIUS / (x * x + y * y) ** 0.5
    ends = [(first.x + share * x, first.y + share * y) for share in (gap, 1 - gap)]
    start, end = reversed(ends) if edge.back else ends
    look = {"color": COLOURS["c1"], "linewidth": 2.2} if edge.strong else {"color": COLOURS["baseline"], "linewidth": 1.0,
                                                                          "linestyle": (0, (2, 2))}  # fmt: skip
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11, **look})
    if edge.text:
        axes.text(first.x + edge.at * x, first.y + edge.at * y, edge.text, ha="center", va="center", fontsize=SMALL,
                  bbox={"facecolor": COLOURS["paper"], "edgecolor": "none", "pad": 1.0})  # fmt: skip


def draw_node(axes: "Axes", node: DrawnNode) -> None:
    from stages.pages.drawing import COLOURS, FONT, SMALL

    axes.plot([node.x], [node.y], "o", markersize=2 * RADIUS, markerfacecolor=COLOURS["paper"], clip_on=False,
              markeredgecolor=COLOURS["c1" if node.strong else "ink"], markeredgewidth=2.4 if node.strong else 1.0)  # fmt: skip
    axes.text(node.x, node.y + 7, node.name, ha="center", va="center", fontsize=FONT)
    axes.text(node.x, node.y - 7, node.value, ha="center", va="center", fontsize=SMALL)
    for row, line in enumerate(node.note):
        axes.text(node.x, node.y - RADIUS - 10 - NOTE_ROW * row, line, ha="center", va="center", fontsize=SMALL,
                  bbox={"facecolor": COLOURS["paper"], "edgecolor": "none", "pad": 0.5})  # fmt: skip
