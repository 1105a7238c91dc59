"""SYNTHETIC vectors with a planted structure: which modality is needed, redundant or useless is known by construction.

Nothing here was measured. A sample has two hidden bits; each pair of bits occurs equally often. The class is `same` if the bits are equal,
`different` if not (XOR); then a share `flipped` of the classes, at random, is swapped. Modalities, all of them vectors:
    left     4 numbers: the first bit as ±1 along one direction, and noise of standard deviation `noise` in every number
    right    4 numbers: the second bit in the same way, along another direction
    hint     4 numbers: whether the bits are equal, as ±1 along a third direction, under noise of standard deviation `hint_noise`: alone it
             is right of three samples in four; beside left+right, which say it nearly without error, it is redundant
    useless  60 numbers: mixtures of two numbers that know nothing, and a little noise. Wide, and yet not the nearly equal distances of 60
             independent numbers, which would hurt neither neighbors nor kernels
left and right alone have 50 %, and so has every linear model without hint.

What an analysis of modalities must find, in exact Shapley values of accuracies v(left+right) = 0.5 + a and v(hint) = 0.5 + b, b < a:
    hint     2/3 b: no gain beyond left+right
    left     (a − 2/3 b) / 2, as right: nothing alone
    useless  no gain, and no share

Figures of this project's protocol with the defaults (seed 20241101, 5 folds), accuracy in %, equal weights / weights chosen on inner folds:
                              knn     linear      svm      mlp
    hint                       74         75       74       74
    left+right              91/90      52/51    90/90    89/89
    left+right+hint         91/91      74/74    90/90    90/89
    left+right+useless      90/90      51/51    90/89    88/88
    all                     91/90      75/74    90/90    87/89
Shapley values of the chosen way, kNN / SVM / MLP: hint 0.17 / 0.16 / 0.16, left 0.12 / 0.12 / 0.11, right 0.11 / 0.11 / 0.11, all shown;
useless −0.01 / 0.00 / −0.01, not shown. Mean weight of useless in late fusion: 0.04 / 0.04 / 0.04.

Leakage: none; ids count the samples, whose order is random. Groups: each sample is one, as samples are drawn independently.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import fixed_lists

CELLS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])  # the pairs of bits
# modality → the direction along which its bit lies (orthogonal ones are no better than others: a modality sees none but its own)
DIRECTIONS = {"left": (1, 1, 1, 1), "right": (1, -1, 1, -1), "hint": (2, 2, -1, 0)}
N_USELESS, N_FACTORS, USELESS_NOISE = 60, 2, 0.3


class PlantedOptions(Settings):
    """The number of samples, and how hard they are."""

    samples: int = Field(600, ge=40, le=1_000_000, description="samples")
    noise: float = Field(0.5, ge=0, le=100, description="standard deviation of each number's noise in left and right; a bit is ±1")
    hint_noise: float = Field(1.4, ge=0, le=100, description="the same in hint")
    flipped: float = Field(0.05, ge=0, le=0.5, description="share of the samples whose class is swapped")


def read(archives: Mapping[str, Path], target: str, options: PlantedOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    n = options.samples
    random = np.random.default_rng(derived_seed(seed, "planted bits"))
    bits = random.permutation(np.resize(CELLS, (n, 2)))
    swapped = np.zeros(n, dtype=bool)
    swapped[random.permutation(n)[: round(options.flipped * n)]] = True
    equal = bits[:, 0] == bits[:, 1]
    bit_of = {"left": bits[:, 0], "right": bits[:, 1], "hint": np.where(equal, 1, -1)}
    noise_of = {"left": options.noise, "right": options.noise, "hint": options.hint_noise}
    vectors = {name: _vectors(bit_of[name], direction, noise_of[name], seed, name) for name, direction in DIRECTIONS.items()}
    unrelated = _generator(seed, "useless")
    mixed = unrelated.standard_normal((n, N_FACTORS)) @ unrelated.standard_normal((N_FACTORS, N_USELESS))
    vectors["useless"] = mixed + USELESS_NOISE * unrelated.standard_normal((n, N_USELESS))
    ids = [f"{row:0{len(str(n - 1))}d}" for row in range(n)]
    columns = {name: ("vector", fixed_lists(values.astype(np.float32))) for name, values in vectors.items()}
    return samples_table(ids, ids, np.where(equal ^ swapped, "same", "different").tolist(), columns)


def _vectors(bit: np.ndarray, direction: tuple[int, ...], noise: float, seed: int, name: str) -> np.ndarray:
    """Return float64 (n, d): the bit (n,), ±1, along a direction of unit length, with noise."""
    unit = np.array(direction) / np.linalg.norm(direction)
    return bit[:, None] * unit + noise * _generator(seed, name).standard_normal((len(bit), len(unit)))


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(derived_seed(seed, "planted", name))


DATA_SET = DataSet(
    name="planted",
    title="Planted: an XOR of two modalities, a hint and noise (SYNTHETIC)",
    sources=(),
    licence="generated by this project: CC0 1.0",
    citation="generated here; XOR: M. Minsky, S. Papert (1969), Perceptrons, MIT Press",
    n_samples=600,
    modalities={**dict.fromkeys(DIRECTIONS, "vector"), "useless": "vector"},
    targets={"relation": "binary"},
    group="the sample itself: samples are drawn independently",
    read=read,
    options=PlantedOptions,
)
