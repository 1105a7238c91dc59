"""What every lesson promises: one file and one line of params.yaml, claims that its numbers carry and that other numbers would not."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import pytest
from imports import ROOT
from matplotlib.mathtext import MathTextParser

from stages.contracts.lesson import CHAPTERS, SHARE, Lesson, LessonSettings, Measured, Observed
from stages.contracts.settings import Settings
from stages.foundation.params_file import read_params, section
from stages.foundation.registry import component, names
from stages.pages.drawing import figure_style, render
from stages.params import parse

LESSONS = names("lessons")
PARAMS = read_params(ROOT / "params.yaml")
LONGER = 4.0  # times the declared seconds are allowed: a test shares its core with others
CHANGES = (0.0, -1.0, 0.5, 2.0, 1e3, 1e-3, 1e9)  # factors of numbers, for which each claim must fail at least once


def lesson_of(name: str) -> Lesson:
    lesson: Lesson = component("lessons", name)
    return lesson


@cache
def observed(name: str) -> tuple[Observed, float]:
    """Return what a lesson finds with the settings of params.yaml, and the processor seconds it takes."""
    lesson = lesson_of(name)
    started = time.process_time()
    with figure_style():
        found = lesson.observe(section(PARAMS, f"lessons.{name}", lesson.settings), PARAMS["seed"])
    return found, time.process_time() - started


def scaled(numbers: Mapping[str, Measured], changed: Sequence[str], factor: float) -> dict[str, Measured]:
    """Return numbers of which some are multiplied; a 0 becomes the factor."""
    return {name: replace(number, values=[factor * value if value else factor for value in number.values]) if name in changed else number
            for name, number in numbers.items()}


def test_lessons_are_found() -> None:
    assert len(LESSONS) >= 1
    assert set(PARAMS["lessons"]) == set(LESSONS), "one line of params.yaml per lesson"
    orders = [lesson_of(name).order for name in LESSONS]
    assert len(set(orders)) == len(orders), "two lessons have the same place"
    by_order = [lesson_of(name).chapter for name in sorted(LESSONS, key=lambda name: lesson_of(name).order)]
    assert by_order == sorted(by_order, key=list(CHAPTERS).index), "the order of the lessons is not that of the chapters"


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_says_what_it_is(name: str) -> None:
    lesson = lesson_of(name)
    assert lesson.name == name and lesson.question.endswith("?") and lesson.setup.endswith(".") and lesson.slides
    assert lesson.formulas and all(formula.source and formula.latex for formula in lesson.formulas)
    assert issubclass(lesson.settings, Settings) and all(field.description for field in lesson.settings.model_fields.values())
    for formula in lesson.formulas:
        MathTextParser("path").parse(f"${formula.latex}$")  # raises where mathtext does not know a command


@pytest.mark.parametrize("name", LESSONS)
def test_what_a_reader_may_change_is_valid(name: str) -> None:
    from stages.foundation.bounded_yaml import load_yaml

    lesson = lesson_of(name)
    changed = parse(load_yaml(f"{{{lesson.change}}}"), f"lessons.{name}", lesson.settings)
    assert changed != section(PARAMS, f"lessons.{name}", lesson.settings), "the suggested change changes nothing"


@pytest.mark.parametrize("name", LESSONS)
def test_every_claim_holds_on_its_numbers(name: str) -> None:
    found, _ = observed(name)
    claims = lesson_of(name).claims(found.numbers)
    assert claims and {claim.text: claim.holds for claim in claims} == {claim.text: True for claim in claims}


@pytest.mark.parametrize("name", LESSONS)
def test_no_claim_holds_on_all_numbers(name: str) -> None:
    found, _ = observed(name)
    lesson, keys = lesson_of(name), list(found.numbers)
    variants = [scaled(found.numbers, changed, factor) for changed in (keys, *([key] for key in keys)) for factor in CHANGES]
    for claim in lesson.claims(found.numbers):
        held = [other.holds for numbers in variants for other in lesson.claims(numbers) if other.text == claim.text]
        assert not all(held), f"{claim.text!r} holds whatever is measured"


@pytest.mark.parametrize("name", LESSONS)
def test_sentences_follow_the_numbers(name: str) -> None:
    found, _ = observed(name)
    lesson = lesson_of(name)
    said = lesson.sentences(found.numbers)
    assert 1 <= len(said) <= 4 and all(sentence.endswith(".") for sentence in said)
    for place, sentence in enumerate(said):
        others = {list(lesson.sentences(scaled(found.numbers, [key], factor)))[place:place + 1][0]
                  for key in found.numbers for factor in (0.37, 2.9)}
        assert others - {sentence}, f"{sentence!r} is said whatever is measured"


@pytest.mark.parametrize("name", LESSONS)
def test_numbers_and_figures_are_complete(name: str) -> None:
    found, seconds = observed(name)
    lesson = lesson_of(name)
    assert 2 <= len(found.numbers) <= 14
    assert any(len(number.values) > 1 for number in found.numbers.values()) == is_drawn(lesson), "numbers over seeds, where there are any"
    for key, number in found.numbers.items():
        assert key.isidentifier() and number.title and all(value == value for value in number.values), key
    assert 1 <= len(found.figures) <= 3
    for figure in found.figures:
        assert figure.title and figure.description.endswith(".") and 0 <= figure.first < len(figure.frames)
        labels = [frame.label for frame in figure.frames]
        assert len(set(labels)) == len(labels)
    assert seconds < LONGER * lesson.seconds + 10, f"takes {seconds:.0f} s, declared {lesson.seconds:.0f} s"


def test_intervals_of_shares_stay_within_0_and_1() -> None:
    """By hand: of 1, 1 and 0.9 the mean is 0.9667, t(2) = 4.303 and the half width 0.1434, so that 1.11 is cut to 1."""
    accuracies = Measured("", [1.0, 1.0, 0.9], bounds=SHARE)
    assert (accuracies.lo, accuracies.hi) == (pytest.approx(0.82324, abs=1e-5), 1.0)
    assert Measured("", [1.0, 1.0, 0.9]).hi == pytest.approx(1.11009, abs=1e-5)


def is_drawn(lesson: Lesson) -> bool:
    """Return whether a lesson draws random numbers."""
    return issubclass(lesson.settings, LessonSettings)


@pytest.mark.parametrize("name", LESSONS)
def test_same_seed_same_bytes(name: str) -> None:
    """Twice in one process, with the fewest seeds that a lesson takes."""
    lesson = lesson_of(name)
    fewest = {"n_seeds": 2} if is_drawn(lesson) else {}
    settings = parse({**(PARAMS["lessons"][name] or {}), **fewest}, f"lessons.{name}", lesson.settings)
    runs = []
    for _ in range(2):
        with figure_style():
            found = lesson.observe(settings, PARAMS["seed"])
            runs.append((found.numbers, [render(frame.figure, name, "") for figure in found.figures for frame in figure.frames]))
    assert runs[0] == runs[1]
