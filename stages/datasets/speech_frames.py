"""Speech frames: the manner of articulation at one moment of a spoken word (SYNTHETIC speech, espeak-ng): a frame-level task.

Each of the 104 English voices of espeak-ng speaks 20 words, the digits and ten commands (those of Google's Speech Commands). Two
moments of each of the 2,080 clips are sampled; a sample is the 80 ms around one: seven frames of 20 ms every 10 ms, the moment in the
middle of the fourth. espeak-ng reports where each phoneme starts; the target is that of the phoneme in the middle:
    manner  vowel, nasal, fricative, stop, approximant; or silence: the pauses before and after the word
    voiced  yes or no by the phoneme's class, also for whispering voices; silence is not voiced
The two moments of a clip have different manners, which balances the classes, and are at least `BORDER_MS` inside their phoneme, the
precision of the synthesizer's borders. White noise is added to each clip at `noise_db`; otherwise silences would be equal. Both are seeded
by the clip's id.

The word, the position in it and the other phonemes are excluded, as they would leak the phoneme; 80 ms include some of the neighboring
phonemes, as in frame classifiers of speech recognition.

Groups are voices; variants of one voice, and similar voices, are one (stages/simulators/speech.py). Both moments of a clip are in one
group. All voices speak the same 20 words, so a score is for unseen voices, not for unseen words.

There are no published figures, as the clips are made here. For real speech, frame classifiers on TIMIT have an accuracy of about 70 to 80 %
for 39 phonemes (as in A. Graves, J. Schmidhuber (2005), doi:10.1016/j.neunet.2005.06.042); six manners are an easier task. Measured here
with `summary: frames, n_frames: 7` on unseen voices (three folds), accuracy in %, manner and voiced:
    majority 29, 51 · 5-NN 75, 96 · logistic regression 75, 96 · RBF-SVM 83, 97
"""

import io
import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.seeds import derived_seed
from stages.simulators.speech import RATE_HZ, WORDS, Clip, spoken_words, voice_group

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
PER_CLIP = 2  # moments sampled from each clip
EXCERPT_MS = 80
PAUSE_MS = 80  # before and after each word: the source of silence
BORDER_MS = 5
SILENCE = "silence"
MANNERS = {  # espeak-ng's names, without the marks of stress
    "vowel": ("i@", "0", "u:", "i:", "o@", "I", "E", "@", "eI", "aI", "oU", "V", "aU"),
    "nasal": ("n",),
    "fricative": ("f", "v", "s", "z", "T"),
    "stop": ("p", "t", "k", "d", "g"),
    "approximant": ("r", "w", "j", "l"),
    SILENCE: ("_", "_:"),
}
MANNER_OF = {phoneme: manner for manner, phonemes in MANNERS.items() for phoneme in phonemes}
VOICELESS = {"f", "s", "T", "p", "t", "k", *MANNERS[SILENCE]}


class SpeechFramesOptions(Settings):
    """The noise of the recordings."""

    noise_db: float = Field(10.0, ge=-40, le=100, description="signal-to-noise ratio of the words in dB")


def read(archives: Mapping[str, Path], target: str, options: SpeechFramesOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    words = (*WORDS, *COMMANDS)
    ids, groups, targets, sounds = [], [], [], []
    for clip in spoken_words(words):
        name = f"{clip.voice.replace(' ', '_')}-{words[clip.word]}"
        noise = np.random.default_rng(derived_seed(seed, "noise", name))
        recording = _recorded(clip.pcm, options.noise_db, noise)
        for phoneme, middle in _moments(clip, np.random.default_rng(derived_seed(seed, "moments", name))):
            ids.append(f"{name}-{middle:05d}")
            groups.append(voice_group(clip.voice))
            targets.append(MANNER_OF[phoneme] if target == "manner" else "no" if phoneme in VOICELESS else "yes")
            sounds.append(_wav(_excerpt(recording, middle)))
    return samples_table(ids, groups, targets, {"audio": ("audio", pa.array(sounds, pa.binary()))})


def _samples(milliseconds: float) -> int:
    return round(RATE_HZ * milliseconds / 1000)


def _phones(clip: Clip) -> list[tuple[str, int, int]]:
    """Return (phoneme, start, stop) from the start of the first pause to the end of the last; positions in the recording."""
    pause, n_spoken = _samples(PAUSE_MS), len(clip.pcm) // 2
    named = [(name.lstrip("',%=|"), pause + start) for name, start in clip.phonemes]
    unknown = sorted({name for name, _ in named} - set(MANNER_OF))
    if unknown:
        raise InputError(
            f"voice {clip.voice!r} has phonemes whose manner is unknown: {', '.join(unknown)}; add them to MANNERS"
        )
    last = pause + n_spoken
    while named and MANNER_OF[named[-1][0]] == SILENCE:  # merges with the pause
        last = named.pop()[1]
    borders = [0, *(start for _, start in named), last, 2 * pause + n_spoken]
    names = ["_", *(name for name, _ in named), "_"]
    return list(zip(names, borders[:-1], borders[1:], strict=True))


def _moments(clip: Clip, random: np.random.Generator) -> list[tuple[str, int]]:
    """Return (phoneme, position in the recording) of PER_CLIP moments of different manners, in order of time."""
    half, border = _samples(EXCERPT_MS) // 2, _samples(BORDER_MS)
    spans: dict[str, list[tuple[str, int, int]]] = {}
    end = 2 * _samples(PAUSE_MS) + len(clip.pcm) // 2
    for phoneme, start, stop in _phones(clip):
        first, last = max(start + border, half), min(stop - border, end - half)
        if first < last:
            spans.setdefault(MANNER_OF[phoneme], []).append((phoneme, first, last))
    moments = []
    for manner in random.permutation(sorted(spans))[:PER_CLIP].tolist():
        phoneme, first, last = spans[manner][random.integers(len(spans[manner]))]
        moments.append((phoneme, int(random.integers(first, last))))
    return sorted(moments, key=lambda moment: moment[1])


def _recorded(pcm: bytes, noise_db: float, noise: np.random.Generator) -> np.ndarray:
    """Return int16 (n,): the word between two pauses, with noise, scaled down if it would clip."""
    word = np.frombuffer(pcm, "<i2").astype(np.float64)
    clean = np.pad(word, _samples(PAUSE_MS))
    power = np.mean(word**2) / 10 ** (noise_db / 10)
    noisy = clean + np.sqrt(power) * noise.standard_normal(len(clean))
    return np.rint(noisy * min(1.0, 32767 / max(1.0, float(np.abs(noisy).max())))).astype("<i2")


def _excerpt(recording: np.ndarray, middle: int) -> np.ndarray:
    half = _samples(EXCERPT_MS) // 2
    return recording[middle - half : middle + half]


def _wav(sound: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(sound.tobytes())
    return buffer.getvalue()


DATA_SET = DataSet(
    name="speech_frames",
    title="Speech frames: manner and voicing of sounds (simulated: synthetic speech)",
    sources=(),
    licence="synthesized here by espeak-ng, whose licence (GPL-3.0-or-later) does not cover what it says",
    citation="espeak-ng 1.52.0 (espeakng-loader 0.2.4); words: P. Warden (2018), Speech Commands, arXiv:1804.03209",
    n_samples=4_160,
    modalities={"audio": "audio"},
    targets={"manner": "multiclass", "voiced": "binary"},
    group="the (synthetic) voice, with its variants",
    read=read,
    options=SpeechFramesOptions,
)
