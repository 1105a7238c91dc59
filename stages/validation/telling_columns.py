"""Columns of tables that alone tell the target, as one does that is made from it: a delay beside "late: delay above 15 minutes".

A tree of a few leaves (numbers), or the most frequent target of each category, is fitted to training rows of the first outer fold and
judged on the first of its inner folds. No test row is read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.table_schema import Target
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values

MOST_ROWS = 20_000  # of the training rows, evenly spaced
LEAVES = 8  # of a tree: thresholds that a person would set
TELLS = 0.95  # of what the most frequent class, or the mean, leaves open, the share that one column explains at least
KNOWN = 0.5  # share of the rows in which a column is known, at least
FEWEST = 5  # held-out rows with a label, and without it, from which a column can tell it


@dataclass(frozen=True)
class KnownRows:
    """Training rows. ids: their samples. target: in its form, or a column of labels or values per output. held_out: bool (n,)."""

    ids: pa.Array
    outputs: dict[str, np.ndarray]
    held_out: np.ndarray
    continuous: bool


def known_rows(splits: pa.Table, target: Target) -> KnownRows:
    """Return at most MOST_ROWS training rows of the first outer fold, of a splits table."""
    inner = column_values(splits["inner"])[:, 0]
    rows = np.flatnonzero((column_values(splits["repeat"]) == 0) & (inner >= 0))
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)] if len(rows) else rows
    values = column_values(splits["target"])[rows]
    outputs = {target.name: values} if target.form == "classes" else dict(zip(target.outputs, values.T, strict=True))
    return KnownRows(splits["sample_id"].take(pa.array(rows)).combine_chunks(), outputs, inner[rows] == 0, target.form == "continuous")


def telling_columns(label: str, chunks: Iterable[pa.Table], metadata: FeaturesMetadata, known: KnownRows) -> Iterator[str]:
    """Yield a line for each column of a table of features that alone tells the target."""
    if metadata.encoding != "table" or not len(known.ids):
        return
    table = pa.concat_tables([chunk.filter(pc.is_in(chunk["sample_id"], value_set=known.ids)) for chunk in chunks])
    place = pc.index_in(known.ids, value_set=table["sample_id"].combine_chunks())
    table = table.take(place)
    for name, values in _columns(table, metadata):
        if len(np.unique(values)) < 2:
            continue
        for output, target in known.outputs.items():
            share = _explained(values, target, known)
            if share >= TELLS:
                what = "the target" if len(known.outputs) == 1 else repr(output)
                yield (f"{label}: column {name!r} alone tells {what}: it explains {share:.1%} of what "
                       f"{'the mean' if known.continuous else 'the most frequent class'} leaves open, on held-out training rows. If it is "
                       "made from the target, or known only after it, leave it out (`columns` of the table)")
                break


def _columns(table: pa.Table, metadata: FeaturesMetadata) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns of a table of features by name: float64 (n,), or the codes of categories, int32 (n,)."""
    n, names = len(table), metadata.names
    numeric, flat = column_values(table["numeric"]), table["categorical"].combine_chunks().flatten()
    yield from zip(names["numeric"], numeric.T, strict=True)
    width = len(names["categorical"])
    for place, name in enumerate(names["categorical"]):
        codes = flat.take(pa.array(np.arange(n) * width + place)).dictionary_encode("encode").indices
        yield name, np.from_dlpack(codes)


def _explained(values: np.ndarray, target: np.ndarray, known: KnownRows) -> float:
    """Return the share of the errors of a constant prediction, on held-out rows, that the column's prediction avoids where it is known."""
    kept = ~np.isnan(values) & ~np.isnan(target)
    if kept.mean() < KNOWN:
        return 0.0
    fitted, held_out = kept & ~known.held_out, kept & known.held_out
    if known.continuous:
        if not fitted.any() or not held_out.any():
            return 0.0
        before = ((target[held_out] - target[fitted].mean()) ** 2).sum()
        after = ((target[held_out] - _predicted(values, target, fitted, held_out, known)) ** 2).sum()
        return float(1 - after / before) if before > 0 else 0.0
    counts = np.bincount(target[held_out])
    if np.count_nonzero(counts) < 2 or np.sort(counts)[-2] < FEWEST or len(np.unique(target[fitted])) < 2:
        return 0.0
    before = np.count_nonzero(target[held_out] != np.bincount(target[fitted]).argmax())
    after = np.count_nonzero(target[held_out] != _predicted(values, target, fitted, held_out, known))
    return 1 - after / before if before else 0.0


def _predicted(values: np.ndarray, target: np.ndarray, fitted: np.ndarray, held_out: np.ndarray, known: KnownRows) -> np.ndarray:
    """Return what one column, fitted on some rows, predicts for others."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # here: the import takes 0.6 s

    if values.dtype == np.int32:
        return _by_category(values, target, fitted, continuous=known.continuous)[values[held_out]]
    tree = (DecisionTreeRegressor if known.continuous else DecisionTreeClassifier)(max_leaf_nodes=LEAVES, random_state=0)
    return np.asarray(tree.fit(values[fitted, None], target[fitted]).predict(values[held_out, None]))


def _by_category(codes: np.ndarray, target: np.ndarray, fitted: np.ndarray, *, continuous: bool) -> np.ndarray:
    """Return the mean target, or the most frequent class, of each category in the fitted rows; of all of them where it has none."""
    n = int(codes.max()) + 1
    counts = np.bincount(codes[fitted], minlength=n)
    if continuous:
        sums = np.bincount(codes[fitted], weights=target[fitted], minlength=n)
        return np.where(counts > 0, sums / np.maximum(counts, 1), target[fitted].mean())
    of_class = np.stack([np.bincount(codes[fitted & (target == code)], minlength=n) for code in range(int(target.max()) + 1)])
    return np.where(counts > 0, of_class.argmax(axis=0), np.bincount(target[fitted]).argmax())
