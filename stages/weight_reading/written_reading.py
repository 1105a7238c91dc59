"""What is read of a linear model on one data set, as tables and a document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.weights_document import LinearWeights, ReadCombination, ShownWeights, SupportVectorGallery
from stages.contracts.linear_reading import LinearFunctions
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.support_vectors_table import TABLE as SUPPORT_VECTORS
from stages.contracts.tables.support_vectors_table import SupportVectorsMetadata
from stages.contracts.tables.weights_table import WeightsMetadata
from stages.contracts.task import TargetForm
from stages.foundation.tables import fixed_lists
from stages.foundation.taken_rows import rows_at
from stages.weight_reading.margin_facts import margin_facts, support_rows
from stages.weight_reading.read_combination import CombinationReading
from stages.weight_reading.shown_weights import shown_weights, support_gallery, term_names
from stages.weight_reading.weight_rows import weight_rows

NO_ROWS = {"string": pa.string(), "float64": pa.float64()}


@dataclass(frozen=True)
class ReadModel:
    """What is read of a model.

    found: by combination. not_read: why others are not. features: metadata by modality. outputs, ids: names of all outputs, and of the
    problem's rows. samples: as ingest wrote them. n_terms, n_shown: as in the settings.
    """

    dataset: str
    model: str
    form: TargetForm
    scoring: str
    outputs: tuple[str, ...]
    ids: Sequence[str]
    samples: pa.Table
    features: Mapping[str, FeaturesMetadata]
    found: Mapping[tuple[str, ...], CombinationReading]
    not_read: Mapping[str, str]
    n_terms: int
    n_shown: int

    @property
    def not_applicable(self) -> str | None:
        """Return why nothing is read, if so."""
        return None if self.found else "; ".join(f"{name}: {why}" for name, why in self.not_read.items()) or "no combination is trained"

    @property
    def function_outputs(self) -> tuple[int, ...]:
        """Return the outputs that have a function in some combination."""
        return tuple(sorted({output for one in self.found.values() for output in one.functions.functions.outputs}))


def written(read: ReadModel) -> tuple[tuple[pa.Table, WeightsMetadata], tuple[pa.Table, SupportVectorsMetadata], LinearWeights]:
    """Return the weights and the support vectors with their metadata, and the document."""
    weights, vectors, combinations = list[pa.Table](), list[pa.Table](), list[ReadCombination]()
    intercepts, left_out = dict[str, tuple[float, ...]](), dict[str, int]()
    for modalities, one in read.found.items():
        combination, aligned = "+".join(modalities), replace(one.functions, functions=aligned_functions(one, read.function_outputs))
        terms = {name: named_terms(read, one, name) for name in modalities}
        weights.append(weight_rows(aligned, terms, read.n_terms))
        intercepts[combination] = tuple(aligned.functions.intercepts.tolist())
        left_out |= {f"{combination}/{name}": len(one.functions.columns[name].names) - len(one.functions.kept(name, read.n_terms))
                     for name in sorted(one.functions.sparse)}  # fmt: skip
        if one.reading.margins:
            vectors.append(support_rows(combination, one.reading.margins, read.outputs, read.ids))
        combinations.append(combination_document(read, modalities, terms))
    names = tuple(read.outputs[output] for output in read.function_outputs)
    of_weights = WeightsMetadata(dataset=read.dataset, model=read.model, form=read.form, outputs=names, intercepts=intercepts,
                                 left_out=left_out, not_applicable=read.not_applicable)
    of_vectors = SupportVectorsMetadata(dataset=read.dataset, model=read.model, not_applicable=None if vectors else why_no_margins(read))
    document = LinearWeights(dataset=read.dataset, model=read.model, form=read.form, scoring=read.scoring, combinations=tuple(combinations),
                             not_read=dict(read.not_read), not_applicable=read.not_applicable)
    return ((pa.concat_tables(weights) if weights else no_weights(), of_weights),
            (pa.concat_tables(vectors) if vectors else no_vectors(), of_vectors), document)


def why_no_margins(read: ReadModel) -> str:
    """Return why there is no support vector."""
    reasons = {one.reading.without_margins or f"{read.model} has no margins" for one in read.found.values()}
    return "; ".join(sorted(reasons)) or str(read.not_applicable)


def aligned_functions(one: CombinationReading, outputs: tuple[int, ...]) -> LinearFunctions:
    """Return a combination's functions of these outputs; 0 of an output that it has none of."""
    found = one.functions.functions
    if found.outputs == outputs:
        return found
    places = [outputs.index(output) for output in found.outputs]
    weights = {name: np.zeros((len(values), len(outputs))) for name, values in found.weights.items()}
    intercepts = np.zeros(len(outputs))
    intercepts[places] = found.intercepts
    for name, values in found.weights.items():
        weights[name][:, places] = values
    return LinearFunctions(outputs, weights, intercepts)


def named_terms(read: ReadModel, one: CombinationReading, name: str) -> dict[int, str]:
    """Return the names of the terms of a modality whose weights are kept; none of a modality that is not sparse."""
    if name not in one.functions.sparse:
        return {}
    kept = one.functions.columns[name].numbers[one.functions.kept(name, read.n_terms)]
    ids = pa.array([read.ids[row] for row in one.rows.tolist()], pa.string())
    places = pc.index_in(ids, value_set=read.samples["sample_id"].combine_chunks())
    samples = rows_at(read.samples.select(["sample_id", name]), np.asarray(places.to_pylist(), np.int64))
    return term_names(read.features[name], samples, kept.tolist())


def combination_document(
    read: ReadModel, modalities: tuple[str, ...], terms: Mapping[str, Mapping[int, str]]
) -> ReadCombination:
    """Return what a page shows of a combination: of several modalities the margins alone."""
    one, shown, gallery = read.found[modalities], list[ShownWeights](), None
    found = ReadCombination(
        modalities=modalities, config=one.chosen.config, inner_score=one.chosen.score, n_rows=len(one.rows),
        margins=tuple(margin_facts(margin, read.outputs) for margin in one.reading.margins),
        n_support_vectors=len(np.unique(np.concatenate([np.empty(0, np.int64), *(margin.rows for margin in one.reading.margins)]))),
        without_margins=one.reading.without_margins, weights=(),
    )  # fmt: skip
    if len(modalities) == 1:
        (name,) = modalities
        shown = list(shown_weights(one.functions, name, read.features[name], read.outputs, terms[name]))
        gallery = narrowest_gallery(read, one, found, name)
    return found.model_copy(update={"weights": tuple(shown), "gallery": gallery})


def narrowest_gallery(read: ReadModel, one: CombinationReading, found: ReadCombination, name: str) -> SupportVectorGallery | None:
    """Return support vectors of the narrowest margin; None without margins, or if none are to be shown."""
    if found.narrowest is None or not read.n_shown:
        return None
    margin = one.reading.margins[found.margins.index(found.narrowest)]
    return support_gallery(margin, read.outputs, samples=read.samples, ids=read.ids, modality=name, n=read.n_shown)


def no_weights() -> pa.Table:
    """Return the columns of weights.arrow without a row."""
    empty = {"modalities": pa.string(), "modality": pa.string(), "feature": pa.int64(), "name": pa.string(), "deviation": pa.float64()}
    return pa.table({**{name: pa.array([], kind) for name, kind in empty.items()}, "weights": fixed_lists(np.zeros((0, 1)))})


def no_vectors() -> pa.Table:
    """Return the columns of support_vectors.arrow without a row."""
    return pa.table({column.name: pa.array([], NO_ROWS[column.types[0]]) for column in SUPPORT_VECTORS.columns})
