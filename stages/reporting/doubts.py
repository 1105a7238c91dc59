"""Sentences on what makes scores doubtful, or says that learners may do better: leaks, a reference that is not beaten, ends of grids."""

from collections.abc import Sequence
from typing import Any

from stages.contracts.documents.control_findings import ProtocolGap
from stages.contracts.documents.evaluation_document import ENOUGH_FOR_ISOTONIC, FEWEST_GROUPS, Evaluation
from stages.contracts.documents.results_document import Comparison
from stages.reporting.formatting import candidate_name, combination_name, level_name, listed, model_name, setting, signed
from stages.reporting.gains import gains

FEWEST_VALUES = 3  # of a parameter: of two, one is an end always
TUNED_BOOSTING = "hist_gradient_boosting"  # the model


def leak_finding(evaluation: Evaluation) -> str:
    """Return which codes of the leakage gate are open, that is neither explained nor ignored."""
    codes = evaluation.open_leaks
    if not codes:
        return ""
    return (f"Scores may be too good: the leakage gate has open findings ({', '.join(codes)}); see the validation page of "
            f"{evaluation.dataset} and docs/leaks.md.")


def gap_findings(evaluation: Evaluation) -> list[str]:
    """Return for each leak in the protocol that was let in on purpose which scores it is shown to make too good, and by how much."""
    found = []
    for control in dict.fromkeys(gap.control for gap in evaluation.protocol_gaps):
        gaps = [gap for gap in evaluation.protocol_gaps if gap.control == control]
        shown = [gap for gap in gaps if gap.verdict == "better"]
        learner, what = f"{evaluation.primary.title} of {model_name(gaps[0].model)}", gaps[0].what
        if shown:
            sizes = listed([f"{' + '.join(gap.modalities)} {signed(gap.difference)} "
                            f"({signed(gap.lo)} to {signed(gap.hi)})" for gap in shown])
            found.append(f"If {what}, {learner} would be too good: {sizes}, with {level_name(evaluation)} intervals.")
        elif any(gap.p is not None for gap in gaps):
            found.append(f"If {what}, {learner} is not shown to be too good.")
        else:
            found.append(f"Whether {learner} would be too good if {what} could not be tested: {_untested(gaps, evaluation)}.")
    return found


def _untested(gaps: Sequence[ProtocolGap], evaluation: Evaluation) -> str:
    """Return why none of the gaps has a test."""
    if all(gap.difference is None for gap in gaps):
        return "a score is not defined"
    if evaluation.is_one_split and max(gap.n_groups for gap in gaps) < FEWEST_GROUPS:
        return f"the test split has too few groups ({max(gap.n_groups for gap in gaps)}, of the {FEWEST_GROUPS} that are needed)"
    return "no group of rows scores differently with it"


def isotonic_finding(evaluation: Evaluation) -> str:
    """Return that isotonic calibration was fitted to few rows, if so."""
    if evaluation.isotonic_rows is None:
        return ""
    return (f"Isotonic calibration was fitted to as few as {evaluation.isotonic_rows:,} training rows of an outer fold; scikit-learn "
            f"advises against it up to about {ENOUGH_FOR_ISOTONIC:,}, where it tends to overfit: see train.calibration in docs/params.md.")


def boosting_finding(evaluation: Evaluation) -> str:
    """Return that gradient boosting beats every (other) learner on its best modality combination, if every test shows that.

    The control `gradient_boosting` has default settings; the model `hist_gradient_boosting` a grid.
    """
    control = evaluation.family("boosting")
    if control and all(test.verdict == "better" for test in control):
        return _beats("Gradient boosting with default settings", "every learner", control, evaluation)
    learners = evaluation.family("learners")
    tuned = [test for test in learners if TUNED_BOOSTING in (test.a.model, test.b.model)]
    if tuned and all(test.a.model == TUNED_BOOSTING and test.verdict == "better" for test in tuned):
        return _beats(f"Gradient boosting ({TUNED_BOOSTING})", "every other learner", tuned, evaluation)
    return ""


def _beats(what: str, whom: str, tests: Sequence[Comparison], evaluation: Evaluation) -> str:
    others = listed([candidate_name(test.b, evaluation) for test in tests])
    where = combination_name(tests[0].a, evaluation)
    return (f"{what} beats {whom}: on {where} it is better than {others}, by {gains(tests, evaluation)}. "
            "They may miss interactions or thresholds of single columns.")


def edge_finding(evaluation: Evaluation) -> str:
    """Return which numbers of the learners' best candidates were chosen at an end of their grid in more than half of the outer folds."""
    found = []
    for learner in evaluation.learners:
        best = evaluation.best_of([learner])
        if best is None:
            continue
        result = evaluation.result(best.candidate)
        for name, points in result.sweeps.items():
            values = [point.value for point in points]
            if len(values) < FEWEST_VALUES or not all(_is_number(value) for value in values):
                continue
            chosen = [fold.settings.get(name) for fold in result.configs]
            for end, which in ((min(values), "smallest"), (max(values), "largest")):
                if end == 1 and which == "smallest" and all(isinstance(value, int) for value in values):
                    continue  # a count: there is nothing below
                if 2 * chosen.count(end) > len(chosen):
                    found.append(f"{name} {setting(end)} ({which}) of {candidate_name(best.candidate, evaluation)}")
    return f"At the end of their grids in most folds, so that a wider grid may do better: {listed(found)}." if found else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
