"""What detectors of leaks judge by: equal contents, folds, nearest samples, held-out rows; right values by independent means."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.neighbors import NearestNeighbors

from benchmarks.leak_free import ToyData, clean, codes, examined, png, tone, wav
from stages.leak_evidence.across_folds import in_clusters, members, pairs_apart, split_by_folds
from stages.leak_evidence.equal_contents import combined, content_keys
from stages.leak_evidence.file_headers import image_format, sound_header
from stages.leak_evidence.held_out import told_by
from stages.leak_evidence.id_prefixes import prefixes, stem_of
from stages.leak_evidence.nearest_samples import N_NEAREST, n_compared, nearest_samples
from stages.leak_evidence.one_to_one import is_copy, one_to_one, rank_correlation
from stages.leak_evidence.plain_contents import chance_rows
from stages.leak_evidence.table_columns import training_rows

# ---------------------------------------------------------------- equal contents
COLUMNS: dict[str, tuple[pa.DataType, list]] = {
    "text": (pa.string(), ["ab", "a", "", "ab", None, "b"]),
    "bytes": (pa.binary(), [b"\x00", b"", b"\x00", b"\x00\x00", None]),
    "numbers": (pa.float64(), [1.5, 1.5, -0.0, 0.0, None, 2.0]),
    "integers": (pa.int32(), [3, 3, None, 0]),
    "truth": (pa.bool_(), [True, False, True, None]),
    "points": (pa.list_(pa.list_(pa.float32(), 2)), [[[1, 2]], [[1, 2], [3, 4]], [[1, 2]], [], [[3, 4], [1, 2]], None]),
    "frames": (pa.list_(pa.list_(pa.list_(pa.float32(), 2), 2)), [[[[1, 2], [3, 4]]], [[[1, 2], [3, 4]]], [[[1, 2], [3, 5]]]]),
    "lists of text": (pa.list_(pa.string()), [["ab"], ["a", "b"], ["ab"], [], None]),
    "gaps in lists": (pa.list_(pa.float64()), [[1.0, None], [1.0, 0.0], [1.0, None]]),
    "gaps in points": (pa.list_(pa.list_(pa.float32(), 2)), [[[1, None]], [[1, 0]], [None], [[1, None]], [[0, 0]]]),
    "vectors": (pa.list_(pa.float32(), 2), [[1, 2], [2, 1], [1, 2], None, [1, None], [0, 0]]),
    "pairs of text": (pa.list_(pa.string(), 2), [["a", "b"], ["ab", ""], ["a", "b"], ["a", None]]),
    "dates": (pa.date32(), [1, 2, 1, None]),
    "lists of dates": (pa.list_(pa.date32()), [[1], [2], [1], [None]]),
    "categories": (pa.dictionary(pa.int32(), pa.string()), ["a", "b", None, "a"]),
    "views": (pa.string_view(), ["a", "b", None, "a"]),
    "struct": (pa.struct({"a": pa.int64(), "b": pa.string()}), [{"a": 1, "b": "x"}, {"a": 1, "b": None}, {"a": 1, "b": "x"}, None]),
    "lists in structs": (pa.struct({"s": pa.list_(pa.int32()), "t": pa.list_(pa.int32())}),
                         [{"s": [1], "t": [2]}, {"s": [2], "t": [1]}, {"s": [1], "t": [2]}]),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("start", [0, 1])
def test_keys_are_equal_exactly_where_the_contents_are(name: str, start: int) -> None:
    kind, values = COLUMNS[name]
    column = pa.array(values, kind).slice(start)
    values = column.to_pylist()
    keys = content_keys(pa.chunked_array([column.slice(0, 2), column.slice(2)]))
    assert (keys == 0).tolist() == [value is None for value in values]
    for i, a in enumerate(values):
        for j, b in enumerate(values):
            assert (keys[i] == keys[j]) == (a == b), (a, b)


def test_the_order_of_parts_counts() -> None:
    a, b = content_keys(pa.array(["x", "y", "x"])), content_keys(pa.array(["y", "x", "y"]))
    both = combined([a, b])
    assert both[0] == both[2] != both[1]


# ---------------------------------------------------------------- folds
KEYS = np.array([7, 7, 9, 9, 0, 0, 5], dtype=np.uint64)
FOLDS = np.array([[0, 1, 2, 2, 0, 1, 0], [0, 0, 1, 2, 0, 1, 0]], dtype=np.int16)


def test_rows_with_an_equal_one_in_another_fold_of_any_repeat() -> None:
    assert members(KEYS, FOLDS[0]).tolist() == [True, True, False, False, False, False, False]
    assert split_by_folds(KEYS, FOLDS).tolist() == [True, True, True, True, False, False, False]
    assert pairs_apart(np.array([0, 2, 4]), np.array([1, 3, 6]), FOLDS).tolist() == [True, True, False]


def test_clusters_are_next_to_one_another() -> None:
    keys = np.array([4, 2, 4, 2, 9, 4], dtype=np.uint64)
    assert in_clusters(keys, keys != 9).tolist() == [0, 2, 5, 1, 3]


# ---------------------------------------------------------------- nearest samples
def test_the_nearest_samples_of_other_groups_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    vectors, groups = rng.normal(size=(90, 5)).astype(np.float32), np.arange(90) // 3
    found = nearest_samples(vectors, groups)
    assert found.rows.tolist() == list(range(90))
    distances, order = NearestNeighbors(n_neighbors=90).fit(vectors.astype(np.float64)).kneighbors(vectors.astype(np.float64))
    for row in range(90):
        others = groups[order[row]] != groups[row]
        assert found.nearest[row].tolist() == order[row][others][:N_NEAREST].tolist()
        np.testing.assert_allclose(found.distances[row], distances[row][others][:N_NEAREST], rtol=1e-5)


def test_distances_of_near_samples_keep_their_digits() -> None:
    vectors = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32) + 1000
    vectors[1] = vectors[0] + np.float32(2**-12)
    found = nearest_samples(vectors, np.arange(20))
    assert found.nearest[0, 0] == 1 and found.distances[0, 0] == pytest.approx(2 * 2**-12, rel=0.1)


def test_few_of_many_samples_are_compared_with_all() -> None:
    assert [n_compared(n) for n in (10, 4_000, 4_001, 20_000, 200_000)] == [10, 4_000, 2_000, 2_000, 500]
    found = nearest_samples(np.random.default_rng(2).normal(size=(4_100, 2)).astype(np.float32), np.arange(4_100))
    assert len(found.rows) == 2_000 and found.rows[0] == 0 and found.rows[-1] == 4_099 and found.nearest.max() > 4_000


def test_fewer_samples_than_neighbors() -> None:
    found = nearest_samples(np.arange(3, dtype=np.float32)[:, None], np.array([0, 0, 1]))
    assert found.nearest.shape == (3, 2) and np.isinf(found.distances[0, 1]) and found.nearest[0, 0] == 2


# ---------------------------------------------------------------- tables whose rows are equal by chance
def parts_of(columns: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([content_keys(pa.array(column.astype(np.float64) + 1000 * place)) for place, column in enumerate(columns)], axis=1)


@pytest.mark.parametrize("n_columns", [2, 4, 6])
def test_rows_of_coarse_columns_are_equal_by_chance(n_columns: int) -> None:
    rng = np.random.default_rng(n_columns)
    assert chance_rows(parts_of([rng.integers(0, 3, 300) for _ in range(n_columns)])).all()


def test_copied_rows_of_fine_columns_are_not() -> None:
    rng = np.random.default_rng(3)
    columns = [rng.integers(0, 50, 300) for _ in range(6)]
    for column in columns:
        column[:5] = column[100:105]
    assert not chance_rows(parts_of(columns)).any()


def test_columns_that_follow_one_another_are_no_more_evidence() -> None:
    """A town tells its district and its state: they add nothing to a coincidence of the other columns."""
    rng = np.random.default_rng(4)
    town = rng.integers(0, 30, 400)
    assert chance_rows(parts_of([town, town // 3, town // 10, rng.integers(0, 8, 400), rng.integers(0, 4, 400)])).all()


# ---------------------------------------------------------------- held-out rows
def with_target(target: np.ndarray, group_size: int = 1) -> ToyData:
    return replace(clean(30, "vector", n=len(target), group_size=group_size), target=target)


def test_the_explained_share_is_that_of_the_squared_errors() -> None:
    """Two equal bins with class shares 0.9 and 0.1: the variance between them is 0.16 of 0.25."""
    rng = np.random.default_rng(5)
    side = rng.random(3_000) < 0.5
    target = (rng.random(3_000) < np.where(side, 0.9, 0.1)).astype(np.int32)
    seen = examined(with_target(target))
    rows = training_rows(seen)
    told = told_by(side[rows].astype(np.int32), seen, rows)
    assert told.share == pytest.approx(0.64, abs=0.04) and told.z > 20 and told.n == len(rows)


def test_noise_explains_nothing_and_is_rarely_significant() -> None:
    rng = np.random.default_rng(6)
    seen = examined(with_target((rng.random(400) < 0.4).astype(np.int32)))
    rows = training_rows(seen)
    shares = [told_by(rng.normal(size=400)[rows], seen, rows) for _ in range(200)]
    assert max(told.z for told in shares) < 4 and np.mean([told.share for told in shares]) < 0


def test_categories_of_one_row_each_explain_nothing() -> None:
    seen = examined(with_target((np.random.default_rng(7).random(300) < 0.5).astype(np.int32)))
    rows = training_rows(seen)
    assert told_by(np.arange(len(rows), dtype=np.int32), seen, rows).share <= 0


def test_a_property_of_few_groups_is_not_significant() -> None:
    """Twelve speakers of 30 sounds each, of one class each: by rows the speaker's rate would be overwhelming, by groups it is chance."""
    data = clean(31, "vector", n=360, group_size=30)
    speaker = np.array([int(group[1:]) for group in data.groups])
    random = np.random.default_rng(8)
    found = []
    for _ in range(20):
        seen = examined(replace(data, target=random.permutation([0, 1] * 6)[speaker].astype(np.int32)))
        rows = training_rows(seen)
        found.append(told_by((random.normal(size=12)[speaker] > 0)[rows].astype(np.int32), seen, rows).z)
    assert max(found) < 4


# ---------------------------------------------------------------- one to one
@pytest.mark.parametrize(("a", "b", "expected"), [
    ([0, 1, 0, 1] * 10, [5, 7, 5, 7] * 10, True), ([0, 1, 2, 3] * 10, [0, 1, 0, 1] * 10, False), ([0, 0] * 20, [1, 1] * 20, False),
    (list(range(40)), list(range(40)), False), ([0, 1, 0, 1] * 10, [0, 1, 1, 0] * 10, False),
])  # fmt: skip
def test_one_to_one(a: list[int], b: list[int], expected: bool) -> None:
    assert one_to_one(np.array(a), np.array(b)) == expected


def test_rank_correlation_is_that_of_scipy() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(9)
    a = rng.integers(0, 20, 100).astype(float)
    b = a + rng.normal(size=100) * 8
    assert rank_correlation(a, b) == pytest.approx(abs(spearmanr(a, b).statistic), abs=1e-12)
    assert rank_correlation(a, -np.exp(a)) == pytest.approx(1) and rank_correlation(a, np.ones(100)) == 0


def test_few_known_values_are_no_copy() -> None:
    target = np.arange(100) % 2
    values = np.where(np.arange(100) < 40, target, np.nan)
    assert not is_copy(values, target, continuous=False) and is_copy(target.astype(float), target, continuous=False)


# ---------------------------------------------------------------- files and names
def test_headers_of_images_and_sounds() -> None:
    import soundfile

    pixels = np.zeros((5, 8), np.uint8)
    assert image_format(png(pixels)) == "PNG 8×5 L" and image_format(png(pixels, "JPEG")) == "JPEG 8×5 L"
    assert image_format(b"no image") is None and image_format(b"") is None
    sound = tone(np.random.default_rng(10), 0.0, 16_000)
    header = sound_header(wav(sound, 16_000))
    assert header is not None and (header.kind, header.rate_hz, header.duration_s) == ("WAV", 16_000, len(sound) / 16_000)
    flac = io.BytesIO()
    soundfile.write(flac, sound, 22_050, format="FLAC")
    header = sound_header(flac.getvalue())
    assert header is not None and (header.kind, header.rate_hz, header.duration_s) == ("FLAC", 22_050, len(sound) / 22_050)
    for cut in (b"", b"RIFF", wav(sound)[:20], b"fLaC", b"ID3"):
        assert sound_header(cut) is None


def test_words_of_texts_and_of_lists_of_texts() -> None:
    from stages.leaks.label_in_text import plain_words

    assert [plain_words(text) for text in ("It's HOT!", ["a", None, "Hot-dog"], None, "")] == ["it s hot", "a hot dog", "", ""]


def test_prefixes_of_names() -> None:
    assert stem_of("cat_012-b3") == "cat_-b"
    assert list(prefixes(["s1_a", "s2_b"]).values()) == [["s1", "s2"]]
    found: dict[str, Any] = prefixes(["s1/t2/a", "s1/t3/b", "plain"])
    assert found["the first part of the id"] == ["s1", "s1", ""] and found["the id without its last part"] == ["s1\x00t2", "s1\x00t3", ""]


# ---------------------------------------------------------------- copies in groups, plain parts
def test_a_copy_in_the_group_does_not_hide_one_in_another_fold() -> None:
    data = clean(32, "vector", group_size=10)
    seen = examined(data)
    groups = seen.groups
    values = np.array(data.columns["vector"].to_pylist())
    rng = np.random.default_rng(11)
    for group in (0, 1, 2):
        rows = np.flatnonzero(groups == group)
        values[rows] = values[rows[0]] + rng.normal(size=(len(rows), 30)) * 1e-3
        other = np.flatnonzero(seen.folds[0] != seen.folds[0][rows[0]])[-1 - group]
        values[other] = values[rows[0]] + rng.normal(size=30) * 1e-2
    near = data.with_column("vector", pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), 30))
    assert "near-duplicate-across-folds" in codes(near)


def test_samples_that_differ_in_a_plain_part_are_not_equal() -> None:
    data = clean(33, "vector", "text")
    rows = np.arange(240)
    rows[100:106] = np.arange(6)
    texts = ["very good" if i < 100 else "very bad" for i in range(240)]
    data = replace(data, columns={"vector": data.columns["vector"].take(pa.array(rows)), "text": pa.array(texts)})
    found = codes(data)
    assert "duplicate-modality-across-folds" in found and "duplicate-across-folds" not in found


def test_copies_that_a_later_repeat_splits_are_found() -> None:
    seen = examined(clean(34, "vector").with_rows([0, *range(239)]))
    fold = seen.folds[0].copy()
    fold[1] = fold[0]
    later = fold.copy()
    later[1] = (fold[0] + 1) % 3
    from stages.leaks.duplicates import DETECTOR

    assert list(DETECTOR.detect(replace(seen, folds=fold[None], inner=np.full(240, -1, np.int16)))) == []
    assert next(iter(DETECTOR.detect(replace(seen, folds=np.stack([fold, later]))))).rows.tolist() == [0, 1]
