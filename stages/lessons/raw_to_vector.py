"""Where the modalities come from: one sample of each, from the raw file to the vector that a learner sees."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, Measured, Numbers, Observed
from stages.contracts.modality import Features
from stages.contracts.settings import Settings
from stages.foundation.registry import component
from stages.samples.graph_column import GraphSample, graph_column
from stages.teaching.raw_samples import ETHANOL, REVIEW, RawSample, raw_samples

N_SHOWN = 240  # values of a vector, in a figure
RENUMBERED = GraphSample(3, [[2, 0], [0, 1]], node_labels=["C", "O", "C"], edge_labels=["1", "1"])  # ethanol again
REVERSED = " ".join(reversed(REVIEW.split()))


class RawToVectorSettings(Settings):
    height: int = Field(24, ge=2, le=256, description="of the resized photograph, pixels")
    width: int = Field(36, ge=2, le=256, description="of the resized photograph, pixels")
    rate_hz: int = Field(16_000, ge=8_000, le=96_000, description="sampling rate to which the sound is brought")
    window_ms: int = Field(20, ge=5, le=100, description="time window of the spectrogram")
    offset_ms: int = Field(10, ge=2, le=100, description="from one window to the next")
    n_frames: int = Field(40, ge=1, le=500, description="frames of the spectrogram that are kept")


def observe(settings: RawToVectorSettings, seed: int) -> Observed:
    """Featurize one sample of each modality, and what must not matter: the order of words, nodes and members."""
    given: dict[str, dict[str, Any]] = {
        "image": {"size": (settings.height, settings.width)},
        "text": {"ngrams": (1, 1)},
        "audio": {"rate_hz": settings.rate_hz, "window_ms": settings.window_ms, "offset_ms": settings.offset_ms, "summary": "frames",
                  "n_frames": settings.n_frames},
        "tactile": {"frames": ("peak",)},
        "series": {"rate_hz": 250.0},
    }  # fmt: skip
    samples = raw_samples()
    vectors = {name: vector_of(name, sample.column, given.get(name, {})) for name, sample in samples.items()}
    points = samples["set"].column
    numbers = {f"{name}_length": Measured(f"{name}: values of the vector", [float(len(vector))]) for name, vector in vectors.items()}
    numbers |= {
        "image_expected": Measured("image: height × width × 3", [3.0 * settings.height * settings.width]),
        "words_moved": Measured("text: change if the words come in another order",
                                [change(terms_of(REVIEW, given["text"]), terms_of(REVERSED, given["text"]))]),
        "nodes_moved": Measured("graph: change if the nodes are numbered otherwise",
                                [change(vectors["graph"], vector_of("graph", graph_column([RENUMBERED]), {}))]),
        "members_moved": Measured("set: change if the members are permuted",
                                  [change(vectors["set"], vector_of("set", pa.array([points[0].as_py()[::-1]], points.type), {}))]),
    }  # fmt: skip
    frames = [Frame(f"{name}: {sample.about}", sample_chart(name, sample, vectors[name])) for name, sample in samples.items()]
    return Observed(numbers, [LessonFigure("samples", "From the raw sample to the vector", "Above, what the file holds; below, the first "
                              f"{N_SHOWN} values of the vector that a learner sees.", frames)])  # fmt: skip


def vector_of(modality: str, column: pa.Array, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the features of a column of one row as one vector; of a text the counts of its terms, in the order of their numbers; of a
    table each category as 1.
    """
    of = component("modalities", modality)
    features: Features = of.featurize(column, of.settings(**settings))
    name = {"dense": "vector", "sparse": "values", "table": "numeric"}[features.encoding]
    vector = np.array(features.columns[name][0].as_py(), dtype=float)
    if features.encoding != "table":
        return vector
    return np.concatenate([vector, np.ones(features.shape[1])])


def terms_of(text: str, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the numbers of a text's terms and their counts, one after the other."""
    of = component("modalities", "text")
    columns = of.featurize(pa.array([text]), of.settings(**settings)).columns
    return np.array([*columns["indices"][0].as_py(), *columns["values"][0].as_py()], dtype=float)


def change(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest absolute difference of two vectors; undefined values equal each other."""
    return float(np.abs(np.nan_to_num(one) - np.nan_to_num(other)).max()) if one.shape == other.shape else float("inf")


def sample_chart(name: str, sample: RawSample, vector: np.ndarray) -> Any:
    from stages.pages.drawing import COLOURS, SMALL, axes_in, new_figure

    figure = new_figure(400.0, 330.0)
    above = axes_in(figure, left=20, right=20, top=14, bottom=150)
    below = axes_in(figure, left=46, right=20, top=214, bottom=36)
    draw_raw(above, name, sample.shown)
    shown = vector[:N_SHOWN]
    below.vlines(np.arange(len(shown)), 0, shown, color=COLOURS["c0"], linewidth=max(0.8, min(6.0, 250 / len(shown))))
    below.set_xlim(-1, len(shown))
    below.margins(y=0.1)
    below.set_xlabel(f"first {len(shown)} of {len(vector):,} values" if len(vector) > len(shown) else f"all {len(vector)} values")
    below.text(0, 1.12, "vector", transform=below.transAxes, fontsize=SMALL, color=COLOURS["muted"])
    below.grid(visible=True, axis="y")
    return figure


def draw_raw(axes: Any, name: str, shown: Any) -> None:
    """Draw what a sample holds."""
    from stages.pages.drawing import SERIES

    axes.set_axis_off()
    if name in ("image", "tactile"):
        axes.imshow(shown, cmap="gray_r" if name == "tactile" else None, interpolation="nearest")
    elif name in ("text", "table"):
        lines = wrapped(shown) if name == "text" else [f"{key}: {'missing' if value is None else value}" for key, value in shown.items()]
        axes.text(0.02, 0.95, "\n".join(lines), va="top", transform=axes.transAxes, linespacing=1.5)
    elif name == "audio":
        axes.plot(shown, color=SERIES[0], linewidth=0.6)
    elif name == "series":
        for channel, values in enumerate((shown / np.abs(shown).max(axis=0).clip(1e-12)).T):
            axes.plot(values + 2.2 * channel, color=SERIES[channel], linewidth=1.0)
    elif name == "set":
        axes.plot(*shown.T, "o", color=SERIES[0], markersize=6)
        axes.set_aspect("equal")
    else:
        draw_graph(axes)


def draw_graph(axes: Any) -> None:
    """Draw the molecule."""
    from stages.pages.drawing import COLOURS

    places = np.array([[0.0, 0.0], [1.0, 0.6], [2.0, 0.0]])
    axes.plot(*places.T, color=COLOURS["ink"], linewidth=2)
    for place, label in zip(places, ETHANOL.node_labels or (), strict=True):
        axes.plot(*place, "o", color=COLOURS["paper"], markersize=26, markeredgecolor=COLOURS["ink"])
        axes.text(*place, label, ha="center", va="center")
    axes.set_xlim(-0.8, 2.8)
    axes.set_ylim(-1.2, 1.8)


def wrapped(text: str) -> list[str]:
    """Return a text in lines that a figure has room for."""
    import textwrap

    return textwrap.wrap(text, 48)


def claims(numbers: Numbers) -> list[Claim]:
    return [
        Claim("A colour image is one vector of height × width × 3 values.", numbers["image_length"].mean == numbers["image_expected"].mean),
        Claim("A bag of words forgets the order of the words.", numbers["words_moved"].mean == 0 and numbers["text_length"].mean > 1),
        Claim("The vector of a graph does not depend on how its nodes are numbered, that of a set not on the order of its members.",
              numbers["nodes_moved"].mean < 1e-6 and numbers["members_moved"].mean < 1e-6 and numbers["set_length"].mean > 1
              and numbers["graph_length"].mean > 1),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    lengths = {key.removesuffix("_length"): number.mean for key, number in numbers.items() if key.endswith("_length")}
    longest, shortest = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
    moved = max(numbers[key].mean for key in ("nodes_moved", "members_moved"))
    return [
        f"The longest of the eight vectors is that of the {longest} sample, with {lengths[longest]:,.0f} values; the shortest is the "
        f"{shortest}’s, with {lengths[shortest]:,.0f}.",
        "Other orders of nodes and members give " + ("the same vectors." if moved == 0 else f"vectors that differ by {moved:.1e} at most."),
    ]


LESSON = Lesson(
    name="raw_to_vector", title="From raw samples to vectors", chapter="单模态基础表示", order=10,
    slides=("Unimodal Representation: Visual Modality", "Language", "Acoustic", "Tactile", "Tables", "Graphs", "Sets"),
    question="What does a learner see of an image, a text, a sound, a touch, a table, a graph or a set?",
    setup="One sample of each modality is featurized as in the main protocol. Whatever depends on other samples (the dictionary of words, "
          "scales, the columns of categories) is fitted later, on training rows alone.",
    formulas=(
        Formula("Image", r"x_i \in \mathbb{R}^{H \cdot W \cdot d}, \quad d = 3", "the lecture, Unimodal Representation: Visual Modality"),
        Formula("Bag of words", r"|x_i| = \mathrm{number\ of\ words\ in\ the\ dictionary}", "the lecture, Language Modality"),
        Formula("Force and torque; proprioception", r"T \times 6, \quad T \times 2d", "the lecture, Tactile Modality"),
    ),
    settings=RawToVectorSettings, observe=observe, claims=claims, sentences=sentences, seconds=12, change="height: 8, width: 12",
)  # fmt: skip
