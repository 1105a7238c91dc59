"""Fake vaderSentiment: a lexicon with families of words, emoticons that face both ways, and words that stand there twice."""

from pathlib import Path

from toy import write_wheel

_POSITIVE = "happy happier happily win winner winning wins love lovely lol lol gr8 :-) (: =) <3 trust trusted fun funny joy joyful"
_NEGATIVE = "sad sadly sadness unhappy abandon abandons abandonment hate hating cry cried :( ): D: distrust"
LEXICON = [*((word, 2.5) for word in _POSITIVE.split()), *((word, -1.5) for word in _NEGATIVE.split()), ("fed up", -1.8)]
N_ROWS = {"polarity": len(LEXICON), "valence": len(LEXICON)}


def write(folder: Path) -> dict[str, Path]:
    lines = [f"{word}\t{mean}\t0.5\t[{', '.join(['2'] * 10)}]\n" for word, mean in LEXICON]
    return {"vaderSentiment": write_wheel(folder / "vader.whl", {"vaderSentiment/vader_lexicon.txt": "".join(lines).encode()})}
