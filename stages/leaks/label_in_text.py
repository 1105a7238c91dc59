"""Texts that contain the name of their class or label: "spam" in a mail that is labelled spam.

Names and texts are compared as words without case and punctuation. A name counts if most training texts that contain it have the class, far
more than do of all texts, and if a good part of the class's texts contain it. Such names, when they are found by chance in the language of
a topic, occur in fewer.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.leak_evidence.table_columns import training_rows

CODE = LeakCode("label-in-text", "high", "texts contain the name of their class or label")
FEWEST = 5  # texts that contain a name
PRECISE = 0.8  # share of the texts with a name that have its class
COVERED = 0.3  # share of the texts of the class that contain its name
LIFT = 2.0  # times the share of all texts that have the class
SHORTEST = 2  # characters of a name


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield a finding per modality of text in which names of classes or labels stand."""
    if examined.target.form == "continuous":
        return
    rows = training_rows(examined)
    for modality in examined.modalities:
        if modality.kind != "text":
            continue
        # one at a time: a column of more than 2 GB cannot be one Arrow array
        texts = [f" {plain_words(modality.column[row].as_py())} " for row in rows.tolist()]
        found: dict[str, np.ndarray] = {}
        for code, name in enumerate(examined.target.outputs):
            if len(words := plain_words(name)) < SHORTEST or words.isdigit():
                continue
            has = np.array([f" {words} " in text for text in texts])
            if _told(has, _of_class(examined, rows, code)):
                found[name] = has
        if found:
            named = ", ".join(repr(name) for name in list(found)[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
            concerned = np.any(list(found.values()), axis=0)
            yield Suspicion(
                CODE.name, modality.name, f"texts of {modality.name} contain the name of their class: {named}", rows[concerned],
                {"names": len(found), "share": float(concerned.mean())},
                f"remove these words from {modality.name} in the source; they are not known of a new sample")  # fmt: skip


def plain_words(text: str | Sequence[str | None] | None) -> str:
    """Return the words of a text, or of a list of texts (a word with its context), in lower case, separated by single blanks."""
    whole = text if isinstance(text, str) else " ".join(part or "" for part in text or ())
    return " ".join(re.findall(r"\w+", whole.lower()))


def _of_class(examined: ExaminedDataSet, rows: np.ndarray, code: int) -> np.ndarray:
    values = examined.values[rows]
    return np.asarray(values == code if values.ndim == 1 else values[:, code] == 1)


def _told(has: np.ndarray, of_class: np.ndarray) -> bool:
    """Return whether texts with a name have its class, and texts of the class its name."""
    both = np.count_nonzero(has & of_class)
    if np.count_nonzero(has) < FEWEST or not of_class.any() or of_class.all():
        return False
    precision = both / np.count_nonzero(has)
    return bool(precision >= max(PRECISE, min(LIFT * of_class.mean(), 1.0)) and both / np.count_nonzero(of_class) >= COVERED)


DETECTOR = Detector(name="label_in_text", codes=(CODE,), detect=detect)
