"""Structure of sequences: LSTM and GRU against an MLP of equal size when test sequences are longer than those of training."""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.modules import accuracy_of, fit_classifier, n_parameters, nearest_width, seeded_module
from stages.teaching.small_networks import Recipe

if TYPE_CHECKING:
    import torch

TIMES = (1, 2, 3, 4)  # test lengths, of the training length
N_TRAIN, N_TEST = 400, 400
EVENT = 0.25  # probability of an event at a step
NOISE = 0.3  # standard deviation, of both channels
RECIPE = Recipe("adam", 0.02, 160, batch_size=50)
NAMES = ("LSTM", "GRU", "MLP")


class SequencesSettings(LessonSettings):
    n_seeds: int = Field(5, ge=2, le=100, description="repetitions, each with random numbers of its own")
    length: int = Field(8, ge=3, le=40, description="steps of the training sequences; test sequences have up to four times as many")
    units: int = Field(8, ge=2, le=64, description="hidden units of the LSTM; GRU and MLP get as many parameters")


def observe(settings: SequencesSettings, seed: int) -> Observed:
    """Train all three on short sequences; test on longer and longer ones."""
    longest = settings.length * TIMES[-1]
    size = n_parameters(recurrent("LSTM", settings.units))
    gru = nearest_width(lambda units: recurrent("GRU", units), size, range(1, 128))
    width = nearest_width(lambda units: mlp(longest, units), size, range(1, 400))
    made = {"LSTM": lambda: recurrent("LSTM", settings.units), "GRU": lambda: recurrent("GRU", gru), "MLP": lambda: mlp(longest, width)}
    found: dict[str, list[list[float]]] = {name: [] for name in NAMES}
    for repetition in range(settings.n_seeds):
        drawn = derived_seed(seed, "lessons", "sequences", str(repetition))
        rng = np.random.default_rng(drawn)
        train = last_event(rng, N_TRAIN, settings.length, longest)
        tests = [last_event(rng, N_TEST, settings.length * times, longest) for times in TIMES]
        for name in NAMES:
            module = seeded_module(made[name], drawn)
            fit_classifier(module, *train, RECIPE, seed=drawn)
            found[name].append([accuracy_of(module, *test) for test in tests])
    scores = {name: np.array(values) for name, values in found.items()}
    numbers = {f"{name.lower()}_{times}": Measured(f"{name}: accuracy, {settings.length * times} steps", scores[name][:, place].tolist(),
                                                   bounds=SHARE)
               for place, times in enumerate(TIMES) if times in (1, 4) for name in NAMES}  # fmt: skip
    numbers |= {f"{name.lower()}_parameters": Measured(f"{name}: parameters", [float(n_parameters(made[name]()))]) for name in NAMES}
    lengths = [settings.length * times for times in TIMES]
    lines = [Line(name, lengths, values.mean(axis=0), values.min(axis=0), values.max(axis=0), dots=True) for name, values in scores.items()]
    chart = line_chart(lines, "steps of the test sequences", "accuracy on new sequences", limits=(0.4, 1.05))
    return Observed(numbers, [LessonFigure("accuracy", "Accuracy as sequences lengthen", f"All are trained on {settings.length} steps. "
                              "A recurrent network applies the same weights at each step; the MLP has weights for each place, and those of "
                              "later places were never trained. Bands: all seeds.", [Frame("all", chart)])])  # fmt: skip


def last_event(rng: np.random.Generator, n: int, length: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences (n, longest, 2) with zeros after `length`, and the kind of the last event of each (n,).

    The first channel is 2 or −2 at an event, by its kind, and 0 where nothing happens; the second is 0; both have noise on them.
    """
    kinds = rng.choice([-1, 0, 1], (n, length), p=[EVENT / 2, 1 - EVENT, EVENT / 2])
    kinds[:, 0] = rng.choice([-1, 1], n)  # so that each has an event
    last = length - 1 - (kinds[:, ::-1] != 0).argmax(axis=1)
    values = np.zeros((n, longest, 2))
    values[:, :length, 0] = 2 * kinds
    values[:, :length] += NOISE * rng.standard_normal((n, length, 2))
    return values, (kinds[np.arange(n), last] > 0).astype(np.int64)


def recurrent(kind: str, units: int) -> "torch.nn.Module":
    """Return an LSTM or GRU whose state at the last step of a sequence is classified."""
    import torch

    class Recurrent(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells: Any = getattr(torch.nn, kind)(2, units, batch_first=True)
            self.last = torch.nn.Linear(units, 2)

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            lengths = (rows != 0).any(dim=2).sum(dim=1)
            states, _ = self.cells(rows[:, : int(lengths.max())])
            found: torch.Tensor = self.last(states[torch.arange(len(rows)), lengths - 1])
            return found

    return Recurrent()


def mlp(longest: int, width: int) -> "torch.nn.Module":
    """Return one hidden layer on all steps."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(2 * longest, width), nn.ReLU(), nn.Linear(width, 2))


def claims(numbers: Numbers) -> list[Claim]:
    lstm, gru, mlp_ = (numbers[f"{name}_4"] for name in ("lstm", "gru", "mlp"))
    sizes = [numbers[f"{name}_parameters"].mean for name in ("lstm", "gru", "mlp")]
    return [
        Claim("On sequences four times as long as in training, LSTM and GRU are more accurate than an MLP of equal size.",
              min(lstm.lo, gru.lo) > mlp_.hi),
        Claim("LSTM and GRU stay above 90 %.", 0.9 < min(lstm.lo, gru.lo) <= 1),
        Claim("All have the same number of parameters, within 10 %.", max(sizes) < 1.1 * min(sizes)),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    said = {times: [numbers[f"{name}_{times}"] for name in ("lstm", "gru", "mlp")] for times in (1, 4)}
    worst = NAMES[int(np.argmax([short.mean - long.mean for short, long in zip(said[1], said[4], strict=True)]))]
    return [
        f"At the length of training, LSTM, GRU and MLP predict {said[1][0]}, {said[1][1]} and {said[1][2]} of new sequences right.",
        f"Four times as long, {said[4][0]}, {said[4][1]} and {said[4][2]}: the {worst} loses most.",
    ]


LESSON = Lesson(
    name="sequences", title="Structure: LSTM, GRU and longer sequences", chapter="优化方法简介", order=410,
    slides=("Structural Regularization",),
    question="Do LSTM and GRU apply what they learned to longer sequences?",
    setup="Events of two kinds happen at random among noise (synthetic); the class is the kind of the last event. Networks of equal size "
          "learn short sequences and are tested on longer ones.",
    formulas=(
        Formula("GRU", r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}", "Cho et al. 2014, arXiv:1406.1078"),
        Formula("LSTM", r"c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t)",
                "Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735"),
    ),
    settings=SequencesSettings, observe=observe, claims=claims, sentences=sentences, seconds=15, change="length: 4",
)  # fmt: skip
