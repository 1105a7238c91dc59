"""Vectors: values, unit length, standardized columns, sparse rows, and what cannot be read."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy_samples import features_metadata

from stages.contracts.modality import Features
from stages.features.encoders import raw_features
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.samples.read import SampleError
from stages.validation.expectations import run_suites
from stages.validation.suites import Suite

MODALITY = component("modalities", "vector")
SPARSE = pa.struct([("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))])


def dense(rows: list[Any], kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(rows, kind or pa.list_(pa.float64(), 3))


def features(column: pa.Array, **settings: Any) -> Features:
    found: Features = MODALITY.featurize(column, MODALITY.settings(**settings))
    return found


def test_values_stay_or_get_unit_length() -> None:
    column = dense([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [-2.0, 1.0, 2.0]])
    assert column_values(features(column).columns["vector"]).tolist() == [[3, 0, 4], [0, 0, 0], [-2, 1, 2]]
    unit = column_values(features(column, normalize="l2").columns["vector"])
    np.testing.assert_allclose(unit, [[0.6, 0, 0.8], [0, 0, 0], [-2 / 3, 1 / 3, 2 / 3]], rtol=1e-6)


@pytest.mark.parametrize("kind", [pa.float32(), pa.float16(), pa.int8(), pa.int64()])
def test_any_type_of_number_is_read(kind: pa.DataType) -> None:
    column = pa.FixedSizeListArray.from_arrays(pa.array([1, 2, 3, 4]).cast(kind), 2)
    assert column_values(features(column).columns["vector"]).tolist() == [[1, 2], [3, 4]]


def test_standardized_vectors_are_numeric_columns_of_float64() -> None:
    found = features(dense([[1e9 + row, row, 5.0] for row in range(4)]), standardize=True)
    assert (found.encoding, found.shape, found.names) == ("table", (3, 0), {"numeric": ["0", "1", "2"], "categorical": []})
    raw = raw_features(dict(found.columns), "table")
    matrix = raw.encode(raw.fit(np.arange(4), found.fit))
    expected = np.array([-1.5, -0.5, 0.5, 1.5]) / np.sqrt(1.25)
    np.testing.assert_allclose(matrix[:, :2], np.stack([expected, expected], axis=1), rtol=1e-6)


@pytest.mark.parametrize(("number", "named"), [(None, "nan"), (np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e39, "1e+39")])
def test_a_number_that_is_missing_or_infinite_is_named(number: float | None, named: str) -> None:
    with pytest.raises(SampleError) as caught:
        features(dense([[1.0, 2.0, 3.0], [1.0, number, 3.0]]))
    assert caught.value.reasons == {1: f"number 1 of 3 is {named}; expected finite numbers within ±3.4e+38"}


def test_sparse_vectors_are_indices_and_values_without_zeros() -> None:
    rows = [{"indices": [2, 7], "values": [1.5, 0.0]}, {"indices": [], "values": []}, {"indices": [0, 4], "values": [1, 2]}]
    found = features(pa.array(rows, SPARSE))
    assert found.columns["indices"].to_pylist() == [[2], [], [0, 4]] and found.columns["values"].to_pylist() == [[1.5], [], [1, 2]]
    raw = raw_features(dict(found.columns), "sparse")
    matrix = raw.encode(raw.fit(np.arange(3), found.fit)).toarray()  # type: ignore[union-attr]
    np.testing.assert_allclose(matrix, [[0, 1, 0], [0, 0, 0], [1 / 5**0.5, 0, 2 / 5**0.5]], rtol=1e-6)


@pytest.mark.parametrize(("sample", "reason"), [
    ({"indices": [1, 1], "values": [1, 1]}, "sorted and unique"),
    ({"indices": [-1], "values": [1]}, "whole numbers from 0"),
    ({"indices": [1], "values": [-2]}, "the value -2 of a sparse vector; expected none below 0"),
    ({"indices": [1], "values": [np.inf]}, "number 0 of 1 is inf"),
    ({"indices": [1, 2], "values": [1]}, "2 indices and 1 values"),
    ({"indices": None, "values": [1]}, "0 indices and 1 values"),
])  # fmt: skip
def test_a_sparse_vector_that_cannot_be_read_is_named(sample: dict[str, Any], reason: str) -> None:
    with pytest.raises(SampleError, match=f"row 1: .*{reason}"):
        features(pa.array([{"indices": [1], "values": [1.0]}, sample], SPARSE))


@pytest.mark.parametrize("column", [pa.array([["a", "b"]], pa.list_(pa.string(), 2)), pa.array([[]], pa.list_(pa.float64(), 0)),
                                    pa.array([{"indices": [1]}])])  # fmt: skip
def test_a_column_of_something_else_is_refused(column: pa.Array) -> None:
    with pytest.raises(InputError, match="a column of Arrow type"):
        features(column)


@pytest.mark.parametrize("column", [
    dense([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
    pa.array([{"indices": [1], "values": [1.0]}, {"indices": [], "values": []}], SPARSE),
])  # fmt: skip
def test_the_share_of_vectors_of_zeros_is_for_the_person_to_say(column: pa.Array) -> None:
    suites = []
    for share in (0.05, 0.5):
        found = features(column, max_zero_share=share)
        settings = MODALITY.settings(max_zero_share=share).model_dump(mode="json")
        about = features_metadata("vector", shape=found.shape, names=found.names, settings=settings).model_copy(
            update={"encoding": found.encoding})  # fmt: skip
        summary = MODALITY.summarise(pa.table(dict(found.columns)), about)
        assert summary["norm"].tolist() == [1.0, 0.0]
        suites.append(Suite(f"vector {share}", {"sample_id": np.array(["0", "1"], dtype=object), **summary}, MODALITY.expectations(about)))
    assert [result.success for result in run_suites(suites)] == [False, True]
