"""Check the section `conditions:`: shares, corruptions that modalities declare, models and data sets that params.yaml has."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.checking.known_components import known, refuse_unknown
from stages.conditions.condition_settings import ConditionsEntry
from stages.contracts.corruption import Corruption
from stages.contracts.modality import Modality
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.params import section
from stages.samples.corrupted_samples import checked_strength


def check_conditions(params: Mapping[str, Any]) -> None:
    """Raise InputError unless the section names what there is, with strengths that corruptions take, ascending."""
    entry: ConditionsEntry = section(params, "conditions", ConditionsEntry)
    for kind in ("models", "datasets"):
        for name in getattr(entry, kind) or ():
            refuse_unknown(name, params[kind], f"conditions.{kind}", f"entry under {kind}")
    check_ascending("conditions.missing", entry.missing)
    if entry.corruptions == "all":
        return
    for kind, corruptions in entry.corruptions.items():
        modality: Modality[Any] = known("modalities", kind, f"conditions.corruptions.{kind}")
        declared = {corruption.name: corruption for corruption in modality.corruptions}
        for name, strengths in (corruptions or {}).items():
            where = f"conditions.corruptions.{kind}.{name}"
            refuse_unknown(name, declared, where, f"corruption of modality {kind!r}")
            if strengths is not None:
                check_strengths(where, declared[name], strengths)


def check_strengths(where: str, corruption: Corruption, strengths: Sequence[float]) -> None:
    """Raise InputError unless there are strengths that the corruption takes, ascending."""
    if not strengths:
        raise InputError(f"{PARAMS}: {where}: no strength; list some above 0, or write null for its own: "
                         f"{', '.join(f'{strength:g}' for strength in corruption.strengths)}")
    for strength in strengths:
        try:
            checked_strength(corruption, strength)
        except InputError as error:
            raise InputError(f"{PARAMS}: {where}: {error}") from error
    check_ascending(where, strengths)


def check_ascending(where: str, strengths: Sequence[float]) -> None:
    """Raise InputError unless strengths are above 0, ascending, and told apart by six digits, with which conditions are named."""
    names = [f"{strength:g}" for strength in strengths]
    if list(strengths) != sorted(strengths) or len(set(names)) < len(names) or "0" in names:
        raise InputError(f"{PARAMS}: {where}: expected strengths above 0 (at 0 samples are clean, which is always scored), ascending and "
                         f"different in their first six digits, found {list(strengths)}")
