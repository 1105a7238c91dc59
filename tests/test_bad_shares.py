"""A data set may leave out exactly the share of samples that it declares, wherever that is looked at, and not one more."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from toy_samples import write_fold_numbers, write_samples

from stages import split
from stages.contracts.paths import quarantine_path, samples_path, skipped_path, splits_path
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import BadSamplePolicy
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described, read_table, write_table
from stages.samples.read import judge_bad, quarantine_table
from stages.validation.expectations import run_suites
from stages.validation.suites import skipped_suite

# samples, declared share, how many it allows: the largest n with n / samples ≤ share
# 0.29 * 100 is 28.999999999999996
SHARES = [(20, 0.05, 1), (40, 0.1, 4), (60, 0.1, 6), (50, 0.5, 25), (100, 0.29, 29)]
PARAMS = "seed: 1\n"


def policy(share: float) -> BadSamplePolicy:
    return BadSamplePolicy(dataset="toy", on_bad_sample="quarantine", max_bad_share=share)


@pytest.mark.parametrize(("n_samples", "share", "n_allowed"), SHARES)
def test_while_samples_are_read(n_samples: int, share: float, n_allowed: int) -> None:
    reasons = {f"id-{i}": "cut off" for i in range(n_allowed + 1)}
    judge_bad(dict(list(reasons.items())[:n_allowed]), n_samples, policy(share), "toy")
    with pytest.raises(InputError, match=rf"{n_allowed + 1} of {n_samples} .*max_bad_share"):
        judge_bad(reasons, n_samples, policy(share), "toy")


@pytest.mark.parametrize(("n_samples", "share", "n_allowed"), SHARES)
@pytest.mark.parametrize("more", [0, 1])
def test_when_rows_are_split(
    n_samples: int, share: float, n_allowed: int, more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    write_fold_numbers(n_splits=2, n_inner_splits=2)
    ids = [f"id-{i:02d}" for i in range(n_samples)]
    table = pa.table({"sample_id": ids, "target": pa.array(np.arange(n_samples) % 2, pa.int32())})
    write_samples(samples_path("toy"), table, dict(policy(share)) | {"rows": {"used": n_samples, "available": n_samples}})
    bad = dict.fromkeys(ids[: n_allowed + more], "cut off")
    write_table(quarantine_path("toy"), quarantine_table(bad), QuarantineMetadata(dataset="toy"))
    if more:
        with pytest.raises(InputError, match=rf"{n_allowed + 1} of {n_samples} .*max_bad_share"):
            split.main("toy")
        return
    split.main("toy")
    assert read_described(skipped_path("toy"), SkippedMetadata)[1].share == n_allowed / n_samples
    assert read_table(splits_path("toy")).num_rows == n_samples - n_allowed


@pytest.mark.parametrize(("n_samples", "share", "n_allowed"), SHARES)
def test_when_the_data_set_is_validated(n_samples: int, share: float, n_allowed: int) -> None:
    for n_bad in (n_allowed, n_allowed + 1):
        ids = [f"id-{i}" for i in range(n_bad)]
        gone = pa.table({"sample_id": ids, "modality": [""] * n_bad, "reason": ["cut off"] * n_bad})
        (found,) = run_suites([skipped_suite(gone, n_samples, share)])
        assert found.success == (n_bad == n_allowed)
