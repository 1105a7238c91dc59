"""Write samples (ids alone), splits, predictions, sweeps, curves, notes and critical points of made-up models in the contract's schema.

A model's skill per modality combination is given; nothing is trained. Run as a script, it fills a workspace to look at:
`PYTHONPATH=. python tests/toy_predictions.py <folder>`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from toy_samples import write_samples, write_used_settings

from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.documents.leaks_document import Leaks
from stages.contracts.paths import controls_dir, leaks_path, predictions_dir, samples_path, skipped_path, splits_path
from stages.contracts.table_schema import Rows
from stages.contracts.tables.leaking_table import HONEST, LEAKING, LeakingMetadata
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.documents import write_document
from stages.foundation.registry import component
from stages.foundation.tables import column_values, fixed_lists, read_described, write_table
from stages.ingest import target_metadata

CONTROLS = ("constant",)
SKILL: dict[str, dict[str, float]] = {
    "constant": {"": 0.0},
    "knn": {"image": 0.35, "text": 0.5, "image+text": 0.6},
    "svm": {"image": 0.4, "text": 0.6, "image+text": 0.75},
    "mlp": {"image": 0.4, "text": 0.62, "image+text": 0.74},
}
GRIDS: dict[str, list[dict[str, Any]]] = {
    "constant": [{}],
    "knn": [
        {"n_neighbors": k, "metric": distance, "weights": weights}
        for k in (1, 3, 5, 10, 20) for distance in ("manhattan", "euclidean", "cosine") for weights in ("uniform", "distance")
    ],
    "svm": [{"kernel": "linear", "C": c} for c in (0.1, 1, 10)]
    + [{"kernel": "rbf", "C": c, "gamma": gamma} for gamma in (0.1, 1) for c in (0.1, 1, 10)],
    "mlp": [{"width": w, "depth": d} for w in (32, 128) for d in (1, 2)],
}


def only(modality: str) -> dict[str, dict[str, float]]:
    """Return the models' skill on one modality, for toys that have no other; a control sees none."""
    return {model: share if model in CONTROLS else {modality: share[modality]} for model, share in SKILL.items()}


FOLD = [("modalities", pa.string()), ("fusion", pa.string()), ("seed", pa.int64()), ("repeat", pa.int16()), ("fold", pa.int16())]
CURVES = pa.schema([*FOLD, ("name", pa.string()), ("step", pa.int32()), ("value", pa.float64())])


@dataclass(frozen=True)
class Toy:
    """A made-up data set and its models."""

    dataset: str = "toy"
    title: str = "Toy objects: picture and name"
    modalities: tuple[str, ...] = ("image", "text")
    outputs: tuple[str, ...] = ("apple", "bread", "cheese")  # classes, labels or targets
    kind: str | None = None  # None: binary or multiclass, by the number of outputs
    n_samples: int = 240
    n_folds: int = 5  # 1: one official test split, a quarter of the rows
    n_repeats: int = 1
    n_inner_folds: int = 3
    seed: int = 7
    scoring: str = ""  # as usual for the task, if not given
    skill: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: SKILL)
    ways: Mapping[str, float] = field(default_factory=lambda: {EARLY: 0.0})  # of fusing: by how much each adds to a learner's skill

    def candidates(self, model: str) -> Iterator[tuple[int, str, str, float]]:
        """Yield the place of a combination among a model's, the combination, a way of fusing and the skill."""
        for place, (combination, share) in enumerate(self.skill[model].items()):
            ways = self.ways if "+" in combination and model not in CONTROLS else {EARLY: 0.0}
            yield from ((place, combination, way, share + more) for way, more in ways.items())

    @property
    def combinations(self) -> list[str]:
        return list(dict.fromkeys(some for skill in self.skill.values() for some in skill if some))

    @property
    def task(self) -> str:
        return self.kind or ("binary" if len(self.outputs) == 2 else "multiclass")

    @property
    def metadata(self) -> SamplesMetadata:
        return SamplesMetadata(
            dataset=self.dataset, title=self.title, licence="CC BY 4.0", citation="A. Author, Toys, 2024",
            group="the object in the picture", rows=Rows(used=self.n_samples, available=4 * self.n_samples),
            target=target_metadata("kind", component("tasks", self.task), list(self.outputs)), shipped=True, sources=(),
            on_bad_sample="fail", max_bad_share=0.05,
        )  # fmt: skip

    @property
    def splits_metadata(self) -> SplitsMetadata:
        return SplitsMetadata(
            dataset=self.dataset, target=self.metadata.target, rows=self.metadata.rows,
            n_folds=self.n_folds, n_repeats=self.n_repeats, n_inner_folds=self.n_inner_folds,
        )  # fmt: skip


SCORING = {"binary": "accuracy", "multiclass": "accuracy", "multilabel": "micro_f1", "regression": "r2"}


TOYS = (
    Toy(),
    Toy(dataset="two", title="Toy of two classes", outputs=("no", "yes")),
    Toy(dataset="tags", title="Toy tags: several hold at once", outputs=("red", "round", "ripe", "rotten", "rare"), kind="multilabel"),
    Toy(dataset="sizes", title="Toy sizes: three numbers", outputs=("length", "mass", "price"), kind="regression"),
)  # one for each task


def write_params(toys: Sequence[Toy], confidence: float = 0.95, **scoring: str) -> None:
    """Write the params.yaml that evaluate and report read, in the current folder; `scoring` by task."""
    params = {
        "datasets": {toy.dataset: {"rows": "all", "target": "kind", "modalities": list(toy.modalities)} for toy in toys},
        "controls": {model: {} for model in toys[0].skill if model in CONTROLS},
        "models": {model: {} for model in toys[0].skill if model not in CONTROLS},
        "train": {"scoring": SCORING | scoring},
        "evaluate": {"confidence": confidence},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def write_toy(toy: Toy) -> None:
    """Write the toy's samples, splits, predictions, sweeps, curves and notes under data/ of the current folder."""
    generator = np.random.default_rng(toy.seed)
    target = _targets(toy, generator)
    groups = np.arange(toy.n_samples) // 2
    fold_of = np.stack([_folds(generator, groups, toy.n_folds) for _ in range(toy.n_repeats)])
    _write_splits(toy, target, groups, fold_of)
    write_document(leaks_path(toy.dataset), Leaks(dataset=toy.dataset, examined=False, success=True, open=(), findings=(), suite=None))
    write_used_settings(toy.dataset, toy.skill, toy.scoring or SCORING[toy.task])
    for model in toy.skill:
        _write_predictions(toy, model, target, fold_of)
        _write_sweep(toy, model, generator)
        _write_curves(toy, model, generator)
        _write_notes(toy, model)
        _write_critical_points(toy, model)


def _targets(toy: Toy, generator: np.random.Generator) -> np.ndarray:
    n_outputs = len(toy.outputs)
    if toy.task == "regression":  # of different units; one entry in fifty is not known
        target = generator.normal(0, 1, (toy.n_samples, n_outputs)) * 10.0 ** np.arange(n_outputs)
        target[generator.random(target.shape) < 0.02] = np.nan
        return target
    if toy.task == "multilabel":
        return (generator.random((toy.n_samples, n_outputs)) < np.linspace(0.6, 0.1, n_outputs)).astype(np.uint8)
    weights = np.linspace(2, 1, n_outputs)
    return generator.choice(n_outputs, toy.n_samples, p=weights / weights.sum()).astype(np.int32)


def target_column(target: np.ndarray) -> pa.Array:
    """Return targets or predictions as the contract has them."""
    return fixed_lists(target) if target.ndim == 2 else pa.array(target)


def results_dir(toy: Toy, model: str) -> Path:
    """Return the folder of the predictions of a model or control."""
    return controls_dir(toy.dataset) / model if model in CONTROLS else predictions_dir(toy.dataset, model)


def predicted_rows(toy: Toy, model: str, combination: str) -> list[tuple[str, Any, Any, float]]:
    """Return (sample, target, prediction, largest probability) of each prediction of a model on a modality combination."""
    table = read_described(results_dir(toy, model) / "predictions.arrow", TrainingMetadata)[0].to_pylist()
    return [(row["sample_id"], row["target"], row["prediction"], max(row.get("probabilities") or [0.0]))
            for row in table if row["modalities"] == combination]


def change_predictions(toy: Toy, model: str, change: Callable[[pa.Table, TrainingMetadata], tuple[pa.Table, TrainingMetadata]]) -> None:
    """Rewrite the predictions of a model as `change` returns them."""
    path = results_dir(toy, model) / "predictions.arrow"
    table, metadata = read_described(path, TrainingMetadata)
    table, metadata = change(table, metadata)
    write_table(path, table, metadata)


def _folds(generator: np.random.Generator, groups: np.ndarray, n_folds: int) -> np.ndarray:
    if n_folds == 1:
        return np.where(generator.permutation(groups.max() + 1) % 4 == 0, 0, -1)[groups]
    return (generator.permutation(groups.max() + 1) % n_folds)[groups]


def _ids(toy: Toy) -> np.ndarray:
    return np.array([f"{toy.dataset}-{row:04d}" for row in range(toy.n_samples)])


def _write_splits(toy: Toy, target: np.ndarray, groups: np.ndarray, fold_of: np.ndarray) -> None:
    inner_fold = np.tile(groups % toy.n_inner_folds, toy.n_repeats)
    inner = np.stack([np.where(fold_of.reshape(-1) == fold, -1, inner_fold) for fold in range(toy.n_folds)], axis=1)
    table = pa.table({
        "sample_id": pa.array(np.tile(_ids(toy), toy.n_repeats)),
        "group": pa.array([f"g{group}" for group in np.tile(groups, toy.n_repeats)]),
        "target": target_column(np.concatenate([target] * toy.n_repeats)),
        "repeat": pa.array(np.repeat(np.arange(toy.n_repeats), toy.n_samples), pa.int16()),
        "fold": pa.array(fold_of.reshape(-1), pa.int16()),
        "inner": fixed_lists(inner.astype(np.int16)),
    })
    write_table(splits_path(toy.dataset), table, toy.splits_metadata)
    write_samples(samples_path(toy.dataset), pa.table({"sample_id": _ids(toy), "target": target_column(target)}), dict(toy.metadata))
    nothing = {name: pa.array([], pa.string()) for name in ("sample_id", "modality", "reason")}
    write_table(skipped_path(toy.dataset), pa.table(nothing), SkippedMetadata(dataset=toy.dataset, share=0.0))


def _metadata(toy: Toy, model: str) -> TrainingMetadata:
    """Return what train writes into the metadata of its tables."""
    return TrainingMetadata(
        **dict(toy.splits_metadata), model=model, baseline=model in CONTROLS, scoring=toy.scoring or SCORING[toy.task],
        combinations=tuple(toy.skill[model]), not_applicable=None,
    )  # fmt: skip


def _write_predictions(toy: Toy, model: str, target: np.ndarray, fold_of: np.ndarray) -> None:
    columns: dict[str, list[Any]] = {name: [] for name in ("modalities", "fusion", "repeat", "fold", "row")}
    scores, predictions = [], []
    # luck is of the row, shared by all candidates: hard rows are hard for all, as in real data
    luck = np.random.default_rng(toy.seed).random(toy.n_samples)
    for place, combination, way, share in toy.candidates(model):
        generator = np.random.default_rng([toy.seed, place, len(model), *([] if way == EARLY else map(ord, way))])
        for repeat, fold in np.ndindex(toy.n_repeats, toy.n_folds):
            rows = np.flatnonzero(fold_of[repeat] == fold)
            score, prediction = ANSWERS[toy.task](toy, target[rows], luck[rows], share, generator)
            scores.append(score.astype(np.float32))
            predictions.append(prediction)
            for name, value in (("modalities", combination), ("fusion", way), ("repeat", repeat), ("fold", fold)):
                columns[name] += [value] * rows.size
            columns["row"] += rows.tolist()
    table = {
        "modalities": columns["modalities"],
        "fusion": columns["fusion"],
        "seed": pa.array([toy.seed] * len(columns["row"]), pa.int64()),
        "condition": ["clean"] * len(columns["row"]),
        "repeat": pa.array(columns["repeat"], pa.int16()),
        "fold": pa.array(columns["fold"], pa.int16()),
        "sample_id": _ids(toy)[columns["row"]],
        "target": target_column(target[columns["row"]]),
        "prediction": target_column(np.concatenate(predictions)),
    }
    if toy.task != "regression":
        table["probabilities"] = fixed_lists(np.concatenate(scores))
    write_table(results_dir(toy, model) / "predictions.arrow", pa.table(table),
                _metadata(toy, model))


def write_leaking(toy: Toy, control: str, skill: Mapping[str, tuple[float, float]]) -> None:
    """Write what a leaking control finds of a made-up learner: by modality combination its skill by the protocol, and with the leak."""
    splits = read_described(splits_path(toy.dataset), SplitsMetadata)[0]
    target = np.asarray(splits["target"].to_pylist() if toy.task == "regression" else column_values(splits["target"]))
    rows = np.flatnonzero(column_values(splits["fold"]) >= 0)
    luck, tables = np.random.default_rng(toy.seed).random(len(target)), []
    for combination, shares in skill.items():
        for protocol, share in zip((HONEST, LEAKING), shares, strict=True):
            _, prediction = ANSWERS[toy.task](toy, target[rows], luck[rows], share, np.random.default_rng([toy.seed, len(combination)]))
            tables.append(pa.table({
                "protocol": [protocol] * len(rows), "modalities": [combination] * len(rows),
                **{name: splits[name].take(pa.array(rows)) for name in ("repeat", "fold", "sample_id", "target")},
                "prediction": target_column(prediction)}))  # fmt: skip
    about = LeakingMetadata(dataset=toy.dataset, control=control, model="linear", what=component("controls", control).what,
                            scoring=toy.scoring or SCORING[toy.task], target=toy.metadata.target, combinations=tuple(skill))
    write_table(controls_dir(toy.dataset) / control / "leaking.arrow", pa.concat_tables(tables), about)


Answer = tuple[np.ndarray, np.ndarray]  # scores, prediction


def _classes(toy: Toy, target: np.ndarray, luck: np.ndarray, share: float, generator: np.random.Generator) -> Answer:
    n_classes, n_rows = len(toy.outputs), len(target)
    score = np.tile(np.linspace(2, 1, n_classes), (n_rows, 1))
    if share:
        score = generator.dirichlet(np.ones(n_classes), n_rows)
    known = np.clip(luck + generator.normal(0, 0.08, n_rows), 0, 1) < share
    score[known, target[known]] += 1.5
    score /= score.sum(1, keepdims=True)
    return score, score.astype(np.float32).argmax(1).astype(np.int32)


def _labels(toy: Toy, target: np.ndarray, luck: np.ndarray, share: float, generator: np.random.Generator) -> Answer:
    score = np.tile(np.linspace(0.6, 0.1, len(toy.outputs)), (len(target), 1))
    if share:
        score = 0.5 * score + 0.4 * generator.random(score.shape)
        known = np.clip(luck[:, None] + generator.normal(0, 0.2, score.shape), 0, 1) < share
        score[known] = 0.15 + 0.7 * target[known]
    return score, (score >= 0.5).astype(np.uint8)


def _numbers(toy: Toy, target: np.ndarray, luck: np.ndarray, share: float, generator: np.random.Generator) -> Answer:
    unit = 10.0 ** np.arange(len(toy.outputs))
    noise = generator.normal(0, 1, target.shape) * unit * (0.5 + luck[:, None]) if share else 0.02 * unit
    prediction = share * np.nan_to_num(target) + (1 - share) * 0.5 * noise
    return np.empty(0), prediction


ANSWERS: dict[str, Callable[..., Answer]] = {"binary": _classes, "multiclass": _classes, "multilabel": _labels, "regression": _numbers}


def _grid(toy: Toy, model: str, combination: str, way: str) -> list[dict[str, Any]]:
    """Return what is compared on the inner folds: configurations, weights of the modalities, or ways of fusing."""
    if way == CHOSEN:
        return [{"fusion": name} for name in toy.ways if name != CHOSEN]
    if way.endswith("_weighted"):
        first, *others = combination.split("+")
        return [{"modality_weights": {first: weight} | {name: (1 - weight) / len(others) for name in others}} for weight in (0.5, 0.25)]
    return GRIDS[model] if way == EARLY else [{}]


def _write_sweep(toy: Toy, model: str, generator: np.random.Generator) -> None:
    rows = []
    schema = pa.schema([*FOLD, ("inner", pa.int16()), ("config", pa.int32()), ("settings", pa.string()),
                        ("score", pa.float64()), ("chosen", pa.bool_())])
    for _, combination, way, share in toy.candidates(model):
        grid = _grid(toy, model, combination, way)
        bump = share - 0.01 * np.abs(np.arange(len(grid)) - len(grid) / 2)
        for repeat, fold in np.ndindex(toy.n_repeats, toy.n_folds):
            means = np.clip(0.8 * bump[:, None] + generator.normal(0, 0.02, (len(grid), toy.n_inner_folds)) + 0.1, 0, 1)
            best = int(means.mean(1).argmax())
            rows += [
                {"modalities": combination, "fusion": way, "seed": toy.seed, "repeat": repeat, "fold": fold, "inner": inner,
                 "config": config, "settings": json.dumps(settings),
                 "score": float(means[config, inner]), "chosen": config == best}
                for config, settings in enumerate(grid) for inner in range(toy.n_inner_folds)
            ]
    table = pa.Table.from_pylist(rows, schema)
    write_table(results_dir(toy, model) / "sweep.arrow", table, _metadata(toy, model))


def _write_curves(toy: Toy, model: str, generator: np.random.Generator) -> None:
    rows = []
    for combination in toy.combinations if model == "mlp" else []:
        for repeat, fold in np.ndindex(toy.n_repeats, toy.n_folds):
            n_steps = int(generator.integers(20, 30))
            for name, level in (("train_loss", 0.1), ("inner_loss", 0.5)):
                rows += [{"modalities": combination, "fusion": "early", "seed": toy.seed, "repeat": repeat, "fold": fold, "name": name,
                          "step": step + 1, "value": level + float(np.exp(-step / 8))} for step in range(n_steps)]
    table = pa.Table.from_pylist(rows, CURVES)
    write_table(results_dir(toy, model) / "curves.arrow", table, _metadata(toy, model))


def _write_notes(toy: Toy, model: str) -> None:
    rows = [
        {"modalities": combination, "fusion": "early", "seed": toy.seed, "repeat": repeat, "fold": fold, "name": "tied_rows",
         "value": 0.2 + 0.1 * (fold % 2)}
        for combination in (toy.combinations if model == "knn" else []) for repeat, fold in np.ndindex(toy.n_repeats, toy.n_folds)
    ]  # fmt: skip
    schema = pa.schema([*FOLD, ("name", pa.string()), ("value", pa.float64())])
    write_table(results_dir(toy, model) / "notes.arrow", pa.Table.from_pylist(rows, schema), _metadata(toy, model))


def _write_critical_points(toy: Toy, model: str) -> None:
    """Write that training of odd folds stopped early, of fold 0 at a minimum, and of other even folds at a saddle."""
    verdicts = {fold: "undetermined" if fold % 2 else "saddle" if fold else "minimum" for fold in range(toy.n_folds)}
    rows = [
        {"modalities": combination, "fusion": "early", "seed": toy.seed, "repeat": repeat, "fold": fold, "n_weights": 100, "n_rows": 50,
         "loss": 0.5, "gradient_norm": 0.1 * (fold % 2) + 1e-4, "gradient_limit": 1e-3,
         "hessian_min": -0.01 if verdicts[fold] == "minimum" else -0.5, "hessian_min_error": 1e-6, "hessian_max": 20.0,
         "hessian_max_error": 0.0, "n_negative": 0 if verdicts[fold] == "minimum" else 3, "loss_change": 0.001 * (fold == 1) - 0.0005,
         "verdict": verdicts[fold]}
        for combination in (toy.combinations if model == "mlp" else []) for repeat, fold in np.ndindex(toy.n_repeats, toy.n_folds)
    ]  # fmt: skip
    numbers = ("loss", "gradient_norm", "gradient_limit", "hessian_min", "hessian_min_error", "hessian_max", "hessian_max_error")
    schema = pa.schema([*FOLD, ("n_weights", pa.int64()), ("n_rows", pa.int64()), *((name, pa.float64()) for name in numbers),
                        ("n_negative", pa.int64()), ("loss_change", pa.float64()), ("verdict", pa.string())])  # fmt: skip
    write_table(results_dir(toy, model) / "critical_points.arrow", pa.Table.from_pylist(rows, schema), _metadata(toy, model))


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    os.chdir(sys.argv[1])
    toys = [*TOYS, Toy(dataset="toy_split", title="Toy with an official test split", n_folds=1, n_samples=400)]
    write_params(toys)
    for one in toys:
        write_toy(one)
