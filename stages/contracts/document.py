"""The JSON documents that pass between stages, as something that a machine checks: on write and on read.

One module of stages/contracts/documents/ per document ends in a `DocumentSchema`; the path of a file tells which schema it has.
"""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from stages.contracts.paths import fits


class Document(BaseModel):
    """A document, or an object in it: unknown keys are refused, and it does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _defined(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


# JSON has no NaN: an undefined number is null
Number = Annotated[float | None, BeforeValidator(_defined)]


@dataclass(frozen=True)
class DocumentSchema:
    """path: of the files, a pattern in which {…} is any name. kinds: what such a file holds, one of them."""

    name: str
    path: str
    meaning: str
    kinds: tuple[type[Document], ...]

    def matches(self, path: str) -> bool:
        """Return whether a file, by its path relative to the workspace, is one of these."""
        return fits(path, self.path)

    def mistakes(self, value: Any) -> list[str]:
        """Return in what a JSON value differs from what such a file holds, a line each: of the kind that it is nearest to."""
        return min((mistakes(value, kind) for kind in self.kinds), key=len)


def mistakes(value: Any, kind: type[Document]) -> list[str]:
    """Return in what a JSON value differs from a kind of document, a line each."""
    try:
        # as JSON: strict about types (`true` is no number, "3" neither), and a list may still become a tuple
        kind.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, item['loc'])) or 'the document'}: {item['msg']}" for item in error.errors()]
    return []
