"""What public comparisons promise: parameters that the pipeline takes, a source of every figure, a page, runs that go on."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from imports import ROOT

from benchmarks.public import __main__ as command
from benchmarks.public.comparison import Comparison, Goal, PublicRun, Published, comparison_names, comparison_of
from benchmarks.public.kept import KeptModel, KeptRun, KeptScore, digest_of, keep_run, kept_run, read_kept
from benchmarks.public.page import on_all_modalities, published_lines, run_lines, summary_line
from benchmarks.public.workspace import prepare, run_pipeline
from stages.checking.check_params import checked_params
from stages.contracts.metric import Metric
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names

NAMES = comparison_names()
RUNS = [(name, run) for name in NAMES for run in comparison_of(name).runs]
PLANTED: dict[str, Any] = {
    "datasets": {"planted": {"rows": 120, "target": "relation", "modalities": ["hint", "left"]}},
    "features": {f"planted-{part}": {"dataset": "planted", "modality": "vector"} for part in ("hint", "left")},
    "split": {"n_splits": 2, "n_repeats": 1, "n_inner_splits": 2},
    "models": {"linear": {"C": [1]}},
}
PUBLISHED = (Published("a method", "0.9", "a paper", "ten folds"),)


def run_of(sections: dict[str, Any], *, goal: float = 0.5) -> PublicRun:
    return PublicRun("A toy.", sections, ("accuracy", "log_loss"), Goal(goal))


# ---------------------------------------------------------------- the files
def test_the_comparisons_are_found() -> None:
    assert {"reviews", "yeast", "river_flow"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_a_source_and_every_difference_is_named(name: str) -> None:
    comparison = comparison_of(name)
    assert comparison.runs and comparison.differences
    assert comparison.published or any("held against" in difference for difference in comparison.differences)
    for one in comparison.published:
        assert all(text.strip() for text in (one.method, one.score, one.source, one.protocol))
    assert all(difference.endswith(".") for difference in comparison.differences)
    assert all(run.what.endswith(".") for run in comparison.runs.values())


@pytest.mark.parametrize(("name", "run_name"), RUNS)
def test_check_takes_the_parameters(name: str, run_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = comparison_of(name).runs[run_name]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(run.params), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert list(checked_params()["datasets"]) == [run.dataset]
    assert set(run.metrics) <= set(names("metrics"))
    metric: Metric = component("metrics", run.metrics[0])
    low, high = metric.bounds
    assert run.goal is None or low <= run.goal.score <= high


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_of_runs_that_there_are(name: str) -> None:
    assert set(read_kept(name, ROOT).runs) <= set(comparison_of(name).runs)
    assert {path.stem for path in (ROOT / "docs/results/public").glob("*.json")} <= set(NAMES)


def test_names_are_of_comparisons_or_of_one_run() -> None:
    found = {"a": Comparison("", {"x": run_of(PLANTED), "y": run_of(PLANTED)}, PUBLISHED, ())}
    assert command.requested(["a"], found.__getitem__) == [("a", "x"), ("a", "y")]
    assert command.requested(["a/y", "a"], found.__getitem__) == [("a", "y"), ("a", "x")]
    with pytest.raises(InputError, match="no run 'z' of a; there are: x, y"):
        command.requested(["a/z"], found.__getitem__)
    with pytest.raises(InputError, match=r"no public comparison 'nonsense'; there are: .*reviews"):
        comparison_of("nonsense")


# ---------------------------------------------------------------- the page
def kept(mean_of: dict[tuple[str, tuple[str, ...]], float], *, greater: bool = True, digest: str = "") -> KeptRun:
    scores = {key: {"accuracy": KeptScore(mean=mean, lo=mean - 0.1, hi=mean + 0.1)} for key, mean in mean_of.items()}
    models = [KeptModel(model=model, modalities=modalities, is_control=model == "constant", processor_s=None,
                        scores=scores[model, modalities]) for model, modalities in mean_of]
    return KeptRun(digest=digest, rows=100, n_folds=5, metrics={"accuracy": ("accuracy", greater)}, models=tuple(models), open_leaks=(),
                   processor_s=12.3, versions={})  # fmt: skip


SCORES = {("linear", ("a",)): 0.9, ("linear", ("a", "b")): 0.7, ("knn", ("a", "b")): 0.8, ("knn", ("b",)): 0.1, ("constant", ()): 0.95}


def test_models_are_shown_on_all_modalities_whatever_scores_most() -> None:
    run = run_of(PLANTED)
    shown = [(model.model, model.modalities) for model in on_all_modalities(run, kept(SCORES))]
    assert shown == [("knn", ("a", "b")), ("linear", ("a", "b")), ("constant", ())]
    shown = [(model.model, model.modalities) for model in on_all_modalities(run, kept(SCORES, greater=False))]
    assert shown == [("linear", ("a", "b")), ("knn", ("a", "b")), ("constant", ())]


@pytest.mark.parametrize(("goal", "greater", "reached"), [
    (0.7, True, "yes"), (0.8, True, "mean"), (0.81, True, "no"), (0.8, False, "yes"), (0.7, False, "mean"), (0.69, False, "no"),
])  # fmt: skip
def test_a_goal_is_reached_where_the_best_learner_reaches_it(goal: float, greater: bool, reached: str) -> None:
    line = summary_line("toy", "one", run_of(PLANTED, goal=goal), kept(SCORES, greater=greater))
    assert line.endswith(f"| {reached} |")
    assert ("0.800" if greater else "0.700") in line


def test_a_goal_of_one_model_is_not_reached_by_another() -> None:
    run = PublicRun("A toy.", PLANTED, ("accuracy",), Goal(0.75, "linear"))
    assert summary_line("toy", "one", run, kept(SCORES)).endswith("| no |")
    assert "not run" in summary_line("toy", "one", run, None)


def test_results_of_other_parameters_or_metrics_are_marked() -> None:
    run = replace(run_of(PLANTED), metrics=("accuracy",))
    of_now, of_then = ("\n".join(run_lines("one", run, kept(SCORES, digest=digest))) for digest in (digest_of(run.params), "0"))
    assert "have changed" in of_then and "have changed" not in of_now
    of_more = run_lines("one", run_of(PLANTED), kept(SCORES, digest=digest_of(run.params)))
    assert "have changed" in "\n".join(of_more)
    assert "100 rows, 12 processor seconds" in of_now
    assert "Not run yet." in "\n".join(run_lines("one", run, None))


def test_a_comparison_without_published_figures_says_so() -> None:
    assert published_lines(()) == ["Published: no figure is held against these."]
    assert "| a method | 0.9 | ten folds | a paper |" in published_lines(PUBLISHED)


def test_a_run_is_kept_beside_the_others(tmp_path: Path) -> None:
    for name in ("b", "a", "b"):
        keep_run("toy", name, kept(SCORES), tmp_path)
    assert list(read_kept("toy", tmp_path).runs) == ["a", "b"]
    assert read_kept("toy", tmp_path).runs["a"] == kept(SCORES)


# ---------------------------------------------------------------- workspaces
def test_what_is_the_same_is_not_written_again(make_workspace: Callable[[Path], Path], tmp_path: Path) -> None:
    root, folder = make_workspace(tmp_path / "root"), tmp_path / "run"
    prepare(root, folder, {"seed": 1})
    assert yaml.safe_load((folder / "params.yaml").read_text("utf-8")) == {"seed": 1}
    kept_file, edited, stale = folder / "stages/train.py", root / "stages/split.py", root / "stages/report.py"
    os.utime(kept_file, (1, 1))
    edited.write_text(edited.read_text("utf-8") + "\n", "utf-8")
    stale.unlink()
    prepare(root, folder, {"seed": 2})
    assert kept_file.stat().st_mtime == 1
    assert (folder / "stages/split.py").read_bytes() == edited.read_bytes() and not (folder / "stages/report.py").exists()
    assert yaml.safe_load((folder / "params.yaml").read_text("utf-8")) == {"seed": 2}


@pytest.mark.integration
def test_a_run_goes_on_and_a_failure_does_not_lose_the_others(
    make_workspace: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = make_workspace(tmp_path / "root")
    wrong = {**PLANTED, "models": {"linear": {"C": [-1]}}}
    toy = Comparison("A toy.", {"wrong": run_of(wrong), "right": run_of(PLANTED)}, PUBLISHED, ("None.",))
    monkeypatch.setattr(command, "comparison_of", lambda name: toy)
    said = [command.attempt("toy", run_name, root) for run_name in toy.runs]
    assert said[0] is not None and "ended with 1" in said[0] and said[1] is None
    found = read_kept("toy", root).runs
    assert list(found) == ["right"] and found["right"].digest == digest_of(toy.runs["right"].params)
    assert {(model.model, model.modalities) for model in found["right"].models} == {
        ("linear", ("hint",)), ("linear", ("left",)), ("linear", ("hint", "left")), ("constant", ())}
    assert all(set(model.scores) == {"accuracy", "log_loss"} for model in found["right"].models)
    assert found["right"].processor_s and found["right"].processor_s > 0
    capfd.readouterr()
    folder = root / command.WORKSPACES / "toy/right"
    run_pipeline(folder, "evaluate@planted")
    assert ": ran" not in capfd.readouterr().out
    assert kept_run(toy.runs["right"], folder) == found["right"]
