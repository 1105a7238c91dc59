"""Check by simulation what evaluate claims: coverage of intervals, rejection rates of tests, power, and the bias of choosing the best.

`python -m benchmarks.calibration [--sets 500] [--write]` (`make calibrate`). Every data set is **simulated**: test folds with groups, and
predictions of models whose true score is known. All figures come from the code that evaluate runs (design, scores, estimates, comparisons).
With --write the tables of docs/honesty.md are replaced. Exit status 1 if a coverage or a rejection rate is outside of what is promised.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.simulated_folds import N_FOLDS, Cell, Layout, described
from benchmarks.simulated_probabilities import errors_found, reliability_coverage
from stages.contracts.candidate import Candidate
from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.choice_bias import choice_bias
from stages.evaluation.comparisons import Contest, Evidence, compare
from stages.evaluation.design import Design, design_of
from stages.evaluation.intervals import Estimate, resample_weights
from stages.evaluation.pooled import pool
from stages.evaluation.row_values import row_losses
from stages.evaluation.scores import MetricScores, estimate, score
from stages.foundation.registry import component


def correlated_hits(layout: Layout, accuracy: float, icc: float, generator: np.random.Generator) -> np.ndarray:
    """Return which rows are right: bool (n_rows,). Rows of a group share a rate drawn from a beta distribution of correlation `icc`."""
    rates = np.full(layout.n_groups, accuracy)
    if icc > 0:
        concentration = 1 / icc - 1
        rates = generator.beta(accuracy * concentration, (1 - accuracy) * concentration, layout.n_groups)
    return np.asarray(generator.random(layout.n_rows) < np.repeat(rates, layout.group_size))


def predictions(splits: Splits, hits: np.ndarray) -> list[FoldPredictions]:
    """Return predictions of classes 0 and 1 that are right where `hits` says so, (n_rows,) or (n_repeats, n_rows)."""
    of_repeat = np.atleast_2d(hits)
    found = []
    for fold in splits.folds:
        target = splits.targets[fold.rows]
        right = of_repeat[fold.repeat % len(of_repeat)][fold.rows]
        found.append(FoldPredictions(target, np.where(right, target, 1 - target).astype(np.int32), None))
    return found


def interval(folds: list[FoldPredictions], metric: Metric, design: Design) -> Estimate:
    return estimate(score(folds, metric, design), [folds], metric, design)


# ---------------------------------------------------------------- coverage
def share_coverage(n_sets: int) -> Iterator[Cell]:
    """Yield how often the interval of an accuracy holds the true one."""
    metric: Metric = component("metrics", "accuracy")
    for n_folds, name in ((1, "official split"), (N_FOLDS, "5 folds")):
        for n_groups, size, icc in ((20, 1, 0.0), (20, 10, 0.0), (20, 10, 0.3), (50, 10, 0.3), (200, 1, 0.0), (100, 5, 0.1)):
            for accuracy in (0.5, 0.7, 0.9, 0.95, 0.97, 0.99):
                layout, hits = Layout(n_groups, size, n_folds), 0
                generator = np.random.default_rng([n_groups, size, n_folds, round(1000 * accuracy), round(100 * icc)])
                for _ in range(n_sets):
                    splits = layout.splits(generator.integers(0, 2, layout.n_rows).astype(np.int32), generator)
                    folds = predictions(splits, correlated_hits(layout, accuracy, icc, generator))
                    found = interval(folds, metric, design_of(splits, 0.95))
                    hits += found.lo <= accuracy <= found.hi
                yield Cell("accuracy", (name, str(n_groups), str(size), f"{icc:g}", f"{accuracy:g}"), hits, n_sets, "cover")


def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Return the weights of ridge regression without an intercept."""
    return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y))


@dataclass(frozen=True)
class Regression:
    """A simulated regression: 8 features, effects of groups of the given share of the noise, weights of a heavy-tailed scale if asked."""

    layout: Layout
    noise: float
    group_share: float

    def draw(self, n_groups: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        n = n_groups * self.layout.group_size
        x = generator.normal(size=(n, 8))
        of_group = np.repeat(generator.normal(size=n_groups), self.layout.group_size)
        noise = np.sqrt(self.group_share) * of_group + np.sqrt(1 - self.group_share) * generator.normal(size=n)
        return x, x @ WEIGHTS + self.noise * noise

    def predicted(self, splits: Splits, x: np.ndarray, generator: np.random.Generator) -> list[FoldPredictions]:
        """Return ridge's predictions of each fold, trained on the others (one split: on new groups, four times as many)."""
        found, y = [], splits.targets[:, 0]
        for fold in splits.folds:
            if len(splits.folds) == 1:
                train_x, train_y = self.draw(4 * self.layout.n_groups, generator)
            else:
                train = np.setdiff1d(np.arange(len(y)), fold.rows)
                train_x, train_y = x[train], y[train]
            found.append(FoldPredictions(splits.targets[fold.rows], (x[fold.rows] @ ridge(train_x, train_y, 1.0))[:, None], None))
        return found


WEIGHTS = np.array([1.0, -0.7, 0.5, 0.3, 0.0, 0.0, 0.0, 0.0])


def regression_coverage(n_sets: int) -> Iterator[Cell]:
    """Yield how often the intervals of Q² and RMSE hold the expected score (the mean over many simulated data sets)."""
    for n_folds, name in ((1, "official split"), (N_FOLDS, "5 folds")):
        for n_groups, size, share in ((20, 1, 0.0), (20, 10, 0.0), (20, 10, 0.3), (60, 5, 0.3), (200, 1, 0.0)):
            for noise in (0.3, 1.5):
                setting = Regression(Layout(n_groups, size, n_folds), noise, share)
                generator = np.random.default_rng([n_groups, size, n_folds, round(10 * noise), round(10 * share)])
                found: dict[str, list[Estimate]] = {"q2": [], "rmse": []}
                for _ in range(n_sets):
                    x, y = setting.draw(n_groups, generator)
                    splits = setting.layout.splits(y[:, None], generator)
                    folds, design = setting.predicted(splits, x, generator), design_of(splits, 0.95)
                    for metric in found:
                        bound: Metric = component("metrics", metric).bound_to(splits.targets)
                        found[metric].append(interval(folds, bound, design))
                for metric, intervals in found.items():
                    expected = float(np.mean([one.mean for one in intervals]))
                    hits = sum(one.lo <= expected <= one.hi for one in intervals)
                    yield Cell(metric, (name, str(n_groups), str(size), f"{share:g}", f"{expected:.2f}"), hits, n_sets, "cover")


# ---------------------------------------------------------------- tests
def paired_hits(layout: Layout, accuracies: tuple[float, float], agreement: float, icc: float,
                generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return which rows two models get right: on a share `agreement` of the rows both by the same draw."""
    draws = [generator.random(layout.n_rows) for _ in range(2)]
    draws[1] = np.where(generator.random(layout.n_rows) < agreement, draws[0], draws[1])
    found = []
    for accuracy, draw in zip(accuracies, draws, strict=True):
        rates = np.full(layout.n_groups, accuracy)
        if icc > 0:
            rates = generator.beta(accuracy * (1 / icc - 1), (1 - accuracy) * (1 / icc - 1), layout.n_groups)
        found.append(draw < np.repeat(rates, layout.group_size))
    return found[0], found[1]


def verdicts(layout: Layout, accuracies: tuple[float, float], agreement: float, icc: float, *, n_sets: int) -> Iterator[str]:
    """Yield the verdict on the second model against the first, of each simulated data set."""
    metric: Metric = component("metrics", "accuracy")
    key = [layout.n_groups, layout.group_size, layout.n_folds, *(round(1000 * part) for part in (*accuracies, agreement, icc))]
    generator = np.random.default_rng(key)
    a, b = Candidate("base", ("x",)), Candidate("learner", ("x",))
    for _ in range(n_sets):
        splits = layout.splits(generator.integers(0, 2, layout.n_rows).astype(np.int32), generator)
        design = design_of(splits, 0.95)
        both = [predictions(splits, hits) for hits in paired_hits(layout, accuracies, agreement, icc, generator)]
        of_candidate = dict(zip((a, b), both, strict=True))
        scores = {candidate: score(folds, metric, design) for candidate, folds in of_candidate.items()}
        losses = {candidate: np.concatenate([row_losses(fold, None) for fold in folds]) for candidate, folds in of_candidate.items()}
        (found,) = compare(Evidence(scores, losses, metric, design, 0.01), Contest(("base", "learner"), ("base",), [a, b]))
        yield found.verdict


LAYOUTS = (Layout(20, 1, N_FOLDS), Layout(100, 1, N_FOLDS), Layout(500, 1, N_FOLDS), Layout(20, 10, N_FOLDS), Layout(50, 1, 1),
           Layout(20, 10, 1), Layout(200, 5, 1))  # fmt: skip


def rejections(n_sets: int) -> Iterator[Cell]:
    """Yield how often one of two equally good models is called better or worse."""
    for layout in LAYOUTS:
        for accuracy in (0.6, 0.95):
            for icc in (0.0, 0.3) if layout.group_size > 1 else (0.0,):
                found = list(verdicts(layout, (accuracy, accuracy), 0.5, icc, n_sets=n_sets))
                hits = sum(verdict in ("better", "worse") for verdict in found)
                yield Cell("rejected", described(layout, f"{icc:g}", f"{accuracy:g}"), hits, n_sets, "reject")


def power(n_sets: int) -> Iterator[Cell]:
    """Yield how often a true gain over 0.7 is shown."""
    for n in (100, 300, 1000, 3000):
        for gain in (0.02, 0.05, 0.1):
            found = list(verdicts(Layout(n, 1, N_FOLDS), (0.7, 0.7 + gain), 0.7, 0.0, n_sets=n_sets))
            yield Cell("power", (str(n), f"{gain:g}"), sum(verdict == "better" for verdict in found), n_sets, "")


# ---------------------------------------------------------------- the best of several
def best_of_six(n_sets: int) -> Iterator[tuple[int, float, float]]:
    """Yield rows, and the mean over data sets of the best of six models that all guess (true accuracy 0.5): as it looks, and corrected."""
    metric: Metric = component("metrics", "accuracy")
    for n in (50, 100, 500):
        layout, generator, shown, corrected = Layout(n, 1, N_FOLDS), np.random.default_rng([6, n]), [], []
        for _ in range(n_sets):
            splits = layout.splits(generator.integers(0, 2, n).astype(np.int32), generator)
            design = design_of(splits, 0.95)
            found: list[MetricScores] = [score(predictions(splits, generator.random(n) < 0.5), metric, design) for _ in range(6)]
            pooled, weights = [pool(one.values, design) for one in found], resample_weights(design.n_blocks)
            bias = choice_bias(pooled, weights, design.blocks, greater_is_better=True)
            shown.append(max(one.mean for one in found))
            corrected.append(shown[-1] - bias)
        yield n, float(np.mean(shown)), float(np.mean(corrected))


# ---------------------------------------------------------------- pages
COLUMNS = {
    "accuracy": ("split", "groups", "rows of a group", "correlation in a group", "true accuracy"),
    "q2": ("split", "groups", "rows of a group", "share of groups in the noise", "expected Q²"),
    "rmse": ("split", "groups", "rows of a group", "share of groups in the noise", "expected RMSE"),
    "rejected": ("split", "groups", "rows of a group", "correlation in a group", "accuracy of both"),
    "power": ("rows", "true gain"),
    "ece": ("split", "groups", "rows of a group", "correlation in a group", "true error"),
    "ece_shown": ("split", "groups", "rows of a group", "correlation in a group", "true error"),
}
PARTS: tuple[Callable[[int], Iterator[Cell]], ...] = (share_coverage, regression_coverage, rejections, power, reliability_coverage)


def pivot(cells: Sequence[Cell]) -> str:
    """Return a Markdown table of one kind of cell: the last part of the setting as columns where it repeats."""
    columns = list(dict.fromkeys(cell.setting[-1] for cell in cells))
    names = COLUMNS[cells[0].table]
    if cells[0].table in ("q2", "rmse"):
        lines = ["| " + " | ".join([*names, "rate"]) + " |", "|" + "---|" * len(names) + "--:|"]
        return "\n".join([*lines, *("| " + " | ".join([*cell.setting, cell.text]) + " |" for cell in cells)])
    rows = list(dict.fromkeys(cell.setting[:-1] for cell in cells))
    by = {cell.setting: cell for cell in cells}
    lines = ["| " + " | ".join([*names[:-1], *(f"{names[-1]} {column}" for column in columns)]) + " |",
             "|" + "---|" * len(names[:-1]) + "--:|" * len(columns)]  # fmt: skip
    return "\n".join([*lines, *("| " + " | ".join([*row, *(by[*row, column].text for column in columns)]) + " |" for row in rows)])


def measured(parts: Sequence[Callable[[int], Iterator[Cell]]], n_sets: int) -> Iterator[Cell]:
    """Yield every cell, with a line on standard error for each."""
    for part in parts:
        for cell in part(n_sets):
            print(f"{cell.table}: {', '.join(cell.setting)}: {cell.text}", file=sys.stderr, flush=True)
            yield cell


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="python -m benchmarks.calibration")
    parser.add_argument("--sets", type=int, default=500, help="simulated data sets per cell")
    parser.add_argument("--only", nargs="*", default=[part.__name__ for part in PARTS], help="parts to run")
    parser.add_argument("--write", action="store_true", help="replace the tables of docs/honesty.md")
    chosen = parser.parse_args()
    everything = len(chosen.only) == len(PARTS)
    cells = list(measured([part for part in PARTS if part.__name__ in chosen.only], chosen.sets))
    tables = {kind: pivot(found) for kind in COLUMNS if (found := [cell for cell in cells if cell.table == kind])}
    rows = [f"| {n} | {looks:.3f} | {fair:.3f} |" for n, looks, fair in (best_of_six(chosen.sets) if everything else ())]
    if everything:
        tables["best"] = "\n".join(["| rows | best of six, as it looks | corrected |", "|--:|--:|--:|", *rows])
    if "reliability_coverage" in chosen.only:
        rows = [f"| {n} | {true:.3f} | {found:.3f} | {fair:.3f} |" for n, true, found, fair in errors_found(chosen.sets)]
        tables["ece_found"] = "\n".join(["| rows | true error | found | without chance |", "|--:|--:|--:|--:|", *rows])
    for kind, table in tables.items():
        print(f"{kind}\n{table}\n")
    if chosen.write:
        from stages.reporting.readme import with_block

        page = Path(__file__).parents[1] / "docs" / "honesty.md"
        text = page.read_text(encoding="utf-8")
        for kind, table in tables.items():
            text = with_block(text, table, f"calibration {kind}")
        page.write_text(text, encoding="utf-8")
    broken = [cell for cell in cells if cell.broken]
    for cell in broken:
        print(f"error: {cell.table} {' · '.join(cell.setting)}: {cell.rate:.3f} of {cell.n}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
