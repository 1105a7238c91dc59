"""Give made-up predictions of a model further seeds."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from toy_predictions import Toy, change_predictions

from stages.contracts.tables.predictions_table import TrainingMetadata

Change = Callable[[pa.Table, int], pa.Table]  # of the predictions of one more seed, by its number from 1


def same(table: pa.Table, draw: int) -> pa.Table:
    """Return the predictions as they are."""
    return table


def some_wrong(table: pa.Table, draw: int) -> pa.Table:
    """Return classes of which every seventh row, another one for each seed, is that of the row before."""
    prediction = np.array(table["prediction"].to_pylist(), dtype=np.int32)
    moved = np.arange(len(prediction)) % 7 == draw
    prediction[moved] = np.roll(prediction, 1)[moved]
    return table.set_column(table.column_names.index("prediction"), "prediction", pa.array(prediction))


def add_seeds(toy: Toy, model: str, n_more: int, change: Change = same) -> None:
    """Add the predictions of n_more refits: those of the first seed, changed."""

    def added(table: pa.Table, about: TrainingMetadata) -> tuple[pa.Table, TrainingMetadata]:
        place = table.column_names.index("seed")
        more = [change(table, draw).set_column(place, "seed", pa.array(np.full(len(table), 1000 + draw, np.int64)))
                for draw in range(1, n_more + 1)]
        seeds = (toy.seed, *(1000 + draw for draw in range(1, n_more + 1)))
        return pa.concat_tables([table, *more]), about.model_copy(update={"seeds": seeds})

    change_predictions(toy, model, added)
