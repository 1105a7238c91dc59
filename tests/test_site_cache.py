"""DVC's cache of a workspace (sqlite and pickles) lies inside the workspace, for its owner alone; DVC's own default is open to all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def test_dvc_keeps_its_cache_in_the_workspace_also_when_it_is_run_by_hand(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
    from dvc.dirs import site_cache_dir

    shared = Path(site_cache_dir()) / "repo"
    before = set(shared.iterdir()) if shared.is_dir() else set()
    Path("params.yaml").write_text("seed: 1\ndatasets: {}\n", encoding="utf-8")
    Path("dvc.yaml").write_text("stages: {check: {cmd: python -m stages.check, deps: [params.yaml]}}\n", encoding="utf-8")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    said = subprocess.run([sys.executable, "-m", "dvc", "repro"], env=environment, capture_output=True, text=True, check=False)
    assert "datasets: expected a mapping" in said.stderr, "the stage ran, and stopped"
    assert list(Path(".sensorium/dvc/repo").iterdir())
    assert Path(".sensorium").stat().st_mode & 0o077 == 0
    assert (set(shared.iterdir()) if shared.is_dir() else set()) == before
    status = subprocess.run(["git", "status", "--porcelain", "--ignored"], capture_output=True, text=True, check=True).stdout
    assert "!! .sensorium/" in status
    subprocess.run([sys.executable, "-m", "dvc", "status"], cwd="stages", env=environment, capture_output=True, check=False)
    status = subprocess.run(["git", "status", "--porcelain", "stages"], capture_output=True, text=True, check=True).stdout
    assert not status, "in a folder of the workspace neither git nor DVC sees it"
