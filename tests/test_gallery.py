"""The gallery of errors: the right samples, shown small and as text, of every modality, hostile ones too; none where it is off."""

import base64
import io
import json
import re
import wave
from collections.abc import Callable, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from PIL import Image
from toy_columns import MAKERS, encoded, png, tone, wav
from toy_evaluation import fold_scores, toy_evaluation
from toy_predictions import TOYS, Toy, predicted_rows, write_params, write_toy
from toy_samples import write_samples

from stages import evaluate, report
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.gallery_document import Gallery, Mistake, NoExhibit, ShownModality
from stages.contracts.paths import evaluation_path, gallery_path, report_path, samples_path
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.evaluation import checked_predictions
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.gallery import gallery_of, worst_first
from stages.foundation.documents import read_document
from stages.foundation.parallel import CORES_VARIABLE
from stages.foundation.registry import component, names
from stages.foundation.tables import read_described
from stages.reporting.gallery_page import cards, drawn
from stages.samples.exhibits import MOST_CELLS, MOST_CHARACTERS, SIDE
from stages.samples.shown_samples import exhibit

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">"\'&{{ 7 * 7 }}\x1b[31m\u202e'
MOST_BYTES = 120_000  # of one modality of one sample, in the document


def splits_of_rows(n: int, n_folds: int = 2, n_repeats: int = 1) -> Splits:
    rows = [np.arange(n)[np.arange(n) % n_folds == fold] for fold in range(n_folds)]
    folds = [checked_predictions.TestFold(repeat, fold, rows[fold], n) for repeat in range(n_repeats) for fold in range(n_folds)]
    return Splits(pa.array([f"s{row}" for row in range(n)]), [f"g{row}" for row in range(n)], np.zeros(n, np.int32), tuple(folds))


def column(modality: str, values: pa.Array, **metadata: str) -> pa.Table:
    """Return samples s0, s1, … of one modality, `it`."""
    field = pa.field("it", values.type, metadata={"modality": modality, **metadata})
    ids = pa.array([f"s{row}" for row in range(len(values))])
    return pa.table([ids, values], schema=pa.schema([pa.field("sample_id", pa.string()), field]))


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_wrong_classes_come_by_confidence_and_right_ones_never() -> None:
    target, prediction = np.array([0, 1, 0, 1]), np.array([1, 1, 1, 0], dtype=np.int32)
    p = np.array([0.6, 0.99, 0.9, 0.2])
    folds = [FoldPredictions(target[rows], prediction[rows], np.stack([1 - p, p], axis=1)[rows]) for rows in ([0, 2], [1, 3])]
    found = list(worst_first(folds, splits_of_rows(4), None))
    assert [(one.row, round(one.loss, 9)) for one in found] == [(2, 0.9), (3, 0.8), (0, 0.6)]


def test_labels_come_by_log_loss() -> None:
    target = np.array([[1, 0], [1, 1], [0, 0]], dtype=np.uint8)
    p = np.array([[0.1, 0.2], [0.4, 0.9], [0.3, 0.3]])
    fold = FoldPredictions(target, (p >= 0.5).astype(np.uint8), p)
    found = list(worst_first([fold], splits_of_rows(3, 1), None))
    assert [one.row for one in found] == [0, 1]
    assert [one.loss for one in found] == pytest.approx([-np.log(0.1 * 0.8) / 2, -np.log(0.4 * 0.9) / 2])


def test_targets_come_by_residual_in_standard_deviations() -> None:
    target = np.array([[0.0, 100.0], [1.0, np.nan], [np.nan, np.nan]])
    fold = FoldPredictions(target, np.array([[1.0, 90.0], [4.0, 0.0], [0.0, 0.0]]), None)
    found = list(worst_first([fold], splits_of_rows(3, 1), np.array([1.0, 100.0])))
    assert [(one.row, one.loss) for one in found] == [(1, pytest.approx(3.0)), (0, pytest.approx(1.0))]


def test_a_row_of_several_repeats_counts_once_where_it_is_most_wrong() -> None:
    folds = [FoldPredictions(np.array([0, 0]), np.array([1, 1], dtype=np.int32), np.array([[1 - p, p], [0.3, 0.7]])) for p in (0.6, 0.8)]
    found = list(worst_first(folds, splits_of_rows(2, 1, 2), None))
    assert [(one.row, one.fold, round(one.loss, 9)) for one in found] == [(0, 1, 0.8), (1, 0, 0.7)]


@pytest.mark.parametrize("name", names("modalities"))
def test_every_modality_is_shown_small_and_the_same_each_time(name: str) -> None:
    toy, is_shown = MAKERS[name](), component("modalities", name).show is not None
    samples = column(name, toy.column)
    for row in range(len(toy.column)):
        found = [exhibit(samples, row, "it").model_dump_json() for _ in range(2)]
        assert found[0] == found[1] and len(found[0]) < MOST_BYTES
        assert (json.loads(found[0])["exhibit"]["kind"] != "none") == is_shown, found[0]
        assert len(drawn(exhibit(samples, row, "it"), "s")) < 3 * MOST_BYTES


@pytest.mark.parametrize("name", [name for name in names("modalities") if MAKERS[name]().unreadable and name in ("image", "audio")])
def test_what_cannot_be_read_says_so(name: str) -> None:
    raw, why = MAKERS[name]().unreadable or (b"", "")
    found = exhibit(column(name, pa.array([raw])), 0, "it").exhibit
    assert isinstance(found, NoExhibit) and why in found.why


def test_missing_values_and_several_files() -> None:
    assert exhibit(column("image", pa.array([None], pa.binary())), 0, "it").exhibit == NoExhibit(why="missing")
    files = pa.array([[png(np.zeros((3, 5), np.uint8)), b"never read"], []], pa.list_(pa.binary()))
    first, none = (exhibit(column("image", files, files="several"), row, "it") for row in range(2))
    assert (first.n_files, first.exhibit.kind, none.exhibit) == (2, "image", NoExhibit(why="missing"))
    assert "it (first of 2 files)" in [name for name, _ in cards(gallery_with(first))[0].contents]


def gallery_with(*shown: ShownModality, sample_id: str = "s", true: str = "a", predicted: str = "b") -> Gallery:
    mistake = Mistake(sample_id=sample_id, repeat=0, fold=0, true=(true,), predicted=(predicted,), confidence=0.9, loss=0.9, shown=shown)
    return Gallery(dataset="toy", candidate=Candidate("svm", ("it",)), ranked_by="confidence", n_wrong=3, n_tested=9, mistakes=(mistake,))


def test_images_keep_their_shape_and_are_upright() -> None:
    wide = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1)).repeat(3, axis=1))  # 600 × 100
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned = encoded(wide.convert("RGB"), "JPEG", exif=exif)
    for raw, size in ((encoded(wide, "PNG"), (SIDE, round(SIDE / 6))), (turned, (round(SIDE / 6), SIDE)),
                      (png(np.full((8, 4), 7, np.uint8)), (4, 8))):  # fmt: skip
        found = exhibit(column("image", pa.array([raw])), 0, "it").exhibit
        with Image.open(io.BytesIO(base64.b64decode(found.png))) as image:
            assert image.size == (found.width, found.height) == size
    page = str(drawn(exhibit(column("image", pa.array([png(np.full((8, 4), 7, np.uint8))])), 0, "it"), "s"))
    assert 'class="exhibit pixelated"' in page and 'width="56" height="112"' in page


def test_sounds_are_cut_and_play_what_was_recorded() -> None:
    found = exhibit(column("audio", pa.array([wav(tone(300, 44_100, 6.0), 44_100)])), 0, "it").exhibit
    assert (found.seconds, found.shown_seconds, len(found.wave)) == (6.0, 4.0, 120)
    with wave.open(io.BytesIO(base64.b64decode(found.wav))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (8000, 1, 2, 32_000)
        signal = np.frombuffer(file.readframes(32_000), "<i2") / 32767
    assert np.abs(signal[1000:-1000] - tone(300, 8_000, 4.0)[1000:-1000]).max() < 0.02
    assert {hi for _, hi in found.wave[2:-2]} <= {79, 80, 81}
    assert "first 4 of 6 s" in str(drawn(exhibit(column("audio", pa.array([wav(tone(300, 44_100, 6.0), 44_100)])), 0, "it"), "s"))


def test_texts_and_rows_are_cut() -> None:
    text = exhibit(column("text", pa.array(["word " * 1000])), 0, "it").exhibit
    assert len(text.text) <= MOST_CHARACTERS and text.n_characters == 5000 and text.text.endswith("…")
    row = exhibit(column("table", pa.array([{f"c{i:03d}": "x" * 500 for i in range(300)}])), 0, "it").exhibit
    assert (len(row.cells), row.n_cells) == (MOST_CELLS, 300) and all(len(value) <= 80 for _, value in row.cells)
    spoken = exhibit(column("text", pa.array([{"text": "hello", "speaker": "anna"}])), 0, "it").exhibit
    word = exhibit(column("text", pa.array([[None, "black", "cat", "sat", "down"]])), 0, "it").exhibit
    assert (spoken.text, word.text) == ("anna: hello", "black [cat] sat down")


def test_series_with_gaps_and_sets_are_drawn() -> None:
    series = pa.array([[[1.0, None], [2.0, None], [None, None], [4.0, None]]])
    found = exhibit(column("series", series), 0, "it")
    assert found.exhibit.lines == ((1.0, 2.0, None, 4.0), (None,) * 4)
    assert str(drawn(found, "s")).count("<path") == 2 and "2 channels, 4 points, 1.000 to 4.000" in str(drawn(found, "s"))
    dots = exhibit(column("set", pa.array([[[0.0, 1.0, 5.0]] * 1000])), 0, "it")
    assert str(drawn(dots, "s")).count("<circle") == 300 and "1,000 points" in str(drawn(dots, "s"))


def hostile_samples() -> Mapping[str, Callable[[], pa.Table]]:
    """Return by modality a sample that tries to be markup."""
    graph = {"n_nodes": 1, "directed": False, "source": [], "target": [], "node_labels": [HOSTILE]}
    return {
        "text": lambda: column("text", pa.array([HOSTILE])),
        "table": lambda: column("table", pa.array([{HOSTILE: HOSTILE}])),
        "graph": lambda: column("graph", pa.array([graph])),
        "image": lambda: column("image", pa.array([HOSTILE.encode()])),
        "audio": lambda: column("audio", pa.array([HOSTILE.encode()])),
    }


@pytest.mark.parametrize("name", list(hostile_samples()))
def test_what_data_say_is_text_and_never_markup(name: str) -> None:
    shown = exhibit(hostile_samples()[name](), 0, "it").model_copy(update={"modality": HOSTILE})
    (card,) = cards(gallery_with(shown, sample_id=HOSTILE))
    found = Tags("".join(str(content) for _, content in card.contents))
    assert {tag for tag, _ in found.tags} <= {"p", "div", "table", "tr", "th", "td", "span", "img", "audio", "svg", "path"}
    assert all(value.startswith("data:") for _, attributes in found.tags for key, value in attributes.items() if key == "src" and value)
    assert not any(key.startswith("on") for _, attributes in found.tags for key in attributes)


def test_a_document_holds_base64_alone() -> None:
    found = exhibit(column("image", pa.array([png(np.zeros((3, 3), np.uint8))])), 0, "it")
    text = found.model_dump_json().replace(found.exhibit.png, 'x\\" onerror=\\"alert(1)')
    with pytest.raises(ValueError, match="png"):
        ShownModality.model_validate_json(text)


def with_modalities(toy: Toy) -> None:
    """Give the toy's samples a picture, a clip, a text that is hostile, and a row."""
    samples, metadata = read_described(samples_path(toy.dataset), SamplesMetadata)
    n = len(samples)
    values: dict[str, tuple[str, Any]] = {
        "image": ("image", [png(np.full((6, 6, 3), row % 256, np.uint8)) for row in range(n)]),
        "text": ("text", [f"{HOSTILE} {row}" for row in range(n)]),
        "sound": ("audio", [wav(tone(200 + row), 16_000) for row in range(n)]),
        "facts": ("table", [{"number": row, "name": HOSTILE} for row in range(n)]),
    }
    for name, (modality, cells) in values.items():
        array = pa.array(cells)
        samples = samples.append_column(pa.field(name, array.type, metadata={"modality": modality}), array)
    write_samples(samples_path(toy.dataset), samples, dict(metadata))


def run(toy: Toy, **settings: int) -> Gallery:
    write_params([toy])
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["evaluate"] |= settings
    params["datasets"][toy.dataset]["modalities"] = ["image", "text", "sound", "facts"]
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    write_toy(toy)
    with_modalities(toy)
    evaluate.main(toy.dataset)
    return read_document(gallery_path(toy.dataset), Gallery)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CORES_VARIABLE, "1")
    return tmp_path


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.dataset)
def test_the_report_shows_the_best_learners_largest_errors_and_loads_nothing(toy: Toy, alone: Path) -> None:
    found = run(toy)
    evaluation = read_document(evaluation_path(toy.dataset), Evaluation)
    assert found.candidate == evaluation.best_of(evaluation.learners).candidate and len(found.mistakes) == 6
    assert [one.loss for one in found.mistakes] == sorted((one.loss for one in found.mistakes), reverse=True)
    rows = predicted_rows(toy, found.candidate.model, found.candidate.combination)
    if toy.task in ("binary", "multiclass"):
        wrong = {name: probability for name, true, predicted, probability in rows if true != predicted}
        assert found.n_wrong == len(wrong) and found.n_tested == toy.n_samples
        largest = sorted(wrong.values(), reverse=True)[:6]
        assert [one.confidence for one in found.mistakes] == pytest.approx(largest)
        assert all(one.true != one.predicted and wrong[one.sample_id] == pytest.approx(one.confidence) for one in found.mistakes)
    assert [shown.exhibit.kind for shown in found.mistakes[0].shown] == ["image", "text", "sound", "table"]
    report.main()
    text = report_path().read_text(encoding="utf-8")
    page = Tags(text)
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert len(sources) == 12 and all(re.match(r"data:(image/png|audio/wav);base64,[A-Za-z0-9+/]+=*$", source or "") for source in sources)
    assert "script" not in {tag for tag, _ in page.tags} and "alert(1)" in "".join(page.words) and "{{ 7 * 7 }}" in "".join(page.words)
    assert "<script>" not in text and "onerror=\"" not in text and "\x1b" not in text and "\u202e" not in text
    before = report_path().read_bytes(), gallery_path(toy.dataset).read_bytes()
    evaluate.main(toy.dataset)
    report.main()
    assert before == (report_path().read_bytes(), gallery_path(toy.dataset).read_bytes())


def test_it_can_be_switched_off(alone: Path) -> None:
    found = run(TOYS[0], gallery=0)
    assert found.mistakes == () and found.n_wrong > 0
    assert HOSTILE[:8] not in gallery_path("toy").read_text(encoding="utf-8")
    report.main()
    text = report_path().read_text(encoding="utf-8")
    assert "The largest errors" not in text and "<img" not in text and "alert(1)" not in text


@pytest.mark.parametrize("n", [1, 20])
def test_how_many_is_a_setting(n: int, alone: Path) -> None:
    assert len(run(TOYS[0], gallery=n).mistakes) == n


def test_without_a_wrong_prediction_there_is_no_gallery() -> None:
    evaluation = toy_evaluation({Candidate("svm", ("it",)): {"accuracy": fold_scores(1.0, 1.0)}}, "accuracy", modalities=("it",))
    fold = FoldPredictions(np.zeros(4, np.int32), np.zeros(4, np.int32), np.ones((4, 2)) / 2)
    splits = replace(splits_of_rows(4, 1), folds=splits_of_rows(4, 1).folds)
    found = gallery_of(evaluation, [fold], splits, column("text", pa.array(["a"] * 4)), most=6, scale=None)
    assert (found.n_wrong, found.mistakes) == (0, ())
