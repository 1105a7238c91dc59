"""Classes and labels of few samples: left out, or merged into one."""

from collections import Counter

import pyarrow as pa

from stages.contracts.checked import shortened
from stages.contracts.task import TargetForm
from stages.foundation.errors import InputError

MERGED = "other"


def without_rare(index: pa.Table, form: TargetForm, policy: str, rare_below: int) -> tuple[pa.Table, str]:
    """Return the index without rare classes or labels, and what was done in words ("": nothing).

    Args:
        index: with the target before it is encoded: string, or list<string>.
        policy: drop (samples of a rare class are left out, a rare label is removed from its samples) or merge (into MERGED).
        rare_below: number of samples below which a class or label is rare.
    Raises:
        InputError: for targets that are neither classes nor labels.
    """
    if form == "continuous":
        raise InputError("rare_classes: expected fail, as the target is continuous; remove it")
    values = index["target"].to_pylist()
    counts = Counter(values) if form == "classes" else Counter(name for names in values for name in set(names))
    rare = sorted(name for name, count in counts.items() if count < rare_below)
    if not rare:
        return index, ""
    changed = {name: MERGED if policy == "merge" else None for name in rare}
    if form == "classes":
        renamed = pa.array([changed.get(name, name) for name in values], pa.string())
    else:
        kept = [[new for name in names if (new := changed.get(name, name)) is not None] for names in values]
        renamed = pa.array([list(dict.fromkeys(names)) for names in kept], pa.list_(pa.string()))
    place = index.column_names.index("target")
    table = index.set_column(place, "target", renamed)
    table = table.filter(table["target"].is_valid())
    named = ", ".join(shortened(map(repr, rare)))
    kinds = ("class" if form == "classes" else "label") + ("es" if form == "classes" else "s") * (len(rare) > 1)
    n_samples = sum(counts[name] for name in rare)
    done = f"merged into {MERGED!r}" if policy == "merge" else "left out" if form == "classes" else "removed"
    return table, f"{len(rare)} {kinds} of fewer than {rare_below} samples {done}: {named} ({n_samples} sample{'s' * (n_samples > 1)})"
