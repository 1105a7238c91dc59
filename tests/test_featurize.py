"""The featurize stage: what it writes, that pieces do not matter, and how it names what it cannot read."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from toy_columns import MAKERS
from toy_samples import write_samples

from stages import featurize
from stages.contracts.modality import Features
from stages.contracts.paths import features_path, quarantine_path, samples_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.featurize import featurize_column
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import read_described, read_table

ROOT = Path(__file__).parents[1]
POLICY = {"dataset": "toy", "on_bad_sample": "fail", "max_bad_share": 0.2}
FEATURES = {f"toy-{name}": {"dataset": "toy", "modality": name} for name in MAKERS}


def samples_of(name: str, times: int = 1) -> pa.Table:
    column = pa.concat_arrays([MAKERS[name]().column] * times)
    return pa.table({"sample_id": [f"id-{i:03d}" for i in range(len(column))], name: column})


@pytest.fixture
def toy_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the stage's declared inputs and nothing else: its own keys of params.yaml, and the samples."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump({"features": FEATURES}), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", MAKERS)
def test_writes_ids_features_and_what_train_must_know(name: str, toy_workspace: Path) -> None:
    write_samples(samples_path("toy"), samples_of(name), POLICY)
    featurize.main(f"toy-{name}")
    path = features_path("toy", name)
    table, metadata = read_described(path, FeaturesMetadata)
    assert table["sample_id"].to_pylist() == samples_of(name)["sample_id"].to_pylist()
    assert (metadata.dataset, metadata.modality_name, metadata.modality) == ("toy", name, name)
    assert pa.ipc.open_file(path).num_record_batches == 1
    before = path.read_bytes()
    path.unlink()
    featurize.main(f"toy-{name}")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("piece", [1, 4, 1000])
def test_pieces_do_not_matter(name: str, piece: int) -> None:
    modality = component("modalities", name)
    whole, metadata = featurize_column(samples_of(name, 2), name, modality, modality.settings(), dataset="toy")
    parts, part_metadata = featurize_column(samples_of(name, 2), name, modality, modality.settings(), dataset="toy", chunk_rows=piece)
    assert repr(parts.to_pylist()) == repr(whole.to_pylist())
    assert part_metadata == metadata


@pytest.mark.parametrize("name", MAKERS)
def test_the_number_of_cores_does_not_matter(name: str, toy_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featurize, "MIN_PART_ROWS", 1)
    write_samples(samples_path("toy"), samples_of(name, 5), POLICY)
    written = set()
    for n_cores in ("1", "2", "3"):
        monkeypatch.setenv("SENSORIUM_CORES", n_cores)
        featurize.main(f"toy-{name}")
        written.add(features_path("toy", name).read_bytes())
    assert len(written) == 1


def test_a_piece_is_shared_out_among_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORIUM_CORES", "2")
    modality, n_rows, meeting = component("modalities", "image"), [], threading.Barrier(2, timeout=30)

    def noted(column: pa.ChunkedArray, settings: Any) -> Features:
        n_rows.append(len(column))
        if len(n_rows) <= 2:
            meeting.wait()  # for another that is being featurized
        return modality.featurize(column, settings)

    samples = samples_of("image", 10).slice(0, 16)
    list(featurize.featurized_chunks(samples, "image", replace(modality, featurize=noted), modality.settings(), {}))
    assert n_rows == [8, 8]


def test_settings_reach_the_featurizer(toy_workspace: Path) -> None:
    write_samples(samples_path("toy"), samples_of("image"), POLICY)
    entry = FEATURES["toy-image"] | {"size": [3, 5], "colour": "grey"}
    Path("params.yaml").write_text(yaml.safe_dump({"features": {"toy-image": entry}}), encoding="utf-8")
    featurize.main("toy-image")
    assert read_described(features_path("toy", "image"), FeaturesMetadata)[1].shape == (3, 5, 1)


def test_names_samples_rows_and_reasons_across_pieces() -> None:
    good = MAKERS["image"]().column[0].as_py()
    files = [good] * 9
    files[2], files[7] = b"nonsense", b""
    samples = pa.table({"sample_id": [f"id-{i}" for i in range(9)], "image": pa.array(files, type=pa.binary())})
    modality = component("modalities", "image")
    with pytest.raises(InputError) as caught:
        featurize_column(samples, "image", modality, modality.settings(), dataset="toy", chunk_rows=4)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith("toy: 2 of 9 samples cannot be read; fix them, or skip them with `on_bad_sample: quarantine`")
    assert second.startswith("  sample 'id-2': not a readable image of 8 bytes")
    assert third.startswith("  sample 'id-7': not a readable image of 0 bytes")


def test_names_twenty_samples_at_most() -> None:
    samples = pa.table({"sample_id": [f"id-{i}" for i in range(50)], "audio": pa.array([b"nonsense"] * 50)})
    modality = component("modalities", "audio")
    with pytest.raises(InputError, match="50 of 50 samples cannot be read") as caught:
        featurize_column(samples, "audio", modality, modality.settings(), dataset="toy", chunk_rows=15)
    assert len(str(caught.value).splitlines()) == 22 and str(caught.value).endswith("… and 30 more")


def test_a_failure_leaves_no_file_and_exits_1_with_one_clear_error(toy_workspace: Path) -> None:
    write_samples(samples_path("toy"), pa.table({"sample_id": ["a"], "image": pa.array([b"nonsense"])}), POLICY)
    (toy_workspace / "stages").symlink_to(ROOT / "stages")
    command = [sys.executable, "-m", "stages.featurize", "toy-image"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: featurize toy-image: toy: image: 1 of 1 samples cannot be read")
    assert "Traceback" not in done.stderr
    assert not features_path("toy", "image").exists()


def test_samples_are_named_in_their_order_whichever_core_read_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featurize, "MIN_PART_ROWS", 1)
    monkeypatch.setenv("SENSORIUM_CORES", "3")
    files = [MAKERS["image"]().column[0].as_py() if row % 3 else b"nonsense" for row in range(40)]
    samples = pa.table({"sample_id": [f"id-{row}" for row in range(40)], "image": pa.array(files)})
    modality, reasons = component("modalities", "image"), {}
    tables = [table for table, _ in featurize.featurized_chunks(samples, "image", modality, modality.settings(), reasons)]
    assert list(reasons) == [f"id-{row}" for row in range(0, 40, 3)]
    assert pa.concat_tables(tables)["sample_id"].to_pylist() == [f"id-{row}" for row in range(40) if row % 3]


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ({"picture": [b"x"]}, "image: no such column; there are: sample_id, picture"),
        ({"image": ["text"]}, "column of Arrow type string; modality 'image' reads binary"),
    ],
)
def test_wrong_samples_are_refused(column: dict[str, list[str | bytes]], match: str, toy_workspace: Path) -> None:
    write_samples(samples_path("toy"), pa.table({"sample_id": ["a"], **column}), POLICY)
    with pytest.raises(InputError, match=match):
        featurize.main("toy-image")


def test_missing_samples_and_unknown_key_say_what_to_do(toy_workspace: Path) -> None:
    with pytest.raises(InputError, match=r"samples\.arrow: not found; run the stage that writes it"):
        featurize.main("toy-image")
    with pytest.raises(InputError, match=r"params\.yaml: features: 'toy-imag' is missing \(did you mean 'toy-image'\?\)"):
        featurize.main("toy-imag")


def test_quarantine_leaves_unreadable_samples_out_and_says_which(toy_workspace: Path) -> None:
    good = MAKERS["image"]().column[0].as_py()
    files = [good] * 9 + [b"nonsense"]
    samples = pa.table({"sample_id": [f"id-{i}" for i in range(10)], "image": pa.array(files, type=pa.binary())})
    write_samples(samples_path("toy"), samples, POLICY | {"on_bad_sample": "quarantine"})
    featurize.main("toy-image")
    assert read_table(features_path("toy", "image"))["sample_id"].to_pylist() == [f"id-{i}" for i in range(9)]
    (row,) = read_table(quarantine_path("toy", "image")).to_pylist()
    assert row["sample_id"] == "id-9" and row["reason"].startswith("not a readable image of 8 bytes")


def test_more_unreadable_samples_than_declared_fail_and_leave_no_file(toy_workspace: Path) -> None:
    samples = pa.table({"sample_id": ["a", "b"], "image": pa.array([MAKERS["image"]().column[0].as_py(), b"nonsense"])})
    write_samples(samples_path("toy"), samples, POLICY | {"on_bad_sample": "quarantine"})
    with pytest.raises(InputError, match=r"1 of 2 samples cannot be read, which is 50\.0%, above max_bad_share 20\.0%"):
        featurize.main("toy-image")
    assert not features_path("toy", "image").exists() and not quarantine_path("toy", "image").exists()


def test_large_features_are_made_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featurize, "CHUNK_BYTES", 100_000)
    modality = component("modalities", "image")
    samples = samples_of("image", 10)
    pieces = list(featurize.featurized_chunks(samples, "image", modality, modality.settings(size=[64, 64]), {}))
    assert [len(table) for table, _ in pieces][:3] == [16, 2, 2]
    whole, _ = featurize_column(samples, "image", modality, modality.settings(size=[64, 64]), dataset="toy")
    assert pa.concat_tables([table for table, _ in pieces]).equals(whole)
