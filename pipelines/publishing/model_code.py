"""The code that predicting with a model needs: files of stages/ and packages, found by what imports what."""

import ast
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import stages

ROOT = Path(stages.__file__).parent
# What predicting imports, wherever the model is taken; the rest of the lock (Prefect, DVC, …) is not needed there.
PACKAGES = ("mlflow", "numpy", "pandas", "pillow", "polars", "pyarrow", "pydantic", "pyyaml", "scikit-learn", "scipy", "skops")
EXTRA_PACKAGES = ("numba", "soundfile", "torch")  # not for every model


def predicting_files(model: str, modalities: Sequence[str], way: str | None = None) -> list[Path]:
    """Return the files of stages/ that a model of these modalities predicts with, sorted.

    What lies beside the components and is no code (a list of words, say) is among them, as no import tells who reads it.

    Args:
        way: of late fusion; None: one model sees all.
    """
    components = [ROOT / "models" / model, *(ROOT / "modalities" / modality for modality in modalities)]
    files = [folder / "__init__.py" for folder in components]
    if way is not None:
        files += [path for path in (ROOT / "fusions" / f"{way}.py", ROOT / "fusions" / way / "__init__.py") if path.is_file()]
    return sorted(reached([ROOT / "training" / "prediction.py", *files]) | set(data_files()))


def data_files() -> Iterator[Path]:
    """Yield the files beside models and modalities that are neither code nor what Python made of it."""
    for folder in ("models", "modalities"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".py" and path.parent.name != "__pycache__":
                yield path


def requirements(files: Iterable[Path]) -> list[str]:
    """Return the exact packages that `files` need; what only some models or modalities import only where they do."""
    found = {name.partition(".")[0] for file in files if file.suffix == ".py" for name in imported_names(file)}
    packages = [*PACKAGES, *(package for package in EXTRA_PACKAGES if package in found)]
    # a local build's suffix (2.13.0+cpu) is of this machine, no index has it
    return [f"{package}=={version(package).partition('+')[0]}" for package in packages]


def copy_code(files: Iterable[Path], folder: Path) -> Path:
    """Copy files of stages/ to a package of that name in `folder`; return where it is."""
    for file in files:
        target = folder / ROOT.name / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return folder / ROOT.name


def reached(files: Iterable[Path]) -> set[Path]:
    """Return files of stages/, those that they import, at their head or inside a function, and so on; with each package's own file."""
    waiting, seen = list(files), set[Path]()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        packages = [folder / "__init__.py" for folder in file.parents if folder.is_relative_to(ROOT)]
        waiting += [path for path in packages if path.is_file()]
        for name in imported_names(file):
            package, _, rest = name.partition(".")
            inner = ROOT.joinpath(*rest.split("."))
            if package == ROOT.name:
                waiting += [path for path in (inner.with_suffix(".py"), inner / "__init__.py") if path.is_file()]
    return seen


@cache
def imported_names(file: Path) -> tuple[str, ...]:
    """Return the dotted names that a file of stages/ imports, of `from a import b` both a and a.b."""
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = file.relative_to(ROOT.parent).parts[: -node.level] if node.level else ()  # `from .parts import words`
            package = ".".join([*above, *([node.module] if node.module else [])])
            found += [package, *(f"{package}.{alias.name}" for alias in node.names)]
    return tuple(found)
