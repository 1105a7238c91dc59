"""Read linear models: the weight of each feature, and the margins and support vectors of an SVM.

Of each modality alone and of all together, the best linear configuration over the inner folds is fitted on all training rows, as the final
model is. No score comes of it.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from stages.contracts.paths import predictions_dir, samples_path, support_vectors_path, weights_document_path, weights_table_path
from stages.evaluation.evaluate_settings import EvaluateEntry
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section
from stages.foundation.plain_output import write_line
from stages.foundation.registry import component
from stages.foundation.tables import read_table, write_table
from stages.model_selection.estimator_sweep import as_sweep
from stages.training.read_problem import read_problem
from stages.training.studied_problem import studied_problem
from stages.training.train_settings import used_train_settings
from stages.weight_reading.read_combination import CombinationReading, LinearLearner, read_all
from stages.weight_reading.weight_settings import ReadWeightsEntry
from stages.weight_reading.written_reading import ReadModel, written


def main(dataset: str, name: str) -> None:
    """Write data/evaluation/<dataset>/weights/<name>/."""
    params = read_params()
    entry: ReadWeightsEntry = section(params, f"read_weights.{name}", ReadWeightsEntry)
    evaluate: EvaluateEntry = section(params, "evaluate", EvaluateEntry)
    model = component("models", name)
    settings = section(params, f"models.{name}", model.settings)
    data = read_problem(dataset, params, used_train_settings(dataset, "read_weights"))
    applicable = studied_problem(f"read_weights.{name}", as_sweep(model), dataset, entry.datasets, data)
    found: dict[tuple[str, ...], CombinationReading] = {}
    not_read: dict[str, str] = {}
    if isinstance(applicable, str):
        not_read["all"] = applicable
    else:
        sweep = read_table(predictions_dir(dataset, name) / "sweep.arrow")
        for modalities, reading in read_all(LinearLearner(model, settings, sweep, data.features), applicable):
            combination = "+".join(modalities)
            if isinstance(reading, str):
                not_read[combination] = reading
            else:
                found[modalities] = reading
            write_line(f"{name} {dataset}: {combination}: {reading if isinstance(reading, str) else 'read'}")
    weights, vectors, document = written(ReadModel(
        dataset, name, data.problem.form, data.problem.scoring, data.problem.outputs, data.sample_ids.to_pylist(),
        read_table(samples_path(dataset)), data.features, found, not_read, n_terms=entry.n_terms,
        n_shown=entry.n_shown if evaluate.gallery else 0,
    ))  # fmt: skip
    write_table(weights_table_path(dataset, name), *weights)
    write_table(support_vectors_path(dataset, name), *vectors)
    write_document(weights_document_path(dataset, name), document)


if __name__ == "__main__":
    run_stage(main)
