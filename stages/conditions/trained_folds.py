"""Read what train chose and predicted on every outer fold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.conditions.refits import Answers
from stages.contracts.model import config_of
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_table

FoldKey = tuple[str, str, int, int]  # modality combination, way of fusing, repeat, fold
ROUNDING = 1e-4  # of probabilities: float32, summed in another order for other numbers of rows
SPREADS = 1e-6  # of predicted targets, in standard deviations of the targets


@dataclass(frozen=True)
class TrainedFold:
    """What train chose on a fold. config: its number and its settings, as JSON holds them.

    ids: of the test rows, in the table's order. answers: by seed.
    """

    config: int
    settings: Mapping[str, Any]
    ids: pa.Array
    answers: Mapping[int, Answers]


@dataclass(frozen=True)
class Trained:
    """The folder of a trained model, and its folds."""

    folder: Path
    folds: Mapping[FoldKey, TrainedFold] = field(default_factory=dict)

    def at(self, key: FoldKey) -> TrainedFold:
        """Return a fold; raise InputError if train has not written it."""
        if key not in self.folds:
            raise InputError(f"{self.folder / 'predictions.arrow'}: no predictions of {key[0]}, {key[1]}, repeat {key[2]}, fold {key[3]}; "
                             "run `dvc repro`")
        return self.folds[key]

    def require_same(self, key: FoldKey, ids: pa.Array, found: Mapping[int, Answers], spread: np.ndarray | None) -> None:
        """Raise InputError unless refits predict of the test samples `ids` what train wrote.

        Args:
            found: the answers by seed. spread: standard deviations of continuous targets, float64 (n_outputs,); None of classes and labels.
        """
        known = self.at(key)
        places = pc.index_in(ids, value_set=known.ids)  # train may have answered samples that lack a modality, too
        is_same = not places.null_count and known.answers.keys() == found.keys()
        n_rows = len(ids)
        if is_same:
            rows = column_values(places).astype(np.int64)
            n_rows = max(differing(_taken(known.answers[seed], rows), of_seed, spread) for seed, of_seed in found.items())
        if n_rows:
            raise InputError(f"{self.folder / 'predictions.arrow'}: {key[0]}, {key[1]}, repeat {key[2]}, fold {key[3]}: the chosen "
                             f"configuration, fitted again, predicts {n_rows} of {len(ids)} test rows otherwise; predictions and "
                             "features are of different runs: run `dvc repro`")


def _taken(answers: Answers, rows: np.ndarray) -> Answers:
    return answers[0][rows], None if answers[1] is None else answers[1][rows]


def differing(known: Answers, found: Answers, spread: np.ndarray | None) -> int:
    """Return on how many rows two predictions differ by more than rounding."""
    of_rows = known[0] != found[0] if spread is None else ~(np.abs(known[0] - found[0]) <= SPREADS * spread)
    of_rows = of_rows.reshape(len(of_rows), -1).any(axis=1)
    if known[1] is not None and found[1] is not None:
        of_rows = of_rows | (np.abs(known[1] - found[1]) > ROUNDING).any(axis=1)
    return int(np.count_nonzero(of_rows))


def read_trained(folder: Path) -> Trained:
    """Return what train wrote into a model's folder."""
    table = read_table(folder / "predictions.arrow")
    sweep = read_table(folder / "sweep.arrow")
    by_fold = sweep.filter(sweep["chosen"]).group_by(["modalities", "fusion", "repeat", "fold"])
    chosen = by_fold.aggregate([("config", "min"), ("settings", "min")])
    choices = {_key(row): (row["config_min"], json.loads(row["settings_min"])) for row in chosen.to_pylist()}
    found: dict[FoldKey, TrainedFold] = {}
    for (*place, seed), part in _parts(table, ("modalities", "fusion", "repeat", "fold", "seed")):
        key: FoldKey = tuple(place)
        if key not in choices:
            raise InputError(f"{folder / 'sweep.arrow'}: nothing is chosen for {key[0]}, {key[1]}, repeat {key[2]}, fold {key[3]}; run "
                             "`dvc repro`")
        config, settings = choices[key]
        probabilities = column_values(part["probabilities"]) if "probabilities" in part.column_names else None
        plain = config_of(settings)
        answers = {**found[key].answers} if key in found else {}
        answers[seed] = column_values(part["prediction"]), probabilities
        found[key] = TrainedFold(config, plain, part["sample_id"].combine_chunks(), answers)
    return Trained(folder, found)


def _parts(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], pa.Table]]:
    """Yield the rows that are equal in some columns, with their values, in the order of the first row of each part."""
    rows_of: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(table[name].to_pylist() for name in names), strict=True)):
        rows_of.setdefault(key, []).append(row)
    for key, rows in rows_of.items():
        yield key, table.take(pa.array(rows))


def _key(row: Mapping[str, Any]) -> FoldKey:
    return row["modalities"], row["fusion"], row["repeat"], row["fold"]
