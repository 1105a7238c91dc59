"""What the rated words promise: families that never part, and no rating in the features."""

from pathlib import Path

import pytest
from toy import words as toy_words
from toy import write_wheel

from stages.contracts.settings import Settings
from stages.datasets import words
from stages.datasets.words import MEMBER, families
from stages.foundation.errors import InputError

SAME = [
    ["abandon", "Abandoned", "abandonments"],
    ["sad", "sadly", "sadder", "saddens", "sadness"],
    ["happy", "unhappily", "happiest"],
    ["hate", "hating", "haters"],
    ["cry", "cried", "cries"],
    ["win", "winnable", "winners"],
    ["fun", "funny", "funnier"],
    ["trust", "distrustful", "mistrusts"],
    ["screwed up", "screws"],
    ["j/k", "jk"],
    [":-)", "(:", ":(", "):", ":]", ":'("],
    [":D", "d-:", ":-d"],
    ["o_O", "0.o", "O.o"],
]


def test_a_family_is_one_group_and_families_are_apart() -> None:
    groups = iter(families([word for family in SAME for word in family]))
    found = [{next(groups) for _ in family} for family in SAME]
    assert [len(group) for group in found] == [1] * len(SAME)
    assert len(set.union(*found)) == len(SAME)


def test_a_prefix_or_an_ending_alone_joins_nobody() -> None:
    apart = ["interest", "sin", "sincere", "win", "wince", "fan", "fantastic", "lol", "lmao", "gr8", "1432", "143", ":)", ";)", ":P"]
    assert len(set(families(apart))) == len(apart)


def test_the_order_of_the_lexicon_does_not_matter() -> None:
    flat = [word for family in SAME for word in family]
    assert families(flat[::-1]) == families(flat)[::-1]


def test_a_sample_is_the_word_alone(tmp_path: Path) -> None:
    table = words.read(toy_words.write(tmp_path), "valence", Settings(), 1)
    assert table["word"].to_pylist() == [[word] for word, _ in toy_words.LEXICON]
    assert table["target"].to_pylist() == [{"valence": mean} for _, mean in toy_words.LEXICON]
    signs = words.read(toy_words.write(tmp_path), "polarity", Settings(), 1)["target"].to_pylist()
    assert signs == ["positive" if mean > 0 else "negative" for _, mean in toy_words.LEXICON]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("good\tfine\t0.5\t[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]", "line 2: 'fine' is not a rating"),
        ("good\t5\t0.5\t[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]", "line 2: a rating of 5 is beyond ±4"),
        ("good\tnan\t0.5\t[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]", "line 2: a rating of nan is beyond ±4"),
        ("good\t2\t0.5\t[2, 2]", "line 2: expected word, mean, deviation and ten ratings, found 'good"),
        ("good 2 0.5", "line 2: expected word"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, reason: str, tmp_path: Path) -> None:
    good = "bad\t-2\t0.5\t[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]"
    archive = write_wheel(tmp_path / "v.whl", {MEMBER: f"{good}\n{line}\n".encode()})
    with pytest.raises(InputError, match=rf"v\.whl: member '{MEMBER}' is damaged \({reason}"):
        words.read({"vaderSentiment": archive}, "valence", Settings(), 1)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path / "v.whl", {MEMBER: b"caf\xe9\t1\t1\t[]"})
    with pytest.raises(InputError, match=r"v\.whl: .* is damaged \('utf-8' codec can't decode"):
        words.read({"vaderSentiment": archive}, "valence", Settings(), 1)
