"""Run the detectors of leaks on a data set, and give each finding its level."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stages.contracts.detector import Detector, ExaminedDataSet, Suspicion
from stages.contracts.documents.leaks_document import Finding, LeakGap, Leaks
from stages.foundation.progress import tracked
from stages.leak_evidence.nearest_samples import n_compared
from stages.validation.expectations import run_suites
from stages.validation.leak_gaps import gap_of
from stages.validation.leak_settings import LeakLevels, leak_codes
from stages.validation.suites import Expectations, Suite

MOST_NAMED = 20
SEVERITIES = ("high", "medium", "low")
PAGE = "docs/leaks.md"
SUITE = "leaks"


def leaks_of(examined: ExaminedDataSet, detectors: Sequence[Detector], levels: LeakLevels) -> Leaks:
    """Return what the detectors found on a data set."""
    found = [suspicion for detector in tracked("detectors of leaks", detectors) for suspicion in detector.detect(examined)]
    gaps = [gap_of(suspicion, examined) if levels.gaps else None for suspicion in found]
    findings = sorted((_finding(suspicion, examined, levels, gap) for suspicion, gap in zip(found, gaps, strict=True)),
                      key=lambda finding: (SEVERITIES.index(finding.severity), finding.code, finding.subject))  # fmt: skip
    (result,) = run_suites([leak_suite(found, detectors, examined, levels)])
    n, n_queries = len(examined.ids), n_compared(len(examined.ids))
    limits = (f"nearest samples of {n_queries:,} of {n:,} samples, evenly spaced",) if n_queries < n else ()
    return Leaks(
        dataset=examined.name, examined=True, success=all(finding.level != "fail" for finding in findings),
        open=tuple(sorted({finding.code for finding in findings if finding.level != "ignore"})), findings=tuple(findings), suite=result,
        limits=limits,
    )  # fmt: skip


def not_examined(dataset: str) -> Leaks:
    """Return the document of a data set whose files do not hold what the detectors rely on."""
    return Leaks(dataset=dataset, examined=False, success=True, open=(), findings=(), suite=None)


def leak_suite(found: Sequence[Suspicion], detectors: Sequence[Detector], examined: ExaminedDataSet, levels: LeakLevels) -> Suite:
    """Return the codes as expectations: no sample is concerned by a finding of the code that is not ignored."""
    n = len(examined.ids)
    frame: dict[str, np.ndarray] = {"sample_id": np.array(examined.ids.to_pylist(), dtype=object)}
    expectations: Expectations = []
    for detector in detectors:
        for code in detector.codes:
            concerned = np.zeros(n, dtype=np.int64)
            for suspicion in found:
                if suspicion.code == code.name and levels.of(code.name, suspicion.subject) != "ignore":
                    concerned[suspicion.rows] += 1
            frame[code.name] = concerned
            arguments = {"column": code.name, "min_value": 0, "max_value": 0, "notes": f"findings: {code.meaning}"}
            expectations.append(("expect_column_values_to_be_between", arguments))
    return Suite(SUITE, frame, expectations)


def _finding(suspicion: Suspicion, examined: ExaminedDataSet, levels: LeakLevels, gap: LeakGap | None) -> Finding:
    first = pa.array(suspicion.rows[:MOST_NAMED])
    return Finding(
        code=suspicion.code,
        severity=leak_codes()[suspicion.code].severity,
        level=levels.of(suspicion.code, suspicion.subject),
        subject=suspicion.subject,
        text=suspicion.text,
        n_samples=len(suspicion.rows),
        samples=tuple(examined.ids.take(first).to_pylist()),
        evidence={name: float(f"{value:.6g}") for name, value in suspicion.evidence.items()},
        remedy=suspicion.remedy,
        gap=gap,
        known=levels.known.get(f"{suspicion.code}/{suspicion.subject}", ""),
        documentation=f"{PAGE}#{suspicion.code}",
    )


def line(dataset: str, finding: Finding) -> str:
    """Return a finding as one line of a stage's output."""
    return f"{dataset} / {finding.subject}: {finding.text} ({finding.code}, {finding.documentation}); {finding.remedy}"
