"""What the report says in words goes as far as the tests, and numbers are written alike."""

import copy
import math
from typing import Any

import pytest
from toy_predictions import Toy, write_params, write_toy

from pipelines.publishing.descriptions import run_note, summary_note
from stages import evaluate
from stages.contracts.paths import evaluation_dir
from stages.evaluation.comparisons import verdict as verdict_of_test
from stages.foundation.tables import read_json
from stages.reporting.findings import control_finding, findings, fusion_finding, learner_finding, verdict
from stages.reporting.formatting import interval, listed, number, p_value, signed
from stages.reporting.report_page import render
from stages.reporting.svg import ticks


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the evaluation of the toy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("toy"))
        write_params([Toy()])
        write_toy(Toy())
        evaluate.main("toy")
        return read_json(evaluation_dir("toy") / "evaluation.json")


@pytest.fixture
def judged(base: Any) -> Any:
    """Return a function that gives the toy's evaluation with chosen verdicts of its fusion tests."""

    def with_verdicts(better: set[tuple[str, str]], worse: frozenset[tuple[str, str]] = frozenset()) -> Any:
        evaluation = copy.deepcopy(base)
        for c in evaluation["comparisons"]:
            key = (c["a"]["model"], c["b"]["subset"])
            if c["family"] == "fusion":
                said = "better" if key in better else "worse" if key in worse else "not shown"
                c |= {"verdict": said, "difference": -0.1 if key in worse else 0.1, "p_corrected": 0.3 if said == "not shown" else 0.01}
        return evaluation

    return with_verdicts


ALL = {(model, subset) for model in ("knn", "svm", "mlp") for subset in ("image", "text")}


@pytest.mark.parametrize(("better", "sentence"), [
    (ALL, "Fusing image and text beats each modality alone for every learner."),
    (set(), "No gain from fusing image and text over image or text alone is shown."),
    ({("svm", "image"), ("svm", "text"), ("knn", "image")},
     "Fusing image and text beats each modality alone for SVM. For kNN and MLP this is not shown."),
    ({("svm", "image"), ("mlp", "image")},
     "Fusing image and text beats image alone for MLP and SVM; a gain over text alone is not shown for any learner."),
    ({("svm", "image"), ("mlp", "text")},
     "Fusing image and text beats image alone for SVM and beats text alone for MLP, but never every one alone."),
])
def test_fusion_is_claimed_as_far_as_tests_go(judged: Any, better: set[tuple[str, str]], sentence: str) -> None:
    assert fusion_finding(judged(better)) == sentence


def test_a_loss_by_fusing_is_said(judged: Any) -> None:
    said = fusion_finding(judged(set(), frozenset({("knn", "text")})))
    assert said.endswith("It is worse than text alone for kNN (−0.100, corrected p 0.010).")


def test_a_loss_is_told_alike_by_report_and_dashboard(judged: Any) -> None:
    evaluation = judged(set(), frozenset({("knn", "text")}))
    evaluation["comparisons"] = [c for c in evaluation["comparisons"] if c["family"] == "fusion"]
    assert '<span class="tag worse">worse</span>' in render([evaluation])
    note = summary_note(evaluation)
    assert "It is worse than text alone for kNN (−0.100, corrected p 0.010)." in note
    assert "- kNN · image + text is worse than kNN · text: accuracy −0.100 (corrected p 0.010)" in note
    assert "yes, worse" in run_note(evaluation, "knn", "image+text", {})
    assert "yes, better" in run_note(evaluation, "knn", "text", {})


@pytest.mark.parametrize(("difference", "corrected", "said"), [
    (0.1, 0.01, "better"), (-0.1, 0.01, "worse"), (-0.1, 0.06, "not shown"), (0.1, math.nan, "not shown"), (math.nan, 0.01, "not shown"),
    (0.0, 0.01, "not shown"),
])
def test_a_test_supports_better_worse_or_nothing(difference: float, corrected: float, said: str) -> None:
    assert verdict_of_test(difference, corrected, confidence=0.95) == said


def test_verdict_is_the_finding_in_short(judged: Any) -> None:
    assert verdict(judged(ALL)) == "beats each modality alone for every learner"
    assert verdict(judged({("svm", "image"), ("svm", "text")})) == "beats each modality alone for SVM"
    assert verdict(judged({("svm", "image")})) == "not shown to beat each modality alone"
    single = judged(set())
    single["comparisons"] = [c for c in single["comparisons"] if c["family"] != "fusion"]
    assert verdict(single) == "one modality"


def test_findings_leave_out_families_without_tests(judged: Any) -> None:
    evaluation = judged(set())
    assert len(findings(evaluation)) == 3
    evaluation["comparisons"] = []
    assert len(findings(evaluation)) == 1
    assert "lead" not in learner_finding(evaluation)


def test_lead_is_not_claimed_without_a_test(judged: Any) -> None:
    evaluation = judged(set())
    for c in evaluation["comparisons"]:
        c["verdict"] = "not shown"
    assert "is not shown" in learner_finding(evaluation)
    assert findings(evaluation)[1] == "No learner is shown to beat the majority control."


def test_a_learner_that_is_worse_than_the_control_is_named(judged: Any) -> None:
    evaluation = judged(set())
    for c in evaluation["comparisons"]:
        if c["family"] == "control":
            c["verdict"] = "worse" if (c["a"]["model"], c["a"]["subset"]) == ("knn", "text") else "better"
    assert findings(evaluation)[1] == ("8 of 9 learners × subsets beat the majority control; not shown for kNN · text. "
                                       "Worse than the majority control: kNN · text.")


def test_one_learner_on_one_modality_is_called_by_its_name(judged: Any) -> None:
    evaluation = judged(set())
    one = next(c for c in evaluation["comparisons"] if c["family"] == "control")
    one["verdict"] = "better"
    assert control_finding(evaluation | {"comparisons": [one], "subsets": ["image"]}) == "kNN beats the majority control."


def test_a_control_at_the_top_is_no_learners_lead(judged: Any) -> None:
    evaluation = judged(set())
    control = next(row for row in evaluation["leaderboard"] if row["model"] == "dummy")
    evaluation |= {"best": {"model": "dummy", "subset": "image"}, "leaderboard": [control]}
    level = number(control["accuracy"])
    assert learner_finding(evaluation) == f"No learner's mean accuracy is above {level}, that of the majority control."
    assert learner_finding(evaluation | {"task": "regression"}).endswith("that of the mean control.")
    assert control_finding(evaluation | {"controls": ["dummy", "shuffled"]}).endswith("beat the controls; not shown for kNN · image, "
        "MLP · image, MLP · text, SVM · image and SVM · text.")


def test_numbers_are_written_alike() -> None:
    assert (number(None), number(-0.5), signed(-0.12345), signed(0.1), signed(-1e-17)) == ("–", "−0.500", "−0.123", "+0.100", "0.000")
    assert (p_value(0.00001), p_value(0.0312), p_value(None)) == ("< 0.001", "0.031", "–")
    assert (number(1234.567), number(34.0849), number(0.000123), signed(-1234.5), signed(0.00042)) == (
        "1,235", "34.08", "0.00012", "−1,234", "+0.00042")
    assert (interval(0.1, 0.2), interval(None, 0.2)) == ("0.100 to 0.200", "–")
    assert (listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b"], "or")) == ("a", "a, b and c", "a or b")


@pytest.mark.parametrize(("lo", "hi", "expected"), [
    (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.83, 0.91, [0.84, 0.86, 0.88, 0.9]), (-3, 11, [0, 5, 10]), (2.0, 2.0, [2.0]),
])
def test_ticks_are_round(lo: float, hi: float, expected: list[float]) -> None:
    assert ticks(lo, hi) == pytest.approx(expected)
