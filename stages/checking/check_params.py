"""Check the whole params.yaml: find every mistake, one line each."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from stages.checking.check_combinations import check_combinations
from stages.checking.check_conditions import check_conditions
from stages.checking.check_controls import check_control
from stages.checking.check_data_sets import check_dataset
from stages.checking.check_features import check_feature
from stages.checking.check_fusions import check_fusions
from stages.checking.check_leakage import check_leakage
from stages.checking.check_lessons import check_lessons
from stages.checking.check_models import check_model, check_scoring, check_sizes, check_task
from stages.checking.check_splits import check_splits
from stages.checking.check_studies import STUDIES, check_studies
from stages.checking.sections import SECTIONS
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest
from stages.params import TOP_LEVEL, read_params, section

SEEDS = 2**32  # limit of numpy and scikit-learn
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # of a data set, a control, a model, or a key of features; each section checks more
NAME_RULE = "letters, digits and _ (and a - between data set and modality name), a letter first"
KINDS = ("datasets", "features", "controls", "models")


def checked_params() -> dict[str, Any]:
    """Return params.yaml.

    Raises:
        InputError: with every mistake in it.
    """
    params = read_params()
    refuse_unreadable_by_dvc(PARAMS)
    found = problems(params)
    if found:
        raise InputError(f"{len(found)} mistake(s) in {PARAMS}\n" + "\n".join(f"  {line}" for line in found))
    return params


def refuse_unreadable_by_dvc(path: Path) -> None:
    """Raise InputError if DVC's parser refuses a file that ours reads.

    DVC parses with libyaml (`YAML(typ="safe")`), which takes a colon in braces or brackets for the end of a key, unless it is in quotes.
    """
    try:
        YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError(f"{path}: {line}DVC cannot read it: {error.problem}; put text with a colon in quotes, or write the entry without "
                         "braces or brackets, a line per key") from error


def problems(params: Mapping[str, Any]) -> list[str]:
    """Return every mistake in params.yaml, one line each: file, key, the values allowed."""
    found = _section_problems(params)
    names = _name_problems(params)
    if names:
        return found + names
    for name in params["datasets"]:
        _attempt(found, check_dataset, params, name)
    for key in params["features"]:
        _attempt(found, check_feature, params, key)
    for name in params["controls"]:
        _attempt(found, check_control, params, name)
    for name in params["models"]:
        _attempt(found, check_model, params, name)
    _attempt(found, check_fusions, params)
    _attempt(found, check_lessons, params)
    if not found:  # these checks need valid entries
        _attempt(found, check_splits, params)
        _attempt(found, check_leakage, params)
        _attempt(found, check_scoring, params)
        _attempt(found, check_combinations, params)
        for study in STUDIES:
            _attempt(found, check_studies, params, study)
        _attempt(found, check_conditions, params)
        for name in params["models"]:
            _attempt(found, check_sizes, params, name)
            _attempt(found, check_task, params, name)
    return found


def _attempt(found: list[str], check: Callable[..., Any], *arguments: Any) -> None:
    """Run a check; add the lines of its error that are new: a mistake in a data set recurs with each of its features."""
    try:
        check(*arguments)
    except InputError as error:
        found.extend(line for line in str(error).splitlines() if line not in found)


def _section_problems(params: Mapping[str, Any]) -> list[str]:
    unknown = [key for key in params if key not in TOP_LEVEL]
    found = [f"{PARAMS}: {key}: unknown section{nearest(key, TOP_LEVEL)}; allowed: {', '.join(TOP_LEVEL)}" for key in unknown]
    seed = params.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < SEEDS:
        found.append(f"{PARAMS}: seed: expected a whole number from 0 to {SEEDS - 1}, found {seed!r}")
    for name, model in SECTIONS.items():
        _attempt(found, section, params, name, model)
    return found


def _name_problems(params: Mapping[str, Any]) -> list[str]:
    """Return the mistakes in the keys under `datasets`, `features`, `controls` and `models`; of a section without keys only that."""
    found: list[str] = []
    for kind in KINDS:
        if not isinstance(params.get(kind), Mapping) or not params[kind]:
            remedy = "; add `controls: {constant: {}}`, which every model is compared with" if kind == "controls" else ""
            return [*found, f"{PARAMS}: {kind}: expected a mapping with at least one entry, found {params.get(kind)!r}{remedy}"]
        invalid = [name for name in params[kind] if not isinstance(name, str) or not NAME.fullmatch(name)]
        reason = f"is not a valid name (it becomes part of names of files and stages); use {NAME_RULE}"
        found += [f"{PARAMS}: {kind}: {name!r} {reason}" for name in invalid]
    if "lessons" in params["datasets"]:
        found.append(f"{PARAMS}: datasets: 'lessons' is the name of the lessons' experiment on the tracking server; use another one")
    return found
