"""Fetching: verified, cached, offline afterwards, safe side by side; one clear error for each way it fails, nothing left behind.

pip runs for real, against a folder of toy wheels instead of an index.
"""

import hashlib
import io
import multiprocessing
import tarfile
import zipfile
from pathlib import Path

import pytest
from toy import write_wheel

from stages.contracts import Source
from stages.errors import InputError
from stages.fetch import cache_dir, fetch

FILENAME = "sensorium_toy-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that pip takes for the package index; the cache is empty."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("SENSORIUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def source(index: Path) -> Source:
    """Return a source that the index has."""
    info = "sensorium_toy-1.0.dist-info"
    members = {
        "toy/data.txt": b"data" * 1000,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: sensorium-toy\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    path = write_wheel(index / FILENAME, members)
    return Source("sensorium-toy", "1.0", FILENAME, hashlib.sha256(path.read_bytes()).hexdigest())


def files_left() -> list[str]:
    """Return what is in the cache, but for the empty lock files."""
    folder = cache_dir()
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock" or path.stat().st_size) if folder.is_dir() else []


def test_a_file_is_fetched_once_and_served_offline_afterwards(source: Source, index: Path) -> None:
    path = fetch(source)
    assert path == cache_dir() / FILENAME
    assert hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256
    assert zipfile.ZipFile(path).read("toy/data.txt").startswith(b"data")
    (index / FILENAME).unlink()
    assert fetch(source) == path
    assert files_left() == [FILENAME]


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SENSORIUM_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
    monkeypatch.delenv("SENSORIUM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "sensorium"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "sensorium"


@pytest.mark.parametrize("harm", ["truncated", "altered", "empty"])
def test_a_damaged_cached_file_is_replaced(source: Source, harm: str) -> None:
    path = fetch(source)
    good = path.read_bytes()
    path.write_bytes({"truncated": good[:100], "altered": good[:-1] + b"?", "empty": b""}[harm])
    assert fetch(source).read_bytes() == good
    assert files_left() == [FILENAME]


def test_a_damaged_cached_file_that_cannot_be_replaced_is_named(source: Source, index: Path) -> None:
    path = fetch(source)
    path.write_bytes(b"half")
    (index / FILENAME).unlink()
    found = hashlib.sha256(b"half").hexdigest()
    message = rf"could not be fetched.*cached .*{FILENAME} is damaged \(SHA-256 {found}, expected {source.sha256}\)"
    with pytest.raises(InputError, match=message):
        fetch(source)


def test_another_file_on_the_index_is_refused(source: Source) -> None:
    other = Source(source.package, source.version, source.filename, "0" * 64)
    message = rf"{FILENAME}: wrong checksum: .* offers sensorium-toy==1\.0 with SHA-256 {source.sha256}, expected 0+"
    with pytest.raises(InputError, match=message):
        fetch(other)
    assert files_left() == []


def test_a_missing_network_is_named_with_what_to_do(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(InputError, match=r"sensorium-toy==1\.0 could not be fetched.*needed once.*offline.*Check the network") as caught:
        fetch(source)
    assert "\n" not in str(caught.value)
    assert files_left() == []


def test_a_package_that_would_have_to_be_built_is_not_run(index: Path, tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    setup = f"open({str(marker)!r}, 'w')\nfrom setuptools import setup\nsetup(name='sensorium-sdist', version='1.0')\n".encode()
    archive = index / "sensorium_sdist-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("sensorium_sdist-1.0/setup.py")
        member.size = len(setup)
        tar.addfile(member, io.BytesIO(setup))
    with pytest.raises(InputError, match=r"sensorium-sdist==1\.0 could not be fetched"):
        fetch(Source("sensorium-sdist", "1.0", archive.name, hashlib.sha256(archive.read_bytes()).hexdigest()))
    assert not marker.exists()


def test_what_a_killed_fetch_left_is_cleared_away(source: Source) -> None:
    part = cache_dir() / f".{FILENAME}.part"
    part.mkdir(parents=True)
    (part / FILENAME).write_bytes(b"half a file")
    fetch(source)
    assert files_left() == [FILENAME]


def test_a_cache_that_cannot_be_used_is_named(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SENSORIUM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match=r"file/cache: the cache cannot be used \(Not a directory\).*SENSORIUM_CACHE"):
        fetch(source)


def test_processes_may_fetch_one_file_at_once(source: Source) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        paths = pool.map(fetch, [source] * 4)
    assert set(paths) == {cache_dir() / FILENAME}
    assert hashlib.sha256(paths[0].read_bytes()).hexdigest() == source.sha256
    assert files_left() == [FILENAME]
