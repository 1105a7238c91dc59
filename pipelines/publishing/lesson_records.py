"""What stands on the server of lessons: one record per lesson, in the experiment sensorium/lessons."""

from collections.abc import Mapping
from typing import Any

from pipelines.publishing.costs import COST, cost_of
from pipelines.publishing.lock_entries import digest, identity, refuse_changed
from pipelines.publishing.record import Record, git_tags
from pipelines.publishing.saved_view import saved_view
from stages.checking.stale_outputs import LESSONS_LOCK
from stages.contracts.documents.lesson_document import LessonResult, MeasuredNumber
from stages.contracts.paths import lecture_path, lesson_dir, lesson_path
from stages.foundation.documents import read_document

EXPERIMENT = "lessons"
WIDTHS = {"order": 56, "found": 420, "claims": 120, COST: 84}  # px, of the columns of the saved view


def lesson_record(lock: Mapping[str, Any], name: str) -> Record:
    """Return the record of a lesson.

    Args:
        lock: the entries of the lessons' dvc.lock by stage.
    Raises:
        InputError: if a file is missing or is not the one that the lock names.
    """
    stage = f"lesson@{name}"  # in the lock; elsewhere its address begins with the path of its dvc.yaml
    refuse_changed(lock[stage], stage, ("data/lessons/",))
    result = read_document(lesson_path(name), LessonResult)
    holding = sum(claim.holds for claim in result.claims)
    return Record(
        name=name,
        key=digest({"stage": identity(lock[stage])}),
        tags={"kind": "lesson", "lesson": name, "chapter": result.chapter, "order": f"{result.order:03}", "found": result.sentences[0],
              "claims": f"{holding} of {len(result.claims)} hold", "mlflow.source.type": "PROJECT", "mlflow.source.name": stage,
              **git_tags()},
        params={key: str(value) for key, value in result.settings.items()},
        points=[*(point for number in result.numbers for point in number_points(number)),
                ("claims_holding", holding, 0), ("claims", len(result.claims), 0)],
        note=note_of(result),
        files={"lecture.html": lecture_path(),
               **{frame.file: lesson_dir(name) / frame.file for figure in result.figures for frame in figure.frames}},
        data=None,
        cost=cost_of(f"{LESSONS_LOCK.with_name('dvc.yaml').as_posix()}:{stage}", lock[stage]),
    )  # fmt: skip


def lessons_view() -> dict[str, str]:
    """Return the tag that holds the saved view of the lessons: in the order of the lecture, with what each found."""
    return saved_view("Lessons", WIDTHS, "tags.kind = 'lesson'", order="order", name_width=170)


def number_points(number: MeasuredNumber) -> list[tuple[str, float, int]]:
    """Return a number's mean and the ends of its interval, where they are defined."""
    ends = {"_mean": number.mean, "_lo": number.lo, "_hi": number.hi}
    return [(f"{number.name}{end}", value, 0) for end, value in ends.items() if value is not None]


def note_of(result: LessonResult) -> str:
    """Return the description of a run: question, sentences, claims."""
    claims = [f"- {'holds' if claim.holds else '**does not hold**'}: {claim.text}" for claim in result.claims]
    return "\n\n".join([f"**{result.title}.** {result.question}", *result.sentences, "\n".join(claims)])
