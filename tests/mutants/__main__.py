"""Seed the faults of faults.py one at a time into copies of this checkout and run the tests that must find each: `make mutants`.

Names as arguments select faults. Exit status 0 if at least 95 % are caught and every run of tests could be judged. mutmut and Cosmic Ray
generate their mutants from operators over whole modules; neither takes a list of faults that matter, each with the tests that promise
to find it.
"""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.faults import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
N_AT_ONCE = 2
LIMIT_S = 300.0  # of one run of tests; a fault may make them wait forever
LEAST_SHARE = 0.95
PASSED, FAILED, INTERRUPTED = 0, 1, 2  # pytest's exit statuses; the last: a file of tests cannot be imported
OUTCOMES = {PASSED: "SURVIVED", FAILED: "caught", INTERRUPTED: "caught", None: "caught (time limit)"}


def copy_checkout(folder: Path) -> Path:
    """Return a copy of what git would commit, and of what numba compiled of it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    names = [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
    names += [path.relative_to(ROOT) for kind in ("nbi", "nbc") for path in (ROOT / "stages").rglob(f"__pycache__/*.{kind}")]
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)  # numba goes by the time of a source
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)  # DVC asks for a repository
    return folder


def run_tests(folder: Path, tests: Sequence[str]) -> tuple[int | None, str]:
    """Return pytest's exit status, None if it ran past the limit, and the last lines that it printed."""
    # bytecode is known by a source's second and size: that of the fault before must not be taken for this one's
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SENSORIUM_CORES": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", start_new_session=True) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=LIMIT_S)
            return process.returncode, "\n".join(said.splitlines()[-15:])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # and what the tests started
            return None, ""


def try_mutant(folder: Path, mutant: Mutant) -> tuple[int | None, str]:
    """Run a fault's tests on a copy that has it; the copy is as before afterwards."""
    path = folder / mutant.file
    whole = path.read_bytes()
    path.write_text(mutant.seeded(whole.decode()), encoding="utf-8")
    try:
        return run_tests(folder, mutant.tests)
    finally:
        path.write_bytes(whole)


def main(names: Sequence[str]) -> int:
    """Print what became of each fault, then the survivors; return the exit status."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in chosen}:
        sys.exit(f"error: no such fault: {', '.join(sorted(unknown))}; tests/mutants/faults.py lists them")
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folders: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for i in range(N_AT_ONCE):
            folders.put(copy_checkout(Path(name, str(i))))

        def judge(mutant: Mutant | Sequence[str]) -> tuple[int | None, str]:
            folder = folders.get()
            try:
                return try_mutant(folder, mutant) if isinstance(mutant, Mutant) else run_tests(folder, mutant)
            finally:
                folders.put(folder)

        with ThreadPoolExecutor(N_AT_ONCE) as pool:
            selections = list(dict.fromkeys(mutant.tests for mutant in chosen))
            for tests, (status, said) in zip(selections, pool.map(judge, selections), strict=True):
                if status != PASSED:  # or it would catch whatever is seeded
                    sys.exit(f"error: {' '.join(tests)} does not pass without a fault:\n{said}")
            print(f"{len(selections)} selections of tests pass without a fault; seeding {len(chosen)}", flush=True)
            found = {}
            for mutant, (status, said) in zip(chosen, pool.map(judge, chosen), strict=True):
                found[mutant.name] = OUTCOMES.get(status, f"NOT JUDGED (pytest's status {status})\n{said}")
                print(f"{found[mutant.name]}: {mutant.name} ({mutant.file}): {mutant.what}", flush=True)
    n_caught = sum(outcome.startswith("caught") for outcome in found.values())
    missed = [name for name, outcome in found.items() if not outcome.startswith("caught")]
    print(f"\n{n_caught} of {len(chosen)} caught ({n_caught / len(chosen):.1%})" + "".join(f"\n  not caught: {name}" for name in missed))
    return 0 if n_caught >= LEAST_SHARE * len(chosen) and not any("NOT JUDGED" in outcome for outcome in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
