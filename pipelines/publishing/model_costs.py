"""What a saved model costs those who use it, as metrics of its run: its size, and how long it predicts on the machine that publishes.

A time is measured once per model and kept with the costs of stages, outside of what DVC tracks, so that a server that is refilled from the
same workspace shows the same.
"""

import hashlib
from pathlib import Path

import pyarrow.compute as pc

from pipelines.publishing.costs import COSTS
from pipelines.publishing.record import Point
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.paths import samples_path, splits_path
from stages.foundation.documents import read_document
from stages.foundation.tables import read_json, read_table, write_json
from stages.training.saved_model import model_files

ROWS_TRIED = 1_000  # of the samples: enough for a batch of readable ones


def model_points(folder: Path) -> list[Point]:
    """Return `model/…` (bytes, stored numbers, parameters) and `predict/…` (milliseconds) of the model in a folder."""
    about = read_document(folder / "model.json", SavedModel)
    path, content = COSTS / f"predict@{about.dataset}-{about.model}.json", _digest(folder)
    kept = read_json(path) if path.is_file() else {}
    if kept.get("model") != content:
        kept = {"model": content, "metrics": _measured(folder, about)}
        write_json(path, kept)
    return [(name, value, 0) for name, value in kept["metrics"].items()]


def _measured(folder: Path, about: SavedModel) -> dict[str, float]:
    from stages.training.prediction_cost import model_size, prediction_cost  # scikit-learn: 3 s, where no model is new

    size = model_size(folder)
    counts = {"bytes": size.bytes, "stored_numbers": size.stored_numbers, "parameters": size.parameters}
    found = {f"model/{name}": float(n) for name, n in counts.items()}
    samples = read_table(samples_path(about.dataset)).slice(0, ROWS_TRIED)
    used = read_table(splits_path(about.dataset))["sample_id"].combine_chunks()  # without those that cannot be read
    cost = prediction_cost(folder, samples.filter(pc.is_in(samples["sample_id"], value_set=used)))
    if cost is not None:
        found |= {"predict/one_ms": cost.one_ms, "predict/batch_ms": cost.batch_ms, "predict/batch_rows": float(cost.batch_rows)}
    return found


def _digest(folder: Path) -> str:
    """Return what tells the model's files from those of another model."""
    whole = hashlib.sha256()
    for path in model_files(folder):
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
