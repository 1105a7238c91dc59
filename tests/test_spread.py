"""Work spread over processes: each item once, an error told, nothing left behind. Real processes."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from pipelines.publishing.process_pool import distribute, workers
from stages.foundation.errors import InputError

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[1]


def note(folder: Path, item: int) -> None:
    """Leave a file named after the item, with the process that did it."""
    time.sleep(0.1)
    (folder / str(item)).write_text(str(os.getpid()))


class Noting:
    """`note` in a folder; fails at one item. A class, as another process must be able to import it."""

    def __init__(self, folder: Path, bad: int | None = None) -> None:
        self.folder, self.bad = folder, bad

    def __call__(self, item: int) -> None:
        if item == self.bad:
            raise InputError(f"item {item} is bad")
        note(self.folder, item)


def test_each_item_is_done_once_by_whoever_is_free(tmp_path: Path) -> None:
    with workers(1) as processes:
        distribute(list(range(40)), Noting(tmp_path), Noting(tmp_path), processes)
        by = {path.read_text() for path in tmp_path.iterdir()}
        assert len(list(tmp_path.iterdir())) == 40
    assert str(os.getpid()) in by and len(by) <= 2
    assert all("resource_tracker" in " ".join(child.cmdline()) for child in psutil.Process().children())


def test_without_another_process_the_order_is_kept(tmp_path: Path) -> None:
    done: list[int] = []
    with workers(0) as processes:
        distribute([3, 1, 2], done.append, done.append, processes)
    assert done == [3, 1, 2]


@pytest.mark.parametrize("bad", [0, 5])
def test_the_first_error_is_raised_and_nothing_begins_after_it(tmp_path: Path, bad: int) -> None:
    with pytest.raises(InputError, match=f"item {bad} is bad"), workers(1) as processes:
        processes[0].submit(os.getpid).result()  # it is there: while it starts, which takes seconds, this process does one after another
        distribute(list(range(200)), Noting(tmp_path, bad), Noting(tmp_path, bad), processes)
    assert len(list(tmp_path.iterdir())) < 100


def test_the_first_error_counts_and_a_race_for_the_last_item_is_none() -> None:
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        for _ in range(300):
            done: list[int] = []
            with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
                distribute(list(range(7)), done.append, done.append, [one, other])
            assert sorted(done) == list(range(7))
    finally:
        sys.setswitchinterval(before)
    begun = threading.Event()

    def here(item: int) -> None:
        begun.wait()
        time.sleep(0.2)
        raise InputError("second, here")

    def there(item: int) -> None:
        begun.set()
        raise InputError("first, there")

    with ThreadPoolExecutor(1) as pool, pytest.raises(InputError, match="first, there"):
        distribute([1, 2], here, there, [pool])


def test_a_process_ended_from_outside_is_told_in_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a worker process was ended"), workers(1) as processes:
        psutil.Process(processes[0].submit(os.getpid).result()).kill()
        distribute(list(range(20)), Noting(tmp_path), Noting(tmp_path), processes)


def test_workers_end_with_the_process_that_started_them() -> None:
    code = "import os, time\nfrom pipelines.publishing.process_pool import workers\nwith workers(1) as processes:\n" \
           "    print(processes[0].submit(os.getpid).result(), flush=True)\n    time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        helper = psutil.Process(int(holder.stdout.readline()))
        holder.kill()
    deadline = time.monotonic() + 10
    while helper.is_running() and helper.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE
