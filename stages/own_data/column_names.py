"""What the name of a column says: a target, a group, an identifier, an official split, a measurement over time; several of one stem."""

import re
from collections.abc import Iterable

from stages.own_data.column_choice import natural_order

WORD = re.compile(r"[^\W\d_]+|\d+")
NUMBERED = re.compile(r"(.*?\D)(\d+)")
TARGETS = frozenset(["target", "label", "class", "cls", "category", "outcome", "y", "kind", "species", "diagnosis"])
GROUPS = frozenset((
    "speaker", "subject", "subj", "participant", "person", "individual", "patient", "pat", "proband", "donor", "user", "author",
    "customer", "client", "owner", "session", "visit", "recording", "group", "family", "household", "house", "brand", "device",
    "sensor", "animal", "mouse", "rat", "specimen", "slide", "plate", "batch", "store", "shop", "site", "hospital", "clinic", "center",
    "centre", "school", "film", "movie", "video", "clip", "scene", "episode", "trial",
))  # fmt: skip
SHORT_GROUPS = frozenset(("pid", "subjid", "patid", "uid", "sid"))
NUMBERS = frozenset(["id", "ids", "identifier", "name", "no", "nr", "num", "number", "code", "key", "label"])  # words after that of a group
IDS = frozenset(["id", "ids", "uuid", "guid", "key", "index", "identifier", "rownames", "rowid"])
SPLITS = frozenset(["split", "subset", "partition", "part", "fold", "set", "phase", "stage"])
TIMES = frozenset((
    "time", "times", "signal", "wave", "waveform", "trace", "curve", "series", "sequence", "history", "trajectory", "ecg", "eeg", "emg",
    "ppg", "accel", "acceleration", "acc", "gyro", "spectrum", "samples", "recording",
))  # fmt: skip


def words(name: str) -> list[str]:
    """Return the words of a name in lower case: individual, id of "IndividualID"; patient, nr of "patient_nr"."""
    name = name.replace("IDs", "Ids")
    around = zip(name, " " + name, name[1:] + " ", strict=False)  # each character, the one before and the one after
    spaced = [f" {mark}" if mark.isupper() and (before.islower() or (before.isupper() and after.islower())) else mark
              for mark, before, after in around]  # fmt: skip
    return [word.lower() for word in WORD.findall("".join(spaced))]


def is_group(name: str) -> bool:
    """Return whether a column is named like what several samples may come from: its last word, but for an id or number after it."""
    parts = words(name)
    if parts and parts[-1] in SHORT_GROUPS:
        return True
    while len(parts) > 1 and parts[-1] in NUMBERS:
        parts = parts[:-1]
    last = parts[-1] if parts else ""
    shorter = [last.removesuffix(word) for word in ("id", "no", "nr", "name", "number", "s") if last.endswith(word)]
    return any(word in GROUPS for word in (last, *shorter))


def is_target(name: str) -> bool:
    """Return whether a column is named like a target, and nothing else."""
    parts = words(name)
    return len(parts) == 1 and bool({parts[0], parts[0].removesuffix("s"), parts[0].removesuffix("es")} & TARGETS)


def is_identifier(name: str) -> bool:
    """Return whether a column is named like an identifier of rows."""
    parts = words(name)
    return bool(parts) and (parts[-1] in IDS or parts[0] == "unnamed")


def is_split_name(name: str) -> bool:
    """Return whether a column is named like an official split."""
    parts = words(name)
    return bool(parts) and parts[-1] in SPLITS


def is_over_time(name: str) -> bool:
    """Return whether a column is named like a measurement over time, whose order has a meaning."""
    return bool(set(words(name)) & TIMES)


def numbered_stems(names: Iterable[str], fewest: int) -> dict[str, list[str]]:
    """Return the names that end in a number by their stem, in natural order, where at least `fewest` share it."""
    found: dict[str, list[str]] = {}
    for name in names:
        if match := NUMBERED.fullmatch(name):
            found.setdefault(match[1], []).append(name)
    return {stem: sorted(members, key=natural_order) for stem, members in found.items() if len(members) >= fewest}
