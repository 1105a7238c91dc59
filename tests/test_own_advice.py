"""What is said of own data beyond errors: what to look at again, and where a sample that cannot be read is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages import check, featurize, ingest
from stages.checking.check_data_sets import check_own
from stages.contracts.paths import quarantine_path, samples_path
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.foundation.tables import read_table
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.advice import advice
from stages.own_data.roles import open_source

Entry = dict[str, Any]
N = 24
FACTS: Entry = {"facts": {"modality": "table", "columns": ["it", "size"]}}
PHOTO: Entry = {"photo": {"modality": "image", "column": "it"}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry_of(it: Callable[[int], Any], modalities: Entry, **more: Any) -> Entry:
    """Return an entry for a table with column `it`, size and label, written."""
    rows = [f"{it(i)},{i / 2},{'ab'[i % 2]}" for i in range(N)]
    Path("t.csv").write_text("\n".join([f"{more.pop('called', 'it')},size,label", *rows]) + "\n", encoding="utf-8")
    target = {"column": "label", "task": "binary"}
    return {"source": {"table": "t.csv"}, "target": target, "modalities": modalities, "group": "label", **more}


def said(entry: Entry) -> list[str]:
    parsed: DataSetEntry = parse(entry, "datasets.mine", DataSetEntry)
    check_own("mine", parsed)
    return advice("mine", parsed, open_source("mine", parsed))


def test_a_data_set_without_group_is_told_once() -> None:
    entry = entry_of(lambda i: i % 5, FACTS)
    assert said(entry) == []
    del entry["group"]
    assert len(said(entry)) == 1 and "datasets.mine declares no `group`" in said(entry)[0]


@pytest.mark.parametrize(("it", "words"), [
    (lambda i: 1000 + 7 * i, "column 'it' holds a different whole number in every row, as an identifier does"),
    (lambda i: "", "column 'it' is empty"),
    (lambda i: i + 0.5, None),
    (lambda i: i // 2, None),
    (lambda i: f"no {i}", None),
])  # fmt: skip
def test_a_column_that_should_perhaps_not_be_learned_from_is_named(it: Callable[[int], Any], words: str | None) -> None:
    found = said(entry_of(it, FACTS))
    assert (len(found) == 1 and f"note: datasets.mine.modalities.facts: {words}" in found[0]) if words else found == []


def test_a_column_called_like_a_group_is_named_where_no_group_is() -> None:
    facts = {"facts": {"modality": "table", "columns": ["patient_id", "size"]}}
    entry = entry_of(lambda i: i // 4, facts, called="patient_id")
    assert said(entry) == []
    del entry["group"]
    assert "column 'patient_id' is a feature. If it names who" in said(entry)[1]


@pytest.mark.parametrize(("separator", "n"), [(";", 1), ("|", 0)])
def test_labels_that_are_never_parted_are_told(separator: str, n: int) -> None:
    facts = {"facts": {"modality": "table", "columns": ["size"]}}
    target = {"column": "it", "task": "multilabel", "separator": separator}
    found = said(entry_of(lambda i: "red|round", facts, target=target))
    assert len(found) == n and all("no value of column 'it' holds the separator ';'" in line for line in found)


@pytest.mark.parametrize(("endings", "words"), [
    ([".png", ".jpg"], None),
    ([".png", ".txt"], "1 of 4 files end in .txt, which is not usual for image (such as b/3.txt). If they are not samples: `ignore: "),
    ([".wav", ".wav"], "4 of 4 files end in .wav, which is not usual for image (such as a/0.wav). Is it another modality?"),
])  # fmt: skip
def test_files_with_endings_of_another_kind_are_told(folder: Path, endings: list[str], words: str | None) -> None:
    for i in range(4):
        path = folder / "raw" / "ab"[i % 2] / f"{i}{endings[i == 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = said({"source": {"folder": "raw"}, "modalities": {"photo": {"modality": "image"}}, "group": "folder"})
    assert (len(found) == 1 and words in found[0]) if words else found == []


# ---------------------------------------------------------------- where a sample is
def write_params(entries: dict[str, Entry]) -> None:
    features = {f"{name}-{label}": {"dataset": name, "modality": part["modality"]}
                for name, entry in entries.items() for label, part in entry["modalities"].items()}  # fmt: skip
    params = {"seed": 1, "datasets": entries, "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [1]}}, "features": features}
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params | {name: {} for name in ("split", "train", "evaluate", "publish", "flow")}, file)


def run(entry: Entry) -> None:
    """Run the stages up to featurize, without the group, which is the label."""
    write_params({"mine": {key: value for key, value in entry.items() if key != "group"}})
    check.main()
    ingest.main("mine")
    for label in entry["modalities"]:
        featurize.main(f"mine-{label}")


def test_a_file_that_is_no_picture_is_named_and_so_is_the_row_of_an_empty_cell(folder: Path) -> None:
    for i in range(N):
        (folder / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"mine: photo: 24 of 24 samples cannot be read; if the files are (.|\n)*'0005': 4\.png: not a"):
        run(entry_of(lambda i: f"{i}.png", PHOTO))
    assert read_table(samples_path("mine"))["source"][4].as_py() == {"photo": "4.png"}
    words = {"words": {"modality": "text", "column": "it"}}
    with pytest.raises(InputError, match=r"mine: 1 of 24 samples (.|\n)*sample '0008': column 'it' is empty, line 9 of t\.csv; it has"):
        run(entry_of(lambda i: "" if i == 7 else f"word {i}", words))


@pytest.mark.parametrize("cell", [",5", None])
def test_data_that_cannot_be_read_stop_their_own_data_set_alone(cell: str | None, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check goes on with the others, and ingest gives the reason; a single data set stops at the check."""
    (folder / "other.csv").write_text("label,size\n" + "".join(f"{'ab'[i % 2]},{i}\n" for i in range(N)), encoding="utf-8")
    bad = "label,size\n" + "".join(f"{'ab'[i % 2]},\"{i}{cell}\"\n" for i in range(N))
    if cell:
        (folder / "mine.csv").write_text(bad, encoding="utf-8")
    entries = {name: {"source": {"table": f"{name}.csv"}, "target": {"column": "label", "task": "binary"},
                      "modalities": {"facts": {"modality": "table", "columns": ["size"]}}} for name in ("mine", "other")}  # fmt: skip
    write_params(entries)
    check.main()
    reason = "add `decimal" if cell else "no such file"
    assert reason in capsys.readouterr().err
    ingest.main("other")
    with pytest.raises(InputError, match=reason):
        ingest.main("mine")
    write_params({"mine": entries["mine"]})
    with pytest.raises(InputError, match=reason):
        check.main()


def test_the_quarantine_says_it_too() -> None:
    policy = {"on_bad_sample": "quarantine", "max_bad_share": 0.2}
    run(entry_of(lambda i: "" if i == 7 else f"word {i}", {"words": {"modality": "text", "column": "it"}}, **policy))
    reasons = read_table(quarantine_path("mine")).to_pylist()
    why = "column 'it' is empty, line 9 of t.csv; it has none of the modalities words"
    assert reasons == [{"sample_id": "0008", "reason": why}]


@pytest.mark.parametrize(("it", "target", "message"), [
    (lambda i: "abc"[i % 3], {"task": "regression"}, r"datasets\.mine: column 'it' holds no number \(such as 'a'\); expected numbers"),
    (lambda i: i, {"task": "multiclass"}, r"class '0' has one sample \(24 such\); .*; or, if these are numbers, use task regression"),
    (lambda i: f'"{i},5"', {"task": "regression"}, r"line 2 of t\.csv: expected a number, found '0,5'; 24 of 24 cells are numbers such"),
])  # fmt: skip
def test_a_target_of_the_wrong_task_is_answered_with_the_right_one(it: Callable[[int], Any], target: Entry, message: str) -> None:
    facts = {"facts": {"modality": "table", "columns": ["size"]}}
    with pytest.raises(InputError, match=message):
        run(entry_of(it, facts, target={"column": "it", **target}))


def test_a_table_given_for_a_folder_and_the_other_way_round(folder: Path) -> None:
    with pytest.raises(InputError, match=r"source\.table: \.: is not a file; name a file in it, or write `folder: …`"):
        run(entry_of(lambda i: i, FACTS, source={"table": "."}))
    with pytest.raises(InputError, match=r"source\.folder: t\.csv: is not a folder; write `table: …` if its rows are the samples"):
        run(entry_of(lambda i: i, FACTS, source={"folder": "t.csv"}))
    with pytest.raises(InputError, match=r"source\.folder: gone: no such folder; name a folder"):
        run(entry_of(lambda i: i, FACTS, source={"folder": "gone"}))
