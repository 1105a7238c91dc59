"""What the Fashion-MNIST data set promises beyond the battery: the official split, and a Debian package read as a plain file."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy import fashion_mnist as toy

from stages.contracts.settings import Settings
from stages.datasets.fashion_mnist import GARMENTS, PACKAGE
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.readers.deb import read_deb_files
from stages.readers.idx import read_gzipped_idx

DATA_SET = component("datasets", "fashion_mnist")


def read(archive: Path) -> pa.Table:
    return DATA_SET.read({PACKAGE: archive}, "garment", Settings(), 1)


def toy_files(folder: Path) -> dict[str, bytes]:
    names = [f"{toy.FOLDER}/{part}-{kind}-ubyte.gz" for part in toy.N_PART for kind in ("labels-idx1", "images-idx3")]
    return read_deb_files(toy.write(folder)[PACKAGE], names)


def test_parts_pictures_and_labels_belong_together(tmp_path: Path) -> None:
    samples = read(toy.write(tmp_path)[PACKAGE])
    modality = component("modalities", "image")
    features = modality.featurize(samples["image"], modality.settings(size=(28, 28), colour="grey"))
    pictures = np.rint(column_values(features.columns["vector"]) * 255).reshape(-1, 28, 28)
    counts = {"train": 0, "test": 0}
    for row, sample in enumerate(samples.select(["sample_id", "group", "split", "target"]).to_pylist()):
        part, number = sample["sample_id"].split("-")
        assert sample["split"] == part and sample["group"] == sample["sample_id"]
        assert sample["target"] == GARMENTS[int(number) % 10]
        serial = int(number) + (64 if part == "test" else 0)
        assert [serial >> bit & 1 for bit in range(7)] == (pictures[row, 26, :7] / 255).tolist()
        counts[part] += 1
    assert counts == {"train": toy.N_PART["train"], "test": toy.N_PART["t10k"]}
    assert DATA_SET.n_train == 60_000


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("labels-idx1", toy.idx(np.zeros(39, np.uint8)), "39 labels of 40 images"),
        ("labels-idx1", toy.idx(np.full(40, 10, np.uint8)), "label 10 is none of 0 to 9"),
        ("images-idx3", toy.idx(np.zeros(40, np.uint8)), "not an IDX file of unsigned bytes with 3 axes"),
        ("images-idx3", b"no gzip", "not a complete gzip file"),
    ],
)
def test_files_that_do_not_fit_are_named(kind: str, content: bytes, reason: str, tmp_path: Path) -> None:
    files = {**toy_files(tmp_path), f"{toy.FOLDER}/train-{kind}-ubyte.gz": content}
    with pytest.raises(InputError, match=rf"wrong\.deb: member .*train.* is damaged \({reason}"):
        read(toy.write_deb(tmp_path / "wrong.deb", files))


def test_a_link_is_not_followed_and_a_missing_file_is_named(tmp_path: Path) -> None:
    files = toy_files(tmp_path)
    name = f"{toy.FOLDER}/train-labels-idx1-ubyte.gz"
    files.pop(name)
    secret = tmp_path / "secret"
    secret.write_bytes(toy.idx(np.zeros(40, np.uint8)))
    for links in ({}, {name: str(secret)}, {name: "t10k-labels-idx1-ubyte.gz"}):
        with pytest.raises(InputError, match=r"wrong\.deb: has no file .*train-labels.*version and checksum"):
            read(toy.write_deb(tmp_path / "wrong.deb", files, links))


def test_sizes_are_bounded(tmp_path: Path) -> None:
    path = toy.write_deb(tmp_path / "large.deb", {"./large": bytes(1000), "./small": b"x"})
    assert read_deb_files(path, ["./small"], limit_bytes=10) == {"./small": b"x"}
    with pytest.raises(InputError, match=r"'\./large' unpacks to 1000 bytes, more than 10"):
        read_deb_files(path, ["./large"], limit_bytes=10)
    with pytest.raises(ValueError, match="unpacks to more than 100 bytes"):
        read_gzipped_idx(toy.idx(np.zeros(101, np.uint8)), n_axes=1, limit_bytes=100)
    with pytest.raises(InputError, match=r"gone\.deb: not found"):
        read_deb_files(tmp_path / "gone.deb", ["./small"])


def with_header(size: bytes) -> bytes:
    return b"!<arch>\n" + b"%-16s%-12d%-6d%-6d%-8s%-10s`\n" % (b"data.tar.xz", 0, 0, 0, b"100644", size) + b"data"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an ar archive"),
        (b"!<arch>\nshort", "no member header at byte 8"),
        (with_header(b"1000"), "a member of 1000 bytes ends past the end of the file"),
        (with_header(b"-4"), "a member of -4 bytes"),
        (with_header(b"many"), "invalid literal"),
        (b"!<arch>\n", "data.tar.xz"),
    ],
)
def test_what_is_no_debian_package_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    path: Path = tmp_path / "odd.deb"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"odd\.deb: damaged \(.*{reason}.*; delete the file and run again"):
        read_deb_files(path, ["./small"])


def test_an_array_says_how_long_it_is_and_of_what() -> None:
    with pytest.raises(ValueError, match="declares 5 bytes, but has 4"):
        read_gzipped_idx(gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, 5) + b"1234"), n_axes=1)
    with pytest.raises(ValueError, match="not an IDX file of unsigned bytes"):
        read_gzipped_idx(gzip.compress(struct.pack(">BBBBI", 0, 0, 9, 1, 0)), n_axes=1)  # of signed ones
