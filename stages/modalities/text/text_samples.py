"""Samples of the text modality: a document, an utterance with its speaker, or a word with its neighbors."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.modalities.text.text_settings import TextSettings

CHARACTERS = "chars:"  # before an n-gram of characters that stands beside words: "the" is not "chars:the"


@dataclass(frozen=True)
class TextSample:
    """A normalized text, whose n-grams become terms with `prefix`, and the sample's other terms."""

    text: str
    terms: Sequence[str] = ()
    prefix: str = ""


def read_sample(sample: Any, settings: TextSettings) -> TextSample:
    """Return a string, a struct or a list of words normalized; raise ValueError where it cannot be read."""
    if isinstance(sample, list):
        return _window(sample, settings)
    text, speaker = _utterance(sample) if isinstance(sample, dict) else (sample, None)
    name = _normalized(speaker or "", lowercase=settings.lowercase).strip()
    return TextSample(_normalized(text, lowercase=settings.lowercase), [f"speaker: {name}"] if name else [])


def _utterance(sample: Mapping[str, Any]) -> tuple[str, str | None]:
    speaker = sample.get("speaker")
    if set(sample) - {"text", "speaker"} or not isinstance(sample.get("text", ""), str | None) or not isinstance(speaker, str | None):
        raise ValueError(f"expected a struct of text and speaker, both strings; found {', '.join(sample) or 'no fields'}")
    if sample.get("text") is None:
        raise ValueError("its text is missing (null)")
    return sample["text"], speaker


def _window(words: list[Any], settings: TextSettings) -> TextSample:
    """Return each word with its position as terms, and unless `analyzer: word` the word in the middle as text."""
    middle = len(words) // 2
    if len(words) % 2 == 0:
        raise ValueError(f"a window of {len(words)} words has no middle; make its length odd")
    if not all(isinstance(word, str | None) for word in words):
        raise ValueError("its words are not strings")
    if words[middle] is None:
        raise ValueError("the word in the middle of its window is missing (null)")
    reach = min(middle, settings.window)
    nearby = [_normalized(word or "", lowercase=settings.lowercase).strip() for word in words[middle - reach : middle + reach + 1]]
    terms = [f"{place:+d} {word}".strip() for place, word in enumerate(nearby, start=-reach) if place]
    terms += [f"0 {nearby[reach]}"] if nearby[reach] else []
    return TextSample("" if settings.analyzer == "word" else nearby[reach], terms, prefix=CHARACTERS)


def _normalized(text: str, *, lowercase: bool) -> str:
    if text.isascii():
        return text.lower() if lowercase else text
    text = unicodedata.normalize("NFKC", text)
    if lowercase:  # folding can leave a sequence that is not normalized
        text = unicodedata.normalize("NFKC", text.casefold())
    return text.replace("\u2019", "'")
