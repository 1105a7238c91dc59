"""Which step may start, what a failure stops, and what is said of it: plain steps, nothing is run."""

from collections.abc import Callable

import pytest

from pipelines.running.dvc_graph import Step, by_height
from pipelines.running.executor import StageResult
from pipelines.running.partial_results import left_out
from pipelines.running.ready_steps import blocked_by, counts_of, failures_of, line_of, run_in_order

RAN = StageResult("", "ran", 0.0)
FAILED = StageResult("a", "failed", 1.0, "error: one\ntwo")


def result_of(step: Step, results: dict[str, StageResult], *, fails: str) -> StageResult:
    """Return what becomes of a step in a run in which one step fails."""
    reason = blocked_by(step, results)
    return StageResult(step.name, "skipped" if reason else "failed" if step.name == fails else "ran", 0.0, reason)


def test_a_failure_stops_all_that_is_below_it_and_nothing_else() -> None:
    plan = [Step("a", ()), Step("other", ()), Step("b", ("a",)), Step("c", ("b",)), Step("d", ("c", "other")), Step("e", ("other",))]
    results: dict[str, StageResult] = {}
    for step in plan:
        results[step.name] = result_of(step, results, fails="a")
    assert {name: result.status for name, result in results.items()} == {
        "a": "failed", "other": "ran", "b": "skipped", "c": "skipped", "d": "skipped", "e": "ran"}  # fmt: skip
    assert {results[name].reason for name in "bcd"} == {"a failed"}, "the root is named, however far it is"
    assert counts_of(results) == "2 ran, 1 failed, 3 skipped"


@pytest.mark.parametrize("status", ["ran", "restored", "unchanged"])
def test_what_is_done_or_need_not_be_blocks_nothing(status: str) -> None:
    assert blocked_by(Step("b", ("a",)), {"a": StageResult("a", status, 0.0)}) == ""


def test_a_failure_is_named_with_its_log_and_what_it_said() -> None:
    assert failures_of({"a": FAILED, "b": StageResult("b", "skipped", 0.0, "a failed")}) == [
        "a failed (its output: .sensorium/logs/a.log)\nerror: one\ntwo"]  # fmt: skip
    assert counts_of({}) == "no stages"


@pytest.mark.parametrize(("kind", "evaluated", "without"), [
    ("report", {"a": "ran", "b": "failed", "c": "skipped"}, ("b", "c")), ("publish", {"a": "unchanged", "b": "skipped"}, ("b",)),
    ("report", {"a": "ran", "b": "restored"}, ()), ("report", {"a": "failed", "b": "skipped"}, ()),
    ("train@a-knn", {"a": "ran", "b": "failed"}, ()),
])  # fmt: skip
def test_report_and_publish_go_on_without_the_data_sets_that_failed(kind: str, evaluated: dict[str, str], without: tuple[str, ...]) -> None:
    results = {f"evaluate@{dataset}": StageResult(f"evaluate@{dataset}", status, 0.0) for dataset, status in evaluated.items()}
    assert left_out(Step(kind, tuple(results)), results | {"check": RAN}) == without


@pytest.mark.parametrize("n_at_once", [1, 2, 4])
def test_steps_start_in_order_each_after_what_it_reads_and_a_few_at_a_time(n_at_once: int) -> None:
    plan = [Step("a", ()), Step("b", ()), Step("c", ("a", "b")), Step("d", ()), Step("e", ("c",)), Step("f", ()), Step("g", ())]
    under_way: set[str] = set()
    begun: list[str] = []
    most = 0

    def start(step: Step, done: Callable[[StageResult], None]) -> None:
        nonlocal most
        assert not set(step.upstream) - set(finished), f"{step.name} began before what it reads"
        begun.append(step.name)
        under_way.add(step.name)
        most = max(most, len(under_way))
        done(StageResult(step.name, "ran", 0.0))

    finished: list[str] = []

    def on_done(result: StageResult) -> None:
        under_way.remove(result.stage)
        finished.append(result.stage)

    results = run_in_order(plan, start, n_at_once=n_at_once, on_done=on_done)
    assert (most, set(results), sorted(finished)) == (n_at_once, {step.name for step in plan}, sorted(begun))
    if n_at_once == 1:
        assert begun == [step.name for step in plan]


def test_long_chains_start_first_and_order_holds() -> None:
    plan = [Step("short", ()), Step("a", ()), Step("b", ("a",)), Step("c", ("b",))]
    assert [step.name for step in by_height(plan)] == ["a", "b", "short", "c"]


def test_the_line_for_the_console() -> None:
    assert line_of(StageResult("train@emoji-knn", "ran", 12.34), 3, 43) == "[ 3/43] train@emoji-knn: ran, 12.3 s"
    assert line_of(StageResult("check", "failed", 1.0, "error: one\ntwo"), 1, 9) == "[1/9] check: failed: error: one"
