"""Speak the ten digits in every voice of espeak-ng, in a process of its own.

`python -m stages.datasets._speech` writes an Arrow stream (voice, digit, pcm) to standard output; `spoken_digits()` runs it.

espeak-ng is a C library with global state: what a clip's echo and noise are depends on what was spoken before it. A fresh process that
always speaks all clips in one order gives the same bytes each time, and a crash in the library is an error here rather than the end
of the stage.
"""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.errors import InputError

PACKAGE, VERSION = "espeakng-loader", "0.2.4"
RATE_HZ = 22_050
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SYNCHRONOUS, _DONT_EXIT, _UTF8 = 2, 0x8000, 1  # speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS, espeakINITIALIZE_DONT_EXIT, espeakCHARS_UTF8
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def spoken_digits() -> list[tuple[str, int, bytes]]:
    """Return (voice, digit, sound) of every clip, voices in order; the sound is 16-bit mono PCM at `RATE_HZ`.

    Raises:
        InputError: if the synthesizer is not installed in the version that the data set was made with, or fails.
    """
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = "none"
    if found != VERSION:
        raise InputError(f"the spoken digits need {PACKAGE} {VERSION}, found {found}; `make run` installs the locked requirements")
    result = subprocess.run([sys.executable, "-m", __name__], capture_output=True, check=False)
    if result.returncode != 0:
        last = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise InputError(f"{PACKAGE} {VERSION}: the synthesizer failed with status {result.returncode}: {last}; reinstall the package")
    table = pa.ipc.open_stream(result.stdout).read_all()
    return list(zip(*(table[name].to_pylist() for name in ("voice", "digit", "pcm")), strict=True))


def _speak() -> Iterator[tuple[str, int, bytes]]:
    library, data = _library()
    heard: list[bytes] = []

    @_CALLBACK
    def hear(samples: Any, n_samples: int, events: Any) -> int:
        if samples and n_samples > 0:
            heard.append(ctypes.string_at(samples, 2 * n_samples))
        return 0

    library.espeak_SetSynthCallback(hear)
    for voice in sorted(path.name for path in (data / "voices" / "!v").iterdir()):
        if library.espeak_SetVoiceByName(f"en+{voice}".encode()) != 0:
            raise RuntimeError(f"voice {voice} is damaged")
        for digit, word in enumerate(WORDS):
            heard.clear()
            library.espeak_ng_SetRandSeed(ctypes.c_long(digit))
            text = word.encode() + b"\0"
            library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _UTF8, None, None)
            library.espeak_Synchronize()
            yield voice, digit, b"".join(heard)


def _library() -> tuple[ctypes.CDLL, Path]:
    """Return the initialised library and the folder of its voices."""
    import espeakng_loader

    library, data = ctypes.CDLL(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _DONT_EXIT)
    if rate_hz != RATE_HZ:
        raise RuntimeError(f"the library speaks at {rate_hz} Hz, expected {RATE_HZ}")
    return library, data


def _main() -> None:
    voices, digits, sounds = zip(*_speak(), strict=True)
    table = pa.table({"voice": pa.array(voices), "digit": pa.array(digits, pa.int32()), "pcm": pa.array(sounds, pa.binary())})
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    _main()
