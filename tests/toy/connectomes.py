"""Fake graspologic: weighted graphs over a dozen regions, whose weights tell the strain and not the sex."""

from pathlib import Path

import numpy as np

from toy import write_wheel

N, N_REGIONS = 24, 12
N_ROWS = {"genotype": N, "sex": N}
FOLDER = "graspologic/datasets/mice/"
BLOCKS = "block,hemisphere,i,j\nisocortex,L,0,4\npallium,L,4,6\nisocortex,R,6,10\npallium,R,10,12\n"


def write(folder: Path) -> dict[str, Path]:
    random = np.random.default_rng(0)
    mice = [(f"sub-{54776 + mouse}", ("B6", "BTBR", "CAST")[mouse % 3], ("male", "female")[mouse // 3 % 2]) for mouse in range(N)]
    members = {FOLDER + "participants.csv": "participant_id,genotype,sex\n" + "".join(f"{','.join(mouse)}\n" for mouse in mice)}
    members[FOLDER + "blocks.csv"] = BLOCKS
    for name, strain, _ in mice:
        pairs = [(a, b) for a in range(N_REGIONS) for b in range(a + 1, N_REGIONS) if random.random() < 0.8]
        scale = {"B6": 10, "BTBR": 100, "CAST": 1000}[strain]
        lines = "".join(f"{a} {b} {float(1 + random.integers(scale))}\n" for a, b in pairs)
        members[f"{FOLDER}edgelists/{name}_ses-1_dti.edgelist"] = lines
    return {"graspologic": write_wheel(folder / "graspologic.whl", {name: text.encode() for name, text in members.items()})}
