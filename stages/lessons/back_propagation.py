"""Back-propagation on a drawn graph: values, local derivatives, paths and gradients; and how many multiplications each way takes."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.network_gradients import relative
from stages.teaching.scalar_graphs import UnitGraph, back_propagated, by_paths, forward_mode, paths_from, unit_graph
from stages.teaching.unit_diagrams import DrawnEdge, DrawnNode, unit_diagram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (3, 2, 1)  # of the network that is drawn
LIMIT = 1e-12  # of a relative error
WIDTHS = (1, 2, 3, 4, 6, 8)  # of the chart; the last is twice the one of index −3
N_WIDE_LAYERS = 3
WAYS = {"path by path": by_paths, "forward mode": forward_mode, "backward": back_propagated}
PLACES = {"x₁": (52, 238), "x₂": (52, 142), "x₃": (52, 46), "h₁": (178, 192), "h₂": (178, 92), "p": (288, 142), "L": (370, 142),
          "w₁₁": (246, 250)}  # fmt: skip
GRAPH_SLIDE = "the lecture, Gradient Computation"
Layers = list[tuple[np.ndarray, np.ndarray]]


class BackPropagationSettings(LessonSettings):
    width: int = Field(3, ge=2, le=4, description="inputs, and sigmoid units of each hidden layer, where depth grows")
    n_layers: int = Field(8, ge=3, le=8, description="hidden layers of the deepest network")


def drawn_layers(sizes: tuple[int, ...], rng: np.random.Generator) -> Layers:
    """Return standard normal weights and biases of each layer."""
    return [(rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out)) for n_in, n_out in zip(sizes, sizes[1:], strict=False)]


def observe(settings: BackPropagationSettings, seed: int) -> Observed:
    """Compare three ways with autograd at one drawn network per seed; count multiplications as networks grow."""
    found = [compared(derived_seed(seed, "lessons", "back_propagation", str(place))) for place in range(settings.n_seeds)]
    rng = np.random.default_rng(derived_seed(seed, "lessons", "back_propagation", "growth"))
    depths = range(1, settings.n_layers + 1)
    deep = [grown(settings.width, depth, rng) for depth in depths]
    wide = [grown(width, N_WIDE_LAYERS, rng) for width in WIDTHS]
    added = np.diff([counts["backward"] for counts in deep])
    titles = {"path by path": "sum over all paths", "forward mode": "forward mode", "backward": "back-propagation"}
    numbers = {
        **{f"{way.split()[0]}_error": Measured(f"{title} against autograd: relative error", [errors[way] for errors in found])
           for way, title in titles.items()},
        "one_path_error": Measured("gradient by the inputs from the larger path alone: relative error", [errors["one"] for errors in found]),
        "width": Measured("inputs, and units of each hidden layer", [float(settings.width)]),
        "layers": Measured("hidden layers of the deepest network", [float(settings.n_layers)]),
        "paths": Measured("its paths from one input to the loss", [float(deep[-1]["paths"])]),
        **{f"{way.split()[0]}_work": Measured(f"its multiplications for all parameters, {way}", [float(deep[-1][way])]) for way in WAYS},
        "least_added": Measured("multiplications that a hidden layer adds to backward: least", [float(added.min())]),
        "most_added": Measured("multiplications that a hidden layer adds to backward: most", [float(added.max())]),
        **{f"{way.split()[0]}_wider": Measured(f"factor from {WIDTHS[-3]} to {WIDTHS[-1]} units a layer, {way}",
                                               [wide[-1][way] / wide[-3][way]]) for way in ("path by path", "backward")},
    }  # fmt: skip
    charts = {f"{settings.width} units a layer": ("hidden layers", list(depths), deep, "y"),
              f"{N_WIDE_LAYERS} hidden layers": ("units of each hidden layer, and inputs", WIDTHS, wide, "xy")}  # fmt: skip
    frames = [Frame(label, line_chart([Line(way, x, [counts[way] for counts in every], dots=True) for way in WAYS], x_label,
                                      "multiplications for all parameters", log=log))
              for label, (x_label, x, every, log) in charts.items()]  # fmt: skip
    return Observed(numbers, [
        LessonFigure("graph", "From values to gradients, step by step", "Three inputs, two sigmoid units, an output p and its loss L. Forward: "
                     "values in the circles. Then local derivatives on the edges, paths as thick arrows, and gradients that flow back.",
                     graph_frames(derived_seed(seed, "lessons", "back_propagation", "0"))),
        LessonFigure("work", "Multiplications for the whole gradient", "Counted on networks of sigmoid units with one output. Path by path the "
                     "work rises fastest with depth and width, backward slowest.", frames),
    ])  # fmt: skip


def drawn_example(seed: int) -> tuple[Layers, np.ndarray, float]:
    """Return the layers, the inputs and the target of a small network."""
    rng = np.random.default_rng(seed)
    return drawn_layers(SIZES, rng), rng.standard_normal(SIZES[0]), float(rng.integers(2))


def compared(seed: int) -> dict[str, float]:
    """Return the relative errors of each way's gradient, by all parameters and inputs, and of the larger of an input's two paths."""
    layers, x, target = drawn_example(seed)
    made, known = unit_graph(layers, x, target), by_autograd(layers, x, target)
    nodes = [*made.parameters, *made.inputs]
    errors = {way: relative(derivatives(made.graph, nodes).derivatives, known) for way, derivatives in WAYS.items()}
    alone = [max((path_product(made, (node, unit)) for unit in made.units[0]), key=abs) for node in made.inputs]
    by_inputs = known[-len(x):]
    return {**errors, "one": float(np.linalg.norm(np.array(alone) - by_inputs) / np.linalg.norm(by_inputs))}


def path_product(made: UnitGraph, start: tuple[int, ...]) -> float:
    """Return the product of the local derivatives along nodes, and on over the output to the loss."""
    path = (*start, made.units[-1][0], len(made.graph.values) - 1)
    return float(np.prod([made.graph.slopes[user][argument] for argument, user in zip(path, path[1:], strict=False)]))


def by_autograd(layers: Layers, x: np.ndarray, target: float) -> np.ndarray:
    """Return the gradient that torch finds by itself: by W₁, b₁, W₂, b₂, … and the inputs."""
    import torch

    from stages.teaching.small_networks import flat_parameters, outputs_of

    leaves = [(torch.from_numpy(W).requires_grad_(), torch.from_numpy(b).requires_grad_()) for W, b in layers]
    inputs = torch.from_numpy(x[None]).requires_grad_()
    score = outputs_of(leaves, inputs, "logistic")[0, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(score, torch.tensor(target, dtype=torch.float64))
    return torch.cat([part.ravel() for part in torch.autograd.grad(loss, [*flat_parameters(leaves), inputs])]).numpy()


def grown(width: int, depth: int, rng: np.random.Generator) -> dict[str, int]:
    """Return the multiplications of each way for all parameters of a network, and the paths from one input to its loss."""
    made = unit_graph(drawn_layers((*(width,) * (depth + 1), 1), rng), rng.standard_normal(width), 1.0)
    paths = sum(1 for _ in paths_from(made.graph.users(), made.inputs[0], len(made.graph.values) - 1))
    return {way: derivatives(made.graph, made.parameters).n_multiplications for way, derivatives in WAYS.items()} | {"paths": paths}


def factor(value: float) -> str:
    """Return a number as a factor of a product."""
    return f"({written(value)})" if value < 0 else written(value)


def graph_frames(seed: int) -> list[Frame]:
    """Return the small network from its values to its gradients."""
    layers, x, target = drawn_example(seed)
    made = unit_graph(layers, x, target)
    graph, loss = made.graph, len(made.graph.values) - 1
    node_of = dict(zip(PLACES, [*made.inputs, *made.units[0], *made.units[1], loss, int(made.weights[0][0, 0])], strict=True))
    gradients = dict(zip(node_of, back_propagated(graph, list(node_of.values())).derivatives, strict=True))
    slopes = {(first, second): graph.slopes[node_of[second]][node_of[first]] for second in node_of for first in node_of
              if node_of[first] in graph.slopes[node_of[second]]}  # fmt: skip
    h_slope = graph.values[node_of["h₁"]] * (1 - graph.values[node_of["h₁"]])

    def picture(texts: dict[tuple[str, str], float], lines: list[str], *, strong: str = "", noted: str = "", back: bool = False,
                with_weight: bool = False) -> "Figure":  # fmt: skip
        on_way = set(strong.split())
        nodes = {name: DrawnNode(*PLACES[name], name, written(graph.values[node]), strong=name in on_way,
                                 note=f"∂L/∂{name} = {written(gradients[name])}" if name in noted.split() else "")
                 for name, node in node_of.items() if with_weight or name != "w₁₁"}  # fmt: skip
        edges = [DrawnEdge(first, second, written(texts[first, second]) if (first, second) in texts else "",
                           0.37 if first[0] == "x" else 0.5, {first, second} <= on_way, back) for first, second in slopes
                 if first in nodes]  # fmt: skip
        return unit_diagram(nodes, edges, lines)

    def product(*path: str) -> str:
        return " · ".join(factor(slopes[edge]) for edge in zip(path, path[1:], strict=False))

    weights = {(f"x{'₁₂₃'[i]}", f"h{'₁₂'[j]}"): layers[0][0][j, i] for j in range(2) for i in range(3)}
    weights |= {(f"h{'₁₂'[j]}", "p"): layers[1][0][0, j] for j in range(2)}
    through = [path_product(made, (node_of["x₁"], unit)) for unit in made.units[0]]
    of_weights = back_propagated(graph, made.weights[0].ravel().tolist()).derivatives
    backward = [f"∂L/∂h{j} = {product(f'h{j}', 'p')} · {factor(gradients['p'])} = {written(gradients[f'h{j}'])}" for j in "₁₂"]
    pictures = {
        "1 forward: values": picture(weights, ["Forward: each unit is σ(Σ w·x + b); on the edges: w.",
            f"h₁ = {written(graph.values[node_of['h₁']])}, h₂ = {written(graph.values[node_of['h₂']])}",
            f"target {target:g}: L = −log {'p' if target else '(1 − p)'} = {written(graph.values[loss])}"]),
        "2 local derivatives": picture(slopes, ["Local derivatives on the edges, from the values: ∂h/∂x = h·(1 − h)·w",
            f"∂h₁/∂x₁ = {written(h_slope)} · {factor(weights['x₁', 'h₁'])} = {written(slopes['x₁', 'h₁'])}"]),
        "3 a weight: one path": picture(slopes, ["w₁₁ has one path to L; its derivative is the product along it:",
            f"∂L/∂w₁₁ = {product('w₁₁', 'h₁', 'p', 'L')} = {written(gradients['w₁₁'])}"], strong="w₁₁ h₁ p L", with_weight=True),
        "4 an input: first path": picture(slopes, ["x₁ has two paths. Through h₁:",
            f"{product('x₁', 'h₁', 'p', 'L')} = {written(through[0])}"], strong="x₁ h₁ p L"),
        "5 an input: second path": picture(slopes, [f"Through h₂: {product('x₁', 'h₂', 'p', 'L')} = {written(through[1])}",
            f"Their sum: ∂L/∂x₁ = {written(through[0])} + {factor(through[1])} = {written(gradients['x₁'])}"], strong="x₁ h₂ p L"),
        "6 backward: output": picture(slopes, ["Backward: start with ∂L/∂L = 1, multiply by the local derivative.",
            f"∂L/∂p = {written(slopes['p', 'L'])} · 1 = {written(gradients['p'])}"], strong="p L", noted="p L", back=True),
        "7 backward: hidden units": picture(slopes, ["The gradient of p is used twice, and not computed again:", *backward],
            strong="h₁ h₂ p", noted="h₁ h₂ p", back=True),
        "8 backward: inputs, weights": picture(slopes, ["Each input adds up what comes back from h₁ and h₂. Weights:",
            f"∂L/∂w₁ᵢ = {', '.join(map(written, of_weights[:3]))}", f"∂L/∂w₂ᵢ = {', '.join(map(written, of_weights[3:]))}"],
            strong="x₁ x₂ x₃ h₁ h₂", noted="x₁ x₂ x₃ h₁ h₂", back=True),
    }  # fmt: skip
    return [Frame(label, figure) for label, figure in pictures.items()]


def claims(numbers: Numbers) -> list[Claim]:
    worst = [max(numbers[f"{way}_error"].values) for way in ("path", "forward", "backward")]
    width, layers, backward = (numbers[name].mean for name in ("width", "layers", "backward_work"))
    return [
        Claim(f"Sum over paths, forward mode and back-propagation give autograd's gradient, to a relative error of {written(LIMIT)}.",
              all(0 <= error <= LIMIT for error in worst)),
        Claim("One path is not enough: without its smaller path the gradient by the inputs is wrong by more than a tenth.",
              0.1 < numbers["one_path_error"].lo),
        Claim("Paths from an input grow exponentially with depth: units a layer, to the power of the layers.",
              numbers["paths"].mean == width**layers),
        Claim("Backward work grows linearly with depth: each hidden layer adds the same.",
              0 < numbers["least_added"].mean == numbers["most_added"].mean),
        Claim("Twice the units a layer: backward takes at most four times the multiplications, path by path more than eight times.",
              1 < numbers["backward_wider"].mean <= 4 and numbers["path_wider"].mean > 8),
        Claim("For all parameters of the deepest network, backward takes the fewest multiplications, path by path the most.",
              0 < backward < numbers["forward_work"].mean < numbers["path_work"].mean),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    worst = max(max(numbers[f"{way}_error"].values) for way in ("path", "forward", "backward"))
    backward, forward, path = (numbers[f"{way}_work"].mean for way in ("backward", "forward", "path"))
    return [
        f"The three ways differ from autograd by a relative error of {written(worst)} or less"
        + (": they compute the same gradient." if worst <= LIMIT else ": they do not agree."),
        f"Counting only the larger of the two paths from each input, the error is {written(100 * numbers['one_path_error'].mean)} %.",
        f"With {numbers['layers']} hidden layers of {numbers['width']} units, {numbers['paths']} paths lead from one input to the loss; the "
        f"gradient takes {written(path)} multiplications path by path, {written(forward)} in forward mode and {written(backward)} backward.",
        f"{'Backward' if backward < forward else 'Forward mode'} takes fewer than {'forward mode' if backward < forward else 'backward'}, by a "
        f"factor of {written(max(backward, forward) / min(backward, forward))}; one more hidden layer adds {numbers['least_added']} to it"
        + ("." if numbers["least_added"].mean == numbers["most_added"].mean else f" to {numbers['most_added']}."),
    ]  # fmt: skip


LESSON = Lesson(
    name="back_propagation", title="Back-propagation on a graph", chapter="优化方法简介", order=340,
    slides=("Gradient Computation", "Back-Propagation Algorithm (efficient gradient)", "Computational Graph: Multilayer Feedforward Network"),
    question="How does back-propagation find the gradient, and why is it efficient?",
    setup="A network of three inputs, two sigmoid units and a sigmoid output with the cross-entropy loss is a graph: a node per number, local "
          "derivatives on the edges. Weights and inputs are drawn at random. A multiplication is counted whenever a product is carried over "
          "an edge; local derivatives are known from the forward pass.",
    formulas=(
        Formula("Chain rule", r"\frac{\partial y}{\partial x} = \frac{\partial y}{\partial h}\,\frac{\partial h}{\partial x}", GRAPH_SLIDE),
        Formula("Several paths", r"\frac{\partial y}{\partial x_i} = \sum_j \frac{\partial y}{\partial h_j}\,"
                r"\frac{\partial h_j}{\partial x_i}", GRAPH_SLIDE),
        Formula("Vectors", r"\nabla_x y = \left( \frac{\partial h}{\partial x} \right)^\top \nabla_h y", GRAPH_SLIDE),
        Formula("Sigmoid unit", r"h = \sigma(w^\top x + b), \quad \frac{\partial h}{\partial x_i} = h\,(1 - h)\,w_i, \quad "
                r"\frac{\partial h}{\partial w_i} = h\,(1 - h)\,x_i", "the lecture, Computational Graph; Analytical Gradient"),
    ),
    settings=BackPropagationSettings, observe=observe, claims=claims, sentences=sentences, seconds=4, change="n_layers: 5",
    erratum="“Back-Propagation Algorithm” writes Gradient = “local” Jacobian × “backprop” gradient. The Jacobian, of size |h| × |x|, has to be "
            "transposed first, as “Gradient Computation” writes.",
)  # fmt: skip
