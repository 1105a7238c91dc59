"""Words rated for sentiment: VADER's lexicon of 7,520 words, abbreviations and emoticons, each rated by ten people out of context.

    polarity   positive or negative: the sign of the mean rating (the lexicon has none of mean 0)
    valence    the mean itself, from -4 to 4

Word level: a sample is a word in a window of one, as there is no context. Its one-hot code says nothing of words not met before, and
none is met twice but 14 (lol, ok, … twice in one group), so what can be learned is spelling: give the features `analyzer: char`. Left
out, as they give the answer away, are the ten ratings and their standard deviation.

Groups: words of one family never part, or "abandoned" would be looked up under "abandon". The rule would rather join strangers than
part relatives. Of tokens with two letters or more, letters only, in lower case:
    - those that begin with the same five letters are one group (abandon, abandons, abandonment, but also contempt and contend);
    - a shorter one joins those that continue it by an inflection (sad, sadly; win, winner): see INFLECTIONS;
    - one that starts with a prefix such as un-, dis- or in- joins the group of what remains, if that is in the lexicon or the first five
      letters of it are (unhappy, happy).
Other tokens are emoticons: those with the same characters are one group, whichever way they face, with or without a nose, and whether
they smile or frown (":-)", "(:", ":(").

Reference: no published figure for ratings of unseen families from spelling is known to us. What can be reached at most follows from the
data: the ten ratings spread by about 0.9, so a mean is known to about ±0.3. It is a hard task: a linear SVM on n-grams of two to five
characters tells the sign of 63 % (majority: 56 %) when it has 1,350 families to learn from, and nothing when it has 550.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from stages.collections.assemble_samples import merged_groups, samples_table
from stages.collections.vader import CITATION, LICENCE, PACKAGE, WHEEL, read_rating
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.readers.archive import damaged, read_member

MEMBER = "vaderSentiment/vader_lexicon.txt"
STEM = 5  # letters
_ENDINGS = (
    "s es d ed r er rs ers st est y ly ily ty ties ies ied ier iest ing ings ingly iness ness ful fully fulness less lessly lessness "
    "ish ism ist ists ment ments able ably some en ens ened ening"
)
_BEGINNINGS = "anti dis hyper il im in ir mal mis non out over self super ultra un under"
INFLECTIONS, PREFIXES = frozenset(_ENDINGS.split()), tuple(_BEGINNINGS.split())
SHORTEST_ROOT = 3  # letters
_RATINGS = re.compile(r"\[-?[0-4](, -?[0-4]){9}\]")
_SPELT = re.compile(r"(?:[^\W_]|[' /&-])+")
_NOSE = re.compile(r"(?<=.)[-'^~o.,_]+(?=.)")
_FACES = str.maketrans("()[]{}<>\\0", "((((((((/o")


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    words, means = _lexicon(archives[PACKAGE])
    return samples_table(
        [f"{row:04d}" for row in range(len(words))],
        families(words),
        {"valence": means} if target == "valence" else ["positive" if mean > 0 else "negative" for mean in means],
        {"word": ("text", pa.array([[word] for word in words], pa.list_(pa.string())))},
    )


def _lexicon(archive: Path) -> tuple[list[str], list[float]]:
    """Return the words and their mean ratings; a line is word, mean, standard deviation and the ratings, between tabs."""
    try:
        lines = read_member(archive, MEMBER).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise damaged(archive, MEMBER, error) from error
    words, means = [], []
    for number, line in enumerate(lines, start=1):
        parts = line.split("\t")
        if len(parts) != 4 or not parts[0].strip() or not _RATINGS.fullmatch(parts[3].strip()):
            raise damaged(archive, MEMBER, f"line {number}: expected word, mean, deviation and ten ratings, found {line[:60]!r}")
        words.append(parts[0].strip())
        means.append(read_rating(archive, MEMBER, number, parts[1]))
    if not words:
        raise damaged(archive, MEMBER, "it is empty")
    return words, means


def families(words: Sequence[str]) -> list[str]:
    """Return the group of each word: the first stem, in order, of its family; see the module's docstring."""
    spelt = [_spelling(word) for word in words]
    stems = [letters[:STEM] or f"emoticon {face(word)}" for word, letters in zip(words, spelt, strict=True)]
    known = frozenset(stems)
    links = [(row, stem) for row, letters in enumerate(spelt) for stem in _related(letters, known)]
    # a link is a row of its own that has the stem of the one and the number of the other
    numbers = [str(row) for row in [*range(len(words)), *(row for row, _ in links)]]
    return merged_groups([*stems, *(stem for _, stem in links)], numbers)[: len(words)]


def _spelling(word: str) -> str:
    """Return the letters and digits of a word, in lower case; "" for an emoticon."""
    letters = "".join(filter(str.isalnum, word.lower()))
    return letters if _SPELT.fullmatch(word) and sum(map(str.isalpha, letters)) > 1 else ""


def _related(letters: str, known: frozenset[str]) -> Iterator[str]:
    """Yield the stems of words that a word is an inflection of, or that remain without its prefix."""
    for length in range(SHORTEST_ROOT - 1, STEM):
        start, ending = letters[:length], letters[length:]
        if ending in INFLECTIONS or (ending[:1] == start[-1:] and ending[1:] in INFLECTIONS):  # sad, sadly; sad, sadder
            yield from {start, start + "e", start + "y"} & known if length >= SHORTEST_ROOT else {start + "e", start + "y"} & known
    for prefix in PREFIXES:
        rest = letters.removeprefix(prefix)
        if rest != letters and len(rest) >= SHORTEST_ROOT and rest[:STEM] in known:
            yield rest[:STEM]


def face(word: str) -> str:
    """Return the different characters of an emoticon, sorted, without a nose, and its brackets turned one way."""
    return "".join(sorted(set(_NOSE.sub("", word.lower()).translate(_FACES))))


DATA_SET = DataSet(
    name="words",
    title="Words rated for sentiment",
    sources=(WHEEL,),
    licence=LICENCE,
    citation=CITATION,
    n_samples=7_520,
    modalities={"word": "text"},
    targets={"polarity": "binary", "valence": "regression"},
    group="the family of a word (same first five letters, inflections, prefixes), or of an emoticon (same characters)",
    read=read,
)
