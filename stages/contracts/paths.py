"""Where each file that passes between stages is, relative to the workspace."""

import re
from pathlib import Path

DATA = Path("data")


def names_in(path: str, pattern: str) -> dict[str, str] | None:
    """Return the names that stand for {…} of a pattern in which a path ends; None if it does not end so. What is in […] may be absent."""
    named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(pattern)).replace(r"\[", "(?:").replace(r"\]", ")?")
    found = re.fullmatch(rf"(?:.*/)?{named}", path)
    return None if found is None else found.groupdict()


def path_mistakes(path: str, pattern: str, about: object) -> list[str]:
    """Return where a file's path tells another name than the attribute of `about`, what the file says of itself, that {…} stands for."""
    names = names_in(path, pattern) or {}
    return [f"{key}: expected {name!r}, as in the path, found {getattr(about, key)!r}" for key, name in names.items()
            if getattr(about, key, name) != name]


def check_path(dataset: str) -> Path:
    """Return where check records the fingerprint of a data set."""
    return DATA / "check" / f"{dataset}.json"


def fold_numbers_path(dataset: str) -> Path:
    """Return where check writes the numbers of folds of a data set: the section's, or its own."""
    return DATA / "check" / "split" / f"{dataset}.json"


def leak_levels_path(dataset: str) -> Path:
    """Return where check writes which leaks stop the training of a data set."""
    return DATA / "check" / "leakage" / f"{dataset}.json"


def train_settings_path(dataset: str, stage: str) -> Path:
    """Return where check writes what a stage (train.<model>, control or a study such as learning_curve) uses of the section `train:`."""
    return DATA / "check" / "train" / dataset / f"{stage}.json"


def condition_settings_path(dataset: str) -> Path:
    """Return where check writes how a data set's samples are corrupted, and the settings of the models that predict them."""
    return DATA / "check" / "conditions" / f"{dataset}.json"


def missing_shares_path(dataset: str) -> Path:
    """Return where check writes which shares of a data set's test samples lack a modality."""
    return DATA / "check" / "missing" / f"{dataset}.json"


def settings_path(key: str) -> Path:
    """Return where check writes what params.yaml says under a key, such as features.emoji-image.

    DVC's run cache does not see a parameter that is called size or nfiles, at any depth: it would restore the outputs of another size.
    A stage therefore depends on this file, too.
    """
    return DATA / "check" / "settings" / f"{key}.json"


def samples_path(dataset: str) -> Path:
    return DATA / "samples" / dataset / "samples.arrow"


def splits_path(dataset: str) -> Path:
    return DATA / "splits" / dataset / "splits.arrow"


def features_path(dataset: str, modality_name: str) -> Path:
    return DATA / "features" / dataset / f"{dataset}-{modality_name}.arrow"


def validation_dir(dataset: str) -> Path:
    return DATA / "validation" / dataset


def validation_path(dataset: str) -> Path:
    return validation_dir(dataset) / "validation.json"


def leaks_path(dataset: str) -> Path:
    return validation_dir(dataset) / "leaks.json"


def skipped_path(dataset: str) -> Path:
    return DATA / "splits" / dataset / "quarantine.arrow"


def quarantine_path(dataset: str, modality_name: str = "") -> Path:
    """Return where ingest (no modality name) or featurize lists unreadable samples."""
    key = f"{dataset}-{modality_name}" if modality_name else dataset
    return DATA / "quarantine" / dataset / f"{key}.arrow"


def predictions_dir(dataset: str, model: str) -> Path:
    return DATA / "predictions" / dataset / model


def controls_dir(dataset: str) -> Path:
    """Return the folder with a folder of predictions per control."""
    return DATA / "predictions" / dataset / "controls"


def learning_curves_dir(dataset: str) -> Path:
    """Return the folder with a folder per model that is trained on shares of the training rows."""
    return DATA / "predictions" / dataset / "learning_curves"


def learning_curve_path(dataset: str, model: str) -> Path:
    return learning_curves_dir(dataset) / model / "learning_curve.arrow"


def bias_variance_dir(dataset: str) -> Path:
    """Return the folder with a folder per model whose bias and variance are computed."""
    return DATA / "predictions" / dataset / "bias_variance"


def bias_variance_path(dataset: str, model: str) -> Path:
    return bias_variance_dir(dataset) / model / "bias_variance.json"


def representations_dir(dataset: str) -> Path:
    """Return the folder with a folder per network whose representation other learners learn from."""
    return DATA / "predictions" / dataset / "representations"


def representation_path(dataset: str, model: str) -> Path:
    return representations_dir(dataset) / model / "representation.arrow"


def conditions_path(dataset: str) -> Path:
    """Return where condition writes what models predict of corrupted test samples."""
    return DATA / "conditions" / dataset / "predictions.arrow"


def models_dir(dataset: str, model: str) -> Path:
    return DATA / "models" / dataset / model


def evaluation_dir(dataset: str) -> Path:
    return DATA / "evaluation" / dataset


def evaluation_path(dataset: str) -> Path:
    return evaluation_dir(dataset) / "evaluation.json"


def gallery_path(dataset: str) -> Path:
    """Return where evaluate writes what the report shows of the samples with the largest errors."""
    return evaluation_dir(dataset) / "gallery.json"


def weights_dir(dataset: str, model: str = "") -> Path:
    """Return where read_weights writes what it reads of a linear model; without a model, the folder with a folder per model."""
    return evaluation_dir(dataset) / "weights" / model


def weights_document_path(dataset: str, model: str) -> Path:
    return weights_dir(dataset, model) / "weights.json"


def weights_table_path(dataset: str, model: str) -> Path:
    return weights_dir(dataset, model) / "weights.arrow"


def support_vectors_path(dataset: str, model: str) -> Path:
    return weights_dir(dataset, model) / "support_vectors.arrow"


def summary_path(dataset: str) -> Path:
    return evaluation_dir(dataset) / "summary.json"


def kept_results_path(dataset: str) -> Path:
    """Return where the results of a data set that does not run by default are kept; no stage writes there."""
    return Path("docs") / "results" / f"{dataset}.json"


def report_path() -> Path:
    return DATA / "report" / "report.html"


def plots_dir(dataset: str = "") -> Path:
    """Return where the images that `dvc plots` shows of a data set, or of all, are written."""
    return DATA / "report" / "plots" / dataset


def figures_dir(dataset: str = "") -> Path:
    """Return where the figures of a data set, or of all, are written."""
    return DATA / "report" / "figures" / dataset


def comparison_path() -> Path:
    """Return where the last comparison of two versions is written; no output of a stage."""
    return Path(".sensorium") / "comparison.json"


def accepted_path() -> Path:
    """Return where the accepted version is recorded; git tracks the file."""
    return Path("accepted.json")


def lesson_dir(lesson: str) -> Path:
    """Return where a lesson writes what it found, and its figures."""
    return DATA / "lessons" / lesson


def lesson_path(lesson: str) -> Path:
    return lesson_dir(lesson) / "lesson.json"


def lecture_path() -> Path:
    """Return where the page of all lessons is written."""
    return DATA / "lecture" / "lecture.html"
