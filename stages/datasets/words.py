"""Words rated for sentiment: VADER's lexicon of 7,520 words, abbreviations and emoticons, each rated by ten people out of context.

    polarity   positive or negative: the sign of the mean rating (the lexicon has none of mean 0)
    valence    the mean itself, from -4 to 4

Word level: a sample is a word in a window of one, as there is no context. Its one-hot code does not generalize to unseen words, and only 14
words occur twice (lol, ok, … both in one group; the emoticon d: once as positive and once as negative), so models can only learn from
spelling: set `analyzer: char`. The ten ratings and their standard deviation are excluded, as they leak the target.

Groups: words of one family are one group, as "abandon" would leak the target of "abandoned". The rule merges unrelated words rather than
split related ones. For tokens with two letters or more, by their letters in lower case:
    - words with the same first five letters are one group (abandon, abandons, abandonment, but also contempt and contend);
    - a shorter word joins its inflections (sad, sadly; win, winner): see INFLECTIONS;
    - a word with a prefix such as un-, dis- or in- joins the group of the remainder, if that or its first five letters are in the
      lexicon (unhappy, happy).
Other tokens are emoticons: those with the same characters are one group, in either direction, with or without a nose, smiling or frowning
(":-)", "(:", ":(").

Reference: no published figure is known for ratings of unseen families from spelling. The data bound the score: the ten ratings have a
standard deviation of about 0.9, so a mean is known to about ±0.3. The task is hard: a linear SVM on n-grams of two to five characters has
an accuracy of 63 % for the sign (majority: 56 %) with 1,350 training families, and no better than the majority with 550.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from stages.collections.assemble_samples import merged_groups, samples_table
from stages.collections.vader_texts import CITATION, LICENCE, PACKAGE, WHEEL, read_rating
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
_SPELLED = re.compile(r"(?:[^\W_]|[' /&-])+")
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
    """Return the group of each word: the smallest stem of its family; see the module's docstring."""
    spellings = [_spelling(word) for word in words]
    stems = [letters[:STEM] or f"emoticon {face(word)}" for word, letters in zip(words, spellings, strict=True)]
    known = frozenset(stems)
    links = [(row, stem) for row, letters in enumerate(spellings) for stem in _related(letters, known)]
    # each link becomes an extra row with the stem of one word and the number of the other
    numbers = [str(row) for row in [*range(len(words)), *(row for row, _ in links)]]
    return merged_groups([*stems, *(stem for _, stem in links)], numbers)[: len(words)]


def _spelling(word: str) -> str:
    """Return the letters and digits of a word in lower case; "" for an emoticon."""
    letters = "".join(filter(str.isalnum, word.lower()))
    return letters if _SPELLED.fullmatch(word) and sum(map(str.isalpha, letters)) > 1 else ""


def _related(letters: str, known: frozenset[str]) -> Iterator[str]:
    """Yield the stems of words that a word is an inflection of, or that remain after removing its prefix."""
    for length in range(SHORTEST_ROOT - 1, STEM):
        start, ending = letters[:length], letters[length:]
        if ending in INFLECTIONS or (ending[:1] == start[-1:] and ending[1:] in INFLECTIONS):  # sad, sadly; sad, sadder
            yield from {start, start + "e", start + "y"} & known if length >= SHORTEST_ROOT else {start + "e", start + "y"} & known
    for prefix in PREFIXES:
        rest = letters.removeprefix(prefix)
        if rest != letters and len(rest) >= SHORTEST_ROOT and rest[:STEM] in known:
            yield rest[:STEM]


def face(word: str) -> str:
    """Return the distinct characters of an emoticon, sorted, without a nose, and with brackets in one direction."""
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
