"""What every settings model has in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """What a person may set of a component in params.yaml; unknown keys are refused.

    `renamed` holds former names of keys: who writes one is referred to its present name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def completed(cls, values: Any) -> Any:
        """Return what a person wrote, with the keys that follow from others; checked afterwards."""
        return values
