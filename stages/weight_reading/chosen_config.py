"""The best linear configuration of a modality combination, by the inner folds: no outer score is looked at."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import EARLY
from stages.contracts.metric import Scoring
from stages.contracts.model import Config, config_of
from stages.foundation.tables import column_values
from stages.model_selection.choice import choose, defined_mean


@dataclass(frozen=True)
class BestLinear:
    """score: mean over the inner folds of all outer folds."""

    config: Config
    score: float


def best_linear(
    sweep: pa.Table, combination: str, is_linear: Callable[[Mapping[str, Any]], bool], metric: Scoring
) -> BestLinear | None:
    """Return the linear configuration with the best mean inner score over all outer folds; None if the combination has none.

    Args:
        sweep: as train writes it. combination: as in its column `modalities`.
    """
    mine = sweep.filter(pc.and_(pc.equal(sweep["modalities"], combination), pc.equal(sweep["fusion"], EARLY)))
    numbers, scores = column_values(mine["config"]), column_values(mine["score"])
    settings = dict(zip(numbers.tolist(), mine["settings"].to_pylist(), strict=True))
    configs = {number: json.loads(text) for number, text in sorted(settings.items())}
    linear = [number for number, config in configs.items() if is_linear(config)]
    if not linear:
        return None
    # by fold: the order of rows in the file decides nothing
    folds = np.lexsort([column_values(mine[name]) for name in ("inner", "fold", "repeat")])
    numbers, scores = numbers[folds], scores[folds]
    by_config = np.stack([scores[numbers == number] for number in linear])
    best = choose(by_config, greater_is_better=metric.greater_is_better)
    config = config_of(configs[linear[best]])
    return BestLinear(config, defined_mean(by_config[best]))
