"""`persistence:` of own data: the column that says what the target is if nothing changes, from the entry to the control's predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_entries import Entry, ingested, parsed

from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.own_data.roles import find_modalities, open_source

ROWS = [("a", 1.5, 10, "a", 1.0, 9), ("b", 2.5, 20, "a", "", 19), ("a", 3.5, 30, "c", 3.0, 29), ("b", 4.5, 40, "b", 4.0, 39)]


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["kind,price,mass,kind_before,price_before,mass_before", *(",".join(map(str, row)) for row in ROWS)]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def entry_of(target: dict[str, Any], persistence: Any, columns: tuple[str, ...] = ("mass_before",)) -> Entry:
    return {"source": {"table": "t.csv"}, "target": target, "persistence": persistence,
            "modalities": {"facts": {"modality": "table", "columns": list(columns)}}}  # fmt: skip


PRICE = {"column": "price", "task": "regression"}
BOTH = {"columns": ["price", "mass"], "task": "regression"}
KIND = {"column": "kind", "task": "multiclass"}


def test_a_number_and_an_empty_cell() -> None:
    samples, _ = ingested(entry_of(PRICE, "price_before"))
    assert column_values(samples["persistence"])[:, 0].tolist() == pytest.approx([1.0, np.nan, 3.0, 4.0], nan_ok=True)


def test_each_of_several_targets_has_its_column_in_the_order_of_the_targets() -> None:
    samples, about = ingested(entry_of(BOTH, {"mass": "mass_before", "price": "price_before"}))
    assert about["target"]["outputs"] == ["price", "mass"]
    assert column_values(samples["persistence"]).tolist() == [pytest.approx(row, nan_ok=True) for row in (
        [1.0, 9], [np.nan, 19], [3.0, 29], [4.0, 39])]


def test_a_class_is_its_code_and_one_that_no_sample_has_is_none() -> None:
    samples, about = ingested(entry_of(KIND, "kind_before"))
    assert about["target"]["outputs"] == ["a", "b"]
    assert column_values(samples["persistence"]).tolist() == [0, 0, -1, 1]


def test_values_are_mapped_as_those_of_the_target() -> None:
    classes = {"a": "x", "b": "y", "c": "y"}
    samples, _ = ingested(entry_of(KIND | {"classes": classes}, "kind_before"))
    assert column_values(samples["persistence"]).tolist() == [0, 0, 1, 1]
    with pytest.raises(InputError, match=r"target\.classes: column 'kind_before': 1 value without a class: 'c' \(1 sample\)"):
        ingested(entry_of(KIND | {"classes": {"a": "x", "b": "y"}}, "kind_before"))


def test_without_the_key_there_is_no_column_and_with_it_the_column_may_be_a_feature() -> None:
    entry = entry_of(PRICE, "price_before", ("price_before", "mass_before"))
    assert ingested(entry)[0]["facts"].to_pylist()[0] == {"price_before": 1.0, "mass_before": 9}
    del entry["persistence"]
    assert "persistence" not in ingested(entry)[0].column_names


@pytest.mark.parametrize(("target", "persistence", "message"), [
    (PRICE, "price", r"persistence: column 'price' is a target, which would predict itself"),
    (BOTH, "price_before", r"persistence: there are 2 targets; name a column for each: `\{price: …, mass: …\}`"),
    (BOTH, {"price": "price_before"}, r"persistence: expected a column for each target \(price, mass\), found price"),
    (PRICE, {"cost": "price_before"}, r"persistence: expected a column for each target \(price\), found cost"),
    (PRICE, {}, r"persistence: expected a column for each target \(price\), found nothing"),
    ({"columns": ["kind"], "task": "multilabel"}, "kind_before", r"persistence: task multilabel predicts labels"),
    (PRICE, 3, r"persistence: expected text or a mapping, found 3"),
])
def test_what_does_not_fit_is_refused_with_its_key(target: dict[str, Any], persistence: Any, message: str) -> None:
    with pytest.raises(InputError, match=r"datasets\.mine\." + message):
        parsed(entry_of(target, persistence))


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    entry = parsed(entry_of(PRICE, "price_befor"))
    with pytest.raises(InputError, match=r"persistence: no column 'price_befor' \(did you mean 'price_before'\?\); there are: "):
        find_modalities("mine", entry, open_source("mine", entry))


def test_a_column_of_words_is_no_number() -> None:
    with pytest.raises(InputError, match="kind_before"):
        ingested(entry_of(PRICE, "kind_before"))
