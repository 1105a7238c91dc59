"""One raw sample of each modality, from what packages of the environment carry or simulate: no data set need be ingested."""

import io
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.samples.graph_column import GraphSample, graph_column
from stages.simulators.contact_scene import ContactTrial
from stages.simulators.contact_trials import TrialReadings, simulate
from stages.simulators.speech import RATE_HZ, spoken_words

REVIEW = (  # of a slide
    "Masterful! Ideal for anyone with an interest in disguises who likes to see the subject tackled in a humourous manner."
)
ETHANOL = GraphSample(3, [[0, 1], [1, 2]], node_labels=["C", "C", "O"], edge_labels=["1", "1"])  # without its hydrogens
WORD, VOICE = "duck", "Alex"
TRIAL = ContactTrial("cube_corner", 8.0, 4000.0, 0.8, 0.5, -0.5, 20.0, (0.0, 0.0), 1.0, 1.5, 60.0)
INK = 8  # of 16: a pixel of a digit that is darker is a point


@dataclass(frozen=True)
class RawSample:
    """A sample as its modality reads it. column: of one row. shown: as a figure may draw it. about: what it is, real or simulated."""

    column: pa.Array
    shown: Any
    about: str


def raw_samples() -> Mapping[str, RawSample]:
    """Return a sample of each modality, in the order of the lecture."""
    trial = simulate([TRIAL])[0]
    makers: Mapping[str, Callable[[], RawSample]] = {
        "image": photograph, "text": review, "audio": spoken_word, "tactile": lambda: touch(trial), "series": lambda: wrench(trial),
        "table": table_row, "graph": molecule, "set": ink_points,
    }  # fmt: skip
    return {modality: make() for modality, make in makers.items()}


def photograph() -> RawSample:
    import sklearn.datasets
    from PIL import Image

    content = (Path(sklearn.datasets.__file__).parent / "images" / "flower.jpg").read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        shown = np.asarray(image.convert("RGB").resize((160, 107)))
    return RawSample(pa.array([content]), shown, "a photograph of 427 × 640 pixels (real, carried by scikit-learn)")


def review() -> RawSample:
    return RawSample(pa.array([REVIEW]), REVIEW, "a review (real, quoted on the slide)")


def spoken_word() -> RawSample:
    """Return the word of one voice as a WAV file; all voices are synthesized, because a clip depends on those before it."""
    clips = spoken_words([WORD])
    clip = next((clip for clip in clips if clip.voice == VOICE), None)
    if clip is None:
        raise InputError(f"espeak-ng: expected the voice {VOICE!r}, found {', '.join(clip.voice for clip in clips)}; install the locked "
                         "packages again: `rm -r .venv && make lessons`")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(clip.pcm)
    return RawSample(pa.array([file.getvalue()]), np.frombuffer(clip.pcm, "<i2") / 2**15, f"the word “{WORD}” (synthetic, by espeak-ng)")


def touch(trial: TrialReadings) -> RawSample:
    frames = trial.touch.astype(np.float32)
    peak = frames[int(frames.sum(axis=(1, 2)).argmax())]
    return RawSample(pa.array([frames.tolist()], pa.list_(pa.list_(pa.list_(pa.float32(), 16), 16))), peak,
                     f"{len(frames)} pressure frames of 16 × 16 taxels pressed on a corner (simulated)")


def wrench(trial: TrialReadings) -> RawSample:
    return RawSample(pa.array([trial.wrench.tolist()], pa.list_(pa.list_(pa.float64(), 6))), trial.wrench,
                     f"{len(trial.wrench)} readings of force and torque, T × 6 (simulated)")


def table_row() -> RawSample:
    row = {"age": 39.0, "stars": 5.0, "department": "Dresses", "returned": None}
    kinds = {"age": pa.float64(), "stars": pa.float64(), "department": pa.string(), "returned": pa.float64()}
    return RawSample(pa.array([row], pa.struct(kinds)), row, "a row of numbers, a category and a missing value (made up)")


def molecule() -> RawSample:
    return RawSample(graph_column([ETHANOL]), ETHANOL, "a molecule: ethanol without its hydrogens (real)")


def ink_points() -> RawSample:
    from sklearn.datasets import load_digits

    rows, columns = np.nonzero(load_digits().images[0] >= INK)
    points = np.stack([columns, 7 - rows], axis=1).astype(float)
    return RawSample(pa.array([points.tolist()], pa.list_(pa.list_(pa.float64(), 2))), points,
                     f"{len(points)} inked pixels of a handwritten digit as points (real)")
