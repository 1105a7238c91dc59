"""Several files of a modality per sample: how they are declared, that their features are pooled, and what is refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from own_entries import Entry, ingested, parsed
from toy_columns import MAKERS, png

from pipelines import new
from stages import check, featurize
from stages.checking.check_params import problems
from stages.contracts.paths import features_path, quarantine_path, samples_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.foundation.tables import column_values, read_described, read_table
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.several_files import POOLED
from stages.own_data.wildcard_files import GAP, fits
from stages.samples import pooling
from stages.samples.pooling import PoolableSettings, features_of, pool_rows
from stages.samples.read import SampleError

LISTS = [[0, 3], [2], [1, 5, 4]]  # rows of a toy column that are the files of a sample
NUMPY: dict[str, Callable[..., Any]] = {"mean": np.nanmean, "max": np.nanmax, "first": lambda rows, axis: rows[0]}


def lists_of(column: pa.Array, lists: list[list[int]]) -> pa.ListArray:
    flat = column.take(pa.array([row for rows in lists for row in rows]))
    return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *map(len, lists)]), pa.int32()), flat)


def numbers(columns: Mapping[str, pa.Array]) -> np.ndarray:
    return column_values(columns["vector" if "vector" in columns else "numeric"])


# ---------------------------------------------------------------- pooling
def test_the_modalities_that_can_be_pooled_are_those_with_the_setting() -> None:
    assert set(POOLED) == {name for name in names("modalities") if issubclass(component("modalities", name).settings, PoolableSettings)}


@pytest.mark.parametrize("name", POOLED)
def test_settings_without_pool_are_written_as_before(name: str) -> None:
    settings = component("modalities", name).settings
    assert "pool" not in settings().model_dump(mode="json")
    assert settings(pool="max").model_dump(mode="json")["pool"] == "max"


@pytest.mark.filterwarnings("ignore:All-NaN|Mean of empty slice")
@pytest.mark.parametrize("pool", NUMPY)
@pytest.mark.parametrize("name", POOLED)
def test_features_of_several_files_are_those_of_each_pooled(name: str, pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modality, column = component("modalities", name), MAKERS[name]().column
    single = modality.featurize(column, modality.settings())
    expected = np.array([NUMPY[pool](numbers(single.columns)[rows].astype(np.float64), axis=0) for rows in LISTS])
    for at_once in (1, 1000):
        monkeypatch.setattr(pooling, "FILES_AT_ONCE", at_once)
        found = features_of(modality, pa.chunked_array([lists_of(column, LISTS)]), modality.settings(pool=pool))
        np.testing.assert_allclose(numbers(found.columns), expected.astype(numbers(single.columns).dtype), rtol=1e-6)
        assert (found.encoding, found.shape, found.names) == (single.encoding, single.shape, single.names)
        assert {len(values) for values in found.columns.values()} == {3}
    summary = modality.summarise(pa.table(found.columns), FeaturesMetadata(
        dataset="d", modality_name="m", modality=name, settings=modality.settings().model_dump(mode="json"), encoding=found.encoding,
        shape=found.shape, names=found.names, fit=dict(found.fit)))  # fmt: skip
    assert all(len(values) == 3 for values in summary.values())


@pytest.mark.parametrize("pool", ["mean", "max"])
@pytest.mark.parametrize("name", POOLED)
def test_the_order_of_files_changes_no_bit(name: str, pool: str) -> None:
    modality, column = component("modalities", name), MAKERS[name]().column
    orders = [[0, 1, 2, 3, 4, 5], [5, 3, 1, 4, 2, 0], [2, 5, 0, 1, 4, 3]]
    found = [numbers(features_of(modality, lists_of(column, [rows]), modality.settings(pool=pool)).columns).tobytes() for rows in orders]
    assert len(set(found)) == 1


def test_frames_are_those_of_all_files_in_turn() -> None:
    modality, column = component("modalities", "audio"), MAKERS["audio"]().column
    single = modality.featurize(column, modality.settings()).columns["frames"].to_pylist()
    found = features_of(modality, lists_of(column, LISTS), modality.settings(pool="mean")).columns["frames"].to_pylist()
    assert found == [single[0] + single[3], single[2], single[1] + single[5] + single[4]]


def test_a_missing_number_is_pooled_over_the_files_that_have_it() -> None:
    values = np.array([[1.0, np.nan, np.nan], [4.0, 2.0, np.nan], [-0.0, np.inf, 5.0]])
    bounds = np.array([0, 2, 3])
    np.testing.assert_array_equal(pool_rows(values, bounds, "mean"), [[2.5, 2.0, np.nan], [0.0, np.inf, 5.0]])
    np.testing.assert_array_equal(pool_rows(values, bounds, "max"), [[4.0, 2.0, np.nan], [0.0, np.inf, 5.0]])


def test_a_file_that_cannot_be_read_is_named_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "FILES_AT_ONCE", 2)
    modality, toy = component("modalities", "image"), MAKERS["image"]()
    good, bad = toy.column[0].as_py(), toy.unreadable[0]
    column = pa.array([[good], [good, good, bad], [], [good], [bad]], pa.list_(pa.binary()))
    with pytest.raises(SampleError) as error:
        features_of(modality, column, modality.settings(pool="mean"))
    assert list(error.value.reasons) == [1, 2, 4]
    assert error.value.reasons[1].startswith("file 3 of 3: not a readable image")
    assert error.value.reasons[2] == "the sample has no file" and error.value.reasons[4].startswith("not a readable image")


def test_sparse_features_are_not_pooled() -> None:
    modality = component("modalities", "vector")
    kind = pa.struct([("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))])
    sparse = pa.array([{"indices": [0], "values": [1.0]}], kind)
    with pytest.raises(InputError, match="are sparse, and only those of one fixed length are pooled"):
        features_of(modality, lists_of(sparse, [[0]]), modality.settings(pool="mean"))


# ---------------------------------------------------------------- own data
N = 6
FILES = {row: [f"p/{row}_{view}.png" for view in ([0] if row == 3 else [0, 2, 10])] for row in range(N)}  # the fourth sample has one
KINDS = ["ab"[row % 2] for row in range(N)]
IMAGES = {name: png(np.random.default_rng(row).integers(0, 256, (5, 4, 3), dtype=np.uint8))
          for row, name in enumerate(name for files in FILES.values() for name in files)}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("p").mkdir()
    for name, raw in IMAGES.items():
        Path(name).write_bytes(raw)
    Path("p/7_0.png").write_bytes(b"of no sample")
    return tmp_path


def entry(part: Mapping[str, Any], table: str = "t.csv", **more: Any) -> Entry:
    return {"source": {"table": table}, "target": {"column": "kind", "task": "binary"}, "id": "name",
            "modalities": {"photos": {"modality": "image", **part}}, **more}  # fmt: skip


def lines(header: str, cells: Callable[[int], str]) -> None:
    rows = [f"s{row},{KINDS[row]},{cells(row)}" for row in range(N)]
    Path("t.csv").write_text("\n".join([f"name,kind,{header}", *rows]) + "\n", encoding="utf-8")


def with_separator() -> Entry:
    lines("photos", lambda row: " ; ".join(FILES[row]) + ";" * (row == 1))
    return entry({"column": "photos", "separator": ";"})


def with_json_cells() -> Entry:
    lines("photos", lambda row: '"' + json.dumps(FILES[row]).replace('"', '""') + '"')
    return entry({"column": "photos", "separator": "|"})


def with_wildcard() -> Entry:
    lines("nr", str)
    return entry({"files": "p/{nr}_*.png"})


def with_columns() -> Entry:
    lines("view_1,view_2,view_10", lambda row: ",".join((FILES[row] + ["", ""])[:3]))
    return entry({"columns": "view_*"})


def with_named_columns() -> Entry:
    lines("a,b,c", lambda row: ",".join((FILES[row] + ["", ""])[:3]))
    return entry({"columns": ["a", "b", "c"]})


def with_json_lines() -> Entry:
    rows = [{"name": f"s{row}", "kind": KINDS[row], "photos": FILES[row]} for row in range(N)]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return entry({"column": "photos"}, "t.jsonl")


def parquet(photos: pa.Array | dict[str, pa.Array]) -> None:
    columns = photos if isinstance(photos, dict) else {"photos": photos}
    pq.write_table(pa.table({"name": [f"s{row}" for row in range(N)], "kind": KINDS, **columns}), "t.parquet")


def with_parquet_names() -> Entry:
    parquet(pa.array(list(FILES.values())))
    return entry({"column": "photos"}, "t.parquet")


def with_parquet_bytes() -> Entry:
    parquet(pa.array([[IMAGES[name] for name in files] for files in FILES.values()]))
    return entry({"column": "photos"}, "t.parquet")


def with_parquet_structs() -> Entry:
    kind = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    cells = [[{"bytes": IMAGES[name] if row % 2 else None, "path": name} for name in files] for row, files in FILES.items()]
    parquet(pa.array(cells, kind))
    return entry({"column": "photos"}, "t.parquet")


def with_columns_of_bytes() -> Entry:
    cells = [([IMAGES[name] for name in files] + [None, None])[:3] for files in FILES.values()]
    parquet({f"view_{i}": pa.array([row[i] for row in cells], pa.binary()) for i in range(3)})
    return entry({"columns": "view_*"}, "t.parquet")


OF_NAMES = (with_separator, with_json_cells, with_wildcard, with_columns, with_named_columns, with_json_lines, with_parquet_names)
OF_BYTES = (with_parquet_bytes, with_parquet_structs, with_columns_of_bytes)


@pytest.mark.parametrize("declare", [*OF_NAMES, *OF_BYTES])
def test_every_way_to_declare_them_gives_the_same_samples(declare: Callable[[], Entry]) -> None:
    samples, _ = ingested(declare())
    assert samples["photos"].to_pylist() == [[IMAGES[name] for name in FILES[row]] for row in range(N)]
    assert samples.schema.field("photos").type == pa.list_(pa.binary())
    assert samples.schema.field("photos").metadata == {b"modality": b"image", b"files": b"several"}
    if declare in OF_NAMES:
        places = [place["photos"] for place in samples["source"].to_pylist()]
        assert places[2:4] == ["p/2_0.png and 2 more", "p/3_0.png"]


def test_a_file_of_a_sample_is_part_of_the_fingerprint() -> None:
    mine = parsed(with_wildcard())
    before = fingerprint_of("mine", mine)
    assert before["n_files"] == 1 + sum(map(len, FILES.values()))  # the table; not the file of no sample
    Path("p/7_0.png").write_bytes(b"still of no sample")
    assert fingerprint_of("mine", mine) == before
    Path("p/3_1.png").write_bytes(IMAGES["p/0_0.png"])
    assert fingerprint_of("mine", mine)["n_files"] == before["n_files"] + 1


def with_features(mine: Entry, **settings: Any) -> dict[str, Any]:
    """Write a params.yaml whose only data set is `mine`; return it."""
    params = {
        "seed": 1, "datasets": {"mine": mine}, "features": {"mine-photos": {"dataset": "mine", "modality": "image", **settings}},
        "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [1]}},
        "split": {}, "train": {}, "evaluate": {}, "publish": {}, "flow": {},
    }  # fmt: skip
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return params


@pytest.mark.parametrize("declare", [with_separator, with_wildcard, with_parquet_bytes])
def test_the_pooled_features_are_the_mean_of_the_files(declare: Callable[[], Entry]) -> None:
    mine = declare()
    ingested(mine)
    with_features(mine, size=[2, 2], pool="mean")
    featurize.main("mine-photos")
    table, about = read_described(features_path("mine", "photos"), FeaturesMetadata)
    image = component("modalities", "image")
    single = image.featurize(pa.array([IMAGES[name] for name in FILES[1]]), image.settings(size=(2, 2)))
    np.testing.assert_allclose(column_values(table["vector"])[1], column_values(single.columns["vector"]).mean(axis=0), rtol=1e-6)
    assert about.settings["pool"] == "mean" and len(table) == N


def test_series_in_files_of_numbers_are_lists_too() -> None:
    for row in range(N):
        for view in range(2):
            np.save(f"{row}_{view}.npy", np.arange(4.0).reshape(2, 2) + row + view)
    lines("nr", str)
    samples, _ = ingested(entry({}) | {"modalities": {"moves": {"modality": "series", "files": "{nr}_*.npy"}}})
    assert samples["moves"].to_pylist()[4] == [[[4.0, 5.0], [6.0, 7.0]], [[5.0, 6.0], [7.0, 8.0]]]


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize("declare", [with_separator, with_wildcard, with_columns, with_json_lines, with_parquet_bytes])
def test_several_files_without_pool_are_refused_by_check_and_by_featurize(
    declare: Callable[[], Entry], capsys: pytest.CaptureFixture[str]
) -> None:
    mine = declare()
    ingested(mine)
    assert problems(with_features(mine)) == []
    message = r"features\.mine-photos: samples have several files of this modality.*add `pool:` \(mean, max or first\)"
    with pytest.raises(InputError, match=message):
        check.main()
    with pytest.raises(InputError, match=message):
        featurize.main("mine-photos")
    with_features(mine, pool="max")
    check.main()


def test_pool_of_single_files_is_refused() -> None:
    lines("file", lambda row: FILES[row][0])
    mine = entry({"column": "file"})
    ingested(mine)
    with_features(mine, pool="mean")
    for stage in (check.main, lambda: featurize.main("mine-photos")):
        with pytest.raises(InputError, match=r"mine-photos\.pool: each sample has one file, so there is nothing to pool"):
            stage()
    shipped = {"datasets": {"mnist": {"target": "digit", "modalities": ["image"]}},
               "features": {"mnist-image": {"dataset": "mnist", "modality": "image", "pool": "mean"}}}  # fmt: skip
    found = problems({**with_features(mine), **shipped})
    assert len(found) == 1 and "features.mnist-image.pool: each sample has one file" in found[0]


def test_a_sample_lacking_one_of_its_files_is_a_bad_sample() -> None:
    Path("p/4_2.png").unlink()
    mine = with_separator()
    with pytest.raises(InputError, match=r"(?s)1 of 6 samples cannot be read.*'s4': p/4_2\.png: no such file"):
        ingested(mine)
    samples, _ = ingested({**mine, "on_bad_sample": "quarantine", "max_bad_share": 0.2})
    assert samples["sample_id"].to_pylist() == ["s0", "s1", "s2", "s3", "s5"]
    assert read_table(quarantine_path("mine"))["sample_id"].to_pylist() == ["s4"]


def test_a_file_that_is_no_image_makes_its_sample_a_bad_one() -> None:
    Path("p/4_2.png").write_bytes(b"no image")
    mine = {**with_wildcard(), "on_bad_sample": "quarantine", "max_bad_share": 0.2}
    ingested(mine)
    with_features(mine, pool="mean")
    featurize.main("mine-photos")
    bad = read_table(quarantine_path("mine", "photos")).to_pylist()
    assert [row["sample_id"] for row in bad] == ["s4"]
    assert bad[0]["reason"].startswith("p/4_0.png and 2 more: file 2 of 3: not a readable image")


CELLS = [
    ("p/1_0.png;p/1_0.png", r"'s1': p/1_0\.png is named twice in 'photos'"),
    (";", r"'s1': no file is named \('photos' is empty\)"),
    ("", r"'s1': no file is named \('photos' is empty\)"),
    ('"[""p/1_0.png"", 3]"', "expected a JSON list of names"),
    ('"[p/1_0.png]"', "begins like a JSON list, and is none"),
    ("p/1_0.png;../t.csv", r"'s1': \.\./t\.csv: '\.\.' leaves the source's folder"),
]


@pytest.mark.parametrize(("cell", "message"), CELLS)
def test_a_cell_that_names_no_list_of_files_is_a_bad_sample(cell: str, message: str) -> None:
    lines("photos", lambda row: cell if row == 1 else FILES[row][0])
    with pytest.raises(InputError, match=f"(?s)1 of 6 samples cannot be read.*{message}"):
        ingested(entry({"column": "photos", "separator": ";"}))


def test_a_null_in_a_list_is_a_bad_sample() -> None:
    parquet(pa.array([[IMAGES[files[0]], None] if row == 1 else [] if row == 2 else [IMAGES[files[0]]] for row, files in FILES.items()]))
    with pytest.raises(InputError, match=r"(?s)2 of 6.*'s1'.*one of its files is missing \(null\).*'s2'.*the sample has no file"):
        ingested(entry({"column": "photos"}, "t.parquet"))
    parquet(pa.array([[files[0], None] if row == 1 else files for row, files in FILES.items()]))
    with pytest.raises(InputError, match=r"(?s)1 of 6.*'s1'.*a name is missing in the list of 2 files"):
        ingested(entry({"column": "photos"}, "t.parquet"))


def test_several_names_in_a_cell_without_a_separator_are_explained() -> None:
    lines("photos", lambda row: ";".join(FILES[row]))
    with pytest.raises(InputError, match=r"no such file.*; if the cell names several files, declare the mark .*`separator: ';'`"):
        ingested(entry({"column": "photos"}))


def test_a_file_that_fits_two_samples_is_refused() -> None:
    Path("t.csv").write_text("name,kind\n1,a\n1_0,b\n", encoding="utf-8")
    Path("p/1_0_5.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"photos\.files: p/1_0_5\.png fits p/1_\*\.png and p/1_0_\*\.png, so it could be"):
        ingested(entry({"files": "p/{id}_*.png"}))


def test_a_pattern_that_no_file_fits_is_a_bad_sample() -> None:
    for name in FILES[4]:
        Path(name).unlink()
    with pytest.raises(InputError, match=r"(?s)1 of 6 samples.*'s4': p/4_\*\.png: no file of the source's folder fits it"):
        ingested(with_wildcard())


@pytest.mark.parametrize(("part", "message"), [
    ({"files": "p/{nr}*.png"}, r"photos\.files: .*\* is next to a field"),
    ({"files": "p/**.png"}, r"photos\.files: .*\* is next to a field or another"),
    ({"separator": ";"}, r"photos\.separator: only with a `column`"),
    ({"modality": "text", "files": "{nr}_*.txt"}, r"photos\.files: \* stands for several files, .* only of modalities image, audio"),
    ({"modality": "graph", "column": "nr", "separator": ";"}, r"photos\.separator: only for several files"),
    ({"modality": "text", "columns": ["nr"]}, "only modalities table, image, audio, .* have several; text has one `column`"),
    ({"columns": "view*"}, "no column without another role matches"),
    ({"column": "nr", "columns": ["nr"]}, "give one of `column`, `columns`, `files` and `matrix`"),
])  # fmt: skip
def test_a_declaration_that_cannot_work_is_refused(part: Mapping[str, Any], message: str) -> None:
    lines("nr", str)
    with pytest.raises(InputError, match=message):
        ingested(entry(part))


def test_columns_of_other_things_than_files_are_refused() -> None:
    parquet({"a": pa.array(range(N)), "b": pa.array([files[0] for files in FILES.values()])})
    with pytest.raises(InputError, match=r"columns: column 'a' holds int64; expected names of files \(text\) in all of them, or bytes"):
        ingested(entry({"columns": ["a", "b"]}, "t.parquet"))
    with pytest.raises(InputError, match=r"separator: column 'a' holds int64; expected text"):
        ingested(entry({"column": "a", "separator": ";"}, "t.parquet"))


def test_the_files_of_one_sample_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.own_data.sample_values.MAX_FILE_BYTES", 2 * len(IMAGES["p/0_0.png"]))
    with pytest.raises(InputError, match=r"(?s)5 of 6 samples.*'s0': p/0_0\.png and 2 more: \d+ bytes, more than \d+ for the files of one"):
        ingested(with_wildcard())
    assert not samples_path("mine").exists()


@pytest.mark.parametrize(("pattern", "name", "expected"), [
    ("a_*.png", "a_.png", True), ("a_*.png", "a_b/c.png", False), ("a_*.png", "a.png", False), ("*/x", "y/x", True),
    ("a*b*c", "a1b2c", True), ("a*b*c", "ac", False), ("a*b*c", "abbc", True), ("a*bb*bc", "abbbc", True), ("a*bb*bc", "abbc", False),
    ("a*a", "a", False),
    ("x/*_*.p", "x/1_2_3.p", True), ("[a]*", "[a]b", True), ("?*", "ab", False),
])  # fmt: skip
def test_a_star_stands_for_any_text_within_one_part_of_a_path(pattern: str, name: str, expected: bool) -> None:
    assert fits(pattern.replace("*", GAP), name) is expected


def test_names_are_compared_in_their_composed_form_and_values_are_no_patterns() -> None:
    Path("p/e\u0301_1.png").write_bytes(IMAGES["p/0_0.png"])  # decomposed
    Path("p/x*y_1.png").write_bytes(IMAGES["p/0_2.png"])
    Path("p/xzy_1.png").write_bytes(b"of no sample")
    Path("t.csv").write_text("name,kind\n\u00e9,a\nx*y,b\n1,a\n2,b\n", encoding="utf-8")
    samples, _ = ingested(entry({"files": "p/{id}_*.png"}))
    found = dict(zip(samples["sample_id"].to_pylist(), samples["photos"].to_pylist(), strict=True))
    assert found["\u00e9"] == [IMAGES["p/0_0.png"]] and found["x*y"] == [IMAGES["p/0_2.png"]]


# ---------------------------------------------------------------- make new
@pytest.mark.parametrize("declare", [with_separator, with_json_cells, with_json_lines, with_parquet_names, with_parquet_bytes])
def test_make_new_pools_several_files(declare: Callable[[], Entry], capsys: pytest.CaptureFixture[str]) -> None:
    declare()
    Path("params.yaml").write_text((Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    table = next(str(path) for path in Path().glob("t.*"))
    assert new.main(["mine", table, "--target", "kind", "--write"]) == 0
    said = capsys.readouterr().out
    assert "whose features are pooled (pool: mean)" in said and "1 to 3 " in said
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    assert params["features"]["mine-photo"] == {"dataset": "mine", "modality": "image", "pool": "mean"}
    samples, _ = ingested(params["datasets"]["mine"])
    assert samples["photo"].to_pylist() == [[IMAGES[name] for name in FILES[row]] for row in range(N)]


def test_make_new_counts_the_samples_that_lack_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with_separator()
    Path("p/4_2.png").unlink()  # one of three
    Path("p/3_0.png").unlink()  # the only one
    Path("params.yaml").write_text((Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert new.main(["mine", "t.csv", "--target", "kind"]) == 0
    assert capsys.readouterr().out.startswith("# 4 rows kept, 2 ignored (1 with a photo that cannot be read, 1 without photo)\n")


def test_texts_with_marks_are_no_lists_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    lines("note", lambda row: f"[see; a{row}.png; and what is written about it {row}]")
    Path("params.yaml").write_text((Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert new.main(["mine", "t.csv", "--target", "kind"]) == 0
    assert "{modality: text, column: note}" in capsys.readouterr().out
