"""Names of samples that begin alike: what is left of an id without its digits, or without its last part."""

import re

SEPARATORS = re.compile(r"[_\-./ :|#]+")


def stem_of(name: str) -> str:
    """Return a name's letters and marks without its digits: `cat_12` and `cat_7` become `cat_`."""
    return re.sub(r"\d+", "", name)


def prefixes(names: list[str]) -> dict[str, list[str]]:
    """Return, by words for it, the prefixes of names: without their last part, and the first part alone; "" where a name has one part."""
    parts = [SEPARATORS.split(name) for name in names]
    found = {"the id without its last part": ["\x00".join(split[:-1]) for split in parts], "the first part of the id": [
        split[0] if len(split) > 1 else "" for split in parts]}  # fmt: skip
    return found if found["the id without its last part"] != found["the first part of the id"] else {
        "the first part of the id": found["the first part of the id"]}  # fmt: skip
