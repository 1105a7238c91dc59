"""Each data set's best saved model as a version of the registered model `sensorium-<data set>`, and which version is the champion.

The alias `champion` moves to a new version only where a paired test on the same test rows shows that it is better; the champion's
predictions come from DVC's cache, by the hashes that its version has as tags (docs/decisions/0072-champions.md).
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.publishing.lock_entries import LockedFile, locked_file, read_lock
from pipelines.publishing.record import Record
from pipelines.publishing.runs import KEY
from pipelines.publishing.tracking import Server, plain_values
from stages.contracts.candidate import Candidate, parsed_combination
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import predictions_dir, splits_path
from stages.foundation.errors import InputError

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from stages.paired_versions.version_files import VersionFiles

CHAMPION = "champion"
VERDICT = "verdict"  # tag of a version: why it is the champion or is not
PREDICTIONS, SPLITS = "dvc.predictions", "dvc.splits"  # tags of a version: hashes of DVC's outputs


def register(server: Server, experiment: str, evaluation: Evaluation, records: Sequence[Record], runs: Mapping[str, str]) -> list[str]:
    """Register the best saved model, unless it is registered already, and let it be champion if it is shown to be; return lines of news.

    Args:
        runs: id of the run of each record, by its key.
    """
    record = best_saved(evaluation, records)
    if record is None or record.candidate is None:
        return []
    name = model_of(evaluation.dataset)
    versions = versions_of(server, name)
    version = next((found for found in versions if found.tags.get(KEY) == record.key), None)
    version = version or add_version(server, experiment, record, evaluation.dataset, runs[record.key])
    if version is None:
        return []
    champion = current_champion(server, name, versions)
    if version.tags.get(VERDICT) or (champion is not None and champion.version == version.version):
        return []
    if champion is None:
        return crown(server, version, "the first version")
    is_better, reason = judged(champion, record.candidate, evaluation)
    if is_better:
        return crown(server, version, f"better than version {champion.version}: {reason}")
    reason = f"not shown to be better than version {champion.version}: {reason}"
    server.client.set_model_version_tag(name, version.version, VERDICT, reason)
    return [f"version {version.version} of model {name} is {reason}"]


def best_saved(evaluation: Evaluation, records: Sequence[Record]) -> Record | None:
    """Return the best-ranked learner that has a fitted model; None if there is none."""
    saved = {record.candidate: record for record in records if record.model is not None}
    return next((saved[found.candidate] for found in evaluation.ranked()
                 if found.candidate in saved and found.model not in evaluation.baselines), None)


def model_of(dataset: str) -> str:
    """Return the name of a data set's registered model."""
    return f"sensorium-{dataset}"


def versions_of(server: Server, name: str) -> "list[ModelVersion]":
    """Return the versions of a registered model; none if it is not there."""
    return list(server.client.search_model_versions(f"name = '{name}'"))


def current_champion(server: Server, name: str, versions: "Sequence[ModelVersion]") -> "ModelVersion | None":
    """Return the version that is the champion; None if there is none."""
    if not versions:
        return None
    number = server.client.get_registered_model(name).aliases.get(CHAMPION)
    return next((version for version in versions if str(version.version) == str(number)), None)


def add_version(server: Server, experiment: str, record: Record, dataset: str, run_id: str) -> "ModelVersion | None":
    """Register the model that was logged with a run, its tags say where its predictions are; None if a person has deleted the model."""
    candidate, name = record.candidate, model_of(dataset)
    logged = server.client.search_logged_models([experiment], f"source_run_id = '{run_id}'")
    if candidate is None or not logged:
        return None
    open_model(server, name, dataset)
    predictions, splits = champion_files(read_lock(), dataset, candidate.model)
    tags = {KEY: record.key, "model": candidate.model, "modalities": candidate.combination, "fusion": candidate.fusion,
            PREDICTIONS: predictions.hash if predictions else "", SPLITS: splits.hash if splits else ""}
    model_id = logged[0].model_id
    return server.client.create_model_version(name, f"models:/{model_id}", run_id, plain_values(tags), model_id=model_id)


def open_model(server: Server, name: str, dataset: str) -> None:
    """Make a registered model, unless it is there: also where a request was repeated whose answer was lost."""
    from mlflow.exceptions import MlflowException

    try:
        server.client.create_registered_model(name, description=f"The best model of {dataset} in each version of the pipeline; the alias "
                                              f"{CHAMPION} moves only where a paired test shows that a version is better.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def champion_files(lock: Mapping[str, Any], dataset: str, model: str) -> tuple[LockedFile | None, LockedFile | None]:
    """Return predictions and splits of a model as dvc.lock names them."""
    predictions = (predictions_dir(dataset, model) / "predictions.arrow").as_posix()
    return (locked_file(lock, f"train@{dataset}-{model}", predictions),
            locked_file(lock, f"split@{dataset}", splits_path(dataset).as_posix()))


def crown(server: Server, version: "ModelVersion", reason: str) -> list[str]:
    """Make a version the champion; return the line that says so."""
    server.client.set_registered_model_alias(version.name, CHAMPION, version.version)
    server.client.set_model_version_tag(version.name, version.version, VERDICT, reason)
    return [f"version {version.version} of model {version.name} is the champion ({reason})"]


def version_files(folder: Path, dataset: str, model: str) -> "VersionFiles":
    """Return splits and predictions of one model below a folder."""
    from stages.paired_versions.version_files import VersionFiles

    return VersionFiles(folder / splits_path(dataset), {model: folder / predictions_dir(dataset, model) / "predictions.arrow"})


def judged(champion: "ModelVersion", challenger: Candidate, evaluation: Evaluation) -> tuple[bool, str]:
    """Return whether a candidate of the workspace is shown to be better than the champion, and the figures or why there is no test."""
    from pipelines.comparing.cached_outputs import linked  # DVC takes half a second to import
    from stages.paired_versions.contest import contest

    dataset, tags = evaluation.dataset, champion.tags
    earlier = Candidate(tags["model"], parsed_combination(tags["modalities"]), tags["fusion"])
    with tempfile.TemporaryDirectory() as name:
        try:
            linked(files_of(champion, dataset), Path(name), f"version {champion.version} of model {champion.name}")
            found = contest(version_files(Path(name), dataset, earlier.model), earlier,
                            version_files(Path(), dataset, challenger.model), challenger, evaluation.confidence)
        except InputError as error:
            return False, str(error)
    return found.is_better, found.reason


def files_of(champion: "ModelVersion", dataset: str) -> list[LockedFile]:
    """Return predictions and splits of the champion, by the hashes in its tags."""
    model, tags = champion.tags["model"], champion.tags
    predictions, splits = predictions_dir(dataset, model), splits_path(dataset)
    return [LockedFile(f"train@{dataset}-{model}", predictions.as_posix(), tags[PREDICTIONS], "md5", "predictions.arrow"),
            LockedFile(f"split@{dataset}", splits.parent.as_posix(), tags[SPLITS], "md5", splits.name)]
