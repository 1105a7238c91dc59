"""List all keys of params.yaml: `python -m stages.check --help`."""

import json

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stages.checking.check_studies import STUDIES
from stages.checking.sections import SECTIONS
from stages.foundation.registry import component, names
from stages.ingestion.data_set_entry import DataSetEntry, ModalityEntry, TargetEntry
from stages.params import allowed


def usage() -> str:
    """Return all keys that params.yaml may have, with their meaning."""
    lines = []
    models: dict[str, type[BaseModel]] = {"datasets.<name>": DataSetEntry, **SECTIONS}
    models |= {f"datasets.<name>.source ({n}: …)": component("sources", n).settings for n in names("sources")}
    models |= {"datasets.<name>.target (own data)": TargetEntry, "datasets.<name>.modalities.<modality name> (own data)": ModalityEntry}
    models |= {f"features.<data set>-<modality name> (modality: {n})": component("modalities", n).settings for n in names("modalities")}
    models |= {f"fusions.{n}": component("fusions", n).settings for n in names("fusions")}
    models |= {f"controls.{n}": component("controls", n).settings for n in names("controls")}
    models |= {f"models.{n}": component("models", n).settings for n in names("models")}
    models |= {f"models.<model>.optimizer_settings.{n}": component("optimizers", n).settings for n in names("optimizers")}
    models |= {f"{study}.<model>": entry for study, entry in STUDIES.items()}
    models |= {f"lessons.{n}": component("lessons", n).settings for n in names("lessons")}
    for key, model in models.items():
        lines.append(f"{key}: {allowed(model)}")
        for n, f in model.model_fields.items():
            given = "required" if f.is_required() else f"default {default_of(f)}"
            lines.append(f"    {n} ({given}): {f.description}")
    return "\n".join(lines)


def default_of(field: FieldInfo) -> str:
    """Return a key's default as it is written in params.yaml."""
    value = field.get_default(call_default_factory=True)
    plain = value.model_dump() if isinstance(value, BaseModel) else value
    return json.dumps(plain, ensure_ascii=False, default=str)
