"""Yeast: which of 14 groups of functions does a gene have? From its expression in micro-arrays and its phylogenetic profile (table).

2,417 genes of Saccharomyces cerevisiae, 103 numbers each (a row has unit Euclidean norm), 1 to 11 of 14 labels, 4.2 on average; the most
frequent holds for 75 % of the genes (Class12, Class13), the rarest for 34 genes (Class14). The source numbers the labels without names.

No column leaks the target. Each gene is its own group. No two genes have the same numbers; if two did, they would be one group. Related
genes are unknown, as the source does not name the genes.

Public reference: rank-SVM, Hamming loss about 0.21 (Elisseeff and Weston 2001; 1,500 training and 917 test genes); ML-kNN, Hamming loss
about 0.195 and average precision about 0.765 (Zhang and Zhou 2007; ten folds). Here, five folds with plain scikit-learn: 20-NN 0.196 and
0.755 (label ranking average precision), RBF SVM per label 0.190 and 0.766; the labels that most genes have: 0.232 and 0.703.
"""

import gzip
import io
import zlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.readers.archive import LIMIT_BYTES, damaged, read_member

MEMBER = "river/datasets/yeast.csv.gz"
NUMBERS = tuple(f"Att{i}" for i in range(1, 104))
LABELS = tuple(f"Class{i}" for i in range(1, 15))


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    genes = _genes(archives["river"])
    ids = [f"{row:04d}" for row in range(len(genes))]
    numbers = [genes[name].combine_chunks() for name in NUMBERS]
    held = zip(*(genes[name].to_pylist() for name in LABELS), strict=True)
    labels = [[name for name, holds in zip(LABELS, row, strict=True) if holds] for row in held]
    first: dict[tuple[float, ...], str] = {}
    rows = zip(*(column.to_pylist() for column in numbers), strict=True)
    groups = [first.setdefault(row, name) for name, row in zip(ids, rows, strict=True)]
    table = pa.StructArray.from_arrays(numbers, names=list(NUMBERS))
    return samples_table(ids, groups, labels, {"table": ("table", table)})


def _genes(archive: Path) -> pa.Table:
    """Return the numbers as float64 and the labels as int64, without nulls."""
    raw = read_member(archive, MEMBER)
    kinds = {**dict.fromkeys(NUMBERS, pa.float64()), **dict.fromkeys(LABELS, pa.int64())}
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            text = file.read(LIMIT_BYTES)
        genes = csv.read_csv(io.BytesIO(text), convert_options=csv.ConvertOptions(column_types=kinds))
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise damaged(archive, MEMBER, error) from error
    if genes.column_names != list(kinds):
        raise damaged(archive, MEMBER, f"expected the columns {NUMBERS[0]} to {LABELS[-1]}")
    if any(column.null_count for column in genes.columns):
        raise damaged(archive, MEMBER, "a value is missing")
    return genes


DATA_SET = DataSet(
    name="yeast",
    title="Yeast gene functions",
    sources=(
        Source(
            "river",
            "0.26.1",
            "river-0.26.1-cp311-cp311-manylinux_2_28_x86_64.whl",
            "6a11e1a9749beec3ea138efeb0205b2c5cea8d424e9deee306c8980faec01bef",
        ),
    ),
    licence="none stated for the data, which are public (Mulan, OpenML 40597); the package that carries it: BSD-3-Clause",
    citation="A. Elisseeff and J. Weston (2001), A kernel method for multi-labelled classification, NIPS 14; as in G. Tsoumakas, "
    "E. Spyromitros-Xioufis, J. Vilcek and I. Vlahavas (2011), Mulan: a Java library for multi-label learning, JMLR 12, 2411-2414",
    n_samples=2_417,
    modalities={"table": "table"},
    targets={"functions": "multilabel"},
    group="the gene (genes with the same numbers are one)",
    read=read,
)
