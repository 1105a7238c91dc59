"""How long a saved model takes to predict, and how large it is, for users of published models; no stage uses it: no output has a clock."""

import math
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.model_document import SavedModel
from stages.foundation.documents import read_document
from stages.training.prediction import Predictor

BATCH_ROWS, REPEATS = 100, 3
NO_PARAMETERS = re.compile(r"encoder/.*|input/.*|scales|.*/(?:classes_|n_iter_)")  # arrays that prepare features or keep books


@dataclass(frozen=True)
class ModelSize:
    """bytes: of its files. stored_numbers: in all its arrays. parameters: in those of the model itself: weights, components, or rows kept.

    Of a model that skops wrote (a forest) the files alone count: neither number has what is in them.
    """

    bytes: int
    stored_numbers: int
    parameters: int


@dataclass(frozen=True)
class PredictionCost:
    """From raw samples to named predictions, the model loaded: milliseconds of one sample (median of REPEATS), then of a batch (once)."""

    one_ms: float
    batch_ms: float
    batch_rows: int


def model_size(folder: Path) -> ModelSize:
    """Return the size of the model in a folder, as `save_fitted` wrote it; models of single folds below it do not count."""
    about = read_document(folder / "model.json", SavedModel)
    files = [folder / name for name in ("model.json", "arrays.npz", *about.files)]
    numbers = {name: math.prod(shape) for name, shape in about.arrays.items()}
    return ModelSize(bytes=sum(path.stat().st_size for path in files), stored_numbers=sum(numbers.values()),
                     parameters=sum(n for name, n in numbers.items() if not NO_PARAMETERS.fullmatch(name)))


def prediction_cost(folder: Path, samples: pa.Table) -> PredictionCost | None:
    """Return how long the model in a folder takes for the first of some samples, and for up to BATCH_ROWS; None if none has all it reads.

    Args:
        samples: readable ones, as in the samples table.
    """
    predictor = Predictor.load(folder)
    columns = samples.select(list(predictor.about.modalities))
    for name in columns.column_names:
        columns = columns.filter(pc.is_valid(columns[name]))
    if not columns.num_rows:
        return None

    def predict(n: int) -> Callable[[], object]:
        some = {name: columns[name].slice(0, n) for name in columns.column_names}
        return lambda: predictor.predict(some)

    batch_rows = min(BATCH_ROWS, columns.num_rows)
    one, batch = predict(1), predict(batch_rows)
    one()  # may compile or import
    return PredictionCost(statistics.median(_ms(one) for _ in range(REPEATS)), _ms(batch), batch_rows)


def _ms(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - started)
