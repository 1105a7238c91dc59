"""Samples of every modality go through a frame, as a logged model takes them, and come back as they were."""

import datetime
import importlib
import math
from typing import Any

import pyarrow as pa
import pytest
import toy_columns

from stages.foundation.registry import names

# MLflow's own type hints: nothing of ours
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")


def column_of(modality: str) -> pa.Array:
    """Return the toy column of a modality."""
    builtin = getattr(toy_columns, f"{modality}_toy", None)
    column = (builtin or importlib.import_module(f"toy_columns.{modality}").toy)().column
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


TIMES = pa.array([
    {"day": datetime.date(2020, 1, 2), "at": datetime.datetime(2020, 1, 2, 3, 4, 5), "time": datetime.time(3, 4),
     "span": datetime.timedelta(seconds=3), "member": True, "n": 3, "who": "a"},
    dict.fromkeys(("day", "at", "time", "span", "member", "n", "who")),
])
COLUMNS = {
    "times": TIMES,
    "codes": pa.StructArray.from_arrays([pa.array(["a", "b", None]).dictionary_encode()], ["code"]),
    "utterances": pa.array([{"text": "hi", "speaker": "A"}, {"text": "yo", "speaker": None}]),
    "words": pa.array([["the", "cat"], [], ["sat"]]),
    "several files": pa.array([[b"a"], [b"b", b"c"]]),
}


def plain(value: Any) -> Any:
    """Return a value with None for NaN, which a frame cannot tell apart."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("name", [*names("modalities"), *COLUMNS])
def test_samples_come_back_from_a_frame_that_fits_the_signature(name: str) -> None:
    from mlflow.models.utils import _enforce_schema

    from pipelines.publishing.logged_models import flat_frame, signature
    from pipelines.publishing.model_script import modality_column

    column = COLUMNS[name] if name in COLUMNS else column_of(name)
    samples = pa.table({"x": column})
    frame = flat_frame(samples)
    back = modality_column(_enforce_schema(frame, signature(samples.schema, "continuous", ["y"]).inputs), samples.schema.field("x"))
    assert back.type == column.type
    assert plain(back.to_pylist()) == plain(column.to_pylist())
