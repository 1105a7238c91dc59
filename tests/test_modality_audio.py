"""Sound: golden checks against plain loops and scipy, every container, and what is said of damaged ones."""

import io
import math
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.fft
import soundfile
from toy_columns import tone, wav
from toy_samples import features_metadata

from stages.contracts.modality import Features
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.foundation.tables import column_values
from stages.modalities.audio import MODALITY
from stages.modalities.audio.audio_settings import AudioSettings
from stages.modalities.audio.clip_features import FLOOR, frames_of
from stages.modalities.audio.containers import check_ogg, count_mp3_samples
from stages.modalities.audio.sounds import decode
from stages.modalities.audio.spectra import LEAST_SPREAD, MelBank, cepstra, normalized, slopes
from stages.samples.read import SampleError

KINDS = {"FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}


def noise(seconds: float = 2.0, rate_hz: int = 16_000) -> np.ndarray:
    """Return a tone in noise: of more than one Ogg page and many MP3 frames."""
    return tone(440, rate_hz, seconds) * 0.5 + 0.05 * np.random.default_rng(5).standard_normal(round(seconds * rate_hz))


def sound_file(signal: np.ndarray, rate_hz: int, kind: str, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, signal, rate_hz, format=kind, subtype=subtype or KINDS[kind])
    return file.getvalue()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {kind: sound_file(noise(8), 16_000, kind) for kind in KINDS}


def featurized(*encoded: bytes, **settings: Any) -> Features:
    return MODALITY.featurize(pa.array(encoded), AudioSettings(**settings))


def vectors(*encoded: bytes, **settings: Any) -> np.ndarray:
    features = featurized(*encoded, **settings)
    return column_values(features.columns["vector"]).reshape(-1, *features.shape)


def named(encoded: bytes, **settings: Any) -> str:
    """Return what is said of a sample that cannot be read."""
    with pytest.raises(SampleError) as caught:
        featurized(encoded, **settings)
    return str(caught.value)


# ---------------------------------------------------------------- spectra
def plain_mel_power(signal: np.ndarray, rate_hz: int, n_window: int, n_offset: int, bands: int) -> np.ndarray:
    """Return what MelBank does, bin by bin, with a discrete Fourier transform by its definition."""
    n_fft = 256
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / n_window) for i in range(n_window)]
    top = 2595 * math.log10(1 + rate_hz / 2 / 700)
    corners = [700 * (10 ** (top * i / (bands + 1) / 2595) - 1) for i in range(bands + 2)]
    rows = []
    for start in range(0, len(signal) - n_window + 1, n_offset):
        row = [0.0] * bands
        for k in range(n_fft // 2 + 1):
            amplitude = sum(signal[start + i] * window[i] * np.exp(-2j * math.pi * k * i / n_fft) for i in range(n_window))
            power = abs(amplitude) ** 2 / sum(window) ** 2 * n_window / n_fft
            hz = k * rate_hz / n_fft
            for band in range(bands):
                low, middle, high = corners[band : band + 3]
                row[band] += power * max(0.0, min((hz - low) / (middle - low), (high - hz) / (high - middle)))
        rows.append(row)
    return np.array(rows)


def test_mel_power_and_cepstra_agree_with_plain_loops() -> None:
    signal = noise(0.05, 8_000)
    bank = MelBank(8_000, n_window=160, n_offset=80, bands=12)
    assert bank.add(signal) == 4
    bands = bank.power()
    np.testing.assert_allclose(bands, plain_mel_power(signal, 8_000, 160, 80, 12), rtol=1e-9, atol=1e-18)
    rows, n = np.log(bands), bands.shape[1]
    expected = [
        [
            math.sqrt((1 if k == 0 else 2) / n) * sum(row[i] * math.cos(math.pi * k * (2 * i + 1) / (2 * n)) for i in range(n))
            for k in range(5)
        ]
        for row in rows.tolist()
    ]
    np.testing.assert_allclose(cepstra(rows, 5), expected, rtol=1e-10, atol=1e-12)


def test_features_are_what_the_settings_name() -> None:
    signal = noise(0.3, 8_000)
    log_mel = frames_of(signal, 8_000, AudioSettings(rate_hz=8_000, bands=26))
    mfcc = frames_of(signal, 8_000, AudioSettings(rate_hz=8_000, bands=26, features="mfcc"))
    np.testing.assert_array_equal(mfcc, scipy.fft.dct(log_mel, type=2, norm="ortho")[:, :13])
    np.testing.assert_allclose(mfcc[:, 0], log_mel.mean(axis=1) * np.sqrt(26))
    both = frames_of(signal, 8_000, AudioSettings(rate_hz=8_000, bands=26, features="mfcc", deltas=True))
    np.testing.assert_array_equal(both, np.hstack([mfcc, slopes(mfcc)]))


def test_all_coefficients_keep_the_distances() -> None:
    log_mel = np.random.default_rng(0).standard_normal((6, 20))
    whole = cepstra(log_mel, 20)
    np.testing.assert_allclose(np.linalg.norm(whole[:3] - whole[3:], axis=1), np.linalg.norm(log_mel[:3] - log_mel[3:], axis=1))


@pytest.mark.parametrize("n", [1, 2, 9])
def test_slopes_are_those_of_least_squares(n: int) -> None:
    rows = np.random.default_rng(1).standard_normal((n, 3))
    padded = np.pad(rows, ((2, 2), (0, 0)), mode="edge")
    expected = [np.polyfit(np.arange(5), padded[i : i + 5], 1)[0] for i in range(n)]
    np.testing.assert_allclose(slopes(rows), expected, atol=1e-12)


def test_normalising_takes_off_a_filter_and_what_does_not_vary_is_not_blown_up() -> None:
    rows = np.random.default_rng(2).standard_normal((50, 4)) * [1, 2, 3, 0]
    np.testing.assert_allclose(normalized(rows + np.arange(4), spread=False), normalized(rows, spread=False), atol=1e-12)
    np.testing.assert_allclose(normalized(rows, spread=True).std(axis=0), rows.std(axis=0) / (rows.std(axis=0) + LEAST_SPREAD))


def test_a_quieter_clip_is_the_same_when_normalised() -> None:
    loud, quiet = (wav(noise(0.5) * gain, 16_000, code=3, bits=64) for gain in (1.0, 0.1))
    assert np.abs(np.subtract(*vectors(loud, quiet))).max() > 4
    np.testing.assert_allclose(*vectors(loud, quiet, normalise="mean", segments=3), atol=1e-4)


# ---------------------------------------------------------------- the vector
def test_parts_of_the_vector_are_named() -> None:
    clip = wav(noise(0.3), 16_000)
    names = {kind: featurized(clip, segments=2, normalise=kind).names for kind in ("none", "mean", "variance")}
    segments = ["segment 1", "segment 2"]
    assert names == {"none": ["mean", "deviation", *segments], "mean": ["deviation", *segments], "variance": segments}
    frames = np.array(featurized(clip, normalise="mean").columns["frames"].to_pylist()[0])
    deviation, first, second = vectors(clip, normalise="mean", segments=2)[0]
    half = len(frames) // 2
    np.testing.assert_allclose([deviation, first, second], [frames.std(0), frames[:half].mean(0), frames[half:].mean(0)], atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"log": False}, {"features": "mfcc", "deltas": True}])
def test_frames_end_to_end_are_cut_or_filled_up_with_silence(settings: dict[str, Any]) -> None:
    clip, longer = wav(noise(0.06), 16_000), wav(noise(0.5), 16_000)  # 5 and 49 frames
    features = featurized(clip, longer, summary="frames", n_frames=8, **settings)
    short, cut = column_values(features.columns["vector"]).reshape(-1, *features.shape)
    frames, all_frames = (np.array(rows, dtype=np.float32) for rows in features.columns["frames"].to_pylist())
    silence = vectors(wav(np.zeros(320), 16_000), summary="frames", n_frames=1, **settings)[0, 0]
    assert features.names == [f"frame {i}" for i in range(1, 9)] and len(frames) == 5 and len(all_frames) == 49
    np.testing.assert_array_equal(short, [*frames, *[silence] * 3])
    np.testing.assert_array_equal(cut, all_frames[:8])


@pytest.mark.parametrize(
    "settings",
    [
        {"features": "mfcc"},
        {"features": "mfcc", "deltas": True, "normalise": "variance", "segments": 8},
        {"normalise": "mean", "segments": 0},
        {"summary": "frames", "n_frames": 3, "deltas": True},
        {"log": False},
    ],
)
def test_what_is_expected_holds_of_speech_like_sound_and_of_silence(settings: dict[str, Any]) -> None:
    features = featurized(wav(noise(0.4), 16_000), wav(np.zeros(4000), 16_000), **settings)
    chosen = AudioSettings(**settings).model_dump(mode="json")
    metadata = features_metadata("audio", shape=features.shape, names=features.names, settings=chosen)
    summary = MODALITY.summarise(pa.table(dict(features.columns)), metadata)
    bounds = [arguments for name, arguments in MODALITY.expectations(metadata) if name == "expect_column_values_to_be_between"]
    for arguments in bounds:
        values = summary[arguments["column"]]
        assert (values >= arguments["min_value"]).all() and (values <= arguments.get("max_value", np.inf)).all(), arguments["column"]
    assert summary["finite"].all() and summary["variation"][0] > 0 and summary["variation"][1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"features": "mfcc", "coefficients": 41}, "coefficients 41 are more than bands 40"),
        ({"features": "mfcc", "log": False}, "log: false requires features: log_mel"),
        ({"normalise": "mean", "log": False}, "log: false requires features: log_mel"),
        ({"summary": "frames"}, "summary: frames needs n_frames"),
        ({"normalise": "variance", "segments": 0}, "segments 0 with normalise: variance leave no feature of a clip"),
        ({"features": "chroma"}, "features"),
        ({"max_seconds": 0}, "max_seconds"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        parse(settings, "features.toy", AudioSettings)


# ---------------------------------------------------------------- containers
@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_flac_reads_as_wav_does(rate_hz: int, subtype: str) -> None:
    step = 2 ** {"PCM_S8": 24, "PCM_16": 16, "PCM_24": 8}[subtype]
    signal = np.stack([noise(0.1, rate_hz), tone(300, rate_hz, 0.1)], axis=1)
    whole = (np.rint(signal * 2**31 / step) * step).astype(np.int32)  # so that nothing is rounded in either format
    read, found_hz = decode(sound_file(whole, rate_hz, "FLAC", subtype), 600)
    expected, _ = decode(sound_file(whole, rate_hz, "WAV", "PCM_32"), 600)
    assert found_hz == rate_hz
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_sound_keeps_its_length_and_features(kind: str, subtype: str) -> None:
    signal = noise(1.0)
    encoded = sound_file(signal, 16_000, kind, subtype)
    read, rate_hz = decode(encoded, 600)
    assert rate_hz == 16_000 and len(read) == len(signal)
    lossless, lossy = vectors(wav(signal, 16_000), encoded)
    assert np.abs(lossless[0] - lossy[0])[:25].mean() < 0.5  # the upper bands are what such formats leave out
    np.testing.assert_array_equal(lossy, vectors(encoded)[0])


def test_tags_around_an_mp3_are_passed_over(files: dict[str, bytes]) -> None:
    tagged = b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10) + files["MP3"] + b"TAG" + bytes(125)
    np.testing.assert_array_equal(decode(tagged, 600)[0], decode(files["MP3"], 600)[0])
    assert len(decode(files["MP3"], 600)[0]) <= count_mp3_samples(files["MP3"]) < 128_000 + 5 * 1_152


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", [0.02, 0.5, 0.95])
def test_a_file_that_is_cut_off_is_named(kind: str, left: float, files: dict[str, bytes]) -> None:
    assert "truncated" in named(files[kind][: int(len(files[kind]) * left)])


def test_an_ogg_that_ends_between_pages_is_named(files: dict[str, bytes]) -> None:
    check_ogg(files["OGG"])
    cut = files["OGG"][: files["OGG"].rindex(b"OggS")]
    assert len(soundfile.read(io.BytesIO(cut))[0]) < 128_000  # libsndfile says nothing
    assert "its last page is not marked as the last" in named(cut)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_damaged_inside_is_named(kind: str, files: dict[str, bytes]) -> None:
    middle = len(files[kind]) // 2
    assert "damaged" in named(files[kind][:middle] + bytes(900) + files[kind][middle + 900 :])


def test_samples_that_do_not_agree_with_their_checksum_are_named(files: dict[str, bytes]) -> None:
    forged = bytearray(files["FLAC"])
    forged[30] ^= 1  # in the header: the MD5 of the samples
    assert "FLAC file is damaged: its samples do not match the checksum" in named(bytes(forged))
    forged[26:42] = bytes(16)  # no checksum was written
    np.testing.assert_array_equal(decode(bytes(forged), 600)[0], decode(files["FLAC"], 600)[0])


def test_an_mp3_of_varying_rate_without_its_length_is_not_read_in_part(files: dict[str, bytes]) -> None:
    bare = files["MP3"][files["MP3"].index(b"\xff\xf3", 2) :]  # without the first frame, which says the length
    assert "it declares at least" in named(bare)


@pytest.mark.parametrize(("n_frames", "match"), [(2**36 - 1, "longer than max_seconds = 600"), (0, "does not declare the length")])
def test_an_absurd_header_is_refused_before_it_is_believed(n_frames: int, match: str, files: dict[str, bytes]) -> None:
    flac = bytearray(files["FLAC"])
    fields = int.from_bytes(flac[18:26], "big") >> 36 << 36 | n_frames
    flac[18:26] = fields.to_bytes(8, "big")
    assert match in named(bytes(flac))


def test_a_clip_longer_than_allowed_is_refused(files: dict[str, bytes]) -> None:
    for encoded in (wav(noise(8), 16_000), *files.values()):
        assert "a clip of 8 s is longer than max_seconds = 2; cut it, or raise max_seconds" in named(encoded, max_seconds=2)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"These are words, not sounds. " * 40, "not a WAV, FLAC, Ogg or MP3 file: 1160 bytes that start with b'Thes'"),
        (b"", "not a WAV, FLAC, Ogg or MP3 file: 0 bytes"),
        (b"fLaC", "FLAC file of 4 bytes is truncated or damaged"),
        (b"OggS", "Ogg file of 4 bytes is truncated or damaged: no complete page at byte 0"),
        (b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10), "without audio"),
        (b"\xff\xfe" + "text".encode("utf-16-le") * 9, "MP3 file is damaged, or not of layer III"),
        (b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVEfmt " + struct.pack("<I", 2**31), "truncated: chunk 'fmt ' declares 2147483648"),
        (wav(np.array([0.0, np.nan] * 400), 16_000, code=3, bits=32), "not finite"),
        (wav(np.zeros(0), 16_000), "a clip of 0.0 ms is shorter than one window of 20 ms"),
        (sound_file(np.zeros(100), 16_000, "FLAC"), "a clip of 6.2 ms is shorter than one window of 20 ms"),
    ],
)
def test_what_is_no_sound_is_named(encoded: bytes, reason: str) -> None:
    assert reason in named(encoded)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_any_kind_is_read_or_named_never_worse(kind: str) -> None:
    encoded, random = sound_file(noise(0.3), 16_000, kind), np.random.default_rng(6)
    n_named = 0
    for trial in range(60):
        damaged = bytearray(encoded)
        if trial % 2:
            damaged[random.integers(len(damaged))] ^= random.integers(1, 256)
        else:
            del damaged[random.integers(len(damaged)) :]
        try:
            assert np.isfinite(vectors(bytes(damaged))).all()
        except SampleError:
            n_named += 1
    assert n_named >= 30  # all that were cut off, at least


def test_silence_is_the_floor_in_every_container() -> None:
    for encoded in (wav(np.zeros(3200), 16_000), sound_file(np.zeros(3200), 16_000, "FLAC")):
        np.testing.assert_allclose(vectors(encoded)[0, 0], math.log(FLOOR), rtol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"summary": "frames", "n_frames": 7}, {"deltas": True, "normalise": "mean"}])
def test_no_clip_has_no_features(settings: dict[str, Any]) -> None:
    features = MODALITY.featurize(pa.array([], pa.binary()), AudioSettings(**settings))
    assert {name: len(column) for name, column in features.columns.items()} == {"vector": 0, "frames": 0}
