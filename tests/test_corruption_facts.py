"""What single corruptions do, in figures that can be computed by hand."""

from collections import Counter
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from raw_samples import loud_and_silent, modality_of, table_of, values_of
from toy_columns import encoded, png, tone, wav
from toy_columns.graph import random_graph

from stages.foundation.tables import column_values
from stages.modalities.audio.sounds import decode
from stages.modalities.graph.checked_graph import read_graph
from stages.samples.corrupted_samples import corrupted_column, corrupted_features, corruption_of, measured
from stages.samples.graph_column import GraphSample, graph_column
from stages.samples.points import raw_points
from stages.samples.read import SampleError

SERIES = pa.list_(pa.list_(pa.float64(), 2))
BARELY = 1e-9  # strength that changes nothing that is drawn


def apply(
    name: str, column: pa.Array, corruption: str, strength: float, *, training: pa.Array | None = None, several: bool = False
) -> pa.Array:
    declared = corruption_of(modality_of(name), corruption)
    known = column if training is None else training
    reference = measured(table_of(known, several=several), "raw", declared, np.arange(len(known)))
    return corrupted_column(table_of(column, several=several), "raw", declared, strength, seed=5, reference=reference)


# ---------------------------------------------------------------- image
def pictures() -> dict[str, bytes]:
    """Return files of every mode, with the same colors."""
    colours = np.random.default_rng(1).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    image = Image.fromarray(colours)
    exif = image.getexif()
    exif[0x0112] = 6
    transparent = np.concatenate([colours, np.random.default_rng(2).integers(0, 256, (12, 10, 1), dtype=np.uint8)], axis=2)
    files = {mode: encoded(image.convert(mode), "TIFF" if mode == "CMYK" else "PNG") for mode in ("1", "L", "LA", "P", "RGB", "CMYK")}
    return files | {
        "RGBA": png(transparent), "turned": encoded(image, "PNG", exif=exif), "JPEG": encoded(image, "JPEG"), "GIF": encoded(image, "GIF"),
        "16 bits": png(colours[:, :, 0].astype(np.uint16) * 257 + 3),
    }  # fmt: skip


@pytest.mark.parametrize("kind", pictures())
@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_an_image_written_again_has_the_same_features(kind: str, colour: str) -> None:
    modality, column = modality_of("image"), pa.array([pictures()[kind]])
    again = apply("image", column, "salt_and_pepper", BARELY)
    assert again != column
    for features in ({}, {"features": "hog"}):
        settings = modality.settings(size=(17, 19), colour=colour, background="black", **features)
        before, after = (column_values(modality.featurize(files, settings).columns["vector"]) for files in (column, again))
        np.testing.assert_array_equal(after, before)


def grey(column: pa.Array) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(column[0].as_py())).convert("L")).astype(float)


def test_the_noise_of_an_image_has_the_declared_deviation() -> None:
    noisy = grey(apply("image", pa.array([png(np.full((200, 200), 128, np.uint8))]), "gaussian_noise", 0.1))
    assert noisy.std() == pytest.approx(25.5, rel=0.02) and noisy.mean() == pytest.approx(128, abs=0.5)


def test_salt_and_pepper_hit_the_declared_share_half_black_half_white() -> None:
    speckled = grey(apply("image", pa.array([png(np.full((200, 200), 128, np.uint8))]), "salt_and_pepper", 0.1))
    assert [(speckled == value).mean() for value in (0, 255, 128)] == pytest.approx([0.05, 0.05, 0.9], abs=0.005)


def test_occlusion_covers_the_declared_share_with_one_rectangle() -> None:
    for strength in (0.1, 0.25, 0.5, 1):
        covered = grey(apply("image", pa.array([png(np.full((100, 40), 255, np.uint8))]), "occlusion", strength)) == 128
        assert covered.mean() == pytest.approx(strength, abs=0.02)
        assert covered.any(axis=1).sum() * covered.any(axis=0).sum() == covered.sum()


def test_a_stronger_blur_is_smoother_and_keeps_the_mean() -> None:
    column = pa.array([png(np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8))])
    blurred = [grey(apply("image", column, "blur", strength)) for strength in (BARELY, 0.01, 0.02, 0.05, 0.2)]
    assert [image.std() for image in blurred] == sorted((image.std() for image in blurred), reverse=True)
    np.testing.assert_array_equal(blurred[0], grey(column))
    assert blurred[2].mean() == pytest.approx(blurred[0].mean(), abs=2)


def test_an_image_turns_by_the_declared_degrees_to_one_side() -> None:
    pixels = np.zeros((81, 81), np.uint8)
    pixels[38:43, 68:73] = 255  # 30 to the right of the centre
    for name in range(3):
        turned = [grey(apply("image", pa.array([None] * name + [png(pixels)])[name:], "rotation", degrees)) for degrees in (10, 45, 120)]
        angles = []
        for image in turned:
            row, column = (np.average(axis, weights=image) for axis in np.indices(image.shape))
            angles.append(np.degrees(np.arctan2(40 - row, column - 40)))
        assert np.abs(angles) == pytest.approx([10, 45, 120], abs=1)
        assert len(set(np.sign(angles))) == 1


def test_an_occluder_is_opaque_and_noise_is_seen_only_where_the_image_is() -> None:
    clear = np.zeros((20, 20, 4), np.uint8)
    clear[:10] = (200, 100, 50, 255)
    covered = values_of("image", apply("image", pa.array([png(clear)]), "occlusion", 1))[0]
    assert (covered == (128, 128, 128, 255)).all()
    noisy = values_of("image", apply("image", pa.array([png(clear)]), "gaussian_noise", 0.2))[0]
    np.testing.assert_array_equal(noisy[:, :, 3], clear[:, :, 3])
    assert (noisy[:10, :, :3] != clear[:10, :, :3]).mean() > 0.9


def test_blur_and_rotation_do_not_darken_the_edge_of_what_is_transparent() -> None:
    white = np.zeros((30, 30, 4), np.uint8)
    white[8:22, 8:22] = 255
    for corruption, strength in (("blur", 0.05), ("rotation", 30)):
        changed = values_of("image", apply("image", pa.array([png(white)]), corruption, strength))[0]
        seen = changed[:, :, 3] > 0
        assert 14 * 14 < seen.sum() < 900 and (changed[seen][:, :3] >= 254).all()


# ---------------------------------------------------------------- audio
@pytest.mark.parametrize(("strength", "db"), [(0.1, 20), (0.316227766, 10), (1, 0), (10, -20)])
def test_white_noise_has_exactly_the_declared_signal_to_noise_ratio(strength: float, db: float) -> None:
    clean = decode(wav(tone(440), 16_000), 1e9)[0]
    noise = decode(apply("audio", loud_and_silent(), "white_noise", strength)[0].as_py(), 1e9)[0] - clean
    assert 10 * np.log10((clean**2).mean() / (noise**2).mean()) == pytest.approx(db, abs=1e-6)
    assert np.abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.05  # white


@pytest.mark.parametrize("corruption", ["white_noise", "clipping", "dropped_frames"])
def test_silence_stays_silence(corruption: str) -> None:
    signal, rate_hz = decode(apply("audio", loud_and_silent(), corruption, 1.0)[1].as_py(), 1e9)
    assert (rate_hz, len(signal), np.abs(signal).max()) == (16_000, 3200, 0)


def test_clipping_cuts_the_peak_alone() -> None:
    clean = decode(wav(tone(440), 16_000), 1e9)[0]
    cut = decode(apply("audio", loud_and_silent(), "clipping", 0.75)[0].as_py(), 1e9)[0]
    limit = np.abs(clean).max() / 4
    np.testing.assert_array_equal(cut, np.clip(clean, -limit, limit))


def test_dropped_frames_are_whole_and_of_20_ms() -> None:
    rate_hz = 8_000
    clean = np.full(rate_hz * 4, 0.5)
    lost = decode(apply("audio", pa.array([wav(clean, rate_hz)]), "dropped_frames", 0.25)[0].as_py(), 1e9)[0].reshape(-1, 160) == 0
    assert (lost.all(axis=1) == lost.any(axis=1)).all()
    assert lost.mean() == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize(("code", "bits", "rate_hz"), [(1, 8, 8_000), (1, 16, 22_050), (1, 24, 44_100), (3, 32, 96_000), (3, 64, 11_025)])
def test_a_clip_written_again_has_the_same_features(code: int, bits: int, rate_hz: int) -> None:
    modality = modality_of("audio")
    stereo = np.stack([tone(300, rate_hz), 0.5 * tone(555, rate_hz)], axis=1)
    column = pa.array([wav(stereo, rate_hz, code=code, bits=bits)])
    again = apply("audio", column, "dropped_frames", BARELY)
    assert again != column
    before, after = (column_values(modality.featurize(files, modality.settings()).columns["vector"]) for files in (column, again))
    np.testing.assert_array_equal(after, before)


# ---------------------------------------------------------------- text
def texts(column: pa.Array, corruption: str, strength: float) -> list[Any]:
    return apply("text", column, corruption, strength).to_pylist()


def test_typos_hit_the_declared_share_of_letters_and_more_of_the_same_when_stronger() -> None:
    column = pa.array([" ".join("abcdefghij" * 200)])
    whole = texts(column, "typos", 1)[0].split(" ")
    before: set[int] = set()
    for strength in (0.05, 0.2, 0.5):
        letters = texts(column, "typos", strength)[0].split(" ")
        hit = {place for place, letter in enumerate(letters) if letter != "abcdefghij"[place % 10]}
        assert len(hit) / 2000 == pytest.approx(strength * (1 - 1 / 30), rel=0.15)  # one in thirty is replaced by itself
        assert before <= hit and all(letters[place] == whole[place] for place in hit)
        before = hit


def test_typos_stay_in_the_script_and_leave_the_rest() -> None:
    found = texts(pa.array(["да, нет! 12\n"]), "typos", 1)[0]
    assert set(found) <= set("да, нет! 12\n") and [mark for mark in found if not mark.isalnum()] == list(",  ! \n".replace("  ", " "))


def test_dropped_words_are_nested_and_the_others_stay_in_order() -> None:
    words = [f"w{i}" for i in range(1000)]
    column = pa.array(["  " + " \n".join(words)])
    before = words
    for strength in (0.1, 0.25, 0.5, 1):
        text = texts(column, "dropped_words", strength)[0]
        kept = text.split()
        assert len(kept) == pytest.approx(1000 * (1 - strength), abs=50)
        assert set(kept) <= set(before) and kept == sorted(kept, key=lambda word: int(word[1:])) and text.startswith("  ")
        before = kept


def test_utterances_keep_their_speaker_and_words_themselves() -> None:
    utterance = pa.array([{"text": "a b c", "speaker": "ann"}])
    assert texts(utterance, "dropped_words", 1) == [{"text": "", "speaker": "ann"}]
    assert texts(pa.array([["the", "cat", "sat"]]), "dropped_words", 1) == [[None, "cat", None]]


# ---------------------------------------------------------------- series, tactile
def steps(n: int, n_series: int = 1) -> pa.Array:
    return pa.array([[[float(i), 10.0 * i] for i in range(n)] for _ in range(n_series)], SERIES)


def test_the_noise_of_a_channel_is_in_units_of_its_spread_in_the_training_rows() -> None:
    random = np.random.default_rng(1)
    training = pa.array((random.normal(size=(20, 500, 2)) * (2, 30)).tolist(), SERIES)
    still = pa.array(np.full((4, 5000, 2), 7.0).tolist(), SERIES)
    noise = np.concatenate(raw_points(apply("series", still, "noise", 0.5, training=training))) - 7
    assert noise.std(axis=0) == pytest.approx([1, 15], rel=0.03)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.03


def test_test_rows_are_not_measured() -> None:
    modality, corruption = modality_of("series"), corruption_of(modality_of("series"), "noise")
    tables = [table_of(pa.concat_arrays([steps(50, 3), pa.array([[[level, 0.0]] * 50], SERIES), steps(50)])) for level in (0.0, 1e9)]
    how: dict[str, Any] = {"corruption": corruption, "strength": 1.0, "seed": 1, "rows": np.array([4])}
    references = [measured(table, "raw", corruption, np.array([0, 1, 2])) for table in tables]
    first, second = (corrupted_features(table, "raw", modality, modality.settings(), reference=reference, **how)
                     for table, reference in zip(tables, references, strict=True))  # fmt: skip
    assert first.equals(second)


def test_drift_grows_linearly_to_the_declared_offset() -> None:
    still = pa.array(np.full((1, 5, 2), 3.0).tolist(), SERIES)
    offset = np.abs(raw_points(apply("series", still, "drift", 2, training=steps(3)))[0] - 3)
    deviation = np.sqrt(2 / 3)
    np.testing.assert_allclose(offset, np.outer(np.linspace(0, 1, 5), [2 * deviation, 20 * deviation]), rtol=1e-12)


def test_a_shift_moves_the_series_and_repeats_its_end() -> None:
    for strength, n in ((0.1, 2), (0.25, 5), (0.5, 10)):
        moved = raw_points(apply("series", steps(20), "time_shift", strength))[0][:, 0]
        later, earlier = np.clip(np.arange(20) - n, 0, 19), np.clip(np.arange(20) + n, 0, 19)
        assert moved.tolist() in (later.tolist(), earlier.tolist())
    assert apply("series", steps(1), "time_shift", 1).equals(steps(1))


def test_dropped_channels_have_no_reading_and_one_stays() -> None:
    wide = pa.list_(pa.list_(pa.float32(), 40))
    column = pa.array([np.ones((3, 40)).tolist()] * 20, wide)
    for strength in (0.1, 0.5, 1):
        dead = np.isnan(np.array([values[0] for values in raw_points(apply("series", column, "dropped_sensors", strength))]))
        assert dead.mean() == pytest.approx(min(strength, 39 / 40), abs=0.05)
        assert (~dead).any(axis=1).all()


def test_pressure_stays_between_nothing_and_the_highest_reading() -> None:
    kind = pa.list_(pa.list_(pa.list_(pa.float32(), 4), 4))
    column = pa.array((np.random.default_rng(1).uniform(0, 5, (10, 3, 4, 4))).tolist(), kind)
    higher = pa.array(np.full((1, 3, 4, 4), 9.0).tolist(), kind)
    for corruption in ("noise", "drift"):
        values = np.array(apply("tactile", column, corruption, 5).to_pylist())
        largest = np.array(column.to_pylist()).max()
        assert values.min() == 0 and values.max() == largest
        assert np.array(apply("tactile", higher, corruption, 5, training=column).to_pylist()).max() == 9


# ---------------------------------------------------------------- set, graph
def test_points_that_stay_are_nested_and_unchanged() -> None:
    points = np.random.default_rng(1).normal(size=(1000, 2))
    before = {tuple(point) for point in points}
    for strength in (0.1, 0.25, 0.5, 1):
        kept = [tuple(point) for point in raw_points(apply("set", pa.array([points.tolist()], SERIES), "points_dropped", strength))[0]]
        assert set(kept) <= before and len(kept) == max(1, len(kept)) == pytest.approx(max(1, 1000 * (1 - strength)), abs=40)
        before = set(kept)


def test_jitter_is_in_units_of_each_coordinate_s_spread_around_the_centre() -> None:
    random = np.random.default_rng(1)
    centres = 1000 * random.normal(size=(40, 1, 2))  # where a set lies does not matter
    column = pa.array((centres + (1, 20) * random.normal(size=(40, 200, 2))).tolist(), SERIES)
    jittered = [apply("set", column, "jitter", strength) for strength in (0.1, 1)]
    moved = [np.concatenate(raw_points(points)) - np.concatenate(raw_points(column)) for points in jittered]
    assert moved[0].std(axis=0) == pytest.approx([0.1, 2], rel=0.05)
    np.testing.assert_allclose(moved[1], 10 * moved[0], rtol=1e-6, atol=1e-9)


def edges_of(graph: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    """Return the edges with weight and label."""
    pairs = zip(graph["source"], graph["target"], strict=True)
    if not graph["directed"]:
        pairs = ((min(pair), max(pair)) for pair in pairs)  # type: ignore[assignment]
    attributes = [graph.get(name) or [None] * len(graph["source"]) for name in ("weight", "edge_labels")]
    return Counter(zip(pairs, *attributes, strict=True))


GRAPHS = [random_graph(3, n=60), random_graph(4, n=60, directed=True), random_graph(5, n=60, plain=True)]


def test_dropped_edges_are_nested_and_the_rest_of_the_graph_stays() -> None:
    column = graph_column(GRAPHS)
    before = column.to_pylist()
    for strength in (0.1, 0.25, 0.5, 1):
        after = apply("graph", column, "edges_dropped", strength).to_pylist()
        for old, new, whole in zip(before, after, column.to_pylist(), strict=True):
            assert edges_of(new) <= edges_of(old)
            assert len(new["source"]) == pytest.approx(121 * (1 - strength), abs=20)
            assert {k: v for k, v in new.items() if k in ("n_nodes", "directed", "root", "node_labels", "node_attributes")} == {
                k: v for k, v in whole.items() if k in ("n_nodes", "directed", "root", "node_labels", "node_attributes")
            }
        before = after
    assert all(graph["source"] == [] for graph in before)


def test_added_edges_are_new_and_look_like_the_others() -> None:
    column = graph_column(GRAPHS)
    before = column.to_pylist()
    for strength in (0.1, 0.25, 0.5, 1):
        after = apply("graph", column, "edges_added", strength).to_pylist()
        for old, new, whole in zip(before, after, column.to_pylist(), strict=True):
            assert edges_of(old) <= edges_of(new)
            assert len(new["source"]) == 121 + round(121 * strength)
            added = edges_of(new) - edges_of(whole)
            ends = [pair for pair, *_ in added.elements()]
            assert all(a != b for a, b in ends) and len(set(ends)) == len(ends)
            assert not set(ends) & {pair for pair, *_ in edges_of(whole)}
            for place, name in ((1, "weight"), (2, "edge_labels")):
                assert {edge[place] for edge in added} <= set(whole.get(name) or [None])
            read_graph(new)
        before = after


def test_a_complete_graph_has_no_room_for_an_edge() -> None:
    complete = graph_column([GraphSample(3, [[0, 1], [1, 2], [0, 2]]), GraphSample(2, [[0, 1], [1, 0]], directed=True)])
    assert apply("graph", complete, "edges_added", 1).equals(complete)
    one_way = graph_column([GraphSample(2, [[0, 1]] * 9, directed=True)])
    assert apply("graph", one_way, "edges_added", 1).to_pylist()[0]["target"] == [1] * 9 + [0]


# ---------------------------------------------------------------- table, vector
def test_the_noise_of_a_table_is_in_units_of_the_training_rows_and_leaves_the_rest() -> None:
    training = pa.array([{"x": float(i % 2), "n": 100 * (i % 2), "s": "a"} for i in range(100)])
    column = pa.array([{"x": 0.0, "n": 50, "s": "b"}] * 4000)
    noisy = apply("table", column, "noise", 0.5, training=training)
    x, n = (np.array(noisy.field(name).to_pylist()) for name in ("x", "n"))
    assert [x.std(), n.std()] == pytest.approx([0.25, 25], rel=0.04)
    assert noisy.field("s").to_pylist() == ["b"] * 4000 and noisy.type == column.type


def test_the_declared_share_of_cells_is_missing() -> None:
    column = pa.array([{"x": 1.0, "n": 50, "s": "b"}] * 3000)
    for strength in (0.1, 0.5, 1):
        holes = apply("table", column, "missing_cells", strength)
        assert [holes.field(name).null_count / 3000 for name in ("x", "n", "s")] == pytest.approx([strength] * 3, abs=0.03)


def test_missing_numbers_of_a_vector_are_their_training_means() -> None:
    kind = pa.list_(pa.float64(), 3)
    training, column = pa.array([[1.0, 10.0, 0.0], [3.0, 30.0, 0.0]], kind), pa.array([[7.0, 8.0, 9.0]], kind)
    assert apply("vector", column, "missing_values", 1, training=training).to_pylist() == [[2, 20, 0]]
    kept = apply("vector", pa.array([[7.0, 8.0, 9.0]] * 1000, kind), "missing_values", 0.25, training=training)
    assert np.mean(np.array(kept.to_pylist()) == (7, 8, 9)) == pytest.approx(0.75, abs=0.03)


# ---------------------------------------------------------------- several files, unreadable ones
def test_each_of_several_files_has_noise_of_its_own() -> None:
    kind = pa.list_(pa.list_(pa.float64(), 50))
    column = pa.array([[[1.0] * 50, [1.0] * 50], [], None, [[1.0] * 50]], kind)
    training = pa.array(np.random.default_rng(1).normal(size=(9, 2, 50)).tolist(), kind)
    noisy = apply("vector", column, "noise", 1, training=training, several=True)
    assert noisy.type == kind and noisy.is_null().to_pylist() == [False, False, True, False]
    rows = noisy.to_pylist()
    files = [*rows[0], *rows[3]]
    assert rows[1] == [] and len({tuple(file) for file in files}) == 3


def test_an_unreadable_sample_is_named() -> None:
    column = pa.array([None, wav(tone(440), 16_000), b"no sound"])
    with pytest.raises(SampleError, match="row 2: not a WAV") as caught:
        apply("audio", column, "clipping", 0.5)
    assert list(caught.value.reasons) == [2]
    lists = pa.array([[wav(tone(440), 16_000)], [wav(tone(440), 16_000), b"no sound"]])
    with pytest.raises(SampleError, match="row 1: file 1: not a WAV"):
        apply("audio", lists, "clipping", 0.5, several=True)


def test_features_of_many_rows_come_in_their_order_and_name_the_unreadable_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    modality, corruption = modality_of("set"), corruption_of(modality_of("set"), "jitter")
    column = pa.array(np.random.default_rng(1).normal(size=(400, 6, 2)).tolist(), SERIES)
    rows = np.random.default_rng(2).permutation(400)[:300]
    reference = measured(table_of(column), "raw", corruption, np.arange(400))
    how: dict[str, Any] = {"corruption": corruption, "strength": 0.5, "seed": 1, "reference": reference}
    found = []
    for cores in ("1", "4"):
        monkeypatch.setenv("SENSORIUM_CORES", cores)
        found.append(corrupted_features(table_of(column), "raw", modality, modality.settings(), rows=rows, **how))
    assert found[0].equals(found[1]) and found[0]["sample_id"].to_pylist() == [f"sample {row}" for row in rows]
    alone = corrupted_features(table_of(column), "raw", modality, modality.settings(), rows=rows[250:251], **how)
    assert alone.equals(found[0].slice(250, 1))
    broken = pa.concat_arrays([column.slice(0, 399), pa.array([[]], SERIES)])
    with pytest.raises(SampleError, match="row 70: no points"):
        corrupted_features(table_of(broken), "raw", modality, modality.settings(), rows=np.array([*range(70), 399, 5]), **how)
