"""Compare two versions: the earlier one's predictions from DVC's cache, the later one's from the workspace."""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.comparing.cached_outputs import linked
from pipelines.comparing.git_objects import changed_files
from pipelines.comparing.lock_changes import dataset_changes, labels_of, package_changes, upstream
from pipelines.comparing.versions import PipelineVersion, committed, workspace
from pipelines.publishing.lock_entries import LockedFile, locked_file, refuse_changed, why_outdated
from stages.contracts.documents.results_document import MetricInfo
from stages.contracts.documents.version_comparison_document import CandidateMove, Change, DatasetMoves, VersionComparison
from stages.contracts.paths import comparison_path, predictions_dir, splits_path
from stages.evaluation.evaluate_settings import EvaluateEntry
from stages.foundation.documents import write_document
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params, section
from stages.paired_versions.candidate_moves import PairedDataset, paired, with_verdicts
from stages.paired_versions.version_files import VersionFiles


@dataclass(frozen=True)
class PairedStages:
    """The training stages of one data set in both versions, by model. identical: models whose predictions have the same hash in both."""

    dataset: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    identical: frozenset[str]

    @property
    def needed(self) -> list[str]:
        """Return the models whose earlier predictions are read."""
        return [model for model in self.before if model not in self.identical]


def compare_with(name: str, failed: Collection[str] = ()) -> VersionComparison:
    """Return the comparison of the workspace with an earlier version, and write it to .sensorium/comparison.json.

    Args:
        name: a commit, tag or branch.
        failed: data sets of which a stage failed in this run; their results are not those of the workspace.
    Raises:
        InputError: if there is no such version, or its predictions cannot be had.
    """
    confidence: float = section(read_params(), "evaluate", EvaluateEntry).confidence
    comparison = compared(committed(name), workspace(), confidence, failed=failed)
    write_document(comparison_path(), comparison)
    return comparison


def compared(
    before: PipelineVersion, after: PipelineVersion, confidence: float, *, failed: Collection[str] = ()
) -> VersionComparison:
    """Return which held-out scores of the workspace (`after`) differ from those of an earlier version, and what differs between the two.

    Raises:
        InputError: if predictions are missing, damaged or not those that dvc.lock names.
    """
    names = ordered_datasets(before, after)
    stages = [paired_stages(before, after, dataset) for dataset in names]
    found = {name: PairedDataset((), note="not compared: a stage of it failed in this run") for name in names if name in failed}
    stages = [pair for pair in stages if pair.dataset not in found]
    with earlier_files(before, stages) as folder:
        for pair in stages:
            found[pair.dataset] = paired_dataset(after, pair, folder, confidence)
    moves = with_verdicts(found, confidence)
    datasets = tuple(dataset_moves(before, after, dataset, found[dataset], moves[dataset]) for dataset in names)
    return VersionComparison(before=before.info, after=after.info, confidence=confidence, datasets=datasets,
                             environment=package_changes(before, after))


def ordered_datasets(before: PipelineVersion, after: PipelineVersion) -> list[str]:
    """Return the data sets that were trained on in either version: as params.yaml has them now, then those that are gone."""
    trained = [*after.training(), *before.training()]
    declared = [name for name in after.params.get("datasets") or {} if name in trained]
    return list(dict.fromkeys([*declared, *trained]))


def paired_stages(before: PipelineVersion, after: PipelineVersion, dataset: str) -> PairedStages:
    """Return a data set's training stages; those of the workspace that params.yaml no longer has do not count."""
    declared = after.params.get("datasets") or {}
    old = before.training().get(dataset, {})
    new = after.training().get(dataset, {}) if dataset in declared else {}
    new = {model: stage for model, stage in new.items() if model in (after.params.get("models") or {})}
    identical = {model for model in old.keys() & new.keys() if _hashes(before, dataset, model) == _hashes(after, dataset, model)}
    return PairedStages(dataset, old, new, frozenset(identical))


def _hashes(version: PipelineVersion, dataset: str, model: str) -> tuple[str | None, ...]:
    """Return the hashes of a model's predictions and of the splits that they are of."""
    stage = version.training()[dataset][model]
    files = (locked_file(version.lock, stage, predictions_dir(dataset, model).as_posix()),
             locked_file(version.lock, f"split@{dataset}", splits_path(dataset).as_posix()))
    return tuple(file.hash if file else None for file in files)


@contextmanager
def earlier_files(version: PipelineVersion, stages: Sequence[PairedStages]) -> Iterator[Path]:
    """Yield a folder with links to the earlier predictions and splits that are needed."""
    wanted: list[LockedFile | None] = []
    for pair in stages:
        if not pair.after:
            continue  # the data set is gone
        for model in pair.needed:
            path = (predictions_dir(pair.dataset, model) / "predictions.arrow").as_posix()
            wanted.append(locked_file(version.lock, pair.before[model], path))
        if pair.needed:
            wanted.append(locked_file(version.lock, f"split@{pair.dataset}", splits_path(pair.dataset).as_posix()))
    with tempfile.TemporaryDirectory() as name:
        if files := [file for file in wanted if file]:
            linked(files, Path(name), version.label)
        yield Path(name)


def paired_dataset(after: PipelineVersion, pair: PairedStages, earlier: Path, confidence: float) -> PairedDataset:
    """Return a data set's candidates with their evidence; none, with a note, where one version has no results of it."""
    if not pair.after:
        return PairedDataset((), note="removed: only the earlier version has it")
    if why := why_outdated(after.lock, pair.dataset):
        return PairedDataset((), note=f"not compared: {why}")
    for stage in pair.after.values():
        refuse_changed(after.lock[stage], stage, (f"data/predictions/{pair.dataset}/", f"data/splits/{pair.dataset}/"))
    old = VersionFiles(earlier / splits_path(pair.dataset), {model: _predictions(pair, model, earlier) for model in pair.before})
    new = VersionFiles(splits_path(pair.dataset), {model: _predictions(pair, model, Path()) for model in pair.after})
    try:
        for model in pair.needed:
            old.described(model)
        if pair.needed:
            _ = old.described_splits
    except InputError as error:  # its bytes have their hash: another version of this program wrote them
        reason = str(error).partition("arrow: ")[2].partition("; delete it")[0]
        return PairedDataset((), note=f"not compared: the earlier predictions have another format ({reason})")
    note = "new: only this version has it" if not pair.before else ""
    found = paired(old, new, pair.identical, confidence)
    return PairedDataset(found.candidates, found.metric, found.note or note)


def _predictions(pair: PairedStages, model: str, folder: Path) -> Path:
    return folder / predictions_dir(pair.dataset, model) / "predictions.arrow"


def dataset_moves(
    before: PipelineVersion, after: PipelineVersion, dataset: str, found: PairedDataset, moves: Sequence[CandidateMove]
) -> DatasetMoves:
    """Return a data set's part of the document: its candidates, each with what differs upstream of it."""
    changes = with_files(before, dataset_changes(before, after, dataset))
    metric = None
    if found.metric:
        metric = MetricInfo(name=found.metric.name, title=found.metric.title, greater_is_better=found.metric.greater_is_better)
    candidates = tuple(move.model_copy(update={"changes": labels_of(changes, upstream(after, dataset, move.candidate))}) for move in moves)
    return DatasetMoves(dataset=dataset, metric=metric, note=found.note, changes=tuple(changes), candidates=candidates)


def with_files(before: PipelineVersion, changes: Sequence[Change]) -> list[Change]:
    """Return changes with the files below each path of code that git finds different from the earlier commit."""
    code = [change.name for change in changes if change.area == "code"]
    files = changed_files(before.info.commit, code) if code and before.info.commit else []
    return [
        change.model_copy(update={"files": tuple(file for file in files if file == change.name or file.startswith(f"{change.name}/"))})
        if change.area == "code" else change
        for change in changes
    ]  # fmt: skip
