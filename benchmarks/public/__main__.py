"""Run public comparisons, and show the results next to published ones: `python -m benchmarks.public [NAME …]` (`make public`).

Each run has a workspace under build/public/, in which the real pipeline runs: an interrupted one goes on, and one that fails does not stop
the others. Scores, processor seconds and versions are kept in docs/results/public/, and docs/public.md is written.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.public.comparison import Comparison, comparison_names, comparison_of
from benchmarks.public.kept import keep_run, kept_run
from benchmarks.public.page import PAGE, public_page
from benchmarks.public.workspace import prepare, run_pipeline, write_changed
from stages.foundation.errors import InputError

ROOT = Path(__file__).parents[2]
WORKSPACES = Path("build/public")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="python -m benchmarks.public")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(comparison_names())}, or one run of it as "
                        "NAME/RUN; default: all")
    chosen = parser.parse_args().names or comparison_names()
    try:
        runs = requested(chosen, comparison_of)
    except InputError as error:
        parser.error(str(error))
    failed = [line for name, run_name in runs if (line := attempt(name, run_name, ROOT))]
    write_changed(ROOT / PAGE, public_page(ROOT).encode())
    for line in failed:
        print(f"error: {line}", file=sys.stderr)
    return 1 if failed else 0


def requested(names: Sequence[str], find: Callable[[str], Comparison]) -> list[tuple[str, str]]:
    """Return (comparison, run) of names, which are of comparisons or of one run, as comparison/run.

    Raises:
        InputError: if a comparison or run does not exist.
    """
    found: list[tuple[str, str]] = []
    for requested_name in names:
        name, _, run_name = requested_name.partition("/")
        runs = find(name).runs
        if run_name and run_name not in runs:
            raise InputError(f"no run {run_name!r} of {name}; there are: {', '.join(runs)}")
        found += [(name, one) for one in runs if run_name in ("", one)]
    return list(dict.fromkeys(found))


def attempt(name: str, run_name: str, root: Path) -> str | None:
    """Run one run and keep its results; return what went wrong, if something did."""
    run, folder = comparison_of(name).runs[run_name], root / WORKSPACES / name / run_name
    print(f"{name}/{run_name}: {run.what}", flush=True)
    try:
        prepare(root, folder, run.params)
        run_pipeline(folder, f"evaluate@{run.dataset}")
        keep_run(name, run_name, kept_run(run, folder), root)
    except Exception as error:  # one comparison's failure must not lose the others
        traceback.print_exc()
        return f"{name}/{run_name}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
