"""The interface of a file under benchmarks/public/comparisons/: what is run, what was published, and how the protocols differ.

A file ends in one constant, COMPARISON. Its name is that of the comparison; docs/public.md shows it without a further line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from stages.foundation.errors import InputError

FOLDER = Path(__file__).parent / "comparisons"
# What a run has unless it says otherwise: the figures that are compared, and nothing that takes time besides.
SECTIONS: Mapping[str, Any] = {
    "seed": 20241101,
    "split": {"n_splits": 5, "n_repeats": 1, "n_inner_splits": 3},
    "train": {},
    "fusions": {"early": {}},
    "controls": {"constant": {}},
    "learning_curves": {},
    "bias_variance": {},
    "conditions": {"missing": [], "corruptions": {}},
    "evaluate": {"confidence": 0.95},
    "publish": {"tracking_uri": "sqlite:///mlflow.db"},
    "flow": {"cron": "0 3 * * *", "timezone": "UTC", "workers": 2, "retries": 0},
}


@dataclass(frozen=True)
class Published:
    """A published figure. source: where it stands. protocol: rows and split that it is of, as far as they are known."""

    method: str
    score: str
    source: str
    protocol: str


@dataclass(frozen=True)
class Goal:
    """The least (of an error: the greatest) score that ours is to have. model: whose; None: the best learner's, which its score has picked.
    """

    score: float
    model: str | None = None


@dataclass(frozen=True)
class PublicRun:
    """One run of the pipeline. what: rows, split and features. sections: of params.yaml, in place of those of SECTIONS.

    metrics: names of those shown, the one of the goal first.
    """

    what: str
    sections: Mapping[str, Any]
    metrics: Sequence[str]
    goal: Goal | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Return the whole params.yaml."""
        return {**SECTIONS, **self.sections}

    @property
    def dataset(self) -> str:
        """Return the name of the run's data set; there is one."""
        (name,) = self.params["datasets"]
        return str(name)


@dataclass(frozen=True)
class Comparison:
    """Runs on one data set, by name, next to published figures. published: none where no figure could be read; `differences` then says so.

    differences: of protocol, a sentence each.
    """

    title: str
    runs: Mapping[str, PublicRun]
    published: Sequence[Published]
    differences: Sequence[str]


def comparison_names() -> list[str]:
    """Return the names of all comparisons, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def comparison_of(name: str) -> Comparison:
    """Return a comparison by its name.

    Raises:
        InputError: if there is none of this name.
    """
    if name not in comparison_names():
        raise InputError(f"no public comparison {name!r}; there are: {', '.join(comparison_names())}")
    found: Comparison = import_module(f"benchmarks.public.comparisons.{name}").COMPARISON
    return found
