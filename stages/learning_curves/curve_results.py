"""A model's predictions after training on shares of the training rows, by the protocol of models, and their table.

The largest share, all training rows, is not here: `train` has done that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from stages.contracts.model import FoldResult
from stages.contracts.paths import learning_curve_path
from stages.contracts.problem import Problem
from stages.contracts.tables.learning_curve_table import LearningCurveMetadata
from stages.foundation.plain_output import write_line
from stages.foundation.tables import write_table
from stages.learning_curves.nested_subsamples import Subsample, nested_subsamples, too_few_rows
from stages.model_selection.answered_rows import answered
from stages.model_selection.protocol import LearnerSetup, results
from stages.training.limits import fitting_configs
from stages.training.read_problem import TrainingData
from stages.training.result_tables import prediction_rows


@dataclass
class CurveResults:
    """What learners of growing shares predict. by_share: the results of each. skipped: share → why no learner is trained on it."""

    by_share: dict[float, list[FoldResult]]
    skipped: dict[float, str]


def curve_results(learner: LearnerSetup, dataset: str, problem: Problem, *, groups: np.ndarray, n_halvings: int) -> CurveResults:
    """Return a learner's results on nested subsamples of each outer fold's training rows.

    The choice of a configuration is repeated on each subsample's inner folds: nothing is known of the other rows, nor of test rows.

    Args:
        groups: int (n,), codes of the groups of the problem's rows.
    """
    found = CurveResults({}, {})
    subsamples = nested_subsamples(problem, groups, n_halvings)
    smallest = subsamples[0].share
    found.skipped |= {smallest / 2**n: "a group cannot be halved" for n in range(1, n_halvings + 2 - len(subsamples))}
    for subsample in subsamples[:-1]:
        why = next((why for part in subsample.problem.parts() for why in _why_not(learner, part)), None)
        if why is None:
            found.by_share[subsample.share] = list(answered(subsample.problem, _trained(learner, dataset, subsample)))
            n_train = np.mean([len(fold.train) for fold in subsample.problem.folds])
            write_line(f"{learner.model.name} {dataset}: trained on {subsample.share:g} of the training rows ({n_train:.0f})")
        else:
            found.skipped[subsample.share] = why
    return found


def _why_not(learner: LearnerSetup, problem: Problem) -> Iterator[str]:
    yield from too_few_rows(problem)
    smallest = min(int((fold.inner != inner).sum()) for fold in problem.folds for inner in range(fold.n_inner))
    least = min(map(learner.model.min_samples, learner.model.grid(learner.settings, problem.seed)))
    if least > smallest:
        yield f"every configuration needs {least} rows or more, and the smallest inner training set has {smallest}"


def _trained(learner: LearnerSetup, dataset: str, subsample: Subsample) -> list[FoldResult]:
    configs = fitting_configs(dataset, learner.model, learner.settings, subsample.problem, tuning_rows=learner.tuning_rows)
    return list(results(learner, subsample.problem, configs))


def write_curve(model: str, found: CurveResults, data: TrainingData, *, not_applicable: str | None = None) -> None:
    """Write learning_curve.arrow, the smallest share first."""
    problem = data.problem
    metadata = LearningCurveMetadata(
        **dict(data.splits), model=model, scoring=problem.scoring,
        combinations=() if not_applicable else tuple("+".join(modalities) for modalities in problem.combinations),
        skipped={f"{share:g}": why for share, why in sorted(found.skipped.items())}, not_applicable=not_applicable,
    )  # fmt: skip
    # a result without rows, so that a table without rows has its columns
    empty = FoldResult(replace(problem.final_fold(), train=np.empty(0, np.int64)), (), {}, 0, problem.target[:0], None)
    by_share: Mapping[float, Sequence[FoldResult]] = found.by_share or {1.0: [empty]}
    tables = [_rows(share, result, model, data) for share, of_share in sorted(by_share.items()) for result in of_share]
    write_table(learning_curve_path(data.splits.dataset, model), pa.concat_tables(tables), metadata)


def _rows(share: float, result: FoldResult, model: str, data: TrainingData) -> pa.Table:
    table = pa.concat_tables(prediction_rows(replace(result, probabilities=None), model, data))
    n = table.num_rows
    counts = {"share": pa.array(np.full(n, share)), "n_train": pa.array(np.full(n, len(result.fold.train), np.int32))}
    return pa.table({**counts, **{name: table[name] for name in table.column_names}})
