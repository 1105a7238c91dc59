"""What speech_frames promises beyond the battery of test_datasets.py."""

import io
import wave
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from stages.datasets.speech_frames import DATA_SET, MANNER_OF, VOICELESS, SpeechFramesOptions, _moments, _phones
from stages.foundation.errors import InputError
from stages.simulators.speech import Clip, spoken_words


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return spoken_words(("six", "stop"))


@pytest.fixture(scope="module")
def quiet() -> pa.Table:
    return DATA_SET.read({}, "manner", SpeechFramesOptions(noise_db=60), 1)


def sound(encoded: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(encoded)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (1, 2, 22_050, 1764)
        return np.frombuffer(file.readframes(1764), "<i2").astype(float)


def test_the_phonemes_of_a_word_follow_each_other_without_a_gap(clips: list[Clip]) -> None:
    phones = _phones(clips[0])
    assert [MANNER_OF[name] for name, _, _ in phones] == ["silence", "fricative", "vowel", "stop", "fricative", "silence"]
    assert [name for name, _, _ in _phones(clips[1])] == ["_", "s", "t", "0", "p", "_"]
    assert phones[0][1] == 0 and phones[-1][2] == len(clips[0].pcm) // 2 + 2 * 1764
    assert all(before[2] == after[1] for before, after in pairwise(phones))


def test_moments_lie_inside_their_phonemes_and_differ_in_manner(clips: list[Clip]) -> None:
    seen: Counter[str] = Counter()
    for seed, clip in enumerate(clips):
        phones = _phones(clip)
        moments = _moments(clip, np.random.default_rng(seed))
        manners = [MANNER_OF[name] for name, _ in moments]
        assert len(moments) == len(set(manners)) == 2
        for name, middle in moments:
            assert any(phone == name and start + 110 <= middle < stop - 109 for phone, start, stop in phones)
        seen.update(manners)
    assert min(seen[manner] for manner in ("silence", "fricative", "vowel", "stop")) > len(clips) / 4


def test_the_middle_sounds_as_its_manner_does(quiet: pa.Table) -> None:
    """Vowels are loudest, silence is quietest, and of the others fricatives change sign most often."""
    power: dict[str, list[float]] = {}
    crossings: dict[str, list[float]] = {}
    for manner, encoded in zip(quiet["target"].to_pylist(), quiet["audio"].to_pylist(), strict=True):
        middle = sound(encoded)[882 - 220 : 882 + 220]
        power.setdefault(manner, []).append(np.log10(np.mean(middle**2) + 1))
        crossings.setdefault(manner, []).append(np.mean(np.diff(np.sign(middle)) != 0))
    loudness = {manner: np.median(values) for manner, values in power.items()}
    assert max(loudness, key=loudness.__getitem__) == "vowel" and min(loudness, key=loudness.__getitem__) == "silence"
    rates = {manner: np.median(values) for manner, values in crossings.items() if manner in ("vowel", "nasal", "approximant", "fricative")}
    assert max(rates, key=rates.__getitem__) == "fricative"


def test_both_moments_of_a_clip_and_all_variants_of_a_voice_are_one_group(quiet: pa.Table) -> None:
    groups: dict[str, set[str]] = {}
    for name, group in zip(quiet["sample_id"].to_pylist(), quiet["group"].to_pylist(), strict=True):
        groups.setdefault(name.split("-")[0], set()).add(group)
    assert len(groups) == 104 and all(len(group) == 1 for group in groups.values())
    assert groups["klatt"] == groups["klatt4"] == groups["edward2"] == {"klatt"}
    assert len(set.union(*groups.values())) == 60
    assert set(Counter(name.rpartition("-")[0] for name in quiet["sample_id"].to_pylist()).values()) == {2}


def test_another_seed_draws_other_moments(clips: list[Clip]) -> None:
    first, second = ([_moments(clip, np.random.default_rng(seed)) for clip in clips] for seed in (1, 2))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 5


def test_every_phoneme_has_one_manner_and_voiceless_ones_are_obstruents_or_silence() -> None:
    assert {MANNER_OF[name] for name in VOICELESS} == {"fricative", "stop", "silence"}
    with pytest.raises(InputError, match=r"voice 'x' has phonemes whose manner is unknown: q!; add them to MANNERS"):
        _phones(Clip("x", 0, bytes(100), (("'q!", 0), ("_:", 40))))
