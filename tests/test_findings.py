"""The report's sentences go as far as the tests, and numbers are written alike."""

import math
from collections.abc import Callable

import pytest
from toy_predictions import Toy, write_params, write_toy

from pipelines.publishing.descriptions import run_note, summary_note
from stages import evaluate
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import Comparison
from stages.contracts.paths import evaluation_path
from stages.evaluation.comparisons import verdict as verdict_of_test
from stages.foundation.documents import read_document
from stages.reporting.evaluation_figures import draw_figures
from stages.reporting.findings import baseline_finding, findings, fusion_finding, learner_finding, verdict
from stages.reporting.formatting import candidate_name, interval, listed, number, p_value, signed
from stages.reporting.report_page import render


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Return the evaluation of the toy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("toy"))
        write_params([Toy()])
        write_toy(Toy())
        evaluate.main("toy")
        return read_document(evaluation_path("toy"), Evaluation)


Judged = Callable[..., Evaluation]
Pairs = frozenset[tuple[str, str]] | set[tuple[str, str]]


def with_tests(evaluation: Evaluation, change: Callable[[Comparison], dict]) -> Evaluation:
    """Return an evaluation whose comparisons have the fields that `change` returns."""
    tests = tuple(test.model_copy(update=change(test)) for test in evaluation.comparisons)
    return evaluation.model_copy(update={"comparisons": tests})


def pair(test: Comparison) -> tuple[str, str]:
    """Return the fused model and the single modality of a comparison."""
    return test.a.model, test.b.combination


@pytest.fixture
def judged(base: Evaluation) -> Judged:
    """Return a function that gives the toy's evaluation with chosen verdicts of its fusion tests."""

    def with_verdicts(better: Pairs, worse: Pairs = frozenset()) -> Evaluation:
        def change(test: Comparison) -> dict:
            if test.family != "fusion":
                return {}
            verdict = "better" if pair(test) in better else "worse" if pair(test) in worse else "not shown"
            return {"verdict": verdict, "difference": -0.1 if pair(test) in worse else 0.1,
                    "p_corrected": 0.3 if verdict == "not shown" else 0.01}

        return with_tests(base, change)

    return with_verdicts


ALL = {(model, modality) for model in ("knn", "svm", "mlp") for modality in ("image", "text")}


@pytest.mark.parametrize(("better", "sentence"), [
    (ALL, "Fusing image and text beats each modality alone for every learner."),
    (set(), "No gain from fusing image and text over image or text alone is shown."),
    ({("svm", "image"), ("svm", "text"), ("knn", "image")},
     "Fusing image and text beats each modality alone for SVM. For kNN and MLP this is not shown."),
    ({("svm", "image"), ("mlp", "image")},
     "Fusing image and text beats image alone for MLP and SVM; a gain over text alone is not shown for any learner."),
    ({("svm", "image"), ("mlp", "text")},
     "Fusing image and text beats image alone for SVM and beats text alone for MLP; a gain over both is not shown for any one learner."),
])
def test_fusion_is_claimed_as_far_as_tests_go(judged: Judged, better: set[tuple[str, str]], sentence: str) -> None:
    assert fusion_finding(judged(better)) == sentence


def test_a_loss_by_fusing_is_said(judged: Judged) -> None:
    said = fusion_finding(judged(set(), frozenset({("knn", "text")})))
    assert said.endswith("It is worse than text alone for kNN (−0.100, corrected p 0.010).")


def test_a_loss_is_told_alike_by_report_and_dashboard(judged: Judged) -> None:
    evaluation = judged(set(), frozenset({("knn", "text")}))
    evaluation = evaluation.model_copy(update={"comparisons": tuple(evaluation.family("fusion"))})
    assert '<span class="tag worse">worse</span>' in render([evaluation], {})
    note = summary_note(evaluation)
    assert "It is worse than text alone for kNN (−0.100, corrected p 0.010)." in note
    assert "- kNN · image + text is worse than kNN · text: accuracy −0.100 (corrected p 0.010)" in note
    assert "yes, worse" in run_note(evaluation, evaluation.result(Candidate("knn", ("image", "text"))), {})
    assert "yes, better" in run_note(evaluation, evaluation.result(Candidate("knn", ("text",))), {})


@pytest.mark.parametrize(("difference", "corrected", "said"), [
    (0.1, 0.01, "better"), (-0.1, 0.01, "worse"), (-0.1, 0.06, "not shown"), (0.1, math.nan, "not shown"), (math.nan, 0.01, "not shown"),
    (0.0, 0.01, "not shown"),
])
def test_a_test_supports_better_worse_or_nothing(difference: float, corrected: float, said: str) -> None:
    assert verdict_of_test(difference, corrected, confidence=0.95) == said


def test_verdict_is_the_finding_in_short(judged: Judged) -> None:
    assert verdict(judged(ALL)) == "beats each modality alone for every learner"
    assert verdict(judged({("svm", "image"), ("svm", "text")})) == "beats each modality alone for SVM"
    assert verdict(judged({("svm", "image")})) == "not shown to beat each modality alone"
    evaluation = judged(set())
    others = tuple(test for test in evaluation.comparisons if test.family != "fusion")
    assert verdict(evaluation.model_copy(update={"comparisons": others})) == "one modality"


def test_findings_skip_families_without_tests(judged: Judged) -> None:
    evaluation = judged(set())
    assert len(findings(evaluation)) == 3
    evaluation = evaluation.model_copy(update={"comparisons": ()})
    assert len(findings(evaluation)) == 1
    assert "lead" not in learner_finding(evaluation)


def test_lead_is_not_claimed_without_a_test(judged: Judged) -> None:
    evaluation = with_tests(judged(set()), lambda test: {"verdict": "not shown"})
    assert "is not shown" in learner_finding(evaluation)
    assert findings(evaluation)[1] == "No learner is shown to beat the majority baseline."


def test_a_learner_that_is_worse_than_the_baseline_is_named(judged: Judged) -> None:
    def change(test: Comparison) -> dict:
        return {"verdict": "worse" if test.a == Candidate("knn", ("text",)) else "better"} if test.family == "baseline" else {}

    assert findings(with_tests(judged(set()), change))[1] == (
        "8 of 9 learners × modality combinations beat the majority baseline; not shown for kNN · text. "
        "Worse than the majority baseline: kNN · text.")


def test_one_learner_on_one_modality_is_called_by_its_name(judged: Judged) -> None:
    evaluation = judged(set())
    one = evaluation.family("baseline")[0].model_copy(update={"verdict": "better"})
    alone = evaluation.model_copy(update={"comparisons": (one,), "combinations": (("image",),)})
    assert baseline_finding(alone) == "kNN beats the majority baseline."


def test_a_baseline_at_the_top_is_no_learners_lead(judged: Judged) -> None:
    evaluation = judged(set())
    constant = next(found for found in evaluation.candidates if found.model == "constant")
    evaluation = evaluation.model_copy(update={"best": constant.candidate})
    level = number(constant.scores["accuracy"].mean)
    assert learner_finding(evaluation) == f"No learner's mean accuracy is above {level}, that of the majority baseline."
    assert learner_finding(evaluation.model_copy(update={"form": "continuous"})).endswith("that of the mean baseline.")
    several = evaluation.model_copy(update={"baselines": ("constant", "shuffled")})
    assert baseline_finding(several).endswith("beat the baselines; not shown for kNN · image, "
        "MLP · image, MLP · text, SVM · image and SVM · text.")


def test_ways_of_fusing_are_named_where_several_are_compared(judged: Judged) -> None:
    evaluation = judged({("svm", "image"), ("svm", "text")})
    fused = Candidate("svm", ("image", "text"))
    late = Candidate("svm", ("image", "text"), "late")
    assert candidate_name(fused, evaluation) == "SVM · image + text"
    tests = tuple(test.model_copy(update={"a": late, "verdict": "not shown"}) for test in evaluation.family("fusion") if test.a == fused)
    evaluation = evaluation.model_copy(update={
        "candidates": (*evaluation.candidates, evaluation.result(fused).model_copy(update={"fusion": "late", "rank": 13})),
        "comparisons": (*evaluation.comparisons, *tests)})
    assert (candidate_name(fused, evaluation), candidate_name(late, evaluation)) == (
        "SVM · image + text (early)", "SVM · image + text (late)")
    assert candidate_name(Candidate("svm", ("text",)), evaluation) == "SVM · text"
    assert fusion_finding(evaluation) == ("Fusing image and text beats each modality alone for SVM (early). "
                                          "For kNN (early), MLP (early) and SVM (late) this is not shown.")
    assert {"svm__image+text__early__confusion", "svm__image+text__late__confusion"} <= set(draw_figures(evaluation))
    assert "image + text (late)" in render([evaluation], {}) and "image + text (late)" in summary_note(evaluation)


def test_numbers_are_written_alike() -> None:
    assert (number(None), number(-0.5), signed(-0.12345), signed(0.1), signed(-1e-17)) == ("–", "−0.500", "−0.123", "+0.100", "0.000")
    assert (p_value(0.00001), p_value(0.0312), p_value(None)) == ("< 0.001", "0.031", "–")
    assert (number(1234.567), number(34.0849), number(0.000123), signed(-1234.5), signed(0.00042)) == (
        "1,235", "34.08", "0.00012", "−1,234", "+0.00042")
    assert (interval(0.1, 0.2), interval(None, 0.2)) == ("0.100 to 0.200", "–")
    assert (listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b"], "or")) == ("a", "a, b and c", "a or b")
