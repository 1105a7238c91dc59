"""What the report says of calibration on few rows and of settings that nothing chose, and which figures of docs/honesty.md are bold."""

from dataclasses import replace

import pytest
from toy_evaluation import candidate_result, fold_scores, toy_evaluation

from benchmarks.simulated_folds import Cell
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import ChosenConfig, Evaluation, GridPoint
from stages.evaluate import isotonic_rows
from stages.reporting.findings import findings
from stages.reporting.report_page import configurations, render

LINEAR = Candidate("linear", ("text",))


def evaluated(grid: list[dict], chosen: list[int]) -> Evaluation:
    """Return an evaluation of the linear model with a grid; chosen: its configurations' numbers by outer fold."""
    scores = {"accuracy": fold_scores(*[0.8] * len(chosen))}
    configs = tuple(ChosenConfig(repeat=0, fold=fold, config=number, settings=grid[number], inner_score=0.8)
                    for fold, number in enumerate(chosen))
    result = candidate_result(LINEAR, 1, scores, configs=configs, grid=tuple(GridPoint(settings=one, mean=0.8) for one in grid))
    return toy_evaluation({LINEAR: scores}, "accuracy").model_copy(update={"candidates": (result,)})


def test_settings_with_one_value_are_not_said_to_be_chosen() -> None:
    grid = [{"C": c, "max_iter": 100, "tol": 0.001, "calibration": "sigmoid"} for c in (0.1, 1)]
    evaluation = evaluated(grid, [1, 0, 1])
    (row,) = configurations(evaluation)
    assert row["chosen"] == [{"settings": "C 1", "n_folds": 2}, {"settings": "C 0.1", "n_folds": 1}]
    assert row["fixed"] == "max_iter 100, tol 0.001, calibration sigmoid"
    assert "not chosen: max_iter 100, tol 0.001, calibration sigmoid" in render([evaluation], {})


def test_of_one_configuration_nothing_is_chosen_and_a_setting_that_applies_to_some_is() -> None:
    (row,) = configurations(evaluated([{"C": 1}], [0, 0]))
    assert row["chosen"] == [{"settings": "nothing to choose", "n_folds": 2}] and row["fixed"] == "C 1"
    (row,) = configurations(evaluated([{"kernel": "linear", "gamma": None, "C": 1}, {"kernel": "rbf", "gamma": 0.1, "C": 1}], [0, 1]))
    assert [one["settings"] for one in row["chosen"]] == ["kernel linear", "kernel rbf, gamma 0.1"] and row["fixed"] == "C 1"


@pytest.mark.parametrize(("method", "n_train", "rows"), [
    ("isotonic", [640, 999, 2000], 640), ("isotonic", [1000, 1200], None), ("sigmoid", [50, 60], None),
])
def test_isotonic_calibration_of_few_rows_is_said_with_their_number(method: str, n_train: list[int], rows: int | None) -> None:
    evaluation = evaluated([{"C": 1, "calibration": method}], [0])
    found = isotonic_rows(evaluation.candidates, n_train)
    assert found == rows
    said = [text for text in findings(evaluation.model_copy(update={"isotonic_rows": found})) if "Isotonic" in text]
    assert said == ([] if rows is None else [
        "Isotonic calibration was fitted to as few as 640 training rows of an outer fold; scikit-learn advises against it up to "
        "about 1,000, where it tends to overfit: see train.calibration in docs/params.md."])
    assert "isotonic_rows" not in evaluation.model_dump()


def test_a_rate_is_bold_where_its_promise_is_broken_beyond_the_error_of_the_simulation() -> None:
    """Of 500 data sets three standard errors above .05 are .079: of designs, and of the table of equal models."""
    cell = Cell("designs", ("100", "5 × 2 × 3"), 26, 500, "reject")
    assert cell.text == "0.052" and replace(cell, hits=39).text == "0.078" and replace(cell, hits=40).text == "**0.080**"
    assert replace(cell, hits=464, promised="cover").text == "**0.928**" and replace(cell, hits=465, promised="cover").text == "0.930"
    assert replace(cell, hits=400, promised="").text == "0.800"
