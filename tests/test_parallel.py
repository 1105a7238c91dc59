"""Tasks on the cores that a stage may use now: the share of a run may grow and shrink between two tasks."""

import threading
from pathlib import Path

import pytest

from stages.foundation.parallel import CorePool, cores_now, each

TIMEOUT_S = 30.0


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a share of 1 of 3 cores."""
    path = tmp_path / "share"
    path.write_text("1")
    monkeypatch.setenv("SENSORIUM_CORES", "3")
    monkeypatch.setenv("SENSORIUM_CORES_FILE", str(path))
    return path


class Counter:
    """Counts the tasks that run at the same time."""

    def __init__(self) -> None:
        self.lock, self.running, self.most = threading.Lock(), 0, 0
        self.started: list[int] = []

    def run(self, item: int, wait: float = 0.01) -> int:
        with self.lock:
            self.started.append(item)
            self.running += 1
            self.most = max(self.most, self.running)
        threading.Event().wait(wait)
        with self.lock:
            self.running -= 1
        return item


def test_the_share_is_read_again(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores_now() == 1
    share.write_text("2")
    assert cores_now() == 2
    share.write_text("64")
    assert cores_now() == 3  # never more than SENSORIUM_CORES
    share.unlink()
    assert cores_now() == 3  # the run has ended
    monkeypatch.delenv("SENSORIUM_CORES_FILE")
    assert cores_now() == 3  # by `dvc repro`, or by hand


def test_a_share_of_one_core_runs_tasks_in_order_one_at_a_time(share: Path) -> None:
    counter = Counter()
    assert each(counter.run, range(12)) == list(range(12))
    assert counter.most == 1 and counter.started == list(range(12))


def test_a_pool_takes_more_cores_while_it_runs_and_gives_them_back(share: Path) -> None:
    together, counter = threading.Barrier(3), Counter()
    with CorePool() as pool:
        first = [pool.submit(counter.run, item) for item in range(3)]
        assert [future.result(TIMEOUT_S) for future in first] == [0, 1, 2] and counter.most == 1
        share.write_text("3")
        grown = [pool.submit(together.wait, TIMEOUT_S) for _ in range(3)]  # each waits until all three run
        assert sorted(future.result(TIMEOUT_S) for future in grown) == [0, 1, 2]
        share.write_text("1")
        counter.most = 0
        last = [pool.submit(counter.run, item) for item in range(4)]
        assert [future.result(TIMEOUT_S) for future in last] == [0, 1, 2, 3] and counter.most == 1


def test_tasks_may_wait_for_tasks_of_their_own(share: Path) -> None:
    assert each(lambda i: sum(each(lambda j: i * j, range(4))), range(5)) == [0, 6, 12, 18, 24]


def test_the_first_error_is_raised_and_the_pool_goes_on(share: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        each(lambda i: 1 // i, [1, 0, 2])
    assert each(lambda i: i, range(3)) == [0, 1, 2]
