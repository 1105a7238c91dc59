"""Run one lesson: its experiment, figures and sentences, into data/lessons/<name>/."""

import stages.foundation.threads  # before numpy is loaded
import stages.pages.matplotlib_folder  # noqa: F401 - before matplotlib is loaded

# isort: split
import shutil

from stages.contracts.documents.lesson_document import (
    DrawnFrame,
    DrawnLessonFigure,
    FormulaText,
    LessonResult,
    MeasuredNumber,
    StatedClaim,
)
from stages.contracts.lesson import Lesson, LessonFigure, Measured
from stages.contracts.paths import lesson_dir, lesson_path
from stages.contracts.settings import Settings
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section
from stages.foundation.registry import component
from stages.foundation.tables import write_text
from stages.pages.drawing import figure_style, render


def main(name: str) -> None:
    """Write data/lessons/<name>/lesson.json and the figures next to it."""
    params = read_params()
    lesson: Lesson = component("lessons", name)
    settings = section(params, f"lessons.{name}", lesson.settings)
    shutil.rmtree(lesson_dir(name), ignore_errors=True)
    with figure_style():
        observed = lesson.observe(settings, params["seed"])
        figures = [written_figure(name, figure) for figure in observed.figures]
    numbers = observed.numbers
    write_document(lesson_path(name), LessonResult(
        lesson=name, title=lesson.title, chapter=lesson.chapter, order=lesson.order, slides=tuple(lesson.slides), question=lesson.question,
        setup=lesson.setup, settings=dumped(settings), change=lesson.change, erratum=lesson.erratum,
        formulas=tuple(FormulaText(name=one.name, latex=one.latex, source=one.source) for one in lesson.formulas),
        numbers=tuple(number_of(name, number) for name, number in numbers.items()),
        claims=tuple(StatedClaim(text=claim.text, holds=bool(claim.holds)) for claim in lesson.claims(numbers)),
        sentences=tuple(lesson.sentences(numbers)), figures=tuple(figures),
    ))  # fmt: skip
    for sentence in lesson.sentences(numbers):
        print(f"  {sentence}", flush=True)


def dumped(settings: Settings) -> dict[str, object]:
    """Return all settings, the defaults too."""
    return settings.model_dump(mode="json")


def number_of(name: str, number: Measured) -> MeasuredNumber:
    """Return a number as the document has it."""
    lo, hi = number.interval or (None, None)
    return MeasuredNumber(name=name, title=number.title, unit=number.unit, is_share=number.is_share,
                          values=tuple(float(value) for value in number.values), mean=number.mean, lo=lo, hi=hi)


def written_figure(lesson: str, figure: LessonFigure) -> DrawnLessonFigure:
    """Write a figure's frames; return where they are."""
    frames = []
    for index, frame in enumerate(figure.frames):
        file = f"figures/{figure.name}_{index:02}.svg"
        label = f"{figure.title}: {frame.label}" if len(figure.frames) > 1 else figure.title
        write_text(lesson_dir(lesson) / file, render(frame.figure, f"{lesson}/{figure.name}/{index}", f"{label}. {figure.description}"))
        frames.append(DrawnFrame(label=frame.label, file=file))
    return DrawnLessonFigure(name=figure.name, title=figure.title, description=figure.description, frames=tuple(frames), first=figure.first)


if __name__ == "__main__":
    run_stage(main)
