"""DVC's run cache restores only what the present parameters give, also where one is called size, which DVC leaves out of its key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import toy_own
import yaml

from stages.contracts.paths import features_path, settings_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import read_described

pytestmark = pytest.mark.integration
ROUTES = {"make run": [sys.executable, "-m", "pipelines.run"], "dvc repro": [sys.executable, "-m", "dvc", "repro"]}


def with_size(size: int) -> None:
    """Write params.yaml: a tactile array of size × size, and a table."""
    entry = toy_own.DATASETS["sizes"]
    table = {"modality": "table", "columns": ["shop"]}
    modalities = {"grip": entry["modalities"]["grip"], "facts": table}
    Path("params.yaml").write_text(yaml.safe_dump({
        **yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")),
        "datasets": {"sizes": {**entry, "modalities": modalities}},
        "features": {"sizes-grip": {**toy_own.FEATURES["sizes-grip"], "size": [size, size]},
                     "sizes-facts": {"dataset": "sizes", "modality": "table"}},
    }, sort_keys=False), encoding="utf-8")  # fmt: skip


def width(command: list[str]) -> tuple[list[int], int]:
    """Run featurize; return the sizes in the metadata and the bytes of the table."""
    subprocess.run([*command, "featurize@sizes-grip"], check=True, capture_output=True, timeout=300)
    table, about = read_described(features_path("sizes", "grip"), FeaturesMetadata)
    return about.settings["size"], table.nbytes


@pytest.mark.parametrize("route", ROUTES)
def test_another_size_is_computed_and_the_former_one_restored(workspace: Path, monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    toy_own.write(workspace)
    found = []
    for size in (4, 2, 4):
        with_size(size)
        found.append(width(ROUTES[route]))
    assert [size for size, _ in found] == [[4, 4], [2, 2], [4, 4]]
    assert found[0] == found[2] and found[1][1] < found[0][1]


def test_what_a_person_named_size_or_nfiles_is_in_the_files_that_stages_depend_on(workspace: Path) -> None:
    toy_own.write(workspace)
    with_size(3)
    subprocess.run([sys.executable, "-m", "stages.check"], check=True, capture_output=True, timeout=120)
    assert '"size": [\n  3,\n  3\n ]' in settings_path("features.sizes-grip").read_text(encoding="utf-8")
    assert settings_path("controls").is_file() and settings_path("datasets.sizes.modalities").is_file()
    stale = settings_path("features.other")
    stale.write_text("{}", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "stages.check"], check=True, capture_output=True, timeout=120)
    assert not stale.exists()


def test_every_parameter_of_a_stage_that_is_a_section_is_a_file_too() -> None:
    """A number or text has no keys; a section has keys that DVC may not see."""
    root = Path(__file__).parents[1]
    graph = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for name, stage in graph.items():
        body = stage.get("do", stage)
        for key in body.get("params", ()):
            if key in ("seed", "evaluate", "publish", "datasets", "flow"):  # keys of our own naming, or order and names alone
                continue
            assert f"data/check/settings/{key}.json" in [dep.split(" ")[0] for dep in body["deps"]], f"{name}: {key}"
