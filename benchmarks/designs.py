"""Compare designs of an evaluation at their cost: numbers of folds, repeats and seeds, by how often a true gain is shown.

`python -m benchmarks.designs [--sets 500] [--write]`. Every data set is **simulated**, and on each fold of each design two classifiers are
really trained: a hidden layer of random weights, which a seed draws, under a ridge regression (an extreme learning machine). Both see the
same latent values through noise of their own; of equally good ones it is equally strong, so that neither has any advantage. Scores,
intervals and verdicts come from the code that evaluate runs. With --write the table of docs/honesty.md is replaced.

Source: Huang, Zhu & Siew 2006, Neurocomputing 70, 489 (the classifier).
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.simulated_folds import LEVEL, Cell, Layout
from stages.contracts.candidate import Candidate
from stages.contracts.documents.results_document import Comparison
from stages.contracts.metric import Metric
from stages.evaluate import mean_loss
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.comparisons import Contest, Evidence, compare
from stages.evaluation.design import design_of
from stages.evaluation.scores import estimate, mean_over_seeds, score
from stages.foundation.registry import component

N_LATENT, N_HIDDEN, PENALTY = 6, 24, 1.0
NOISE = 1.0  # standard deviation of the noise through which the first classifier sees the latent values
NOISES = {"no gain": 1.0, "small gain": 0.72, "large gain": 0.4}  # that of the second classifier


@dataclass(frozen=True)
class Scheme:
    """A design: outer folds × repeats × seeds."""

    n_folds: int
    n_repeats: int
    n_seeds: int

    @property
    def name(self) -> str:
        return f"{self.n_folds} × {self.n_repeats} × {self.n_seeds}"

    @property
    def n_grids(self) -> int:
        """Return how often a grid is searched; each time, the chosen configuration is refitted with every seed."""
        return self.n_folds * self.n_repeats


SCHEMES = (Scheme(5, 1, 1), Scheme(5, 1, 3), Scheme(5, 1, 5), Scheme(10, 1, 1), Scheme(5, 2, 1), Scheme(5, 3, 1), Scheme(5, 2, 3))


@dataclass(frozen=True)
class Sample:
    """A simulated data set: what each of two classifiers sees, float64 (n, N_LATENT), and the classes, int32 (n,)."""

    views: tuple[np.ndarray, np.ndarray]
    target: np.ndarray


def draw_sample(n: int, noise: float, generator: np.random.Generator) -> Sample:
    """Return n rows whose class depends on products of latent values; `noise` is that of the second view."""
    latent = generator.standard_normal((n, N_LATENT))
    signal = latent[:, 0] + 0.8 * latent[:, 1] * latent[:, 2] + 0.5 * latent[:, 3]
    target = (signal + 0.5 * generator.standard_normal(n) > 0).astype(np.int32)
    views = [latent + strength * generator.standard_normal(latent.shape) for strength in (NOISE, noise)]
    return Sample((views[0], views[1]), target)


def fitted_predictions(view: np.ndarray, target: np.ndarray, train: np.ndarray, test: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """Return the classes that a classifier trained on some rows predicts for others: int32 (n_test,)."""
    generator = np.random.default_rng(seed)
    weights, bias = generator.standard_normal((view.shape[1], N_HIDDEN)) / np.sqrt(view.shape[1]), generator.standard_normal(N_HIDDEN)
    hidden = np.tanh(view @ weights + bias)
    rows, signs = hidden[train], 2.0 * target[train] - 1
    center = signs.mean()
    solved = np.linalg.solve(rows.T @ rows + PENALTY * np.eye(N_HIDDEN), rows.T @ (signs - center))
    return (hidden[test] @ solved + center > 0).astype(np.int32)


@dataclass(frozen=True)
class Refits:
    """One classifier's predictions of the folds of a data set by any seed, each computed once. which: of the two. key: of the data set."""

    sample: Sample
    splits: Splits
    which: int
    key: int
    known: dict[tuple[int, int], FoldPredictions] = field(default_factory=dict)

    def by_seed(self, scheme: Scheme) -> list[list[FoldPredictions]]:
        """Return a design's predictions: for each seed, those of each fold."""
        return [[self.predicted(draw, place) for place in range(scheme.n_grids)] for draw in range(scheme.n_seeds)]

    def predicted(self, draw: int, place: int) -> FoldPredictions:
        """Return the predictions of one fold by one seed; every fold has seeds of its own, as in train."""
        if (draw, place) not in self.known:
            test, target = self.splits.folds[place].rows, self.sample.target
            is_train = np.ones(len(target), dtype=bool)
            is_train[test] = False
            found = fitted_predictions(self.sample.views[self.which], target, is_train, test, [self.key, self.which, draw, place])
            self.known[draw, place] = FoldPredictions(target[test], found, None)
        return self.known[draw, place]


@dataclass(frozen=True)
class Outcome:
    """What one design finds on one data set: the comparison of the second classifier with the first, the width of its score's interval."""

    found: Comparison
    width: float


def outcome(by_seed: Sequence[list[list[FoldPredictions]]], splits: Splits) -> Outcome:
    """Return what evaluate makes of both classifiers' predictions."""
    # scikit-learn's checks of its input would take ten times as long as all else here
    metric: Metric = replace(component("metrics", "accuracy"), score=lambda target, found, scores=None: float(np.mean(target == found)))
    design, names = design_of(splits, 1 - LEVEL), (Candidate("first", ("x",)), Candidate("second", ("x",)))
    scores = {name: mean_over_seeds([score(folds, metric, design) for folds in of]) for name, of in zip(names, by_seed, strict=True)}
    losses = {name: mean_loss(of, None, design) for name, of in zip(names, by_seed, strict=True)}
    (found,) = compare(Evidence(scores, losses, metric, design, 0.01), Contest(("first", "second"), ("first",), list(names)))
    interval = estimate(scores[names[1]], by_seed[1], metric, design)
    return Outcome(found, interval.hi - interval.lo)


def outcomes(n: int, noise: float, n_sets: int) -> dict[Scheme, list[Outcome]]:
    """Return what every design finds on the same simulated data sets; designs of as many folds share them, and their refits."""
    found: dict[Scheme, list[Outcome]] = {scheme: [] for scheme in SCHEMES}
    for key in range(n_sets):
        generator = np.random.default_rng([n, round(1000 * noise), key])
        sample = draw_sample(n, noise, generator)
        for n_folds in dict.fromkeys(scheme.n_folds for scheme in SCHEMES):
            mine = [scheme for scheme in SCHEMES if scheme.n_folds == n_folds]
            most = Layout(n, 1, n_folds, max(scheme.n_repeats for scheme in mine)).splits(sample.target, generator)
            both = [Refits(sample, most, which, key) for which in range(2)]
            for scheme in mine:
                splits = replace(most, folds=most.folds[: scheme.n_grids])
                found[scheme].append(outcome([refits.by_seed(scheme) for refits in both], splits))
    return found


def rows(n_sets: int, sizes: Sequence[int] = (100, 300, 1000)) -> Iterator[list[str]]:
    """Yield the table's rows: by number of data rows, then by design."""
    for n in sizes:
        by_gain = {gain: outcomes(n, noise, n_sets) for gain, noise in NOISES.items()}
        # of all designs: what a classifier trained on more of the rows gains is a part of it
        true = {gain: float(np.mean([one.found.difference for by in found.values() for one in by])) for gain, found in by_gain.items()}
        for scheme in SCHEMES:
            of = {gain: found[scheme] for gain, found in by_gain.items()}
            hits = sum(one.found.verdict in ("better", "worse") for one in of["no gain"])
            rejected = Cell("designs", (f"{n:,}", scheme.name), hits, n_sets, "reject")
            shown = [float(np.mean([one.found.verdict == "better" for one in of[gain]])) for gain in ("small gain", "large gain")]
            of_small = of["small gain"]
            width = np.mean([one.found.hi - one.found.lo for one in of_small])
            spread = np.std([one.found.difference for one in of_small], ddof=1)
            yield [f"{n:,}", scheme.name, str(scheme.n_grids), str(scheme.n_grids * scheme.n_seeds), rejected.text,
                   *(f"{share:.3f} ({true[gain]:+.3f})" for share, gain in zip(shown, ("small gain", "large gain"), strict=True)),
                   f"{width:.3f}", f"{spread:.3f}", f"{np.mean([one.width for one in of_small]):.3f}"]  # fmt: skip


COLUMNS = (
    "rows", "folds × repeats × seeds", "grids", "refits", "no gain: called one", "small gain shown (true gain)",
    "large gain shown (true gain)", "width of the difference's interval", "SD of the difference", "width of the score's interval",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="python -m benchmarks.designs")
    parser.add_argument("--sets", type=int, default=500, help="simulated data sets per cell")
    parser.add_argument("--write", action="store_true", help="replace the table of docs/honesty.md")
    chosen = parser.parse_args()
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "--:|" * len(COLUMNS)]
    for row in rows(chosen.sets):
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    table = "\n".join(lines)
    print(table)
    if chosen.write:
        from stages.reporting.readme import with_block

        page = Path(__file__).parents[1] / "docs" / "honesty.md"
        page.write_text(with_block(page.read_text(encoding="utf-8"), table, "calibration designs"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
