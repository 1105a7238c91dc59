"""Verdicts on candidates of two versions: the paired test, the rows, Holm's correction over all data sets, and what is not comparable."""

from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy_predictions import SKILL, TOYS, Toy, write_params, write_toy

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.version_comparison_document import RowCounts
from stages.contracts.paths import evaluation_path, predictions_dir, splits_path
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluate import main as evaluate
from stages.evaluation import checked_predictions
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.design import design_of
from stages.foundation.documents import read_document
from stages.foundation.registry import component
from stages.foundation.tables import read_described, write_table
from stages.paired_versions.candidate_moves import PairedCandidate, PairedDataset, paired, verdict_on, with_verdicts
from stages.paired_versions.contest import contest
from stages.paired_versions.paired_evidence import PairedEvidence, paired_evidence, row_counts
from stages.paired_versions.same_test_rows import in_order, orders, training_note, why_not_comparable
from stages.paired_versions.version_files import VersionFiles

MODELS = {model: SKILL[model] for model in ("svm", "knn")}
TOY = Toy(n_samples=200, skill=MODELS)
ROWS = RowCounts(n_rows=10, changed=2, better=1, worse=1)
ACCURACY = component("metrics", "accuracy")


def written(folder: Path, toy: Toy) -> VersionFiles:
    """Write a version of a toy; return its files."""
    folder.mkdir()
    with chdir(folder):
        write_toy(toy)
    paths = {model: folder / predictions_dir(toy.dataset, model) / "predictions.arrow" for model in toy.skill}
    return VersionFiles(folder / splits_path(toy.dataset), paths)


def evidence(p: float, difference: float = -0.1) -> PairedEvidence:
    reason = "" if p == p else "no test: too few folds define the score"
    return PairedEvidence(0.7, 0.7 + difference, difference, difference - 0.05, difference + 0.05, p, p / 2, p, ROWS, reason)


def with_p(*values: float) -> PairedDataset:
    candidates = [PairedCandidate(Candidate("knn", (f"m{place}",)), "no evidence", evidence=evidence(p)) for place, p in enumerate(values)]
    return PairedDataset((*candidates, PairedCandidate(Candidate("svm", ("m0",)), "identical")), ACCURACY)


def test_p_is_corrected_over_all_tests_of_all_data_sets() -> None:
    found = with_verdicts({"a": with_p(0.01, 0.04), "b": with_p(0.02)}, 0.95)
    assert [move.p_corrected for moves in found.values() for move in moves if move.rows] == pytest.approx([0.03, 0.04, 0.04])
    assert [[move.move for move in moves] for moves in found.values()] == [
        ["moved down", "moved down", "identical"], ["moved down", "identical"]]
    assert [move.move for move in with_verdicts({"a": with_p(0.01, 0.04), "b": with_p(0.03)}, 0.95)["a"]] == [
        "moved down", "no evidence", "identical"], "0.03 · 2 is above 0.05, and what follows is no smaller"


def test_no_test_is_no_evidence_and_counts_as_none() -> None:
    (none, shown, _) = with_verdicts({"a": with_p(float("nan"), 0.04)}, 0.95)["a"]
    assert none.move == "no evidence" and none.reason == "no test: too few folds define the score" and none.p is None
    assert shown.move == "moved down" and shown.p_corrected == pytest.approx(0.04)


@pytest.mark.parametrize(("metric", "difference", "move"), [
    ("accuracy", 0.1, "moved up"), ("accuracy", -0.1, "moved down"), ("rmse", 0.1, "moved down"), ("rmse", -0.1, "moved up"),
])
def test_up_is_better_whichever_way_the_metric_goes(metric: str, difference: float, move: str) -> None:
    assert verdict_on(evidence(0.01, difference), 0.01, component("metrics", metric), 0.95) == move
    assert verdict_on(evidence(0.051, difference), 0.051, component("metrics", metric), 0.95) == "no evidence"


def splits_of(targets: np.ndarray, groups: str) -> Splits:
    n, fold = len(targets), checked_predictions.TestFold
    folds = (fold(0, 0, np.arange(n // 2), n - n // 2), fold(0, 1, np.arange(n // 2, n), n // 2))
    return Splits(pa.array([f"r{row}" for row in range(n)]), list(groups), targets, folds)


def by_fold(splits: Splits, prediction: np.ndarray) -> list[FoldPredictions]:
    return [FoldPredictions(splits.targets[fold.rows], prediction[fold.rows], None) for fold in splits.folds]


FORMS: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int, int]]] = {
    # target, before, now → changed, better, worse
    "classes": (np.array([0, 1, 2, 0, 1, 2]), np.array([0, 1, 2, 1, 0, 0]), np.array([0, 1, 1, 0, 1, 1]), (4, 2, 1)),
    "labels": (np.array([[1, 0], [0, 1]] * 3), np.array([[1, 0], [0, 0], [0, 0], [0, 1], [1, 1], [1, 0]]),
               np.array([[1, 1], [0, 1], [1, 0], [0, 1], [1, 1], [0, 0]]), (4, 3, 1)),
    "continuous": (np.array([[0.0, 10], [1, np.nan], [2, 30], [0, 10], [1, 20], [2, 30]]), np.zeros((6, 2)),
                   np.array([[0, 0], [1, 5], [0, 1], [0, 0], [-1, 0], [1e-12, 0]]), (4, 2, 1)),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_with_less_and_more_error_are_counted(form: str) -> None:
    target, before, now, counts = FORMS[form]
    splits = splits_of(target.astype({"classes": np.int32, "labels": np.uint8, "continuous": np.float64}[form]), "abcdef")
    found = row_counts([by_fold(splits, before)], [by_fold(splits, now)], splits, design_of(splits, 0.95))
    assert (found.changed, found.better, found.worse) == counts and found.n_rows == 6


def test_the_evidence_is_that_with_which_evaluate_compares_candidates(tmp_path: Path) -> None:
    """Against evaluate's own table of comparisons: the candidates of one version as if they were two versions of one."""
    toy = Toy(n_samples=120, skill={model: SKILL[model] for model in ("constant", "knn")})
    files = written(tmp_path / "now", toy)
    with chdir(tmp_path / "now"):
        write_params([toy])
        evaluate("toy")
        fusion = read_document(evaluation_path("toy"), Evaluation).family("fusion")
        tests = [test for test in fusion if test.a.model == "knn"]
    predictions = files.by_candidate("knn")
    assert len(tests) == 2
    for test in tests:
        metric = ACCURACY.bound_to(files.described_splits[0].targets)
        found = paired_evidence(predictions[test.b], predictions[test.a], files.described_splits[0], metric=metric, confidence=0.95)
        assert (found.difference, found.p_fold, found.p_row, found.p) == (test.difference, test.p_fold, test.p_row, test.p)
        assert (found.rows.better, found.rows.worse) == (test.wins, test.losses)


def test_one_test_split_of_few_groups_gives_no_test() -> None:
    splits = splits_of(np.zeros(8, np.int32), "aabbccdd")
    whole = Splits(splits.ids, splits.groups, splits.targets, (checked_predictions.TestFold(0, 0, np.arange(8), 20),))
    before, now = ([by_fold(whole, np.full(8, value, np.int32))] for value in (1, 0))
    found = paired_evidence(before, now, whole, metric=ACCURACY, confidence=0.95)
    assert found.p != found.p and found.reason == "no test: too few groups of test rows" and found.difference == 1.0
    assert found.rows.better == 8


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.task)
def test_every_task_is_compared(toy: Toy, tmp_path: Path) -> None:
    toy = replace(toy, n_repeats=3, skill=MODELS)
    worse = replace(toy, skill={**MODELS, "knn": {**MODELS["knn"], "text": 0.1}})
    found = paired(written(tmp_path / "before", toy), written(tmp_path / "now", worse), {"svm"}, 0.95)
    moves = {(move.model, move.candidate.combination): move.move for move in with_verdicts({"toy": found}, 0.95)["toy"]}
    assert moves.pop(("knn", "text")) == "moved down" and set(moves.values()) == {"identical"} and len(moves) == 5
    assert found.metric is not None and found.metric.name in ("accuracy", "micro_f1", "r2")


def test_the_order_of_rows_before_does_not_matter(tmp_path: Path) -> None:
    """An official test split with other training rows: the same test rows stand at other places."""
    toy = Toy(n_samples=200, n_folds=1, skill=MODELS)
    before, now = written(tmp_path / "before", toy), written(tmp_path / "now", toy)
    table, about = read_described(before.splits, SplitsMetadata)
    kept = table.filter(pa.compute.or_(pa.compute.greater_equal(table["fold"], 0), pa.array(np.arange(200) % 3 > 0))).sort_by(
        [("sample_id", "descending")])
    write_table(before.splits, kept, about.model_copy(update={"rows": about.rows.model_copy(update={"used": kept.num_rows})}))
    earlier = VersionFiles(before.splits, before.predictions)
    old, new = earlier.described_splits[0], now.described_splits[0]
    assert why_not_comparable(earlier.described_splits, now.described_splits) == ""
    assert training_note(old, new).startswith("other training rows: ")
    (order,) = orders(old, new)
    assert [old.ids[int(row)].as_py() for row in old.folds[0].rows[order]] == [new.ids[int(row)].as_py() for row in new.folds[0].rows]
    assert [a > b for a, b in pairwise(order.tolist())] == [True] * (len(order) - 1)
    candidate = Candidate("knn", ("text",))
    ((fold,),) = in_order(earlier.by_candidate("knn")[candidate], [order])
    assert np.array_equal(fold.prediction, now.by_candidate("knn")[candidate][0][0].prediction)
    found = paired(earlier, now, set(), 0.95)
    assert {item.move for item in found.candidates} == {"identical"} and found.note.startswith("other training rows")


def test_a_contest_between_candidates_of_two_versions(tmp_path: Path) -> None:
    toy = replace(TOY, n_repeats=3)
    before, now = written(tmp_path / "before", toy), written(tmp_path / "now", toy)
    image, text = Candidate("knn", ("image",)), Candidate("knn", ("image", "text"))
    won = contest(before, image, now, text, 0.95)
    assert won.is_better and won.reason.startswith("accuracy 0.")
    assert not contest(before, text, now, image, 0.95).is_better and not contest(before, text, now, text, 0.95).is_better
    other = contest(before, image, written(tmp_path / "other", replace(toy, n_samples=190)), text, 0.95)
    assert not other.is_better and other.reason == "other rows: 190 test rows in both, 10 only before, 0 only now"
