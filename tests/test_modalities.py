"""One battery for every modality, then golden checks of each."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hashed_terms import bags as hashed_bags
from hashed_terms import hashed
from PIL import Image
from sklearn.feature_extraction.text import CountVectorizer
from toy_columns import MAKERS, Toy, encoded, png, tone, wav
from toy_samples import features_metadata

from stages.contracts.modality import Features, Modality
from stages.contracts.table_schema import Metadata
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import raw_features
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.foundation.registry import component, names
from stages.foundation.tables import column_values, fixed_lists, write_table
from stages.modalities.audio.audio_settings import AudioSettings
from stages.modalities.audio.clip_features import FLOOR, frames_of
from stages.modalities.audio.wav import decode_wav
from stages.samples.graph_column import GraphSample, graph_column
from stages.samples.read import SampleError, check_type

NAMES = names("modalities")


@pytest.fixture(params=NAMES)
def modality(request: pytest.FixtureRequest) -> Modality:
    return component("modalities", request.param)


@pytest.fixture
def toy(modality: Modality) -> Toy:
    return MAKERS[modality.name]()


def featurized(modality: Modality, column: pa.Array, **settings: Any) -> pa.Table:
    features = modality.featurize(column, modality.settings(**settings))
    return pa.table(dict(features.columns))


def described(modality: Modality, features: Features) -> FeaturesMetadata:
    """Return the metadata that a features file would carry."""
    settings = modality.settings().model_dump(mode="json")
    return features_metadata(modality.name, shape=features.shape, names=features.names, fit=dict(features.fit), settings=settings)


def rows_of(table: pa.Table) -> list[bytes]:
    """Return every row as bytes, so that NaN equals NaN."""
    return [repr(row).encode() for row in table.to_pylist()]


# ---------------------------------------------------------------- the battery
def test_every_modality_has_a_toy() -> None:
    assert NAMES
    assert set(NAMES) == set(MAKERS)


def test_name_is_that_of_the_file(modality: Modality, request: pytest.FixtureRequest) -> None:
    assert modality.name == request.node.callspec.params["modality"]


def test_one_row_per_sample_of_the_declared_encoding(modality: Modality, toy: Toy) -> None:
    features = modality.featurize(toy.column, modality.settings())
    needed = {"dense": {"vector"}, "sparse": {"indices", "values"}, "table": {"numeric", "categorical"}}[features.encoding]
    assert needed <= set(features.columns)
    assert {len(column) for column in features.columns.values()} == {len(toy.column)}
    if features.encoding == "dense":
        assert features.columns["vector"].type == pa.list_(pa.float32(), int(np.prod(features.shape)))


def test_same_bytes_again(modality: Modality, toy: Toy, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_table(tmp_path / name, featurized(modality, toy.column), Metadata())
    assert hashlib.sha256((tmp_path / "a").read_bytes()).digest() == hashlib.sha256((tmp_path / "b").read_bytes()).digest()


def test_input_is_unmodified(modality: Modality, toy: Toy) -> None:
    before = [None if buffer is None else buffer.to_pybytes() for buffer in toy.column.buffers()]
    featurized(modality, toy.column)
    assert [None if buffer is None else buffer.to_pybytes() for buffer in toy.column.buffers()] == before


def test_a_row_depends_on_its_sample_alone(modality: Modality, toy: Toy) -> None:
    whole = rows_of(featurized(modality, toy.column))
    order = np.random.default_rng(3).permutation(len(toy.column))
    assert rows_of(featurized(modality, toy.column.take(pa.array(order)))) == [whole[row] for row in order]
    assert rows_of(featurized(modality, toy.column.slice(2, 3))) == whole[2:5]
    for row in range(len(toy.column)):
        assert rows_of(featurized(modality, toy.column.slice(row, 1))) == [whole[row]]


def test_chunks_and_no_rows_are_fine(modality: Modality, toy: Toy) -> None:
    chunked = pa.chunked_array([toy.column.slice(0, 2), toy.column.slice(2)])
    assert rows_of(featurized(modality, chunked)) == rows_of(featurized(modality, toy.column))
    empty = featurized(modality, toy.column.slice(0, 0))
    assert len(empty) == 0
    assert empty.schema == featurized(modality, toy.column).schema


def test_summary_is_finite_and_has_the_expected_columns(modality: Modality, toy: Toy) -> None:
    features = modality.featurize(toy.column, modality.settings())
    metadata = described(modality, features)
    summary = modality.summarise(pa.table(dict(features.columns)), metadata)
    assert summary["finite"].all()
    assert {len(values) for values in summary.values()} == {len(toy.column)}
    columns = {arguments["column"] for _, arguments in modality.expectations(metadata)}
    assert columns <= set(summary)
    assert "finite" in columns


def test_wrong_type_is_refused(modality: Modality, toy: Toy) -> None:
    check_type(toy.column, modality, "toy")
    with pytest.raises(InputError, match=f"toy: column of Arrow type .*; modality '{modality.name}' reads {modality.column_types[0]}"):
        check_type(toy.wrong_type, modality, "toy")


@pytest.mark.parametrize("name", [name for name, make in MAKERS.items() if make().unreadable])
def test_unreadable_sample_names_its_row(name: str) -> None:
    modality, toy = component("modalities", name), MAKERS[name]()
    sample, reason = toy.unreadable or (None, "")
    column = pa.array([toy.column[0].as_py(), sample], type=toy.column.type)
    with pytest.raises(SampleError, match=f"row 1: {reason}") as caught:
        featurized(modality, column)
    assert list(caught.value.reasons) == [1]


def test_null_is_named_or_kept_as_missing(modality: Modality, toy: Toy) -> None:
    column = pa.array([*toy.column.slice(0, 2).to_pylist(), None], type=toy.column.type)
    if toy.null_is_missing:
        assert len(featurized(modality, column)) == 3
    else:
        with pytest.raises(SampleError, match=r"row 2: the sample is missing \(null\)"):
            featurized(modality, column)


def test_nonsense_settings_are_refused(modality: Modality, toy: Toy) -> None:
    parse({}, "features.toy", modality.settings)
    for nonsense in toy.nonsense:
        with pytest.raises(InputError, match=rf"params.yaml: features\.toy.*({next(iter(nonsense))}|{'|'.join(nonsense)})"):
            parse(nonsense, "features.toy", modality.settings)


@pytest.mark.parametrize("name", [name for name, make in MAKERS.items() if make().unreadable])
def test_damaged_files_are_read_or_named_never_worse(name: str) -> None:
    modality, files = component("modalities", name), MAKERS[name]().column.to_pylist()
    random = np.random.default_rng(4)
    n_named = 0
    for trial in range(300):
        damaged = bytearray(files[trial % len(files)])
        if trial % 3:
            damaged[random.integers(min(len(damaged), 120))] ^= random.integers(1, 256)
        else:
            del damaged[random.integers(len(damaged)) :]
        try:
            assert np.isfinite(column_values(featurized(modality, pa.array([bytes(damaged)]))["vector"])).all()
        except SampleError as error:
            n_named += list(error.reasons) == [0]
    assert 100 < n_named < 300


# ---------------------------------------------------------------- image
def pixels(file: bytes, **settings: Any) -> np.ndarray:
    modality = component("modalities", "image")
    features = modality.featurize(pa.array([file]), modality.settings(**settings))
    return column_values(features.columns["vector"]).reshape(features.shape)


def test_a_known_colour_stays() -> None:
    colour = np.full((5, 9, 3), (255, 51, 0), dtype=np.uint8)
    expected = np.broadcast_to(np.array([1, 0.2, 0], dtype=np.float32), (4, 3, 3))
    np.testing.assert_array_equal(pixels(png(colour), size=[4, 3]), expected)


def test_the_shape_is_height_width_colours_and_halving_averages() -> None:
    picture = np.zeros((2, 8), dtype=np.uint8)
    picture[:, 4:] = 255
    small = pixels(png(picture), size=[2, 4], colour="grey")
    assert small.shape == (2, 4, 1)
    np.testing.assert_allclose(small[0, :, 0], [0, 1 / 8, 7 / 8, 1], atol=0.01)  # a triangle two pixels wide on each side


def test_grey_is_luma_and_alpha_shows_the_background() -> None:
    np.testing.assert_allclose(pixels(png(np.full((2, 2, 3), (0, 255, 0), dtype=np.uint8)), size=[1, 1], colour="grey"), 0.587, atol=0.002)
    clear = png(np.zeros((2, 2, 4), dtype=np.uint8))
    assert pixels(clear, size=[1, 1]).tolist() == [[[1, 1, 1]]]
    assert pixels(clear, size=[1, 1], background="black").tolist() == [[[0, 0, 0]]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_any_mode_of_white_is_white(mode: str) -> None:
    if mode == "I;16":
        file = png(np.full((3, 3), 65535, dtype=np.uint16))
    else:
        file = encoded(Image.new("RGB", (3, 3), "white").convert(mode), "TIFF" if mode == "CMYK" else "PNG")
    np.testing.assert_array_equal(pixels(file, size=[2, 2]), np.ones((2, 2, 3)))
    np.testing.assert_array_equal(pixels(file, size=[2, 2], colour="grey"), np.ones((2, 2, 1)))


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    np.testing.assert_allclose(pixels(png(np.full((2, 2), 32768, dtype=np.uint16)), size=[1, 1], colour="grey"), 0.5, atol=1e-4)


def test_the_camera_s_orientation_is_applied() -> None:
    picture = np.zeros((4, 4, 3), dtype=np.uint8)
    picture[0] = 255  # white on top
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = 3  # taken upside down
    turned = pixels(encoded(image, "PNG", exif=exif), size=[4, 4], colour="grey")
    np.testing.assert_array_equal(turned[:, 0, 0], [0, 0, 0, 1])


def test_damaged_metadata_do_not_lose_the_picture() -> None:
    image = Image.new("RGB", (3, 3), "white")
    exif = image.getexif()
    exif[0x010E] = "a description"
    file = encoded(image, "PNG", exif=exif.tobytes()[:-9])
    np.testing.assert_array_equal(pixels(file, size=[2, 2]), np.ones((2, 2, 3)))


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(SampleError, match=r"row 0: 300×200 pixels are more than max_pixels = 1000"):
        pixels(png(np.zeros((300, 200), dtype=np.uint8)), max_pixels=1000)
    huge = BytesIO()
    Image.new("1", (20_000, 20_000)).save(huge, "PNG")
    with pytest.raises(SampleError, match="DecompressionBomb"):
        pixels(huge.getvalue())


# ---------------------------------------------------------------- text
def bags(texts: list[str], **settings: Any) -> list[dict[int, float]]:
    return hashed_bags(component("modalities", "text"), pa.array(texts), **settings)


@pytest.mark.parametrize("ngrams", [(1, 1), (1, 2), (2, 3)])
def test_counts_agree_with_scikit_learn(ngrams: tuple[int, int]) -> None:
    texts = ["The cat sat on the mat; the cat!", "Don't sit. DON'T!", "x", "", "a_b 42 naïve ÉCOLE"]
    vectorizer = CountVectorizer(ngram_range=ngrams, token_pattern=r"\w+(?:'\w+)*")
    counts = vectorizer.fit_transform(texts).toarray()
    terms = vectorizer.get_feature_names_out()
    expected = [{term: float(count) for term, count in zip(terms, row, strict=True) if count} for row in counts]
    assert bags(texts, ngrams=ngrams) == hashed(expected)


def test_indices_are_sorted_unique_stable_and_of_31_bits() -> None:
    modality = component("modalities", "text")
    features = modality.featurize(pa.array([" ".join(f"word{i}" for i in range(50_000)), "hello"]), modality.settings(ngrams=(1, 1)))
    many, one = features.columns["indices"].to_pylist()
    assert many == sorted(set(many))
    assert 0 <= many[0] < 2**20 < 2**30 < many[-1] < 2**31
    assert one == [0x248BFA47]  # MurmurHash3's own test vector


def test_words_of_any_script_with_their_marks() -> None:
    assert bags(["हिन्दी में", "Straße STRASSE", "ﬁne Ａ１", "don’t"], ngrams=(1, 1)) == hashed([
        {"हिन्दी": 1, "में": 1},
        {"strasse": 2},
        {"fine": 1, "a1": 1},
        {"don't": 1},
    ])
    assert bags(["Red red"], ngrams=(1, 1), lowercase=False) == hashed([{"Red": 1, "red": 1}])


def test_ngrams_do_not_cross_samples() -> None:
    assert bags(["one", "two three"], ngrams=(2, 2)) == hashed([{}, {"two three": 1}])


def test_counts_of_colliding_terms_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.modalities.text.terms.N_INDICES", 1)
    assert bags(["b a b", "", "b c"], ngrams=(1, 1)) == [{0: 3}, {}, {0: 2}]


# ---------------------------------------------------------------- audio
ENCODINGS = [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)]


@pytest.mark.parametrize(("code", "bits"), ENCODINGS)
@pytest.mark.parametrize("extensible", [False, True])
def test_every_encoding_of_wav_reads_back(code: int, bits: int, extensible: bool) -> None:
    signal = tone(440, 8_000)
    read, rate_hz = decode_wav(wav(np.stack([signal, signal], axis=1), 8_000, code=code, bits=bits, extensible=extensible))
    assert rate_hz == 8_000
    np.testing.assert_allclose(read, signal, atol=2.0 ** (2 - min(bits, 23)))


def test_channels_are_averaged() -> None:
    assert np.abs(decode_wav(wav(np.stack([tone(440), -tone(440)], axis=1), 16_000))[0]).max() < 1e-4


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (wav(tone(440), 16_000)[:500], "WAV file is truncated: chunk 'data' declares 6400 bytes"),
        (wav(tone(440), 16_000)[:30], "WAV file is truncated: chunk 'fmt '|without complete 'fmt '"),
        (wav(tone(440), 16_000, code=2), "WAV encoding 2 with 16 bits"),
        (wav(tone(440), 0), "header is inconsistent: 1 channels of 16 bits in 2 bytes at 0 Hz"),
        (wav(np.full(400, np.nan), 16_000, code=3, bits=32), "not finite"),
        (wav(tone(440, seconds=0.01), 16_000), r"a clip of 10.0 ms is shorter than one window of 20 ms"),
        (wav(tone(440, seconds=0), 16_000), r"a clip of 0.0 ms is shorter"),
        (b"", "not a WAV"),
    ],
)
def test_broken_wav_is_named(file: bytes, reason: str) -> None:
    modality = component("modalities", "audio")
    with pytest.raises(SampleError, match=f"row 0: .*{reason}"):
        modality.featurize(pa.array([file]), modality.settings())


def test_data_of_unknown_length_go_up_to_the_end() -> None:
    np.testing.assert_array_equal(decode_wav(wav(tone(440), 16_000, size=0xFFFFFFFF))[0], decode_wav(wav(tone(440), 16_000))[0])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 96_000])
def test_a_tone_peaks_in_its_band_whatever_the_rate(rate_hz: int) -> None:
    settings = AudioSettings()
    frames = frames_of(tone(1000, rate_hz), rate_hz, settings)
    corners = 2595 * np.log10(1 + settings.rate_hz / 2 / 700) * np.arange(1, settings.bands + 1) / (settings.bands + 1)
    expected = np.argmin(np.abs(corners - 2595 * np.log10(1 + 1000 / 700)))
    assert set(frames.argmax(axis=1)) == {expected}


@pytest.mark.parametrize("window_ms", [12, 20, 33, 64])
def test_power_does_not_depend_on_the_window(window_ms: float) -> None:
    frames = frames_of(tone(1000), 16_000, AudioSettings(window_ms=window_ms, bands=10, log=False))
    np.testing.assert_allclose(frames.sum(axis=1), 0.375 * 0.8**2, rtol=0.001)


def test_frames_are_whole_and_the_vector_is_mean_deviation_and_segments() -> None:
    modality = component("modalities", "audio")
    features = modality.featurize(pa.array([wav(tone(1000, seconds=0.105), 16_000)]), modality.settings(segments=3, bands=20))
    frames = np.array(features.columns["frames"].to_pylist()[0])
    vector = column_values(features.columns["vector"])[0].reshape(features.shape)
    assert frames.shape == (9, 20)  # 1 + (105 - 20) // 10
    assert features.names == ["mean", "deviation", "segment 1", "segment 2", "segment 3"]
    expected = [frames.mean(0), frames.std(0), frames[:3].mean(0), frames[3:6].mean(0), frames[6:].mean(0)]
    np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_one_frame_fills_every_segment_and_silence_is_the_floor() -> None:
    modality = component("modalities", "audio")
    features = modality.featurize(pa.array([wav(np.zeros(320), 16_000)]), modality.settings())
    mean, deviation, *segments = column_values(features.columns["vector"])[0].reshape(features.shape)
    assert np.ptp(deviation) == 0
    np.testing.assert_allclose(np.stack([mean, *segments]), np.log(FLOOR), rtol=1e-6)


# ---------------------------------------------------------------- table
def test_columns_are_parted_by_kind_and_gaps_kept() -> None:
    modality = component("modalities", "table")
    features = modality.featurize(MAKERS["table"]().column, modality.settings())
    assert features.names == {"numeric": ["age", "price", "member"], "categorical": ["colour", "size"]}
    assert features.shape == (3, 2)
    assert features.columns["categorical"].to_pylist()[0] == ["red", None]
    numeric = column_values(features.columns["numeric"])
    np.testing.assert_array_equal(numeric[:3], np.array([[31, 9.5, 1], [np.nan, 1e-3, 0], [54, np.nan, np.nan]]))


@pytest.mark.parametrize("row", [{"a": 1.5}, {"a": "x"}, {"a": True, "b": None}])
def test_one_kind_of_column_is_enough(row: dict[str, Any]) -> None:
    modality = component("modalities", "table")
    fields = [(name, pa.string() if isinstance(value, str) or value is None else pa.float64()) for name, value in row.items()]
    column = pa.array([{n: float(v) if isinstance(v, bool) else v for n, v in row.items()}, None], type=pa.struct(fields))
    features = modality.featurize(column, modality.settings())
    summary = modality.summarise(pa.table(dict(features.columns)), described(modality, features))
    assert summary["null_share"][1] == 1
    assert set(summary) == {"finite", "null_share", *(f"column:{name}" for name in row)}


def shifted_column(kind: str, shift: float) -> pa.Array:
    """Return 200 samples whose numbers are 0, 0.5, 1, … and a shift, in each sample of several points or nodes about 0.1 apart."""
    starts = shift + np.arange(200) / 2
    if kind == "table":
        return pa.array([{"a": start} for start in starts.tolist()])
    if kind == "vector":
        return fixed_lists(starts[:, None])
    points = (starts[:, None] + np.array([-0.1, 0.0, 0.1])).tolist()
    if kind == "graph":
        edges = [[0, 1], [1, 2]]
        return graph_column([GraphSample(3, edges, node_attributes=np.array(values)[:, None]) for values in points])
    return pa.array([[[value] for value in values] for values in points], pa.list_(pa.list_(pa.float64(), 1)))


@pytest.mark.parametrize(("kind", "feature"), [
    ("table", "a"), ("series", "0: mean"), ("set", "0: mean"), ("graph", "attribute 0 mean"), ("vector", "0"),
])  # fmt: skip
@pytest.mark.parametrize("shift", [1.7e9, -5e6])  # seconds since 1970; metres of a map projection
def test_numbers_far_from_zero_keep_their_differences(kind: str, feature: str, shift: float) -> None:
    """From the samples to the matrix that models read: what is fitted is centred in float64."""
    modality = component("modalities", kind)
    matrices = []
    for column in (shifted_column(kind, 0.0), shifted_column(kind, shift)):
        choice: dict[str, Any] = {"set": {"centre": False}, "vector": {"standardize": True}}.get(kind, {})
        features = modality.featurize(column, modality.settings(**choice))
        raw = raw_features(dict(features.columns), features.encoding)
        place = list(features.names["numeric"]).index(feature)
        matrices.append(raw.encode(raw.fit(np.arange(200), features.fit))[:, place])
    assert len(np.unique(matrices[1])) == 200
    np.testing.assert_allclose(matrices[1], matrices[0], atol=1e-4)


def test_a_number_too_large_to_square_is_found_by_validation() -> None:
    modality = component("modalities", "table")
    features = modality.featurize(pa.array([{"a": 1e300}, {"a": 1.0}]), modality.settings())
    assert modality.summarise(pa.table(dict(features.columns)), described(modality, features))["finite"].tolist() == [False, True]
