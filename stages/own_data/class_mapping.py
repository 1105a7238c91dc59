"""The classes that an entry of own data makes of its column's values, `target.classes`: values are merged, renamed, or left out."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.contracts.checked import shortened
from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest
from stages.own_data.number_format import NUMBER
from stages.own_data.text_columns import CODE
from stages.own_data.unicode_forms import normal


@dataclass(frozen=True)
class MappedTarget:
    """target: with the classes or labels in place of the values. left_out: bool (n,), samples whose value has no class. notes: lines."""

    target: pa.Array
    left_out: np.ndarray
    notes: tuple[str, ...]


def map_classes(target: pa.Array, classes: Mapping[str, str | None], key: str) -> MappedTarget:
    """Return a target, string or list<string>, with classes in place of its values; a missing target stays missing.

    A value is looked up as it is written, then as a number (1 is 1.0, 01 is a code) or a truth value (True is true).

    Args:
        classes: value → class, None: its samples are left out, or, of labels, the label is removed from its samples.
        key: of the mapping in params.yaml.
    Raises:
        InputError: naming the values that have no class, with their numbers of samples.
    """
    values, several = target.to_pylist(), pa.types.is_list(target.type)
    counts = Counter(one for value in values if value is not None for one in (set(value) if several else [value]))
    class_of = _classes_of(counts, classes, key)
    if several:
        labels = [None if value is None else [new for one in value if (new := class_of[one]) is not None] for value in values]
        mapped = pa.array([None if names is None else list(dict.fromkeys(names)) for names in labels], target.type)
        left_out = np.zeros(len(values), dtype=bool)
    else:
        mapped = pa.array([None if value is None else class_of[value] for value in values], target.type)
        left_out = np.array([value is not None and class_of[value] is None for value in values], dtype=bool)
    return MappedTarget(mapped, left_out, tuple(_notes(counts, class_of, classes, several=several)))


def _classes_of(counts: Counter[str], classes: Mapping[str, str | None], key: str) -> dict[str, str | None]:
    """Return the class of every value that occurs."""
    exact = {normal(value): name for value, name in classes.items()}
    alike: dict[str, set[str | None]] = defaultdict(set)
    for value, name in classes.items():
        alike[_spelling(normal(value))].add(name)
    found: dict[str, str | None] = {}
    for value in counts:
        names = {exact[value]} if value in exact else alike.get(_spelling(value), set())
        if len(names) == 1:  # of keys that are the same number, but of different classes, neither is meant by a third spelling
            found[value] = next(iter(names))
    missing = {value: counts[value] for value in sorted(counts) if value not in found}
    if missing:
        first = next(iter(missing))
        raise InputError(f"{key}: {len(missing)} value{'s' * (len(missing) > 1)} without a class: {_listed(missing)}"
                         f"{nearest(first, _unused(counts, classes))}; name the class of each, or null, which leaves its samples out")
    return found


def _notes(counts: Counter[str], class_of: Mapping[str, str | None], classes: Iterable[str], *, several: bool) -> Iterable[str]:
    gone = {value: counts[value] for value in sorted(counts) if class_of[value] is None}
    if gone and several:
        yield f"{len(gone)} label{'s' * (len(gone) > 1)} removed, null under target.classes: {_listed(gone)}"
    elif gone:
        n_gone = sum(gone.values())
        yield f"{n_gone} sample{'s' * (n_gone > 1)} left out, null under target.classes: {_listed(gone)}"
    if unused := _unused(counts, classes):
        yield f"no sample has the value{'s' * (len(unused) > 1)} {', '.join(shortened(map(repr, unused)))} of target.classes"


def _unused(counts: Iterable[str], classes: Iterable[str]) -> list[str]:
    """Return the keys of a mapping that are the value of no sample."""
    spellings = set(map(_spelling, counts))
    return [value for value in classes if _spelling(normal(value)) not in spellings]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(shortened(f"{value!r} ({count} sample{'s' * (count > 1)})" for value, count in counts.items()))


def _spelling(text: str) -> str:
    """Return what the ways to write one number, or one truth value, share; other texts, and codes such as 01, as they are."""
    if re.fullmatch(NUMBER, text) and not re.match(CODE, text):
        return repr(float(text) + 0.0)  # -0 is 0
    return text.lower() if text.lower() in ("true", "false") else text
