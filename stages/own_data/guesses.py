"""Guesses about undescribed data, each with its reason: what `python -m pipelines.new` writes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest
from stages.foundation.registry import component, names
from stages.own_data.sample_files import SampleFiles

FORMATS = {  # modality → endings; of .npy the header decides
    "image": (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm"),
    "audio": (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"),
    "text": (".txt", ".md"),
    "set": (".ply", ".off", ".xyz"),
    "graph": (".graphml", ".edges"),
    "series": (".npy", ".npz"),
}
NAMES = {"image": "photo", "audio": "sound", "text": "words", "set": "points", "graph": "graph", "series": "series", "tactile": "touch",
          "vector": "vector", "table": "facts"}  # fmt: skip
MODALITY_OF = {ending: modality for modality, endings in FORMATS.items() for ending in endings}
MAX_CLASSES = 100
MOST_HEADERS = 1000  # .npy files whose header is read


@dataclass(frozen=True)
class Hints:
    """What a person says of the data, which is not guessed then.

    target, group: columns, or fields of the files' names. label: the pattern of the files' names. types: column → number, truth, date or
    text. sheet, header: of a workbook. n_splits: the outer folds that params.yaml declares.
    """

    target: str | None = None
    group: str | None = None
    task: str | None = None
    label: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header: int | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    n_splits: int = 5


@dataclass(frozen=True)
class GuessedModality:
    """A modality: its name and entry under `modalities`, and why. settings: of its line under `features`."""

    name: str
    entry: dict[str, Any]
    why: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Guess:
    """A guessed entry under `datasets`. Each value comes with its reason.

    counts: how many samples are kept and how many are ignored. more: further keys, each with value and reason. time: a comment on the
    column that could order the folds; "" if there is none.
    """

    source: tuple[dict[str, Any], str]
    target: tuple[dict[str, Any], str]
    group: tuple[str | None, str]
    modalities: Sequence[GuessedModality]
    notes: Sequence[str] = ()
    split: tuple[str, str] | None = None
    counts: str = ""
    other_groups: Sequence[str] = ()
    more: Sequence[tuple[str, Any, str]] = ()
    time: str = ""


@dataclass(frozen=True)
class Values:
    """Counts over a column of text: rows, missing values, different values, and whether all are (whole) numbers."""

    n: int
    n_missing: int
    n_different: int
    numbers: bool
    whole: bool


def count_values(values: Sequence[str | None]) -> Values:
    """Return the counts over a column."""
    known = [value for value in values if value not in (None, "")]
    numbers = [_number(str(value)) for value in known]
    real = bool(known) and None not in numbers
    return Values(len(values), len(values) - len(known), len(set(known)), real, real and all(n == int(n) for n in numbers if n is not None))


def task_of(values: Values) -> tuple[str, str]:
    """Return the task that a target's values suggest, and why.

    Raises:
        InputError: if they can be neither classes nor numbers.
    """
    known = values.n - values.n_missing
    kind = "whole numbers" if values.whole else "numbers" if values.numbers else "texts"
    counted = f"{values.n_different} different {kind} in {values.n} rows"
    few = values.n_different <= (20 if values.numbers else MAX_CLASSES) and known >= 2 * values.n_different
    if values.n_different == 2:
        return "binary", counted
    if few and values.n_different > 2 and (values.whole or not values.numbers):
        return "multiclass", counted
    if values.numbers and values.n_different > 2:
        return "regression", counted
    raise InputError(f"the target has {counted}; expected classes that repeat, or numbers; name another column with --target")


def checked_task(wanted: str | None, target: dict[str, Any], why: str, values: Values | None) -> tuple[dict[str, Any], str]:
    """Return a target of the requested task, and why; raise InputError if its values (None: lists of labels) cannot be of it."""
    if wanted is None or (values is None and wanted == "multilabel"):
        return target, why
    known = names("tasks")
    if wanted not in known:
        raise InputError(f"--task: no task {wanted!r}{nearest(wanted, known)}; there are: {', '.join(known)}")
    column = target["column"]
    if values is None:
        raise InputError(f"--task {wanted}: column {column!r} holds lists of labels, which task multilabel alone predicts")
    if wanted == "binary" and values.n_different != 2:
        raise InputError(f"--task binary: column {column!r} has {values.n_different} different values; expected two")
    if component("tasks", wanted).form == "continuous" and not values.numbers:
        raise InputError(f"--task {wanted}: column {column!r} holds cells that are no numbers; name those that are missing with --missing")
    return target | {"task": wanted}, why


def modality_of(names: Sequence[str], files: SampleFiles) -> tuple[str, str] | None:
    """Return the modality that most of the files have by their endings, and its most frequent ending; None if no ending is known."""
    endings = Counter(ending for name in names if (ending := Path(name).suffix.lower()) in MODALITY_OF)
    if not endings:
        return None
    ending = endings.most_common(1)[0][0]
    modality = MODALITY_OF[ending]
    if ending == ".npy":
        modality = _kind_of_arrays([name for name in names if name.lower().endswith(ending)], files)
    return modality, ending


def free_name(modality: str, taken: Sequence[str]) -> str:
    """Return a name for a modality that is not taken."""
    first = NAMES[modality]
    return next(name for name in (first, *(f"{first}_{i}" for i in range(2, 1000))) if name not in taken)


def _kind_of_arrays(names: Sequence[str], files: SampleFiles) -> str:
    """Return vector (one length), series (T×c) or tactile (T×H×W) by the axes in the headers of .npy files; their values are not read."""
    shapes = [shape for name in names[:MOST_HEADERS] if (shape := _shape_of(files, name)) is not None]
    axes = Counter(len(shape) for shape in shapes).most_common(1)
    if axes and axes[0][0] == 1:
        return "vector" if len({shape for shape in shapes if len(shape) == 1}) == 1 else "series"
    return "tactile" if axes and axes[0][0] == 3 else "series"


def _shape_of(files: SampleFiles, name: str) -> tuple[int, ...] | None:
    import numpy as np

    try:
        file = BytesIO(files.read(name))
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return tuple(read(file)[0])
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e300 else None
