"""What a file of the repository imports, read from its source: for the tests of the walls and of the graph."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from stages.foundation.registry import KINDS

ROOT = Path(__file__).parents[1]
PACKAGES = ("stages", "pipelines")
COMPONENTS = {kind: Path("stages", folder) for kind, (folder, _) in KINDS.items()}  # kind → its folder


@cache
def source_files() -> list[Path]:
    """Return every Python file of the product, relative to the root."""
    return sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    """Return the dotted name of a file."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def file_of(module: str) -> Path | None:
    """Return the file of a module of this repository, or None."""
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / candidate).is_file():
            return candidate
    return None


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of all that a file imports, wherever in the file; `from a import b` as a.b where that is a module."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            for alias in node.names:
                yield f"{module}.{alias.name}" if file_of(f"{module}.{alias.name}") else module


@cache
def imported_files(path: Path) -> set[Path]:
    """Return the files of the repository that a file imports, without the empty ones of packages on the way."""
    found = {file_of(name) for name in imported(path) if name.split(".")[0] in PACKAGES}
    return {file for file in found if file is not None and (file.name != "__init__.py" or component_kind(file))}


@cache
def component_kind(path: Path) -> str | None:
    """Return the kind of component that a file ends in (`<name>.py` or `<name>/__init__.py` in the kind's folder), or None."""
    own = path.parent if path.name == "__init__.py" else path
    return next((kind for kind, folder in COMPONENTS.items() if own.parent == folder), None)


def component_of(path: Path) -> tuple[str, str] | None:
    """Return the kind and name of the component that a file is or is a part of, or None."""
    for kind, folder in COMPONENTS.items():
        if path.is_relative_to(folder) and path != folder / "__init__.py":
            return kind, path.relative_to(folder).parts[0].removesuffix(".py")
    return None
