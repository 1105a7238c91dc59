"""Fetching: verified, cached, offline afterwards, safe side by side; one clear error for each way it fails, nothing left behind.

pip, npm and apt-get run for real, against folders and a local server instead of an index.
"""

import hashlib
import http.server
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import write_wheel

from stages.contracts.data_set import Source
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.ingestion.fetch import _built_for, cache_dir, fetch

pytestmark = pytest.mark.integration
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
    return Source("sensorium-toy", "1.0", FILENAME, sha256(path))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_left() -> list[str]:
    """Return what is in the cache, but for the empty lock files."""
    folder = cache_dir()
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock" or path.stat().st_size) if folder.is_dir() else []


def test_a_file_is_fetched_once_and_served_offline_afterwards(source: Source, index: Path) -> None:
    path = fetch(source)
    assert path == cache_dir() / FILENAME
    assert sha256(path) == source.sha256
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


@pytest.fixture
def sdist(index: Path, tmp_path: Path) -> Source:
    """Return a source distribution that the index has, whose setup code leaves a mark where it is run."""
    setup = f"open({str(tmp_path / 'was-run')!r}, 'w')\nfrom setuptools import setup\nsetup(name='sensorium-sdist', version='1.0')\n"
    archive = index / "sensorium_sdist-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("sensorium_sdist-1.0/setup.py")
        member.size = len(setup)
        tar.addfile(member, io.BytesIO(setup.encode()))
    return Source("sensorium-sdist", "1.0", archive.name, sha256(archive))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """Return a folder and the local address under which its files are served; what an address gives is `<path>/answer` or the file."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            asked = folder / path.strip("/")
            return str(asked / "answer" if asked.is_dir() else asked)

        def guess_type(self, path: str | os.PathLike[str]) -> str:
            return "text/html" if str(path).endswith("answer") else "application/octet-stream"

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_source_distribution_is_fetched_and_never_run(sdist: Source, tmp_path: Path) -> None:
    assert sha256(fetch(sdist)) == sdist.sha256
    assert files_left() == [sdist.filename]
    assert not (tmp_path / "was-run").exists()


def test_a_source_distribution_comes_from_the_index_that_pip_is_told(
    sdist: Source, index: Path, server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server
    (folder / "simple" / sdist.package).mkdir(parents=True)
    (folder / "simple" / sdist.package / "answer").write_text(f'<!DOCTYPE html><a href="/{sdist.filename}">{sdist.filename}</a>')
    (index / sdist.filename).rename(folder / sdist.filename)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    assert sha256(fetch(sdist)) == sdist.sha256
    other = Source(sdist.package, "1.0", sdist.filename.replace(".tar.gz", ".zip"), sdist.sha256)
    with pytest.raises(InputError, match=r"sensorium-sdist==1\.0 could not be fetched.*ERROR: no file sensorium_sdist-1\.0\.zip among"):
        fetch(other)


def test_another_source_distribution_is_refused(sdist: Source) -> None:
    with pytest.raises(InputError, match=rf"wrong checksum: expected SHA-256 0+, found {sdist.sha256}"):
        fetch(Source(sdist.package, "1.0", sdist.filename, "0" * 64))
    assert files_left() == []


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_packs_what_its_registry_has(index: Path, server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder, address = server
    mark = tmp_path / "was-run"
    manifest = json.dumps({"name": "toy", "version": "1.0.0", "scripts": {name: f"touch {mark}" for name in ("prepack", "prepare")}})
    archive = folder / "toy.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(manifest)
        tar.addfile(member, io.BytesIO(manifest.encode()))
    version = {**json.loads(manifest), "dist": {"tarball": f"{address}/toy.tgz"}}
    (folder / "toy").mkdir()
    (folder / "toy" / "answer").write_text(json.dumps({"name": "toy", "versions": {"1.0.0": version}}))
    monkeypatch.setenv("npm_config_registry", address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    source = Source("toy", "1.0.0", "toy-1.0.0.tgz", sha256(archive), index="npm")
    assert sha256(fetch(source)) == source.sha256
    assert files_left() == [source.filename] and not mark.exists()
    with pytest.raises(InputError, match=r"toy==2\.0\.0 could not be fetched.*npm's error: npm (error|ERR!) code ETARGET"):
        fetch(Source("toy", "2.0.0", "toy-2.0.0.tgz", "0" * 64, index="npm"))


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is not installed")
def test_apt_get_downloads_what_its_lists_have(index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "toy_1.0-1_all.deb"
    archive.write_bytes(b"any bytes: nobody installs it")
    fields = {"Package": "toy", "Version": "1.0-1", "Architecture": "all", "Filename": f"./{archive.name}", "Description": "toy",
              "Size": str(archive.stat().st_size), "SHA256": sha256(archive)}  # fmt: skip
    (tmp_path / "Packages").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{tmp_path} ./\n")
    for name in ("lists/partial", "archives/partial"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "status").touch()
    places = {"Etc::sourcelist": "sources.list", "Etc::sourceparts": "none", "State::lists": "lists", "State::status": "status"}
    config = [f'Dir::{key} "{tmp_path / name}";' for key, name in {**places, "Cache": "archives"}.items()]
    (tmp_path / "apt.conf").write_text("\n".join([*config, 'APT::Sandbox::User "";']))
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    subprocess.run(["apt-get", "-qq", "update"], check=True)
    source = Source("toy", "1.0-1", archive.name, sha256(archive), index="debian")
    assert sha256(fetch(source)) == source.sha256
    assert files_left() == [source.filename]
    with pytest.raises(InputError, match=r"toy==2 could not be fetched.*apt-get's error: E: Version '2' for 'toy' was not found"):
        fetch(Source("toy", "2", "toy_2_all.deb", "0" * 64, index="debian"))


def test_a_missing_client_is_named_with_the_data_set_that_needs_it(index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    message = r"could not be fetched: this needs apt-get, which is not installed.*optional data set \(fashion_mnist\): remove it"
    with pytest.raises(InputError, match=message):
        fetch(component("datasets", "fashion_mnist").sources[0])
    with pytest.raises(InputError, match="this needs npm, which is not installed"):
        fetch(Source("toy", "1.0.0", "toy-1.0.0.tgz", "0" * 64, index="npm"))
    assert files_left() == []


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
    assert sha256(paths[0]) == source.sha256
    assert files_left() == [FILENAME]


def test_a_wheel_of_another_platform_is_asked_for_as_such() -> None:
    assert _built_for("river-0.26.1-cp311-cp311-manylinux_2_28_x86_64.whl") == [
        "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311",
    ]  # fmt: skip
    assert _built_for("a-1-cp312-abi3-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl") == [
        "--platform", "manylinux_2_24_x86_64", "--platform", "manylinux_2_28_x86_64",
        "--python-version", "3.12", "--implementation", "cp", "--abi", "abi3",
    ]  # fmt: skip
    assert _built_for("mlxtend-0.25.0-py3-none-any.whl") == []
