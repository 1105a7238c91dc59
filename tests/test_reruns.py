"""What an edit of a file reruns, computed from dvc.yaml for every file of the product: no stage whose results it cannot change."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from imports import ROOT, source_files
from test_graph import covered, declared

from stages.controlling.randomised_scores import LEARNER
from stages.foundation.params_file import read_params

PARAMS = read_params(ROOT / "params.yaml")
# bias_variance and representation are off
VERBS = (
    "ingest", "split", "featurize", "validate", "train", "control", "learning_curve", "read_weights", "condition", "evaluate", "report",
)  # fmt: skip
EVERY = set(VERBS)
LESSONS = {"lesson", "lecture", "publish_lessons"}
LEARNING = {"train", "control", "learning_curve", "read_weights", "condition"}
# path or folder under stages/ → the stages that an edit of it reruns, besides check (which reads all of stages/) and publish (whose
# models travel with their code). The longest path that fits counts. A model's and a modality's own folder are looked at below.
RERUNS: dict[str, set[str]] = {
    "contracts": EVERY,
    "foundation": EVERY,
    "__init__.py": set(),
    "check.py": set(),
    "checking": set(),  # the cron line's settings, outputs of stages that are gone
    "paired_versions": set(),  # `make compare`, and which model publish calls the champion
    "params.py": set(),  # messages about params.yaml
    "ingest.py": {"ingest"},
    "ingestion": {"ingest"},
    "datasets": {"ingest"},
    "collections": {"ingest"},
    "readers": {"ingest"},
    "simulators": {"ingest"},
    "own_data": {"ingest"},
    "tasks": {"ingest"},
    "targets": {"ingest"},
    "samples": {"ingest", "featurize", "validate", "read_weights", "condition", "evaluate"},
    "samples/absent_samples.py": {"ingest", "featurize", "split", "validate", "read_weights", "condition", "evaluate"},
    "split.py": {"split"},
    "splitting": {"split"},
    "splitting/scarce_groups.py": {"ingest", "split", "learning_curve"},
    "splitting/assign_folds.py": {"split", "learning_curve"},
    "featurize.py": {"featurize"},
    "validate.py": {"validate"},
    "validation": {"validate"},
    "leaks": {"validate"},
    "leak_evidence": {"validate"},
    "leak_evidence/equal_contents.py": {"validate", "control"},
    "leak_evidence/plain_contents.py": {"validate", "control"},
    "train.py": {"train"},
    "control.py": {"control"},
    "controlling": {"control"},
    "controls": {"control"},
    "fusions": {"train", "condition"},
    "optimizers": LEARNING,  # of any model
    "schedules": LEARNING,
    "curvature": LEARNING,
    "condition.py": {"condition"},
    "conditions": {"condition"},
    "learning_curve.py": {"learning_curve"},
    "bias_variance.py": set(),  # off by default
    "learning_curves": {"learning_curve"},
    "bias_variances": set(),  # of bias_variance
    "representation.py": set(),  # off by default
    "representations": set(),  # of representation
    "read_weights.py": {"read_weights"},
    "weight_reading": {"read_weights"},
    "training": LEARNING,
    "features": LEARNING,
    "model_selection": LEARNING,
    "model_selection/target_forms.py": {"split", "validate", "evaluate", *LEARNING},
    "model_selection/scarce_samples.py": {"split", *LEARNING},
    "model_selection/prior_answer.py": {"evaluate", *LEARNING},
    "scoring": {*LEARNING, "evaluate"},
    "evaluate.py": {"evaluate"},
    "evaluation": {"evaluate"},
    "evaluation/evaluate_settings.py": {"evaluate", "read_weights"},
    "metrics": {"evaluate"},
    "metric_inputs": {"evaluate"},
    "report.py": {"report"},
    "pages": {"report"},
    "lesson.py": set(),
    "lessons": set(),
    "teaching": set(),
    "lecture.py": set(),
    "lecture_page": set(),
    "reporting": {"report"},  # the report's words
    "modalities/__init__.py": {"validate", "read_weights", "condition", "evaluate"},  # the gallery of errors shows samples
    "models/__init__.py": {"condition"},
}
FILES = [path for path in source_files() if path.parts[0] == "stages"]


def reran(path: Path) -> set[str]:
    """Return the stages that depend on a file by dvc.yaml itself; lessons are a graph of their own."""
    return {name for name in dependents(path) if name.partition("@")[0] not in LESSONS} - {"check", "publish"}


def dependents(path: Path) -> set[str]:
    return {name for name, (_, deps, _) in declared().items() if covered(path, deps)}


def of_verbs(names: Iterable[str]) -> set[str]:
    return {name.partition("@")[0] for name in names}


def part_of(path: Path) -> tuple[str, str] | None:
    """Return ("models", "svm") of a file in that component's folder; None elsewhere."""
    inner = path.relative_to("stages").parts
    return (inner[0], inner[1]) if inner[0] in ("models", "modalities") and len(inner) > 2 else None


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) is None], ids=str)
def test_a_file_reruns_what_it_can_change(path: Path) -> None:
    inner = path.relative_to("stages").as_posix()
    rules = [rule for rule in RERUNS if inner == rule or inner.startswith(rule + "/")]
    assert rules, f"{path}: add what an edit of it may rerun to RERUNS"
    assert of_verbs(reran(path)) == RERUNS[max(rules, key=len)]


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path)], ids=str)
def test_a_components_file_reruns_its_own_stages(path: Path) -> None:
    kind, name = part_of(path)  # type: ignore[misc]
    if kind == "models":
        own = {f"train@{dataset}-{name}" for dataset in PARAMS["datasets"]} if name in PARAMS["models"] else set()
        own |= {f"learning_curve@{dataset}-{name}" for dataset in PARAMS["datasets"]} if name in PARAMS["learning_curves"] else set()
        own |= {f"read_weights@{dataset}-{name}" for dataset in PARAMS["datasets"]} if name in PARAMS["read_weights"] else set()
        own |= {f"condition@{dataset}" for dataset in PARAMS["datasets"]}
        assert reran(path) == own | ({f"control@{dataset}" for dataset in PARAMS["datasets"]} if name == LEARNER.name else set())
        return
    features = {f"featurize@{key}" for key, entry in PARAMS["features"].items() if entry["modality"] == name}
    others = ("validate", "condition", "evaluate")
    read = {f"read_weights@{dataset}-{model}" for dataset in PARAMS["datasets"] for model in PARAMS["read_weights"]}
    assert reran(path) == features | read | {f"{verb}@{dataset}" for verb in others for dataset in PARAMS["datasets"]}


def test_an_edit_of_a_lesson_reruns_that_lesson() -> None:
    whole = {"check", "publish", "publish_lessons"}  # these read all of stages/
    assert dependents(Path("stages/lessons/xor.py")) - whole == {"lesson@xor"}
    assert dependents(Path("stages/lecture_page/page.py")) - whole == {"lecture"}
    assert of_verbs(dependents(Path("stages/reporting/findings.py"))) & LESSONS == {"publish_lessons"}


def test_the_examples_of_the_table() -> None:
    """The files that reran everything once."""
    n_datasets = len(PARAMS["datasets"])
    assert len(reran(Path("stages/models/svm/smo.py"))) == 3 * n_datasets  # train, read_weights and condition
    n_texts = sum(entry["modality"] == "text" for entry in PARAMS["features"].values())
    assert sum(name.startswith("featurize@") for name in reran(Path("stages/modalities/text/__init__.py"))) == n_texts
    for path in ("stages/params.py", "stages/checking/pipeline_settings.py", "stages/reporting/formatting.py"):
        assert not of_verbs(reran(Path(path))) & {"ingest", "featurize", "train"}
    assert of_verbs(reran(Path("stages/metrics/a_new_one.py"))) == {"evaluate"}
