"""What rated tweets and sentences promise: alike texts and one document's sentences never part, neutral ones are kept or left out."""

from pathlib import Path
from typing import Any

import pytest
from toy import snippets as toy_snippets
from toy import tweets as toy_tweets

from stages.collections.vader_texts import VaderOptions, similar_texts
from stages.datasets import snippets, tweets
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse


def rows_of(module: Any, archives: dict[str, Path], target: str, **options: Any) -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in module.read(archives, target, VaderOptions(**options), 1).to_pylist()}


def test_variants_of_a_text_are_one_group() -> None:
    texts = [
        "Damn, running late sucks.",
        "@anonymous DAMN! running late absolutely sucks! http://url_removed",
        "RT running damn late really totally sucks &amp;",  # like the second, not the first
        "Running late is fine",
        "Yay.",
        "yay!",
        "",
        "...",
    ]
    assert similar_texts(texts) == ["0", "0", "0", "3", "4", "4", "6", "7"]


def test_every_alike_pair_is_found() -> None:
    import numpy as np

    random = np.random.default_rng(5)
    texts = [" ".join(random.choice(list("abcdefghijkl"), random.integers(1, 9))) for _ in range(150)]
    sets, keys = [set(text.split()) for text in texts], similar_texts(texts)
    pairs = [(i, j) for i in range(150) for j in range(i) if len(sets[i]) >= 3 <= len(sets[j])]
    alike = [(i, j) for i, j in pairs if len(sets[i] & sets[j]) >= 0.6 * len(sets[i] | sets[j])]
    assert len(alike) > 50
    assert all(keys[i] == keys[j] for i, j in alike)


def test_variants_of_a_tweet_share_the_group_and_the_others_are_alone(tmp_path: Path) -> None:
    rows = rows_of(tweets, toy_tweets.write(tmp_path), "sentiment")
    groups = [rows[f"{row + 1:04d}"]["group"] for row in range(toy_tweets.N)]
    assert groups[11] == groups[12] == groups[13] == "0012" != groups[14]
    assert len(set(groups)) == toy_tweets.N - 2
    assert rows["0001"]["text"] == toy_tweets.text(0) and "café" in toy_tweets.text(0)


def test_neutral_texts_are_a_class_or_left_out(tmp_path: Path) -> None:
    archives = toy_tweets.write(tmp_path)
    neutral = {f"{row + 1:04d}" for row in toy_tweets.NEUTRAL}
    sentiment, polarity = rows_of(tweets, archives, "sentiment"), rows_of(tweets, archives, "polarity")
    assert {name for name, row in sentiment.items() if row["target"] == "neutral"} == neutral
    assert set(polarity) == set(sentiment) - neutral
    assert {row["target"] for row in polarity.values()} == {"negative", "positive"}
    assert set(rows_of(tweets, archives, "polarity", neutral=0.05)) == set(sentiment)
    assert {name: row["group"] for name, row in polarity.items()}.items() <= {name: row["group"] for name, row in sentiment.items()}.items()
    with pytest.raises(InputError, match=r"datasets\.tweets\.options\.neutral: expected less than 4"):
        parse({"neutral": 4.5}, "datasets.tweets.options", VaderOptions)


def test_sentences_of_one_document_are_one_group(tmp_path: Path) -> None:
    rows = rows_of(snippets, toy_snippets.write(tmp_path), "valence")
    assert {rows[f"news-001-{number:02d}"]["group"] for number in range(1, 5)} == {"news-001"}
    assert rows["news-002-01"]["group"] != rows["news-001-01"]["group"] != rows["products-001-01"]["group"]
    assert rows["films-00012"]["group"] == rows["films-00013"]["group"] != rows["films-00001"]["group"]
    assert rows["products-002-04"]["text"] == {"text": "...", "speaker": "customer"}


def test_the_kind_of_writer_is_not_told_where_it_is_the_answer(tmp_path: Path) -> None:
    archives = toy_snippets.write(tmp_path)
    assert {row["text"]["speaker"] for row in rows_of(snippets, archives, "source").values()} == {None}
    told = {(row["sample_id"].split("-")[0], row["text"]["speaker"]) for row in rows_of(snippets, archives, "sentiment").values()}
    assert told == {("films", "critic"), ("products", "customer"), ("news", "columnist")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"1\t0.5\r\n", "line 1 has 2 columns, expected id, mean and text"),
        (b"1\t0.5\ta\r\nx\t0.5\tb\r\n", "line 2: 'x' is not an id"),
        (b"1\t-9\ta\r\n", "line 1: a rating of -9 is beyond"),
        (b"1\t0.5\tcaf\xe9\r\n", "'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    archive = toy_tweets.write_sdist(tmp_path / "v.tar.gz", {tweets.MEMBER: content})
    with pytest.raises(InputError, match=rf"v\.tar\.gz: member 'hutto_ICWSM_2014/{tweets.MEMBER}' is damaged \({reason}"):
        rows_of(tweets, {"vaderSentiment": archive}, "valence")
