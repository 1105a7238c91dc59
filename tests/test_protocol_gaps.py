"""What a leak in the protocol adds to a score: on simulated data whose answer is known, by hand, and as it is shown."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from toy_control import control_data
from toy_predictions import Toy, only, write_leaking, write_params, write_toy
from toy_problem import metrics_of, time_ordered, toy_problem

from pipelines.publishing.metric_values import gap_points
from stages import evaluate
from stages.contracts.control import ControlData, Leaking
from stages.contracts.documents.control_findings import ProtocolGap
from stages.contracts.documents.evaluation_document import FEWEST_GROUPS, Evaluation
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir, evaluation_path
from stages.contracts.problem import Fold, Problem
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.control import write_control
from stages.controls.random_folds import drawn_folds
from stages.evaluation.checked_predictions import Expected, FoldPredictions, Splits
from stages.evaluation.checked_predictions import TestFold as FoldOfRows
from stages.evaluation.protocol_gaps import arm_scores, paired_groups, protocol_gaps
from stages.features.encoders import Dense, Sparse
from stages.features.feature_blocks import Block
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.reporting.findings import gap_findings
from stages.reporting.report_page import render
from stages.splitting.assign_folds import assign_folds, inner_folds
from stages.training.read_problem import TrainingData

ACCURACY: Metric = component("metrics", "accuracy")
N, N_GROUPS = 240, 40


# ---------------------------------------------------------------- simulated data whose answer is known
def simulated(features: np.ndarray | Sparse, target: np.ndarray, groups: np.ndarray, n_folds: int = 5, *, settings: dict | None = None
              ) -> ControlData:
    """Return data of one modality with grouped, stratified folds, as split assigns them."""
    strata = np.eye(int(target.max()) + 1)[target]
    outer = assign_folds(strata, groups, n_folds, 1)
    folds = []
    for index in range(n_folds):
        inner = inner_folds(strata, groups, outer != index, 3, index)
        train = np.flatnonzero(outer != index)
        folds.append(Fold(0, index, train, np.flatnonzero(outer == index), inner[train], 3))
    raw = features if isinstance(features, Sparse) else Dense(features.astype(np.float32))
    outputs = tuple(f"class {code}" for code in range(int(target.max()) + 1))
    problem = Problem({"a": Block("a", raw, settings or {})}, target.astype(np.int32), "classes", outputs, tuple(folds), (("a",),),
                      metrics_of("classes", target), "accuracy", 3)  # fmt: skip
    return control_data(problem, group=[f"g{code}" for code in groups])


def measured(name: str, data: ControlData, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ProtocolGap:
    """Return the gap of a control by way of the files that the stages pass."""
    monkeypatch.chdir(folder)
    problem, control = data.problem, component("controls", name)
    ids = data.samples["sample_id"]
    about = SplitsMetadata(dataset="toy", target=Target(name="kind", task="multiclass", form="classes", scoring="accuracy",
                                                        outputs=problem.outputs), rows=Rows(used=len(ids), available=len(ids)),
                           n_folds=len(problem.folds), n_repeats=1, n_inner_folds=3)  # fmt: skip
    write_control("toy", control, control.settings(), TrainingData(problem, ids, about, {}), data)
    folds = tuple(FoldOfRows(fold.repeat, fold.index, fold.test, len(fold.train)) for fold in problem.folds)
    splits = Splits(ids.combine_chunks(), data.samples["group"].to_pylist(), problem.target, folds)
    (gap,) = protocol_gaps("toy", ACCURACY, splits, 0.95, Expected("", "classes", problem.outputs, ()))
    return gap


def of_speakers(*, telling: bool) -> ControlData:
    """Return data of speakers: a class per speaker that only the speaker's voice shows, or a class per row that the features show."""
    random = np.random.default_rng(4)
    groups = np.repeat(np.arange(N_GROUPS), N // N_GROUPS)
    voice = random.normal(size=(N_GROUPS, 30))[groups]
    if telling:
        target = (random.permutation(N_GROUPS) % 2)[groups]
        return simulated(voice + 0.1 * random.normal(size=(N, 30)), target, groups)
    target = random.integers(0, 2, N)
    word = np.where(target == 1, 0.3, -0.3)[:, None] * np.ones((1, 30))
    return simulated(word + 2.5 * random.normal(size=(N, 30)), target, groups)


def of_pairs(*, telling: bool) -> ControlData:
    """Return pairs of texts that share a rare term and a class; the vocabulary takes terms of two texts, of the rows that it is fitted on.

    A pair is split by the two folds, so that its term is in one training text, and in two of all.
    """
    random = np.random.default_rng(5)
    n = 200
    pair = np.repeat(np.arange(n // 2), 2)
    target = (random.permutation(n // 2) % 2)[pair]
    common = random.integers(0, 5, n)
    rare = 10 + pair if telling else 10 + np.arange(n)
    words = np.sort(np.stack([common, rare], axis=1), axis=1).astype(np.int32)
    sparse = Sparse(np.arange(0, 2 * n + 1, 2, dtype=np.int32), words.ravel(), np.ones(2 * n, np.float32))
    data = simulated(sparse, target, np.arange(n), 2, settings={"min_documents": 2, "max_terms": 1000, "idf": True, "sublinear": True})
    order = np.arange(n)
    folds = tuple(Fold(0, index, np.flatnonzero(order % 2 != index), np.flatnonzero(order % 2 == index),
                       (np.arange(n // 2) % 3).astype(np.int16), 3) for index in range(2))  # fmt: skip
    return replace(data, problem=replace(data.problem, folds=folds))


def test_speakers_that_are_split_make_a_score_too_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gap = measured("random_folds", of_speakers(telling=True), tmp_path, monkeypatch)
    assert gap.verdict == "better" and gap.n_groups == N_GROUPS and (gap.control, gap.model) == ("random_folds", "linear")
    assert gap.honest is not None and gap.leaking is not None and gap.lo is not None and gap.difference is not None
    assert gap.honest < 0.7 and gap.leaking > 0.9 and gap.lo > 0.15
    assert gap.difference == pytest.approx(gap.leaking - gap.honest)


def test_speakers_that_tell_nothing_make_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gap = measured("random_folds", of_speakers(telling=False), tmp_path, monkeypatch)
    assert gap.verdict == "not shown" and gap.lo is not None and gap.hi is not None and gap.lo < 0 < gap.hi
    assert gap.honest is not None and gap.honest > 0.6


def test_a_vocabulary_that_has_seen_the_test_rows_makes_a_score_too_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gap = measured("shared_fit", of_pairs(telling=True), tmp_path, monkeypatch)
    assert gap.verdict == "better" and gap.honest is not None and gap.leaking is not None and gap.lo is not None
    assert gap.honest < 0.65 and gap.leaking > 0.9 and gap.lo > 0.2


def test_a_vocabulary_that_tells_nothing_makes_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gap = measured("shared_fit", of_pairs(telling=False), tmp_path, monkeypatch)
    assert gap.verdict == "not shown" and gap.difference is not None and abs(gap.difference) < 0.1


def of_an_official_split(*, telling: bool) -> ControlData:
    """Return simulated texts with an official split of 60 test rows, 45 of them copies of a training row under another id.

    telling: each content is a column of its own, so that only a copy tells a row's class; else one column tells every row's class,
    with a copy or without.
    """
    n_train, n_test, n_copied = 60, 60, 45
    content = np.concatenate([np.arange(n_train), np.arange(n_copied), n_train + np.arange(n_test - n_copied)])
    target = (content // 3 % 2).astype(np.int32)  # balanced in every inner fold, so that no intercept outweighs a row's own column
    own_terms, one_term = np.eye(content.max() + 1)[content], np.where(target == 1, 1.0, -1.0)[:, None]
    terms = own_terms if telling else one_term
    n, rows = n_train + n_test, np.arange(n_train)
    problem = toy_problem(n=n, n_classes=2, modalities=("image",))
    fold = Fold(0, 0, rows, np.arange(n_train, n), (rows % 3).astype(np.int16), 3)
    problem = replace(problem, blocks={"image": Block("image", Dense(terms.astype(np.float32)), {})}, target=target, folds=(fold,),
                      combinations=(("image",),), metrics=metrics_of("classes", target))  # fmt: skip
    return control_data(problem, image=[f"content {code}" for code in content], group=[f"g{row // 2}" for row in range(n)])


def test_copies_across_an_official_split_make_a_score_too_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """45 of 60 test rows are known by heart and the others guessed: .5 without the copies, about .5 · 15/60 + 45/60 = .875 with them."""
    gap = measured("copies", of_an_official_split(telling=True), tmp_path, monkeypatch)
    assert gap.verdict == "better" and gap.n_groups == 30
    assert gap.honest is not None and abs(gap.honest - 0.5) < 0.15 and gap.leaking is not None and abs(gap.leaking - 0.875) < 0.1
    assert gap.lo is not None and gap.hi is not None and 0.1 < gap.lo < 0.375 < gap.hi


def test_copies_that_tell_no_more_than_other_rows_make_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gap = measured("copies", of_an_official_split(telling=False), tmp_path, monkeypatch)
    assert gap.verdict == "not shown" and gap.difference == 0 and gap.honest == 1.0


def test_training_rows_that_equal_a_test_row_are_left_out_and_nothing_else() -> None:
    data = of_an_official_split(telling=True)
    control: Leaking = component("controls", "copies")
    (fold,), (before,) = control.honest(data, None).folds, data.problem.folds
    assert fold.train.tolist() == list(range(45, 60)) and np.array_equal(fold.test, before.test)
    assert np.array_equal(fold.inner, before.inner[45:]) and control.leaking(data, None) is data.problem
    assert control.not_applicable(data, None) is None
    other = control_data(data.problem, image=[f"content {row}" for row in range(120)])
    assert control.not_applicable(other, None) == "no training row is a copy of a test row in every modality"
    shared = control_data(data.problem, image=["the same"] * 70 + [f"content {row}" for row in range(50)])
    assert control.not_applicable(shared, None) == "no training row is a copy of a test row in every modality", "what many share is no copy"
    few = control_data(data.problem, image=[f"content {row % 60 if row < 58 else 60 + row}" for row in range(60)]
                       + [f"content {row}" for row in range(60)])  # fmt: skip
    assert control.not_applicable(few, None) == "without the copies of test rows too few training rows are left"


def test_the_honest_score_is_that_of_the_learner_without_any_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.controlling.randomised_scores import fold_scores

    data = of_speakers(telling=False)
    gap = measured("random_folds", data, tmp_path, monkeypatch)
    assert gap.honest == pytest.approx(np.mean(fold_scores([data.problem])["a"]), abs=1e-12)


# ---------------------------------------------------------------- what is let in
def test_drawn_folds_are_balanced_by_class_and_split_groups() -> None:
    strata = np.repeat([0, 1, 2], [50, 37, 13])
    folds = drawn_folds(strata, 5, 1)
    assert np.array_equal(folds, drawn_folds(strata, 5, 1)) and not np.array_equal(folds, drawn_folds(strata, 5, 2))
    for code in range(3):
        counts = np.bincount(folds[strata == code], minlength=5)
        assert counts.max() - counts.min() <= 1
    problem = component("controls", "random_folds").leaking(of_speakers(telling=True), None)
    groups = np.repeat(np.arange(N_GROUPS), N // N_GROUPS)
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in problem.folds])), np.arange(N))
    for fold in problem.folds:
        assert not np.intersect1d(fold.train, fold.test).size and len(fold.train) + len(fold.test) == N
        assert np.intersect1d(groups[fold.train], groups[fold.test]).size > N_GROUPS / 2
        assert set(fold.inner) == {0, 1, 2} and len(fold.inner) == len(fold.train)


@pytest.mark.parametrize(("columns", "why"), [
    ({"split": "train"}, "official split"), ({"fold": "a"}, "gives its folds"), ({"time": "2024"}, "follow the time"), ({}, "of its own"),
])
def test_random_folds_are_not_drawn_where_folds_are_given_or_nothing_is_grouped(columns: dict[str, str], why: str) -> None:
    control: Leaking = component("controls", "random_folds")
    data = control_data(toy_problem(n=30), **{name: [value] * 30 for name, value in columns.items()})
    assert why in str(control.not_applicable(data, control.settings()))


def test_preprocessing_sees_test_rows_only_where_it_is_asked_to_and_the_future_never() -> None:
    problem = toy_problem()
    fold = problem.folds[0]
    assert problem.preprocessing_rows(fold) is fold.train and not problem.fits_on_test_rows
    leaking = component("controls", "shared_fit").leaking(control_data(problem), None)
    assert leaking.folds == problem.folds and np.array_equal(leaking.preprocessing_rows(fold), np.arange(90))
    in_time = replace(time_ordered(problem), fits_on_test_rows=True)
    first = in_time.folds[0]
    assert np.array_equal(in_time.preprocessing_rows(first), np.sort(np.concatenate([first.train, first.test])))


# ---------------------------------------------------------------- by hand
def means_of(values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    n = len(values)
    return np.array(values) / n, np.full(n, 1 / n)


def test_of_single_rows_the_interval_is_that_of_the_paired_t() -> None:
    """Differences of two values have no excess kurtosis, so that the degrees of freedom are those of Student."""
    honest, leaking = [0.0] * 8 + [1.0] * 8, [0.0, 1.0] * 8
    differences = np.array(leaking) - np.array(honest)
    halves = [0.0] * 10 + [1.0] * 10
    found = paired_groups(means_of([0.0] * 20), means_of(halves), confidence=0.95)
    expected = stats.ttest_1samp(halves, 0)
    low, high = expected.confidence_interval(0.95)
    assert (found["difference"], found["n_groups"]) == (0.5, 20)
    assert (found["lo"], found["hi"]) == pytest.approx((low, high))
    assert found["p"] == pytest.approx(max(expected.pvalue, 2 / 2**10)), "of ten signs, both ends"
    nothing = paired_groups(means_of(honest), means_of(leaking), confidence=0.95)
    assert differences.sum() == 0 and nothing["difference"] == 0 and nothing["p"] == 1


def test_rows_of_a_group_count_as_one() -> None:
    """Twenty groups of five equal rows are as sure as twenty rows."""
    halves = [0.0] * 10 + [1.0] * 10
    alone = paired_groups(means_of([0.0] * 20), means_of(halves), confidence=0.95)
    splits = Splits(pa.array([f"s{row}" for row in range(100)]), [f"g{row // 5:02d}" for row in range(100)], np.ones(100, np.int32), ())
    rows = np.arange(100)
    arms = []
    for prediction in (np.zeros(100, np.int32), np.repeat(halves, 5).astype(np.int32)):
        scores, sums = arm_scores([(rows, FoldPredictions(splits.targets, prediction, None))], ACCURACY, splits)
        assert scores.mean == prediction.mean()
        arms.append(sums)
    grouped = paired_groups(*arms, confidence=0.95)
    assert grouped == pytest.approx(alone)


def test_folds_weigh_the_same_as_in_a_mean_over_folds() -> None:
    splits = Splits(pa.array(list("abcde")), list("abcde"), np.ones(5, np.int32), ())
    predicted = [(np.array([0]), FoldPredictions(np.ones(1, np.int32), np.ones(1, np.int32), None)),
                 (np.arange(1, 5), FoldPredictions(np.ones(4, np.int32), np.array([1, 0, 0, 0], np.int32), None))]  # fmt: skip
    scores, (sums, weights) = arm_scores(predicted, ACCURACY, splits)
    assert scores.mean == 0.625 == sums.sum() and weights.tolist() == [0.5, 0.125, 0.125, 0.125, 0.125]


def test_what_never_varies_shows_nothing() -> None:
    found = paired_groups(means_of([0.0] * 20), means_of([1.0] * 20), confidence=0.95)
    assert found["difference"] == pytest.approx(1) and np.isnan(found["p"]) and np.isnan(found["lo"])


def test_rounding_is_no_difference() -> None:
    """Equal predictions in folds of other sizes add up to the same mean but for the last digit."""
    values = np.linspace(0, 1, 20)
    found = paired_groups((values / 20, np.full(20, 0.05)), (values / 20 * (1 + 1e-15), np.full(20, 0.05)), confidence=0.95)
    assert found["difference"] == 0 and np.isnan(found["p"])


# ---------------------------------------------------------------- evaluate, report, MLflow
@pytest.fixture
def evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Return the evaluation of a toy whose text tells more if groups are split."""
    monkeypatch.chdir(tmp_path)
    toy = Toy(n_samples=400)
    write_params([toy])
    write_toy(toy)
    write_leaking(toy, "random_folds", {"image": (0.5, 0.52), "text": (0.4, 0.9)})
    evaluate.main("toy")
    return read_document(evaluation_path("toy"), Evaluation)


def test_the_evaluation_has_the_gaps_and_p_is_corrected_for_the_combinations(evaluation: Evaluation) -> None:
    image, text = evaluation.protocol_gaps
    assert (image.modalities, text.modalities) == (("image",), ("text",)) and (image.verdict, text.verdict) == ("not shown", "better")
    assert text.p is not None and text.p_corrected == pytest.approx(2 * text.p)
    assert image.p_corrected == pytest.approx(max(image.p or 0, text.p_corrected))
    assert gap_findings(evaluation)[0].startswith("If folds were drawn without groups, accuracy of linear would be too good: text +0.")


def test_report_and_dashboard_show_them(evaluation: Evaluation) -> None:
    page = render([evaluation], {})
    assert "<summary>Leaks</summary>" in page and '<th scope="row">random_folds</th><td>linear</td><td>text</td>' in page
    points = {name: value for name, value, _ in gap_points(evaluation)}
    text = evaluation.protocol_gaps[1]
    assert [points[f"gap/random_folds linear text{end}"] for end in ("", "_lo", "_hi")] == [text.difference, text.lo, text.hi]
    without = evaluation.model_copy(update={"protocol_gaps": ()})
    assert "<summary>Leaks</summary>" not in render([without], {}) and gap_points(without) == [] and gap_findings(without) == []
    assert "protocol_gaps" not in without.model_dump(), "what is not measured changes no evaluation"


def test_of_one_test_split_with_few_groups_nothing_is_tested_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap of .2 to .9 that any test on the groups would show: 8 groups are too few for an interval of a score, and so of a difference."""
    monkeypatch.chdir(tmp_path)
    toy = Toy(n_folds=1, n_samples=60)
    write_params([toy])
    write_toy(toy)
    write_leaking(toy, "random_folds", {"image": (0.2, 0.9)})
    evaluate.main("toy")
    evaluation = read_document(evaluation_path("toy"), Evaluation)
    (gap,) = evaluation.protocol_gaps
    assert (gap.lo, gap.hi, gap.p, gap.p_corrected, gap.verdict) == (None, None, None, None, "not shown") and gap.n_groups < FEWEST_GROUPS
    assert gap.difference is not None and gap.difference > 0.3
    assert gap_findings(evaluation) == [
        "Whether accuracy of linear would be too good if folds were drawn without groups could not be tested: the test split has too few "
        f"groups ({gap.n_groups}, of the 20 that are needed)."]
    assert '<span class="tag">not tested</span>' in render([evaluation], {})


def test_predictions_of_another_metric_or_of_other_samples_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy = Toy(modalities=("text",), skill=only("text"), n_samples=60)
    write_params([toy])
    write_toy(toy)
    write_leaking(replace(toy, scoring="macro_f1"), "random_folds", {"text": (0.5, 0.6)})
    path = controls_dir("toy") / "random_folds" / "leaking.arrow"
    with pytest.raises(InputError, match=rf"{path}: scoring: expected 'accuracy', which ranks, found 'macro_f1'; run `dvc repro`"):
        evaluate.main("toy")
    write_leaking(toy, "random_folds", {"text": (0.5, 0.6)})
    other = Toy(modalities=("text",), skill=only("text"), n_samples=40)
    whole = path.read_bytes()
    write_toy(other)
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"leaking\.arrow: protocol honest, modalities 'text', .* test rows have no prediction"):
        evaluate.main("toy")
