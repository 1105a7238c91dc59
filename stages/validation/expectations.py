"""Run suites with Great Expectations and return plain, deterministic results: no times, no run ids."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from stages.contracts.documents.validation_document import ExpectationResult, SuiteResult, UnexpectedSample
from stages.foundation.progress import tracked
from stages.validation.suites import Suite

MAX_NAMED = 20


def run_suites(suites: Sequence[Suite]) -> list[SuiteResult]:
    """Return the results of each suite, its expectations in their order, each with up to 20 unexpected samples."""
    context = _context()
    return [_run_suite(context, suite) for suite in tracked("suites checked", suites)]


def _context() -> Any:
    """Return an ephemeral context of Great Expectations: no files (its default leaves a folder in /tmp), telemetry or progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported
    with warnings.catch_warnings(), _lighter_import():
        warnings.filterwarnings("ignore", message="module 'sre_.*' is deprecated", category=DeprecationWarning)
        import great_expectations as gx
        from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig

    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    quiet = DataContextConfig(store_backend_defaults=stores, progress_bars=ProgressBarsConfig(globally=False), analytics_enabled=False)
    return gx.get_context(mode="ephemeral", project_config=quiet)


@contextmanager
def _lighter_import() -> Iterator[None]:
    """Spare a quarter of the 3 s that importing Great Expectations takes: its support of databases, and searches for garbage.

    SQLAlchemy is optional for it: a module that is None in sys.modules cannot be imported (unless it is there already).
    """
    hidden = "sqlalchemy" not in sys.modules
    collected = gc.isenabled()
    gc.disable()
    if hidden:
        sys.modules["sqlalchemy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules["sqlalchemy"]
        if collected:
            gc.enable()


def _run_suite(context: Any, suite: Suite) -> SuiteResult:
    import pandas as pd
    from great_expectations import ExpectationSuite

    declared = [_expectation(kind, arguments, index) for index, (kind, arguments) in enumerate(suite.expectations)]
    asset = context.data_sources.add_pandas(suite.name).add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": pd.DataFrame(dict(suite.frame))})
    how = {"result_format": "COMPLETE", "unexpected_index_column_names": ["sample_id"], "partial_unexpected_count": 0}
    found = batch.validate(ExpectationSuite(name=suite.name, expectations=declared), result_format=how)
    in_order = sorted(found.results, key=lambda result: result.expectation_config.meta["index"])
    results = [_plain(result, suite) for result in in_order]
    success = all(result.success for result in results)
    return SuiteResult(suite=suite.name, success=success, n_rows=len(suite.frame["sample_id"]), expectations=tuple(results),
                       n_absent=suite.n_absent)  # fmt: skip


def _expectation(kind: str, arguments: dict[str, Any], index: int) -> Any:
    import great_expectations.expectations as known

    return getattr(known, "".join(part.capitalize() for part in kind.split("_")))(**arguments, meta={"index": index})


def _plain(result: Any, suite: Suite) -> ExpectationResult:
    """Return one result of Great Expectations as plain values."""
    kind, arguments = suite.expectations[result.expectation_config.meta["index"]]
    found = result.result
    if not found:  # an expectation that could not be computed is a defect of the suite, not of the data
        raise RuntimeError(f"suite {suite.name!r}: {kind}({arguments}): {result.exception_info}")
    column = arguments.get("column") or ", ".join(arguments.get("column_list", ())) or arguments.get("column_A", "")
    return ExpectationResult(
        expectation=kind,
        column=column,
        notes=arguments.get("notes", ""),
        kwargs={name: value for name, value in arguments.items() if name not in ("column", "notes")},
        success=bool(result.success),
        observed=_number(found.get("observed_value")),
        range=_range(suite.frame.get(column)),
        checked=int(found.get("element_count", len(suite.frame["sample_id"]))),
        missing=int(found.get("missing_count", 0)),
        unexpected=int(found.get("unexpected_count", 0)),
        offending=_offending(found.get("unexpected_index_list") or []),
    )


def _offending(rows: Sequence[dict[str, Any]]) -> tuple[UnexpectedSample, ...]:
    """Return the first samples of which it does not hold, with the values found, each sample once."""
    named: dict[str, str] = {}
    for row in rows:
        values = [_number(value) for name, value in row.items() if name != "sample_id"]
        named.setdefault(str(row["sample_id"]), ", ".join(str(value) for value in values if value is not False))
        if len(named) == MAX_NAMED:
            break
    return tuple(UnexpectedSample(sample_id=sample_id, value=value) for sample_id, value in named.items())


def _range(values: np.ndarray | None) -> tuple[float, float] | None:
    """Return the smallest and the greatest finite value of a column of numbers."""
    if values is None or values.dtype.kind not in "iuf":
        return None
    finite = values[np.isfinite(values)]
    return (finite.min().item(), finite.max().item()) if len(finite) else None


def _number(value: Any) -> Any:
    """Return numpy's scalars as Python's (repr of a float32 would differ between numpy versions); other values as they are."""
    return value.item() if hasattr(value, "item") else value
