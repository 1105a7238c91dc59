"""Archives as folders: the samples are those of the folder; hostile members are not read, hostile archives are one error, soon."""

import io
import os
import resource
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_entries import ingested, parsed
from ruamel.yaml import YAML
from toy_columns import png

from pipelines.new import main
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data import archives
from stages.own_data.archives import open_archive
from stages.own_data.fingerprints import fingerprint_of

ROOT = Path(__file__).parents[1]
Files = Mapping[str, bytes]


def as_zip(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def as_tar(files: Files, mode: str = "w:", kind: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=kind) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


PACK: dict[str, Callable[[Files], bytes]] = {
    "a.zip": as_zip,
    "stored.zip": lambda files: as_zip(files, zipfile.ZIP_STORED),
    "a.tar": as_tar,
    "gnu.tar": lambda files: as_tar(files, kind=tarfile.GNU_FORMAT),
    "a.tar.gz": lambda files: as_tar(files, "w:gz"),
    "a.tgz": lambda files: as_tar(files, "w:gz"),
    "a.tar.bz2": lambda files: as_tar(files, "w:bz2"),
    "a.tar.xz": lambda files: as_tar(files, "w:xz"),
}
IMAGES = {f"{'ab'[i % 2]}/größe {i:02d}{'x' * 90 if i == 3 else ''}.png": png(np.full((4, 4, 3), (i, 9, 200), np.uint8)) for i in range(12)}
CLUTTER = {"__MACOSX/a/._0.png": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x", "a/0.png.dvc": b"x"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, files: Files) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def entry(path: str, **more: Any) -> dict[str, Any]:
    return {"source": {"folder": path, "label": "folder"}, "modalities": {"photo": {"modality": "image"}}, **more}


@pytest.mark.parametrize("top", ["", "./", "photos/", "./photos/"])
@pytest.mark.parametrize("name", PACK)
def test_an_archive_is_the_folder_that_it_was_made_of(folder: Path, name: str, top: str) -> None:
    write(folder / "photos", IMAGES)
    clutter = CLUTTER if name == "a.zip" else {f"{top}{path}": content for path, content in CLUTTER.items()}
    Path(name).write_bytes(PACK[name]({f"{top}{path}": content for path, content in IMAGES.items()} | clutter))
    expected, about = ingested(entry("photos"))
    found, about_archive = ingested(entry(name))
    assert found.equals(expected) and found["sample_id"].to_pylist() == sorted(IMAGES) and len(found) == 12
    assert about_archive["sources"] == about["sources"]  # names and contents count, not how they are packed
    assert [path.name for path in Path(".sensorium").rglob("*") if path.is_file() and path.stat().st_size > 1000] == []


def test_an_archive_that_programs_make_is_read(folder: Path) -> None:
    write(folder / "photos", {name: IMAGES[name] for name in sorted(IMAGES) if "xxx" not in name})
    os.link(next((folder / "photos/a").iterdir()), folder / "photos/b/twin.png")  # tar packs it as a link
    subprocess.run(["tar", "-czf", "p.tar.gz", "photos"], check=True)
    subprocess.run(["tar", "-cf", "p.tar", "-C", "photos", "."], check=True)
    expected = ingested(entry("photos"))[0]
    assert len(expected) == 12
    for name in ("p.tar.gz", "p.tar"):
        assert ingested(entry(name))[0].equals(expected)


def test_names_as_macos_writes_them_are_utf8(folder: Path) -> None:
    raw = bytearray(as_zip({"größe.txt": b"x", "b.txt": b"y"}))
    for start, place in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):  # without the flag that says UTF-8, in both headers of a member
        raw[raw.find(start) + place] &= ~8
    Path("a.zip").write_bytes(raw)
    with zipfile.ZipFile("a.zip") as archive:
        assert archive.namelist()[0] != "größe.txt"
    files = open_archive(Path("a.zip"), "a.zip")
    assert files.names() == ["b.txt", "größe.txt"] and files.read("größe.txt") == files.read("gro\u0308ße.txt") == b"x"


@pytest.mark.parametrize("member", ["/etc/passwd", "a/../../secret.png", "a//x.png", "..", "/a/x.png", "a/./x.png"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_with_a_path_that_leaves_it_is_refused(folder: Path, name: str, member: str) -> None:
    Path(name).write_bytes(PACK[name](IMAGES | {member: b"x"}))
    with pytest.raises(InputError, match=rf"^{name}: '{member}' is absolute, or has a part '\.\.', '\.' or ''; pack it again"):
        ingested(entry(name))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar_are_not_read(folder: Path, kind: bytes) -> None:
    write(folder, {"secret": b"secret"})
    raw = io.BytesIO(as_tar(IMAGES))
    with tarfile.open(fileobj=raw, mode="a:") as archive:
        info = tarfile.TarInfo("a/link.png")
        info.type, info.linkname = kind, str(folder / "secret")
        archive.addfile(info)
    Path("a.tar").write_bytes(raw.getvalue())
    files = open_archive(Path("a.tar"), "a.tar")
    reason = "is a link, which is not followed" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "is a device, a pipe or a sparse file"
    with pytest.raises(ValueError, match=f"link.png: {reason}"):
        files.read("a/link.png")
    assert "a/link.png" in files.names() and len(files.digest("a/link.png")[0]) < 200


def test_links_of_a_zip_are_not_read(folder: Path) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("b/x.png", b"x")
        info = zipfile.ZipInfo("a/link.png")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match=r"a/link.png: is a link, which is not followed in an archive"):
        open_archive(Path("a.zip"), "a.zip").read("a/link.png")


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_name_twice_is_refused_in_whatever_form(folder: Path, name: str) -> None:
    for twin in ("a/größe.png", "a/gro\u0308ße.png", "./a/größe.png"):
        first = PACK[name]({"a/größe.png": b"x", "b/y.png": b"y"} | ({twin: b"z"} if twin != "a/größe.png" else {}))
        Path(name).write_bytes(first)
        if twin == "a/größe.png":
            append(name, twin)
        if twin != "a/gro\u0308ße.png":
            with pytest.raises(InputError, match=rf"^{name}: 'a/größe\.png' is in it twice; pack it again with each file once"):
                open_archive(Path(name), name)


def append(name: str, member: str) -> None:
    if name.endswith("zip"):
        with zipfile.ZipFile(name, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(member, b"z")
    else:
        with tarfile.open(name, "a:") as tar:
            tar.addfile(tarfile.TarInfo(member), io.BytesIO())


def test_an_encrypted_zip_is_one_error(folder: Path) -> None:
    raw = bytearray(as_zip(IMAGES))
    place = raw.find(b"PK\x01\x02")
    raw[place + 8] |= 1  # the flag of the directory's first entry
    Path("a.zip").write_bytes(raw)
    with pytest.raises(InputError, match=r"^a\.zip: '.*' is encrypted \(1 such files\); unpack it and name the folder"):
        fingerprint_of("mine", parsed(entry("a.zip")))


@pytest.mark.parametrize("name", PACK)
def test_an_archive_that_is_cut_off_or_damaged_is_one_error(folder: Path, name: str) -> None:
    whole = PACK[name](IMAGES)
    end = whole.rfind(b"IEND") if name.endswith(".tar") else len(whole) - 1  # a tar is padded
    for content in (whole[: end // 2], whole[: end // 3], whole[:end]):
        Path(name).write_bytes(content)
        with pytest.raises(InputError, match=rf"^{name}: .*(damaged|cut off|too early)"):
            open_archive(Path(name), name)


def test_a_damaged_header_in_a_tar_hides_nothing(folder: Path) -> None:
    raw = bytearray(as_tar({f"a/{i}.png": b"x" for i in range(9)}))
    raw[raw.find(b"a/5.png") + 110] ^= 1
    Path("a.tar").write_bytes(raw)
    with pytest.raises(InputError, match=r"^a\.tar: the archive ends too early, or is damaged at byte [\d,]+, or several are in one file"):
        open_archive(Path("a.tar"), "a.tar")
    Path("a.tar").write_bytes(as_tar(IMAGES) + as_tar({"a/other.png": b"x"}))
    with pytest.raises(InputError, match="several are in one file; pack it again"):
        open_archive(Path("a.tar"), "a.tar")


def test_a_member_with_wrong_bytes_is_a_bad_sample(folder: Path) -> None:
    raw = bytearray(as_zip(IMAGES, zipfile.ZIP_STORED))
    raw[raw.find(b"IDAT") + 4] ^= 1
    Path("a.zip").write_bytes(raw)
    with pytest.raises(InputError, match=r"1 of 12 samples cannot be read(.|\n)*cannot be unpacked \(Bad CRC-32"):
        ingested(entry("a.zip"))


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_a_bomb_is_refused_soon_and_in_little_memory(folder: Path, name: str) -> None:
    Path(name).write_bytes(PACK[name]({f"a/{i}.png": bytes(2**25) for i in range(4)}))
    assert Path(name).stat().st_size < 2**20
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError, match=rf"^{name}: .*if that is right, unpack it"):
        fingerprint_of("mine", parsed(entry(name)))
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB: 1 GiB


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_holds_more_than_it_declares_is_not_unpacked(folder: Path, method: int) -> None:
    raw = bytearray(as_zip({"a/x.png": bytes(2**28), "b/y.png": b"y"}, method))
    true, false = (2**28).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    Path("a.zip").write_bytes(raw.replace(true, false))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"a/x.png: (cannot be unpacked|is compressed by method)"):
        open_archive(Path("a.zip"), "a.zip").read("a/x.png")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16  # KiB: 64 MiB


def test_a_member_beyond_the_limit_is_a_bad_sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.tar").write_bytes(as_tar({"a/x.png": bytes(100), "b/y.png": b"y"}))
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 99)
    files = open_archive(Path("a.tar"), "a.tar")
    assert files.read("b/y.png") == b"y"
    with pytest.raises(ValueError, match=r"a/x.png: 100 bytes, more than 99; cut it into several samples"):
        files.read("a/x.png")


def test_what_is_no_archive_is_named(folder: Path) -> None:
    Path("a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(30))
    with pytest.raises(InputError, match=r"folder: a\.7z: is a 7z or RAR archive; unpack it; expected a folder, or a \.zip"):
        parsed_files("a.7z")
    Path("a.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"folder: a\.csv: is not a folder; write `table: …`"):
        parsed_files("a.csv")
    Path("a.tar").write_bytes(b"no tar" * 200)
    with pytest.raises(InputError, match=r"^a\.tar: cannot be read as an archive"):
        parsed_files("a.tar")


def parsed_files(path: str) -> None:
    fingerprint_of("mine", parsed(entry(path)))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_new_proposes_what_it_proposes_for_the_folder(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (folder / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    for kind, files in {"photos": IMAGES, "arrays": {f"{'ab'[i % 2]}/{i}.npy": array((5, 4, 4)) for i in range(8)}}.items():
        write(folder / kind, files)
        Path(name).write_bytes(PACK[name](files))
        found = {}
        for path in (kind, name):
            assert main(["mine", path]) == 0
            found[path] = YAML(typ="safe").load(capsys.readouterr().out.split("\n\n")[0])["datasets"]["mine"]
        assert found[name] == found[kind] | {"source": {"folder": name, "label": "folder"}}
    assert found[name]["modalities"] == {"touch": {"modality": "tactile"}}


def array(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(shape))
    return file.getvalue()
