"""The report's sentences go as far as the tests, and numbers are written alike."""

import math
from collections.abc import Callable

import pytest
from toy_predictions import Toy, write_params, write_toy

from pipelines.publishing.descriptions import run_note, summary_note
from stages import evaluate
from stages.contracts.candidate import CHOSEN, Candidate
from stages.contracts.documents.evaluation_document import Evaluation, SweepPoint
from stages.contracts.documents.results_document import Comparison
from stages.contracts.paths import evaluation_path
from stages.evaluation.comparisons import verdict as verdict_of_test
from stages.evaluation.statistics import Posterior
from stages.foundation.documents import read_document
from stages.reporting.doubts import edge_finding, leak_finding
from stages.reporting.evaluation_figures import draw_figures
from stages.reporting.findings import (
    baseline_finding,
    findings,
    fusion_finding,
    learner_finding,
    sufficient_finding,
    verdict,
)
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
            return {"verdict": verdict, "difference": -0.1 if pair(test) in worse else 0.1, "detectable": 0.2,
                    "p_corrected": 0.3 if verdict == "not shown" else 0.01}

        return with_tests(base, change)

    return with_verdicts


ALL = {(model, modality) for model in ("knn", "svm", "mlp") for modality in ("image", "text")}


@pytest.mark.parametrize(("better", "sentence"), [
    (ALL, "Fusing image and text beats each modality alone for every learner, by +0.100."),
    (set(), "No gain from fusing image and text over image or text alone is shown (+0.100; 0.200 would have been shown with 80\u00a0%)."),
    ({("svm", "image"), ("svm", "text"), ("knn", "image")},
     "Fusing image and text beats each modality alone for SVM, by +0.100. For kNN and MLP this is not shown."),
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
    assert "| worse&nbsp;" in run_note(evaluation, evaluation.result(Candidate("knn", ("image", "text"))), {})
    assert "| better&nbsp;" in run_note(evaluation, evaluation.result(Candidate("knn", ("text",))), {})


@pytest.mark.parametrize(("difference", "corrected", "said"), [
    (0.1, 0.01, "better"), (-0.1, 0.01, "worse"), (-0.1, 0.06, "not shown"), (0.1, math.nan, "not shown"), (math.nan, 0.01, "not shown"),
    (0.0, 0.01, "not shown"),
])
def test_a_test_supports_better_worse_or_nothing(difference: float, corrected: float, said: str) -> None:
    assert verdict_of_test(difference, corrected, None, 0.95) == said


def test_equal_in_practice_needs_the_region_to_hold_the_difference() -> None:
    near, wide = Posterior(0.01, 0.97, 0.02), Posterior(0.03, 0.94, 0.03)
    assert [verdict_of_test(0.002, 0.4, said, 0.95) for said in (near, wide)] == ["equal", "not shown"]
    assert verdict_of_test(0.002, 0.01, near, 0.95) == "better", "a small difference can be sure"


def test_equal_in_practice_is_said_with_its_region(judged: Judged) -> None:
    def change(test: Comparison) -> dict:
        return {"verdict": "equal"} if test.family == "fusion" and pair(test) == ("knn", "text") else {}

    said = fusion_finding(with_tests(judged(set()), change))
    assert said.endswith("It is equal in practice (within ±0.010) to text alone for kNN.")


@pytest.mark.parametrize(("verdicts", "sentence"), [
    ({"image": "better", "text": "equal"}, "text suffices for SVM: image + text is equal in practice (within ±0.010)."),
    ({"image": "better", "text": "not shown"}, "text is the smallest modality combination that is not shown to be worse than image + text "
     "for SVM (+0.050; 0.200 would have been shown with 80\u00a0%)."),
    ({"image": "better", "text": "better"},
     "For SVM no smaller modality combination suffices: image + text is better than each, by +0.050."),
])
def test_the_smallest_combination_that_suffices(base: Evaluation, verdicts: dict[str, str], sentence: str) -> None:
    top = Candidate("svm", ("image", "text"))
    ranked = tuple(found.model_copy(update={"rank": 0}) if found.candidate == top else found for found in base.candidates)

    def change(test: Comparison) -> dict:
        if test.family != "sufficient" or test.a.model != "svm":
            return {}
        return {"a": top, "difference": 0.05, "detectable": 0.2, "verdict": verdicts.get(test.b.combination, "better")}

    evaluation = with_tests(base.model_copy(update={"candidates": ranked}), change)
    assert sufficient_finding(evaluation) == sentence


def test_open_leaks_come_first_and_their_codes_are_named(base: Evaluation) -> None:
    assert leak_finding(base) == "" and findings(base)[0] == fusion_finding(base)
    leaking = base.model_copy(update={"open_leaks": ("near-duplicate-across-folds", "split-group")})
    assert findings(leaking)[0] == (
        "Scores may be too good: the leakage gate has open findings (near-duplicate-across-folds, split-group); see the validation page of "
        "toy and docs/leaks.md.")


def test_the_summary_marks_data_sets_with_open_leaks(base: Evaluation) -> None:
    leaking = base.model_copy(update={"dataset": "other", "open_leaks": ("near-duplicate-across-folds", "shared-file")})
    page = render([base, leaking], {})
    summary, *sections = page.split('<section id="')[1:]
    assert summary.count('<small class="open">') == 1 and "“open”: findings of the leakage gate" in summary
    assert '<small class="open">open: near-duplicate-across-folds, shared-file</small>' in summary.partition('href="#other"')[2]
    assert ["<summary>Leaks</summary>" in section for section in sections] == [False, True, False]
    assert "“open”" not in render([base], {})


@pytest.mark.parametrize(("values", "chosen", "said"), [
    ((0.1, 1, 10), (10, 10, 10, 1, 1), "C 10 (largest) of SVM · text"),
    ((0.1, 1, 10), (0.1, 0.1, 0.1, 10, 10), "C 0.1 (smallest) of SVM · text"),
    ((0.1, 1, 10), (10, 10, 1, 1, 1), ""), ((1, 10), (10,) * 5, ""), (("a", "b", "c"), ("c",) * 5, ""),
    ((1, 2, 5), (1,) * 5, ""), ((1, 2, 5), (5,) * 5, "C 5 (largest) of SVM · text"),
    ((1.0, 2.0, 5.0), (1.0,) * 5, "C 1 (smallest) of SVM · text"),
])
def test_the_end_of_a_grid_is_said_where_most_folds_chose_it(base: Evaluation, values: tuple, chosen: tuple, said: str) -> None:
    """Of two values one is an end always, words have no ends, and there is no count below one."""
    found = base.result(Candidate("svm", ("text",)))
    configs = tuple(fold.model_copy(update={"settings": {"C": value}}) for fold, value in zip(found.configs, chosen, strict=True))
    sweeps = {"C": tuple(SweepPoint(value=value, mean=0.5) for value in values)}
    only = found.model_copy(update={"configs": configs, "sweeps": sweeps, "rank": 1})
    sentence = f"At the end of their grids in most folds, so that a wider grid may do better: {said}." if said else ""
    assert edge_finding(base.model_copy(update={"candidates": (only,)})) == sentence


def test_the_best_of_several_stands_first_as_it_would_be_on_other_rows(base: Evaluation) -> None:
    biased = base.model_copy(update={"choice_bias": 0.02})
    best = base.primary_score(base.result(base.best)).mean
    assert best is not None
    said = f"{number(best - 0.02)} when corrected for being the best of 9, as it stands {number(best)}"
    assert said in learner_finding(biased)
    unknown = learner_finding(base.model_copy(update={"choice_bias": None}))
    assert "corrected for being" not in unknown and number(best) in unknown


@pytest.mark.parametrize(("n_twins", "said"), [
    (0, ", "), (1, ", shared with {}, "), (3, ", shared with {}, {} and {}, "), (4, ", shared with 4 more, "),
])
def test_a_mean_that_others_have_too_is_shared(base: Evaluation, n_twins: int, said: str) -> None:
    best, *others = [found for found in base.ranked()]
    twins = [found.candidate for found in others[:n_twins]]
    candidates = tuple(found.model_copy(update={"scores": best.scores}) if found.candidate in twins else found for found in base.candidates)
    sentence = learner_finding(base.model_copy(update={"candidates": candidates, "choice_bias": None}))
    listed_twins = said.format(*(candidate_name(twin, base) for twin in twins))
    assert f"has the highest mean accuracy{listed_twins}{number(base.primary_score(best).mean)}" in sentence


def test_a_learner_that_is_equal_in_practice_has_no_open_lead(base: Evaluation) -> None:
    verdicts = iter(["equal", "better"])
    equal = with_tests(base, lambda test: {"verdict": next(verdicts)} if test.family == "learners" and test.a == base.best else {})
    (first, second) = [test.b.model for test in equal.family("learners") if test.a == base.best]
    names = {"knn": "kNN", "mlp": "MLP"}
    assert learner_finding(equal).endswith(
        f"; its lead over the best {names[second]} is shown, it is equal in practice (within ±0.010) to the best {names[first]}.")


def test_verdict_is_the_finding_in_short(judged: Judged) -> None:
    assert verdict(judged(ALL)) == "beats each modality alone for every learner"
    assert verdict(judged({("svm", "image"), ("svm", "text")})) == "beats each modality alone for SVM"
    assert verdict(judged({("svm", "image")})) == "not shown to beat each modality alone"
    evaluation = judged(set())
    others = tuple(test for test in evaluation.comparisons if test.family != "fusion")
    assert verdict(evaluation.model_copy(update={"comparisons": others})) == "not trained on all together"
    assert verdict(evaluation.model_copy(update={"comparisons": others, "modalities": ("image",)})) == "one modality"


def test_findings_skip_families_without_tests(judged: Judged) -> None:
    evaluation = judged(set())
    assert len(findings(evaluation)) == 6
    evaluation = evaluation.model_copy(update={"comparisons": ()})
    assert [sentence.startswith("SVM · image + text: probabilities are") for sentence in findings(evaluation)] == [False, True]
    assert "lead" not in learner_finding(evaluation)


def test_lead_is_not_claimed_without_a_test(judged: Judged) -> None:
    evaluation = with_tests(judged(set()), lambda test: {"verdict": "not shown"})
    assert "is not shown" in learner_finding(evaluation)
    assert findings(evaluation)[3].startswith("No learner is shown to beat the majority baseline (+")


def test_a_learner_that_is_worse_than_the_baseline_is_named(judged: Judged) -> None:
    def change(test: Comparison) -> dict:
        return {"verdict": "worse" if test.a == Candidate("knn", ("text",)) else "better"} if test.family == "baseline" else {}

    assert findings(with_tests(judged(set()), change))[3] == (
        "8 of 9 learners × modality combinations beat the majority baseline; not shown for kNN · text. "
        "Worse than the majority baseline: kNN · text.")


def test_one_learner_on_one_modality_is_called_by_its_name(judged: Judged) -> None:
    evaluation = judged(set())
    one = evaluation.family("baseline")[0].model_copy(update={"verdict": "better"})
    alone = evaluation.model_copy(update={"comparisons": (one,), "combinations": (("image",),)})
    assert baseline_finding(alone) == f"kNN beats the majority baseline, by {signed(one.difference)}."


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


def test_ways_of_fusing_are_named_where_they_are_not_the_chosen_one(judged: Judged) -> None:
    evaluation = judged({("svm", "image"), ("svm", "text")})
    early, chosen = Candidate("svm", ("image", "text")), Candidate("svm", ("image", "text"), CHOSEN)
    assert candidate_name(early, evaluation) == "SVM · image + text"
    result = evaluation.result(early)

    def renamed(test: Comparison) -> dict:
        return {side: chosen for side in ("a", "b") if getattr(test, side) == early}

    evaluation = with_tests(evaluation, renamed)
    assert evaluation.best == early
    evaluation = evaluation.model_copy(update={
        "candidates": (*(result.model_copy(update={"fusion": CHOSEN}) if found is result else found for found in evaluation.candidates),
                       result.model_copy(update={"rank": 13})), "best": chosen})
    assert (candidate_name(chosen, evaluation), candidate_name(early, evaluation)) == ("SVM · image + text", "SVM · image + text (early)")
    assert candidate_name(Candidate("svm", ("text",)), evaluation) == "SVM · text"
    assert [found.candidate for found in evaluation.ranked()].count(chosen) == 1 and early not in [
        found.candidate for found in evaluation.ranked()]
    assert fusion_finding(evaluation) == ("Fusing image and text beats each modality alone for SVM, by +0.100. "
                                          "For kNN and MLP this is not shown.")
    drawn = set(draw_figures(evaluation))
    assert "svm__image+text__confusion" in drawn and "svm__image+text__early__confusion" not in drawn
    assert "SVM · image + text (early)" not in render([evaluation], {})


def test_numbers_are_written_alike() -> None:
    assert (number(None), number(-0.5), signed(-0.12345), signed(0.1), signed(-1e-17)) == ("–", "−0.500", "−0.123", "+0.100", "0.000")
    assert (p_value(0.00001), p_value(0.0312), p_value(None)) == ("< 0.001", "0.031", "–")
    assert (number(1234.567), number(34.0849), number(0.000123), signed(-1234.5), signed(0.00042)) == (
        "1,235", "34.08", "0.00012", "−1,234", "+0.00042")
    assert (interval(0.1, 0.2), interval(None, 0.2)) == ("0.100 to 0.200", "–")
    assert (listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b"], "or")) == ("a", "a, b and c", "a or b")
