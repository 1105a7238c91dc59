"""No page claims more than the tests show: every comparative has a test or a rank behind it, or is a fixed explanation listed here.

Evaluations are made by the real evaluate from toy predictions; every page that shows results is rendered from each of them.
"""

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

import pytest
from claims import (
    COMPARATIVE,
    comparative,
    rows_of_note,
    rows_of_tests,
    sentences_of_html,
    sentences_of_markdown,
    unjustified,
    unsupported,
    unsupported_rows,
)
from imports import ROOT
from toy_predictions import SKILL, TOYS, Toy, only, write_leaking, write_params, write_toy

from pipelines.comparing.comparison_text import candidate_text, markdown, summary, terminal_lines
from pipelines.orchestration.artifacts import result_rows
from pipelines.orchestration.artifacts import summary as flow_summary
from pipelines.orchestration.moves import moved
from pipelines.publishing.descriptions import experiment_note, leaderboard_csv, run_note, summary_note
from pipelines.publishing.leaderboard_tags import DIFFERENCE, OTHER_WAY, RANK, VERDICT, leaderboard_tags
from stages import evaluate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.leaks_document import Finding, Leaks
from stages.contracts.documents.results_document import Results
from stages.contracts.documents.version_comparison_document import CandidateMove, DatasetMoves, VersionComparison, VersionInfo
from stages.contracts.paths import evaluation_path, leaks_path, predictions_dir, splits_path
from stages.foundation.documents import read_document, write_document
from stages.paired_versions.candidate_moves import paired, with_verdicts
from stages.paired_versions.version_files import VersionFiles
from stages.reporting.evaluation_figures import DrawnFigure, draw_figures
from stages.reporting.findings import findings
from stages.reporting.formatting import candidate_name, signed, with_interval
from stages.reporting.readme import results_table, short_table
from stages.reporting.report_page import render

# What each page may say without a test, by page; the file's first line says what belongs there.
SECTIONS = (ROOT / "tests" / "fixed_sentences.txt").read_text(encoding="utf-8").split("\n## ")[1:]
FIXED_OF = {head: tuple(filter(None, lines)) for head, *lines in (part.split("\n") for part in SECTIONS)}
FIXED = FIXED_OF["pages"]
# How the ends of a grid are named (largest, smallest) is checked in tests/test_findings.py.
ENDS = re.compile(r"At the end of their grids in most folds, so that a wider grid may do better: "
                  r"(?:(?:, | and |)\w+ [-\w.]+ \((?:largest|smallest)\) of [^,]+?)+\.")


def skills(**by_model: tuple[float, float, float]) -> dict[str, dict[str, float]]:
    """Return the skill of each model on image, text and both, next to the constant's."""
    return {"constant": SKILL["constant"]} | {name: dict(zip(("image", "text", "image+text"), share, strict=True))
                                              for name, share in by_model.items()}  # fmt: skip


LOW = (0.02, 0.02, 0.02)
CONSTELLATIONS = {
    "usual": Toy(),
    "equal learners": Toy(skill=skills(knn=(0.5, 0.5, 0.5), svm=(0.5, 0.5, 0.5), mlp=(0.5, 0.5, 0.5))),
    "one clearly better": Toy(skill=skills(knn=(0.3, 0.4, 0.5), svm=(0.5, 0.6, 0.95), mlp=(0.3, 0.4, 0.5))),
    "seemingly better": Toy(skill=skills(knn=(0.5, 0.52, 0.55), svm=(0.5, 0.53, 0.56), mlp=(0.5, 0.51, 0.54))),
    "fusing harms": Toy(n_samples=900, skill=skills(knn=(0.3, 0.8, 0.4), svm=(0.3, 0.8, 0.5), mlp=(0.3, 0.7, 0.95))),
    "fusing helps over one": Toy(n_samples=900, skill=skills(knn=(0.3, 0.6, 0.6), svm=(0.3, 0.7, 0.71), mlp=(0.6, 0.3, 0.6))),
    "guessing": Toy(skill=skills(knn=LOW, svm=LOW, mlp=(0.02, 0.02, 0.3))),
    "worse than the baseline": Toy(n_samples=2000, outputs=("no", "yes"), skill=skills(knn=LOW, svm=(0.02, 0.02, 0.8), mlp=LOW)),
    "labels": TOYS[2],
    "regression": TOYS[3],
    "an error ranks": Toy(outputs=("length",), kind="regression", scoring="rmse", skill=skills(knn=(0.5, 0.6, 0.9), svm=(0.5, 0.6, 0.8))),
    "official split": Toy(n_folds=1, n_samples=400),
    "few groups": Toy(n_folds=1, n_samples=60),
    "one modality": Toy(modalities=("text",), skill=only("text")),
    "repeats": Toy(n_repeats=2, n_samples=120),
    "ways of fusing": Toy(ways={"early": -0.05, "late_mean": 0.0, "late_weighted": 0.02, "chosen": 0.02}),
    "a way that helps": Toy(n_samples=900, ways={"early": -0.3, "early_weighted": 0.1, "chosen": 0.1}),
    "a way that harms": Toy(n_samples=900, ways={"early": 0.1, "late_mean": -0.2, "chosen": -0.2}),
    "three modalities": Toy(modalities=("image", "text", "sound"), skill={"constant": {"": 0.0}, "svm": {
        "image": 0.3, "text": 0.5, "sound": 0.1, "image+text": 0.6, "image+sound": 0.3, "text+sound": 0.5, "image+text+sound": 0.7}}),
    "leaks": Toy(dataset="leaks", n_samples=400),
    "leaks of few groups": Toy(dataset="few", n_folds=1, n_samples=60),
    "leaks of an error": Toy(dataset="errors", kind="regression", outputs=("length",), scoring="rmse", skill=skills(knn=(0.5, 0.6, 0.9))),
}
LEAKS = {"leaks": {"image": (0.4, 0.9), "text": (0.6, 0.61), "image+text": (0.5, 0.8)}, "errors": {"image": (0.2, 0.9), "text": (0.6, 0.5)},
         "few": {"image": (0.2, 0.9)}}


@dataclass(frozen=True)
class Pages:
    """All that is rendered of one evaluation."""

    evaluation: Evaluation
    drawn: dict[str, DrawnFigure]

    @cached_property
    def report(self) -> str:
        return render([self.evaluation], {self.evaluation.dataset: self.drawn})

    @cached_property
    def run_notes(self) -> dict[str, str]:
        return {candidate_name(found.candidate, self.evaluation): run_note(self.evaluation, found, {"C": "1"})
                for found in self.evaluation.candidates}

    @cached_property
    def sentences(self) -> dict[str, list[str]]:
        """Return the sentences of each page."""
        found = self.evaluation
        figures = [text for figure in self.drawn.values() for text in (figure.title, figure.caption, *sentences_of_html(figure.svg))]
        table = [str(text) for row in result_rows(found) for text in (*row, *row.values())]
        return {
            "report": sentences_of_html(self.report), "figures": figures,
            "flow": [*table, *sentences_of_markdown(flow_summary([found], ""))],
            "experiment": sentences_of_markdown(experiment_note(found, "http://localhost")),
            "summary run": sentences_of_markdown(summary_note(found)),
            "runs": [text for note in self.run_notes.values() for text in sentences_of_markdown(note)],
            "tables": sentences_of_markdown(results_table([found]) + "\n" + short_table([found])),
            "csv": leaderboard_csv(found).splitlines(),
        }  # fmt: skip

    def unsupported(self) -> list[tuple[str, str]]:
        """Return (page, sentence) of each comparative without support."""
        return [(page, text) for page, sentences in self.sentences.items() for text in unsupported(sentences, self.evaluation, FIXED)
                if not ENDS.fullmatch(text)]  # fmt: skip


def open_leaks(dataset: str) -> Leaks:
    """Return what the leakage gate says of a data set with one finding that nobody has explained."""
    found = Finding(code="shared-file", severity="high", level="warn", subject="image", text="one file is in two folds", n_samples=2,
                    samples=("a", "b"), evidence={}, remedy="group by the file", documentation="docs/leaks.md#shared-file")  # fmt: skip
    return Leaks(dataset=dataset, examined=True, success=True, open=("shared-file",), findings=(found,), suite=None)


Rendered = Callable[[str], Pages]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Return a function that returns the pages of a constellation, evaluated once."""

    @cache
    def of(name: str) -> Pages:
        toy = CONSTELLATIONS[name]
        with chdir(tmp_path_factory.mktemp("constellation")):
            write_params([toy])
            write_toy(toy)
            if toy.dataset in LEAKS:
                write_leaking(toy, "random_folds", LEAKS[toy.dataset])
                write_leaking(toy, "shared_fit", {"text": (0.6, 0.6 if toy.dataset == "errors" else 0.61)})
                write_document(leaks_path(toy.dataset), open_leaks(toy.dataset))
            evaluate.main(toy.dataset)
            evaluation = read_document(evaluation_path(toy.dataset), Evaluation)
        return Pages(evaluation, draw_figures(evaluation))

    return of


@pytest.fixture(scope="module", params=CONSTELLATIONS)
def pages(request: pytest.FixtureRequest, rendered: Rendered) -> Pages:
    return rendered(request.param)


@pytest.fixture(scope="module")
def usual(rendered: Rendered) -> Pages:
    return rendered("one clearly better")


# ---------------------------------------------------------------- what is rendered of an evaluation
def test_every_comparative_is_backed(pages: Pages) -> None:
    assert comparative(pages.sentences["report"]) and comparative(pages.sentences["runs"] + pages.sentences["summary run"])
    assert pages.unsupported() == []


def test_every_row_of_a_table_of_tests_is_a_test(pages: Pages) -> None:
    rows = rows_of_tests(pages.report)
    assert len(rows) == len(pages.evaluation.comparisons)
    of_notes = [row for who, note in pages.run_notes.items() for row in rows_of_note(note, who)]
    assert len(of_notes) == 2 * len(rows), "each test stands in the notes of both runs"
    assert unsupported_rows([*rows, *of_notes], pages.evaluation) == []


def test_verdicts_follow_from_their_numbers(pages: Pages) -> None:
    assert unjustified(pages.evaluation, pages.evaluation.confidence) == []


def test_the_leaderboards_verdicts_are_those_of_the_tests_that_it_names(pages: Pages) -> None:
    tests = pages.evaluation.family("baseline")
    for candidate, tags in leaderboard_tags(pages.evaluation).items():
        if not candidate.is_compared(leaderboard_tags(pages.evaluation)):
            assert (tags[VERDICT], tags[DIFFERENCE], tags[RANK]) == (OTHER_WAY, "–", "")
        elif candidate.model in pages.evaluation.learners:
            assert tags[VERDICT] in [test.verdict for test in tests if test.a == candidate
                                     and tags[DIFFERENCE] == with_interval(test.difference, test.lo, test.hi, write=signed)]  # fmt: skip
        else:
            assert tags[VERDICT] in ("baseline", "diagnostic") and tags[DIFFERENCE] == "–"


def test_the_constellations_reach_every_kind_of_claim(rendered: Rendered) -> None:
    said = "\n".join(text for name in CONSTELLATIONS for text in findings(rendered(name).evaluation))
    for kind in (
        "beats each modality alone", "beats image alone for", "No gain from fusing", "It is worse than", "Every learner beats",
        "learners × modality combinations beat", "No learner is shown to beat", "Worse than the majority baseline", "its lead over",
        "that over the best", ", shared with ", "it is equal in practice", "no smaller modality combination suffices",
        "is not shown to be worse than", "has the lowest", "would be too good: ", "is not shown to be too good", "Scores may be too good",
        "is better than fusing with equal weights for", "is worse than fusing with equal weights for",
        "is not shown to differ from fusing with", "adding text to image changes", "adding sound to image and text changes",
        "could not be tested: no group of rows", "could not be tested: the test split has too few groups",
    ):  # fmt: skip
        assert kind in said, kind


# ---------------------------------------------------------------- a false claim is found
FALSE = ("SVM outperforms kNN.", "kNN · image is better than SVM · image + text.", "Fusing improves every score.",
         "MLP · text has the highest mean accuracy, 0.999.", "Fusing image and text beats each modality alone for kNN, by +0.100.",
         "If folds were drawn without groups, accuracy of linear would be too good: image +0.100 (+0.050 to +0.150), with 95 % intervals.",
         "kNN beats each modality.", "The score of kNN is higher than that of SVM.",
         "Every learner beats the majority baseline, by +0.100.",
         "For SVM, adding text to image changes accuracy by +0.900 [+0.800, +0.950] (better); 95 % intervals.",
         "Fusing image and text in the way that was chosen on the inner folds is better than fusing with equal weights for SVM (+0.100).",
         "text suffices for SVM: image + text is equal in practice (within ±0.010).", "kNN leads.",
         "9 of 9 learners × modality combinations beat the majority baseline; not shown for kNN · image.")  # fmt: skip


@pytest.mark.parametrize("sentence", FALSE)
def test_a_seeded_sentence_is_found(usual: Pages, sentence: str) -> None:
    html = usual.report.replace("<h3>Leaderboard</h3>", f"<p>{sentence}</p><h3>Leaderboard</h3>", 1)
    assert unsupported(sentences_of_html(html), usual.evaluation, FIXED) == [sentence]
    note = summary_note(usual.evaluation) + f"\n\n- {sentence}"
    assert unsupported(sentences_of_markdown(note), usual.evaluation, FIXED) == [sentence]


def test_a_seeded_row_is_found(usual: Pages) -> None:
    row = '<span class="tag not-shown">not shown</span>'
    assert row in usual.report
    changed = usual.report.replace(row, '<span class="tag better">better</span>', 1)
    assert len(unsupported_rows(rows_of_tests(changed), usual.evaluation)) == 1
    assert unsupported(["better", "* is better than *"], usual.evaluation, FIXED) == ["* is better than *"]


def test_a_page_of_other_verdicts_is_found(usual: Pages) -> None:
    """The same pages next to tests of which none shows anything, and tests whose numbers do not support their verdicts."""
    nothing = tuple(test.model_copy(update={"verdict": "not shown"}) for test in usual.evaluation.comparisons)
    other = usual.evaluation.model_copy(update={"comparisons": nothing})
    assert [text for text in findings(usual.evaluation) 
            if comparative(sentences_of_markdown(text)) and not unsupported(sentences_of_markdown(text), other, FIXED)] == []
    assert len(unsupported_rows(rows_of_tests(usual.report), other)) > 3
    all_better = tuple(test.model_copy(update={"verdict": "better"}) for test in usual.evaluation.comparisons)
    assert len(unjustified(usual.evaluation.model_copy(update={"comparisons": all_better}), 0.95)) > 3


def test_a_name_in_an_explanation_claims_nothing(usual: Pages) -> None:
    assert unsupported(["Dashed line: the better baseline. ↓: less is better."], usual.evaluation, FIXED)


# ---------------------------------------------------------------- kept results, versions
def test_kept_results_are_shown_as_far_as_their_tests_go() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    rows = {line.strip("| ").split("<br>")[0].split(" ")[0]: line for line in page.splitlines() if line.startswith("| ")}
    kept = [read_document(path, Results) for path in sorted((ROOT / "docs" / "results").glob("*.json"))]
    assert kept
    for results in kept:
        assert unjustified(results, 0.95) == []
        assert unsupported(sentences_of_markdown(rows[results.dataset]), results, FIXED) == []
    outside = re.sub(r"\n(?!\n|- |#|<) *", " ", "\n".join(line for line in page.splitlines() if not line.startswith("|")))
    assert unsupported(sentences_of_markdown(outside), kept[0], FIXED_OF["docs/results.md"]) == []


def versions(folder: Path, *toys: Toy) -> VersionComparison:
    """Return the comparison of two versions of a toy's predictions."""
    files = []
    models = ("knn", "svm", "mlp")
    for place, toy in enumerate(toys):
        (folder / str(place)).mkdir()
        with chdir(folder / str(place)):
            write_toy(toy)
        of_model = {model: folder / str(place) / predictions_dir("toy", model) / "predictions.arrow" for model in models}
        files.append(VersionFiles(folder / str(place) / splits_path("toy"), of_model))
    found = paired(*files, frozenset(), 0.95)
    moves = with_verdicts({"toy": found}, 0.95)["toy"]
    metric = {"name": "accuracy", "title": "accuracy", "greater_is_better": True}
    dataset = DatasetMoves.model_validate({"dataset": "toy", "metric": metric, "note": found.note, "changes": (), "candidates": ()})
    return VersionComparison(before=VersionInfo(name="v1", commit=None, lock="0"), after=VersionInfo(name="v2", commit=None, lock="1"),
                             confidence=0.95, datasets=(dataset.model_copy(update={"candidates": moves}),), environment=())  # fmt: skip


def unsupported_moves(text: str, comparison: VersionComparison) -> list[str]:
    """Return the lines with "moved" whose candidate's tests do not show it; counts must be right."""
    by_name = {f"{model} {' + '.join(move.modalities)}": move for dataset in comparison.datasets for move in dataset.candidates
               for model in [{"knn": "kNN", "svm": "SVM", "mlp": "MLP"}[move.model]]}  # fmt: skip
    wrong = []
    for line in text.splitlines():
        if not (said := re.search(r"(?:(?P<n>\d+) )?(?P<move>moved (?:up|down))", line)):
            continue
        if said["n"]:
            counted = {kind: str(sum(supports(move, kind) for move in by_name.values())) for kind in ("moved up", "moved down")}
            holds = all(n == counted[kind] for n, kind in re.findall(r"(\d+) (moved up|moved down)", line))
        else:
            cells = re.sub(r" {2,}| [|·] |^moved \w+: |: ", "  ", line.strip("| ")).split("  ")
            name = next((f"{a} {b}" for a, b in pairwise(cells) if f"{a} {b}" in by_name), "")
            holds = name in by_name and supports(by_name[name], said["move"])
        wrong += [] if holds else [line]
    return wrong


def supports(move: CandidateMove, kind: str) -> bool:
    """Return whether the tests of a candidate show that it moved this way."""
    shown = all(p is not None and p < 0.05 for p in (move.p_fold, move.p_row, move.p_corrected))
    return shown and move.difference is not None and (move.difference > 0) == (kind == "moved up")


@pytest.mark.parametrize("knn", [(0.35, 0.1, 0.95), (0.35, 0.51, 0.61)])
def test_moves_between_versions_are_shown(tmp_path: Path, knn: tuple[float, float, float]) -> None:
    before = {"constant": SKILL["constant"], **{name: SKILL[name] for name in ("knn", "svm", "mlp")}}
    comparison = versions(tmp_path, Toy(n_samples=600, skill=before), Toy(n_samples=600, skill=before | skills(knn=knn)))
    n_moved = len(comparison.moves("moved up", "moved down"))
    assert n_moved == (2 if knn[1] == 0.1 else 0)
    lines = [candidate_text(dataset, move) for dataset, move in comparison.moves("moved up", "moved down")]
    assert len(moved(comparison)) == len(lines)
    for text in ("\n".join(terminal_lines(comparison)), markdown(comparison), "\n".join(moved(comparison)), summary(comparison)):
        assert unsupported_moves(text, comparison) == []
    if not n_moved:
        assert unsupported_moves("moved up: toy · kNN · image: 0.500 → 0.600\n1 moved up, 8 identical", comparison) != []
        nothing = markdown(comparison).replace("no evidence", "moved up")
        assert len(unsupported_moves(nothing, comparison)) >= 2


# ---------------------------------------------------------------- who may word a decision
WORDING = {  # modules that word what tests show
    "stages/reporting/findings.py", "stages/reporting/together.py", "stages/reporting/doubts.py", "stages/reporting/gains.py",
    "stages/paired_versions/candidate_moves.py", "pipelines/publishing/champions.py", "pipelines/comparing/comparison_text.py",
    "pipelines/orchestration/moves.py", "stages/reporting/representation_sentences.py",
}  # fmt: skip
NAME = re.compile(r"[\w./*]+|moved up|moved down")  # of a field, verdict, key or parameter


def strings_of(path: Path) -> Iterator[str]:
    """Yield the strings of a module that are not docstrings; an f-string as one, with * for what is put in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body]
    documented = {id(first.value) for first, *_ in blocks if isinstance(first, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented | parts:
            yield node.value


def test_only_the_modules_that_word_decisions_compare() -> None:
    folders = ("stages/reporting", "pipelines/publishing", "pipelines/comparing", "pipelines/orchestration", "stages/paired_versions")
    said: dict[str, set[str]] = {}
    for path in (path for folder in folders for path in sorted((ROOT / folder).glob("*.py"))):
        name = path.relative_to(ROOT).as_posix()
        texts = {text for text in strings_of(path) if COMPARATIVE.search(text) and not NAME.fullmatch(text)}
        if texts and name not in WORDING:
            said[name] = {text for text in texts if not any(_covers(fixed, text) for fixed in (*FIXED, *FIXED_OF["errors"]))}
    assert {name: texts for name, texts in said.items() if texts} == {}


def _covers(fixed: str, text: str) -> bool:
    """Return whether a string of code is a part of a fixed sentence."""
    def pieces(said: str) -> list[str]:
        return [part.strip() for part in re.split(r"[*|\n]", said.replace("\u00a0", " ")) if part.strip()]

    return all(any(part in whole for whole in pieces(fixed)) or part in fixed for part in pieces(text) if COMPARATIVE.search(part))
