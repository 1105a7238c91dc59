"""Fashion-MNIST: 70,000 pictures of articles of clothing in ten classes, 28×28 grey pixels, on black; official test split.

It comes as a package of Debian, so Debian's client must be there to fetch it: it is an optional data set.

Nothing but the pixels is in the picture, and no two of the pictures are the same byte for byte, so nothing gives the answer away.
Which product a picture shows is not in the data, so each picture is a group of its own. The official split is kept: 60,000 for
training, 10,000 for testing.

Public figures: the benchmark that its authors publish with it (H. Xiao, K. Rasul, R. Vollgraf 2017, arXiv:1708.07747, table 3) has
accuracies on the official test set, with all 60,000 for training, of about 85 % for k-NN, about 90 % for an RBF SVM with C = 10 and
about 87 % for an MLP with one hidden layer of 100. Measured here: 85.5 % (5-NN, L2, all rows); with 6,000 for training and 1,000 for
testing 79.4 % (3-NN) and 85.1 % (RBF SVM, C = 10) on pixels, 82.1 and 86.3 % on oriented gradients (`features: hog, cell: 4`).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.collections.grey_images import pgm
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.readers.archive import damaged
from stages.readers.deb import read_deb_files
from stages.readers.idx import read_gzipped_idx

PACKAGE = "dataset-fashion-mnist"
FOLDER = "./usr/share/datasets/fashion-mnist"
PARTS = {"train": "train", "test": "t10k"}  # the official split → how its files' names begin
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives[PACKAGE]
    files = read_deb_files(archive, [name for part in PARTS for name in _file_names(part)])
    ids: list[str] = []
    splits: list[str] = []
    garments: list[str] = []
    pictures: list[bytes] = []
    for part in PARTS:
        codes, pixels = _part(archive, part, files)
        ids += [f"{part}-{row:05d}" for row in range(len(codes))]
        splits += [part] * len(codes)
        garments += [GARMENTS[code] for code in codes]
        pictures += [pgm(picture) for picture in pixels]
    columns = {"image": ("image", pa.array(pictures, pa.binary()))}
    return samples_table(ids, ids, garments, columns, splits=splits)


def _file_names(part: str) -> tuple[str, str]:
    """Return the names of the files with the labels and with the pictures of one part."""
    return f"{FOLDER}/{PARTS[part]}-labels-idx1-ubyte.gz", f"{FOLDER}/{PARTS[part]}-images-idx3-ubyte.gz"


def _part(archive: Path, part: str, files: Mapping[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return codes (n,) and pictures, uint8 (n, 28, 28), of one part."""
    arrays = []
    for n_axes, name in zip((1, 3), _file_names(part), strict=True):
        try:
            arrays.append(read_gzipped_idx(files[name], n_axes=n_axes))
        except ValueError as error:
            raise damaged(archive, name, error) from error
    codes, pixels = arrays
    if len(codes) != len(pixels):
        raise damaged(archive, _file_names(part)[0], f"{len(codes)} labels of {len(pixels)} pictures")
    if len(codes) and codes.max() >= len(GARMENTS):
        raise damaged(archive, _file_names(part)[0], f"label {codes.max()} is none of 0 to {len(GARMENTS) - 1}")
    return codes, pixels


DATA_SET = DataSet(
    name="fashion_mnist",
    title="Fashion-MNIST: 70,000 pictures of clothing",
    sources=(
        Source(
            PACKAGE,
            "0.0~git20200523.55506a9-1",
            "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
            "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
            index="debian",
        ),
    ),
    licence="MIT (Zalando SE)",
    citation="H. Xiao, K. Rasul, R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, "
    "arXiv:1708.07747",
    n_samples=70_000,
    n_train=60_000,
    modalities={"image": "image"},
    targets={"garment": "multiclass"},
    group="the picture (which product it shows is not known)",
    read=read,
)
