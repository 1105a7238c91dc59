"""Synthesize words in every voice of espeak-ng, in a separate process, with the start of each phoneme.

`python -m stages.simulators.speech <word> …` writes an Arrow stream (voice, word, pcm, phonemes, starts) to standard output;
`spoken_words()` runs it.

espeak-ng is a C library with global state: a clip's echo and noise depend on the clips before it. A fresh process that synthesizes all
clips in a fixed order gives the same bytes each time, and a crash in the library is an error here rather than the end of the stage.
"""

import ctypes
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.foundation.errors import InputError

PACKAGE, VERSION = "espeakng-loader", "0.2.4"
RATE_HZ = 22_050
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Similar voices → the name of their group: the root mean square difference of their log-spectra over the ten digits is below 0.35, where
# the median of all pairs is 1.4 (in log10 of power).
SIMILAR_VOICES = {
    "adam": "klatt", "benjamin": "klatt", "caleb": "klatt", "edward": "klatt", "Reed": "klatt",
    "Diogo": "Hugo", "Henrique": "Hugo", "michel": "Hugo", "miguel": "Hugo",
    "fast": "m",
    "rob": "robert", "anikaRobot": "anika",
}  # fmt: skip
# speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS, espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_DONT_EXIT, espeakCHARS_UTF8
_SYNCHRONOUS, _OPTIONS, _UTF8 = 2, 0x0001 | 0x8000, 1
_LIST_TERMINATED, _PHONEME = 0, 7  # espeak_EVENT_TYPE


@dataclass(frozen=True)
class Clip:
    """A word in a voice: 16-bit mono PCM at `RATE_HZ`; each phoneme's name (espeak-ng's, with stress) and the sample where it starts."""

    voice: str
    word: int
    pcm: bytes
    phonemes: tuple[tuple[str, int], ...]


class _Name(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Name),
    )  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def voice_group(voice: str) -> str:
    """Return the group of a voice: variants (klatt, klatt2, …) and similar voices share one."""
    stem = voice.rstrip("0123456789")
    return SIMILAR_VOICES.get(stem, stem)


def spoken_digits() -> list[tuple[str, int, bytes]]:
    """Return (voice, digit, audio) of every clip, voices in order; the audio is 16-bit mono PCM at `RATE_HZ`."""
    return [(clip.voice, clip.word, clip.pcm) for clip in spoken_words(WORDS)]


def spoken_words(words: Sequence[str]) -> list[Clip]:
    """Return every word (its place in `words`) in every voice, voices in order.

    Raises:
        InputError: if the data set's version of the synthesizer is not installed, or it fails.
    """
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = "none"
    if found != VERSION:
        raise InputError(f"the spoken words need {PACKAGE} {VERSION}, found {found}; `make run` installs the locked requirements")
    result = subprocess.run([sys.executable, "-m", __name__, *words], capture_output=True, check=False)
    if result.returncode != 0:
        last = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise InputError(f"{PACKAGE} {VERSION}: the synthesizer failed with status {result.returncode}: {last}; reinstall the package")
    table = pa.ipc.open_stream(result.stdout).read_all()
    rows = zip(*(table[name].to_pylist() for name in ("voice", "word", "pcm", "phonemes", "starts")), strict=True)
    return [Clip(voice, word, pcm, tuple(zip(names, starts, strict=True))) for voice, word, pcm, names, starts in rows]


def _speak(words: Sequence[str]) -> Iterator[Clip]:
    library, data = _library()
    chunks: list[bytes] = []
    phonemes: list[tuple[str, int]] = []

    @_CALLBACK
    def collect(samples: Any, n_samples: int, events: Any) -> int:
        if samples and n_samples > 0:
            chunks.append(ctypes.string_at(samples, 2 * n_samples))
        at = 0
        while events and events[at].type != _LIST_TERMINATED:
            if events[at].type == _PHONEME:
                phonemes.append((events[at].id.string.decode(), events[at].sample))
            at += 1
        return 0

    library.espeak_SetSynthCallback(collect)
    for voice in sorted(path.name for path in (data / "voices" / "!v").iterdir()):
        if library.espeak_SetVoiceByName(f"en+{voice}".encode()) != 0:
            raise RuntimeError(f"voice {voice} is damaged")
        for number, word in enumerate(words):
            chunks.clear()
            phonemes.clear()
            library.espeak_ng_SetRandSeed(ctypes.c_long(number))
            text = word.encode() + b"\0"
            library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _UTF8, None, None)
            library.espeak_Synchronize()
            yield Clip(voice, number, b"".join(chunks), tuple(phonemes))


def _library() -> tuple[ctypes.CDLL, Path]:
    """Return the initialised library and the folder of its voices."""
    import espeakng_loader

    library, data = ctypes.CDLL(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _OPTIONS)
    if rate_hz != RATE_HZ:
        raise RuntimeError(f"the library speaks at {rate_hz} Hz, expected {RATE_HZ}")
    return library, data


def _main(words: Sequence[str]) -> None:
    clips = list(_speak(words))
    columns = {
        "voice": pa.array([clip.voice for clip in clips]),
        "word": pa.array([clip.word for clip in clips], pa.int32()),
        "pcm": pa.array([clip.pcm for clip in clips], pa.binary()),
        "phonemes": pa.array([[name for name, _ in clip.phonemes] for clip in clips], pa.list_(pa.string())),
        "starts": pa.array([[start for _, start in clip.phonemes] for clip in clips], pa.list_(pa.int32())),
    }
    table = pa.table(columns)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    _main(sys.argv[1:])
