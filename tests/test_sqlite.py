"""A database as a source: rows, types and bytes as of other tables; a query that does more than read, or does not end, is refused."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_entries import ingested, parsed
from ruamel.yaml import YAML
from toy_columns import png

from pipelines.new import main
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.roles import open_source
from stages.own_data.sources import sqlite as sqlite_source

ROOT = Path(__file__).parents[1]
ROWS: list[dict[str, Any]] = [
    {"kind": "ab"[i % 2], "count": i, "price": None if i == 3 else i / 4, "words": f"größe {i} of a thing",
     "photo": png(np.full((4, 4, 3), (i, 9, 200), np.uint8))}
    for i in range(12)
]  # fmt: skip
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n)"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Make a database and work in its folder."""
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("d.db")) as opened:
        opened.execute("create table things (kind text, count integer, price real, words text, photo blob)")
        opened.executemany("insert into things values (:kind, :count, :price, :words, :photo)", ROWS)
        opened.execute('create table "two words" (kind text)')
        opened.commit()
        yield opened


def entry(query: str = "select * from things order by count", **source: Any) -> dict[str, Any]:
    modalities = {"photo": {"modality": "image", "column": "photo"}, "words": {"modality": "text", "column": "words"},
                  "facts": {"modality": "table", "columns": ["count", "price"]}}  # fmt: skip
    target = {"column": "kind", "task": "binary"}
    return {"source": {"sqlite": "d.db", "query": query, **source}, "target": target, "modalities": modalities}


def test_a_query_gives_the_samples_of_a_table(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), "t.parquet")
    before = Path("d.db").read_bytes()
    found, about = ingested(entry())
    expected = ingested({**entry(), "source": {"table": "t.parquet"}})[0]
    assert found.drop_columns(["source"]).equals(expected.drop_columns(["source"]))
    assert found["facts"][3].as_py() == {"count": 3, "price": None} and found["photo"][1].as_py() == ROWS[1]["photo"]
    assert found["source"][0].as_py()["words"] == "row 1 of the query on d.db"
    assert about["sources"][0]["n_bytes"] == len(before) and Path("d.db").read_bytes() == before
    assert {path.name for path in tmp_path.glob("d.db*")} == {"d.db"}


def test_rows_are_those_of_the_query() -> None:
    rows = open_source("mine", parsed(entry("select upper(kind) as kind, count * 2 as n from things where count > 8 order by count desc")))
    assert rows.read(["kind", "n"], None).to_pylist() == [{"kind": "B", "n": 22}, {"kind": "A", "n": 20}, {"kind": "B", "n": 18}]
    assert rows.types == {"kind": pa.string(), "n": pa.int64()} and len(rows.ids) == 3
    rows = open_source("mine", parsed(entry("select kind, case when count < 5 then count else 'x' end as count from things",
                                            types={"count": "text"})))  # fmt: skip
    assert rows.read(["count"], np.array([4, 5]))["count"].to_pylist() == ["4", "x"]


@pytest.mark.parametrize(("query", "message"), [
    ("delete from things", "not authorized; a query may only read"),
    ("insert into things (kind) values ('a')", "not authorized"),
    ("create table other (a)", "not authorized"),
    ("drop table things", "not authorized"),
    ("attach 'other.db' as other", "not authorized"),
    ("pragma table_info(things)", "not authorized"),
    ("select load_extension('x')", "not authorized"),
    ("select kind, random() as r from things", "not authorized"),
    ("vacuum into 'other.db'", "authorization denied; a query may only read"),
    ("select 1; select 2", "several statements; expected one `select`"),
    ("select * from absent", "no such table: absent; expected an SQLite database and one `select`"),
    ("selec", 'near "selec": syntax error'),
    ("-- nothing", "finds no columns; expected a `select`"),
    ("select * from things where count > 99", "the query finds no row"),
    ("select kind, kind from things", "column 'kind' occurs 2 times; name each with `as`"),
])  # fmt: skip
def test_a_query_that_is_no_single_select_is_refused(query: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"^params\.yaml: datasets\.mine\.source\.query: d\.db: {message}"):
        open_source("mine", parsed(entry(query)))
    assert not Path("other.db").exists()


@pytest.mark.parametrize(("query", "message"), [
    (f"{ENDLESS} select count(*) as kind from n", "stopped after 20,000,000 steps of SQLite; does the query end?"),
    (f"{ENDLESS} select i as kind from n", "more than 5,000 rows; does the query end?"),
    ("select zeroblob(1000000000) as kind", "string or blob too big"),
])  # fmt: skip
def test_a_query_without_end_or_bounds_is_stopped(monkeypatch: pytest.MonkeyPatch, query: str, message: str) -> None:
    monkeypatch.setattr(sqlite_source, "MAX_STEPS", 20_000_000)
    monkeypatch.setattr(sqlite_source, "MAX_ROWS", 5000)
    start = time.process_time()
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        open_source("mine", parsed(entry(query)))
    assert time.process_time() - start < 10


def test_a_column_of_several_kinds_is_named_with_its_row(database: sqlite3.Connection) -> None:
    database.execute("insert into things (kind, count) values ('a', 'many')")
    database.commit()
    with pytest.raises(InputError, match=r"^d\.db: row 13: 'count' is a text here but a number in row 1; make them one kind"):
        open_source("mine", parsed(entry("select * from things")))
    with pytest.raises(InputError, match=r"types: the query has no column 'nothing'; there are: kind"):
        open_source("mine", parsed(entry("select kind from things", types={"nothing": "text"})))


def test_changes_that_are_not_in_the_file_yet_are_not_passed_over(database: sqlite3.Connection) -> None:
    database.execute("pragma journal_mode = wal")
    database.execute("insert into things (kind) values ('new')")
    database.commit()
    with pytest.raises(InputError, match=r"^d\.db: d\.db-wal next to it holds changes that are not in the database yet; close the program"):
        open_source("mine", parsed(entry()))


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_database_is_one_error(content: bytes) -> None:
    Path("x.db").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.db: (file is not a database|no such table: things); expected an SQLite database"):
        open_source("mine", parsed({**entry(), "source": {"sqlite": "x.db", "query": "select * from things"}}))


def test_no_damage_brings_anything_but_one_clear_error() -> None:
    random, whole = np.random.default_rng(0), Path("d.db").read_bytes()
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in random.integers(len(damaged), size=20):
            damaged[place] = random.integers(256)
        Path("d.db").write_bytes(damaged[: random.integers(1, len(damaged))] if random.random() < 0.3 else damaged)
        try:
            open_source("mine", parsed(entry()))
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_new_proposes_the_table_with_most_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["mine", "d.db", "--write"]) == 0
    text = capsys.readouterr().out
    found = YAML(typ="safe").load(text.split("\n\n")[0])["datasets"]["mine"]
    assert found["source"] == {"sqlite": "d.db", "query": "select * from things"}
    assert found["target"] == {"column": "kind", "task": "binary"} and "other tables: two words (0 rows)" in text
    assert found["modalities"]["photo"] == {"modality": "image", "column": "photo"}
    assert len(ingested(found)[0]) == 12
