"""The settings of the section `leakage:`: which findings stop a data set's training, and which are not reported as open."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from stages.contracts.detector import Detector, LeakCode
from stages.contracts.documents.leaks_document import Level
from stages.contracts.settings import Settings
from stages.foundation.params_file import nearest
from stages.foundation.registry import component, names

ALL = "all"
LEVELS: tuple[Level, ...] = ("fail", "warn", "ignore")


def detectors() -> list[Detector]:
    """Return every detector, by name."""
    return [component("leaks", name) for name in names("leaks")]


def leak_codes() -> dict[str, LeakCode]:
    """Return every code of a detector by its name, sorted."""
    codes = [code for detector in detectors() for code in detector.codes]
    return {code.name: code for code in sorted(codes, key=lambda code: code.name)}


def _known(keys: tuple[str, ...]) -> tuple[str, ...]:
    known = [ALL, *leak_codes()]
    for key in keys:
        if (code := key.partition("/")[0]) not in known:
            raise PydanticCustomError("unknown_code", "{problem}", {
                "problem": f"no code {code!r}{nearest(code, known)}; there are: {', '.join(known)}"})  # fmt: skip
    return keys


Codes = Annotated[tuple[str, ...], AfterValidator(_known)]
ABOUT = "codes (docs/leaks.md), `all`, or <code>/<subject> for one finding, "


class OneLeakageEntry(Settings):
    """Levels of one data set's findings; of a code that it does not name the section's level holds."""

    fail: Codes = Field(default=(), description=ABOUT + "that stop the training of this data set")
    warn: Codes = Field(default=(), description=ABOUT + "that are reported for this data set")
    ignore: Codes = Field(default=(), description=ABOUT + "that are known of this data set and not open")


class LeakageEntry(Settings):
    fail: Codes = Field(default=(), description=ABOUT + "that stop a data set's training, as a failed expectation does")
    warn: Codes = Field(default=(), description=ABOUT + "that are reported, as every code is that stands in no list")
    ignore: Codes = Field(default=(), description=ABOUT + "that are listed as ignored and not open")
    gaps: bool = Field(default=False, description="whether the gap that a finding makes is measured: 5-NN with and without it")
    datasets: dict[str, OneLeakageEntry] = Field(default={}, description="other levels for single data sets: name: {fail, warn, ignore}")

    def of(self, dataset: str, known: Mapping[str, str] = MappingProxyType({})) -> "LeakLevels":
        """Return the levels of one data set's findings; `known` are those that its file explains."""
        own = _levels(self.datasets.get(dataset, OneLeakageEntry()))
        return LeakLevels(section=_levels(self), own=own, known=dict(known), gaps=self.gaps)


class LeakLevels(Settings):
    """Levels by code, `all`, or <code>/<subject>: of `leakage:`, and of its entry for the data set. known: reason by <code>/<subject>."""

    section: dict[str, Level] = Field(default={}, description="level by key")
    own: dict[str, Level] = Field(default={}, description="level by key, of the data set's own entry")
    gaps: bool = Field(default=False, description="whether gaps are measured")
    known: dict[str, str] = Field(default={}, description="why a finding is no leak, by key, of the data set's file")

    def of(self, code: str, subject: str) -> Level:
        """Return the level of a finding: one finding goes before its code, its code before all, the data set's own before the section's.

        A finding that the data set's file explains is ignored, unless the settings name it or its code, or the own entry names all.
        """
        finding = f"{code}/{subject}"
        for levels, keys in ((self.own, (finding, code, ALL)), (self.section, (finding, code))):
            for key in keys:
                if key in levels:
                    return levels[key]
        return "ignore" if finding in self.known else self.section.get(ALL, "warn")


def _levels(entry: LeakageEntry | OneLeakageEntry) -> dict[str, Level]:
    return {key: level for level in LEVELS for key in getattr(entry, level)}


def repeated(entry: Any) -> Iterator[str]:
    """Yield each code that an entry names in two lists."""
    seen: Mapping[str, str] = {}
    for level in LEVELS:
        for key in getattr(entry, level):
            if key in seen:
                yield f"{key!r} is in {seen[key]} and in {level}; keep one"
            seen = {**seen, key: level}
