"""Compare held-out scores with those of an earlier version of the pipeline: which moved, and what differs (`make compare`).

The earlier version is a commit or tag with a dvc.lock; its predictions come from DVC's cache. Exit status: 0 nothing moved down,
1 something moved down, 2 no comparison (a wrong argument, a missing object).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from pipelines.comparing.accepted import accept, accepted_commit
from pipelines.comparing.compared import compare_with
from pipelines.comparing.comparison_text import candidate_text, markdown, terminal_lines
from stages.contracts.documents.version_comparison_document import VersionComparison
from stages.foundation.errors import InputError, machine_errors
from stages.foundation.lease import held
from stages.foundation.plain_output import plain_output
from stages.foundation.tables import write_json, write_text

MOVED_DOWN, NO_COMPARISON = 1, 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m pipelines.compare", description=__doc__)
    made.add_argument("version", nargs="?", help="commit, tag or branch to compare with; default: the accepted version")
    made.add_argument("--accept", action="store_true", help="record the commit that is checked out as accepted; compare nothing")
    made.add_argument("--json", metavar="PATH", help="write the comparison as JSON; -: on standard output, in place of the table")
    made.add_argument("--markdown", metavar="PATH", help="write the comparison as Markdown")
    return made


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, or accept; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.accept and (options.version or options.json or options.markdown):
            raise InputError("--accept records the version that is checked out and takes no other argument")
        with machine_errors(), held("python -m pipelines.compare"):
            if options.accept:
                print(accept())
                return 0
            comparison = compare_with(options.version or accepted_commit())
            write(comparison, options.json, options.markdown)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return NO_COMPARISON
    return status_of(comparison)


def write(comparison: VersionComparison, as_json: str | None, as_markdown: str | None) -> None:
    """Print the table, or write what was requested."""
    if as_json == "-":
        print(comparison.model_dump_json(indent=1))
    else:
        print("\n".join(terminal_lines(comparison)), flush=True)
        if as_json:
            write_json(Path(as_json), comparison.model_dump(mode="json"))
    if as_markdown:
        write_text(Path(as_markdown), markdown(comparison))


def status_of(comparison: VersionComparison) -> int:
    """Return the exit status; name what moved down, and what could not be compared, on standard error."""
    for found in comparison.datasets:
        if found.note.startswith("not compared"):
            print(f"{found.dataset}: {found.note}", file=sys.stderr, flush=True)
    down = comparison.moves("moved down")
    for dataset, move in down:
        print(f"moved down: {candidate_text(dataset, move)}", file=sys.stderr, flush=True)
    return MOVED_DOWN if down else 0


if __name__ == "__main__":
    sys.exit(main())
