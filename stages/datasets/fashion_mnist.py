"""Fashion-MNIST: 70,000 images of articles of clothing in ten classes, 28×28 grey pixels, on black; official test split.

Optional: it is a Debian package, and fetching it needs apt-get.

An image holds pixels only, and no two images are equal, so nothing leaks the target. The product in an image is unknown, so each image is a
group of its own. The official split is kept: 60,000 training and 10,000 test images.

Published figures: the authors' benchmark (H. Xiao, K. Rasul, R. Vollgraf 2017, arXiv:1708.07747, table 3) reports accuracies on the
official test set, trained on all 60,000 images, of about 85 % for k-NN, about 90 % for an RBF SVM with C = 10 and about 87 % for an MLP
with one hidden layer of 100. Measured here: 85.5 % (5-NN, L2, all rows); with 6,000 training and 1,000 test images 79.4 % (3-NN) and 85.1 %
(RBF SVM, C = 10) on pixels, 82.1 and 86.3 % on oriented gradients (`features: hog, cell: 4`); with all rows on the latter 90.3 % (RBF SVM,
C = 10, gamma = 1, 2,000 landmarks).
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
SPLITS = {"train": "train", "test": "t10k"}  # official split → prefix of its files' names
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    archive = archives[PACKAGE]
    files = read_deb_files(archive, [name for split in SPLITS for name in _file_names(split)])
    ids: list[str] = []
    splits: list[str] = []
    garments: list[str] = []
    images: list[bytes] = []
    for split in SPLITS:
        codes, pixels = _read_split(archive, split, files)
        ids += [f"{split}-{row:05d}" for row in range(len(codes))]
        splits += [split] * len(codes)
        garments += [GARMENTS[code] for code in codes]
        images += [pgm(image) for image in pixels]
    columns = {"image": ("image", pa.array(images, pa.binary()))}
    return samples_table(ids, ids, garments, columns, splits=splits)


def _file_names(split: str) -> tuple[str, str]:
    """Return the names of the files with the labels and the images of a split."""
    return f"{FOLDER}/{SPLITS[split]}-labels-idx1-ubyte.gz", f"{FOLDER}/{SPLITS[split]}-images-idx3-ubyte.gz"


def _read_split(archive: Path, split: str, files: Mapping[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return codes (n,) and images, uint8 (n, 28, 28), of a split."""
    arrays = []
    for n_axes, name in zip((1, 3), _file_names(split), strict=True):
        try:
            arrays.append(read_gzipped_idx(files[name], n_axes=n_axes))
        except ValueError as error:
            raise damaged(archive, name, error) from error
    codes, pixels = arrays
    if len(codes) != len(pixels):
        raise damaged(archive, _file_names(split)[0], f"{len(codes)} labels of {len(pixels)} images")
    if len(codes) and codes.max() >= len(GARMENTS):
        raise damaged(archive, _file_names(split)[0], f"label {codes.max()} is none of 0 to {len(GARMENTS) - 1}")
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
