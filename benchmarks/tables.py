"""benchmarks/results.json, and the tables of docs/performance.md that are made of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results.json"
PAGE = ROOT / "docs/performance.md"
START, END = "<!-- {} -->", "<!-- /{} -->"
TITLES = {"knn": "kNN", "svm": "SVM", "mlp": "MLP", "network": "Networks"}
NOTHING: dict[str, Any] = {"rows": [], "growth": [], "machine": None, "facts": None, "run": None}


def read() -> dict[str, Any]:
    """Return the results kept so far."""
    return {**NOTHING, **(json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {})}


def write(results: Mapping[str, Any]) -> None:
    """Keep the results, and write the page's tables again."""
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def merged(kept: list[dict[str, Any]], new: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Return the new entries in place of those kept with the same `keys`; what is new goes to the end."""
    def name(entry: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(entry[key] for key in keys)

    fresh = {name(entry): entry for entry in new}
    return [fresh.pop(name(entry), entry) for entry in kept] + [entry for entry in new if name(entry) in fresh]


def filled(page: str, results: Mapping[str, Any]) -> str:
    """Return the page with each table between its markers."""
    for name, table in tables(results).items():
        start, end = START.format(name), END.format(name)
        if page.count(start) != 1 or page.count(end) != 1:
            raise ValueError(f"{PAGE.name} must have {start} and {end} once each")
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}"
    return page


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return every table as Markdown, by the name of its markers."""
    return {
        "comparisons": comparisons(results["rows"]), "machine": machine(results), "growth": growth(results["growth"]),
        "run": whole_run(results["run"]),
    }  # fmt: skip


def comparisons(rows: list[dict[str, Any]]) -> str:
    """Return a line per piece of work and peer."""
    lines = ["| work | peer | ours, s | peer, s | ratio | goal | peak memory, MB: ours, peer | rounds: ours, peer | agreement |",
             "|---|---|--:|--:|--:|--:|--:|--:|---|"]  # fmt: skip
    for row in rows:
        ours, theirs = row["ours"], row["theirs"]
        goal = "" if row["goal"] is None else f"≥ {row['goal']:g}×"
        ratio, agreement = "not compared", f"**the results differ**: {row.get('disagreement')}"
        if "ratio" in row:
            met = row["goal"] is None or row["ratio"] >= row["goal"]
            ratio, agreement = (f"{_ratio(row['ratio'])}" if met else f"**{_ratio(row['ratio'])}**"), row["agreement"]
        rounds = f"{ours['rounds']}, {theirs['rounds']}" + (f" of {theirs['parts']} parts" if theirs["parts"] > 1 else "")
        lines.append(
            f"| {row['work']} | {row['peer']} | {_seconds(ours)} | {_seconds(theirs)} | {ratio} | {goal} | {ours['peak_mb']:,}, "
            f"{theirs['peak_mb']:,} | {rounds} | {agreement} |"
        )
    return "\n".join(lines)


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 20 else f"{ratio:.1f}×"


def _seconds(facts: Mapping[str, Any]) -> str:
    return f"{_number(facts['seconds'])} ({_number(facts['least_s'])}–{_number(facts['most_s'])})"


def _number(seconds: float) -> str:
    """Return a time to two or three digits."""
    if seconds >= 100:
        return f"{seconds:,.0f}"
    if seconds >= 10:
        return f"{seconds:.1f}"
    return f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.2g}"


def machine(results: Mapping[str, Any]) -> str:
    """Return the machine, its rates, and how near the kernels come to them."""
    facts, measured = results["facts"], results["machine"]
    if facts is None or measured is None:
        return "Not measured yet."
    rates, cores = measured["rates"], facts["cores"]
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    lines = [
        f"{facts['processor']}, {cores} cores, {facts['memory_gb']} GB, {facts['system']}; Python {facts['python']}, {packages}.",
        "",
        f"| rate | 1 thread | {cores} threads |",
        "|---|--:|--:|",
    ]
    for name, title in (("gemm_float32", "GEMM, float32, 1e9 operations/s"), ("gemm_float64", "GEMM, float64, 1e9 operations/s"),
                        ("copy", "memory (copying), 1e9 bytes/s")):  # fmt: skip
        lines.append(f"| {title} | {rates[f'{name}_1']:g} | {rates[f'{name}_{cores}']:g} |")
    lines += ["", "| kernel | its rate | bound | share |", "|---|--:|--:|--:|"]
    for kernel in measured["kernels"]:
        rate, bound = f"{kernel['rate']:g} {kernel['unit']}", f"{kernel['bound']:g} ({kernel['of']})"
        lines.append(f"| {kernel['kernel']} | {rate} | {bound} | {kernel['share']:.0%} |")
    return "\n".join(lines)


def growth(found: list[dict[str, Any]]) -> str:
    """Return a line per model for rows, then for modalities."""
    if not found:
        return "Not measured yet."
    parts = []
    for along, head in (("rows", "rows"), ("modalities", "modalities")):
        chosen = [series for series in found if series["along"] == along]
        sizes = list(dict.fromkeys(point["size"] for series in chosen for point in series["points"]))
        lines = [f"| {head} | {' | '.join(f'{size:,}' for size in sizes)} | time ∝ |", f"|---|{'--:|' * (len(sizes) + 1)}"]
        for series in chosen:
            cells = {point["size"]: _cell(point) for point in series["points"]}
            unit = "n" if along == "rows" else "combinations"
            slope = f"{unit}^{series['exponent']:g}" if series["exponent"] is not None else ""
            lines.append(f"| {TITLES[series['learner']]} | {' | '.join(cells.get(size, '') for size in sizes)} | {slope} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _cell(point: Mapping[str, Any]) -> str:
    if "seconds" in point:
        return f"{_number(point['seconds'])} s, {point['peak_mb']:,} MB"
    return f"– ({point.get('left_out') or point['failed']})"


def whole_run(found: Mapping[str, Any] | None) -> str:
    """Return the times of `make run`."""
    if found is None:
        return "Not measured yet."
    longest = ", ".join(f"{stage} {wall:.0f} s" for stage, wall in found["longest"])
    return "\n".join([
        "| `make run` of a fresh clone | |",
        "|---|--:|",
        f"| wall time | {found['wall_s']:,} s |",
        f"| {found['stages']} stages, sum of their wall times | {found['stages_wall_s']:,} s |",
        f"| wall time ÷ that | {found['over_stages']:g} |",
        f"| sum of their processor times | {found['processor_s']:,} s |",
        f"| wall time ÷ (processor time ÷ {found['cores']} cores) (goal ≤ 1.25) | {found['over_numerics']:g} |",
        f"| other work meanwhile | {found['others_cores']:g} cores |",
        f"| the longest | {longest} |",
    ])  # fmt: skip
