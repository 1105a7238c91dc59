"""The report stands alone, loads nothing, escapes what data say, and is the same bytes each time."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml
from imports import ROOT
from toy_predictions import TOYS as OF_EACH_TASK
from toy_predictions import Toy, only, write_params, write_toy

from stages import evaluate, report
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation, FoldScores, GridPoint, Quarantined
from stages.contracts.documents.results_document import Results
from stages.contracts.paths import evaluation_path, figures_dir, gallery_path, kept_results_path, plots_dir, report_path
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import CORES_VARIABLE
from stages.pages.drawing import figure_style
from stages.pages.drawing import render as render_figure
from stages.reporting.curve_figures import training_curve, tuning_curve, view_of
from stages.reporting.evaluation_figures import draw_figures, leaderboard_plot
from stages.reporting.formatting import candidate_name, reading_order
from stages.reporting.leaderboard import ranked
from stages.reporting.prediction_figures import MOST_CLASSES, MOST_OUTPUTS, output_metrics, output_table, prediction_plots
from stages.reporting.readme import KEPT, RESULTS, markers, results_table, short_table, with_block
from stages.reporting.report_page import DASHBOARD, render

TOYS = (
    Toy(outputs=("<b>apple</b>", "bread & butter", "a class with a name too long for a figure")),
    Toy(dataset="split", title='"Official" <split>', n_folds=1, n_samples=200, outputs=tuple("abcdefghijklmn")),
    Toy(dataset="single", modalities=("image",), skill=only("image")),
    replace(OF_EACH_TASK[2], outputs=("<i>red</i>", *sorted(f"tag {i}" for i in range(44))), modalities=("text",), skill=only("text")),
    replace(OF_EACH_TASK[3], outputs=tuple(f"size & {i}" for i in range(3))),
)
VOID = {"meta", "link", "br", "img", "hr", "input"}

SVM_TEXT = Candidate("svm", ("text",))
START, END = markers(RESULTS)
KEPT_START, KEPT_END = markers(KEPT)


@pytest.fixture(scope="module")
def workspace_of_toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the evaluations of the toys, and their report."""
    folder = tmp_path_factory.mktemp("toys")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(CORES_VARIABLE, "1")
        write_params(TOYS)
        for toy in TOYS:
            write_toy(toy)
            evaluate.main(toy.dataset)
        report.main()
    return folder


@pytest.fixture
def place(workspace_of_toys: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the folder of evaluations and report."""
    monkeypatch.chdir(workspace_of_toys)
    monkeypatch.setenv(CORES_VARIABLE, "1")
    return workspace_of_toys


def read_evaluation(dataset: str) -> Evaluation:
    """Return the evaluation of a toy."""
    return read_document(evaluation_path(dataset), Evaluation)


class Page(HTMLParser):
    """What the tests ask of a page: is it well formed, what does it load, what are its figures called."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_page_is_well_formed_and_stands_alone(place: Path) -> None:
    text = report_path().read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(text) < 2_000_000
    assert {"script", "img", "link", "iframe"}.isdisjoint(tag for tag, _ in page.tags)
    assert not any("src" in attributes for _, attributes in page.tags)
    assert "@import" not in text
    assert set(re.findall(r"https?:[^\"'<>\s]*", text)) == {"http://www.w3.org/2000/svg", DASHBOARD}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in page.tags if "href" in attributes and tag != "image"}
    assert links - {DASHBOARD} | set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{name}" for name in ids}
    assert all(attributes["href"].startswith("data:image/png;base64,") for tag, attributes in page.tags if tag == "image")


def test_page_holds_the_hash_that_dvc_has_of_each_data_sets_results(place: Path) -> None:
    text = report_path().read_text(encoding="utf-8")
    for toy in TOYS:
        known = hashlib.md5(evaluation_path(toy.dataset).read_bytes()).hexdigest()
        assert f"MD5 <code>{known}</code> of <code>data/evaluation/{toy.dataset}/evaluation.json</code>" in text


def test_verdicts_stand_before_the_numbers(place: Path) -> None:
    """A phone shows the first columns of a table alone."""
    text = report_path().read_text(encoding="utf-8")
    heads = [re.findall(r'<th scope="col"[^>]*>(.*?)</th>', head) for head in re.findall(r"<thead>(.*?)</thead>", text, re.DOTALL)]
    assert heads[0][:2] == ["Data set", "Fusing all modalities"]
    tests = [head[:3] for head in heads if "than (or to) b" in head]
    assert len(tests) > len(TOYS) and set(map(tuple, tests)) == {("a", "is", "than (or to) b")}


def test_learning_curves_are_a_line_per_outer_fold_and_never_a_mean_over_those_left(place: Path) -> None:
    evaluation = read_evaluation("toy")
    falling = ((0.9, 0.5, 0.4), (2.0, 1.5), (1.9, 1.4, 1.3, 1.2), (1.0, 0.9), (1.1, 0.8))
    curves = {"train_loss": falling, "inner_loss": falling[:1]}
    result = evaluation.result(Candidate("mlp", ("text",))).model_copy(update={"curves": curves})
    with figure_style():
        plot = training_curve(evaluation, result)
        (axes,) = plot.figure.axes  # type: ignore[union-attr]
    assert [tuple(line.get_ydata()) for line in axes.lines] == [*falling, falling[0]]
    assert len({line.get_color() for line in axes.lines[:5]}) == 1 and axes.lines[5].get_color() != axes.lines[0].get_color()


def test_every_figure_has_a_description(place: Path) -> None:
    page = Page(report_path().read_text(encoding="utf-8"))
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawn) > 30
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawn)


def test_names_from_data_are_text_and_never_markup(place: Path) -> None:
    text = report_path().read_text(encoding="utf-8")
    assert "<b>apple" not in text
    assert "<i>red" not in text
    assert '"Official" <split>' in "".join(Page(text).words)


def test_figures_are_whole_files_named_for_their_candidates(place: Path) -> None:
    names = {path.name for path in figures_dir("toy").iterdir()}
    assert {"leaderboard.svg", "svm__image+text__confusion.svg", "constant__confusion.svg", "knn__text__n_neighbors.svg",
            "svm__text__C.svg", "mlp__image+text__training.svg"} <= names
    assert len([name for name in names if name.endswith("__confusion.svg")]) == 10
    for path in figures_dir().rglob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(" not in text  # a colour that only the page would know
        assert len(text) < 100_000
        assert "base64" not in text or len(text) < 40_000


def test_dvc_shows_plots_on_a_page_that_loads_nothing_from_elsewhere(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(place / "data" / "report", tmp_path / "data" / "report")
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "plots", "show"], check=True, capture_output=True)
    page = Page(Path("dvc_plots/index.html").read_text(encoding="utf-8"))
    images = [Path("dvc_plots", attributes["src"] or "") for tag, attributes in page.tags if tag == "img"]
    assert not {"script", "link"} & {tag for tag, _ in page.tags}
    assert all(image.read_text(encoding="utf-8").startswith("<") for image in images)
    kinds = {toy.dataset: sorted(path.stem for path in plots_dir(toy.dataset).iterdir()) for toy in TOYS}
    assert len(images) == sum(map(len, kinds.values()))
    assert kinds["toy"] == ["confusion", "leaderboard", "reliability"] and all(len(found) > 1 for found in kinds.values())
    best = read_document(place / evaluation_path("toy"), Evaluation).best.model
    assert plots_dir("toy").joinpath("confusion.svg").read_bytes() in {path.read_bytes() for path in figures_dir("toy").glob(f"{best}__*")}


def test_page_shows_the_figures_of_the_files_in_its_own_colours(place: Path) -> None:
    evaluation = read_evaluation("toy")
    page = render([evaluation], {"toy": draw_figures(evaluation)})
    drawn = page[page.index('<div class="figures">'):page.index("Every learner against the baseline")]
    # Shapley values; confusion and reliability of the best; n_neighbors, C and training of the best of each learner
    assert drawn.count("<figure>") == 6
    assert "var(--c0)" in drawn and "#1f6fb4" not in drawn


def test_same_bytes_when_rerun_and_nothing_stale(place: Path) -> None:
    folder = report_path().parent
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (figures_dir("toy") / "gone__image__confusion.svg").write_text("of a model that is no longer there", encoding="utf-8")
    report.main()
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_same_bytes_with_a_process_per_core_another_home_and_a_style_of_its_own(place: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in report_path().parent.rglob("*") if path.is_file()}
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": "77", "MPLCONFIGDIR": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT),
                   CORES_VARIABLE: "2"}  # fmt: skip
    subprocess.run([sys.executable, "-c", "from stages import report; report.main()"], env=environment, check=True)
    assert {path: path.read_bytes() for path in report_path().parent.rglob("*") if path.is_file()} == before


def test_matplotlib_writes_into_the_workspace_alone(place: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", "import stages.report"], env=environment, check=True, cwd=tmp_path)
    assert not list(home.rglob("*"))
    assert list((tmp_path / ".sensorium" / "matplotlib").glob("fontlist*"))


def test_every_candidate_has_its_interval_in_the_leaderboard(place: Path) -> None:
    evaluation = read_evaluation("toy")
    with figure_style():
        (axes,) = leaderboard_plot(evaluation).figure.axes  # type: ignore[union-attr]
    names = {round(text.get_position()[1]): text.get_text() for text in axes.texts if text.get_position()[0] < 0}
    ends = {round(line.get_ydata()[0]): tuple(line.get_xdata()) for line in axes.lines if len(set(line.get_ydata())) == 1
            and len(line.get_xdata()) == 2}
    dots = {round(line.get_ydata()[0]): line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1}
    for row, found in enumerate(ranked(evaluation)):
        score = evaluation.primary_score(found)
        assert names[row] == ("majority" if found.model == "constant" else candidate_name(found.candidate, evaluation))
        assert (dots[row], ends[row]) == (score.mean, (score.lo, score.hi))
    assert len(dots) == len(ends) == 10
    lo, hi = axes.get_xlim()
    assert all(lo < end < hi for pair in ends.values() for end in pair)


def test_names_are_literal_in_figures(place: Path) -> None:
    names = ("$x^2$ & co", "<i>_a_</i>", "a name\nof two lines, \x0b and very, very long")
    evaluation = read_evaluation("toy").model_copy(update={"outputs": names, "counts": dict.fromkeys(names, 1)})
    drawn = draw_figures(evaluation)
    svg = ElementTree.fromstring(drawn["svm__text__confusion"].svg)
    assert {"$x^2$ & co", "<i>_a_</i>"} <= {element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")}
    titles = {element.text for element in svg.iter("{http://www.w3.org/2000/svg}title")}
    assert "a name of two lines, and very, very long" in titles  # whole, where the name itself is cut
    page = Page(render([evaluation], {"toy": drawn}))
    assert page.open == [] and {"$x^2$ & co", "<i>_a_</i>"} <= set(page.words)


def test_ids_of_two_figures_differ(place: Path) -> None:
    evaluation = read_evaluation("toy")
    with figure_style():
        texts = [render_figure(leaderboard_plot(evaluation).figure, name, "") for name in ("a", "b", "a")]  # type: ignore[union-attr]
    ids = [set(re.findall(r' id="(\w+)"', text)) for text in texts]
    assert ids[0] and ids[0] == ids[2] and ids[0].isdisjoint(ids[1])


def test_missing_facts_are_said_to_be_missing(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = read_evaluation("toy")
    monkeypatch.chdir(tmp_path)
    write_params(TOYS[:1])
    write_document(evaluation_path("toy"), evaluation.model_copy(update=dict.fromkeys(("title", "licence", "citation", "group"), "")))
    shutil.copy(place / gallery_path("toy"), gallery_path("toy"))
    report.main()
    assert "not recorded" in report_path().read_text(encoding="utf-8")


def test_missing_evaluation_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(TOYS[:1])
    with pytest.raises(InputError, match=r"data/evaluation/toy/evaluation\.json: not found"):
        report.main()


def test_unknown_option_is_refused(place: Path) -> None:
    with pytest.raises(InputError, match="--readme"):
        report.main("--reedme")


def write_pages(place: Path) -> None:
    """Write a README and a page of results with markers."""
    (place / "docs").mkdir(exist_ok=True)
    (place / "README.md").write_text(f"above\n{START}\n{END}\nbelow\n", encoding="utf-8")
    (place / "docs/results.md").write_text(f"before\n{START}\nold\n{END}\nafter\n{KEPT_START}\n{KEPT_END}\n", encoding="utf-8")


def test_readme_table_is_replaced_between_its_markers(place: Path) -> None:
    write_pages(place)
    report.main("--readme")
    once = (place / "docs/results.md").read_text(encoding="utf-8")
    short = (place / "README.md").read_text(encoding="utf-8")
    report.main("--readme")
    assert (place / "docs/results.md").read_text(encoding="utf-8") == once
    assert (place / "README.md").read_text(encoding="utf-8") == short
    evaluations = [read_evaluation(toy.dataset) for toy in TOYS]
    assert short == f"above\n{START}\n{short_table(evaluations)}\n{END}\nbelow\n"
    assert once.startswith(f"before\n{START}\n| data set |")
    assert f"{END}\nafter\n{KEPT_START}\n| data set |" in once
    rows = [line for line in once.partition(END)[0].splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(TOYS)
    assert len({line.count("|") for line in rows}) == 1
    assert re.search(r"\| toy \| 240 of\u00a0960 \| 3 classes \| accuracy \| 0\.\d{3} \[", once)
    assert re.search(r"\| tags \| 240 of\u00a0960 \| 45 labels \| micro-F1 \| 0\.\d{3} \[", once)
    assert re.search(r"\| sizes \| 240 of\u00a0960 \| 3 targets \| R² \| −0\.\d{3} \[", once)


def test_what_is_kept_of_an_evaluation_stands_in_the_readme_without_it(place: Path) -> None:
    write_pages(place)
    report.main("--keep=toy")
    kept = read_document(kept_results_path("toy"), Results)
    assert results_table([kept]) == results_table([read_evaluation("toy")])

    def shown() -> str:
        report.main("--readme")
        return (place / "docs/results.md").read_text(encoding="utf-8").partition(KEPT_START)[2].partition(KEPT_END)[0].strip()

    assert "toy" not in shown()  # it is in the table above
    write_params([toy for toy in TOYS if toy.dataset != "toy"])
    alone = shown()
    write_params(TOYS)  # the folder is shared
    assert alone == results_table([kept])


@pytest.mark.parametrize("readme", ["", START, f"{END}\n{START}", f"{START}{START}{END}"])
def test_readme_without_markers_is_refused(readme: str) -> None:
    with pytest.raises(InputError, match="expected one line"):
        with_block(readme, "table", RESULTS)


def test_best_of_each_model_stands_in_the_readme(place: Path) -> None:
    evaluation = read_evaluation("toy")
    best = evaluation.primary_score(evaluation.ranked()[0])
    assert f"**{best.mean:.3f}** [{best.lo:.3f},\u00a0{best.hi:.3f}]<br>image + text" in results_table([evaluation])
    assert f"SVM, image + text | **{best.mean:.3f}** [" in short_table([evaluation])


def test_data_that_is_not_shipped_and_skipped_samples_are_marked(place: Path) -> None:
    evaluation = read_evaluation("toy")
    assert "not shipped" not in results_table([evaluation]) + render([evaluation], {})
    assert "unreadable" not in render([evaluation], {})
    changed = evaluation.model_copy(update={"shipped": False, "quarantined": Quarantined(rows=3, share=0.0123)})
    assert results_table([changed]).splitlines()[-1].startswith("| toy (not shipped) |")
    assert "not shipped" in render([changed], {})
    assert "<dt>Skipped, unreadable</dt><dd>3, 1.2&nbsp;%</dd>" in render([changed], {})


def test_labels_and_targets_have_figures_of_their_own(place: Path) -> None:
    folder = figures_dir()
    assert {path.name.split("__")[2] for path in (folder / "tags").glob("svm__text__*")} == {"outputs.svg", "C.svg", "reliability.svg"}
    assert {path.name.split("__")[2] for path in (folder / "sizes").glob("svm__text__*")} == {"outputs.svg", "agreement.svg", "C.svg"}
    tags, sizes = read_evaluation("tags"), read_evaluation("sizes")
    with figure_style():
        (outputs, _), (_, agreement) = (prediction_plots(found, found.result(SVM_TEXT)) for found in (tags, sizes))
    assert len([line for line in outputs.figure.axes[0].lines if line.get_marker() == "o"]) == MOST_OUTPUTS
    for axes, (name, cells) in zip(agreement.figure.axes, sizes.result(SVM_TEXT).agreement.items(), strict=True):
        assert name in [text.get_text() for text in axes.texts]
        drawn = axes.images[0].get_array()[..., 3]
        assert {(true, predicted) for true, predicted, _ in cells} == {(x, y) for y, x in np.argwhere(drawn).tolist()}
    page = report_path().read_text(encoding="utf-8")
    assert "The first 40 of 45 labels" in page
    assert page.count("tag 43") >= 1  # in the table, which holds them all
    assert "Dashed: the mean baseline." in page


def test_labels_stand_in_the_order_in_which_they_are_looked_for(place: Path) -> None:
    evaluation = read_evaluation("tags")
    names = evaluation.outputs
    assert names.index("tag 10") < names.index("tag 2")  # as text
    page = render([evaluation], {})
    listed = re.findall(r'<th scope="row">tag (\d+)</th>', page)
    assert listed == [str(i) for i in range(44)]
    row = next(row for row in output_table(evaluation) if row["name"] == "tag 2")
    assert row["n_rows"] == evaluation.counts["tag 2"]
    scores = evaluation.result(evaluation.best).by_output[output_metrics(evaluation)[0].name]
    assert row["cells"][0][0] == scores[names.index("tag 2")]


@pytest.mark.parametrize(("names", "form", "order"), [
    (["c1", "c10", "c2"], "classes", [0, 2, 1]),
    (["-1", "-0.5", "2", "10"], "classes", [0, 1, 2, 3]),
    (["x2", "x10", "x1"], "continuous", [0, 1, 2]),
    (["10 b", "2 a", "ü", "²"], "labels", [1, 0, 3, 2]),
])  # fmt: skip
def test_the_order_of_reading(names: list[str], form: str, order: list[int]) -> None:
    assert reading_order(names, form) == order


def test_a_confusion_in_another_order_counts_the_same(place: Path) -> None:
    evaluation = read_evaluation("toy")
    renamed = evaluation.model_copy(update={"outputs": ("c10", "c2", "c1")})
    result = evaluation.result(Candidate("knn", ("text",)))
    counts = result.confusion
    with figure_style():
        axes = prediction_plots(renamed, result)[0].figure.axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    left = min(x for x, _ in texts)
    assert [texts[left, row] for row in range(3)] == ["c1", "c2", "c10"]
    assert texts.get((1, 2), "0") == str(counts[0][1])  # row: true c10, column: predicted c2
    assert texts.get((2, 2), "0") == str(counts[0][0])


def test_of_one_official_test_split_nothing_is_called_a_mean(place: Path) -> None:
    evaluation = read_evaluation("split")
    page = render([evaluation], {"split": draw_figures(evaluation)})
    section = page[page.index('<section id="split">'):page.index('<section id="reading">')]
    assert "Scores on the official test split; 95" in section and "Rows of the official test split;" in section
    assert "outer fold" not in section and "Mean over test" not in section and "the highest mean" not in section


def test_less_is_better_is_shown_as_such(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(OF_EACH_TASK[3:])
    write_toy(replace(OF_EACH_TASK[3], scoring="rmse"))
    evaluate.main("sizes")
    report.main()
    page = report_path().read_text(encoding="utf-8")
    assert '<span class="nowrap">RMSE\u00a0↓</span>' in page
    assert '<span class="quiet">better</span><span class="quiet">worse</span>' in page
    assert "has the lowest mean RMSE" in page
    evaluation = read_evaluation("sizes")
    assert "| RMSE ↓ |" in results_table([evaluation])
    result = evaluation.result(Candidate("knn", ("text",)))
    least = min(point.mean for point in result.grid if point.settings["n_neighbors"] == 5)
    with figure_style():
        (axes,) = tuning_curve(evaluation, result).figure.axes  # type: ignore[union-attr]
    assert least in {y for line in axes.lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True) if x == 5}
    assert axes.get_xscale() == "log"


def test_a_score_that_is_undefined_everywhere_is_a_dash(place: Path) -> None:
    evaluation = read_evaluation("sizes")
    score = {"r2": FoldScores(mean=None, lo=None, hi=None, folds=(None,) * 5)}
    undefined = dict.fromkeys(("difference", "lo", "hi", "p", "p_corrected")) | {"verdict": "not shown"}
    evaluation = evaluation.model_copy(update={
        "candidates": tuple(found.model_copy(update={"scores": {**found.scores, **score}}) for found in evaluation.candidates),
        "comparisons": tuple(test.model_copy(update=undefined) for test in evaluation.comparisons)})
    assert "The mean R² is undefined for every learner." in render([evaluation], {})
    assert "| **–**<br>" in results_table([evaluation])


def test_a_confusion_of_very_many_classes_shows_the_most_frequent(place: Path) -> None:
    n = MOST_CLASSES + 10
    counts = tuple(tuple((5 if i >= 10 else 1) * (i == j) for j in range(n)) for i in range(n))
    evaluation = read_evaluation("toy").model_copy(update={"outputs": tuple(f"class {i}" for i in range(n))})
    with figure_style():
        plot = prediction_plots(evaluation, evaluation.result(SVM_TEXT).model_copy(update={"confusion": counts}))[0]
    (axes,) = plot.figure.axes
    assert axes.images[0].get_array().shape == (MOST_CLASSES, MOST_CLASSES, 4)
    assert f"The {MOST_CLASSES} most frequent of {n} classes" in plot.caption
    names = {text.get_text() for text in axes.texts}
    assert "class 9" not in names and "class 10" in names


def test_a_confusion_of_many_classes_has_no_numbers(place: Path) -> None:
    evaluation = read_evaluation("split")
    with figure_style():
        (axes,) = prediction_plots(evaluation, evaluation.result(SVM_TEXT))[0].figure.axes
    assert axes.images[0].get_array().shape == (14, 14, 4)
    assert not [text for text in axes.texts if text.get_text().isdigit()]


def test_model_without_a_view_of_its_own_is_drawn_over_its_longest_parameter(place: Path) -> None:
    grid = [GridPoint(settings={"trees": n, "depth": d, "kind": "x"}, mean=0.5) for n in (10, 20, 40) for d in (1, 2)]
    assert view_of("forest", grid) == ("trees", ())
    assert view_of("forest", [GridPoint(settings={"depth": 1}, mean=0.5)]) is None
    assert view_of("constant", [GridPoint(settings={}, mean=0.5)]) is None
