"""A stack of networks learns what each network learns alone by a plain loop in torch; structured forms reach it by every way."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from structured_blocks import structured_raw
from toy_problem import metrics_of, toy_folds, toy_problem

from stages.contracts.candidate import Candidate
from stages.contracts.documents.model_document import ModalityFeatures
from stages.contracts.problem import Problem
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import Dense, raw_features
from stages.features.feature_blocks import Block, imputed, load_block
from stages.features.structures import Ragged, Structure, Structured
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.model_selection.fusing import place_of
from stages.model_selection.protocol import LearnerSetup, fit_on, results
from stages.model_selection.weighted_fusion import weighted_results
from stages.models import network
from stages.models.network.inputs.averaged_steps import averaged
from stages.models.network.network_settings import NetworkSettings
from stages.models.network.stack_data import NetworkStack, Plan, StackData
from stages.models.network.stack_training import train_stack
from stages.training.prediction import Predictor
from stages.training.read_problem import all_combinations
from stages.training.saved_model import ModelDescription, save_fitted

POOL = ThreadPoolExecutor(1)
SMALL: dict[str, Any] = {"width": (16,), "learning_rate_init": (0.02,), "weight_decay": (0.01,), "dropout": (0.0,),
                         "modality_dropout": (0.0,), "batch_size": 16, "max_iter": 40, "n_iter_no_change": 10}  # fmt: skip


def problem_of(blocks: dict[str, Block], target: np.ndarray) -> Problem:
    outputs = tuple(f"output {code}" for code in range(target.max() + 1))
    folds, combinations = toy_folds(len(target)), all_combinations(blocks)
    return Problem(blocks, target.astype(np.int32), "classes", outputs, folds, combinations, metrics_of("classes", target), "accuracy", 0)


def accuracy(problem: Problem, settings: NetworkSettings) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], list[float]] = {}
    for result in results(LearnerSetup(network.MODEL, settings), problem, network.grid(settings, 0)):
        found.setdefault(result.modalities, []).append(float((result.prediction == problem.target[result.fold.test]).mean()))
    return {modalities: float(np.mean(scores)) for modalities, scores in found.items()}


def test_a_stack_learns_what_each_network_learns_alone() -> None:
    """SGD with momentum, decay of weights and linear decay of rates by hand, gradients of at most norm 5, on each network's own rows."""
    problem = toy_problem(modalities=("image",))
    fold = problem.folds[0]
    settings = NetworkSettings(**{**SMALL, "optimizer": ("sgd",), "max_iter": 3})
    config = network.grid(settings, 0)[0]
    ((sweep,),) = network.run(replace(problem, folds=(fold,), combinations=(("image",),)), settings, [config], POOL)
    data: StackData = sweep._data(0)
    used = [fold.train[fold.inner != i] for i in range(2)]
    stack = NetworkStack(used, [fold.train[:0]] * 2, [11, 12], 13)
    parts = [part.part for part in sweep._parts(0)]

    def build(seeds: Any) -> network.FusedNetwork:
        return network.FusedNetwork(parts, config["width"], 3, network.StackedWeights(seeds))

    trained = train_stack(build, data, stack, Plan(config, 3, 3, 16, 10))
    orders = np.random.default_rng(13)
    order_of_epoch = [[orders.permutation(rows) for rows in used] for _ in range(3)]
    n_batches = -(-max(map(len, used)) // 16)
    for index in range(2):
        alone = build([stack.seeds[index]])
        weights = alone.weights.tensors
        velocity = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
        for step in range(3 * n_batches):
            rows = order_of_epoch[step // n_batches][index][step % n_batches * 16 :][:16]
            rate = 0.02 * (1 - 0.99 * step / (3 * n_batches)) * min(1, (step + 1) / 20)
            for tensor in weights.values():
                tensor.grad = None
            values = {"image/flat": {"values": torch.from_numpy(data.batches["image/flat"](rows[None])["values"])}}
            torch.nn.functional.cross_entropy(alone.outputs(values)[0], torch.from_numpy(data.target[rows])).backward()
            norm = torch.sqrt(sum((tensor.grad**2).sum() for tensor in weights.values()))
            with torch.no_grad():
                for name, tensor in weights.items():
                    velocity[name] = 0.9 * velocity[name] + tensor.grad * min(1.0, 5.0 / float(norm))
                    if not name.endswith("bias"):
                        tensor.mul_(1 - rate * 0.01)
                    tensor -= rate * velocity[name]
        for name, tensor in weights.items():
            found = trained.network.weights.tensors[name][index].detach().numpy()
            assert found == pytest.approx(tensor[0].detach().numpy(), abs=1e-4), name


def test_intermediate_fusion_learns_what_no_modality_tells_alone() -> None:
    """Exclusive or of two modalities: each alone tells nothing, and no weighted mean of their scores tells more."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2, (180, 2))
    blocks = {
        name: Block(name, Dense((2 * bits[:, [index]] - 1 + 0.3 * random.standard_normal((180, 3))).astype(np.float32)), {})
        for index, name in enumerate(("left", "right"))
    }
    found = accuracy(problem_of(blocks, bits[:, 0] ^ bits[:, 1]), NetworkSettings(**SMALL))
    assert found["left", "right"] > 0.9
    assert max(found["left",], found["right",]) < 0.65


def ordered_series(n: int, random: np.random.Generator) -> tuple[Ragged, np.ndarray]:
    """Return series that rise or fall, of different lengths, each with the same values in another order."""
    target = random.integers(0, 2, n)
    lists = []
    for code, length in zip(target, random.integers(6, 14, n), strict=True):
        steps = np.linspace(-1, 1, length)[:, None] + 0.1 * random.standard_normal((length, 1))
        lists.append((steps if code else steps[::-1]).astype(np.float32))
    return Ragged(np.concatenate([[0], np.cumsum([len(values) for values in lists])]), np.concatenate(lists)), target


@pytest.mark.parametrize("encoder", ["lstm", "gru", "cnn_1d", "cnn"])
def test_the_order_of_time_is_learned(encoder: str) -> None:
    random = np.random.default_rng(1)
    series, target = ordered_series(120, random)
    raw = Dense(random.standard_normal((120, 2)).astype(np.float32), Structure("series", (2,), {"series": series}))
    settings = NetworkSettings(**SMALL, encoders={"series": (encoder,)}, with_features=(False,))
    found = accuracy(problem_of({"a": Block("a", raw, {})}, target), settings)
    assert found["a",] > 0.9


def test_features_stand_next_to_a_structured_form() -> None:
    random = np.random.default_rng(1)
    series, _ = ordered_series(120, random)
    target = random.integers(0, 2, 120)
    features = target[:, None] + 0.1 * random.standard_normal((120, 2))
    raw = Dense(features.astype(np.float32), Structure("series", (2,), {"series": series}))
    problem = problem_of({"a": Block("a", raw, {})}, target)
    assert accuracy(problem, NetworkSettings(**SMALL, with_features=(True,)))["a",] > 0.9
    assert accuracy(problem, NetworkSettings(**SMALL, with_features=(False,)))["a",] < 0.7


def test_long_sequences_are_averaged_over_equal_parts() -> None:
    lists = Ragged(np.array([0, 2, 2, 7]), np.arange(7, dtype=np.float32)[:, None])
    found = averaged(lists, 3)
    assert found.lengths.tolist() == [2, 0, 3]
    # five steps 2 … 6 in three parts that begin at steps 0, 1 and 3
    assert found.values[:, 0].tolist() == [0, 1, 2, 3.5, 5.5]


def test_rows_of_a_structure_are_taken() -> None:
    raw = structured_raw("sequence")
    rows = np.array([5, 0, 5])
    taken = Block("a", raw, {}).taken(rows).raw.structure.columns["series"]
    lists = raw.structure.columns["series"]
    for place, row in enumerate(rows):
        assert np.array_equal(taken.values[taken.offsets[place] : taken.offsets[place + 1]],
                              lists.values[lists.offsets[row] : lists.offsets[row + 1]])  # fmt: skip
    block = Block("a", raw, {}, np.arange(40) % 2 == 0)
    assert imputed(block).raw.structure is raw.structure


def real_features(name: str) -> tuple[pa.Array, dict[str, Any]]:
    """Return raw samples of a modality and its settings."""
    random = np.random.default_rng(3)
    if name == "text":
        words = np.array(["a", "bad", "cat", "dog", "eats", "fish", "good"])
        return pa.array([" ".join(random.choice(words, 4)) for _ in range(60)]), {"keep_words": True}
    if name == "table":
        return pa.array([{"x": float(value), "kind": "ab"[int(value > 0)]} for value in random.standard_normal(60)]), {}
    if name == "tactile":
        frames = [random.random((length, 4, 4)).astype(np.float32) for length in random.integers(1, 9, 60)]
        return pa.array([sample.tolist() for sample in frames], pa.list_(pa.list_(pa.list_(pa.float32(), 4), 4))), {}
    kind = pa.list_(pa.list_(pa.float32(), 2))
    return pa.array([random.standard_normal((length, 2)).tolist() for length in random.integers(3, 9, 60)], kind), {}


@pytest.mark.parametrize(("name", "encoder"), [("series", "gru"), ("set", "deep_sets"), ("tactile", "cnn"), ("tactile", "lstm"),
                                               ("text", "gru"), ("text", "embedding_bag"), ("table", "category_embeddings")])  # fmt: skip
def test_a_saved_network_predicts_raw_samples(name: str, encoder: str, tmp_path: Path) -> None:
    """What the stages read of a features file, and what users pass, reach the network in the same form."""
    column, settings = real_features(name)
    modality = component("modalities", name)
    chosen = modality.settings(**settings)
    features = modality.featurize(column, chosen)
    about = FeaturesMetadata(dataset="toy", modality_name="m", modality=name, settings=chosen.model_dump(mode="json"), names=features.names,
                             encoding=features.encoding, shape=features.shape, fit=dict(features.fit))  # fmt: skip
    block = load_block("m", pa.table(dict(features.columns)), about)
    target = np.random.default_rng(0).integers(0, 2, 60)
    problem = problem_of({"m": block}, target)
    networks = NetworkSettings(**{**SMALL, "max_iter": 3}, encoders={name: (encoder,)})
    config = network.approximated(network.grid(networks, 0), networks, problem)[0]
    assert config["encoders"] == {name: encoder}
    fitted = fit_on(LearnerSetup(network.MODEL, networks), problem, problem.final_fold(), ("m",), config)
    described = {"m": ModalityFeatures(modality=name, settings=about.settings)}
    save_fitted(tmp_path, fitted, problem, ModelDescription("toy", Candidate("network", ("m",)), config, described))
    raw = raw_features(dict(features.columns), features.encoding, name, features.shape)
    state = raw.fit(problem.training_rows(), block.settings)
    expected = network.predict(fitted, {"m": Structured(raw.encode(state), raw.structure)}).probabilities
    found = Predictor.load(tmp_path).predict({"m": column}).probabilities
    assert found.tobytes() == expected.tobytes()
    few = Predictor.load(tmp_path).predict({"m": column.slice(0, 3)}).probabilities
    assert few == pytest.approx(expected[:3], abs=1e-5)
    assert json.loads((tmp_path / "model.json").read_text())["state"]["parts"][0]["encoder"] == encoder


def test_an_encoder_that_finds_nothing_to_read_is_refused() -> None:
    settings = NetworkSettings(**SMALL, encoders={"text": ("gru",)})
    blocks = {"a": Block("a", structured_raw("terms"), {"min_documents": 1, "max_terms": 9, "idf": False, "sublinear": False})}
    message = r"params\.yaml: models\.network\.encoders\.text: gru reads sequence or words, and .* 'a' have terms; .*`keep_words: true`"
    with pytest.raises(InputError, match=message):
        accuracy(problem_of(blocks, np.arange(40) % 2), settings)


@pytest.mark.parametrize(("values", "reason"), [
    ({"encoders": {"smell": ("cnn",)}}, "'smell' is no modality with encoders; there are image,"),
    ({"encoders": {"image": ("resnet",)}}, "no 'resnet' among network encoders; there are category_embeddings, cnn,"),
    ({"optimizer": ("adamx",)}, "no 'adamx' among optimizers; there are "),
])  # fmt: skip
def test_unknown_names_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        NetworkSettings(**values)


@pytest.mark.parametrize("name", names("optimizers"))
def test_every_optimizer_trains_networks(name: str) -> None:
    problem = toy_problem(modalities=("image",))
    rate = {"gradient_descent": 0.3, "sgd": 0.05, "adadelta": 1.0}.get(name, 0.01)
    settings = NetworkSettings(**{**SMALL, "learning_rate_init": (rate,), "optimizer": (name,), "max_iter": 30})
    assert accuracy(problem, settings)["image",] > 0.6


def test_modality_dropout_drops_whole_modalities_and_never_all() -> None:
    dropping = network.fused_network.Dropping(0.0, 0.7, torch.Generator().manual_seed(0))
    found = dropping.of_modalities(torch.ones(2, 500, 3, 4))
    kept = found[..., 0]
    assert torch.equal(found, kept[..., None].expand_as(found)) and (kept.sum(dim=2) >= 1).all()
    assert float(kept.mean()) == pytest.approx(0.3 + 0.7**3, abs=0.03)  # where all would be dropped, all are kept


@pytest.mark.parametrize("share", [1e-6, 0.1, 0.5, 0.9])
def test_a_share_of_values_is_dropped_and_the_mean_stays(share: float) -> None:
    dropping = network.fused_network.Dropping(share, 0.0, torch.Generator().manual_seed(0))
    values = torch.ones(3, 333, 101)
    found, again = dropping.of_values(values), dropping.of_values(values)
    is_kept = found > 0
    assert torch.equal(found[is_kept], torch.full_like(found[is_kept], 1 / (1 - share)))
    assert float((~is_kept).double().mean()) == pytest.approx(share, abs=0.004)
    assert float(found.double().mean()) == pytest.approx(1, abs=0.04)
    assert share == 1e-6 or not torch.equal(found, again)
    of_networks = is_kept.double().mean(dim=(1, 2))
    assert of_networks.numpy() == pytest.approx(np.full(3, 1 - share), abs=0.012)


def test_outputs_are_those_of_a_hidden_layer_and_of_the_embeddings() -> None:
    """Recomputed from the weights; what is dropped of the hidden layer leaves the direct part."""
    random = np.random.default_rng(0)
    parts = [network.Part(name, "flat", "plain", {"width": 3}) for name in ("a", "b")]
    weights = network.StackedWeights((1, 2))
    fused = network.FusedNetwork(parts, 4, 2, weights)
    rows = {f"{name}/flat": random.standard_normal((2, 5, 3)).astype(np.float32) for name in ("a", "b")}
    batches = {name: {"values": torch.from_numpy(values)} for name, values in rows.items()}
    whole, dropping = fused.outputs(batches), network.fused_network.Dropping(1 - 1e-7, 0.0, torch.Generator().manual_seed(0))
    dropped = fused.outputs(batches, dropping)
    for index in range(2):
        stored = {name: tensor[index].detach().numpy() for name, tensor in weights.tensors.items()}

        def layer(name: str, values: np.ndarray, stored: dict[str, np.ndarray] = stored) -> np.ndarray:
            return values @ stored[name] + stored[f"{name} bias"]

        embedding = np.hstack([layer(f"{name}/second", np.maximum(layer(f"{name}/first", rows[name][index]), 0)) for name in rows])
        direct = layer("fused/direct", embedding)
        hidden = np.maximum(layer("fused/hidden", np.maximum(embedding, 0)), 0)
        expected = layer("fused/last", hidden) + direct
        assert whole[index].detach().numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5)
        assert dropped[index].detach().numpy() == pytest.approx(direct + stored["fused/last bias"], rel=1e-4, abs=1e-5)


def test_balanced_classes_weigh_alike() -> None:
    problem = toy_problem(modalities=("image",))
    loss = network.network_fold_sweep.loss_for(problem, np.arange(90), "balanced")
    weights = loss.row_weights(problem.target)
    sums = [weights[problem.target == code].sum() for code in range(3)]
    assert sums == pytest.approx([30, 30, 30])


def test_what_does_not_differ_for_a_combination_is_trained_once() -> None:
    """A single modality is never dropped, and another modality's encoder does not matter."""
    problem = toy_problem(modalities=("image", "text"))
    settings = NetworkSettings(**{**SMALL, "max_iter": 2, "modality_dropout": (0.0, 0.3), "n_iter": "all"})
    configs = network.grid(settings, 0)
    alone, _, both = (sweep for (sweep,) in network.run(replace(problem, folds=problem.folds[:1]), settings, configs, POOL))
    assert len(configs) == 2 and alone.stacks[0][0] is alone.stacks[1][0] and both.stacks[0][0] is not both.stacks[1][0]
    predictions = alone.inner_predictions()
    assert predictions[0].tobytes() == predictions[1].tobytes()


def test_weights_of_blocks_are_not_tried() -> None:
    """A network learns its own: weighted early fusion is the result of equal weights, and nothing is trained for it."""
    problem = toy_problem(modalities=("image", "table"))
    settings = NetworkSettings(**{**SMALL, "max_iter": 2})
    learner = LearnerSetup(network.MODEL, settings)
    found = {place_of(result): result for result in results(learner, problem, network.grid(settings, 0))}
    way = component("fusions", "early_weighted")
    for result in weighted_results(learner, problem, way, way.settings(), found):
        assert result.configs == [{"modality_weights": {"image": 0.5, "table": 0.5}}]
        assert result.prediction.tobytes() == found[place_of(result)].prediction.tobytes()
