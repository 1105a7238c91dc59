"""The interface of a component under stages/controls/: what the scores of learners stand next to.

A `Rule` predicts without a learner. A `Restricted` control is one fixed learner that is shown a few columns: what a learner of the
modalities may have used instead of their content. The protocol (stages/controlling/) owns folds, thresholds and predictions; a control
chooses nothing. A `Randomised` control is a learner of the modalities on data in which one relation is destroyed at random. A
`Reference` is a learner of the modalities that nothing is tuned of. A `Leaking` one is a learner of the modalities by a protocol into which
one leak is let on purpose.

A control is a baseline, which every learner is compared with, or a diagnostic, which tells something of the data by a channel that no
learner sees, or by one that is not tuned: it is shown, ranks behind all others and need not be beaten. `Randomised` and `Leaking` controls
have scores next to the observed ones and no candidate.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.fitted import Scores
from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm


@dataclass(frozen=True)
class ControlData:
    """What a control may look at.

    samples: the problem's rows, with the columns of stages/contracts/tables/samples_table.py but the target. features: modality name → the
    columns of its features file, of the same rows.
    """

    problem: Problem
    samples: pa.Table
    features: Mapping[str, pa.Table]


def always(data: ControlData, settings: Any) -> None:
    """Return None: the control applies to all data."""
    return None


def as_tested(data: ControlData, settings: Any) -> Problem:
    """Return the problem as models are tested."""
    return data.problem


@dataclass(frozen=True)
class Rule:
    """A control without a learner; it looks at no modality, so it has one candidate.

    `predict(data, settings, train, rows)` scores some rows by the targets of the training rows; both are row numbers of the problem.
    `not_applicable(data, settings)` returns why it says nothing about these data, or None.
    """

    name: str
    settings: type[Settings]
    predict: Callable[[ControlData, Any, np.ndarray, np.ndarray], Scores]
    not_applicable: Callable[[ControlData, Any], str | None] = always
    is_diagnostic: bool = False

    @property
    def by_combination(self) -> bool:
        """Return whether it has a candidate per modality combination."""
        return False


@dataclass(frozen=True)
class Restricted:
    """A fixed learner (stages/controlling/fitted_trees.py) that is shown these columns alone.

    `columns(data, settings)` returns what it sees of every row, by modality: float64 (n, d), finite, nothing fitted.
    by_combination: whether it has a candidate per modality combination; else it looks at no modality, its columns stand under "", and it
    has one candidate.
    `not_applicable(data, settings)` returns why it says nothing about these data, or None.
    """

    name: str
    settings: type[Settings]
    columns: Callable[[ControlData, Any], Mapping[str, np.ndarray]]
    by_combination: bool = False
    not_applicable: Callable[[ControlData, Any], str | None] = always
    is_diagnostic: bool = False


@dataclass(frozen=True)
class Variant:
    """The data with one relation destroyed once. problems: one, or one per outer fold, with the same combinations.

    what: is destroyed. draw: number of the random draw.
    """

    what: str
    draw: int
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Randomised:
    """The learner `linear` through the whole protocol of models, on the data as it is and on each variant.

    `observed(data)` returns the problem with the combinations that are scored.
    `variants(data, settings)` yields the data with a relation destroyed, several times.
    `not_applicable(data, settings)` returns why it says nothing about these data, or None.
    """

    name: str
    settings: type[Settings]
    observed: Callable[[ControlData], Problem]
    variants: Callable[[ControlData, Any], Iterator[Variant]]
    not_applicable: Callable[[ControlData, Any], str | None] = always
    is_diagnostic: bool = True


@dataclass(frozen=True)
class Reference:
    """One estimator on all modalities with dense features or a table, as models read them: how far one gets without tuning.

    `make(config, form, seed)` returns it unfitted, as of an `Estimator`; there is nothing to choose, so `config` is empty. It is a
    diagnostic that every learner's best candidate is compared with.
    `not_applicable(data, settings)` returns why it says nothing about these data, or None.
    """

    name: str
    settings: type[Settings]
    make: Callable[[Config, TargetForm, int], Any]
    not_applicable: Callable[[ControlData, Any], str | None] = always
    is_diagnostic: bool = True

    @property
    def by_combination(self) -> bool:
        """Return whether it has a candidate per modality combination."""
        return False


@dataclass(frozen=True)
class Leaking:
    """The learner `linear` through the whole protocol of models, without one leak and again with it.

    what: the leak, as the end of "if …". `leaking(data, settings)` returns the problem with the leak, of the same rows and combinations;
    each row that is tested is tested as often as without it. `honest(data, settings)` returns the problem without it: as models are tested,
    unless the data themselves have the leak.
    `not_applicable(data, settings)` returns why the leak cannot be let in, or None.
    """

    name: str
    settings: type[Settings]
    what: str
    leaking: Callable[[ControlData, Any], Problem]
    honest: Callable[[ControlData, Any], Problem] = as_tested
    not_applicable: Callable[[ControlData, Any], str | None] = always
    is_diagnostic: bool = True


Control = Rule | Restricted | Randomised | Reference | Leaking
