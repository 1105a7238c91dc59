"""Samples in which nothing varies: few are no harm, many are a broken sensor, unless the person says that they are sound."""

from typing import Any

import numpy as np
import pyarrow as pa
from toy_columns import png, tone, wav
from toy_samples import features_metadata

from stages.foundation.registry import component
from stages.validation.expectations import run_suites
from stages.validation.suites import Suite

POINTS = pa.list_(pa.list_(pa.float32(), 1))
PRESSURE = pa.list_(pa.list_(pa.list_(pa.float32(), 2), 1))
# By modality, a sample that varies and one that does not.
PAIRS: dict[str, pa.Array] = {
    "image": pa.array([png(np.arange(64, dtype=np.uint8).reshape(8, 8)), png(np.zeros((8, 8), np.uint8))]),
    "audio": pa.array([wav(tone(440.0) * np.linspace(0, 1, 3_200), 16_000), wav(np.zeros(8_000), 16_000)]),
    "series": pa.array([[[1.0], [2.0]], [[1.0], [1.0]]], POINTS),
    "set": pa.array([[[1.0], [2.0]], [[1.0]]], POINTS),
    "tactile": pa.array([[[[0.0, 1.0]]], [[[0.0, 0.0]]]], PRESSURE),
}


def test_the_share_of_constant_samples_is_for_the_person_to_say() -> None:
    choices: list[tuple[str, dict[str, Any]]] = [(name, choice) for name in PAIRS for choice in ({}, {"max_constant_share": 0.5})]
    found = run_suites([suite(name, choice) for name, choice in choices])
    assert [result.success for result in found] == [bool(choice) for _, choice in choices]


def suite(name: str, choice: dict[str, Any]) -> Suite:
    modality = component("modalities", name)
    settings = modality.settings(**choice)
    features = modality.featurize(PAIRS[name], settings)
    metadata = features_metadata(modality.name, shape=features.shape, names=features.names, settings=settings.model_dump(mode="json"))
    summary = modality.summarise(pa.table(dict(features.columns)), metadata)
    varied = [(kind, arguments) for kind, arguments in modality.expectations(metadata) if "strict_min" in arguments]
    return Suite(f"{name} {choice}", {"sample_id": np.array(["0", "1"], dtype=object), **summary}, varied)
