"""Weights and support vectors as a page shows them: by the modality, or as bars."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.documents.weights_document import ShownSupportVector, ShownWeights, SupportVectorGallery, WeightBars, WeightImage
from stages.contracts.linear_reading import Margin
from stages.contracts.modality import Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.registry import component
from stages.samples.exhibits import CELL, cut
from stages.samples.shown_samples import exhibits
from stages.weight_reading.margin_facts import places_of, shown_places, slack_of
from stages.weight_reading.weight_rows import ReadFunctions, ends_of, named

MOST_OUTPUTS, MOST_BARS = 12, 6  # outputs whose weights are shown; bars for an output, and as many against it


def shown_weights(
    found: ReadFunctions, name: str, about: FeaturesMetadata, outputs: Sequence[str], terms: Mapping[int, str]
) -> Iterator[ShownWeights]:
    """Yield the weights of one modality in the functions of the first outputs; none of a function that is constant."""
    weights = found.functions.weights[name]
    for place, output in list(enumerate(found.functions.outputs))[:MOST_OUTPUTS]:
        if weights[:, place].any():
            exhibit = image_of_weights(weights[:, place], about) or bars_of(found, name, weights[:, place], terms)
            yield ShownWeights(output=outputs[output], modality=name, exhibit=exhibit)


def image_of_weights(weights: np.ndarray, about: FeaturesMetadata) -> WeightImage | None:
    """Return the weights as the modality lays them out; None if it does not."""
    modality: Modality[Any] = component("modalities", about.modality)
    return None if modality.show_weights is None or about.encoding != "dense" else modality.show_weights(weights, about)


def bars_of(found: ReadFunctions, name: str, weights: np.ndarray, terms: Mapping[int, str]) -> WeightBars:
    """Return the features with the largest weights: of terms per unit, of others per standard deviation, as their units differ."""
    columns, is_sparse = found.columns[name], name in found.sparse
    sizes = weights if is_sparse else weights * columns.deviation
    places = ends_of(sizes, MOST_BARS)
    names = [text or f"term {columns.numbers[place]}" for text, place in zip(named(columns, places, terms), places.tolist(), strict=True)]
    bars = tuple((cut(text, CELL), float(f"{sizes[place]:.6g}")) for text, place in zip(names, places.tolist(), strict=True))
    return WeightBars(bars=bars, n_features=len(weights), per="unit" if is_sparse else "deviation")


def term_names(about: FeaturesMetadata, samples: pa.Table, indices: Sequence[int]) -> dict[int, str]:
    """Return the names of the terms of a modality by their indices; none if it knows none.

    Args:
        samples: those that the model is fitted on.
    """
    modality: Modality[Any] = component("modalities", about.modality)
    if about.encoding != "sparse" or modality.name_terms is None or not indices:
        return {}
    column = samples[about.modality_name].combine_chunks().drop_null()
    return modality.name_terms(column, modality.settings.model_validate(about.settings), indices)


def support_gallery(
    margin: Margin, outputs: Sequence[str], *, samples: pa.Table, ids: Sequence[str], modality: str, n: int
) -> SupportVectorGallery:
    """Return some support vectors of a margin with what a page shows of them; ids: of the problem's rows."""
    chosen = list(shown_places(margin, ids, n))
    place, slack = places_of(margin), slack_of(margin)
    names = [ids[margin.rows[at]] for at in chosen]
    vectors = tuple(
        ShownSupportVector(sample_id=name, side="plus" if margin.side[at] > 0 else "minus", place=place[at], alpha=float(margin.alpha[at]),
                           slack=float(slack[at]), shown=shown)
        for at, name, shown in zip(chosen, names, exhibits(samples, names, [modality]), strict=True)
    )  # fmt: skip
    return SupportVectorGallery(positive=outputs[margin.positive], negative=None if margin.negative is None else outputs[margin.negative],
                                vectors=vectors)
