"""Make large synthetic data, seeded: nothing in it was observed, and no score on it means anything.

`python -m benchmarks.synthetic table FILE ROWS` and `… pictures FOLDER NUMBER`.
"""

import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

SEED = 20241101
ROWS_AT_ONCE = 4096
N_NUMBERS, N_CATEGORIES, N_DATES = 9, 4, 2
HEADER = [
    "record", "site", *(f"number_{i}" for i in range(N_NUMBERS)), *(f"category_{i}" for i in range(N_CATEGORIES)),
    *(f"date_{i}" for i in range(N_DATES)), "checked", "notes", "outcome",
]  # fmt: skip
MISSING_SHARE = 0.05
N_SITES = 2_000
CATEGORY_SIZES = (3, 12, 60, 400)
VOCABULARY = 30_000
WORDS = (5, 40)  # of a note
FIRST_DAY = date(2015, 1, 1)

CLASSES = tuple(f"kind_{i}" for i in range(10))
SIDES = (224, 288)  # of a picture, in pixels
COARSE, GRAIN = 12, 96  # squares of its colours and of its grain along a side
QUALITY = 88


def write_table(path: Path, n_rows: int) -> None:
    """Write a CSV of `n_rows` rows: numbers, categories, dates, a truth value, missing cells, a text and a class."""
    random = np.random.default_rng(SEED)
    words = np.array(["".join(chr(97 + letter) for letter in random.integers(0, 26, random.integers(2, 11))) for _ in range(VOCABULARY)])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for start in range(0, n_rows, ROWS_AT_ONCE):
            writer.writerows(_rows(random, start, min(ROWS_AT_ONCE, n_rows - start), words))


def _rows(random: np.random.Generator, start: int, n: int, words: np.ndarray) -> Iterator[list[str]]:
    numbers = random.normal(size=(n, N_NUMBERS)) * 10.0 ** np.arange(-2, N_NUMBERS - 2)
    outcome = numbers[:, 2] + random.normal(size=n) > 0
    cells = [[f"{value:.5g}" for value in column] for column in numbers.T]
    cells += [[f"c{i}_{value}" for value in random.integers(0, size, n)] for i, size in enumerate(CATEGORY_SIZES)]
    for _ in range(N_DATES):
        cells.append([(FIRST_DAY + timedelta(days=int(day))).isoformat() for day in random.integers(0, 3650, n)])
    cells.append([str(bool(value)).lower() for value in random.integers(0, 2, n)])
    for column in cells:
        for row in np.flatnonzero(random.random(n) < MISSING_SHARE):
            column[row] = ""
    lengths = random.integers(*WORDS, n)
    drawn = np.minimum(random.zipf(1.3, lengths.sum()) - 1, VOCABULARY - 1)
    notes = (" ".join(part) for part in np.split(words[drawn], np.cumsum(lengths)[:-1]))
    records, sites = (f"r{start + row:07d}" for row in range(n)), (f"s{site:04d}" for site in random.integers(0, N_SITES, n))
    yield from map(list, zip(records, sites, *cells, notes, np.where(outcome, "yes", "no").tolist(), strict=True))


def write_pictures(folder: Path, n_pictures: int) -> None:
    """Write `n_pictures` JPEGs in a folder per class: patches of colour under a grain, with stripes that the class turns."""
    random = np.random.default_rng(SEED)
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
    for number in range(n_pictures):
        kind = number % len(CLASSES)
        _picture(random, kind).save(folder / CLASSES[kind] / f"{number:06d}.jpg", quality=QUALITY)


def _picture(random: np.random.Generator, kind: int) -> Image.Image:
    width, height = random.integers(*SIDES, 2).tolist()
    size = (width, height)
    colours = Image.fromarray(random.integers(0, 256, (COARSE, COARSE, 3), dtype=np.uint8))
    y, x = np.mgrid[:GRAIN, :GRAIN]
    angle = np.pi * kind / len(CLASSES)
    stripes = 128 + 60 * np.sin((x * np.cos(angle) + y * np.sin(angle)) / 2 + random.uniform(0, 2 * np.pi))
    grain = Image.fromarray((stripes + random.integers(-40, 41, (GRAIN, GRAIN))).astype(np.uint8)).convert("RGB")
    bicubic = Image.Resampling.BICUBIC
    return Image.blend(colours.resize(size, bicubic), grain.resize(size, bicubic), random.uniform(0.2, 0.5))


if __name__ == "__main__":
    what, where, number = sys.argv[1:]
    {"table": write_table, "pictures": write_pictures}[what](Path(where), int(number))
