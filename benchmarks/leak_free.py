"""Simulated data sets without a leak, as the detectors of leaks see them: for benchmarks.leaks and the tests."""

import io
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from stages.contracts.detector import ExaminedDataSet, Suspicion
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.featurize import featurize_column
from stages.foundation.registry import component
from stages.foundation.tables import target_array
from stages.ingest import target_metadata
from stages.samples.graph_column import GraphSample, graph_column
from stages.split import split_samples
from stages.splitting.split_settings import SplitEntry
from stages.validation.examined_data_set import examined_data_set
from stages.validation.leak_settings import detectors

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "nrstl"]
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "image": {"size": [12, 12], "colour": "grey"}, "audio": {"rate_hz": 8000}, "text": {}, "table": {}, "vector": {}, "set": {},
    "series": {"rate_hz": 50}, "graph": {"features": "statistics"},
}  # fmt: skip


@dataclass(frozen=True)
class ToyData:
    """columns: modality name (or table) → values. target: in its form. Everything else as in the samples table."""

    columns: Mapping[str, pa.Array]
    target: np.ndarray
    outputs: Sequence[str]
    task: str
    ids: Sequence[str]
    groups: Sequence[str]
    more: Mapping[str, pa.Array] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    own: bool = True

    def with_column(self, name: str, values: Sequence[Any]) -> "ToyData":
        """Return the data with another modality, or another column of its table (`table.<column>`)."""
        kind, _, part = name.partition(".")
        if not part:
            given = values if isinstance(values, pa.Array) else pa.array(values)
            return replace(self, columns={**self.columns, kind: given})
        table = self.columns[kind]
        fields = dict(zip(table.type.names, table.flatten(), strict=True)) | {part: pa.array(values)}
        return replace(self, columns={**self.columns, kind: pa.StructArray.from_arrays(list(fields.values()), names=list(fields))})

    def with_rows(self, rows: Sequence[int]) -> "ToyData":
        """Return the data whose columns are those of other rows: row i has the content of rows[i], its own id, group and target."""
        return replace(self, columns={name: column.take(pa.array(rows)) for name, column in self.columns.items()})


def clean(seed: int, *modalities: str, n: int = 240, task: str = "binary", group_size: int = 2) -> ToyData:
    """Return simulated data in which every modality tells something of the target, and nothing leaks."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)  # what the target and every modality are made from
    groups = rng.permutation(n) // group_size
    target, outputs = target_of(task, hidden + rng.normal(size=n) * 0.7, rng)
    columns = {name: MAKERS[name](rng, hidden + rng.normal(size=n)) for name in modalities}
    return ToyData(columns, target, outputs, task, [f"{i:05d}" for i in range(n)], [f"g{group}" for group in groups.tolist()])


def target_of(task: str, value: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Return a target made from a number per sample, and the names of its outputs."""
    if task == "regression":
        return np.stack([value, value + rng.normal(size=len(value))], axis=1), ["height", "weight"]
    if task == "multilabel":
        return np.stack([value > 0.3, rng.random(len(value)) < 0.4, value < 0], axis=1).astype(np.uint8), ["red", "green", "blue"]
    edges = [0.2] if task == "binary" else [-0.5, 0.5]
    return np.digitize(value, edges).astype(np.int32), ["cold", "hot"] if task == "binary" else ["cold", "mild", "hot"]


def table(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    """Return a mixed table: numbers, whole numbers of few values, categories, gaps at random."""
    n = len(hidden)
    age = np.round(40 + 8 * hidden + rng.normal(size=n) * 4)
    income = [None if gap else float(value) for gap, value in zip(rng.random(n) < 0.1, rng.gamma(2, 900, n), strict=True)]
    fields = {"age": age.astype(np.int64), "income": income, "visits": rng.poisson(2, n), "member": rng.random(n) < 0.5,
              "city": rng.choice(["Ulm", "Bonn", "Kiel", "Jena", "Graz"], n, p=[0.4, 0.3, 0.15, 0.1, 0.05])}  # fmt: skip
    return pa.StructArray.from_arrays([pa.array(values) for values in fields.values()], names=list(fields))


def small_table(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    """Return a table of so few values that many rows are equal by chance."""
    fields = {"high": hidden > 0.5, "visits": rng.poisson(1, len(hidden)), "side": rng.choice(["left", "right"], len(hidden))}
    return pa.StructArray.from_arrays([pa.array(values) for values in fields.values()], names=list(fields))


def vector(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    values = rng.normal(size=(len(hidden), 12)) @ rng.normal(size=(12, 30)) * 0.3 + hidden[:, None]
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), 30)


def text(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    weights = 1 / np.arange(1, len(WORDS) + 1) ** 0.9
    return pa.array([" ".join(rng.choice(WORDS, rng.integers(8, 25), p=weights / weights.sum())) + " fine" * (value > 1)
                     for value in hidden.tolist()])  # fmt: skip


def image(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    return pa.array([png(image_pixels(rng, value)) for value in hidden.tolist()], pa.binary())


def image_pixels(rng: np.random.Generator, value: float) -> np.ndarray:
    """Return uint8 (24, 24): smooth noise, lighter where the value is high."""
    coarse = rng.normal(size=(6, 6)) * 40 + 120 + 12 * value
    return np.clip(np.kron(coarse, np.ones((4, 4))) + rng.normal(size=(24, 24)) * 8, 0, 255).astype(np.uint8)


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def audio(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    return pa.array([wav(tone(rng, value)) for value in hidden.tolist()], pa.binary())


def tone(rng: np.random.Generator, value: float, rate_hz: int = 8000) -> np.ndarray:
    """Return int16 samples of about a third of a second: three partials in noise."""
    time = np.arange(int(rate_hz * rng.uniform(0.25, 0.4))) / rate_hz
    partials = sum(rng.uniform(0.1, 1) * np.sin(2 * np.pi * rng.uniform(150, 3000) * time) for _ in range(3))
    return (3000 * partials * (1 + 0.1 * value) + rng.normal(size=len(time)) * 300).astype(np.int16)


def wav(samples: np.ndarray, rate_hz: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(samples.tobytes())
    return buffer.getvalue()


def series(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    walks = [np.cumsum(rng.normal(size=(rng.integers(30, 60), 2)), axis=0) * 0.2 + value for value in hidden.tolist()]
    return pa.array([walk.tolist() for walk in walks], pa.list_(pa.list_(pa.float32(), 2)))


def points(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    clouds = [rng.normal(size=(rng.integers(8, 20), 3)) * np.exp(0.2 * value) for value in hidden.tolist()]
    return pa.array([cloud.tolist() for cloud in clouds], pa.list_(pa.list_(pa.float32(), 3)))


def graph(rng: np.random.Generator, hidden: np.ndarray) -> pa.Array:
    return graph_column([random_graph(rng, value) for value in hidden.tolist()])


def random_graph(rng: np.random.Generator, value: float) -> GraphSample:
    """Return a random graph of 9 to 24 nodes in three kinds."""
    n = int(rng.integers(9, 25))
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    edges = pairs[rng.random(len(pairs)) < 0.3 + 0.02 * np.tanh(value)]
    return GraphSample(n, edges if len(edges) else pairs[:1], False, node_labels=rng.choice(["C", "N", "O"], n).tolist())


MAKERS: dict[str, Callable[[np.random.Generator, np.ndarray], pa.Array]] = {
    "table": table, "vector": vector, "text": text, "image": image, "audio": audio, "series": series, "set": points, "graph": graph,
}  # fmt: skip


def examined(data: ToyData, *, n_splits: int = 3) -> ExaminedDataSet:
    """Return simulated data as the detectors see them, after the stages' own splitting and featurizing."""
    n = len(data.ids)
    described = Target.model_validate(target_metadata("kind", component("tasks", data.task), list(data.outputs)))
    samples = pa.table({"sample_id": data.ids, "group": data.groups, "target": target_array(data.target), **data.columns, **data.more})
    splits = split_samples(samples, SplitEntry(n_splits=n_splits, n_inner_splits=3), described.form, list(data.outputs), 5)
    rows = Rows(used=n, available=n)
    metadata = SamplesMetadata(
        dataset="toy", title="Toy", licence="CC0", citation="none", group="none", shipped=not data.own, sources=(), target=described,
        rows=rows, on_bad_sample="fail", max_bad_share=0.05)  # fmt: skip
    time_ordered = "time" in samples.column_names
    about = SplitsMetadata(
        dataset="toy", target=described, rows=rows, n_folds=splits.schema.field("inner").type.list_size, n_repeats=1,
        n_inner_folds=1 if time_ordered else 3, time_ordered=time_ordered)  # fmt: skip
    features = []
    for name in data.columns:
        modality = component("modalities", name)
        settings = modality.settings(**{**SETTINGS[name], **data.settings})
        found, of_features = featurize_column(samples, name, modality, settings, dataset="toy")
        features.append((of_features, lambda table=found: iter([table.slice(0, n // 3), table.slice(n // 3)])))
    return examined_data_set(samples, metadata, splits, about, features)


def found(data: ToyData) -> list[Suspicion]:
    """Return what all detectors find."""
    seen = examined(data)
    return [suspicion for detector in detectors() for suspicion in detector.detect(seen)]


def codes(data: ToyData) -> set[str]:
    """Return the codes of what all detectors find."""
    return {suspicion.code for suspicion in found(data)}
