"""Whoever starts a stage, and with whatever environment: libraries get one thread, as their sums depend on the number."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration
STAGES = ["ingest", "split", "featurize", "validate", "train", "evaluate", "report"]
ASK = """
import json, stages.{stage}, numpy, threadpoolctl
print(json.dumps([pool["num_threads"] for pool in threadpoolctl.threadpool_info()]))
"""


@pytest.mark.parametrize("stage", STAGES)
def test_libraries_have_one_thread(stage: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    done = subprocess.run([sys.executable, "-c", ASK.format(stage=stage)], env=environment, capture_output=True, text=True, check=True)
    threads = json.loads(done.stdout)
    assert threads
    assert set(threads) == {1}
