"""Folds in the order of time: each trains on the past alone, from the column of times to the report."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from own_entries import Entry, ingested, parsed
from ruamel.yaml import YAML
from sklearn.model_selection import TimeSeriesSplit
from test_own_folds import params_of
from toy_problem import time_ordered, toy_problem, with_other_future

from pipelines.publishing.descriptions import experiment_note, protocol
from pipelines.publishing.run_params import data_params
from stages import check, control, evaluate, featurize, ingest, split, train, validate
from stages.checking.check_params import problems
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import evaluation_path, predictions_dir, splits_path
from stages.contracts.tables.out_of_fold_table import TABLE as OUT_OF_FOLD
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluation.scores import TIME_ORDER
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values, read_described
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.folds import read_folds
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.tuning_sample import separately_tuned, tuning_problem
from stages.reporting.report_page import render
from stages.split import split_samples
from stages.splitting.split_settings import SplitEntry
from stages.splitting.time_blocks import block_cuts, time_cuts, time_folds, validation_cut
from stages.validation.expectations import run_suites
from stages.validation.suites import splits_suite

FIRST_DAY = date(2020, 1, 1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---------------------------------------------------------------- cuts
def folds_of(times: Any, groups: Any = None, n_splits: int = 3, n_inner: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return the outer folds of rows and their codes."""
    names, codes = np.unique(np.arange(len(times)).astype(str) if groups is None else np.asarray(groups), return_inverse=True)
    cuts = time_cuts(pa.chunked_array([pa.array(times)]), codes, names)
    return time_folds(cuts, block_cuts(cuts, n_splits), n_inner)


@pytest.mark.parametrize("n", [12, 23, 60, 101])
@pytest.mark.parametrize("n_splits", [2, 3, 5])
def test_blocks_of_distinct_times_are_those_of_scikit_learn(n: int, n_splits: int) -> None:
    order = np.random.default_rng(n).permutation(n)
    fold, inner = folds_of(order * 7, n_splits=n_splits)
    at = np.argsort(order)  # rows by time
    for index, (train_rows, test_rows) in enumerate(TimeSeriesSplit(n_splits).split(at[:, None])):
        assert sorted(at[test_rows]) == np.flatnonzero(fold == index).tolist()
        assert sorted(at[train_rows]) == np.flatnonzero(inner[:, index] >= 0).tolist()
        n_validated = int((inner[:, index] == 0).sum())
        assert n_validated == max(1, len(train_rows) // 4)  # one of n_inner_splits + 1 = 4 parts, the latest
        assert sorted(at[train_rows][-n_validated:]) == np.flatnonzero(inner[:, index] == 0).tolist()
    assert (fold == -1).sum() == n - n_splits * (n // (n_splits + 1))


def test_rows_of_one_time_are_in_one_block_and_groups_are_not_split() -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(0, 40, 200)
    groups = times // 3 * 10 + rng.integers(0, 4, 200)  # four groups in every three days: cuts are between these only
    fold, inner = folds_of(times, groups)
    for codes in (fold, *inner.T):
        assert all(len(set(codes[times == day])) == 1 for day in set(times)), "a day is cut"
        assert all(len(set(codes[groups == group])) == 1 for group in set(groups)), "a group is split"
    assert sorted(set(fold)) == [-1, 0, 1, 2]
    for index in range(3):
        train_rows, validated = inner[:, index] >= 0, inner[:, index] == 0
        assert times[train_rows].max() < times[fold == index].min()
        assert times[train_rows & ~validated].max() < times[validated].min()
    assert np.bincount(fold + 1).min() > 30  # of 50: the cuts are the nearest possible


def test_the_cuts_are_nearest_to_equal_blocks() -> None:
    """Of all ways to choose from the possible places, with one place left before the first."""
    from itertools import combinations

    rng = np.random.default_rng(4)
    for _ in range(30):
        times = np.repeat(np.arange(9), rng.integers(1, 12, 9))
        cuts = time_cuts(pa.chunked_array([pa.array(times)]), np.arange(len(times)), np.arange(len(times)).astype(str))
        n, wanted = len(times), np.array([len(times) - (3 - k) * (len(times) // 4) for k in range(3)])
        cost = {c: float(((cuts.sizes[list(c)] - wanted) ** 2).sum()) for c in combinations(range(1, 8), 3)}
        found = tuple(block_cuts(cuts, 3).tolist())
        assert cost[found] == min(cost.values()) and n == cuts.sizes[-1] + (times == 8).sum()
        assert validation_cut(cuts, found[0], 3) < found[0]


@pytest.mark.parametrize(("groups", "message"), [
    (list("abcdefgh"), r"there are 3: between different times, of which there are 4, and where no group has rows on both sides\. "
     r"To fix it, name a finer `time`, or take fewer folds \(at most 2\)"),
    (list("abbbbbah"), r"there are 0: between .*; group 'a' has rows from 1 to 4, between which 100% of all rows are\. "
     r"To fix it, declare a finer `group`, leave the widest groups out, or take fewer folds \(which even 2 do not allow\)"),
])  # fmt: skip
def test_too_few_places_for_the_folds_name_the_widest_group(groups: list[str], message: str) -> None:
    with pytest.raises(InputError, match=r"in time order 3 folds \(split\.n_splits\) need 4 cuts, .*" + message):
        folds_of([1, 1, 2, 2, 3, 3, 4, 4], groups)


@pytest.mark.parametrize("times", [
    pa.array([f"2020-01-{day:02d}" for day in range(1, 13)]).cast(pa.date32()),
    pa.array([f"2020-01-01T{hour:02d}:00:00" for hour in range(12)]).cast(pa.timestamp("us")),
    pa.array([f"2020-01-01T{hour:02d}:00:00Z" for hour in range(12)]).cast(pa.timestamp("us", "UTC")),
    pa.array([-3.5 + i / 7 for i in range(12)]),
    pa.array([2**62 + i for i in range(12)]),  # float64 would not tell them apart
])  # fmt: skip
def test_every_type_of_time_has_its_order(times: pa.Array) -> None:
    back = pa.array(range(11, -1, -1))
    assert folds_of(times)[0].tolist() == [-1] * 3 + [0] * 3 + [1] * 3 + [2] * 3
    assert folds_of(times.take(back))[0].tolist() == [2] * 3 + [1] * 3 + [0] * 3 + [-1] * 3


def samples_of(target: list[int], times: list[int] | None = None) -> pa.Table:
    n = len(target)
    return pa.table({"sample_id": [f"{i:03d}" for i in range(n)], "group": [f"{i:03d}" for i in range(n)],
                     "time": pa.array(range(n) if times is None else times), "target": pa.array(target, pa.int32())})  # fmt: skip


def test_a_class_that_the_past_does_not_know_is_named_with_the_time() -> None:
    entry = SplitEntry(n_splits=3, n_inner_splits=3)
    with pytest.raises(InputError, match=r"class 'b' \(9 rows in 9 groups\) is absent from the training set of outer fold 0, which are the "
                       r"rows before 6; take fewer folds \(params\.yaml: split\.n_splits\), so that the first has more of the past"):
        split_samples(samples_of([0] * 15 + [1] * 9), entry, "classes", ["a", "b"], 0)
    with pytest.raises(InputError, match="which are the rows before 6 and before the validation rows; take fewer"):
        split_samples(samples_of([0] * 5 + [1] * 19), entry, "classes", ["a", "b"], 0)


def test_the_seed_and_repeats_change_nothing() -> None:
    samples = samples_of([0, 1] * 20)
    first, second = (split_samples(samples, SplitEntry(n_splits=3, n_repeats=repeats), "classes", ["a", "b"], seed)
                     for repeats, seed in ((1, 0), (5, 9)))
    assert first.equals(second) and first["time"].to_pylist() == list(range(40)) and set(column_values(first["repeat"])) == {0}


# ---------------------------------------------------------------- the column
def entry_of(times: Any, **more: Any) -> Entry:
    """Return an entry with a column of times, as text in a CSV, or as an Arrow array in a Parquet file."""
    Path("data/raw").mkdir(parents=True, exist_ok=True)
    n = len(times)
    columns = {"y": ["ab"[i % 2] for i in range(n)], "when": times, "x": [i % 2 + i / 100 for i in range(n)]}
    source = more.pop("source", {})
    if isinstance(times, pa.Array):
        pq.write_table(pa.table(columns), "data/raw/t.parquet")
        source = {"table": "data/raw/t.parquet"} | source
    else:
        lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        Path("data/raw/t.csv").write_text("y,when,x\n" + "\n".join(lines) + "\n", encoding="utf-8")
        source = {"table": "data/raw/t.csv"} | source
    return {"source": source, "target": {"column": "y", "task": "binary"}, "time": "when", "modalities": {"facts": {"modality": "table"}},
            **more}  # fmt: skip


def day(i: int) -> date:
    return FIRST_DAY + timedelta(days=i)


US, UTC = pa.timestamp("us"), pa.timestamp("us", "UTC")


@pytest.mark.parametrize(("times", "kind"), [
    ([day(i).isoformat() for i in range(6)], pa.date32()),
    ([f" {day(i).isoformat()}T09:00\u00a0" for i in range(6)], US),  # blanks around are no part of it
    ([f"{day(i).isoformat()}T09:00:00+02:00" for i in range(6)], UTC),
    ([1_600_000_000 + i for i in range(6)], pa.int64()),
    ([f"{i}.5" for i in range(6)], pa.float64()),
    (pa.array([day(i) for i in range(6)], pa.date64()), pa.date32()),
    (pa.array([day(i) for i in range(6)]).cast(pa.timestamp("ns", "Europe/Berlin")), UTC),
    (pa.array([day(i) for i in range(6)]).cast(pa.timestamp("s")), US),
    (pa.array(range(6), pa.uint8()), pa.int64()),
    (pa.array(range(6), pa.float32()), pa.float64()),
    (pa.array([day(i).isoformat() for i in range(6)]), pa.date32()),
])  # fmt: skip
def test_times_are_numbers_dates_or_instants(times: Any, kind: pa.DataType) -> None:
    table, _ = ingested(entry_of(times))
    assert table["time"].type == kind and table["time"].null_count == 0
    assert pc.rank(table["time"]).to_pylist() == [1, 2, 3, 4, 5, 6]
    assert table["facts"].type.names == ["x"]  # the time is no feature unless it is named as one


def test_a_day_first_date_needs_its_order() -> None:
    times = [f"{i + 1:02d}.02.2020" for i in range(6)]
    with pytest.raises(InputError, match=r"column 'when': 6 of 6 cells are dates such as '01\.02\.2020'; add `dates: day_first`"):
        ingested(entry_of(times))
    table, _ = ingested(entry_of(times, source={"dates": "day_first"}))
    assert table["time"].to_pylist() == [date(2020, 2, i + 1) for i in range(6)]


@pytest.mark.parametrize(("times", "message"), [
    (["3", "", "5", "", "7", "9"], r"datasets\.mine\.time: column 'when': the time is missing in 2 rows \(line 3 of t\.csv, line 5 of "
     r"t\.csv\); fill it in, or remove these rows: a sample without a time is neither past nor future"),
    (pa.array([1.0, 2.0, float("nan"), 3.0, 4.0, 5.0]), r"the time is missing in 1 row \(row 3 of t\.parquet\)"),
    (pa.array([1.0, 2.0, float("inf"), 3.0, 4.0, 5.0]), r"row 3 of t\.parquet: expected a number, found inf"),
    (["2020-01-01", "2020-01-02", "soon", "2020-01-04", "2020-01-05", "2020-01-06"], r"line 4 of t\.csv: expected a date .*found 'soon'"),
    (["May", "June", "July", "May", "June", "July"], r"column 'when' holds text \(such as 'May'\); expected numbers, dates such as 2024"),
    (["true", "false"] * 3, r"column 'when' holds bool \(such as 'true'\)|such as 'True'"),
    (pa.array([[1]] * 6), r"column 'when' holds list<.*>.*; expected numbers, dates"),
    (pa.array([2**64 - 1] * 6, pa.uint64()), r"expected numbers of 64 bits"),
])  # fmt: skip
def test_what_is_no_time_is_named_with_its_row(times: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ingested(entry_of(times))


@pytest.mark.parametrize(("more", "message"), [
    ({"folds": "x"}, r"datasets\.mine\.time: `folds` gives the outer folds already; keep one of the two"),
    ({"split": "x"}, r"datasets\.mine\.time: `split` gives the outer folds already"),
    ({"time": "y"}, r"datasets\.mine\.time: column 'y' is the target"),
    ({"time": "whn"}, r"datasets\.mine\.time: no column 'whn' \(did you mean 'when'\?\)"),
    ({"modalities": {"time": {"modality": "table"}}}, r"modalities\.time: not a valid modality name"),
])  # fmt: skip
def test_an_entry_that_contradicts_itself_is_refused(more: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ingested(entry_of(list(range(6)), **more))


def test_a_shipped_data_set_declares_its_own_order_and_repeats_are_refused() -> None:
    params = params_of({"mine": entry_of(list(range(6)))}, datasets={"mine": {"n_repeats": 2}})
    params["datasets"]["mnist"] = {"target": "digit", "modalities": ["image"], "time": "day"}
    params["features"]["mnist-image"] = {"dataset": "mnist", "modality": "image"}
    found = "\n".join(problems(params))
    assert "datasets.mnist.time: only for own data" in found
    params["datasets"].pop("mnist")
    params["features"].pop("mnist-image")
    assert [line.partition("split.datasets")[2] for line in problems(params)] == [
        ".mine: remove n_repeats: folds in the order of column 'when' (datasets.mine.time) are not drawn, so there is nothing to repeat"]
    assert parsed(entry_of(list(range(6)))).time == "when"


# ---------------------------------------------------------------- from the files to the report
def drifting(n: int = 240) -> Entry:
    """Return an entry in which x tells the class on every day, in a way of the day's own: nothing of the past tells the future."""
    rng = np.random.default_rng(1)
    signs = rng.permutation(np.resize([-1.0, 1.0], n // 8))
    lines = []
    for i in range(n):
        place = i // 8  # four groups a day, of one relation between x and y
        y = int(rng.integers(0, 2))
        lines.append(f"{'ab'[y]},{day(place).isoformat()},g{i // 2},{place + 0.2 * signs[place] * (2 * y - 1):.3f}")
    Path("data/raw").mkdir(parents=True, exist_ok=True)
    Path("data/raw/t.csv").write_text("y,when,who,x\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return {"source": {"table": "data/raw/t.csv"}, "target": {"column": "y", "task": "binary"}, "group": "who", "time": "when",
            "modalities": {"facts": {"modality": "table", "columns": ["x"]}}}  # fmt: skip


def run_all(entry: Entry, **numbers: Any) -> Evaluation:
    params = params_of({"mine": entry}, **numbers) | {"train": {"keep": ["out_of_fold"]}}
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params, file)
    check.main()
    ingest.main("mine")
    featurize.main("mine-facts")
    split.main("mine")
    validate.main("mine")
    control.main("mine")
    train.main("mine", "knn")
    evaluate.main("mine")
    return read_document(evaluation_path("mine"), Evaluation)


def score_of(evaluation: Evaluation, model: str) -> float:
    return next(found.scores["accuracy"].mean for found in evaluation.candidates if found.model == model)


def test_a_leak_of_the_future_shows_only_where_folds_are_drawn() -> None:
    """Other groups of the same day tell a day's relation; days before do not. Folds drawn at random test on days that they train on."""
    entry = drifting()
    drawn = run_all({key: value for key, value in entry.items() if key != "time"})
    in_time = run_all(entry)
    assert drawn.time_order is None and score_of(drawn, "knn") > 0.8
    assert in_time.time_order is not None and abs(score_of(in_time, "knn") - 0.5) < 0.1
    knn = next(found for found in in_time.candidates if found.model == "knn")
    assert knn.scores["accuracy"].lo < 0.5 < knn.scores["accuracy"].hi
    assert [test.verdict for test in in_time.comparisons] == ["not shown"]
    assert [test.verdict for test in drawn.comparisons] == ["better"]


def test_the_report_and_the_dashboard_say_that_folds_are_in_time_order() -> None:
    evaluation = run_all(drifting())
    table, about = read_described(splits_path("mine"), SplitsMetadata)
    assert (about.time_ordered, about.n_folds, about.n_repeats, about.n_inner_folds) == (True, 4, 1, 1)
    times = column_values(table["time"].cast(pa.int32()))
    for fold in read_folds(table, about):
        assert times[fold.train].max() < times[fold.test].min() and fold.n_inner == 1
        assert times[fold.train[~fold.validated]].max() < times[fold.train[fold.validated]].min()
    predictions, _ = read_described(predictions_dir("mine", "knn") / "predictions.arrow", TrainingMetadata)
    assert len(predictions) == 192 == evaluation.rows.used - evaluation.time_order.untested
    assert evaluation.time_order.test_from == tuple(day(6 * k).isoformat() for k in range(1, 5))
    assert evaluation.interval == TIME_ORDER and sum(map(sum, evaluation.candidates[0].confusion)) == 192
    words = "4 outer folds, time-ordered: each trains on the past only"
    page = render([evaluation], {})
    assert f"<dd>{words}, validated on the latest part of the training rows</dd>" in page
    assert "2020-01-07, 2020-01-13, 2020-01-19, 2020-01-25; the 48 rows before are trained on and never tested" in page
    assert "there the t over the test blocks is the plain one" in page
    assert protocol(evaluation) == f"{words}, configuration chosen on the latest part of the training rows"
    note = experiment_note(evaluation, "link")
    assert f"the 48 rows before are never tested. Intervals: {TIME_ORDER}." in note
    assert data_params({"stages": {}}, evaluation)["split.time_ordered"] == "True"


def test_scores_kept_of_training_rows_are_those_of_validated_rows() -> None:
    evaluation = run_all(drifting())
    path = predictions_dir("mine", "knn") / "out_of_fold.arrow"
    assert OUT_OF_FOLD.matches(path.as_posix())
    table, _ = read_described(path, TrainingMetadata)
    splits, about = read_described(splits_path("mine"), SplitsMetadata)
    expected = {fold.index: set(splits["sample_id"].take(pa.array(fold.train[fold.validated])).to_pylist())
                for fold in read_folds(splits, about)}
    found: dict[int, set[str]] = {}
    for row in table.select(["fold", "sample_id", "inner"]).to_pylist():
        found.setdefault(row["fold"], set()).add(row["sample_id"])
        assert row["inner"] == 0
    assert found == expected and not np.isnan(column_values(table["decisions"])).any()
    assert evaluation.n_inner_folds == 1


def test_without_a_time_nothing_is_written_of_it() -> None:
    evaluation = run_all({key: value for key, value in drifting().items() if key != "time"})
    assert b"time_order" not in evaluation_path("mine").read_bytes()
    assert b"time_ordered" not in splits_path("mine").read_bytes()
    assert "time" not in render([evaluation], {}).partition("<h3>Leaderboard</h3>")[0].partition('<dl class="facts">')[2]


@pytest.mark.parametrize("fault", ["trains on the future", "validates the past", "moved in time"])
def test_validation_finds_a_row_of_the_future(fault: str) -> None:
    samples, _ = ingested(drifting())
    splits = split_samples(samples, SplitEntry(n_splits=3, n_inner_splits=3), "classes", ["a", "b"], 0)
    about = SplitsMetadata(dataset="mine", target=target_of(), rows={"used": 240, "available": 240}, n_folds=3, n_repeats=1,
                           n_inner_folds=1, time_ordered=True)  # fmt: skip
    assert run_suites([splits_suite(splits, about, samples)])[0].success
    inner, times = column_values(splits["inner"]).copy(), splits["time"]
    if fault == "trains on the future":
        inner[-1, 0] = 1
    elif fault == "validates the past":
        inner[:2, 0] = 0  # one group of the first day
    else:
        times = pa.chunked_array([pa.concat_arrays([pa.array([day(29)]), times.combine_chunks()[1:]])])
    changed = {"inner": pa.FixedSizeListArray.from_arrays(pa.array(inner.ravel()), 3), "time": times}
    broken = pa.table({name: changed.get(name, splits[name]) for name in splits.column_names})
    (found,) = run_suites([splits_suite(broken, about, samples)])
    failed = {result.column for result in found.expectations if not result.success}
    assert "of_the_future" in failed and not found.success


def target_of() -> dict[str, Any]:
    return {"name": "y", "task": "binary", "form": "classes", "scoring": "accuracy", "outputs": ("a", "b")}


# ---------------------------------------------------------------- models
@pytest.mark.parametrize(("name", "settings"), [
    ("svm", {"kernel": ["linear", "rbf"], "C": [1.0], "gamma": [0.5], "exact_rows": 20, "landmarks": 8}),
    ("knn", {"n_neighbors": [1, 3], "metric": ["euclidean"], "exact_rows": 100}),
])  # fmt: skip
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_approximations_do_not_see_the_future(name: str, settings: dict[str, Any], task: str) -> None:
    model = as_sweep(component("models", name))
    chosen = model.settings(**settings)
    problem = time_ordered(toy_problem(n=320, task=task))
    problem = replace(problem, combinations=problem.combinations[:1])
    later = with_other_future(problem, 1)
    configs = model.approximated(model.grid(chosen, 0), chosen, problem)
    assert all("approximation" in config for config in configs)
    before, after = (list(results(LearnerSetup(model, chosen), whole, configs)) for whole in (problem, later))
    for a, b in list(zip(before, after, strict=True))[:2]:
        assert a.prediction.tobytes() == b.prediction.tobytes()
        assert a.inner_scores[problem.scoring].tobytes() == b.inner_scores[problem.scoring].tobytes()


def test_the_sample_on_which_configurations_are_compared_is_of_the_past() -> None:
    problem = time_ordered(toy_problem(n=600))
    assert separately_tuned(problem, None) == [problem] == separately_tuned(problem, 600)
    parts = separately_tuned(problem, 150)
    assert [len(part.folds) for part in parts] == [1, 1, 1]
    other = separately_tuned(with_other_future(problem, 1), 150)[1]
    first, second = tuning_problem(parts[1], 150), tuning_problem(other, 150)
    assert first.target.tolist() == second.target.tolist() and 145 <= len(first.target) <= 155
    drawn = replace(problem, time_ordered=False)
    assert separately_tuned(drawn, 150) == [drawn]


# ---------------------------------------------------------------- intervals
def test_folds_are_judged_by_the_plain_t_over_test_blocks() -> None:
    """As SciPy has it: no correction by n_test / n_train, which is not derived for training sets that grow."""
    from scipy import stats

    evaluation = run_all(drifting())
    constant, knn = (found.scores["accuracy"] for found in evaluation.candidates)
    folds = np.array(knn.folds, dtype=np.float64)
    low, high = stats.t.interval(0.95, 3, folds.mean(), stats.sem(folds))
    assert knn.mean == pytest.approx(folds.mean())
    n = stats.norm.ppf(0.975) ** 2 * folds.mean() * (1 - folds.mean()) / ((high - low) / 2) ** 2
    hits, misses = folds.mean() * n, (1 - folds.mean()) * n
    expected = stats.beta.ppf(0.025, hits, misses + 1), stats.beta.ppf(0.975, hits + 1, misses)
    assert (knn.lo, knn.hi) == pytest.approx(expected)
    (test,) = evaluation.comparisons
    of_folds = stats.ttest_rel(folds, np.array(constant.folds, dtype=np.float64))
    assert test.p_fold == pytest.approx(of_folds.pvalue) or test.p_fold > of_folds.pvalue


def test_make_new_proposes_the_dates_in_a_comment() -> None:
    from pipelines.new import guess, lines_of
    from stages.own_data.guesses import Hints

    drifting()
    lines = "\n".join(lines_of("mine", guess("data/raw/t.csv", Hints(target="y")))["datasets"])
    assert re.search(r"^    # time: when: it holds dates; with this line each fold trains on the past only", lines, re.MULTILINE)
    assert not re.search(r"^    time:", lines, re.MULTILINE)
