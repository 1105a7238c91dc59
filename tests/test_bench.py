"""The benchmarks' own promises: answers are compared before times, the tables are those of the results, a row runs through. No timing."""

import json
import re
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import agreement, featurizers, knn, linear, mlp, opening, svm, tables, whole_run
from benchmarks.__main__ import FAMILIES
from benchmarks.growth import exponent
from benchmarks.harness import Disagreement, Row, Side, measure
from benchmarks.work import mean_manhattan, mean_squared, nested_folds, one_fold, synthetic_features

ROOT = Path(__file__).parents[1]
RESULT_KEYS = {"key", "work", "peer", "goal", "ours", "theirs", "others_cores", "date"}


# ---------------------------------------------------------------- what is kept
def test_the_tables_are_those_of_the_results() -> None:
    page = tables.PAGE.read_text(encoding="utf-8")
    assert page == tables.filled(page, tables.read()), "run `python -m benchmarks`; benchmarks/tables.py makes the tables"


def test_the_results_name_no_machine_and_no_hour() -> None:
    text = tables.RESULTS.read_text(encoding="utf-8")
    assert not re.search(r"\d\d:\d\d|/home/|/tmp/|hostname", text)
    for row in json.loads(text)["rows"]:
        assert row.keys() >= RESULT_KEYS and ("ratio" in row) != ("disagreement" in row)


def test_every_goal_is_a_rows() -> None:
    found = [row for family in FAMILIES for row in import_module(f"benchmarks.{family}").rows(quick=False)]
    assert len({row.key for row in found}) == len(found)
    assert {peer.goal for row in found for peer in row.peers if peer.goal} >= {1.5, 2, 3, 4, 6, 8, 12, 50, 150, 500}
    assert all(side.rounds >= 5 for row in found for side in [row.ours, *row.peers])


@pytest.mark.parametrize("family", ["knn", "svm", "mlp"])
def test_a_quick_row_is_the_same_work(family: str) -> None:
    (quick,), full = (import_module(f"benchmarks.{family}").rows(quick=quick) for quick in (True, False))
    assert quick.work == full[0].work and quick.ours == full[0].ours
    assert {(peer.name, peer.goal) for peer in quick.peers} <= {(peer.name, peer.goal) for peer in full[0].peers}


def test_the_lock_of_the_extra_adds_to_the_others() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE))

    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["bench"]
    own = pins("requirements-bench.lock")
    assert {re.match(r"[\w.-]+", name).group() for name in asked} <= own
    assert not own & (pins("requirements.lock") | pins("requirements-torch.lock"))


# ---------------------------------------------------------------- comparing
def answer(scores: Any, prediction: Any = (0, 1, 2), margin: Any = (1.0, 1.0, 1.0)) -> dict[str, dict[str, Any]]:
    table = np.array(scores, dtype=float)
    found = {"scores": table, "chosen": agreement.best_of(table), "prediction": np.array(prediction), "margin": np.array(margin)}
    return {"0/a": found}


def test_the_same_agree_and_others_do_not() -> None:
    mine = answer([[0.5, 0.6], [0.7, 0.8]])
    assert agreement.same(mine, answer([[0.5, 0.6], [0.7, 0.8]])) == "all 4 scores and 3 predictions equal"
    with pytest.raises(Disagreement, match="1 of 4 scores differ"):
        agreement.same(mine, answer([[0.5, 0.6], [0.7, 0.81]]))
    with pytest.raises(Disagreement, match="1 predictions differ"):
        agreement.same(mine, answer([[0.5, 0.6], [0.7, 0.8]], prediction=(0, 1, 1)))
    with pytest.raises(Disagreement, match="ours has nothing"):
        agreement.same({}, mine)
    part = {"0/a": {"scores": np.array([[np.nan, 0.6], [np.nan, 0.8]]), "chosen": None}}
    assert agreement.same(mine, part) == "all 2 scores equal"


def test_a_score_that_is_no_number_does_not_agree() -> None:
    broken = answer([[0.5, 0.6], [0.7, 0.8]])
    broken["0/a"]["scores"][1, 1] = np.nan
    with pytest.raises(Disagreement):
        agreement.same(broken, answer([[0.5, 0.6], [0.7, 0.8]]))
    with pytest.raises(Disagreement):
        agreement.within_tolerance(10)(broken, answer([[0.5, 0.6], [0.7, 0.8]]))
    with pytest.raises(Disagreement):
        agreement.within_band(0.1, 0.1)(broken, answer([[0.5, 0.6], [0.7, 0.8]]))


def test_a_tolerance_allows_rows_at_a_boundary_alone() -> None:
    compare, mine = agreement.within_tolerance(100), answer(np.full((5, 5), 0.5))
    assert "25 of 25" in compare(mine, answer(np.full((5, 5), 0.5), prediction=(0, 1, 1), margin=(1, 1, 0.001)))
    with pytest.raises(Disagreement, match="not all of them at a boundary"):
        compare(mine, answer(np.full((5, 5), 0.5), prediction=(0, 1, 1)))
    other = np.full((5, 5), 0.5)
    other[4, 4] -= 0.03
    with pytest.raises(Disagreement, match="up to 3"):
        compare(mine, answer(other))


def test_means_of_distances_are_those_of_all_pairs() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 4))
    apart = rows[:, None] - rows[None, :]
    assert mean_manhattan(rows) == pytest.approx(np.abs(apart).sum() / 72)
    assert mean_squared(rows) == pytest.approx((apart**2).sum() / 72)


def test_folds_hold_each_row_out_once() -> None:
    folds = nested_folds(50, 5, 4)
    assert sorted(row for fold in folds for row in fold.test) == list(range(50))
    assert {len(fold.test) for fold in folds} == {10} and all(set(fold.inner) == set(range(4)) for fold in folds)
    (fold,) = one_fold(250, 5)
    assert sorted([*fold.train, *fold.test]) == list(range(250)) and len(fold.test) == 100


# ---------------------------------------------------------------- tiny work, both sides
KNN = {"n": 60, "widths": {"a": 5, "b": 3}, "n_inner": 2}


@pytest.mark.parametrize(("n_outer", "by"), [(1, "all"), (1, "inner"), (2, "outer")])
def test_knn_and_its_peer_agree(n_outer: int, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "KS", (1, 2, 7))
    shape = {**KNN, "n_outer": n_outer}
    assert agreement.same(knn.ours(**shape)(0), knn.searched(accelerated=False, n_jobs=None, by=by, **shape)(1 if by != "all" else 0))


@pytest.mark.parametrize(("n_outer", "decimals"), [(1, None), (1, 0), (2, 0)])
def test_knn_and_the_plain_reference_agree_where_distances_are_equal(n_outer: int, decimals: int | None, monkeypatch) -> None:
    """Features of whole numbers: scikit-learn would let the row number decide between equally far rows."""
    monkeypatch.setattr(knn, "KS", (1, 2, 7))
    shape = {**KNN, "n_outer": n_outer, "decimals": decimals}
    assert agreement.same(knn.ours(**shape)(0), knn.looped(**shape)(0))


def test_svm_and_its_peers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svm, "RBF", {"kernel": ["rbf"], "C": [1.0, 10.0], "gamma": [0.3, 3.0]})
    monkeypatch.setattr(svm, "N_JOBS", 1)
    mine = svm.ours("digits", 250)(0)
    for peer in (svm.searched, svm.precomputed):
        assert agreement.within_tolerance(30)(mine, peer("digits", "all", 250)(0))
        assert agreement.within_tolerance(30)(mine, peer("digits", "inner", 250)(2))


def test_mlp_and_the_loop_in_torch_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"hidden_layer_sizes": [[16]], "activation": ["relu"], "learning_rate_init": [0.01], "weight_decay": [0.01], **mlp.SCHEDULE}
    monkeypatch.setattr(mlp, "SMALL", small)
    assert agreement.within_band(best=0.1, mean=0.1)(mlp.ours("digits", 500)(0), mlp.in_turn("digits", "all", 1, 500)(0))


@pytest.mark.parametrize(("data", "by"), [("synthetic", "all"), ("synthetic", "outer"), ("enlarged", "inner"), ("enlarged", "all")])
def test_linear_models_and_their_search_agree(data: str, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "PATH", (0.1, 1.0, 10.0))
    monkeypatch.setattr(linear, "N_JOBS", None)
    n = 240 if data == "synthetic" else 500
    assert agreement.within_band(best=0.05, mean=0.03)(linear.ours(data, n)(0), linear.searched(data, by, n)(0))


@pytest.mark.parametrize("ngrams", [(1, 1), (1, 2)])
def test_counts_of_words_agree(ngrams: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featurizers, "DOCUMENTS", 50)
    monkeypatch.setitem(featurizers.MAKERS, "text", (featurizers.documents, 50, featurizers.MAKERS["text"][2]))
    mine, other = featurizers.ours("text", {"ngrams": ngrams})(0), featurizers.count_vectorizer(ngrams)(0)
    assert "equal" in featurizers.compare_counts(mine, other)
    other["counts"].data[3] += 1
    with pytest.raises(Disagreement):
        featurizers.compare_counts(mine, other)


def test_pixels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featurizers, "PICTURES", 4)
    monkeypatch.setitem(featurizers.MAKERS, "image", (featurizers.pictures, 4, featurizers.MAKERS["image"][2]))
    rows = [row for row in featurizers.rows(quick=False) if row.key.startswith("jpeg")]
    other = featurizers.pillow_pixels(threads=1)(0)
    for row in rows:
        assert "pixels" in row.compare(featurizers.ours(**row.ours.arguments)(0), other)


def test_an_opened_file_is_not_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(opening, "N_ROWS", 500)
    monkeypatch.setattr(opening.tempfile, "tempdir", str(tmp_path))
    for every_number in (False, True):
        mine, other = opening.mapped(every_number)(0)(), opening.parquet(every_number, "snappy")(0)()
        assert opening.compare(mine, other)
    with pytest.raises(Disagreement, match="copied"):
        opening.compare({**mine, "allocated": 0, "in_file": False}, other)


# ---------------------------------------------------------------- the harness, with sides made here
def equal(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    if ours != theirs:
        raise Disagreement(f"{ours['value']} and {theirs['value']}")
    return "equal"


def side(**others: Any) -> Side:
    return Side(others.pop("name", "other"), "tests.toy_side:answering", others.pop("arguments", {"value": 1}), **others)


def test_a_row_runs_and_is_told() -> None:
    said: list[str] = []
    peers = [side(name="same", goal=2), side(name="in parts", parts=3, rounds=3), side(name="wrong", arguments={"value": 2}),
             side(name="wrong later", arguments={"value": 1, "spoil": 2}, parts=3, rounds=3)]  # fmt: skip
    same, parts, wrong, later = measure(Row("toy", "toy", side(repeats=2), peers, equal), said.append)
    assert same["agreement"] == "equal" and same["ratio"] > 0 and same["ours"]["rounds"] == 5 and same["ours"]["peak_mb"] > 10
    assert parts["theirs"]["parts"] == 3 and parts["theirs"]["rounds"] == 3 and "ratio" in parts
    for result in (wrong, later):
        assert "ratio" not in result and result["disagreement"] == "1 and 2"
    assert [("DISAGREE" in line) for line in said] == [False, False, True, True]
    shown = tables.comparisons([same, parts, wrong])
    assert shown.count("\n") == 4 and "**the results differ**" in shown and "3 of 3 parts" in shown


def test_the_exponent_of_growth() -> None:
    assert exponent([1, 2, 4, 8], [0.01, 1, 4, 16]) == 2.0
    assert exponent([1, 2], [0.01, 1]) is None


def test_what_a_run_prints_is_read() -> None:
    class Idle:
        def others(self, ours_s: float) -> float:
            return 0.0

    said = "check: 1.0 s, 2.0 s of processor time on all cores\nnoise\ntrain emoji knn: 9.0 s, 16.0 s of processor time on all cores\n"
    found = whole_run.summary(said, 20.0, Idle())  # type: ignore[arg-type]
    assert (found["stages"], found["stages_wall_s"], found["processor_s"], found["over_stages"]) == (2, 10, 18, 2.0)
    with pytest.raises(ValueError, match="nothing had to run"):
        whole_run.summary("nothing", 1.0, Idle())  # type: ignore[arg-type]


def test_synthetic_features_are_the_same_each_time() -> None:
    (a, target), (b, again) = (synthetic_features(20, {"a": 3}) for _ in range(2))
    assert np.array_equal(a["a"], b["a"]) and np.array_equal(target, again)
