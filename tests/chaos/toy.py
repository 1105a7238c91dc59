"""The workspace that is crashed: one small table, two models, so that a stage takes a second."""

import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CODE = ("stages", "pipelines", "dvc.yaml", "data/raw/README.md", ".dvcignore", ".gitignore", ".dvc/config", ".dvc/.gitignore")
STATE = ("data", ".dvc", ".sensorium", ".prefect", "dvc.lock", "mlflow.db", "mlartifacts")
PARAMS = {
    "seed": 7,
    "datasets": {"toy": {
        "source": {"table": "data/raw/toy.csv"}, "id": "name", "target": {"column": "kind", "task": "binary"},
        "modalities": {"facts": {"modality": "table", "columns": ["price", "weight"]}},
    }},
    "features": {"toy-facts": {"dataset": "toy", "modality": "table"}},
    "split": {"n_splits": 2, "n_repeats": 1, "n_inner_splits": 2},
    "train": {"scoring": {"binary": "accuracy"}},
    "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [3, 5], "metric": ["euclidean"]}},
    "evaluate": {"confidence": 0.95},
    "publish": {"tracking_uri": "sqlite:///mlflow.db"},
    "flow": {"cron": "0 3 * * *", "timezone": "UTC", "workers": 2, "retries": 0},
}  # fmt: skip
EXPECTED = """
SELECT e.name, r.status, r.lifecycle_stage, (SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = 'mlflow.runName') AS run
FROM runs r JOIN experiments e USING (experiment_id) WHERE r.lifecycle_stage = 'active' ORDER BY e.name, run
"""


def make(folder: Path) -> None:
    """Make the workspace below `folder`."""
    for part in CODE:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    numbers = random.Random(3)
    rows = [f"s{i:02d},{i % 2},{i % 2 + numbers.gauss(0, 0.5):.3f},{numbers.gauss(0, 1):.3f}" for i in range(40)]
    (folder / "data/raw/toy.csv").write_text("\n".join(["name,kind,price,weight", *rows]) + "\n", "utf-8")
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False), "utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "toy"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def copy_state(source: Path, target: Path) -> None:
    """Make what commands change in `target` as it is in `source`."""
    for name in STATE:
        if (target / name).is_dir():
            shutil.rmtree(target / name)
        else:
            (target / name).unlink(missing_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, symlinks=True)
        elif (source / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def results(folder: Path) -> dict[str, object]:
    """Return what a recovered run must have as an undisturbed one: every file of data/, dvc.lock, the runs on the server."""
    found: dict[str, object] = {path.relative_to(folder).as_posix(): path.read_bytes()
                                for path in sorted((folder / "data").rglob("*")) if path.is_file()}
    found["dvc.lock"] = (folder / "dvc.lock").read_bytes() if (folder / "dvc.lock").is_file() else b""
    if (folder / "mlflow.db").is_file():
        with closing(sqlite3.connect(folder / "mlflow.db")) as database:
            found["runs"] = database.execute(EXPECTED).fetchall()
    strays = [path.name for path in folder.iterdir() if path.name.startswith(".") and ".tmp" in path.name]
    return found | ({"temporary files": strays} if strays else {})


def differences(found: dict[str, object], expected: dict[str, object]) -> list[str]:
    return [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
