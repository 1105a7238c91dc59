"""Verdicts on candidates of two versions: the paired test, the rows, Holm's correction over all data sets, and what is not comparable."""

from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy_predictions import SKILL, TOYS, Toy, write_toy

from stages.comparing.candidate_moves import PairedCandidate, PairedDataset, paired, verdict_on, with_verdicts
from stages.comparing.contest import contest
from stages.comparing.paired_evidence import Evidence, row_evidence
from stages.comparing.same_test_rows import in_order, orders, training_note, why_not_comparable
from stages.comparing.version_files import VersionFiles
from stages.contracts.candidate import Candidate
from stages.contracts.documents.version_comparison_document import RowEvidence
from stages.contracts.paths import predictions_dir, splits_path
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluation import checked_predictions
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.foundation.registry import component
from stages.foundation.tables import read_described, write_table

MODELS = {model: SKILL[model] for model in ("dummy", "knn")}
TOY = Toy(n_samples=200, skill=MODELS)
ROWS = RowEvidence(n_rows=10, changed=2, better=1, worse=1, p=1.0)
ACCURACY = component("metrics", "accuracy")


def written(folder: Path, toy: Toy) -> VersionFiles:
    """Write a version of a toy; return its files."""
    folder.mkdir()
    with chdir(folder):
        write_toy(toy)
    paths = {model: folder / predictions_dir(toy.dataset, model) / "predictions.arrow" for model in toy.skill}
    return VersionFiles(folder / splits_path(toy.dataset), paths)


def evidence(p: float, difference: float = -0.1) -> Evidence:
    return Evidence(0.7, 0.7 + difference, difference, difference - 0.05, difference + 0.05, p, ROWS)


def with_p(*values: float) -> PairedDataset:
    candidates = [PairedCandidate(Candidate("knn", (f"m{place}",)), "no evidence", evidence=evidence(p)) for place, p in enumerate(values)]
    return PairedDataset((*candidates, PairedCandidate(Candidate("dummy", ("m0",)), "identical")), ACCURACY)


def test_p_is_corrected_over_all_tests_of_all_data_sets() -> None:
    found = with_verdicts({"a": with_p(0.01, 0.04), "b": with_p(0.02)}, 0.95)
    assert [move.p_corrected for moves in found.values() for move in moves if move.rows] == pytest.approx([0.03, 0.04, 0.04])
    assert [[move.move for move in moves] for moves in found.values()] == [
        ["moved down", "moved down", "identical"], ["moved down", "identical"]]
    assert [move.move for move in with_verdicts({"a": with_p(0.01, 0.04), "b": with_p(0.03)}, 0.95)["a"]] == [
        "moved down", "no evidence", "identical"], "0.03 · 2 is above 0.05, and what follows is no smaller"


def test_no_test_is_no_evidence_and_counts_as_none() -> None:
    (none, shown, _) = with_verdicts({"a": with_p(float("nan"), 0.04)}, 0.95)["a"]
    assert none.move == "no evidence" and none.reason.startswith("no test: too few folds") and none.p is None
    assert shown.move == "moved down" and shown.p_corrected == pytest.approx(0.04)


@pytest.mark.parametrize(("metric", "difference", "move"), [
    ("accuracy", 0.1, "moved up"), ("accuracy", -0.1, "moved down"), ("rmse", 0.1, "moved down"), ("rmse", -0.1, "moved up"),
])
def test_up_is_better_whichever_way_the_metric_goes(metric: str, difference: float, move: str) -> None:
    assert verdict_on(evidence(0.01, difference), 0.01, component("metrics", metric), 0.95) == move
    assert verdict_on(evidence(0.05, difference), 0.05, component("metrics", metric), 0.95) == "no evidence"


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
    found = row_evidence(by_fold(splits, before), by_fold(splits, now), splits)
    assert (found.changed, found.better, found.worse) == counts and found.n_rows == 6
    n_better, n_worse = counts[1:]
    assert found.p == pytest.approx({(2, 1): 1.0, (3, 1): 0.625}[n_better, n_worse]), "the two-sided binomial test at one half"


def test_rows_of_one_group_are_one_sign() -> None:
    target, before, now, _ = FORMS["classes"]
    splits = splits_of(target.astype(np.int32), "aaabbb")
    found = row_evidence(by_fold(splits, before), by_fold(splits, now), splits)
    assert found.p == pytest.approx(1.0) and (found.better, found.worse) == (2, 1), "one group gains two rows, one loses one"
    eight = splits_of(np.zeros(8, np.int32), "aabbccdd")
    found = row_evidence(by_fold(eight, np.ones(8, np.int32)), by_fold(eight, np.zeros(8, np.int32)), eight)
    assert found.p == pytest.approx(2 * 0.5**4), "four groups, not eight rows"
    nothing = row_evidence(by_fold(eight, np.ones(8, np.int32)), by_fold(eight, np.ones(8, np.int32)), eight)
    assert nothing.p is None and nothing.changed == 0


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.task)
def test_every_task_is_compared(toy: Toy, tmp_path: Path) -> None:
    toy = replace(toy, n_repeats=3, skill=MODELS)
    worse = replace(toy, skill={**MODELS, "knn": {**MODELS["knn"], "text": 0.1}})
    found = paired(written(tmp_path / "before", toy), written(tmp_path / "now", worse), {"dummy"}, 0.95)
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
    (fold,) = in_order(earlier.by_candidate("knn")[candidate], [order])
    assert np.array_equal(fold.prediction, now.by_candidate("knn")[candidate][0].prediction)
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
