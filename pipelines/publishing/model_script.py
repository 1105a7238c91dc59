"""The logged model's own script ("models from code"): turns a frame of raw samples into Arrow and calls stages/training/prediction.py.

It travels with the model and imports nothing of pipelines/.
"""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

PROBABILITY = "probability "
PREDICTION = {"classes": "label", "labels": "labels"}  # by form of the targets, the column with the name
# Where numba keeps what it compiled: NUMBA_CACHE_DIR or the user's cache, and next to the code only if neither can be written.
CACHES = "UserProvidedCacheLocator,UserWideCacheLocator,InTreeCacheLocator"


def flat_names(column: pa.Field) -> Iterator[tuple[str, pa.Field]]:
    """Yield the frame's columns of a modality: the column itself, or `<label>.<field>` for each field of a table."""
    if not pa.types.is_struct(column.type):
        yield column.name, column
    else:
        for field in column.type:
            yield f"{column.name}.{field.name}", field


# of the process, as every loaded model has its own copy of this module: which code `stages` names is the process's too
CODE_LOCK: threading.RLock = vars(sys).setdefault("_sensorium_code_lock", threading.RLock())


class ModelCode:
    """The package `stages` that was logged with a model: models of other commits or with other files may be loaded beside it.

    folder: of the package. Where the process has imported a `stages` of the same files, as where models are logged, that is used: modules
    that are exchanged for a while are exchanged for all threads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: dict[str, ModuleType] = {}
        self.is_imported = not folder.is_dir() or _is_imported(folder)
        self.compiles = any(b"numba" in file.read_bytes() for file in folder.rglob("*.py"))

    @contextmanager
    def imported(self) -> Iterator[None]:
        """Let `stages` be this model's package for a block of code, imports inside functions included."""
        if self.is_imported:
            yield
            return
        with CODE_LOCK:
            others = _without_stages()
            sys.modules.update(self.modules)
            sys.path.insert(0, str(self.folder.parent))
            importlib.invalidate_caches()
            try:
                with nothing_written(compiles=self.compiles):
                    yield
            finally:
                sys.path.remove(str(self.folder.parent))
                self.modules = _without_stages()
                sys.modules.update(others)


@contextmanager
def nothing_written(*, compiles: bool = False) -> Iterator[None]:
    """Import in a block of code without a trace next to what is imported: the folder of a model stays as it was logged.

    Args:
        compiles: whether what is imported has functions that numba compiles.
    """
    config = importlib.import_module("numba").config if compiles else None
    bytecode, caches = sys.dont_write_bytecode, config.CACHE_LOCATOR_CLASSES if config else ""
    sys.dont_write_bytecode = True
    if config and not caches:
        config.CACHE_LOCATOR_CLASSES = CACHES
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        if config:
            config.CACHE_LOCATOR_CLASSES = caches


def _is_imported(folder: Path) -> bool:
    """Return whether the process has imported a package of this name that holds the same files, and perhaps more."""
    package = sys.modules.get(folder.name)
    if package is None or not package.__file__:
        return False
    root = Path(package.__file__).parent
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    return all((root / file).is_file() and (root / file).read_bytes() == (folder / file).read_bytes() for file in files)


def _without_stages() -> dict[str, ModuleType]:
    """Remove `stages` and its modules from the process's modules; return them by name."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "stages"}


class SamplesModel(PythonModel):
    """A refitted model over raw samples."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model, and read what Arrow types the samples had."""
        self.code = ModelCode(Path(__file__).parent / "code" / "stages")
        with self.code.imported():
            from stages.training.prediction import Predictor

            self.predictor = Predictor.load(Path(context.artifacts["fitted"]))
        self.schema = pa.ipc.read_schema(pa.py_buffer(Path(context.artifacts["schema"]).read_bytes()))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the predictions, a row per sample as given.

        Classes: `label` and a probability per class. Labels: `labels`, a list, and a probability per label. Continuous targets: a
        column each.
        """
        with self.code.imported():
            found = self.predictor.predict({field.name: modality_column(model_input, field) for field in self.schema})
        if found.probabilities is None:
            return pd.DataFrame(found.predictions, columns=list(found.outputs), index=model_input.index).astype("float64")
        names = [PROBABILITY + name for name in found.outputs]
        result = pd.DataFrame(found.probabilities.astype("float64"), columns=names, index=model_input.index)
        result.insert(0, PREDICTION[found.form], pd.Series(list(found.predictions), index=model_input.index, dtype="object"))
        return result


def modality_column(frame: pd.DataFrame, column: pa.Field) -> pa.Array:
    """Return a modality's samples as Arrow; a field that the frame lacks is missing in every row."""
    arrays = [leaf_column(frame[name], field.type) if name in frame else pa.nulls(len(frame), field.type)
              for name, field in flat_names(column)]
    return pa.StructArray.from_arrays(arrays, fields=list(column.type)) if pa.types.is_struct(column.type) else arrays[0]


def leaf_column(values: pd.Series, kind: pa.DataType) -> pa.Array:
    """Return one column of a frame as the Arrow type that the samples had; see `framed_type` for what it was in between."""
    if is_list(kind):
        return pa.array([plain_lists(value) for value in values], kind)
    framed = framed_type(kind)
    array = pa.array(values.astype(object) if pa.types.is_string(framed) else values, framed, from_pandas=True)
    # through whole numbers: a time or a span of time cannot be cast from double
    return (array.cast(pa.int64()) if pa.types.is_time64(kind) or pa.types.is_duration(kind) else array).cast(kind)


def framed_type(kind: pa.DataType) -> pa.DataType:
    """Return the Arrow type as which a frame carries samples of `kind`.

    Whole numbers are double, as pandas has no other column with gaps; so are times of day and spans, in their own unit. Dates and
    points in time are text (ISO 8601), and so is everything else that MLflow has no name for.
    """
    if is_list(kind):
        return pa.list_(framed_type(kind.value_type))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        return pa.float64()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.binary()
    return pa.bool_() if pa.types.is_boolean(kind) else pa.string()


def is_list(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is a list of any kind."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def plain_lists(value: Any) -> Any:
    """Return lists and arrays within each other as lists; None stays."""
    if hasattr(value, "tolist"):  # an array, maybe of arrays
        value = value.tolist()
    return [plain_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


set_model(SamplesModel())
