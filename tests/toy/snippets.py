"""Fake vaderSentiment source distribution with sentences of films (no review known), products and news (four to a document)."""

from pathlib import Path

from toy.tweets import NEUTRAL, N, lines, text, write_sdist

FILES = ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets")
EMPTY = 7  # a sentence of products that has no word
N_ROWS = {"sentiment": 3 * N, "polarity": 3 * (N - len(NEUTRAL)), "valence": 3 * N, "source": 3 * N}


def write(folder: Path) -> dict[str, Path]:
    documents = [f"{row // 4 + 1}_{row % 4 + 1}" for row in range(N)]
    texts = [text(row) for row in range(N)]
    own = [f"{words} of a product p{row}q r{row}s" for row, words in enumerate(texts)]
    own[EMPTY] = "..."
    news = [f"{words} in the news t{row}u v{row}w" for row, words in enumerate(texts)]
    files = [lines([str(row + 1) for row in range(N)], texts), lines(documents, own), lines(documents, news)]
    named = {f"{name}_GroundTruth.txt": content for name, content in zip(FILES, files, strict=True)}
    return {"vaderSentiment": write_sdist(folder / "vader.tar.gz", named)}
