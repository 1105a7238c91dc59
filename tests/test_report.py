"""The report stands alone, loads nothing, escapes what data say, and is the same bytes each time."""

import copy
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from toy_predictions import SKILL, Toy, write_params, write_toy
from toy_predictions import TOYS as OF_EACH_TASK

from stages import evaluate, report
from stages.contracts.paths import evaluation_dir, report_path
from stages.foundation.errors import InputError
from stages.foundation.tables import read_json, write_json
from stages.reporting.formatting import number, reading_order
from stages.reporting.prediction_figures import MOST_CLASSES, MOST_OUTPUTS, answer_pictures, output_metrics, output_table
from stages.reporting.readme import KEPT, RESULTS, markers, results_table, short_table, with_block
from stages.reporting.report_page import render
from stages.reporting.tuning_figures import tuning_curve, view_of

TOYS = (
    Toy(outputs=("<b>apple</b>", "bread & butter", "a class with a name too long for a figure")),
    Toy(dataset="split", title='"Official" <split>', n_folds=1, n_samples=200, outputs=tuple("abcdefghijklmn")),
    Toy(dataset="single", modalities=("image",), skill={model: {"image": share["image"]} for model, share in SKILL.items()}),
    replace(OF_EACH_TASK[2], outputs=("<i>red</i>", *sorted(f"tag {i}" for i in range(44)))),
    replace(OF_EACH_TASK[3], outputs=tuple(f"size & {i}" for i in range(3))),
)
VOID = {"meta", "link", "br", "img", "hr", "input"}

START, END = markers(RESULTS)
KEPT_START, KEPT_END = markers(KEPT)


@pytest.fixture(scope="module")
def workspace_of_toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the evaluations of the toys."""
    folder = tmp_path_factory.mktemp("toys")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_params(TOYS)
        for toy in TOYS:
            write_toy(toy)
            evaluate.main(toy.dataset)
    return folder


@pytest.fixture
def place(workspace_of_toys: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the folder of evaluations."""
    monkeypatch.chdir(workspace_of_toys)
    return workspace_of_toys


class Page(HTMLParser):
    """What the tests ask of a page: is it well formed, what does it load, what are its pictures called."""

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
    report.main()
    text = report_path().read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(text) < 2_000_000
    assert {"script", "img", "link", "iframe"}.isdisjoint(tag for tag, _ in page.tags)
    for tag, attributes in page.tags:
        assert (attributes.get("href") or "#").startswith("#"), tag
        assert "src" not in attributes
    assert "url(" not in text
    assert "@import" not in text
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for _, attributes in page.tags if "href" in attributes} <= {f"#{name}" for name in ids}


def test_every_picture_has_words(place: Path) -> None:
    report.main()
    page = Page(report_path().read_text(encoding="utf-8"))
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawn) > 30
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawn)


def test_names_from_data_are_text_and_never_markup(place: Path) -> None:
    report.main()
    text = report_path().read_text(encoding="utf-8")
    assert "<b>apple" not in text
    assert "<i>red" not in text
    assert '"Official" <split>' in "".join(Page(text).words)


def test_pictures_are_whole_files_named_for_model_and_subset(place: Path) -> None:
    report.main()
    folder = report_path().parent / "pictures"
    names = {path.name for path in (folder / "toy").iterdir()}
    assert {"leaderboard.svg", "svm__image+text__confusion.svg", "dummy__image__confusion.svg", "knn__text__n_neighbors.svg",
            "svm__text__C.svg", "mlp__image+text__learning.svg"} <= names
    assert len([name for name in names if name.endswith("__confusion.svg")]) == 12
    for path in folder.rglob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(" not in text  # a colour that only the page would know


def test_same_bytes_when_rerun_and_nothing_left_over(place: Path) -> None:
    report.main()
    folder = report_path().parent
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "pictures" / "toy" / "gone__image__confusion.svg").write_text("of a model that is no longer there", encoding="utf-8")
    report.main()
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_missing_facts_are_said_to_be_missing(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = read_json(evaluation_dir("toy") / "evaluation.json")
    monkeypatch.chdir(tmp_path)
    write_params(TOYS[:1])
    write_json(evaluation_dir("toy") / "evaluation.json", evaluation | dict.fromkeys(("title", "licence", "citation", "group", "rows")))
    report.main()
    assert "not recorded" in report_path().read_text(encoding="utf-8")
    assert "| toy |  | 3 classes | accuracy |" in results_table([evaluation | {"rows": None}])


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
    evaluations = [read_json(evaluation_dir(toy.dataset) / "evaluation.json") for toy in TOYS]
    assert short == f"above\n{START}\n{short_table(evaluations)}\n{END}\nbelow\n"
    assert once.startswith(f"before\n{START}\n| data set |")
    assert f"{END}\nafter\n{KEPT_START}\n| data set |" in once
    rows = [line for line in once.partition(END)[0].splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(TOYS)
    assert len({line.count("|") for line in rows}) == 1
    assert re.search(r"\| toy \| 240 of\u00a0960 \| 3 classes \| accuracy \| 0\.\d{3} \[", once)
    assert re.search(r"\| tags \| 240 of\u00a0960 \| 45 labels \| micro-F1 \| 0\.\d{3} \[", once)
    assert re.search(r"\| sizes \| 240 of\u00a0960 \| 3 numbers \| R² \| −0\.\d{3} \[", once)


def test_what_is_kept_of_an_evaluation_stands_in_the_readme_without_it(place: Path) -> None:
    write_pages(place)
    report.main("--keep=toy")
    kept = read_json(place / "docs/results/toy.json")
    assert results_table([kept]) == results_table([read_json(evaluation_dir("toy") / "evaluation.json")])
    report.main("--readme")
    shown = (place / "docs/results.md").read_text(encoding="utf-8").partition(KEPT_START)[2].partition(KEPT_END)[0].strip()
    assert shown == results_table([kept])


@pytest.mark.parametrize("readme", ["", START, f"{END}\n{START}", f"{START}{START}{END}"])
def test_readme_without_markers_is_refused(readme: str) -> None:
    with pytest.raises(InputError, match="expected one line"):
        with_block(readme, "table", RESULTS)


def test_best_of_each_model_stands_in_the_readme(place: Path) -> None:
    evaluation = read_json(evaluation_dir("toy") / "evaluation.json")
    best = evaluation["leaderboard"][0]
    assert f"**{best['accuracy']:.3f}** [{best['lo']:.3f},\u00a0{best['hi']:.3f}]<br>image + text" in results_table([evaluation])
    assert f"SVM, image + text | **{best['accuracy']:.3f}** [" in short_table([evaluation])


def test_data_that_is_not_shipped_and_samples_left_out_are_marked(place: Path) -> None:
    evaluation = read_json(evaluation_dir("toy") / "evaluation.json")
    assert "not shipped" not in results_table([evaluation]) + render([evaluation])
    assert "unreadable" not in render([evaluation])
    changed = evaluation | {"shipped": False, "quarantined": {"rows": 3, "share": 0.0123}}
    assert results_table([changed]).splitlines()[-1].startswith("| toy (not shipped) |")
    assert "not shipped" in render([changed])
    assert "<dt>Left out, unreadable</dt><dd>3, 1.2&nbsp;%</dd>" in render([changed])


def test_labels_and_numbers_have_pictures_of_their_own(place: Path) -> None:
    report.main()
    folder = report_path().parent / "pictures"
    assert {path.name.split("__")[2] for path in (folder / "tags").glob("svm__text__*")} == {"outputs.svg", "C.svg"}
    assert {path.name.split("__")[2] for path in (folder / "sizes").glob("svm__text__*")} == {"outputs.svg", "agreement.svg", "C.svg"}
    assert (folder / "tags" / "svm__text__outputs.svg").read_text(encoding="utf-8").count("<circle") == MOST_OUTPUTS
    evaluation = read_json(evaluation_dir("sizes") / "evaluation.json")
    drawn = (folder / "sizes" / "svm__text__agreement.svg").read_text(encoding="utf-8")
    assert drawn.count('class="cell"') == sum(len(cells) for cells in evaluation["agreement"]["svm"]["text"].values())
    page = report_path().read_text(encoding="utf-8")
    assert "The first 40 of 45 labels" in page
    assert page.count("tag 43") >= 1  # in the table, which holds them all
    assert "Dashed: the mean control." in page


def test_labels_stand_in_the_order_in_which_they_are_looked_for(place: Path) -> None:
    evaluation = read_json(evaluation_dir("tags") / "evaluation.json")
    names = evaluation["outputs"]
    assert names.index("tag 10") < names.index("tag 2")  # as text
    page = render([evaluation])
    listed = re.findall(r'<th scope="row">tag (\d+)</th>', page)
    assert listed == [str(i) for i in range(44)]
    row = next(row for row in output_table(evaluation) if row["name"] == "tag 2")
    assert row["n_rows"] == evaluation["counts"]["tag 2"]
    of = evaluation["by_output"][evaluation["best"]["model"]][evaluation["best"]["subset"]]
    assert row["cells"][0][0] == of[output_metrics(evaluation)[0]["name"]][names.index("tag 2")]


@pytest.mark.parametrize(("names", "task", "order"), [
    (["c1", "c10", "c2"], "multiclass", [0, 2, 1]),
    (["-1", "-0.5", "2", "10"], "multiclass", [0, 1, 2, 3]),
    (["x2", "x10", "x1"], "regression", [0, 1, 2]),
    (["10 b", "2 a", "ü", "²"], "multilabel", [1, 0, 3, 2]),
])  # fmt: skip
def test_the_order_of_reading(names: list[str], task: str, order: list[int]) -> None:
    assert reading_order({"outputs": names, "task": task}) == order


def test_a_confusion_in_another_order_counts_the_same(place: Path) -> None:
    evaluation = read_json(evaluation_dir("toy") / "evaluation.json")
    renamed = evaluation | {"outputs": ["c10", "c2", "c1"]}
    counts = evaluation["confusion"]["knn"]["text"]
    drawn = answer_pictures(renamed, "knn", "text")[0].drawn
    assert f"true c10, predicted c2: {counts[0][1]} of {sum(counts[0])} " in drawn
    assert drawn.index("true c1, predicted c1:") < drawn.index("true c2, predicted c2:") < drawn.index("true c10, predicted c10:")


def test_of_one_official_test_split_nothing_is_called_a_mean(place: Path) -> None:
    page = render([read_json(evaluation_dir("split") / "evaluation.json")])
    section = page[page.index('<section id="split">'):page.index('<section id="reading">')]
    assert "Scores on the official test split; 95" in section and "Rows of the official test split;" in section
    assert "outer fold" not in section and "Mean over held" not in section and "the highest mean" not in section


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
    evaluation = read_json(evaluation_dir("sizes") / "evaluation.json")
    assert "| RMSE ↓ |" in results_table([evaluation])
    least = min(entry["mean"] for entry in evaluation["grids"]["knn"]["text"] if entry["settings"]["n_neighbors"] == 5)
    assert f"n_neighbors 5: {number(least)}" in tuning_curve(evaluation, "knn", "text")[1]  # type: ignore[index]


def test_a_score_that_is_undefined_everywhere_is_a_dash(place: Path) -> None:
    evaluation = copy.deepcopy(read_json(evaluation_dir("sizes") / "evaluation.json"))
    for row in evaluation["leaderboard"]:
        row |= {"r2": None, "lo": None, "hi": None}
    for c in evaluation["comparisons"]:
        c |= dict.fromkeys(("difference", "lo", "hi", "p", "p_corrected")) | {"verdict": "not shown"}
    assert "The mean R² is undefined for every learner." in render([evaluation])
    assert "| **–**<br>" in results_table([evaluation])


def test_a_confusion_of_very_many_classes_shows_the_most_frequent(place: Path) -> None:
    n = MOST_CLASSES + 10
    counts = [[(5 if i >= 10 else 1) * (i == j) for j in range(n)] for i in range(n)]
    evaluation = read_json(evaluation_dir("toy") / "evaluation.json")
    evaluation |= {"outputs": [f"class {i}" for i in range(n)], "confusion": {"svm": {"text": counts}}}
    picture = answer_pictures(evaluation, "svm", "text")[0]
    assert picture.drawn.count('class="cell"') == MOST_CLASSES**2
    assert f"The {MOST_CLASSES} most frequent of {n} classes" in picture.caption
    assert "class 9<" not in picture.drawn


def test_toys_of_many_classes_drop_the_numbers_but_keep_tooltips(place: Path) -> None:
    report.main()
    drawn = (report_path().parent / "pictures" / "split" / "knn__text__confusion.svg").read_text(encoding="utf-8")
    assert drawn.count("<rect") == 14 * 14 + 1
    assert "true a, predicted b:" in drawn


def test_model_without_its_own_view_is_drawn_over_its_longest_parameter(place: Path) -> None:
    grid = [{"settings": {"trees": n, "depth": d, "kind": "x"}, "mean": 0.5} for n in (10, 20, 40) for d in (1, 2)]
    assert view_of("forest", grid) == ("trees", ())
    assert view_of("forest", [{"settings": {"depth": 1}, "mean": 0.5}]) is None
    assert view_of("dummy", [{"settings": {}, "mean": 0.5}]) is None
