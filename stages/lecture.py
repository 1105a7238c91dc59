"""Write the page of all lessons in params.yaml, data/lecture/lecture.html: one file that needs no network."""

import stages.pages.matplotlib_folder  # noqa: F401 - before matplotlib is loaded

# isort: split
from stages.contracts.documents.lesson_document import LessonResult
from stages.contracts.paths import lecture_path, lesson_path
from stages.foundation.documents import read_document
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, read_params
from stages.foundation.tables import write_text
from stages.lecture_page.page import render_lecture


def main() -> None:
    """Lay out every lesson that params.yaml declares, in the order of the lecture."""
    declared = read_params().get("lessons") or {}
    if not declared:
        raise InputError(f"{PARAMS}: lessons: no lesson is declared; add one, such as `lessons: {{xor: {{}}}}`")
    results = [read_document(lesson_path(name), LessonResult) for name in declared]
    write_text(lecture_path(), render_lecture(sorted(results, key=lambda result: result.order)))


if __name__ == "__main__":
    run_stage(main)
