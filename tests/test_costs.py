"""What a stage and a saved model cost: memory, energy, size and time of predicting, against values counted by hand."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from dvc.repo import Repo
from toy_evaluation import fold_scores, toy_evaluation
from toy_problem import description, toy_problem

from pipelines.publishing.costs import Cost, Stopwatch, cost_of, keep_cost
from pipelines.publishing.dataset_records import COST_FIGURE, score_against_cost
from pipelines.publishing.energy_counters import EnergyCounter, energy_counters, joules_since
from pipelines.running.local_processes import LocalProcesses
from stages.contracts.candidate import Candidate
from stages.contracts.documents.model_document import ModalityFeatures
from stages.foundation.registry import component
from stages.modalities.vector import MODALITY
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, fit_on
from stages.reporting.cost_figure import cost_figure
from stages.training.prediction_cost import BATCH_ROWS, model_size, prediction_cost
from stages.training.saved_model import save_fitted

ROOT = Path(__file__).parents[1]


# ---------------------------------------------------------------- memory
@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="stages run in forks on Linux alone")
def test_a_stage_leaves_the_most_memory_that_it_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stages of one worker: the small one after the large one has its own peak, not the largest so far."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "__init__.py").write_text(f"__path__.append({str(ROOT / 'stages')!r})\n")
    graph = {}
    for name, megabytes in (("large", 300), ("small", 1)):
        code = f"from pathlib import Path\nheld = b'x' * {megabytes}_000_000\nPath('{name}.txt').write_text(str(len(held)))\n"
        (tmp_path / "stages" / f"{name}.py").write_text(code)
        graph[name] = {"cmd": f"python -m stages.{name}", "deps": [f"stages/{name}.py"], "outs": [f"{name}.txt"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": graph}))
    Repo.init(no_scm=True).close()
    peaks = {}
    with LocalProcesses(1) as workers:
        for name in graph:
            assert workers.reproduce(name).status == "ran"
            cost = cost_of(name, yaml.safe_load((tmp_path / "dvc.lock").read_text())["stages"][name])
            assert cost is not None and cost.peak_bytes is not None
            peaks[name] = cost.peak_bytes / 1e6
    assert 270 < peaks["large"] - peaks["small"] < 330


def test_a_cost_is_metrics_of_a_run_and_what_is_not_known_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cost = Cost(seconds=2.0, processor_seconds=3.25, hardware="a processor", outs={"a": "1"}, peak_bytes=512_000_000, joules=7.5)
    assert cost.points == [("cost/seconds", 2.0, 0), ("cost/cpu_seconds", 3.25, 0), ("cost/peak_memory_mb", 512.0, 0),
                           ("cost/machine_joules", 7.5, 0)]  # fmt: skip
    unknown = replace(cost, peak_bytes=None, joules=None)
    assert [name for name, *_ in unknown.points] == ["cost/seconds", "cost/cpu_seconds"]
    monkeypatch.chdir(tmp_path)
    keep_cost("train@toy-knn", cost)
    assert cost_of("train@toy-knn", {"outs": [{"path": "a", "md5": "1"}]}) == cost
    kept = Path(".sensorium/costs/train@toy-knn.json")
    kept.write_text('{"seconds": 2.0, "processor_seconds": 3.25, "hardware": "a processor", "outs": {"a": "1"}}', encoding="utf-8")
    assert cost_of("train@toy-knn", {"outs": [{"path": "a", "md5": "1"}]}) == unknown, "a file of an earlier version"


# ---------------------------------------------------------------- energy
def write_zone(folder: Path, name: str, kind: str, microjoules: int, most: int = 1_000_000) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    for file, value in (("name", kind), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (folder / name / file).write_text(f"{value}\n", encoding="ascii")


def test_energy_is_of_packages_and_counters_wrap(tmp_path: Path) -> None:
    write_zone(tmp_path, "intel-rapl:0", "package-0", 100)
    write_zone(tmp_path, "intel-rapl:1", "package-1", 999_000)
    write_zone(tmp_path, "intel-rapl:0:0", "core", 50)
    write_zone(tmp_path, "intel-rapl:2", "psys", 70)
    before = energy_counters(tmp_path)
    assert before == {"intel-rapl:0": EnergyCounter(100, 1_000_000), "intel-rapl:1": EnergyCounter(999_000, 1_000_000)}
    write_zone(tmp_path, "intel-rapl:0", "package-0", 500_100)
    write_zone(tmp_path, "intel-rapl:1", "package-1", 249_999)  # 251,000 further, by way of 0
    assert joules_since(before, tmp_path) == pytest.approx(0.751)


def test_where_energy_cannot_be_read_none_is_known(tmp_path: Path) -> None:
    assert energy_counters(tmp_path / "absent") == {} and joules_since({}, tmp_path) is None
    write_zone(tmp_path, "intel-rapl:0", "package-0", 100)
    before = energy_counters(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert joules_since(before, tmp_path) is None
    assert Stopwatch().cost({}, n_cores=1).peak_bytes is None


# ---------------------------------------------------------------- size and time of a model
def saved(folder: Path, model: str, config: dict) -> Path:
    """Save a model of the toy's image block: 6 columns, 3 classes, 90 rows."""
    problem, kind = toy_problem(modalities=("image",)), component("models", model)
    fitted = fit_on(LearnerSetup(as_sweep(kind), kind.settings()), problem, problem.final_fold(), ("image",), config)
    about = description(model, ("image",), config)
    save_fitted(folder, fitted, problem, replace(about, features={"image": ModalityFeatures(modality="vector", settings={})}))
    return folder


LINEAR = {"C": 1.0, "max_iter": 200, "tol": 1e-3}
KNN = {"n_neighbors": 3, "metric": "euclidean", "weights": "uniform"}


@pytest.mark.parametrize(("model", "config", "parameters", "stored"), [
    ("linear", LINEAR, 3 * 6 + 3, 3 * 6 + 3 + 3 + 1 + 1),  # weights, offsets; and the classes, the iterations, the block's scale
    ("knn", KNN, 90 * 6 + 90, 90 * 6 + 90 + 1),  # the rows and their classes
])  # fmt: skip
def test_numbers_and_bytes_are_those_counted_by_hand(tmp_path: Path, model: str, config: dict, parameters: int, stored: int) -> None:
    folder = saved(tmp_path / "model", model, config)
    size = model_size(folder)
    assert (size.parameters, size.stored_numbers) == (parameters, stored)
    assert size.bytes == sum(path.stat().st_size for path in folder.iterdir())
    (folder / "folds").mkdir()
    (folder / "folds" / "another.npz").write_bytes(b"x" * 1000)
    assert model_size(folder) == size, "the models of single folds are not part of it"


def test_predicting_is_timed_from_raw_samples(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", "linear", LINEAR)
    assert MODALITY.name == "vector"
    values = np.random.default_rng(0).normal(size=(150, 6)).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 6)
    samples = pa.table({"image": pa.concat_arrays([pa.nulls(30, vectors.type), vectors])})
    found = prediction_cost(folder, samples)
    assert found is not None and found.batch_rows == BATCH_ROWS
    assert 0 < found.one_ms < 1000 and found.batch_ms > found.one_ms / 10
    few = prediction_cost(folder, samples.slice(0, 35))
    assert few is not None and few.batch_rows == 5, "samples without the modality are not predicted"
    assert prediction_cost(folder, samples.slice(0, 30)) is None


# ---------------------------------------------------------------- scores against costs
SCORES = {Candidate("svm", ("text",)): {"accuracy": fold_scores(0.8)}, Candidate("knn", ("text",)): {"accuracy": fold_scores(0.7)},
          Candidate("knn", ("image",)): {"accuracy": fold_scores(0.6)}}  # fmt: skip


SVG = "{http://www.w3.org/2000/svg}"


def places(svg: str) -> dict[str, tuple[float, float]]:
    """Return the place of each dot by its tooltip."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        title, use = group.find(f"{SVG}title"), group.find(f".//{SVG}use")
        if title is not None and title.text and use is not None:
            found[title.text] = (float(use.attrib["x"]), float(use.attrib["y"]))
    return found


def test_the_figure_has_a_dot_per_candidate_over_the_cost_of_its_learner() -> None:
    drawn = cost_figure(toy_evaluation(SCORES, "accuracy"), {"svm": 100.0, "knn": 1.0})
    assert drawn is not None and "Score against cost on toy" in drawn
    dots = places(drawn)
    assert set(dots) == {"SVM · text: 0.800, 100.0 s", "kNN · text: 0.700, 1.000 s", "kNN · image: 0.600, 1.000 s"}
    text, image, svm = (dots[name] for name in sorted(dots, reverse=True))
    assert text[0] == image[0] < svm[0] and svm[1] < text[1] < image[1], "to the right: longer; up: the higher score"
    assert cost_figure(toy_evaluation(SCORES, "accuracy"), {}) is None
    near = cost_figure(toy_evaluation(SCORES, "accuracy"), {"svm": 6.0, "knn": 3.0})
    assert near is not None and ">5</text>" in near, "seconds of one decade have marks, too"
    assert drawn == cost_figure(toy_evaluation(SCORES, "accuracy"), {"svm": 100.0, "knn": 1.0})


def test_the_figure_is_drawn_where_costs_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evaluation = toy_evaluation(SCORES, "accuracy")
    lock = {"train@toy-knn": {"outs": [{"path": "data/models/toy/knn", "md5": "1"}]}}
    assert score_against_cost(lock, evaluation) == {}
    keep_cost("train@toy-knn", Cost(seconds=1.0, processor_seconds=2.0, hardware="a processor", outs={"data/models/toy/knn": "1"}))
    figure = score_against_cost(lock, evaluation)[COST_FIGURE]
    assert "kNN · text" in figure and "SVM" not in figure


def test_importing_what_publishes_costs_no_matplotlib() -> None:
    code = "import pipelines.publishing.dataset_records, sys; sys.exit('matplotlib' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
