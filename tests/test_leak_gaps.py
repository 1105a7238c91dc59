"""The gap that a leak makes: five nearest neighbors with it and without it, by an independent computation, and with the right sign."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.neighbors import KNeighborsRegressor
from test_leaks import N, delay, split_prefix, subjects

from benchmarks.leak_free import ToyData, clean, examined
from stages.contracts.detector import ExaminedDataSet, Suspicion
from stages.foundation.registry import component
from stages.leak_evidence.table_columns import training_rows
from stages.validation.leak_findings import leaks_of
from stages.validation.leak_gaps import K, gap_of
from stages.validation.leak_settings import LeakageEntry, detectors


def suspicion_of(data: ToyData, detector: str, code: str) -> tuple[ExaminedDataSet, Suspicion]:
    seen = examined(data)
    return seen, next(found for found in component("leaks", detector).detect(seen) if found.code == code)


def by_subject() -> ToyData:
    """Return data whose target is a property of the subject, such as a disease, and whose vectors show the subject alone."""
    _, subject = subjects()
    sick = np.random.default_rng(12).permutation(20) % 2
    return replace(split_prefix(), target=sick[subject].astype(np.int32))


def test_a_split_group_is_worth_all_that_the_model_knows() -> None:
    seen, suspicion = suspicion_of(by_subject(), "split_groups", "split-id-prefix")
    gap = gap_of(suspicion, seen)
    assert gap is not None and gap.with_leak > 0.8 and gap.without < 0.2
    assert gap.difference == pytest.approx(gap.with_leak - gap.without, abs=1e-5) and 0.5 < gap.lo < gap.difference < gap.hi


def test_the_shares_are_those_of_scikit_learns_neighbors() -> None:
    seen, suspicion = suspicion_of(by_subject(), "split_groups", "split-id-prefix")
    gap = gap_of(suspicion, seen)
    rows = training_rows(seen)
    vectors, inner, subject = seen.modalities[0].vectors[rows], seen.inner[rows], suspicion.together[rows]
    target = seen.values[rows].astype(float)
    with_leak, without = np.zeros(len(rows)), np.zeros(len(rows))
    for row in range(len(rows)):
        for place, kept in ((with_leak, inner != inner[row]), (without, (inner != inner[row]) & (subject != subject[row]))):
            place[row] = KNeighborsRegressor(K).fit(vectors[kept], target[kept]).predict(vectors[row][None])[0]
    base = ((target - target.mean()) ** 2).sum()
    assert gap is not None and gap.n_samples == len(rows)
    for found, predicted in ((gap.with_leak, with_leak), (gap.without, without)):
        assert found == pytest.approx(1 - ((target - predicted) ** 2).sum() / base, abs=1e-4)


def test_a_column_made_from_the_target_has_a_gap() -> None:
    seen, suspicion = suspicion_of(delay(), "telling_columns", "telling-column")
    gap = gap_of(suspicion, seen)
    assert gap is not None and gap.lo > 0.1 and gap.without < 0.1


def test_copies_of_samples_that_tell_nothing_have_none() -> None:
    random = np.random.default_rng(13)
    data = clean(36, "vector").with_column("vector", pa.FixedSizeListArray.from_arrays(
        pa.array(random.normal(size=N * 30).astype(np.float32)), 30)).with_rows([*range(120), *range(120)])  # fmt: skip
    seen, suspicion = suspicion_of(data, "duplicates", "duplicate-across-folds")
    gap = gap_of(suspicion, seen)
    assert gap is not None and gap.lo < 0 < gap.hi


def test_no_test_target_is_read_and_other_findings_have_no_gap() -> None:
    seen, suspicion = suspicion_of(by_subject(), "split_groups", "split-id-prefix")
    values = np.where(seen.inner < 0, 1 - seen.values, seen.values)
    assert gap_of(suspicion, replace(seen, values=values)) == gap_of(suspicion, seen)
    assert gap_of(replace(suspicion, together=None), seen) is None


def test_gaps_are_measured_on_request() -> None:
    seen = examined(by_subject())
    for wanted in (False, True):
        leaks = leaks_of(seen, detectors(), LeakageEntry(gaps=wanted).of("toy"))
        assert [finding.gap is not None for finding in leaks.findings if finding.code == "split-id-prefix"] == [wanted]
