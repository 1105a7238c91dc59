"""What `make new` makes of columns: vectors, wide tables, groups by their names, and what a person declares instead."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from pipelines.new import main
from stages.foundation.params_file import PARAMS, parse
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.column_names import is_group, is_identifier, is_target, words
from stages.own_data.roles import find_modalities, open_source

ROOT = Path(__file__).parents[1]
N = 40
KIND = [f"{'ab'[row % 2]}" for row in range(N)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def proposed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the entry that is proposed, its features, and all that is printed."""
    status = main(["mine", *arguments])
    told = capsys.readouterr()
    assert status == 0, told.err
    lines = YAML(typ="safe").load(told.out.split("\n\n")[0])
    return lines["datasets"]["mine"], lines["features"], told.out


def fields_of(entry: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    read = parse(entry, "datasets.mine", DataSetEntry)
    return {part.name: part.fields for part in find_modalities("mine", read, open_source("mine", read))}


def write_csv(path: str = "t.csv", **columns: Sequence[Any]) -> None:
    rows = zip(*columns.values(), strict=True)
    Path(path).write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")


def noise(n_columns: int, spread: Any = 1.0) -> np.ndarray:
    return (np.random.default_rng(1).standard_normal((n_columns, N)) * spread).round(4)


# ---------------------------------------------------------------- vectors
def test_numbered_columns_are_one_vector_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(price=[row / 3 for row in range(N)], **{f"emb_{i}": values for i, values in enumerate(noise(20))}, kind=KIND)
    entry, features, text = proposed(capsys, "t.csv")
    assert entry["modalities"] == {"vector": {"modality": "vector", "columns": "emb_*"},
                                   "facts": {"modality": "table", "columns": ["price"]}}  # fmt: skip
    assert features["mine-vector"] == {"dataset": "mine", "modality": "vector"}
    assert "20 columns of numbers, emb_0 … emb_19" in text
    assert fields_of(entry)["vector"] == tuple(f"emb_{i}" for i in range(20))


def test_a_pattern_takes_no_other_column_of_the_stem(capsys: pytest.CaptureFixture[str]) -> None:
    columns = {f"f{i + 1}": values for i, values in enumerate(noise(16))}
    write_csv(firm=[f"x{row % 3}" for row in range(N)], **columns, kind=KIND)
    entry, _, _ = proposed(capsys, "t.csv")
    assert entry["modalities"]["vector"]["columns"] == "f[0-9]*"
    assert fields_of(entry) == {"vector": tuple(columns), "facts": ("firm",)}


def test_numbers_of_different_spread_are_standardized(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(**{f"f{i}": values for i, values in enumerate(noise(16, 10.0 ** np.arange(-8, 8)[:, None]) + 0)}, kind=KIND)
    _, features, text = proposed(capsys, "t.csv")
    assert features["mine-vector"] == {"dataset": "mine", "modality": "vector", "standardize": True}
    assert "standardized, as their standard deviations differ" in text


@pytest.mark.parametrize(("n_columns", "cell", "reason"), [
    (15, None, ""), (16, "", "f0 … f15: columns of the table, not a vector, as 1 of them have missing cells"),
    (17, "red", "f0 … f16: columns of the table, not a vector, as 1 of them are no numbers"),
])  # fmt: skip
def test_few_columns_or_gaps_stay_a_table(capsys: pytest.CaptureFixture[str], n_columns: int, cell: str | None, reason: str) -> None:
    columns: dict[str, list[Any]] = {f"f{i}": values.tolist() for i, values in enumerate(noise(n_columns))}
    if cell is not None:
        columns["f3"] = [cell, *columns["f3"][1:]] if cell == "" else [cell, "blue"] * (N // 2)
    write_csv(**columns, kind=KIND)
    entry, _, text = proposed(capsys, "t.csv", "--target", "kind")
    assert entry["modalities"] == {"facts": {"modality": "table", "columns": list(columns)}} and reason in text


LISTS: dict[str, tuple[str, Any, str, str]] = {
    "equal lengths": ("emb", [[1.0, 2.0, 3.0]] * N, "vector", "3 numbers in each row, as in an embedding"),
    "with a gap": ("emb", [None, *[[1.0, 2.0]] * (N - 1)], "vector", "2 numbers in each row"),
    "other lengths": ("emb", [[1.0] * (row % 3 + 1) for row in range(N)], "series", "lists of numbers of different lengths, 1 to 3"),
    "over time": ("ecgSignal", [[1.0, 2.0, 3.0]] * N, "series", "named like a measurement over time"),
    "sparse": ("terms", [{"indices": [row % 5], "values": [1.0]} for row in range(N)], "vector", "objects of indices and values"),
}


@pytest.mark.parametrize("what", LISTS)
def test_lists_of_one_length_are_vectors_unless_they_are_over_time(capsys: pytest.CaptureFixture[str], what: str) -> None:
    name, values, modality, reason = LISTS[what]
    pq.write_table(pa.table({name: values, "kind": KIND}), "t.parquet")
    entry, _, text = proposed(capsys, "t.parquet")
    assert entry["modalities"] == {modality: {"modality": modality, "column": name}} and reason in text


@pytest.mark.parametrize(("lengths", "modality"), [([5], "vector"), ([5, 6], "series")])
def test_files_of_one_axis_are_vectors_if_all_are_of_one_length(
    capsys: pytest.CaptureFixture[str], lengths: list[int], modality: str
) -> None:
    for kind in "ab":
        Path("arrays", kind).mkdir(parents=True)
        for i in range(4):
            np.save(f"arrays/{kind}/{i}.npy", np.ones(lengths[i % len(lengths)]))
    assert [part["modality"] for part in proposed(capsys, "arrays")[0]["modalities"].values()] == [modality]


def test_a_wide_table_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{first}{second}" for first in "abcdefg" for second in "stuvwx"]
    columns = dict(zip(names, noise(len(names)), strict=True))
    write_csv(**columns, kind=KIND)
    entry, _, text = proposed(capsys, "t.csv")
    assert entry["modalities"] == {"facts": {"modality": "table"}} and "42 columns, all that have no other role" in text
    write_csv(code_id=range(N), **columns, empty=[""] * N, kind=KIND)
    entry, _, text = proposed(capsys, "t.csv")
    assert entry["modalities"] == {"facts": {"modality": "table", "without": ["code_id", "empty"]}}
    assert fields_of(entry)["facts"] == tuple(names)
    assert "code_id is not used: it is an identifier of the rows" in text and "empty is not used: it is empty" in text


# ---------------------------------------------------------------- groups
@pytest.mark.parametrize("name", [
    "individual id", "IndividualID", "subj", "pid", "patient_nr", "animal", "mouse", "specimen", "house", "store", "site", "plate", "video",
    "clip", "scene", "trial", "PatientID", "subjectid", "speaker_name", "Users", "sensor no", "mouseNumber", "patient",
])  # fmt: skip
def test_names_of_groups(name: str) -> None:
    assert is_group(name)


@pytest.mark.parametrize("name", [
    "price", "house_price", "id", "sample_id", "storey", "situation", "trial duration", "x", "", "videos_seen",
])  # fmt: skip
def test_names_of_no_groups(name: str) -> None:
    assert not is_group(name)


def test_names_are_split_into_words() -> None:
    assert words("IndividualID") == ["individual", "id"] and words("patient_nr 2") == ["patient", "nr", "2"]
    assert words("UserIDs") == ["user", "ids"]
    assert words("HTMLPage") == ["html", "page"] and words("größeMax") == ["größe", "max"]
    assert is_identifier("rowID") and is_identifier("Unnamed: 0") and not is_identifier("paid")
    assert is_target("Label") and is_target("classes") and not is_target("class size")


def test_the_first_group_is_used_and_others_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(IndividualID=[f"i{row % 8}" for row in range(N)], house=[f"h{row % 6}" for row in range(N)],
              site=[f"s{row % 2}" for row in range(N)], pid=[f"p{row}" for row in range(N)], plate=["x", "", *["y"] * (N - 2)],
              patient=[f"q{row % 2}{row % 3}" for row in range(N)], trial=[f"{row % 5}.{row % 7}" for row in range(N)],
              kind=[KIND[row] for row in range(N)])  # fmt: skip
    entry, _, text = proposed(capsys, "t.csv")
    assert entry["group"] == "IndividualID"
    assert "    # or: group: house  (6 values in 40 rows)" in text
    assert "    # or: group: site, with fewer folds: 2 values, and `split.n_splits` is 5" in text
    assert "    # or: group: plate, once it is filled in: 1 rows have none" in text
    assert "group: pid" not in text and "pid is not used: nearly every value differs" in text
    assert "group: trial" not in text, "numbers with decimals name nothing"


def test_a_group_that_decides_the_class_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(x=range(N), mouse=[f"m{row % 6}" for row in range(N)], kind=["abc"[row % 3] for row in range(N)])
    entry, _, text = proposed(capsys, "t.csv", "--target", "kind")
    assert "group" not in entry
    assert "# or: group: mouse, with other classes: class 'a' is in 2 of its groups, and folds need 3" in text
    assert proposed(capsys, "t.csv", "--target", "kind", "--group", "mouse")[0]["group"] == "mouse", "a person decides"


# ---------------------------------------------------------------- what is declared
def test_declared_types_marks_and_encoding_are_used_and_written(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(zone=[10 + row % 4 for row in range(N)], size=["?" if row % 5 == 0 else row / 2 for row in range(N)],
              price=["null" if row == 3 else row for row in range(N)], kind=KIND)  # fmt: skip
    assert proposed(capsys, "t.csv", "--target", "zone")[0]["target"]["task"] == "multiclass"
    entry, _, text = proposed(capsys, "t.csv", "--types", "zone=text", "--missing", "?", "x", "--encoding", "latin-1", "--target", "size")
    assert entry["source"] == {"table": "t.csv", "encoding": "latin-1", "missing": ["?", "x", "null"], "types": {"zone": "text"}}
    assert entry["target"] == {"column": "size", "task": "regression"} and "8 without a target in 'size'" in text.splitlines()[0]


def test_a_declared_task_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(stars=[row % 5 for row in range(N)], x=range(N), tag=["p;q" if row == 1 else "pq"[row % 2] for row in range(N)])
    assert proposed(capsys, "t.csv", "--target", "stars")[0]["target"]["task"] == "multiclass"
    assert proposed(capsys, "t.csv", "--target", "stars", "--task", "regression")[0]["target"] == {"column": "stars", "task": "regression"}
    entry = proposed(capsys, "t.csv", "--target", "tag", "--task", "multilabel")[0]
    assert entry["target"] == {"column": "tag", "task": "multilabel"}


def test_a_declared_pattern_of_file_names(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("cat", "dog"):
        for who in range(6):
            path = Path("scans", f"v{who}", f"{kind}-{who}{'.PNG' if who else '.jpg'}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    entry, _, _ = proposed(capsys, "scans", "--label", "{visit}/{animal}-{n}.{ending}", "--target", "animal", "--group", "n")
    assert entry["source"]["label"] == "{visit}/{animal}-{n}.{ending}" and entry["group"] == "n"
    assert entry["target"] == {"column": "animal", "task": "binary"}
    read = parse(entry, "datasets.mine", DataSetEntry)
    assert len(open_source("mine", read).ids) == 12


WRONG: dict[str, tuple[list[str], str]] = {
    "type": (["t.csv", "--types", "x=numbr"], "COLUMN=TYPE with a type of number, truth, date, text, found 'x=numbr' (did you mean"),
    "no type": (["t.csv", "--types", "x"], "found 'x'"),
    "column of a type": (["t.csv", "--types", "y=text"], "t.csv has no column 'y'; there are: x, kind"),
    "task": (["t.csv", "--task", "multi"], "--task: no task 'multi'"),
    "binary": (["t.csv", "--target", "x", "--task", "binary"], "--task binary: column 'x' has 40 different values; expected two"),
    "regression": (["t.csv", "--target", "kind", "--task", "regression"], "column 'kind' holds cells that are no numbers"),
    "encoding": (["t.csv", "--encoding", "latin1-x"], "--encoding: no encoding 'latin1-x'"),
    "group": (["t.csv", "--group", "patient"], "--group: t.csv has no column 'patient'; there are: x, kind"),
    "label of a table": (["t.csv", "--label", "{a}"], "--label: t.csv is not a folder"),
    "label": (["photos", "--label", "{a}_{b}.png"], "--label: 2 of 2 files do not fit label '{a}_{b}.png'"),
    "brace": (["photos", "--label", "{a"], "--label: {a: a brace is not closed"),
    "field": (["photos", "--label", "{a}/{b}.png", "--target", "c"], "names of files have the fields a, b, not 'c'"),
    "types of a folder": (["photos", "--types", "a=text"], "photos: --types and --missing are for tables"),
    "blocks": (["b.data", "--target", "x"], "--target: b.data is a file of blocks"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_declaration_is_one_error(capsys: pytest.CaptureFixture[str], what: str) -> None:
    write_csv(x=range(N), kind=KIND)
    for name in ("a/1.png", "b/1.png"):
        Path("photos", name).parent.mkdir(parents=True)
        Path("photos", name).write_bytes(b"x")
    Path("b.data").write_text("ok\n1 2\n\nno\n1 2\n", encoding="utf-8")
    arguments, message = WRONG[what]
    assert main(["mine", *arguments, "--write"]) == 1
    told = capsys.readouterr()
    assert message in told.err and told.err.startswith("error: ") and told.out == ""


# ---------------------------------------------------------------- names with marks of the shell
PATHS = ["my file.csv", "O'Brien.csv", 'the "best".csv', "a(1) [2]{3}.csv", "-dash.csv", "a;b&c|d#e!.csv", "ü €.csv"]


@pytest.mark.parametrize("name", PATHS)
def test_any_path_is_proposed_as_it_is(capsys: pytest.CaptureFixture[str], folder: Path, name: str) -> None:
    write_csv(f"./{name}", x=range(N), kind=KIND)
    path = f"./{name}" if name.startswith("-") else name
    entry, _, _ = proposed(capsys, path)
    assert entry["source"] == {"table": path} and len(open_source("mine", parse(entry, "datasets.mine", DataSetEntry)).ids) == N


@pytest.mark.parametrize(("name", "hint"), [
    ("my data", "such as my_data"), ("it's", "such as it_s"), ("2nd", "such as nd"), ("[]", "a letter first\n"),
])  # fmt: skip
def test_a_name_that_cannot_be_is_refused_with_one_that_can(capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    assert main([name, "t.csv"]) == 1
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["mine", "data/raw/my", "file.csv"], ["mine", "-file.csv"], ["mine"]])
def test_a_path_that_the_shell_has_split_is_refused_with_the_way_out(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    told = capsys.readouterr().err
    assert "make new ARGS=\"mine 'data/raw/my file.csv'\"" in told and "./-file.csv" in told


@pytest.mark.parametrize("name", ["my file.csv", "O'Brien (2).csv", 'the "best" [1];&.csv'])
def test_make_takes_any_path_by_itself(folder: Path, name: str) -> None:
    write_csv(name, x=range(N), kind=KIND)
    command = ["make", "-o", ".venv/.locked", "new", "NAME=mine", f"DATA={folder / name}", "ARGS=--target kind"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = YAML(typ="safe").load(ran.stdout.split("\n\n")[0])
    assert lines["datasets"]["mine"]["source"] == {"table": str(folder / name)}
