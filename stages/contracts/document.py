"""The JSON documents that pass between stages, as something that a machine checks: on write and on read.

One module of stages/contracts/documents/ per document ends in a `DocumentSchema`; the path of a file tells which schema it has.
"""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

from stages.contracts.checked import Checked, checked
from stages.contracts.paths import names_in, path_mistakes


class Document(Checked):
    """A document, or an object in it."""


AnyDocument = TypeVar("AnyDocument", bound=Document)


def defined(value: Any) -> Any:
    """Return a number; None for one that is NaN or infinite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


# JSON has no NaN: an undefined number is null
Number = Annotated[float | None, BeforeValidator(defined)]


@dataclass(frozen=True)
class DocumentSchema:
    """path: of the files, a pattern in which {…} is any name, that of the document's key of the same name if there is one.

    kinds: what such a file holds, one of them. remedy: how to get a right one.
    """

    name: str
    path: str
    meaning: str
    kinds: tuple[type[Document], ...]
    remedy: str = "delete it and run `dvc repro`"

    def matches(self, path: str) -> bool:
        """Return whether a file, by its path relative to the workspace, is one of these."""
        return names_in(path, self.path) is not None

    def mistakes(self, value: Any, path: str) -> list[str]:
        """Return what is wrong with the JSON value of a file, a line each: of the kind that it is nearest to."""
        text = json.dumps(value)
        return min((self.read(text, kind, path)[1] for kind in self.kinds), key=len)

    def read(self, text: str | bytes, kind: type[AnyDocument], path: str) -> tuple[AnyDocument | None, list[str]]:
        """Return the document in a file's text, and what is wrong with it, a line each."""
        document, found = checked(kind, text)
        return document, found or path_mistakes(path, self.path, document)
