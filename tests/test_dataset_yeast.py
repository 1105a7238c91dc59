"""What the data set yeast promises beyond the battery."""

import gzip
from pathlib import Path

import pytest
from toy import write_wheel
from toy import yeast as toy

from stages.contracts.settings import Settings
from stages.datasets.yeast import LABELS, MEMBER, NUMBERS, read
from stages.foundation.errors import InputError
from stages.readers.archive import read_member


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write(tmp_path_factory.mktemp("yeast"))["river"]


def test_a_gene_has_its_labels_and_no_label_is_a_column(archive: Path) -> None:
    table = read({"river": archive}, "functions", Settings(), 1)
    assert table["target"][0].as_py() == [LABELS[0], LABELS[13]]
    assert set().union(*table["target"].to_pylist()) == set(LABELS)
    assert [field.name for field in table.schema.field("table").type] == list(NUMBERS)


def test_genes_with_the_same_numbers_are_one_group(archive: Path) -> None:
    groups = read({"river": archive}, "functions", Settings(), 1)["group"].to_pylist()
    assert groups[toy.SAME[0]] == groups[toy.SAME[1]]
    assert len(set(groups)) == toy.N - 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"Class14", b"Class15", "expected the columns Att1 to Class14"),
        (b"Att1,", b"", "Expected 116 columns, got 117"),
        (b"\n", b"\nx", "conversion error to double"),
        (b",1\n", b",\n", "a value is missing"),
    ],
)
def test_a_file_of_another_form_is_named(archive: Path, tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    text = gzip.decompress(read_member(archive, MEMBER))
    path = write_wheel(tmp_path / "river.whl", {MEMBER: gzip.compress(text.replace(old, new, 1))})
    with pytest.raises(InputError, match=rf"river\.whl: member '{MEMBER}' is damaged \(.*{message}"):
        read({"river": path}, "functions", Settings(), 1)
