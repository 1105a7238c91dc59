"""Several seeds after train: a score over seeds is a mean, its spread is shown, and everything that reads predictions copes."""

from contextlib import chdir
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from test_candidate_moves import written
from toy_predictions import SKILL, TOYS, Toy, change_predictions, results_dir, write_params, write_toy
from toy_seeds import add_seeds, some_wrong

from pipelines.publishing.metric_values import run_points
from pipelines.publishing.run_tables import predictions as csv_rows
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import evaluation_path, splits_path
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluate import main as evaluate
from stages.evaluation.checked_predictions import splits_of
from stages.evaluation.design import design_of
from stages.evaluation.pooled import pool
from stages.evaluation.scores import MetricScores, mean_over_seeds
from stages.evaluation.statistics import row_test
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_described, read_table
from stages.paired_versions.candidate_moves import paired, with_verdicts
from stages.reporting.report_page import render

TOY = Toy(n_samples=120, skill={model: SKILL[model] for model in ("constant", "knn", "mlp")})
MLP = Candidate("mlp", ("text",))


def evaluated(toy: Toy) -> Evaluation:
    """Return the evaluation of the toy that is written in the current folder."""
    evaluate(toy.dataset)
    return read_document(evaluation_path(toy.dataset), Evaluation)


@pytest.fixture
def toy_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder to work in, in which the toy is written."""
    monkeypatch.chdir(tmp_path)
    write_params([TOY])
    write_toy(TOY)
    return tmp_path


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.task)
def test_seeds_that_agree_change_no_score_interval_or_test(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = replace(toy, n_samples=120, n_repeats=2, skill={model: SKILL[model] for model in ("constant", "knn", "mlp")})
    monkeypatch.chdir(tmp_path)
    write_params([toy])
    write_toy(toy)
    one = evaluated(toy)
    add_seeds(toy, "mlp", 2)
    three = evaluated(toy)
    for a, b in zip(one.candidates, three.candidates, strict=True):
        assert a.seeds is None and (b.seeds is None) == (b.model != "mlp")
        assert b.seeds is None or (b.seeds.n_seeds, b.seeds.sd, b.seeds.fold_range) == (3, pytest.approx(0, abs=1e-12), 0)
        for metric, found in a.scores.items():
            assert list(b.scores[metric].model_dump().values())[:3] == pytest.approx(list(found.model_dump().values())[:3], rel=1e-9)
            assert b.scores[metric].folds == pytest.approx(found.folds, rel=1e-12)
        assert (a.confusion, a.agreement) == (b.confusion, b.agreement), "rows are counted once"
        for metric, values in (a.by_output or {}).items():
            assert b.by_output[metric] == pytest.approx(values, nan_ok=True)
    for a, b in zip(one.comparisons, three.comparisons, strict=True):
        assert (a.a, a.b, a.wins, a.losses, a.verdict) == (b.a, b.b, b.wins, b.losses, b.verdict)
        assert [b.p_fold, b.p_row, b.lo, b.hi] == pytest.approx([a.p_fold, a.p_row, a.lo, a.hi], rel=1e-6)


def test_a_score_is_the_mean_over_seeds_and_its_spread_is_told(toy_place: Path) -> None:
    """By hand from the table of predictions."""
    add_seeds(TOY, "mlp", 2, some_wrong)
    found = evaluated(TOY).result(MLP)
    table = read_table(results_dir(TOY, "mlp") / "predictions.arrow")
    table = table.filter(pc.equal(table["modalities"], "text"))
    hit = np.array(pc.equal(table["target"], table["prediction"]).to_pylist(), dtype=np.float64)
    seed, fold = column_values(table["seed"]), column_values(table["fold"])
    by_hand = np.array([[hit[(seed == one) & (fold == place)].mean() for place in range(5)] for one in (TOY.seed, 1001, 1002)])
    assert found.scores["accuracy"].folds == pytest.approx(by_hand.mean(axis=0))
    assert found.scores["accuracy"].mean == pytest.approx(by_hand.mean())
    assert found.seeds is not None and found.seeds.n_seeds == 3
    assert found.seeds.sd == pytest.approx(by_hand.mean(axis=1).std(ddof=1)) and found.seeds.sd > 0
    assert found.seeds.fold_range == pytest.approx((by_hand.max(axis=0) - by_hand.min(axis=0)).max())


def test_wins_count_the_mean_loss_over_seeds(toy_place: Path) -> None:
    add_seeds(TOY, "mlp", 2, some_wrong)
    (test,) = [test for test in evaluated(TOY).family("baseline") if test.a == MLP]
    losses = {}
    for model in ("mlp", "constant"):
        table = read_table(results_dir(TOY, model) / "predictions.arrow")
        table = table.filter(pc.equal(table["modalities"], "text" if model == "mlp" else ""))
        wrong = pc.cast(pc.not_equal(table["target"], table["prediction"]), "int64")
        sums = table.append_column("wrong", wrong).group_by("sample_id").aggregate([("wrong", "mean")])
        losses[model] = dict(zip(sums["sample_id"].to_pylist(), np.round(sums["wrong_mean"].to_pylist(), 9), strict=True))
    assert test.wins == sum(losses["mlp"][name] < loss for name, loss in losses["constant"].items())
    assert test.losses == sum(losses["mlp"][name] > loss for name, loss in losses["constant"].items())


def test_the_sign_flip_test_of_means_over_seeds_is_exact(toy_place: Path) -> None:
    """Against all assignments of signs: thirds of rows are whole numbers three times over."""
    splits = splits_of(read_described(splits_path("toy"), SplitsMetadata)[0])
    design = design_of(splits, 0.95)
    values = np.zeros(len(design.rows))
    some = np.unique(design.groups, return_index=True)[1][:14]  # more groups than those whose signs are all tried otherwise
    values[some] = np.random.default_rng(0).choice([-3, -2, -1, 1, 2, 3], len(some)) / 3
    moved = np.abs(values[values != 0])
    sums = [abs(np.dot(signs, moved)) for signs in product((-1, 1), repeat=len(moved))]
    expected = np.mean(np.array(sums) >= abs(values.sum()) - 1e-9)
    assert row_test(pool(values, design), design, 3) == pytest.approx(expected, rel=1e-9)
    assert row_test(pool(values, design), design, 6) == pytest.approx(expected, rel=1e-9)
    assert row_test(pool(3 * values, design), design) == pytest.approx(expected, rel=1e-9)


def test_a_fold_that_one_seed_does_not_define_is_undefined() -> None:
    seeds = [MetricScores(np.array([0.5, 0.7, 0.9]), np.zeros(3)), MetricScores(np.array([0.7, np.nan, 0.6]), np.ones(3))]
    found = mean_over_seeds(seeds)
    assert found.folds == pytest.approx([0.6, np.nan, 0.75], nan_ok=True) and found.values.tolist() == [0.5] * 3
    assert found.n_seeds == 2 and found.seeds.fold_range == pytest.approx(0.3)
    assert mean_over_seeds(seeds[:1]) is seeds[0]


def test_a_seed_that_lacks_a_fold_is_refused_by_name(toy_place: Path) -> None:
    add_seeds(TOY, "mlp", 1)

    def without(table: pa.Table, about: TrainingMetadata) -> tuple[pa.Table, TrainingMetadata]:
        lost = (column_values(table["seed"]) == 1001) & (column_values(table["fold"]) == 3)
        return table.filter(pa.array(~lost)), about

    change_predictions(TOY, "mlp", without)
    with pytest.raises(InputError, match=r"fold 3, seed 1001: \d+ of \d+ test rows have no prediction"):
        evaluate("toy")


def test_report_and_dashboard_show_the_spread(toy_place: Path) -> None:
    assert "seeds: SD" not in render([evaluated(TOY)], {})
    add_seeds(TOY, "mlp", 2, some_wrong)
    evaluation = evaluated(TOY)
    seeds = evaluation.result(MLP).seeds
    assert seeds is not None and seeds.fold_range
    page = render([evaluation], {})
    assert "seeds: SD, range" in page and f">{seeds.sd:.3f}, {seeds.fold_range:.3f}<" in page
    assert "refitted with several seeds" in page
    points = {name: value for name, value, _ in run_points(evaluation, evaluation.result(MLP))}
    assert (points["n_seeds"], points["accuracy_seed_sd"], points["accuracy_seed_range"]) == (3, seeds.sd, seeds.fold_range)
    assert "n_seeds" not in {name for name, *_ in run_points(evaluation, evaluation.result(Candidate("knn", ("text",))))}
    rows = csv_rows(results_dir(TOY, "mlp") / "predictions.arrow", MLP)
    assert rows.column_names[:4] == ["seed", "repeat", "fold", "sample_id"] and len(rows) == 3 * TOY.n_samples
    assert csv_rows(results_dir(TOY, "knn") / "predictions.arrow", Candidate("knn", ("text",))).column_names[0] == "repeat"


def test_versions_with_other_numbers_of_seeds_are_compared(tmp_path: Path) -> None:
    """More seeds that predict the same move nothing; worse ones move the mean."""
    toy = replace(TOY, n_samples=400, n_repeats=2, skill={"mlp": SKILL["mlp"]})
    before, same_scores, worse = (written(tmp_path / name, toy) for name in ("before", "same", "worse"))
    with chdir(tmp_path / "same"):
        add_seeds(toy, "mlp", 2)
    with chdir(tmp_path / "worse"):
        add_seeds(toy, "mlp", 2, lambda table, draw: some_wrong(some_wrong(some_wrong(table, 3), 5), draw))
    (unmoved,) = with_verdicts({"toy": paired(before, same_scores, set(), 0.95)}, 0.95).values()
    assert {move.move for move in unmoved} == {"no evidence"} and {move.rows.changed for move in unmoved} == {0}
    assert all(move.difference == pytest.approx(0, abs=1e-12) for move in unmoved)
    (moved,) = with_verdicts({"toy": paired(before, worse, set(), 0.95)}, 0.95).values()
    assert {move.move for move in moved} == {"moved down"}
    again = paired(worse, worse, set(), 0.95)
    assert {item.move for item in again.candidates} == {"identical"}
