"""Back-propagation on a drawn graph: values, local derivatives, paths and gradients; and how many multiplications each way takes."""

from math import isclose, log

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.network_gradients import relative
from stages.teaching.scalar_graphs import back_propagated, by_paths, forward_mode, paths_from
from stages.teaching.sigmoid_units import Layers, UnitGraph, by_autograd, drawn_layers, unit_graph
from stages.teaching.worked_graphs import WorkedGraph, factor

SIZES = (3, 2, 1)  # of the networks that are compared with autograd, and of the diagram
LIMIT = 1e-12  # of a relative error
WIDTHS = (1, 2, 3, 4, 6, 8)  # of the chart; the last is twice the one of index −3
N_WIDE_LAYERS = 3
WAYS = {"path by path": by_paths, "forward mode": forward_mode, "backward": back_propagated}
PLACES: dict[str, tuple[float, float]] = {
    "x₁": (46, 256), "x₂": (46, 164), "x₃": (46, 72), "h₁": (160, 210), "h₂": (160, 116), "p": (262, 164), "L": (366, 164),
    "w₁₁": (226, 264),
}  # fmt: skip
NODES = "x₁ x₂ x₃ h₁ h₂ p L"
GRAPH_SLIDE = "the lecture, Gradient Computation"
EXAMPLE: tuple[Layers, np.ndarray, float] = (  # of the diagram: layers, inputs, target
    [(np.array([[2.0, 4.0, 1.0], [1.0, 2.0, 1.0]]), np.zeros(2)), (np.array([[2.0, -1.0]]), np.zeros(1))], np.array([1.0, -1.0, 2.0]), 1.0,
)  # fmt: skip


class BackPropagationSettings(LessonSettings):
    width: int = Field(3, ge=2, le=4, description="inputs, and sigmoid units of each hidden layer, where depth grows")
    n_layers: int = Field(8, ge=3, le=8, description="hidden layers of the deepest network")


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
        "one_path_error": Measured("gradient by the inputs, only the larger path of each: relative error",
                                   [errors["one"] for errors in found]),
        "width": Measured("inputs, and units of each hidden layer", [float(settings.width)]),
        "layers": Measured("hidden layers of the deepest network", [float(settings.n_layers)]),
        "paths": Measured("its paths from one input to the loss", [float(deep[-1]["paths"])]),
        **{f"{way.split()[0]}_work": Measured(f"its multiplications for all parameters, {way}", [float(deep[-1][way])]) for way in WAYS},
        "least_added": Measured("multiplications that a hidden layer adds to backward: least", [float(added.min())]),
        "most_added": Measured("multiplications that a hidden layer adds to backward: most", [float(added.max())]),
        **{f"{way.split()[0]}_wider": Measured(f"factor from {WIDTHS[-3]} to {WIDTHS[-1]} units a layer, {way}",
                                               [wide[-1][way] / wide[-3][way]]) for way in ("path by path", "backward")},
    }  # fmt: skip
    charts = {f"{settings.width} units a layer": ("hidden layers", list(depths), deep),
              f"{N_WIDE_LAYERS} hidden layers": ("units of each hidden layer, and inputs", WIDTHS, wide)}  # fmt: skip
    frames = [Frame(label, line_chart([Line(way, x, [counts[way] for counts in every], dots=True) for way in WAYS], x_label,
                                      "multiplications for all parameters", log="y"))
              for label, (x_label, x, every) in charts.items()]  # fmt: skip
    return Observed(numbers, [
        LessonFigure("graph", "From values to gradients, step by step", "Three inputs, two sigmoid units, an output p and its loss L, with "
                     "round weights and biases 0. Forward: values in the circles. Then local derivatives on the edges, paths as thick "
                     "arrows, and gradients that flow back.", graph_frames()),
        LessonFigure("work", "Multiplications for the whole gradient", "Counted on networks of sigmoid units with one output. Path by path "
                     "the number rises fastest with depth and width, backward slowest.", frames),
    ])  # fmt: skip


def drawn_network(seed: int) -> tuple[Layers, np.ndarray, float]:
    """Return the layers, the inputs and the target of a small network."""
    rng = np.random.default_rng(seed)
    return drawn_layers(SIZES, rng), rng.standard_normal(SIZES[0]), float(rng.integers(2))


def compared(seed: int) -> dict[str, float]:
    """Return the relative errors of each way's gradient, by all parameters and inputs, and of the larger of an input's two paths."""
    layers, x, target = drawn_network(seed)
    made, known = unit_graph(layers, x, target), by_autograd(layers, x, target)
    nodes = [*made.parameters, *made.inputs]
    errors = {way: relative(derivatives(made.graph, nodes).derivatives, known) for way, derivatives in WAYS.items()}
    slopes, of_units = made.graph.slopes, back_propagated(made.graph, made.units[0]).derivatives  # of a unit: it has one path
    along = np.array([[slopes[unit][node] for unit in made.units[0]] for node in made.inputs]) * of_units
    larger, by_inputs = along[np.arange(len(x)), np.abs(along).argmax(axis=1)], along.sum(axis=1)
    return {**errors, "one": float(np.linalg.norm(larger - by_inputs) / np.linalg.norm(by_inputs))}


def grown(width: int, depth: int, rng: np.random.Generator) -> dict[str, int]:
    """Return the multiplications of each way for all parameters of a network, and the paths from one input to its loss."""
    made = unit_graph(drawn_layers((*(width,) * (depth + 1), 1), rng), rng.standard_normal(width), 1.0)
    paths = sum(1 for _ in paths_from(made.graph.users(), made.inputs[0], len(made.graph.values) - 1))
    return {way: derivatives(made.graph, made.parameters).n_multiplications for way, derivatives in WAYS.items()} | {"paths": paths}


def graph_frames() -> list[Frame]:
    """Return the example from its values to its gradients."""
    made = unit_graph(*EXAMPLE)
    nodes = [*made.inputs, *made.units[0], *made.units[1], len(made.graph.values) - 1, int(made.weights[0][0, 0])]
    named = WorkedGraph(made.graph, dict(zip(PLACES, nodes, strict=True)), PLACES, {"x": 0.37, "h": 0.44, "p": 0.5, "w": 0.5})
    return [*forward_frames(named), *path_frames(named), *backward_frames(named, made)]


def forward_frames(named: WorkedGraph) -> list[Frame]:
    """Return the values, with the weights on the edges, and the local derivatives."""
    (W1, _), (W2, _) = EXAMPLE[0]
    weights = {(f"x{'₁₂₃'[i]}", f"h{'₁₂'[j]}"): W1[j, i] for j in range(2) for i in range(3)}
    weights |= {(f"h{'₁₂'[j]}", "p"): W2[0, j] for j in range(2)}
    h, edge = named.value("h₁"), ("x₁", "h₁")
    lines = [f"h₁ = σ(2·1 + 4·(−1) + 1·2 + 0) = {written(h)}", f"the target is 1: L = −log p = {written(named.value('L'))}"]
    worked = f"∂h₁/∂x₁ = {written(h)} · (1 − {written(h)}) · {factor(weights[edge])} = {written(named.slopes[edge])}"
    return [
        Frame("1 forward", named.diagram(weights, ["Forward: each unit is σ(Σ w·x + b), with w on the edges", *lines], names=NODES)),
        Frame("2 local derivatives", named.diagram(named.slopes, ["Local derivatives on the edges, by the values:", worked], names=NODES)),
    ]


def path_frames(named: WorkedGraph) -> list[Frame]:
    """Return the path of a weight, and both paths of an input, with what they add to its derivative."""
    first, second = named.along("x₁ h₁ p L"), named.along("x₁ h₂ p L")
    lines = {
        "3 one path": ("w₁₁ h₁ p L", ["The weight w₁₁ has one path to L. The product along it:",
                       f"∂L/∂w₁₁ = {named.product('w₁₁ h₁ p L')} = {written(named.gradients['w₁₁'])}"]),
        "4 first of two": ("x₁ h₁ p L", ["The input x₁ has two paths. The product along the first:",
                           f"{named.product('x₁ h₁ p L')} = {written(first)}"]),
        "5 second of two": ("x₁ h₂ p L", [f"Along the second: {named.product('x₁ h₂ p L')} = {written(second)}",
                            f"The sum: ∂L/∂x₁ = {written(first)} + {factor(second)} = {written(named.gradients['x₁'])}"]),
    }  # fmt: skip
    return [Frame(label, named.diagram(named.slopes, said, names=f"{NODES} w₁₁" if "w₁₁" in path else NODES, strong=path))
            for label, (path, said) in lines.items()]  # fmt: skip


def backward_frames(named: WorkedGraph, made: UnitGraph) -> list[Frame]:
    """Return the gradients that flow back, layer by layer."""
    gradients, of_p = named.gradients, factor(named.gradients["p"])
    of_weights = back_propagated(made.graph, made.weights[0].ravel().tolist()).derivatives
    hidden = [f"∂L/∂h{j} = {named.product(f'h{j} p')} · {of_p} = {written(gradients[f'h{j}'])}" for j in "₁₂"]
    rows = [f"∂L/∂w{j}ᵢ = ∂L/∂h{j} · ∂h{j}/∂w{j}ᵢ = {', '.join(map(written, of_weights[at:at + 3]))}" for j, at in (("₁", 0), ("₂", 3))]
    lines = {
        "6 backward, output": ("p L", ["Backward: start with ∂L/∂L = 1, times the local derivative", f"∂L/∂p = {of_p} · 1"]),
        "7 backward, hidden": ("h₁ h₂ p", ["∂L/∂p is computed once and used for both units:", *hidden]),
        "8 backward, inputs": ("x₁ x₂ x₃ h₁ h₂", ["Each input adds what comes back from h₁ and h₂; the weights:", *rows]),
    }  # fmt: skip
    return [Frame(label, named.diagram(named.slopes, said, names=NODES, strong=strong, noted=strong, back=True))
            for label, (strong, said) in lines.items()]  # fmt: skip


def claims(numbers: Numbers) -> list[Claim]:
    worst = [max(numbers[f"{way}_error"].values) for way in ("path", "forward", "backward")]
    width, layers, paths, backward = (numbers[name].mean for name in ("width", "layers", "paths", "backward_work"))
    return [
        Claim(f"Sum over paths, forward mode and back-propagation give autograd's gradient, to a relative error of {written(LIMIT)}.",
              all(0 <= error <= LIMIT for error in worst)),
        Claim("One path is not enough: without its smaller path the gradient by the inputs is wrong by more than a tenth.",
              numbers["one_path_error"].lo > 0.1),
        Claim("Paths from an input grow exponentially with depth: units a layer, to the power of the layers.",
              min(paths, width) > 1 and isclose(log(paths), layers * log(width))),
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
    least, most = numbers["least_added"], numbers["most_added"]
    fewer, more = ("Backward", "forward mode") if backward < forward else ("Forward mode", "backward")
    return [
        f"The three ways differ from autograd by a relative error of {written(worst)} or less"
        + (": they compute the same gradient." if worst <= LIMIT else ": they do not agree."),
        f"If only the larger of the two paths from each input counts, the error is {written(100 * numbers['one_path_error'].mean)} %.",
        f"With {numbers['layers']} hidden layers of {numbers['width']} units, {numbers['paths']} paths lead from one input to the loss. "
        f"The gradient takes {written(path)} multiplications path by path, {written(forward)} in forward mode (one pass for each "
        f"parameter) and {written(backward)} backward (one pass).",
        f"{fewer} takes fewer than {more} by a factor of {written(max(backward, forward) / min(backward, forward))}; one more hidden layer "
        f"adds {least}{'' if least.mean == most.mean else f' to {most}'} multiplications to backward.",
    ]


LESSON = Lesson(
    name="back_propagation", title="Back-propagation on a graph", chapter="优化方法简介", order=340,
    slides=("Gradient Computation", "Back-Propagation Algorithm (efficient gradient)",
            "Computational Graph: Multilayer Feedforward Network"),
    question="How does back-propagation find the gradient, and why is it efficient?",
    setup="A network of three inputs, two sigmoid units and a sigmoid output with the cross-entropy loss is a graph: a node for each "
          "number, local derivatives on the edges. Its weights and inputs are drawn at random; those of the diagram are round. Each time a "
          "product is carried over an edge, a multiplication is counted; local derivatives are known from the forward pass.",
    formulas=(
        Formula("Chain rule", r"\frac{\partial y}{\partial x} = \frac{\partial y}{\partial h}\,\frac{\partial h}{\partial x}", GRAPH_SLIDE),
        Formula("Several paths", r"\frac{\partial y}{\partial x_i} = \sum_j \frac{\partial y}{\partial h_j}\,"
                r"\frac{\partial h_j}{\partial x_i}", GRAPH_SLIDE),
        Formula("Vectors", r"\nabla_x y = \left( \frac{\partial h}{\partial x} \right)^\top \nabla_h y", GRAPH_SLIDE),
        Formula("Sigmoid unit", r"h = \sigma(w^\top x + b), \quad \frac{\partial h}{\partial x_i} = h\,(1 - h)\,w_i, \quad "
                r"\frac{\partial h}{\partial w_i} = h\,(1 - h)\,x_i", "the lecture, Computational Graph; Analytical Gradient"),
    ),
    settings=BackPropagationSettings, observe=observe, claims=claims, sentences=sentences, seconds=4, change="n_layers: 5",
    erratum="“Back-Propagation Algorithm” writes Gradient = “local” Jacobian × “backprop” gradient. The Jacobian, of size |h| × |x|, has "
            "to be transposed first, as “Gradient Computation” does.",
)  # fmt: skip
