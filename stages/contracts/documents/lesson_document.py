"""What a lesson found, in words and numbers, for the page and the tracking server."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.lesson import CHAPTERS
from stages.contracts.quantities import Count, CountFromOne, Interval


class FormulaText(Document):
    """A formula in LaTeX, and where it is from."""

    name: str
    latex: str
    source: str


class MeasuredNumber(Interval):
    """A number, one value per seed; its 95 % interval, null of a single value. is_share: the values are 0 or 1, the mean is a share."""

    name: str
    title: str
    unit: str
    is_share: bool
    values: tuple[Number, ...] = Field(min_length=1)
    mean: Number


class StatedClaim(Document):
    """A statement, and whether the numbers carry it."""

    text: str
    holds: bool


class DrawnFrame(Document):
    """One position of a figure's slider. file: the SVG, relative to the lesson's folder."""

    label: str
    file: str


class DrawnLessonFigure(Document):
    """A figure of one frame, or with a slider. first: index of the frame that is shown without a touch."""

    name: str
    title: str
    description: str
    frames: tuple[DrawnFrame, ...] = Field(min_length=1)
    first: Count

    def contradictions(self) -> Iterable[str]:
        if self.first >= len(self.frames):
            yield f"first: expected an index below {len(self.frames)}, the number of frames, found {self.first}"


class LessonResult(Document):
    """What a lesson found. settings: all of them, as they were used. change: what a reader may try, keys and values of params.yaml."""

    lesson: str
    title: str
    chapter: Literal[tuple(CHAPTERS)]  # type: ignore[valid-type]
    order: CountFromOne
    slides: tuple[str, ...]
    question: str
    setup: str
    formulas: tuple[FormulaText, ...]
    settings: dict[str, Any]
    numbers: tuple[MeasuredNumber, ...]
    claims: tuple[StatedClaim, ...]
    sentences: tuple[str, ...]
    figures: tuple[DrawnLessonFigure, ...]
    change: str
    erratum: str


DOCUMENT = DocumentSchema(
    name="lesson",
    path="data/lessons/{lesson}/lesson.json",
    meaning="what a lesson found: numbers with intervals, sentences, claims and figures",
    kinds=(LessonResult,),
    remedy="delete it and run `make lessons`",
)
