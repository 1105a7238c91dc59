"""Own raw data under DVC: what `dvc add`, `import` and `pull` make of it, links to DVC's cache included, is read as plain files are."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_entries import ingested, parsed
from ruamel.yaml import YAML
from toy_columns import png

from stages.contracts.paths import samples_path
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described
from stages.own_data import dvc_files, outside
from stages.own_data.absent import AbsentError
from stages.own_data.guess_folder import guess_folder
from stages.own_data.guesses import Hints
from stages.own_data.outside import record_outside
from stages.own_data.paths_inside import existing, read_inside, walk_files

PICS = Path("data/raw/pics")
ENTRY: dict[str, Any] = {"source": {"folder": str(PICS), "label": "folder"}, "modalities": {"photo": {"modality": "image"}}}


def dvc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments, "-q"], check=True, timeout=120)


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout


def write_images(folder: Path, n: int = 12) -> None:
    for number in range(n):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.full((4, 4, 3), (number, 9, 200), np.uint8)))


def samples(entry: dict[str, Any]) -> Any:
    """Return the samples of an entry; params.yaml then is one that DVC's graph can be read with."""
    table = ingested(entry)[0]
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump({
            "seed": 1, "datasets": {"mine": entry}, "features": {"mine-photo": {"dataset": "mine", "modality": "image", "size": [4, 4]}},
            "split": {"n_splits": 3, "n_repeats": 1, "n_inner_splits": 2}, "train": {},
            "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [1]}},
            "evaluate": {"confidence": 0.95}, "publish": {"tracking_uri": "sqlite:///mlflow.db"},
            "flow": {"cron": "0 3 * * *", "timezone": "UTC", "workers": 2, "retries": 0},
        }, file)  # fmt: skip
    return table


@pytest.fixture
def plain(workspace: Path) -> Any:
    """Return the samples of plain files in a workspace; work in it."""
    write_images(PICS)
    return samples(ENTRY)


@pytest.mark.parametrize("cache_dir", [None, "elsewhere"])
def test_links_into_dvcs_cache_are_the_files_that_they_stand_for(plain: Any, tmp_path: Path, cache_dir: str | None) -> None:
    if cache_dir:
        dvc("cache", "dir", str(tmp_path / cache_dir))
    dvc("config", "cache.type", "symlink")
    dvc("add", str(PICS))
    linked = PICS / "a/0.png"
    assert linked.is_symlink() and linked.resolve().is_relative_to(tmp_path / (cache_dir or "workspace/.dvc/cache"))
    assert samples(ENTRY).equals(plain)
    secret = tmp_path / "secret"
    secret.write_bytes(png(np.zeros((4, 4, 3), np.uint8)))
    (PICS / "a/out.png").symlink_to(secret)
    (PICS / "a/tmp.png").symlink_to(linked.resolve().parents[3] / "notes")  # in the cache's folder, but no object of it
    (linked.resolve().parents[3] / "notes").write_bytes(b"x")
    for name in ("a/out.png", "a/tmp.png"):
        with pytest.raises(ValueError, match="a link that leads outside the source's folder"):
            read_inside(PICS, name)


def test_git_keeps_dvcs_files_and_no_data(plain: Any) -> None:
    (PICS / "deep/er").mkdir(parents=True)
    (PICS / "deep/er/x.png").write_bytes(b"x")
    Path("data/raw/deep").mkdir()
    Path("data/raw/deep/y.csv").write_text("a\n1\n")
    assert "data/raw" not in git("status", "--short", "--untracked-files=all")
    dvc("add", str(PICS), "data/raw/deep/y.csv")
    found = {line[3:] for line in git("status", "--short", "--untracked-files=all").splitlines() if "data/raw" in line}
    assert found == {f"data/raw/{name}" for name in (".gitignore", "pics.dvc", "deep/y.csv.dvc")}


def test_files_of_dvc_next_to_samples_are_none(plain: Any) -> None:
    dvc("add", *(str(PICS / name) for name in walk_files(PICS)[:3]))
    (PICS / "a/.gitignore").write_text("/0.png\n")  # as DVC writes it where no other ignores the file
    assert (PICS / "a/0.png.dvc").is_file()
    assert samples(ENTRY).equals(plain)
    guessed = guess_folder(str(PICS), Hints())
    assert guessed.source[0] == ENTRY["source"] and not guessed.notes


def test_what_is_not_pulled_is_named_with_the_command(plain: Any) -> None:
    dvc("add", str(PICS))
    subprocess.run(["rm", "-r", str(PICS)], check=True)
    with pytest.raises(InputError, match=r"data/raw/pics: no such folder; DVC tracks it: fetch it with `dvc pull data/raw/pics\.dvc`"):
        existing(str(PICS), "key", folder=True)
    PICS.mkdir()
    with pytest.raises(ValueError, match=r"a/0\.png: no such file; DVC tracks it: fetch it with `dvc pull data/raw/pics\.dvc`"):
        read_inside(PICS, "a/0.png")


def test_a_file_that_a_whole_tracked_folder_never_had_is_absent_and_one_that_is_not_pulled_is_not(plain: Any) -> None:
    dvc("add", str(PICS))
    with pytest.raises(AbsentError, match=r"a/99\.png: no such file in the source's folder"):
        read_inside(PICS, "a/99.png")
    dvc_files._is_fetched.cache_clear()  # known once per process: a stage does not see files appear
    (PICS / "a/0.png").unlink()
    for name in ("a/0.png", "a/99.png"):  # which of them DVC tracks is not known
        with pytest.raises(ValueError, match=r"no such file; DVC tracks it: fetch it with `dvc pull data/raw/pics\.dvc`") as caught:
            read_inside(PICS, name)
        assert not isinstance(caught.value, AbsentError)


def test_a_tracked_file_that_is_not_pulled_is_not_absent(plain: Any) -> None:
    dvc("add", str(PICS / "a/0.png"))
    (PICS / "a/0.png").unlink()
    with pytest.raises(ValueError, match=r"DVC tracks it: fetch it with `dvc pull data/raw/pics/a/0\.png\.dvc`") as caught:
        read_inside(PICS, "a/0.png")
    assert not isinstance(caught.value, AbsentError)


def test_a_linked_table_of_data_raw_is_not_outside(workspace: Path) -> None:
    Path("data/raw/t.csv").write_text("kind,words\n" + "".join(f"{'ab'[row % 2]},word{row} b\n" for row in range(12)))
    entry = {"source": {"table": "data/raw/t.csv"}, "target": {"column": "kind", "task": "binary"},
             "modalities": {"words": {"modality": "text", "column": "words"}}}  # fmt: skip
    before = samples(entry)
    dvc("config", "cache.type", "symlink")
    dvc("add", "data/raw/t.csv")
    assert Path("data/raw/t.csv").is_symlink() and samples(entry).equals(before)
    record_outside({"datasets": {"mine": entry}})
    assert not outside.RECORD.exists()
    assert parsed(entry)


def test_a_data_folder_on_another_disk_is_refused_and_a_raw_one_read(plain: Any, tmp_path: Path) -> None:
    Path("data").rename(tmp_path / "big")
    Path("data").symlink_to(tmp_path / "big")
    with pytest.raises(InputError, match=r"data: is a link, but DVC keeps outputs inside the repository; make data/ a folder .* link only"):
        record_outside({})
    Path("data").unlink()
    Path("data").mkdir()
    Path("data/raw").symlink_to(tmp_path / "big/raw")
    record_outside({"datasets": {"mine": ENTRY}})
    assert not outside.RECORD.exists() and samples(ENTRY).equals(plain)


@pytest.mark.integration
def test_a_clone_pulls_and_imports_and_runs(plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    dvc("remote", "add", "-d", "store", str(tmp_path / "store"))
    dvc("config", "cache.type", "symlink")
    dvc("add", str(PICS))
    dvc("push", f"{PICS}.dvc")
    git("add", "-A")
    git("commit", "-q", "-m", "raw data")
    origin = Path.cwd()
    git("clone", "-q", ".", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    dvc("pull", f"{PICS}.dvc")
    assert (PICS / "a/0.png").is_symlink()
    dvc("import", str(origin), str(PICS), "-o", "data/raw/more")
    run = subprocess.run([sys.executable, "-m", "pipelines.run", "ingest@mine"], capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    table = read_described(samples_path("mine"), SamplesMetadata)[0]
    assert table.equals(plain) and len(table) == 12
    again = subprocess.run([sys.executable, "-m", "dvc", "repro", "ingest@mine"], capture_output=True, text=True, check=True, timeout=120)
    assert "up to date" in again.stdout
