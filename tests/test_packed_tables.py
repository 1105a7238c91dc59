"""Tables in compressed files and in JSON: the samples are those of the plain file; what is damaged, or a bomb, is one error, soon."""

import bz2
import gzip
import io
import json
import lzma
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from own_entries import ingested, parsed
from ruamel.yaml import YAML

from pipelines.new import main
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data import unpacked
from stages.own_data.roles import open_source
from stages.own_data.unpacked import table_ending

ROOT = Path(__file__).parents[1]
ROWS = [{"kind": ("cat", "dog")[i % 2], "words": f"größe {i} of a thing", "price": i / 2, "sold": i % 3 == 0} for i in range(40)]
CSV = "\n".join(";".join(map(str, row)) for row in [list(ROWS[0]), *(row.values() for row in ROWS)])


def zipped(content: bytes, *more: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("__MACOSX/._t.csv", "t.csv", *more):
            archive.writestr(name, content)
    return file.getvalue()


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: bytes(pa.compress(content, codec="zstd", asbytes=True)),
    ".zip": zipped,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry(path: str, **source: Any) -> dict[str, Any]:
    return {"source": {"table": path, **source}, "target": {"column": "kind", "task": "binary"},
            "modalities": {"words": {"modality": "text", "column": "words"}, "facts": {"modality": "table"}}}  # fmt: skip


def samples(path: str, **source: Any) -> pa.Table:
    return ingested(entry(path, **source))[0].drop_columns(["source"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", PACK)
def test_a_compressed_table_is_the_plain_one(folder: Path, ending: str, encoding: str) -> None:
    settings = {"delimiter": ";"} | ({"encoding": encoding} if encoding == "cp1252" else {})
    raw = CSV.encode(encoding)
    (folder / "plain.csv").write_bytes(raw)
    (folder / f"t.csv{ending}").write_bytes(PACK[ending](raw))
    (folder / "misnamed.csv").write_bytes(PACK[ending](raw))
    expected = samples("plain.csv", **settings)
    assert expected["words"][3].as_py() == "größe 3 of a thing"
    assert samples(f"t.csv{ending}", **settings).equals(expected) and samples("misnamed.csv", **settings).equals(expected)
    lines = "\n".join(json.dumps(row) for row in ROWS).encode()
    (folder / f"t.jsonl{ending}").write_bytes(PACK[ending](lines))
    assert samples(f"t.jsonl{ending}")["words"].equals(expected["words"])


def test_a_file_of_blocks_may_be_compressed(folder: Path) -> None:
    blocks = {"target": {"column": "label", "task": "binary"}, "modalities": {"force": {"modality": "series"}}}
    text = "".join(f"{'ab'[i % 2]}\n{i} 1\n{i} 2\n\n" for i in range(6))
    (folder / "b.data").write_text(text)
    (folder / "b.data.xz").write_bytes(lzma.compress(text.encode()))
    plain, packed = (ingested({"source": {"blocks": name}, **blocks})[0].drop_columns(["source"]) for name in ("b.data", "b.data.xz"))
    assert packed.equals(plain) and len(plain) == 6


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_several_compressed_parts_in_one_file_are_one_text(folder: Path, ending: str) -> None:
    raw = CSV.encode()
    (folder / "plain.csv").write_bytes(raw)
    (folder / f"t.csv{ending}").write_bytes(PACK[ending](raw[:100]) + PACK[ending](raw[100:]) + (bytes(8) if ending == ".xz" else b""))
    assert samples(f"t.csv{ending}", delimiter=";").equals(samples("plain.csv", delimiter=";"))


@pytest.mark.parametrize("ending", PACK)
def test_a_damaged_or_cut_off_file_is_one_error(folder: Path, ending: str) -> None:
    whole = PACK[ending]((CSV + "\n" + "".join(f"cat;{i * 7919} words;{i};False\n" for i in range(5000))).encode())
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0x55
    no_checksum = ending == ".zst"  # as Arrow writes it
    for content in (whole[: len(whole) // 2], whole[:-3] if ending != ".zip" else whole[:-30], *([] if no_checksum else [bytes(damaged)])):
        (folder / f"t.csv{ending}").write_bytes(content)
        with pytest.raises(InputError, match=rf"^t\.csv\{ending}: cannot be unpacked \(.+\); it is damaged, cut off or encrypted"):
            open_source("mine", parsed(entry(f"t.csv{ending}", delimiter=";")))


@pytest.mark.parametrize("ending", PACK)
def test_a_bomb_is_refused_soon_and_in_little_memory(folder: Path, ending: str) -> None:
    n_bytes = 2**28 if ending == ".gz" else 2**27
    (folder / f"t.csv{ending}").write_bytes(PACK[ending](bytes(n_bytes)))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError, match=r"unpacks to more than [\d,]{10,11} bytes .* if that is right, unpack it and name the file"):
        open_source("mine", parsed(entry(f"t.csv{ending}")))
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB: 1 GiB


def test_an_xz_file_that_needs_much_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "XZ_MEMORY_BYTES", 2**20)
    (folder / "t.csv.xz").write_bytes(lzma.compress(CSV.encode()))
    with pytest.raises(InputError, match=r"cannot be unpacked \(Memory usage limit exceeded\)"):
        open_source("mine", parsed(entry("t.csv.xz")))


def test_an_archive_of_several_files_is_no_table_and_parquet_is_not_packed_twice(folder: Path) -> None:
    (folder / "t.csv.zip").write_bytes(zipped(CSV.encode(), "u.csv"))
    with pytest.raises(InputError, match=r"t\.csv\.zip: holds 2 files \(t\.csv, u\.csv\), and a table is one"):
        open_source("mine", parsed(entry("t.csv.zip")))
    (folder / "t.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(InputError, match=r"t\.parquet\.gz: \.parquet files are compressed inside, and read in pieces; unpack it"):
        open_source("mine", parsed(entry("t.parquet.gz")))


@pytest.mark.parametrize(("name", "ending"), [("a.CSV.GZ", ".csv"), ("a.b.csv", ".csv"), ("a.gz", ".gz"), ("x.json.xz", ".json")])
def test_the_ending_of_a_table_is_that_before_the_compression(name: str, ending: str) -> None:
    assert table_ending(Path(name)) == ending


@pytest.mark.parametrize("name", ["t.csv.gz", "t.json", "t.json.bz2"])
def test_new_proposes_what_it_proposes_for_the_plain_table(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (folder / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "t.csv").write_bytes(CSV.encode("cp1252"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(CSV.encode("cp1252")))
    (folder / "t.json").write_text(json.dumps(ROWS), encoding="utf-8")
    (folder / "t.json.bz2").write_bytes(bz2.compress(json.dumps(ROWS).encode()))
    found = {}
    for path in ("t.csv", name):
        assert main(["mine", path]) == 0
        found[path] = YAML(typ="safe").load(capsys.readouterr().out.split("\n\n")[0])["datasets"]["mine"]
    written = {} if "json" in name else {"delimiter": ";", "encoding": "cp1252"}
    assert found[name] == found["t.csv"] | {"source": {"table": name} | written} and found["t.csv"]["target"]["column"] == "kind"


# ---------------------------------------------------------------- JSON
@pytest.mark.parametrize("document", [
    ROWS, {"data": ROWS}, {"version": 1, "rows": ROWS, "about": {"by": "me"}}, {key: [row[key] for row in ROWS] for key in ROWS[0]},
])  # fmt: skip
@pytest.mark.parametrize("indent", [None, 1])
def test_a_json_file_is_read_as_json_lines_are(folder: Path, document: Any, indent: int | None) -> None:
    (folder / "t.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    (folder / "t.json").write_text(f" {json.dumps(document, indent=indent)}\n", encoding="utf-8")
    found = samples("t.json")
    assert found.equals(samples("t.jsonl")) and found["facts"][3].as_py() == {"price": 1.5, "sold": True}
    assert open_source("mine", parsed(entry("t.json"))).where(4) == "element 5 of t.json"


@pytest.mark.parametrize(("text", "message"), [
    ("", "the file is empty; expected a list of objects"),
    ("[]", "the file is empty; expected a JSON object per element"),
    ('[{"kind": "a"}, 3]', r"element 2: is a number \(3\); expected a list of objects"),
    ('[{"kind": "a"},\n {"kind": }]', "element 2: line 2: Expecting value"),
    ('[{"kind": "a"} {"kind": "b"}]', r"after element 1 \(line 1\): expected ',' or '\]', found '{"),
    ('[{"kind": "a"}', "after element 1 .*: expected ',' or ']', found the end of the file: is it cut off"),
    ('[{"kind": "a"}, {"kind": "b', "element 2: line 1: Unterminated string"),
    ('[{"kind": "a"},', r"element 2: line 1: Expecting value; is the file cut off\?"),
    ('[{"kind": "a"}, {"kind": 2}]', "element 2: 'kind' is a number here but a text in element 1; make them one kind"),
    ('[{"kind": "a", "kind": "b"}]', "element 1: a key occurs twice"),
    ('{"kind": "a"}\n{"kind": "b"}\n', "line 2: the JSON ends before .* if each line is an object, call the file .jsonl"),
    ('{"train": [{"kind": "a"}], "test": [{"kind": "b"}]}', r"an object of 2 keys \(train: a list, test: a list\), of which"),
    ('{"kind": {"0": "a"}}', r"an object of 1 keys \(kind: an object\), .*orient='records'"),
    ('{"kind": ["a", "b"], "words": ["c"]}', "an object of 2 keys"),
    ('"text"', "holds '\"text\"'; expected a list of objects"),
    ("[" * 100000, "element 1: nested too deeply"),
    ('[{"kind": 1e400000}, {"kind": ' + "9" * 5000 + "}]", "element 2: an integer of 5,000 digits; expected at most 100"),
])  # fmt: skip
def test_json_that_is_no_table_is_named_with_its_element(folder: Path, text: str, message: str) -> None:
    (folder / "t.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"^t\.json: {message}"):
        open_source("mine", parsed(entry("t.json")))


def test_a_json_file_beyond_the_limit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.own_data.json_file.MAX_CHARACTERS", 100)
    (folder / "t.json").write_text(json.dumps(ROWS, indent=1), encoding="utf-8")
    with pytest.raises(InputError, match=r"more than 100 characters, which are read as a whole; save it as JSON lines"):
        open_source("mine", parsed(entry("t.json")))
