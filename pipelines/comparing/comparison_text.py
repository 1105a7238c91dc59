"""A comparison as text for a terminal and as Markdown: the candidates that differ, what differs between the versions, and a summary."""

from collections import Counter
from collections.abc import Iterable, Sequence

from stages.contracts.documents.version_comparison_document import CandidateMove, Change, DatasetMoves, Move, VersionComparison, VersionInfo
from stages.foundation.plain_output import plain
from stages.reporting.formatting import model_name, number, p_value, signed, with_interval

COLUMNS = ("model", "modalities", "before", "now", "difference", "p folds", "p rows", "p", "rows", "verdict")
TO_THE_RIGHT = ("before", "now", "p folds", "p rows", "p")
ORDER: tuple[Move, ...] = ("moved down", "moved up", "no evidence", "not comparable", "new", "removed", "identical")
MOST_FILES, MOST_CHANGES = 3, 12


def terminal_lines(comparison: VersionComparison) -> list[str]:
    """Return the lines for a terminal: a paragraph per data set, then the summary."""
    lines = [f"{version_name(comparison.before)} → {version_name(comparison.after)}"]
    for found in comparison.datasets:
        lines += ["", dataset_title(found)]
        lines += [f"  changed: {text}" for text in change_texts(found.changes)]
        if shown := different(found):
            lines += [f"  {line}" for line in aligned(COLUMNS, [row_of(move) for move in shown])]
        if n_identical := identical(found):
            lines.append(f"  identical: {n_identical} candidate{'s' * (n_identical > 1)}")
    if comparison.environment:
        lines += ["", *change_texts(comparison.environment)]
    return [*lines, "", summary(comparison)]


def markdown(comparison: VersionComparison) -> str:
    """Return the comparison as Markdown."""
    parts = [f"**{version_name(comparison.before)} → {version_name(comparison.after)}**: {summary(comparison)}"]
    for found in comparison.datasets:
        parts.append(f"### {escaped(dataset_title(found))}")
        parts += ["\n".join(f"- changed: {escaped(text)}" for text in change_texts(found.changes))] if found.changes else []
        if shown := different(found):
            rows = [COLUMNS, ["---"] * len(COLUMNS), *(map(escaped, row_of(move)) for move in shown)]
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
        parts += [f"{n} identical." for n in [identical(found)] if n]
    if comparison.environment:
        parts.append("\n".join(f"- {escaped(text)}" for text in change_texts(comparison.environment)))
    return plain("\n\n".join(parts) + "\n")


def version_name(version: VersionInfo) -> str:
    """Return "v1 (3f2a1c90)", or "workspace"."""
    short = (version.commit or "")[:8]
    return version.name if not short or version.name == "workspace" or short == version.name[:8] else f"{version.name} ({short})"


def dataset_title(found: DatasetMoves) -> str:
    """Return a data set with the metric of its tests, or with what limits the comparison."""
    return found.dataset + (f" · {found.metric.title}" if found.metric else "") + (f": {found.note}" if found.note else "")


def different(found: DatasetMoves) -> list[CandidateMove]:
    """Return the candidates that are not identical, those that moved first."""
    return sorted((move for move in found.candidates if move.move != "identical"), key=lambda move: ORDER.index(move.move))


def identical(found: DatasetMoves) -> int:
    """Return how many candidates predict the same bytes."""
    return sum(move.move == "identical" for move in found.candidates)


def row_of(move: CandidateMove) -> list[str]:
    """Return a candidate's cells. p: corrected. rows: how many are closer to the truth (+) than before, and further from it (−)."""
    rows = f"+{move.rows.better:,} −{move.rows.worse:,} of {move.rows.n_rows:,}" if move.rows else ""
    difference = with_interval(move.difference, move.lo, move.hi, write=signed) if move.rows else ""
    verdict = move.move + (f" ({move.reason})" if move.reason else "")
    tests = [p_value(p) if move.rows else "" for p in (move.p_fold, move.p_row, move.p_corrected)]
    scores = [number(score) if move.rows else "" for score in (move.before, move.after)]
    return [model_name(move.model), candidate_modalities(move), *scores, difference, *tests, rows, verdict]


def candidate_modalities(move: CandidateMove) -> str:
    """Return "image + text", with the way of fusing where it is not the usual one."""
    return " + ".join(move.modalities) + (f" ({move.fusion})" if move.fusion != "early" else "")


def candidate_text(dataset: str, move: CandidateMove) -> str:
    """Return a moved candidate in one line: emoji · kNN · image: 0.700 → 0.650."""
    return f"{dataset} · {model_name(move.model)} · {candidate_modalities(move)}: {number(move.before)} → {number(move.after)}"


def change_texts(changes: Sequence[Change]) -> list[str]:
    """Return what differs, a text each, the long tail as a number."""
    texts = [change_text(change) for change in changes]
    return texts if len(texts) <= MOST_CHANGES else [*texts[:MOST_CHANGES], f"and {len(texts) - MOST_CHANGES} more"]


def change_text(change: Change) -> str:
    """Return "params models.knn.n_neighbors: [1, 2] → [1]", or "code stages/models/knn (topk.py)"."""
    if change.area == "code":
        inside = [file.removeprefix(f"{change.name}/") for file in change.files if file != change.name]
        more = f", and {len(inside) - MOST_FILES} more" if len(inside) > MOST_FILES else ""
        return f"code {change.name}" + (f" ({', '.join(inside[:MOST_FILES])}{more})" if inside else "")
    name = change.name if change.name.startswith("data/") else f"{change.area} {change.name}"
    before, after = ("absent" if value is None else value for value in (change.before, change.after))
    return f"{name}: {before} → {after}"


def summary(comparison: VersionComparison) -> str:
    """Return how many candidates moved where: "1 moved down, 2 no evidence, 28 identical"."""
    counts = Counter(move.move for found in comparison.datasets for move in found.candidates)
    skipped = sum(found.note.startswith("not compared") for found in comparison.datasets)
    parts = [f"{counts[kind]} {kind}" for kind in ORDER if counts[kind]]
    parts += [f"{skipped} data set{'s' * (skipped > 1)} not compared"] if skipped else []
    return ", ".join(parts) or "nothing to compare"


def aligned(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table as lines of equal columns; numbers to the right."""
    table = [list(columns), *map(list, rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(columns))]
    sides = ["rjust" if name in TO_THE_RIGHT else "ljust" for name in columns]
    cells = ((getattr(text, side)(width) for text, side, width in zip(row, sides, widths, strict=True)) for row in table)
    return ["  ".join(row).rstrip() for row in cells]


def escaped(text: str) -> str:
    """Return text for a cell of Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
