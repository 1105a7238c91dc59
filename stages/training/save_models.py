"""Save what train has fitted: the final model, and on request those of every outer fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.contracts.candidate import CHOSEN, EARLY, Candidate
from stages.contracts.documents.model_document import ModalityFeatures
from stages.contracts.model import FoldResult
from stages.contracts.problem import Problem
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.model_selection.fused_models import FusedModel, TrainedLearner, final_model, fold_model
from stages.training.saved_model import ModelDescription, member_folder, save_fitted


@dataclass(frozen=True)
class Saving:
    """Where models are saved. features: each modality's features metadata."""

    dataset: str
    folder: Path
    features: Mapping[str, FeaturesMetadata]


def save_models(trained: TrainedLearner, saving: Saving, *, keep_folds: bool) -> None:
    """Save the final model and, if wanted, the models of every outer fold: of equal weights, and of the way that is compared."""
    final = final_model(trained)
    fusion = CHOSEN if len(trained.ways) > 1 and len(final.modalities) > 1 else final.way
    save_model(saving.folder, final, trained, saving, fusion=fusion, as_found=trained.results[0])
    for result in trained.results if keep_folds else ():
        if result.fusion in (EARLY, CHOSEN) or len(trained.ways) == 1:
            model = fold_model(trained, result)
            save_model(fold_model_dir(saving.folder, result), model, trained, saving, fusion=result.fusion, as_found=result)


def save_model(folder: Path, model: FusedModel, trained: TrainedLearner, saving: Saving, *, fusion: str, as_found: FoldResult) -> None:
    """Save a model and its members.

    Args:
        fusion: as its scores stand under it.
        as_found: tells how configurations were compared and probabilities calibrated.
    """
    of_each = {name: ModalityFeatures(modality=saving.features[name].modality, settings=saving.features[name].settings)
               for name in model.read}  # fmt: skip
    candidate = Candidate(trained.learner.model.name, model.modalities, fusion)
    about = ModelDescription(
        saving.dataset, candidate, as_found.described(model.config), of_each, as_found.calibration,
        way=model.way if fusion == CHOSEN else None, members=tuple(member.modalities[0] for member in model.members),
    )  # fmt: skip
    problem: Problem = trained.problem
    save_fitted(folder, model.fitted, problem, about, rows=model.rows)
    for member in model.members:
        save_model(member_folder(folder, member.modalities[0]), member, trained, saving, fusion=EARLY, as_found=as_found)


def fold_model_dir(saved: Path, result: FoldResult) -> Path:
    """Return the folder of one outer fold's model: of the combination, and within it of another way than equal weights."""
    folder = saved / "folds" / f"{result.fold.repeat}-{result.fold.index}" / "+".join(result.modalities)
    return folder if result.fusion == EARLY else folder / result.fusion
