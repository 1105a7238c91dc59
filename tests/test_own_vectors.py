"""Vectors of one's own: columns, lists, matrices beside a table and files, from params.yaml to the features file."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from own_entries import ingested, parsed

from stages.contracts.modality import Modality
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.own_data.column_choice import natural_order
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.own_samples import unreadable_columns
from stages.own_data.roles import open_source

N, D = 12, 11
VECTORS = np.random.default_rng(1).standard_normal((N, D))
LABELS = ["ab"[row % 2] for row in range(N)]
NAMES = [f"s{row}" for row in range(N)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry(part: Mapping[str, Any], table: str = "t.csv", **more: Any) -> dict[str, Any]:
    return {"source": {"table": table}, "target": {"column": "kind", "task": "binary"},
            "modalities": {"embedding": {"modality": "vector", **part}}, **more}  # fmt: skip


def write_csv(columns: Mapping[str, Any]) -> None:
    rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    Path("t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def plain_csv(**more: Any) -> None:
    write_csv({"name": NAMES, "kind": LABELS, **more})


def in_columns() -> dict[str, Any]:
    order = np.random.default_rng(2).permutation(D)  # the file's order is not that of the numbers
    plain_csv(**{f"emb_{i}": VECTORS[:, i].tolist() for i in order}, emboss=[1] * N)
    return entry({"columns": "emb_*"})


def in_named_columns() -> dict[str, Any]:
    plain_csv(**{f"emb_{i}": VECTORS[:, i].tolist() for i in range(D)})
    return entry({"columns": [f"emb_{i}" for i in range(D)]})


def in_lists(kind: pa.DataType) -> Callable[[], dict[str, Any]]:
    def write() -> dict[str, Any]:
        pq.write_table(pa.table({"kind": LABELS, "emb": pa.array(VECTORS.tolist(), kind)}), "t.parquet")
        return entry({"column": "emb"}, "t.parquet")

    return write


def in_json() -> dict[str, Any]:
    lines = [json.dumps({"kind": kind, "emb": vector.tolist()}) for kind, vector in zip(LABELS, VECTORS, strict=True)]
    Path("t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return entry({"column": "emb"}, "t.jsonl")


def in_a_matrix(name: str, write: Callable[[str], object], **more: Any) -> Callable[[], dict[str, Any]]:
    def written() -> dict[str, Any]:
        plain_csv()
        write(name)
        return entry({"matrix": name}, **more)

    return written


SHUFFLED = np.random.default_rng(3).permutation(N + 2)  # the matrix has two rows more
BOTH = np.vstack([VECTORS, np.ones((2, D))])[SHUFFLED]
BOTH_IDS = np.array([*NAMES, "x", "y"])[SHUFFLED]


def in_files() -> dict[str, Any]:
    for name, kind, vector in zip(NAMES, LABELS, VECTORS, strict=True):
        Path("v", kind).mkdir(parents=True, exist_ok=True)
        np.save(Path("v", kind, f"{name}.npy"), vector[None] if name == "s3" else vector)
    plain_csv(file=[f"v/{kind}/{name}.npy" for name, kind in zip(NAMES, LABELS, strict=True)])
    return entry({"column": "file"})


PLACES: dict[str, Callable[[], dict[str, Any]]] = {
    "a pattern of columns": in_columns,
    "columns by name": in_named_columns,
    "lists": in_lists(pa.list_(pa.float64())),
    "lists of one size": in_lists(pa.list_(pa.float64(), D)),
    "large lists": in_lists(pa.large_list(pa.float64())),
    "JSON lines": in_json,
    "npy": in_a_matrix("m.npy", lambda name: np.save(name, VECTORS)),
    "npy in Fortran's order": in_a_matrix("m.npy", lambda name: np.save(name, np.asfortranarray(VECTORS))),
    "npz": in_a_matrix("m.npz", lambda name: np.savez(name, VECTORS)),
    "npz by name": in_a_matrix("m.npz", lambda name: np.savez_compressed(name, embeddings=BOTH, ids=BOTH_IDS), id="name"),
    "parquet": in_a_matrix("m.parquet", lambda name: pq.write_table(pa.table({f"{i}": VECTORS[:, i] for i in range(D)}), name)),
    "parquet by name": in_a_matrix("m.parquet", lambda name: pq.write_table(pa.table({"ids": BOTH_IDS, "emb": BOTH.tolist()}), name),
                                   id="name"),
    "files": in_files,
}  # fmt: skip


def featurized(table: pa.Table, **settings: Any) -> Any:
    modality: Modality[Any] = component("modalities", "vector")
    return modality.featurize(table["embedding"], modality.settings(**settings))


@pytest.mark.parametrize("place", PLACES)
def test_vectors_from_every_place_are_the_same_numbers(place: str) -> None:
    table, _ = ingested(PLACES[place]())
    assert table["embedding"].type == pa.list_(pa.float64(), D)
    np.testing.assert_array_equal(column_values(table["embedding"]), VECTORS)
    features = featurized(table)
    assert (features.encoding, features.shape) == ("dense", (D,))
    np.testing.assert_array_equal(column_values(features.columns["vector"]), VECTORS.astype(np.float32))


def test_a_folder_s_files_are_vectors_or_found_in_a_matrix_by_name() -> None:
    in_files()
    folder: dict[str, Any] = {"source": {"folder": "v"}, "target": {"column": "folder", "task": "binary"},
                              "modalities": {"embedding": {"modality": "vector"}}}  # fmt: skip
    by_name = np.argsort([f"{kind}/{name}.npy" for name, kind in zip(NAMES, LABELS, strict=True)])
    np.testing.assert_array_equal(column_values(ingested(folder)[0]["embedding"]), VECTORS[by_name])
    np.save("v/m.npy", VECTORS)
    beside = folder | {"source": {"folder": "v", "ignore": ["m.np?"]}}
    beside["modalities"] = {"embedding": {"modality": "vector", "matrix": "m.npy"}}
    with pytest.raises(InputError, match=r"m\.npy has no `ids`; files of a folder have no order.*such as 'a/s0\.npy'"):
        ingested(beside)
    np.savez("v/m.npz", values=VECTORS, ids=[f"{kind}/{name}.npy" for name, kind in zip(NAMES, LABELS, strict=True)])
    beside["modalities"] = {"embedding": {"modality": "vector", "matrix": "m.npz"}}
    np.testing.assert_array_equal(column_values(ingested(beside)[0]["embedding"]), VECTORS[by_name])


# ---------------------------------------------------------------- sparse vectors
COUNTS = sp.random_array((N, 50), density=0.1, rng=np.random.default_rng(4), format="csr", data_sampler=lambda size: np.ones(size) * 3)


def sparse_structs() -> dict[str, Any]:
    rows = [{"indices": COUNTS.indices[a:b].tolist()[::-1], "values": COUNTS.data[a:b].tolist()[::-1]}
            for a, b in zip(COUNTS.indptr[:-1], COUNTS.indptr[1:], strict=True)]  # fmt: skip
    pq.write_table(pa.table({"kind": LABELS, "emb": rows}), "t.parquet")
    return entry({"column": "emb"}, "t.parquet")


SPARSE: dict[str, Callable[[], dict[str, Any]]] = {
    "csr": in_a_matrix("m.npz", lambda name: sp.save_npz(name, COUNTS)),
    "csc": in_a_matrix("m.npz", lambda name: sp.save_npz(name, sp.csc_array(COUNTS))),
    "structs": sparse_structs,
}


@pytest.mark.parametrize("place", SPARSE)
def test_sparse_vectors_stay_sparse(place: str) -> None:
    table, _ = ingested(SPARSE[place]())
    features = featurized(table)
    assert features.encoding == "sparse"
    lists = [features.columns[name] for name in ("indices", "values")]
    found = sp.csr_array((lists[1].flatten().to_numpy(), lists[0].flatten().to_numpy(), lists[0].offsets.to_numpy()), shape=(N, 50))
    assert found.data.dtype == np.float32
    np.testing.assert_array_equal(found.toarray(), COUNTS.toarray())
    with pytest.raises(InputError, match="standardize: expected false: the vectors are sparse"):
        featurized(table, standardize=True)


# ---------------------------------------------------------------- what is refused
def object_npz(name: str) -> None:
    np.savez(name, ids=np.array(NAMES, dtype=object), values=VECTORS)


def far_header(name: str) -> None:
    """Write a matrix whose header declares far more rows than the file has."""
    np.save(name, VECTORS)
    raw = Path(name).read_bytes()
    Path(name).write_bytes(raw.replace(b"(12, 11)", b"(9999999999, 11)").replace(b"        \n", b"\n", 1))


def bad_csr(name: str) -> None:
    sp.save_npz(name, sp.csr_array((np.ones(N), np.full(N, 70), np.arange(N + 1)), shape=(N, 80)))
    parts = dict(np.load(name))
    np.savez(name, **(parts | {"shape": np.array([N, 50])}))


def slip(name: str) -> None:
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr("../out.npy", b"")


MATRICES: dict[str, tuple[str, Callable[[str], object], str]] = {
    "rows": ("m.npy", lambda name: np.save(name, VECTORS[1:]), "m.npy has 11 rows, the source has 12 samples; expected a row per sample"),
    "axes": ("m.npy", lambda name: np.save(name, VECTORS[0]), r"an array of shape \(11,\); expected \(rows, d\)"),
    "pickle": ("m.npy", lambda name: np.save(name, np.array([{}] * N)), r"Python objects \(a pickle, which could run code\)"),
    "pickled ids": ("m.npz", object_npz, r"array 'ids.npy': .npy file of Python objects \(a pickle"),
    "header": ("m.npy", far_header, r"truncated: float64 of shape \(9999999999, 11\) needs 879,999,999,912 bytes, found 1,056"),
    "several": ("m.npz", lambda name: np.savez(name, a=VECTORS, b=VECTORS), "arrays a, b; expected a single one besides `ids`, or one of"),
    "sparse": ("m.npz", bad_csr, r"an .npz file of \d+ bytes that cannot be read \(indices must be < 50\)"),
    "twice": ("m.npz", lambda name: np.savez(name, ids=["x"] * N, values=VECTORS), "'x' occurs more than once in `ids`"),
    "no name": ("m.npz", lambda name: np.savez(name, ids=NAMES, values=VECTORS), "no name in `ids` .such as 's0'. is that of a sample"),
    "ending": ("m.txt", lambda name: Path(name).touch(), r"no matrix file ends in \.txt; expected \.npy, \.npz, \.parquet"),
    "gone": ("m.npy", lambda name: None, r"matrix: m\.npy: no such file in the source's folder"),
    "outside": ("../m.npy", lambda name: None, r"'\.\.' leaves the source's folder"),
    "slip": ("m.npz", slip, "expected arrays, whose names end in .npy and have no folder"),
    "texts": ("m.parquet", lambda name: pq.write_table(pa.table({"a": LABELS}), name), "a: string; expected one column of lists of num"),
}


@pytest.mark.parametrize("what", MATRICES)
def test_a_matrix_that_cannot_be_the_samples_is_one_line_at_the_check(what: str) -> None:
    name, write, message = MATRICES[what]
    mine = in_a_matrix(name, write)()
    read = parsed(mine)
    found = unreadable_columns("mine", read, open_source("mine", read))
    assert len(found) == 1
    with pytest.raises(InputError, match=message) as caught:
        ingested(mine)
    assert str(caught.value) == found[0] and found[0].startswith("params.yaml: datasets.mine.modalities.embedding.matrix: ")


def test_a_matrix_counts_in_the_fingerprint() -> None:
    read = parsed(PLACES["npy"]())
    before = fingerprint_of("mine", read)
    np.save("m.npy", VECTORS + 1)
    assert before["n_files"] == 2 and fingerprint_of("mine", read)["digest"] != before["digest"]


def test_a_name_that_the_matrix_lacks_is_a_bad_sample() -> None:
    mine = PLACES["npz by name"]()
    keep = BOTH_IDS != "s7"
    np.savez("m.npz", embeddings=BOTH[keep], ids=BOTH_IDS[keep])
    with pytest.raises(InputError, match=r"1 of 12 samples cannot be read(?s:.)*'s7': m\.npz has no row whose `ids` is 's7'"):
        ingested(mine)
    table, _ = ingested(mine | {"on_bad_sample": "quarantine", "max_bad_share": 0.1})
    np.testing.assert_array_equal(column_values(table["embedding"]), np.delete(VECTORS, 7, axis=0))


def test_vectors_of_another_length_are_named_even_if_the_first_is_one() -> None:
    lists: list[Any] = VECTORS.tolist()
    lists[0], lists[5] = lists[0][:4], None  # the sixth has no modality at all
    pq.write_table(pa.table({"kind": LABELS, "emb": lists}), "t.parquet")
    with pytest.raises(InputError, match="2 of 12 samples cannot be read") as caught:
        ingested(entry({"column": "emb"}, "t.parquet"))
    assert "'0006': column 'emb' is empty, row 6 of t.parquet; it has none of the modalities embedding" in str(caught.value)
    assert "'0001': embedding: 4 numbers, other samples have 11 numbers; expected the same in all" in str(caught.value)


def test_a_cell_that_is_no_number_is_named_with_its_row_and_column() -> None:
    values = {f"f{i}": VECTORS[:, i].tolist() for i in range(D)}
    values["f2"][4] = ""
    plain_csv(**values)
    mine = entry({"columns": "f*"})
    with pytest.raises(InputError, match="'0005': embedding: column 'f2' is missing; a vector needs a number in each of its 11 columns"):
        ingested(mine)
    values["f2"][4] = "?"
    plain_csv(**values)
    read = parsed(mine)
    (line,) = unreadable_columns("mine", read, open_source("mine", read))
    assert "column 'f2': line 6 of t.csv: expected a number, found '?'" in line


def test_decimal_commas_are_read_as_the_source_declares() -> None:
    names = [f"f{i}" for i in range(D)]
    lines = [";".join(["kind", *names]), *(";".join([kind, *(repr(float(x)).replace(".", ",") for x in row)])
                                           for kind, row in zip(LABELS, VECTORS, strict=True))]  # fmt: skip
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    mine = entry({"columns": "f*"}) | {"source": {"table": "t.csv", "delimiter": ";", "decimal": ","}}
    np.testing.assert_array_equal(column_values(ingested(mine)[0]["embedding"]), VECTORS)


@pytest.mark.parametrize(("part", "message"), [
    ({"columns": "emb_*", "column": "a"}, "give one of `column`, `columns`, `files` and `matrix`, found column and columns"),
    ({"columns": "xyz*"}, r"columns: no column without another role matches 'xyz\*'; there are: name, kind"),
    ({"columns": ["kind"]}, "column 'kind' is the target"),
    ({"columns": ["emb_0", "emb_0"]}, "a column occurs twice"),
    ({"modality": "image", "matrix": "m.npy"}, "only modality vector has it; image has `column` or `files`"),
    ({"modality": "graph", "columns": "emb_*"}, "only modalities table, image.* have several"),
    ({"without": ["kind"]}, "without: only modality table has it"),
])  # fmt: skip
def test_an_entry_that_contradicts_itself_is_refused(part: Mapping[str, Any], message: str) -> None:
    in_named_columns()
    with pytest.raises(InputError, match=message):
        ingested(entry(part))


def test_a_pattern_never_takes_a_column_with_another_role() -> None:
    plain_csv(k1=VECTORS[:, 0].tolist(), k2=VECTORS[:, 1].tolist())
    mine = entry({"columns": "k*"})
    mine["modalities"]["facts"] = {"modality": "table"}
    table, _ = ingested(mine)
    np.testing.assert_array_equal(column_values(table["embedding"]), VECTORS[:, :2])
    assert table["facts"].type.names == ["name"], "the table takes what is left"


def test_a_table_may_leave_out_a_few_columns() -> None:
    in_named_columns()
    table, _ = ingested(entry({"modality": "table", "without": ["name", "emb_3"]}))
    assert table["embedding"].type.names == [f"emb_{i}" for i in range(D) if i != 3]
    with pytest.raises(InputError, match=r"without: no column 'nam' \(did you mean 'name'\?\)"):
        ingested(entry({"modality": "table", "without": ["nam"]}))
    with pytest.raises(InputError, match="without: expected no list of `columns` besides it"):
        ingested(entry({"modality": "table", "without": ["name"], "columns": ["emb_0"]}))


def test_numbers_in_names_count_as_people_count() -> None:
    names = ["e10", "e9", "e1", "e01", "f2x10", "f2x9", "e"]
    assert sorted(names, key=natural_order) == ["e", "e01", "e1", "e9", "e10", "f2x9", "f2x10"]
