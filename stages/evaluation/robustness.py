"""Scores under conditions that no model was trained for: each candidate's, with intervals, and what it loses against clean samples.

Tests are those of all differences (stages/evaluation/statistics.py), paired by folds and rows; Holm's correction is over all conditions of
one candidate. All is of the first seed, whose models predict the changed samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import Candidate
from stages.contracts.documents.condition_scores import Robustness, StrengthCurve, StrengthPoint
from stages.contracts.metric import Metric
from stages.contracts.paths import conditions_dir
from stages.contracts.sample_condition import Condition, parsed_condition
from stages.contracts.tables.conditions_table import ConditionsMetadata
from stages.evaluation.checked_predictions import Expected, FoldPredictions, Splits, predictions_by_candidate
from stages.evaluation.comparisons import difference_of, practical_region, verdict
from stages.evaluation.design import Design
from stages.evaluation.scores import estimate, score
from stages.evaluation.statistics import holm, posterior
from stages.evaluation.strength_area import area_kept
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described

OneSeed = Sequence[FoldPredictions]


@dataclass(frozen=True)
class Judge:
    """How scores under conditions are judged. rope: as in comparisons.py. expected: form and names of the outputs."""

    splits: Splits
    metric: Metric
    design: Design
    rope: float
    expected: Expected


def robustness(dataset: str, clean: Mapping[Candidate, OneSeed], judge: Judge) -> tuple[Robustness, ...]:
    """Return what conditions do to the candidates of every model that has been examined.

    Args:
        clean: what candidates predict of clean samples, with the first seed.
    Raises:
        InputError: if a file does not fit the splits, or another metric chose.
    """
    found = []
    for path in sorted(conditions_dir(dataset).glob("*/predictions.arrow")):
        table, about = read_described(path, ConditionsMetadata)
        if about.scoring != judge.metric.name:
            expected = f"expected {judge.metric.name!r}, which ranks, found {about.scoring!r}"
            raise InputError(f"{path}: metadata scoring: {expected}; run `dvc repro`")
        predicted = _by_candidate(table, about, judge, path)
        found += [judged_robustness(candidate, of_candidate, clean[candidate], judge, about.units)
                  for candidate, of_candidate in predicted.items() if candidate in clean]  # fmt: skip
    return tuple(found)


def _by_candidate(
    table: pa.Table, about: ConditionsMetadata, judge: Judge, path: Path
) -> dict[Candidate, dict[Condition, OneSeed]]:
    """Return each candidate's predictions under every condition, in the order of the file."""
    found: dict[Candidate, dict[Condition, OneSeed]] = {}
    for name in pc.unique(table["condition"]).to_pylist():
        condition = parsed_condition(name)
        combinations = [combination for combination in about.combinations if condition.modality in combination.split("+")]
        expected = replace(judge.expected, model=about.model, combinations=combinations)
        of_condition = table.filter(pc.equal(table["condition"], name))
        for candidate, by_seed in predictions_by_candidate(of_condition, judge.splits, expected, path, condition=name).items():
            found.setdefault(candidate, {})[condition] = by_seed[0]
    return found


def judged_robustness(
    candidate: Candidate, predicted: Mapping[Condition, OneSeed], clean: OneSeed, judge: Judge, units: Mapping[str, str]
) -> Robustness:
    """Return one candidate's scores under conditions, with what is lost. units: of strengths, by `Condition.key`."""
    metric, design = judge.metric, judge.design
    of_clean = score(clean, metric, design)
    scored = {condition: score(folds, metric, design) for condition, folds in predicted.items()}
    differences = {condition: difference_of(found, of_clean, design) for condition, found in scored.items()}
    corrected = dict(zip(differences, holm([found.p for found in differences.values()]), strict=True))
    limit, rope = metric.bounds[1] - metric.bounds[0], practical_region(judge.rope, metric, of_clean.mean)
    points: dict[str, list[StrengthPoint]] = {}
    for condition, found in scored.items():
        mean, difference = estimate(found, [predicted[condition]], metric, design), differences[condition]
        upright = difference if metric.greater_is_better else replace(difference, difference=-difference.difference)
        said = verdict(upright.difference, corrected[condition], posterior(upright, rope), design.confidence)
        lo, hi = (float(np.clip(end, -limit, limit)) for end in (difference.lo, difference.hi))
        points.setdefault(condition.key, []).append(StrengthPoint(
            strength=condition.strength, mean=mean.mean, lo=mean.lo, hi=mean.hi, change=difference.difference, change_lo=lo, change_hi=hi,
            p=difference.p, p_corrected=corrected[condition], verdict=said))  # fmt: skip
    curves = tuple(_curve(key, units[key], of_key, of_clean.mean, metric) for key, of_key in points.items())
    return Robustness(model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, clean=of_clean.mean, curves=curves)


def _curve(key: str, unit: str, points: Sequence[StrengthPoint], clean: float, metric: Metric) -> StrengthCurve:
    modality, corruption = key.split("/")
    ascending = sorted(points, key=lambda point: point.strength)
    means = [float("nan") if point.mean is None else point.mean for point in ascending]
    area = area_kept([point.strength for point in ascending], means, clean, greater_is_better=metric.greater_is_better)
    return StrengthCurve(modality=modality, corruption=corruption, unit=unit, points=tuple(ascending), area=area)
