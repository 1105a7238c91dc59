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

from stages.training.prediction import Predictor
from stages.training.saved_model import model_documents, model_files

BATCH_ROWS, REPEATS = 100, 3
NO_PARAMETERS = re.compile(r"encoder/.*|scales|.*/(?:classes_|n_iter_)")  # arrays that prepare features or keep books


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
    """Return the size of the model in a folder, with its members; models of single folds below it do not count."""
    numbers = [(name, math.prod(shape)) for about in model_documents(folder).values() for name, shape in about.arrays.items()]
    return ModelSize(bytes=sum(path.stat().st_size for path in model_files(folder)), stored_numbers=sum(n for _, n in numbers),
                     parameters=sum(n for name, n in numbers if not NO_PARAMETERS.fullmatch(name)))


def prediction_cost(folder: Path, samples: pa.Table) -> PredictionCost | None:
    """Return how long the model in a folder takes for the first of some samples, and for up to BATCH_ROWS; None if none has all it reads.

    Args:
        samples: readable ones, as in the samples table.
    """
    predictor = Predictor.load(folder)
    columns = samples.select(list(predictor.about.read))
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
