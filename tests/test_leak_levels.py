"""What `leakage:` makes of a finding: reported, ignored, or a stop, and how the stage validate shows it."""

from pathlib import Path

import pytest
from test_leaks import copied
from test_validate import toy_workspace  # noqa: F401 - a fixture
from toy_samples import write_leak_levels

from benchmarks.leak_free import examined
from stages import validate
from stages.contracts.documents.leaks_document import Leaks
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import leaks_path, validation_dir, validation_path
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.validation.leak_findings import leaks_of, not_examined
from stages.validation.leak_settings import LeakageEntry, LeakLevels, OneLeakageEntry, detectors, leak_codes

CODE = "duplicate-across-folds"


def levels(**lists: tuple[str, ...]) -> LeakLevels:
    return LeakageEntry(**lists).of("toy")


@pytest.mark.parametrize(("section", "own", "expected"), [
    ({}, {}, "warn"),
    ({"fail": (CODE,)}, {}, "fail"),
    ({"fail": ("all",)}, {}, "fail"),
    ({"fail": ("all",), "warn": (CODE,)}, {}, "warn"),
    ({"fail": (CODE,), "ignore": (f"{CODE}/samples",)}, {}, "ignore"),
    ({"fail": (CODE,), "ignore": (f"{CODE}/image",)}, {}, "fail"),
    ({"fail": (CODE,)}, {"warn": (CODE,)}, "warn"),
    ({"fail": (CODE,)}, {"ignore": ("all",)}, "ignore"),
    ({"ignore": (f"{CODE}/samples",)}, {"fail": (CODE,)}, "fail"),
    ({"fail": (CODE,)}, {"ignore": ("telling-column",)}, "fail"),
])  # fmt: skip
def test_the_level_of_a_finding(section: dict, own: dict, expected: str) -> None:
    """One finding before its code, a code before all, and the data set's own entry before the section's."""
    entry = LeakageEntry(**section, datasets={"toy": OneLeakageEntry(**own)} if own else {})
    assert entry.of("toy").of(CODE, "samples") == expected
    assert entry.of("another") == LeakageEntry(**section).of("toy")


@pytest.mark.parametrize(("section", "expected"), [({}, "ignore"), ({"fail": ("all",)}, "ignore"), ({"fail": (CODE,)}, "fail")])
def test_a_finding_that_the_data_set_explains_is_ignored_unless_it_is_named(section: dict, expected: str) -> None:
    known = {f"{CODE}/samples": "each is sold twice"}
    assert LeakageEntry(**section).of("toy", known).of(CODE, "samples") == expected
    finding = leaks_of(examined(copied("vector")), detectors(), LeakageEntry(**section).of("toy", known)).findings[0]
    assert (finding.code, finding.known) == (CODE, "each is sold twice")


def test_shipped_data_sets_explain_findings_by_code_and_subject() -> None:
    explained = {key for name in names("datasets") for key in component("datasets", name).known_leaks}
    assert "name-tells-target/samples" in explained
    assert {key.partition("/")[0] for key in explained} <= set(leak_codes())


def test_the_document_has_the_finding_with_its_level_and_samples() -> None:
    seen = examined(copied("vector"))
    warned = leaks_of(seen, detectors(), levels())
    finding = next(finding for finding in warned.findings if finding.code == CODE)
    assert warned.success and CODE in warned.open
    assert (finding.severity, finding.level, finding.subject) == ("high", "warn", "samples")
    assert finding.documentation == f"docs/leaks.md#{CODE}"
    assert finding.n_samples == len(finding.samples) and set(finding.samples) <= {f"{i:05d}" for i in (*range(12), *range(100, 112))}
    failed = leaks_of(seen, detectors(), levels(fail=(CODE,)))
    assert not failed.success and CODE in failed.open
    ignored = leaks_of(seen, detectors(), levels(ignore=("all",)))
    assert ignored.success and ignored.open == () and len(ignored.findings) == len(warned.findings)


def test_a_finding_is_a_result_of_great_expectations() -> None:
    seen = examined(copied("vector"))
    suite = leaks_of(seen, detectors(), levels()).suite
    assert suite is not None and suite.suite == "leaks" and not suite.success
    (result,) = [result for result in suite.expectations if result.column == CODE]
    assert not result.success and result.unexpected == next(
        finding.n_samples for finding in leaks_of(seen, detectors(), levels()).findings if finding.code == CODE)  # fmt: skip
    assert len(suite.expectations) == sum(len(detector.codes) for detector in detectors())
    quiet = leaks_of(seen, detectors(), levels(ignore=("all",))).suite
    assert quiet is not None and quiet.success


def test_samples_named_are_bounded_and_all_counted() -> None:
    from test_leaks import delay

    leaks = leaks_of(examined(delay()), detectors(), levels())
    finding = next(finding for finding in leaks.findings if finding.code == "telling-column")
    assert len(finding.samples) == 20 < finding.n_samples


# ---------------------------------------------------------------- the stage
def test_a_leak_of_level_fail_stops_the_data_set(toy_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    validate.main("toy")
    assert read_document(validation_path("toy"), Validation).success
    code = read_document(leaks_path("toy"), Leaks).open[0]  # toy samples are few rows, repeated: they are full of copies
    shown = capsys.readouterr().out
    assert "leak: toy / " in shown and f"({code}, docs/leaks.md#{code}); " in shown
    write_leak_levels(fail=(code,))
    with pytest.raises(InputError, match=rf"leak\(s\) in data set 'toy' that `leakage:` in params\.yaml does not accept(.|\n)*{code}"):
        validate.main("toy")
    assert not read_document(validation_path("toy"), Validation).success
    assert not read_document(leaks_path("toy"), Leaks).success
    capsys.readouterr()
    assert "stopped by a leak" in (validation_dir("toy") / "validation.html").read_text(encoding="utf-8")
    write_leak_levels(ignore=("all",))
    validate.main("toy")
    assert "leak:" not in capsys.readouterr().out
    assert read_document(leaks_path("toy"), Leaks).open == ()


def test_levels_change_no_byte_that_training_depends_on(toy_workspace: Path) -> None:  # noqa: F811
    validate.main("toy")
    before = validation_path("toy").read_bytes()
    write_leak_levels(ignore=("all",))
    validate.main("toy")
    assert validation_path("toy").read_bytes() == before


def test_files_that_break_expectations_are_not_examined(toy_workspace: Path) -> None:  # noqa: F811
    from stages.contracts.paths import features_path
    from stages.contracts.tables.features_table import FeaturesMetadata
    from stages.foundation.tables import read_described, write_table

    table, metadata = read_described(features_path("toy", "vector"), FeaturesMetadata)
    write_table(features_path("toy", "vector"), table.slice(1), metadata)
    with pytest.raises(InputError, match="expectation"):
        validate.main("toy")
    assert read_document(leaks_path("toy"), Leaks) == not_examined("toy")
    assert "not examined: an expectation failed" in (validation_dir("toy") / "validation.html").read_text(encoding="utf-8")
