"""Derivatives worked by hand, paths that can be listed, and multiplications that can be counted on paper."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from stages.lessons.back_propagation import EXAMPLE, graph_frames
from stages.pages.drawing import figure_style, render
from stages.teaching.scalar_graphs import Differentiated, ScalarGraph, back_propagated, by_paths, forward_mode, paths_from
from stages.teaching.sigmoid_units import drawn_layers, unit_graph

Way = Callable[[ScalarGraph, Sequence[int]], Differentiated]
WAYS: tuple[Way, ...] = (by_paths, forward_mode, back_propagated)


def diamond(x: float) -> ScalarGraph:
    """Return y = a·b of a = x² and b = 3·x, so that y = 3·x³."""
    graph = ScalarGraph()
    graph.add(x)
    graph.add(x * x, {0: 2 * x})
    graph.add(3 * x, {0: 3.0})
    graph.add(x * x * 3 * x, {1: 3 * x, 2: x * x})
    return graph


@pytest.mark.parametrize("way", WAYS)
def test_two_paths_add_up(way: Way) -> None:
    found = way(diamond(2.0), [0, 1, 2])
    assert found.derivatives == pytest.approx([9 * 2.0**2, 6.0, 4.0], rel=1e-15)


def test_multiplications_of_two_paths() -> None:
    graph = diamond(2.0)
    assert [list(paths_from(graph.users(), node, 3)) for node in (0, 1)] == [[(0, 1, 3), (0, 2, 3)], [(1, 3)]]
    assert [way(graph, [0]).n_multiplications for way in WAYS] == [4, 4, 4]  # two paths of two edges; every edge once; every edge once
    assert [way(graph, [0, 1, 2]).n_multiplications for way in WAYS] == [6, 6, 4]


def test_the_same_argument_twice_on_the_way_is_not_lost() -> None:
    graph = ScalarGraph()
    for place in range(5):  # y = 2·2·2·2·x, a chain
        graph.add(2.0**place, {place - 1: 2.0} if place else {})
    assert all(way(graph, [0]) == (pytest.approx([16.0]), 4) for way in WAYS)


@pytest.mark.parametrize("way", WAYS)
def test_the_example_by_hand(way: Way) -> None:
    """x = (1, −1, 2): z₁ = 2 − 4 + 2 = 0, z₂ = 1 − 2 + 2 = 1, z = 2·h₁ − h₂, target 1, so that ∂L/∂z = p − 1."""
    h1, h2 = 0.5, 1 / (1 + math.exp(-1))
    p = 1 / (1 + math.exp(-(2 * h1 - h2)))
    slope1, slope2, of_z = 0.25, h2 * (1 - h2), p - 1
    made = unit_graph(*EXAMPLE)
    assert [made.graph.values[node] for node in (*made.units[0], *made.units[1])] == pytest.approx([h1, h2, p], rel=1e-15)
    assert made.graph.values[-1] == pytest.approx(-math.log(p))
    by_x = [of_z * (2 * slope1 * w1 - slope2 * w2) for w1, w2 in ((2, 1), (4, 2), (1, 1))]
    assert way(made.graph, made.inputs).derivatives == pytest.approx(by_x, rel=1e-14)
    by_parameters = [*(of_z * 2 * slope1 * x for x in (1, -1, 2)), *(of_z * -slope2 * x for x in (1, -1, 2)), of_z * 2 * slope1,
                     -of_z * slope2, of_z * h1, of_z * h2, of_z]  # fmt: skip
    assert way(made.graph, made.parameters).derivatives == pytest.approx(by_parameters, rel=1e-14)


def test_target_0() -> None:
    """One unit: L = −log(1 − σ(w·x + b)), so that ∂L/∂w = σ·x."""
    made = unit_graph([(np.array([[3.0]]), np.array([-1.0]))], np.array([0.5]), 0.0)
    sigma = 1 / (1 + math.exp(-0.5))
    assert back_propagated(made.graph, made.parameters).derivatives == pytest.approx([0.5 * sigma, sigma], rel=1e-14)
    assert made.graph.values[-1] == pytest.approx(-math.log(1 - sigma))


@pytest.mark.parametrize(("width", "depth"), [(1, 4), (2, 1), (2, 3), (3, 4), (5, 2)])
def test_counts_on_paper(width: int, depth: int) -> None:
    """A parameter of hidden layer l has width^(depth − l) paths, of depth − l + 3 edges each: to its unit, on to the last, to p, to L."""
    rng = np.random.default_rng(0)
    made = unit_graph(drawn_layers((*(width,) * (depth + 1), 1), rng), rng.standard_normal(width), 1.0)
    assert sum(1 for _ in paths_from(made.graph.users(), made.inputs[0], len(made.graph.values) - 1)) == width**depth
    each = width * (width + 1)
    by_path = sum(each * width**above * (above + 3) for above in range(depth)) + 2 * (width + 1)
    n_edges = depth * width * (2 * width + 1) + (2 * width + 1) + 1
    # forward: to the unit, its `width` edges into the next layer, all edges between later layers, into p, into L
    forward = sum(each * (1 + (width if above else 1) + max(above - 1, 0) * width**2 + (width if above else 0) + 1)
                  for above in range(depth)) + 2 * (width + 1)  # fmt: skip
    found = [way(made.graph, made.parameters) for way in WAYS]
    assert [one.n_multiplications for one in found] == [by_path, forward, n_edges] and sum(map(len, made.graph.slopes)) == n_edges
    assert found[0].derivatives == pytest.approx(found[2].derivatives, rel=1e-12)
    assert found[1].derivatives == pytest.approx(found[2].derivatives, rel=1e-12)


def test_a_deep_network_as_matrices() -> None:
    """The lecture's rule, layer by layer: gradient = transposed local Jacobian × backprop gradient."""
    rng = np.random.default_rng(1)
    layers, x = drawn_layers((4, 3, 5, 2, 1), rng), rng.standard_normal(4)
    values = [x]
    for W, b in layers:
        values.append(1 / (1 + np.exp(-(W @ values[-1] + b))))
    gradient = np.array([-1 / values[-1][0]])  # of −log p
    for (W, _), value in zip(reversed(layers), reversed(values), strict=False):
        gradient = (value * (1 - value))[:, None].T * W.T @ gradient
    made = unit_graph(layers, x, 1.0)
    for way in WAYS:
        assert way(made.graph, made.inputs).derivatives == pytest.approx(gradient, rel=1e-13)


def test_the_numbers_that_are_drawn() -> None:
    """In the last step: ∂L/∂x₁ by hand, as it is written; in the fifth: both summands."""
    h2 = 1 / (1 + math.exp(-1))
    of_z = 1 / (1 + math.exp(-(1 - h2))) - 1
    first, second = of_z * 2 * 0.25 * 2, of_z * -1 * h2 * (1 - h2)
    with figure_style():
        frames = [render(frame.figure, "graph", "") for frame in graph_frames()]
    shown = [f"{value:.3g}".replace("-", "−") for value in (first, second, first + second)]
    assert all(text in frames[4] for text in shown) and shown[2] in frames[7] and shown[2] not in frames[3]
