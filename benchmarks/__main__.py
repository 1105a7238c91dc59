"""Measure ours against its peers: `python -m benchmarks [NAME …] [--quick] [--run]` (`make bench`, `make bench-quick`).

Names: knn, svm, mlp, linear, network, featurizers, opening (each compares), machine, growth; none: all of them. Each comparison is made on
the same work, in turn, at least five rounds, and only where the results agree. Writes benchmarks/results.json and the tables of
docs/performance.md; with --quick it prints alone.
"""

import argparse
import sys
import time
from datetime import date
from importlib import import_module
from typing import Any

from benchmarks import growth, machine, tables, whole_run
from benchmarks.harness import measure, quickened

FAMILIES = ("knn", "svm", "mlp", "linear", "network", "featurizers", "opening")
QUICK = ("knn", "svm", "mlp")
OTHERS = ("machine", "growth")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join([*FAMILIES, *OTHERS])}; default: all")
    parser.add_argument("--quick", action="store_true", help="knn, svm and mlp in under a minute: fewer rounds, peers on one fold of five")
    parser.add_argument("--run", action="store_true", help="also `make run` of a fresh clone, which takes as long as a run does")
    chosen = parser.parse_args()
    names = chosen.names or (QUICK if chosen.quick else (*FAMILIES, *OTHERS))
    known = QUICK if chosen.quick else (*FAMILIES, *OTHERS)
    if unknown := set(names) - set(known):
        parser.error(f"no such name: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    started = time.perf_counter()
    results = compared([name for name in names if name in FAMILIES], quick=chosen.quick)
    failed = [result for result in results if "disagreement" in result]
    if not chosen.quick:
        keep(results, names, whole=chosen.run)
    print(f"{len(results)} comparisons, {time.perf_counter() - started:.0f} s")
    for result in failed:
        print(f"error: {result['work']} | {result['peer']}: the results differ: {result['disagreement']}", file=sys.stderr)
    return 1 if failed else 0


def compared(names: list[str], *, quick: bool) -> list[dict[str, Any]]:
    """Return a result per row and peer, dated."""
    rows = [row for name in names for row in import_module(f"benchmarks.{name}").rows(quick=quick)]
    chosen = [quickened(row) if quick else row for row in rows]
    return [{**result, "date": date.today().isoformat()} for row in chosen for result in measure(row, _say)]


def keep(results: list[dict[str, Any]], names: Any, *, whole: bool) -> None:
    """Measure the rest that was asked for; write results and tables."""
    kept = tables.read()
    kept["rows"] = tables.merged(kept["rows"], results, "key", "peer")
    kept["facts"] = machine.facts()
    tables.write(kept)
    if "machine" in names:
        kept["machine"] = machine.measure()
        tables.write(kept)
        print(tables.machine(kept))
    if "growth" in names:
        kept["growth"] = growth.measure(_say)
        tables.write(kept)
        print(tables.growth(kept["growth"]))
    if whole:
        kept["run"] = whole_run.measure()
        tables.write(kept)
        print(tables.whole_run(kept["run"]))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
