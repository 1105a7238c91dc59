"""Featurizer rows: log-mel, JPEG to 64×64, bag of words. Ours is what stages.featurize calls, on all cores; the samples are synthetic.

Ours reads the same encoded bytes or strings as the peer, and gives Arrow columns; of sounds also the clip's summary. A peer works
through the samples one after the other, as its documentation shows; where threads help it, a second peer has two.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import Answer, Disagreement, Row, Side
from benchmarks.work import SEED
from stages.featurize import featurize_column
from stages.foundation.registry import component

CLIPS, PICTURES, DOCUMENTS = 1_500, 1_500, 20_000
RATE_HZ, WINDOW, OFFSET, N_FFT, BANDS = 16_000, 320, 160, 512, 40
FLOOR = 1e-10
SIDE = 64
TOKEN = r"(?u)\w+(?:'\w+)*"
Run = Callable[[int], dict[str, Any]]


# ---------------------------------------------------------------- samples
def clips(n: int) -> list[bytes]:
    """Return WAV files of 1 to 2 s, 16 bits, 16 kHz: tones that glide, in noise."""
    import soundfile

    draw = np.random.default_rng(SEED)
    found = []
    for _ in range(n):
        time_s = np.arange(int(draw.uniform(1, 2) * RATE_HZ)) / RATE_HZ
        start, rise = draw.uniform(100, 3000), draw.uniform(-50, 500)
        signal = 0.5 * np.sin(2 * np.pi * (start + rise * time_s) * time_s) + draw.normal(scale=0.05, size=len(time_s))
        file = BytesIO()
        soundfile.write(file, np.clip(signal, -1, 1), RATE_HZ, format="WAV", subtype="PCM_16")
        found.append(file.getvalue())
    return found


def pictures(n: int) -> list[bytes]:
    """Return JPEGs of about 256×256 (see benchmarks/synthetic.py)."""
    from benchmarks.synthetic import CLASSES, QUALITY, _picture

    draw = np.random.default_rng(SEED)
    found = []
    for number in range(n):
        file = BytesIO()
        _picture(draw, number % len(CLASSES)).save(file, "JPEG", quality=QUALITY)
        found.append(file.getvalue())
    return found


def documents(n: int) -> list[str]:
    """Return texts of 20 to 120 words by Zipf's law, out of 30,000."""
    draw = np.random.default_rng(SEED)
    words = np.array(["".join(chr(97 + letter) for letter in draw.integers(0, 26, draw.integers(2, 11))) for _ in range(30_000)])
    lengths = draw.integers(20, 120, n)
    drawn = words[np.minimum(draw.zipf(1.3, lengths.sum()) - 1, len(words) - 1)]
    return [" ".join(part).capitalize() + "." for part in np.split(drawn, np.cumsum(lengths)[:-1])]


MAKERS: dict[str, tuple[Callable[[int], list[Any]], int, pa.DataType]] = {
    "audio": (clips, CLIPS, pa.binary()), "image": (pictures, PICTURES, pa.binary()), "text": (documents, DOCUMENTS, pa.string()),
}  # fmt: skip


def ours(modality: str, settings: dict[str, Any]) -> Run:
    """Prepare our featurizer."""
    make, n, kind = MAKERS[modality]
    found = component("modalities", modality)
    samples = pa.table({"sample_id": [f"s{i}" for i in range(n)], "column": pa.array(make(n), kind)})
    parsed = found.settings(**settings)

    def run(part: int) -> dict[str, Any]:
        table, _ = featurize_column(samples, "column", found, parsed, dataset="benchmark")
        return {"table": table}

    return run


def _over(function: Callable[[Any], np.ndarray], samples: list[Any], threads: int) -> list[np.ndarray]:
    if threads == 1:
        return [function(sample) for sample in samples]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, samples))


# ---------------------------------------------------------------- peers
def librosa_log_mel(threads: int) -> Run:
    """Prepare librosa: the same window, offset, filters and floor. It pads windows to the FFT's length on both sides, so do we for it."""
    import librosa
    import soundfile

    samples = clips(CLIPS)
    margin = (N_FFT - WINDOW) // 2

    def log_mel(encoded: bytes) -> np.ndarray:
        signal, rate_hz = soundfile.read(BytesIO(encoded), dtype="float32")
        power = librosa.feature.melspectrogram(
            y=np.pad(signal, margin), sr=rate_hz, n_fft=N_FFT, hop_length=OFFSET, win_length=WINDOW, window="hann", center=False,
            n_mels=BANDS, htk=True, norm=None, fmin=0, fmax=rate_hz / 2,
        )  # fmt: skip
        scale = WINDOW / N_FFT / (WINDOW / 2) ** 2
        return np.log(np.maximum(power.T * scale, FLOOR)).astype(np.float32)

    def run(part: int) -> dict[str, Any]:
        return {"frames": _over(log_mel, samples, threads)}

    return run


def compare_log_mel(ours: Answer, theirs: Answer) -> str:
    flat = np.concatenate(theirs["frames"])
    found = np.asarray(ours["table"]["frames"].combine_chunks().flatten().flatten()).reshape(-1, BANDS)
    if flat.shape != found.shape:
        raise Disagreement(f"frames of shape {found.shape} and {flat.shape}")
    apart = np.abs(flat - found)
    if not (apart.max() <= 0.02 and apart.mean() <= 1e-4):
        raise Disagreement(f"log-mel differs by up to {apart.max():.3g}, {apart.mean():.3g} on average")
    return f"{len(flat):,} frames, log-power within {apart.max():.1g}"


def pillow_pixels(threads: int) -> Run:
    """Prepare Pillow: open, convert, resize, scale to [0, 1]."""
    from PIL import Image

    samples = pictures(PICTURES)

    def pixels(encoded: bytes) -> np.ndarray:
        with Image.open(BytesIO(encoded)) as image:
            small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)

    def run(part: int) -> dict[str, Any]:
        return {"pixels": np.stack(_over(pixels, samples, threads))}

    return run


def compare_pixels(most: float, mean: float) -> Callable[[Answer, Answer], str]:
    """Return a comparison of pixels in [0, 1] that allows these differences; 0: the same."""

    def compare(ours: Answer, theirs: Answer) -> str:
        found = np.asarray(ours["table"]["vector"].combine_chunks().flatten()).reshape(-1, SIDE * SIDE * 3)
        if found.shape != theirs["pixels"].shape:
            raise Disagreement(f"pixels of shape {found.shape} and {theirs['pixels'].shape}")
        apart = np.abs(found - theirs["pixels"])
        if apart.max() > most or apart.mean() > mean:
            raise Disagreement(f"pixels differ by up to {apart.max():.3f}, {apart.mean():.4f} on average")
        return "all pixels equal" if apart.max() == 0 else f"pixels within {apart.max():.3f}, {apart.mean():.4f} on average"

    return compare


def count_vectorizer(ngrams: tuple[int, int]) -> Run:
    """Prepare scikit-learn's CountVectorizer with our tokens."""
    from sklearn.feature_extraction.text import CountVectorizer

    samples = documents(DOCUMENTS)

    def run(part: int) -> dict[str, Any]:
        vectorizer = CountVectorizer(token_pattern=TOKEN, ngram_range=tuple(ngrams), dtype=np.float32)
        counts = vectorizer.fit_transform(samples)
        return {"counts": counts, "terms": vectorizer.get_feature_names_out().tolist()}

    return run


def compare_counts(ours: Answer, theirs: Answer) -> str:
    """Require the same counts of the same terms in every document; terms that share an index (31 bits of a hash) are counted together."""
    from sklearn.utils import murmurhash3_32

    counts = theirs["counts"].tocsr()
    index = np.array([abs(murmurhash3_32(term, seed=0)) for term in theirs["terms"]])
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    key = rows * 2**31 + index[counts.indices]
    unique, place = np.unique(key, return_inverse=True)
    expected = np.bincount(place, counts.data)
    lists = ours["table"]["indices"].combine_chunks()
    values = np.asarray(ours["table"]["values"].combine_chunks().flatten())
    rows = np.repeat(np.arange(len(lists)), np.diff(np.asarray(lists.offsets)))
    found = rows * 2**31 + np.asarray(lists.flatten())
    if not (np.array_equal(found, unique) and np.array_equal(values, expected)):
        raise Disagreement(f"{len(found):,} counts of terms, and {len(unique):,}; or counts that differ")
    return f"all {len(found):,} counts equal"


# ---------------------------------------------------------------- rows
def rows(*, quick: bool) -> list[Row]:
    image = component("modalities", "image").settings
    log_mel = {"rate_hz": RATE_HZ, "window_ms": 20, "offset_ms": 10, "bands": BANDS}
    jpeg = f"JPEG of about 256×256 → {SIDE}×{SIDE}, {PICTURES:,} (synthetic)"
    decodes = {"full": (0.0, 0.0), "scaled": (0.2, 0.01)} if "decode" in image.model_fields else {"full": (0.0, 0.0)}
    found = [
        Row("log-mel", f"log-mel, {CLIPS:,} clips of 1 to 2 s (synthetic)", _ours("audio", log_mel),
            [Side("librosa", "benchmarks.featurizers:librosa_log_mel", {"threads": 1}, goal=4),
             Side("librosa, 2 threads", "benchmarks.featurizers:librosa_log_mel", {"threads": 2})],
            compare_log_mel, pieces=(CLIPS, "clips")),
    ]  # fmt: skip
    for decode, allowed in decodes.items():
        settings = {"size": [SIDE, SIDE], "colour": "rgb", **({"decode": decode} if len(decodes) > 1 else {})}
        goal = 3 if decode == list(decodes)[-1] else None
        found.append(
            Row(f"jpeg {decode}", f"{jpeg}, {decode} decoding", _ours("image", settings),
                [Side("Pillow", "benchmarks.featurizers:pillow_pixels", {"threads": 1}, goal=goal),
                 Side("Pillow, 2 threads", "benchmarks.featurizers:pillow_pixels", {"threads": 2})],
                compare_pixels(*allowed), pieces=(PICTURES, "pictures"))
        )  # fmt: skip
    for ngrams, what, goal in (((1, 1), "bag of words", None), ((1, 2), "words and pairs of words", None)):
        found.append(
            Row(what, f"{what}, {DOCUMENTS:,} documents of 20 to 120 words (synthetic)", _ours("text", {"ngrams": ngrams}),
                [Side("CountVectorizer", "benchmarks.featurizers:count_vectorizer", {"ngrams": ngrams}, goal=goal)],
                compare_counts, pieces=(DOCUMENTS, "documents"))
        )  # fmt: skip
    return found


def _ours(modality: str, settings: dict[str, Any]) -> Side:
    return Side("ours", "benchmarks.featurizers:ours", {"modality": modality, "settings": settings})
