"""Make a small workspace whose stages copy results made beforehand: real DVC, dvc.lock and files, nothing trained.

dvc.yaml is the project's own, only the commands before `publish` are replaced. Run as a script, it fills a folder to look at:
`PYTHONPATH=. python tests/toy_results.py <folder>`.
"""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from PIL import Image
from toy_predictions import SCORING, SKILL, Toy, write_toy

from stages.condition import main as condition
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import DATA, figures_dir, quarantine_path, samples_path, splits_path, validation_dir, validation_path
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.control import main as control
from stages.evaluate import main as evaluate
from stages.featurize import main as featurize
from stages.foundation.documents import write_document
from stages.foundation.tables import read_table, write_table
from stages.samples.read import quarantine_table
from stages.train import main as train

REPOSITORY = Path(__file__).parent.parent
MODELS = ("constant", "knn", "mlp")
OTHER = {"text": "image", "table": "text", "text+table": "image+text"}  # beta's combinations borrow the skill of alpha's


def skills(other: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return the skill of each model on combinations that borrow it from others."""
    learned = {model: {mine: SKILL[model][borrowed] for mine, borrowed in other.items()} for model in MODELS[1:]}
    return {"constant": SKILL["constant"], **learned}


TOYS = (
    Toy(dataset="alpha", title="Alpha: picture and name", n_samples=90, skill={model: SKILL[model] for model in MODELS}),
    Toy(dataset="beta", title="Beta: text and table", modalities=("text", "table"), outputs=("red", "ripe (soft)"), kind="multilabel",
        n_samples=60, n_folds=3, skill=skills(OTHER)),
    Toy(dataset="gamma", title="Gamma: sizes by series", modalities=("series",), outputs=("length, m", "mass"), kind="regression",
        n_samples=60, n_folds=3, skill=skills({"series": "image"})),
)
COPY = """import shutil, sys
from pathlib import Path
for name in sys.argv[1:]:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if Path("made", name).is_dir() else shutil.copyfile)(Path("made", name), name)
"""


def make_workspace(root: Path) -> None:
    """Fill an empty folder with the project's code, results made beforehand, dvc.yaml and params.yaml; DVC is set up."""
    (root / "params.yaml").write_text(yaml.safe_dump(toy_params(), sort_keys=False), encoding="utf-8")
    (root / "copy_results.py").write_text(COPY, encoding="utf-8")
    (root / "dvc.yaml").write_text(yaml.safe_dump(copying_graph(), sort_keys=False), encoding="utf-8")
    before = Path.cwd()
    (root / "made").mkdir()
    shutil.copyfile(root / "params.yaml", root / "made" / "params.yaml")
    os.chdir(root / "made")
    try:
        make_results()
    finally:
        os.chdir(before)
    for folder in ("stages", "pipelines"):  # with what numba compiled above
        shutil.copytree(REPOSITORY / folder, root / folder)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=root, check=True)


def toy_params() -> dict[str, Any]:
    """Return params.yaml of the toy workspace."""
    features = {f"{toy.dataset}-{label}": {"dataset": toy.dataset, "modality": label} for toy in TOYS for label in toy.modalities}
    features["alpha-image"] |= {"size": [8, 8], "colour": "rgb"}
    return {
        "seed": 7,
        "datasets": {toy.dataset: {"rows": "all", "target": "kind", "modalities": list(toy.modalities)} for toy in TOYS},
        "features": features,
        "split": {"n_splits": 5, "n_repeats": 1, "n_inner_splits": 3},
        "train": {"scoring": SCORING},
        "controls": {"constant": {}},
        "models": {"knn": {"n_neighbors": [1, 3, 5], "metric": ["euclidean", "cosine"]},
                   "mlp": {"hidden_layer_sizes": [[8]], "learning_rate_init": [0.01, 0.03], "max_iter": 8, "n_components": 8}},
        "evaluate": {"confidence": 0.95},
        "publish": {"tracking_uri": "sqlite:///mlflow.db"},
    }


def copying_graph() -> dict[str, Any]:
    """Return the project's graph with every stage before `publish` copying its outputs; code is no dependency of those."""
    graph = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))
    del graph["stages"]["check"]
    for name, stage in graph["stages"].items():
        if name == "publish":
            continue
        body = stage.get("do", stage)
        outs = [path if isinstance(path, str) else next(iter(path)) for kind in ("outs", "metrics", "plots") for path in body.get(kind, ())]
        body["cmd"] = " ".join(["python copy_results.py", *outs])
        data = [path for path in body["deps"] if path.startswith("data/") and not path.startswith("data/check/")]
        body["deps"] = [*data, *(f"made/{path}" for path in outs)]
    return graph


def make_results() -> None:
    """Write every stage's outputs under data/ of the current folder."""
    for toy in TOYS:
        write_toy(toy)
        write_samples(toy)
        write_table(quarantine_path(toy.dataset), quarantine_table({}), QuarantineMetadata(dataset=toy.dataset))
        for label in toy.modalities:
            featurize(f"{toy.dataset}-{label}")
        control(toy.dataset)
        for model in MODELS[1:]:
            train(toy.dataset, model)
        condition(toy.dataset)
        evaluate(toy.dataset)
        _write(validation_dir(toy.dataset) / "validation.html", "<p>All expectations hold.</p>")
        write_document(validation_path(toy.dataset), Validation(dataset=toy.dataset, success=True, suites=()))
        for model, skill in toy.skill.items():
            for combination in skill:
                _write(figures_dir(toy.dataset) / f"{'__'.join(filter(None, (model, combination)))}__confusion.svg", SQUARE)
        _write(figures_dir(toy.dataset) / "leaderboard.svg", SQUARE)
    _write(DATA / "report" / "report.html", "<h1>Report</h1>")


SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><rect width="80" height="80" fill="teal"/></svg>\n'


def write_samples(toy: Toy) -> None:
    """Write samples of one colour, one word and one level per class."""
    codes = [row % len(toy.outputs) for row in range(toy.n_samples)]
    columns: dict[str, list[Any]] = {
        "image": [_picture(code) for code in codes],
        "text": [f"a {toy.outputs[code]} number {row}" for row, code in enumerate(codes)],
        "table": [{"age": None if row == 3 else row, "price": 10.0 * code + row / 9, "shop": "ab"[code % 2]}
                  for row, code in enumerate(codes)],
        "series": [[[code + step / 9, row / 60] for step in range(12 + row % 3)] for row, code in enumerate(codes)],
    }
    types = {"image": pa.binary(), "text": pa.string(),
             "series": pa.list_(pa.list_(pa.float32(), 2)),
             "table": pa.struct([("age", pa.int64()), ("price", pa.float64()), ("shop", pa.string())])}
    fields = [pa.field(label, types[label], metadata={"modality": label}) for label in toy.modalities]
    fixed = {"sample_id": [f"{toy.dataset}-{row:04d}" for row in range(toy.n_samples)],
             "group": [f"g{row // 2}" for row in range(toy.n_samples)]}
    target = read_table(splits_path(toy.dataset))["target"]
    schema = pa.schema([("sample_id", pa.string()), ("group", pa.string()), ("target", target.type), *fields])
    arrays = [pa.array(columns[label], types[label]) for label in toy.modalities]
    table = pa.Table.from_arrays([pa.array(fixed["sample_id"]), pa.array(fixed["group"]), target, *arrays], schema=schema)
    write_table(samples_path(toy.dataset), table, toy.metadata)


def _picture(code: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), [(200, 30, 30), (30, 200, 30), (30, 30, 200)][code]).save(buffer, "PNG")
    return buffer.getvalue()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    make_workspace(folder)
