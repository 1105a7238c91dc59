"""Make a git repository with versions of a small pipeline: real DVC and dvc.lock, stages that copy predictions made beforehand.

dvc.yaml has the project's stage names and the dependencies on code and parameters that matter for a comparison; nothing is trained.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml
from toy_predictions import CONTROLS, SKILL, Toy, write_toy
from toy_results import COPY

from stages.contracts.paths import evaluation_dir
from stages.evaluate import main as evaluate

IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@t")
TOY = Toy(dataset="toy", n_samples=300, n_folds=5, n_repeats=2, skill={model: SKILL[model] for model in ("mlp", "knn", "svm")})
WORSE = {**TOY.skill, "knn": {"image": 0.35, "text": 0.2, "image+text": 0.3}}
GRAPH = """
stages:
  ingest:
    foreach: ${datasets}
    do:
      cmd: python copy_results.py data/samples/${key}
      deps: ["made/data/samples/${key}"]
      params: ["datasets.${key}"]
      outs: ["data/samples/${key}"]
  split:
    foreach: ${datasets}
    do:
      cmd: python copy_results.py data/splits/${key}
      deps: ["made/data/splits/${key}"]
      params: [seed]
      outs: ["data/splits/${key}"]
  featurize:
    foreach: ${features}
    do:
      cmd: mkdir -p data/features/${item.dataset} && cp stages/modalities/${item.modality}.py data/features/${item.dataset}/${key}.arrow
      deps: ["stages/modalities/${item.modality}.py"]
      params: ["features.${key}"]
      outs: ["data/features/${item.dataset}/${key}.arrow"]
  train:
    matrix: {dataset: "${datasets}", model: "${models}"}
    cmd: python copy_results.py data/predictions/${item.dataset}/${item.model}
    deps: ["made/data/predictions/${item.dataset}/${item.model}", "data/features/${item.dataset}", "data/splits/${item.dataset}",
           "stages/models/${item.model}"]
    params: ["models.${item.model}"]
    outs: ["data/predictions/${item.dataset}/${item.model}"]
  evaluate:
    foreach: ${datasets}
    do:
      cmd: python copy_results.py data/evaluation/${key}
      deps: ["made/data/evaluation/${key}", "data/predictions/${key}"]
      outs: ["data/evaluation/${key}"]
"""


def write_version(root: Path, *toys: Toy, evaluated: bool = False, **params: Any) -> None:
    """Write params.yaml and the results that the stages copy; nothing is run.

    Args:
        evaluated: whether evaluation.json is among them, which comparing does not read.
    """
    made = root / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    (root / "params.yaml").write_text(yaml.safe_dump(toy_params(*toys) | params, sort_keys=False), encoding="utf-8")
    shutil.copyfile(root / "params.yaml", made / "params.yaml")
    with chdir(made):
        for toy in toys:
            write_toy(toy)
            if evaluated:
                evaluate(toy.dataset)
                continue
            evaluation_dir(toy.dataset).mkdir(parents=True)
            (evaluation_dir(toy.dataset) / "made.txt").write_text("evaluated\n", encoding="utf-8")  # what evaluate writes is not compared


def toy_params(*toys: Toy) -> dict[str, Any]:
    """Return the params.yaml of data sets that share models."""
    return {
        "seed": 7,
        "datasets": {toy.dataset: {"rows": "all", "target": "kind", "modalities": list(toy.modalities)} for toy in toys},
        "features": {f"{toy.dataset}-{name}": {"dataset": toy.dataset, "modality": name} for toy in toys for name in toy.modalities},
        "split": {"n_splits": 5},
        "models": {model: {"grid": [1, 2]} if model == "knn" else {} for model in toys[0].skill if model not in CONTROLS},
        "evaluate": {"confidence": 0.95},
        "publish": {"tracking_uri": "sqlite:///mlflow.db"},
        "flow": {"cron": "0 3 * * *"},
    }


def write_repository(root: Path, *toys: Toy, **version: Any) -> None:
    """Fill a folder with the graph, code to depend on and a first version; git and DVC are set up, nothing is run or committed."""
    for name in ("image", "text", "table"):
        write_code(root, f"stages/modalities/{name}.py", "# featurizer\n")
    for model in ("knn", "svm", "mlp"):
        write_code(root, f"stages/models/{model}/__init__.py", "# model\n")
    (root / "copy_results.py").write_text(COPY, encoding="utf-8")
    (root / "dvc.yaml").write_text(GRAPH, encoding="utf-8")
    (root / ".gitignore").write_text("/made\n/data\n/.sensorium\n/mlflow.db\n/mlartifacts\n", encoding="utf-8")
    (root / "requirements.lock").write_text("numpy==2.4.6 \\\n    --hash=sha256:00\n", encoding="utf-8")
    write_version(root, *toys, **version)
    run(root, "git", "init", "-q", "-b", "main")
    run(root, sys.executable, "-m", "dvc", "init", "-q")


def write_code(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def repro(root: Path) -> None:
    """Run what changed."""
    run(root, sys.executable, "-m", "dvc", "repro", "-q")


def commit(root: Path, tag: str) -> None:
    """Commit the workspace and tag it."""
    run(root, "git", "add", "-A")
    run(root, "git", *IDENTITY, "commit", "-q", "-m", tag)
    run(root, "git", "tag", tag)


def run(root: Path, *command: str) -> str:
    """Run a command that must succeed; return what it printed."""
    environment: Mapping[str, str] = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
