"""Lay lessons out as one self-contained page, in the order of the lecture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.contracts.documents.lesson_document import DrawnLessonFigure, LessonResult, MeasuredNumber
from stages.contracts.lesson import CHAPTERS, Measured, written
from stages.contracts.paths import lesson_dir
from stages.foundation.plain_output import plain
from stages.lecture_page.formulas import formula_svg
from stages.pages.drawing import themed
from stages.pages.page_parts import DASHBOARD, page_css

TEMPLATES = Path(__file__).parent / "templates"


def render_lecture(results: Sequence[LessonResult]) -> str:
    """Return the page as one HTML document that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)
    environment.filters |= {"value": value_text, "interval": interval_text}
    chapters = [(chinese, english, [lesson_section(result) for result in results if result.chapter == chinese])
                for chinese, english in CHAPTERS.items()]  # fmt: skip
    page = environment.get_template("lecture.html.j2")
    return plain(page.render(css=page_css([TEMPLATES / "lecture.css"]), chapters=[chapter for chapter in chapters if chapter[2]],
                             dashboard=DASHBOARD))


def lesson_section(result: LessonResult) -> dict[str, Any]:
    """Return all that the section of a lesson shows."""
    return {
        "lesson": result,
        "figures": [(figure, frames_of(result.lesson, figure)) for figure in result.figures],
        "formulas": [(formula, Markup(themed(formula_svg(formula.latex, f"{result.lesson}/formula/{index}"))))
                     for index, formula in enumerate(result.formulas)],
        "changed": settings_text(result.settings),
    }  # fmt: skip


def frames_of(lesson: str, figure: DrawnLessonFigure) -> list[tuple[str, Markup]]:
    """Return a figure's frames, each with its label."""
    return [(frame.label, Markup(themed((lesson_dir(lesson) / frame.file).read_text(encoding="utf-8")))) for frame in figure.frames]


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings as params.yaml would have them."""
    return ", ".join(f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in settings.items())


def value_text(number: MeasuredNumber) -> str:
    """Return the mean of a number with its unit."""
    return str(Measured(number.title, [value for value in number.values if value is not None], number.unit, number.is_share))


def interval_text(number: MeasuredNumber) -> str:
    """Return "0.70 to 0.76", or a dash for a single value."""
    if number.lo is None or number.hi is None:
        return "–"
    return f"{100 * number.lo:.3g} to {100 * number.hi:.3g} %" if number.is_share else f"{written(number.lo)} to {written(number.hi)}"
