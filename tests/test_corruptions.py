"""What every corruption of every modality promises: one battery over what the registry finds."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from raw_samples import DEGENERATE, columns, modality_of, table_of, values_of

from stages.contracts.corruption import Corruption
from stages.contracts.table_schema import Metadata
from stages.foundation.errors import InputError
from stages.foundation.registry import names
from stages.foundation.tables import write_table
from stages.samples.corrupted_samples import corrupted_column, corrupted_features, corruption_of, measured
from stages.samples.read import SampleError, check_type

COLUMNS = columns()
BY_MODALITY = {name: modality_of(name).corruptions for name in names("modalities")}
CASES = [(name, what, corruption) for name, what in COLUMNS for corruption in BY_MODALITY[name]]
EACH = [(name, corruption) for name, corruptions in BY_MODALITY.items() for corruption in corruptions]
SEED = 3
# (modality, corruption) → why values do not move away one by one as the strength grows; tests/test_corruption_facts.py tests what grows
NOT_BY_VALUE = {
    ("image", "blur"): "each pixel nears an average, which itself changes",
    ("image", "rotation"): "a pixel meets others as it turns",
    ("series", "time_shift"): "a reading meets others as it moves",
    ("tactile", "time_shift"): "a reading meets others as it moves",
    ("set", "points_dropped"): "the sample has fewer values",
    ("set", "jitter"): "tested where the others of sets are",
    ("text", "typos"): "texts are no numbers",
    ("text", "dropped_words"): "texts are no numbers",
    ("graph", "edges_dropped"): "graphs are no numbers",
    ("graph", "edges_added"): "graphs are no numbers",
}
BY_VALUE = [case for case in CASES if (case[0], case[2].name) not in NOT_BY_VALUE]
# (modality, corruption) → why another seed gives the same
DRAWS_NOTHING = {("image", "blur"): "a filter", ("audio", "clipping"): "a limit"}


def case_name(value: Any) -> str:
    return value.name if isinstance(value, Corruption) else str(value).replace(" ", "_")


def ladder(corruption: Corruption) -> list[float]:
    """Return strengths, ascending, up to the largest."""
    return [1e-9, *corruption.strengths, corruption.largest]


def corrupted(table: pa.Table, corruption: Corruption, strength: float, *, seed: int = SEED) -> pa.Array:
    reference = measured(table, "raw", corruption, np.arange(len(table)))
    return corrupted_column(table, "raw", corruption, strength, seed=seed, reference=reference)


def rows_of(column: pa.Array | pa.ChunkedArray) -> list[str]:
    """Return every row as text, so that NaN equals NaN."""
    return [repr(row) for row in column.to_pylist()]


def written(column: pa.Array) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("raw", column.type)])) as writer:
        writer.write_table(pa.table({"raw": column}))
    return bytes(sink.getvalue())


def addresses(column: pa.Array) -> list[int]:
    return [buffer.address for buffer in column.buffers() if buffer is not None]


def test_the_battery_finds_corruptions() -> None:
    assert {name for name, corruptions in BY_MODALITY.items() if corruptions} == set(DEGENERATE)
    assert {(name, corruption.name) for name, corruption in EACH} >= set(NOT_BY_VALUE) | set(DRAWS_NOTHING)
    assert len(EACH) == len({(name, corruption.name) for name, corruption in EACH})


@pytest.mark.parametrize(("name", "corruption"), EACH, ids=case_name)
def test_says_what_it_does(name: str, corruption: Corruption) -> None:
    assert corruption.what and corruption.unit
    assert list(corruption.strengths) == sorted(set(corruption.strengths))
    assert corruption.strengths[0] > 0 and corruption.strengths[-1] <= corruption.largest
    assert corruption_of(modality_of(name), corruption.name) is corruption


@pytest.mark.parametrize(("name", "what", "corruption"), CASES, ids=case_name)
def test_strength_zero_gives_the_column_itself(name: str, what: str, corruption: Corruption) -> None:
    table = table_of(COLUMNS[name, what])
    assert addresses(corrupted(table, corruption, 0).chunk(0)) == addresses(COLUMNS[name, what])


@pytest.mark.parametrize(("name", "what", "corruption"), CASES, ids=case_name)
def test_samples_are_not_changed_in_place(name: str, what: str, corruption: Corruption) -> None:
    column = COLUMNS[name, what]
    before = [None if buffer is None else buffer.to_pybytes() for buffer in column.buffers()]
    for strength in ladder(corruption):
        corrupted(table_of(column), corruption, strength)
    assert [None if buffer is None else buffer.to_pybytes() for buffer in column.buffers()] == before


@pytest.mark.parametrize(("name", "what", "corruption"), CASES, ids=case_name)
def test_the_same_again_and_another_seed_differs(name: str, what: str, corruption: Corruption) -> None:
    table = table_of(COLUMNS[name, what])
    first = corrupted(table, corruption, corruption.largest / 2)
    assert written(corrupted(table, corruption, corruption.largest / 2)) == written(first)
    others = [rows_of(corrupted(table, corruption, corruption.largest / 2, seed=seed)) for seed in range(100, 112)]
    assert all(other == rows_of(first) for other in others) == ((name, corruption.name) in DRAWS_NOTHING)


@pytest.mark.parametrize(("name", "what", "corruption"), CASES, ids=case_name)
def test_a_sample_s_result_depends_on_no_other(name: str, what: str, corruption: Corruption) -> None:
    table, strength = table_of(COLUMNS[name, what]), corruption.strengths[-1]
    reference = measured(table, "raw", corruption, np.arange(len(table)))
    whole = rows_of(corrupted(table, corruption, strength))

    def part(rows: Any) -> list[str]:
        some = table.take(pa.array(rows)) if isinstance(rows, list) else rows
        return rows_of(corrupted_column(some, "raw", corruption, strength, seed=SEED, reference=reference))

    backwards = list(range(len(table)))[::-1]
    assert part(backwards) == whole[::-1]
    assert [part([row])[0] for row in range(len(table))] == whole
    assert part(table.slice(1)) == whole[1:]  # with an offset
    assert part(pa.concat_tables([table.slice(0, 1), table.slice(1)])) == whole  # in chunks
    assert part(table.slice(0, 0)) == []


@pytest.mark.parametrize(("name", "what", "corruption"), CASES, ids=case_name)
def test_the_result_is_what_the_modality_reads(name: str, what: str, corruption: Corruption) -> None:
    modality, column = modality_of(name), COLUMNS[name, what]
    settings = modality.settings(**({"channels": ("x", "y")} if what == "plain lists" else {}))
    before = modality.featurize(column, settings)
    for strength in ladder(corruption):
        found = corrupted(table_of(column), corruption, strength)
        found.validate(full=True)
        check_type(found, modality, "raw")
        assert found.type == column.type or pa.types.is_fixed_size_list(column.type)
        features = modality.featurize(found, settings)
        assert pa.table(dict(features.columns)).schema == pa.table(dict(before.columns)).schema
        assert (features.encoding, features.shape, features.names) == (before.encoding, before.shape, before.names)
        assert {len(values) for values in features.columns.values()} == {len(column)}


@pytest.mark.parametrize(("name", "corruption"), EACH, ids=case_name)
def test_missing_samples_stay_missing(name: str, corruption: Corruption) -> None:
    column = COLUMNS[name, "toy"]
    holes = column.take(pa.array([0, None, 2, None]))
    found = corrupted(table_of(holes), corruption, corruption.strengths[0])
    assert found.is_null().to_pylist() == [False, True, False, True]
    assert corrupted(table_of(holes.slice(1, 1)), corruption, corruption.strengths[0]).to_pylist() == [None]


@pytest.mark.parametrize(("name", "what", "corruption"), CASES, ids=case_name)
def test_a_strong_corruption_is_felt(name: str, what: str, corruption: Corruption) -> None:
    column = COLUMNS[name, what]
    found = corrupted(table_of(column), corruption, corruption.largest / 2)
    assert rows_of(found) != rows_of(column)


@pytest.mark.parametrize(("name", "what", "corruption"), BY_VALUE, ids=case_name)
def test_a_larger_strength_does_all_that_a_smaller_one_does(name: str, what: str, corruption: Corruption) -> None:
    before = values_of(name, COLUMNS[name, what])
    moved = [np.zeros_like(values) for values in before]
    for strength in ladder(corruption):
        after = values_of(name, corrupted(table_of(COLUMNS[name, what]), corruption, strength))
        for row, (old, new) in enumerate(zip(before, after, strict=True)):
            assert new.shape == old.shape
            with np.errstate(invalid="ignore"):
                change = np.where(np.isnan(new) & ~np.isnan(old), np.inf, np.where(np.isnan(old) | (new == old), 0.0, new - old))
            slack = 1e-6 * (1 + np.abs(np.where(np.isfinite(moved[row]), moved[row], 0)))
            assert (np.abs(change) >= np.abs(moved[row]) - slack).all(), f"strength {strength}, row {row}"
            assert (np.sign(change) * np.sign(moved[row]) >= 0).all() or np.isinf(change).any()
            moved[row] = change
    assert any(values.any() for values in moved)


@pytest.mark.parametrize(("name", "corruption"), EACH, ids=case_name)
def test_silent_constant_empty_and_single_samples_are_fine(name: str, corruption: Corruption) -> None:
    modality, column = modality_of(name), DEGENERATE[name]()
    readable = [row for row in range(len(column)) if is_readable(name, column.slice(row, 1))]
    for strength in ladder(corruption):
        found = corrupted(table_of(column), corruption, strength)
        assert len(found) == len(column)
        modality.featurize(found.take(pa.array(readable, pa.int64())), modality.settings())


def is_readable(name: str, column: pa.Array) -> bool:
    modality = modality_of(name)
    try:
        modality.featurize(column, modality.settings())
    except SampleError:
        return False
    return True


@pytest.mark.parametrize(("name", "corruption"), EACH, ids=case_name)
def test_nothing_need_be_measured_on_no_rows(name: str, corruption: Corruption) -> None:
    """No training row has a value: nothing is known of the spread, and nothing is raised."""
    table = table_of(COLUMNS[name, "toy"])
    reference = measured(table, "raw", corruption, np.array([], dtype=int))
    corrupted_column(table, "raw", corruption, corruption.strengths[0], seed=SEED, reference=reference)


@pytest.mark.parametrize(("name", "corruption"), EACH, ids=case_name)
def test_features_at_strength_zero_are_those_of_the_stage(name: str, corruption: Corruption, tmp_path: Path) -> None:
    from stages.featurize import featurize_column

    modality, table = modality_of(name), table_of(COLUMNS[name, "toy"])
    settings = modality.settings()
    rows = np.array([4, 0, 3])
    stage, _ = featurize_column(table, "raw", modality, settings, dataset="toy")
    how = {"corruption": corruption, "seed": SEED, "reference": measured(table, "raw", corruption, np.array([1, 2, 3])), "rows": rows}
    found = corrupted_features(table, "raw", modality, settings, strength=0, **how)
    for path, features in (("stage", stage.take(pa.array(rows))), ("found", found)):
        write_table(tmp_path / path, features, Metadata())
    assert (tmp_path / "stage").read_bytes() == (tmp_path / "found").read_bytes()
    strong = corrupted_features(table, "raw", modality, settings, strength=corruption.largest / 2, **how)
    assert strong.schema == found.schema and strong["sample_id"].equals(found["sample_id"])
    assert rows_of(strong) != rows_of(found) or corruption.name in ("dropped_sensors", "time_shift")


@pytest.mark.parametrize(("name", "corruption"), EACH, ids=case_name)
@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), 1e6])
def test_an_impossible_strength_is_refused(name: str, corruption: Corruption, strength: float) -> None:
    with pytest.raises(InputError, match=rf"strength of corruption '{corruption.name}' is .*; expected 0 to {corruption.largest:g} \("):
        corrupted(table_of(COLUMNS[name, "toy"]), corruption, strength)


def test_an_unknown_corruption_is_answered_with_the_names() -> None:
    with pytest.raises(InputError, match="modality 'table' has no corruption 'noyse'; expected missing_cells, noise"):
        corruption_of(modality_of("table"), "noyse")
