"""Sound: golden checks against plain loops and scipy, every container, and what is said of damaged ones."""

import io
import math
import re
import struct
from collections.abc import Iterator
from itertools import pairwise
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
from stages.modalities.audio.mp3 import find_frames
from stages.modalities.audio.ogg import ogg_streams
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
    assert len(decode(files["MP3"], 600)[0]) <= find_frames(files["MP3"]).n_samples < 128_000 + 5 * 1_152


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", [0.02, 0.5, 0.95])
def test_a_file_that_is_cut_off_is_named(kind: str, left: float, files: dict[str, bytes]) -> None:
    assert "truncated" in named(files[kind][: int(len(files[kind]) * left)])


def page_starts(encoded: bytes) -> list[int]:
    return [match.start() for match in re.finditer(b"OggS", encoded)]


def ogg_page(page: bytes, **fields: int) -> bytes:
    """Return an Ogg page with other fields, and with its checksum, bit by bit as in RFC 3533."""
    page, value = bytearray(page), 0
    for name, (form, at) in {"kind": ("<B", 5), "serial": ("<I", 14), "number": ("<I", 18)}.items():
        if name in fields:
            struct.pack_into(form, page, at, fields[name])
    page[22:26] = bytes(4)
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x104C11DB7) & 0xFFFFFFFF if value >> 31 else value << 1
    page[22:26] = struct.pack("<I", value)
    return bytes(page)


def unmarked(encoded: bytes) -> bytes:
    last = page_starts(encoded)[-1]
    return encoded[:last] + ogg_page(encoded[last:], kind=encoded[last + 5] & ~4)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_whose_last_page_is_not_marked_is_whole(subtype: str) -> None:
    encoded = sound_file(noise(), 16_000, "OGG", subtype)
    assert unmarked(encoded) != encoded and ogg_streams(unmarked(encoded)) == [encoded]
    np.testing.assert_array_equal(decode(unmarked(encoded), 600)[0], decode(encoded, 600)[0])


def test_an_ogg_that_lacks_a_page_or_the_rest_of_a_packet_is_named(files: dict[str, bytes]) -> None:
    encoded, starts = files["OGG"], page_starts(files["OGG"])
    assert "page 4 at byte" in named(encoded[: starts[3]] + encoded[starts[4] :])  # libsndfile fills the hole
    last = encoded[starts[-1] :]
    cut = last[:26] + bytes([1, 255]) + last[27 + last[26] :][:255]  # one segment, which the next page would continue
    assert "its last page ends inside a packet" in named(encoded[: starts[-1]] + ogg_page(cut, kind=0))
    assert "no complete page" in named(unmarked(encoded) + bytes(900))  # a place kept for the rest


def test_a_recorded_broadcast_goes_on_with_any_page(files: dict[str, bytes]) -> None:
    encoded, starts = files["OGG"], [*page_starts(files["OGG"]), len(files["OGG"])]
    pages = [encoded[start:stop] for start, stop in pairwise(starts)]
    later = [*pages[:2], *(ogg_page(page, number=5_000 + i) for i, page in enumerate(pages[2:]))]
    np.testing.assert_array_equal(decode(b"".join(later), 600)[0], decode(encoded, 600)[0])


def test_ogg_streams_one_after_the_other_are_one_clip(files: dict[str, bytes]) -> None:
    opus = sound_file(noise(), 16_000, "OGG", "OPUS")
    expected = np.concatenate([decode(encoded, 600)[0] for encoded in (files["OGG"], opus)])
    for first in (files["OGG"], unmarked(files["OGG"])):
        np.testing.assert_array_equal(decode(first + opus, 600)[0], expected)
    assert "rates of [8000, 16000] Hz" in named(opus + sound_file(noise(1, 8_000), 8_000, "OGG"))
    assert "longer than max_seconds = 9" in named(files["OGG"] + opus, max_seconds=9)


def test_what_an_ogg_holds_besides_sound_is_named() -> None:
    page = b"OggS\0\2" + bytes(20) + b"\1\x50" + b"Speex   " + bytes(72)
    assert "Ogg file without Vorbis, Opus or FLAC" in named(ogg_page(page))


ID3 = b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10)
ID3_END = b"TAG" + bytes(125)


@pytest.mark.parametrize("kind", [*KINDS, "WAV"])
def test_tags_and_other_bytes_around_the_sound_change_nothing(kind: str, files: dict[str, bytes]) -> None:
    encoded = files.get(kind) or wav(noise(), 16_000)
    expected, _ = decode(encoded, 600)
    ends = (ID3_END, b"APETAGEX" + bytes(40), b"<p>hello</p>" * 99)
    for before, after in [(ID3, b""), (ID3 * 2, b""), *((b"", end) for end in ends), (ID3, ID3_END)]:
        np.testing.assert_array_equal(decode(before + encoded + after, 600)[0], expected)


def flac_without_length(encoded: bytes, *, checksum: bool) -> bytes:
    fields = int.from_bytes(encoded[18:26], "big") >> 36 << 36
    return encoded[:18] + fields.to_bytes(8, "big") + (encoded[26:42] if checksum else bytes(16)) + encoded[42:]


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("seconds", [0.1, 8, 40])  # 1, 32 and 157 frames: the last one's number has one or two bytes
def test_a_flac_without_its_length_is_read_to_its_end(seconds: float, checksum: bool) -> None:
    encoded = sound_file(noise(seconds), 16_000, "FLAC")
    bare = flac_without_length(encoded, checksum=checksum)
    np.testing.assert_array_equal(decode(bare, 600)[0], decode(encoded, 600)[0])
    assert "truncated or damaged" in named(bare[:-9])
    assert "longer than max_seconds = 0.05" in named(bare, max_seconds=0.05)


WAV_SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32",
                "NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32")  # fmt: skip


def wav_files(subtype: str) -> Iterator[bytes]:
    """Yield a sound in one encoding in every container of WAV that libsndfile writes it to."""
    for kind, endian in (("WAV", "FILE"), ("WAV", "BIG"), ("WAVEX", "FILE"), ("RF64", "FILE")):
        if soundfile.check_format(kind, subtype, endian):
            file = io.BytesIO()
            soundfile.write(file, noise(0.5), 16_000, format=kind, subtype=subtype, endian=endian)
            yield file.getvalue()


@pytest.mark.parametrize("subtype", WAV_SUBTYPES)
def test_every_encoding_of_wav_reads_as_libsndfile_reads_it(subtype: str) -> None:
    files = list(wav_files(subtype))
    assert len(files) >= 2
    for encoded in files:
        read, expected = decode(encoded, 600)[0], soundfile.read(io.BytesIO(encoded))[0]
        assert len(read) == (8_000 if subtype == "GSM610" else len(expected))  # of GSM, libsndfile decodes the padding too
        np.testing.assert_array_equal(read, expected[: len(read)])
        assert "WAV file is truncated: chunk 'data' declares" in named(encoded[:-300])


def with_size(encoded: bytes, size: int) -> bytes:
    at = encoded.index(b"data") + 4
    return encoded[:at] + struct.pack("<I", size) + encoded[at + 4 :]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFFFDB, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW", "IMA_ADPCM"])
def test_a_wav_of_unknown_length_goes_up_to_the_end(size: int, subtype: str) -> None:
    encoded = sound_file(noise(0.5), 16_000, "WAV", subtype)
    expected, _ = decode(encoded, 600)
    np.testing.assert_array_equal(decode(with_size(encoded, size), 600)[0], expected)
    if subtype == "PCM_16":  # stopped inside a sample
        np.testing.assert_array_equal(decode(with_size(encoded, size)[:-3], 600)[0], expected[:-2])


def test_sizes_of_rf64_are_in_its_own_chunk() -> None:
    encoded = sound_file(noise(0.5), 16_000, "RF64", "PCM_16")
    at = encoded.index(b"ds64") + 16
    for size in (0, 2**64 - 1):
        unknown = with_size(encoded[:at] + struct.pack("<Q", size) + encoded[at + 8 :], 2**32 - 1)
        np.testing.assert_array_equal(decode(unknown, 600)[0], decode(encoded, 600)[0])
    huge = with_size(encoded[:at] + struct.pack("<Q", 5 * 2**30) + encoded[at + 8 :], 2**32 - 1)
    assert "truncated: chunk 'data' declares 5368709120 bytes" in named(huge)


def test_a_wav_with_no_samples_is_empty_whatever_follows() -> None:
    empty = wav(np.zeros(0), 16_000)
    for rest in (b"", b"LIST\x04\0\0\0abcd", b"LIST\x03\0\0\0abc"):
        assert len(decode(empty + rest, 600)[0]) == 0


def test_other_chunks_of_a_wav_may_be_odd_or_cut() -> None:
    encoded = sound_file(noise(0.5), 16_000, "WAV", "PCM_16")
    expected, _ = decode(encoded, 600)
    for odd in (b"LIST\x03\0\0\0odd", b"LIST\x03\0\0\0odd\0"):  # some writers leave the padding out
        np.testing.assert_array_equal(decode(encoded[:12] + odd + encoded[12:], 600)[0], expected)
    np.testing.assert_array_equal(decode(encoded + b"LIST\xff\0\0\0cut", 600)[0], expected)
    too_long = with_size(encoded, len(encoded))  # a size that counts the header, in a file that is whole by its own
    np.testing.assert_array_equal(decode(too_long, 600)[0], expected)
    assert "truncated" in named(too_long[:-100])


def test_20_bits_are_the_upper_ones_of_24() -> None:
    encoded = bytearray(sound_file(noise(0.5), 16_000, "WAV", "PCM_24"))
    expected, _ = decode(bytes(encoded), 600)
    encoded[34] = 20
    np.testing.assert_array_equal(decode(bytes(encoded), 600)[0], expected)


def test_an_mp3_inside_a_wav_is_read(files: dict[str, bytes]) -> None:
    header, mp3 = struct.pack("<HHIIHHH", 0x55, 1, 16_000, 4_000, 1, 0, 0), files["MP3"]
    encoded = b"WAVEfmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(mp3)) + mp3
    np.testing.assert_array_equal(decode(b"RIFF" + struct.pack("<I", len(encoded)) + encoded, 600)[0], decode(mp3, 600)[0])


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


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])  # MPEG 2 and 1
def test_an_mp3_that_does_not_say_its_length_is_read_whole(rate_hz: int, n_channels: int) -> None:
    encoded = sound_file(np.stack([noise(4, rate_hz)] * n_channels, axis=1), rate_hz, "MP3")
    bare = encoded[encoded.index(encoded[:2], 2) :]  # without the first frame, which says the length
    expected, _ = decode(encoded, 600)
    read, _ = decode(bare, 600)
    assert len(soundfile.read(io.BytesIO(bare))[0]) < len(expected) / 1.5  # libsndfile believes an estimate
    start = 576  # the encoder's padding, which the first frame also says
    assert start + len(expected) <= len(read) <= start + len(expected) + 2 * 1_152
    np.testing.assert_allclose(read[start + 2_304 : start + len(expected)], expected[2_304:], atol=1e-6)


def test_an_mp3_of_layer_ii_is_read() -> None:
    frame = b"\xff\xfd\x84\xc0" + bytes(380)  # 128 kbit/s at 48 kHz, silence
    assert decode(frame * 50, 600)[0].tolist() == [0.0] * 50 * 1_152


def test_joined_mp3_files_are_not_read_in_part(files: dict[str, bytes]) -> None:
    assert "its header declares 128000 samples, its frames hold at least" in named(files["MP3"] * 2)
    assert "several files are joined: the frames end at byte" in named((ID3 + files["MP3"] + ID3_END) * 2)


def test_an_absurd_length_is_refused_before_it_is_believed(files: dict[str, bytes]) -> None:
    flac = bytearray(files["FLAC"])
    flac[18:26] = (int.from_bytes(flac[18:26], "big") | 2**36 - 1).to_bytes(8, "big")
    assert "longer than max_seconds = 600" in named(bytes(flac))


def test_an_absurd_rate_is_refused_before_a_filter_is_made_for_it(files: dict[str, bytes]) -> None:
    encoded, starts = files["OGG"], page_starts(files["OGG"])
    first, at = bytearray(encoded[: starts[1]]), encoded.index(b"\x01vorbis") + 12
    first[at : at + 4] = struct.pack("<I", 123_456_789)
    assert "a sampling rate of 123456789 Hz; expected 1000 to 384000 Hz" in named(ogg_page(first) + encoded[starts[1] :])


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
        (b"\xff\xfb\x02\xc4" + b"\x55" * 99, "not a WAV, FLAC, Ogg or MP3 file: 103 bytes"),  # a rate that is not fixed
        (ID3 + b"words" * 9, "MP3 file is damaged, or not of layer II or III at a known bit rate: at byte 20 is 776f7264"),
        (b"\xff\xfe" + "text".encode("utf-16-le") * 9, "that start with b'\\xff\\xfet\\x00': text"),
        (b"<!DOCTYPE html><html>", "that start with b'<!DO': an HTML page; download the file again"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer in place of the file; fetch the file with `git lfs pull`"),
        (sound_file(np.zeros(100), 16_000, "AIFF", "PCM_16"), "an AIFF file; convert it to WAV or FLAC"),
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
