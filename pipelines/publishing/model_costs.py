"""What a saved model costs those who use it, as metrics of its run: its size, and how long it predicts on the machine that publishes."""

from pathlib import Path

import pyarrow.compute as pc

from pipelines.publishing.metric_values import Point
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.paths import samples_path, splits_path
from stages.foundation.documents import read_document
from stages.foundation.tables import read_table

ROWS_TRIED = 1_000  # of the samples: enough for a batch of readable ones


def model_points(folder: Path) -> list[Point]:
    """Return `model/…` (bytes, stored numbers, parameters) and `predict/…` (milliseconds) of the model in a folder."""
    from stages.training.prediction_cost import model_size, prediction_cost  # scikit-learn: 3 s, where no model is new

    about, size = read_document(folder / "model.json", SavedModel), model_size(folder)
    points = [(f"model/{name}", float(n), 0) for name, n in
              (("bytes", size.bytes), ("stored_numbers", size.stored_numbers), ("parameters", size.parameters))]  # fmt: skip
    samples = read_table(samples_path(about.dataset)).slice(0, ROWS_TRIED)
    used = read_table(splits_path(about.dataset))["sample_id"].combine_chunks()  # without those that cannot be read
    found = prediction_cost(folder, samples.filter(pc.is_in(samples["sample_id"], value_set=used)))
    if found is None:
        return points
    return [*points, ("predict/one_ms", found.one_ms, 0), ("predict/batch_ms", found.batch_ms, 0),
            ("predict/batch_rows", float(found.batch_rows), 0)]
