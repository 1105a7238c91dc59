"""The leakage gate: every kind of planted leak is found by its code, with a remedy, and simulated data without a leak pass."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.leak_free import WORDS, ToyData, clean, codes, examined, found, image_pixels, png, random_graph, small_table, tone, wav
from stages.contracts.detector import Detector
from stages.foundation.registry import component, names
from stages.samples.graph_column import GraphSample, graph_column
from stages.validation.leak_settings import leak_codes

ROOT = Path(__file__).parents[1]
N = 240
COPIED, COPIES = np.arange(0, 12), np.arange(100, 112)  # rows whose content the others get
ROWS = np.arange(N)
ROWS[COPIES] = COPIED


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


# ---------------------------------------------------------------- planted leaks
def copied(*modalities: str) -> ToyData:
    return clean(1, *modalities).with_rows(ROWS.tolist())


def copied_one() -> ToyData:
    data = clean(2, "text", "vector")
    return replace(data, columns={**data.columns, "vector": data.columns["vector"].take(pa.array(ROWS))})


def conflicting() -> ToyData:
    data = copied("vector")
    target = data.target.copy()
    target[COPIES] = 1 - target[COPIED]
    return replace(data, target=target, groups=[f"g{group}" for group in ROWS.tolist()])  # in one fold, so that only the targets are wrong


def nearly(name: str, change: Callable[[np.random.Generator, Any], Any], seed: int = 3) -> ToyData:
    """Return data in which rows have a changed copy of another row's content."""
    data, random = clean(seed, name), rng()
    values = data.columns[name].to_pylist()
    for row, origin in zip(COPIES, COPIED, strict=True):
        values[row] = change(random, values[origin])
    return data.with_column(name, pa.array(values, data.columns[name].type))


def noisy_image(random: np.random.Generator, encoded: bytes) -> bytes:
    import io

    from PIL import Image

    pixels = np.array(Image.open(io.BytesIO(encoded)), dtype=np.float64)
    return png(np.clip(pixels + random.normal(size=pixels.shape) * 4 + 2, 0, 255).astype(np.uint8), "JPEG")


def noisy_sound(random: np.random.Generator, encoded: bytes) -> bytes:
    samples = np.frombuffer(encoded[44:], np.int16)
    return wav((samples * 0.98 + random.normal(size=len(samples)) * 20).astype(np.int16))


def edited(random: np.random.Generator, text: str) -> str:
    words = text.upper().split()
    words[random.integers(len(words))] = random.choice(WORDS)
    return " ".join(words)


def noisy(random: np.random.Generator, values: list) -> list:
    return (np.array(values) + random.normal(size=np.shape(values)) * 1e-3).tolist()


def renumbered() -> ToyData:
    data, random = clean(3, "graph"), rng()
    graphs = [random_graph(random, 0.0) for _ in range(N)]
    for row, origin in zip(COPIES, COPIED, strict=True):
        old = graphs[origin]
        order = random.permutation(old.n_nodes)
        graphs[row] = GraphSample(old.n_nodes, order[old.edges], False, node_labels=np.array(old.node_labels)[np.argsort(order)].tolist())
    return data.with_column("graph", graph_column(graphs))


def shuffled_points(random: np.random.Generator, cloud: list) -> list:
    return [cloud[place] for place in random.permutation(len(cloud))]


def rounded_rows() -> ToyData:
    data, random = clean(3, "table"), rng()
    wide = random.normal(size=(N, 8))
    wide[COPIES] = np.round(wide[COPIED], 2)
    data = data.with_rows(ROWS.tolist())
    for place in range(8):
        data = data.with_column(f"table.x{place}", wide[:, place].tolist())
    return data


def shared_file() -> ToyData:
    data = clean(4, "image", "text")
    names_of = [f"photos/{i // 8:02d}.png" if i < 24 else f"photos/{i}.png" for i in range(N)]
    places = pa.StructArray.from_arrays([pa.array(names_of), pa.array([f"t.csv, row {i}" for i in range(N)])], names=["image", "text"])
    return replace(data, more={"source": places})


def subjects(n_subjects: int = 20) -> tuple[ToyData, np.ndarray]:
    """Return data whose vectors differ between subjects more than between classes; the groups ignore the subjects."""
    data, random = clean(5, "vector", group_size=1), rng()
    subject = random.permutation(N) % n_subjects
    values = random.normal(size=(n_subjects, 30))[subject] * 2 + random.normal(size=(N, 30)) * 0.5 + data.target[:, None] * 0.3
    return data.with_column("vector", pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), 30)), subject


def split_prefix() -> ToyData:
    data, subject = subjects()
    return replace(data, ids=[f"s{number:02d}_take{i:03d}" for i, number in enumerate(subject.tolist())])


def split_folder() -> ToyData:
    data, subject = subjects()
    files = [f"takes/s{number:02d}/{i:03d}.npy" for i, number in enumerate(subject.tolist())]
    return replace(data, more={"source": pa.StructArray.from_arrays([pa.array(files)], names=["vector"])})


def split_column() -> ToyData:
    data, subject = subjects()
    table = clean(6, "table").columns["table"]
    return data.with_column("table", table).with_column("table.patient", [f"P{number}" for number in subject.tolist()])


def facts(task: str = "binary", seed: int = 7) -> ToyData:
    return clean(seed, "table", task=task)


def with_table(name: str, made: Callable[[ToyData], Any], task: str = "binary") -> ToyData:
    data = facts(task)
    return data.with_column(f"table.{name}", np.asarray(made(data)).tolist())


def delay() -> ToyData:
    data, random = facts(), rng()
    minutes = random.gamma(2.0, 9.0, N)
    return replace(data.with_column("table.delay", minutes.tolist()), target=(minutes > 15).astype(np.int32))


def missing_by_class() -> ToyData:
    data, random = facts(), rng()
    values = [None if label and random.random() < 0.8 else float(random.normal()) for label in data.target.tolist()]
    return data.with_column("table.lab", values)


def sorted_by_class() -> ToyData:
    data = clean(8, "vector", group_size=1)
    order = np.argsort(data.target, kind="stable")
    return replace(data, target=data.target[order], columns={name: column.take(pa.array(order)) for name, column in data.columns.items()})


def named_by_class() -> ToyData:
    data = sorted_by_class()
    return replace(data, ids=[f"{data.outputs[code]}_{i:04d}" for i, code in enumerate(data.target.tolist())])


def images(made: Callable[[np.random.Generator, int], bytes], seed: int = 9) -> ToyData:
    data, random = clean(seed, "image"), rng()
    return data.with_column("image", pa.array([made(random, code) for code in data.target.tolist()], pa.binary()))


def other_size(random: np.random.Generator, code: int) -> bytes:
    pixels = image_pixels(random, 0.0)
    return png(np.kron(pixels, np.ones((1 + code, 1 + code))).astype(np.uint8))


def heavier(random: np.random.Generator, code: int) -> bytes:
    return png(image_pixels(random, 0.0)) + bytes(random.integers(0, 40) + 400 * code)  # such as the metadata of another camera


def sounds(made: Callable[[np.random.Generator, int], bytes]) -> ToyData:
    data, random = clean(10, "audio"), rng()
    return data.with_column("audio", pa.array([made(random, code) for code in data.target.tolist()], pa.binary()))


def longer(random: np.random.Generator, code: int) -> bytes:
    return wav(np.tile(tone(random, 0.0), 1 + code))


def longer_series() -> ToyData:
    data, random = clean(10, "series"), rng()
    walks = [np.cumsum(random.normal(size=(30 + 30 * code + random.integers(20), 2)), axis=0).tolist() for code in data.target.tolist()]
    return data.with_column("series", pa.array(walks, data.columns["series"].type))


def by_time() -> ToyData:
    data = clean(12, "vector", group_size=1)
    times = np.argsort(np.argsort(data.target + rng().normal(size=N) * 0.7, kind="stable"), kind="stable")
    return replace(data, more={"time": pa.array(times.astype(np.int64))})


def official(seed: int = 13) -> ToyData:
    data = clean(seed, "vector", "table", group_size=1, n=N)
    return replace(data, more={"split": pa.array(["test" if i % 4 == 0 else "train" for i in range(N)])})


def shifted() -> ToyData:
    data = official()
    values = np.array(data.columns["vector"].to_pylist()) + np.where(np.arange(N) % 4 == 0, 2.0, 0.0)[:, None]
    return data.with_column("vector", pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), 30))


def missing_in_test() -> ToyData:
    random = rng()
    return official().with_column("table.lab", [None if i % 4 == 0 and i % 8 else float(random.normal()) for i in range(N)])


def labels_in_text() -> ToyData:
    data = clean(14, "text")
    named = zip(data.columns["text"].to_pylist(), data.target.tolist(), strict=True)
    return data.with_column("text", [f"{text} It is {data.outputs[code].upper()}!" for text, code in named])


def numbered(data: ToyData) -> ToyData:
    return data.with_column("table.record", (7 + rng().permutation(N)).tolist())


def numbered_groups() -> ToyData:
    data = facts()
    return data.with_column("table.patient", [int(group[1:]) for group in data.groups])


# planted leak → (data, code, subject, part of the remedy)
PLANTED: dict[str, tuple[Callable[[], ToyData], str, str, str]] = {
    "samples under another id": (lambda: copied("text", "vector"), "duplicate-across-folds", "samples", "datasets.toy.group: "),
    **{f"samples of {name} alone": (lambda name=name: copied(name), "duplicate-across-folds", "samples", "datasets.toy.group: ")
       for name in ("image", "audio", "series", "set", "graph", "vector", "text")},
    "equal rows": (lambda: rounded_rows(), "near-duplicate-across-folds", "table", "datasets.toy.group: "),
    "one modality under another sample": (copied_one, "duplicate-modality-across-folds", "vector", "samples that share vector"),
    "equal samples, other targets": (conflicting, "conflicting-targets", "samples", "correct them"),
    "images, again encoded": (lambda: nearly("image", noisy_image), "near-duplicate-across-folds", "image", "datasets.toy.group: "),
    "sounds with noise": (lambda: nearly("audio", noisy_sound), "near-duplicate-across-folds", "audio", "datasets.toy.group: "),
    "edited texts": (lambda: nearly("text", edited), "near-duplicate-across-folds", "text", "datasets.toy.group: "),
    "series with noise": (lambda: nearly("series", noisy), "near-duplicate-across-folds", "series", "datasets.toy.group: "),
    "vectors with noise": (lambda: nearly("vector", noisy), "near-duplicate-across-folds", "vector", "datasets.toy.group: "),
    "points in another order": (lambda: nearly("set", shuffled_points), "near-duplicate-across-folds", "set", "datasets.toy.group: "),
    "graphs, renumbered": (renumbered, "near-duplicate-across-folds", "graph", "datasets.toy.group: "),
    "one file of several samples": (shared_file, "shared-file", "image", "samples of one file of image"),
    "subjects in ids": (split_prefix, "split-id-prefix", "samples", "datasets.toy.group: "),
    "subjects in folders": (split_folder, "split-folder", "vector", "datasets.toy.group: "),
    "subjects in a column": (split_column, "split-group-column", "table.patient", "datasets.toy.group: patient"),
    "the target, other names": (lambda: with_table("verdict", lambda data: np.array(["-", "+"])[data.target]),
                                "target-among-features", "table.verdict", "datasets.toy.modalities.table.without: [verdict]"),
    "the target as a number": (lambda: with_table("code", lambda data: 9 - data.target), "target-among-features", "table.code",
                               "without: [code]"),
    "one of the labels": (lambda: with_table("green", lambda data: data.target[:, 1], "multilabel"), "target-among-features",
                          "table.green", "without: [green]"),
    "other units": (lambda: with_table("feet", lambda data: 3 * data.target[:, 0] + 7, "regression"), "monotone-copy", "table.feet",
                    "without: [feet]"),
    "a function": (lambda: with_table("odds", lambda data: np.exp(-data.target[:, 1]), "regression"), "monotone-copy", "table.odds",
                   "without: [odds]"),
    "a threshold": (delay, "telling-column", "table.delay", "without: [delay]"),
    "a record number": (lambda: numbered(facts()), "identifier-column", "table.record", "without: [record]"),
    "a number of groups": (numbered_groups, "identifier-column", "table.patient", "without: [patient]"),
    "sorted by class": (sorted_by_class, "order-tells-target", "samples", "datasets.toy.time: "),
    "named by class": (named_by_class, "name-tells-target", "samples", "datasets.toy.group: "),
    "in the order of time": (by_time, "time-tells-target", "samples", "folds follow the time already"),
    "images of other sizes": (lambda: images(other_size), "format-tells-target", "image", "resize or encode the samples"),
    "heavier files": (lambda: images(heavier), "file-size-tells-target", "image", "encode the samples"),
    "another microphone": (lambda: sounds(lambda random, code: wav(tone(random, 0.0), 8000 + 3025 * code)), "sampling-rate-tells-target",
                           "audio", "encode the samples"),
    "longer sounds": (lambda: sounds(longer), "duration-tells-target", "audio", "record, resize"),
    "longer series": (longer_series, "duration-tells-target", "series", "record, resize"),
    "missing by class": (missing_by_class, "missingness-tells-target", "table.lab", "if table.lab is missing because of the target"),
    "another test part": (shifted, "train-test-shift", "vector", "use folds instead of the official split"),
    "missing in the test part": (missing_in_test, "missingness-shift", "table.lab", "find out why 'lab' is missing"),
    "names in texts": (labels_in_text, "label-in-text", "text", "remove these words from text"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found(name: str) -> None:
    make, code, subject, remedy = PLANTED[name]
    matching = [suspicion for suspicion in found(make()) if (suspicion.code, suspicion.subject) == (code, subject)]
    assert len(matching) == 1, [(suspicion.code, suspicion.subject) for suspicion in found(make())]
    assert remedy in matching[0].remedy
    assert len(matching[0].rows) and len(set(matching[0].rows.tolist())) == len(matching[0].rows)
    assert all(np.isfinite(value) for value in matching[0].evidence.values())


def test_every_code_has_a_planted_leak() -> None:
    assert {code for _, code, _, _ in PLANTED.values()} == set(leak_codes())


COPIES_FOUND = {name: entry for name, entry in PLANTED.items() if entry[1] in ("duplicate-across-folds", "near-duplicate-across-folds")}


@pytest.mark.parametrize("name", COPIES_FOUND)
def test_the_samples_that_are_copies_are_named(name: str) -> None:
    make, code, subject, _ = COPIES_FOUND[name]
    data = make()
    (suspicion,) = [one for one in found(data) if (one.code, one.subject) == (code, subject)]
    fold = examined(data).folds[0]
    split = [(a, b) for a, b in zip(COPIED.tolist(), COPIES.tolist(), strict=True) if fold[a] != fold[b]]
    assert set(suspicion.rows.tolist()) <= {*COPIED.tolist(), *COPIES.tolist()}, "only these are"
    assert len(set(suspicion.rows.tolist()) & {row for pair in split for row in pair}) >= 1.2 * len(split), "most pairs, both of each"


# ---------------------------------------------------------------- no leak
CLEAN: Mapping[str, tuple[str, ...]] = {
    "table and text": ("table", "text"), "image and vector": ("image", "vector"), "sound": ("audio",), "series and set": ("series", "set"),
    "graph": ("graph",),
}  # fmt: skip


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("name", CLEAN)
def test_data_without_a_leak_have_no_finding(name: str, task: str) -> None:
    assert found(clean(20, *CLEAN[name], task=task)) == []


def test_copies_in_one_group_are_none() -> None:
    data = copied("vector")
    assert found(replace(data, groups=[f"g{group}" for group in ROWS.tolist()], target=data.target[ROWS])) == []


def test_rows_that_are_equal_by_chance_are_none() -> None:
    data = clean(21, "table")
    data = data.with_column("table", small_table(rng(), rng().normal(size=N)))
    assert len(set(map(str, data.columns["table"].to_pylist()))) < N / 4, "most rows equal others"
    assert codes(data) == set()


def test_plain_contents_are_no_copies() -> None:
    """One color, silence and two words are equal by chance."""
    data = clean(22, "image", "text")
    pictures, texts = data.columns["image"].to_pylist(), data.columns["text"].to_pylist()
    for row in (*COPIED.tolist(), *COPIES.tolist()):
        pictures[row], texts[row] = png(np.full((24, 24), 255, np.uint8)), "very good"
    data = data.with_column("image", pa.array(pictures, pa.binary())).with_column("text", texts)
    assert codes(data) == set()


def test_a_declared_group_is_no_candidate() -> None:
    data, subject = subjects()
    data = replace(data, ids=[f"s{number:02d}_take{i:03d}" for i, number in enumerate(subject.tolist())], groups=[f"{s}" for s in subject])
    assert codes(data) == set()


def test_no_target_of_a_test_row_is_read() -> None:
    """Other targets of the test rows of the first fold change no finding."""
    for make in (sorted_by_class, split_column, missing_by_class, labels_in_text, delay, conflicting):
        data = make()
        before = examined(data)
        values = before.values.copy()
        test = before.inner < 0
        values[test] = rng().permutation(values[test])
        after = replace(before, values=values)
        for name in names("leaks"):
            detector: Detector = component("leaks", name)
            texts = [[one.text for one in detector.detect(seen)] for seen in (before, after)]
            assert texts[0] == texts[1], f"{make.__name__}, {name}"


# ---------------------------------------------------------------- what a detector is
@pytest.mark.parametrize("name", names("leaks"))
def test_a_detector_has_stable_codes(name: str) -> None:
    detector: Detector = component("leaks", name)
    assert detector.name == name
    assert detector.codes
    for code in detector.codes:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", code.name)
        assert code.meaning[0].islower() and not code.meaning.endswith(".")


def test_no_two_detectors_share_a_code() -> None:
    every = [code.name for name in names("leaks") for code in component("leaks", name).codes]
    assert len(set(every)) == len(every) >= 15


def test_every_code_has_a_section_in_the_documentation() -> None:
    page = (ROOT / "docs/leaks.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == sorted(leak_codes())


def test_the_same_data_give_the_same_findings() -> None:
    for make in (split_column, rounded_rows, shifted):
        first, second = found(make()), found(make())
        assert [(one.code, one.text, one.rows.tolist(), dict(one.evidence)) for one in first] == [
            (one.code, one.text, one.rows.tolist(), dict(one.evidence)) for one in second]  # fmt: skip
