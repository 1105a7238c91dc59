"""The words that people write for the parts of an official split."""

from collections.abc import Iterable, Mapping

VALIDATION = ("val", "valid", "validation", "dev", "development")
# words in lower case; a validation part joins the training part
SPLITS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training", "tr", *VALIDATION), "train"),
    **dict.fromkeys(("test", "testing", "te"), "test"),
}


def is_split(words: Iterable[str]) -> bool:
    """Return whether words name the parts of an official split, a training and a test part among them."""
    parts = [SPLITS.get(word.lower()) for word in words]
    return None not in parts and {"train", "test"} <= set(parts)
