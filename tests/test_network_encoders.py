"""Common tests of every file under stages/models/network/modality_encoders/; a new encoder needs no edit here, a kind of input a block."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from structured_blocks import ragged, structured_raw

from stages.contracts.network_encoder import InputKind, NetworkEncoder
from stages.features.encoders import Raw
from stages.features.structures import Ragged, Structured
from stages.foundation.registry import component, names
from stages.models.network.fold_inputs import READERS
from stages.models.network.inputs.fitted_input import Batches, FittedInput, ReadLimits
from stages.models.network.modality_encoders import gin
from stages.models.network.stacked_weights import StackedWeights

WIDTH, N = 8, 40
ENCODERS = [(name, kind) for name in names("network_encoders") for kind in component("network_encoders", name).reads]
FITTED = {"max_categories": 5, "min_documents": 1, "max_terms": 100, "idf": True, "sublinear": True}


def loaded(raw: Raw, kind: InputKind, rows: np.ndarray | None = None, fitted: FittedInput | None = None) -> tuple[FittedInput, Batches]:
    """Return the fitted input of a kind, and its batches."""
    state = raw.fit(np.arange(N) if rows is None else rows, FITTED)
    block = Structured(raw.encode(state), raw.structure)
    found = fitted or READERS[kind].fit(block, state, np.arange(N) if rows is None else rows, ReadLimits(6, 25))
    return found, READERS[kind].load(block, found)


def embeddings(
    encoder: NetworkEncoder, facts: Mapping[str, object], batches: Batches, rows: np.ndarray, seeds: tuple[int, ...] = (1, 2)
) -> np.ndarray:
    encode = encoder.make(facts, WIDTH, StackedWeights(seeds))
    batch = {name: torch.from_numpy(values) for name, values in batches(rows).items()}
    return encode(batch).detach().numpy()


def two_rows(n: int = 12) -> np.ndarray:
    """Return rows of two networks, which differ."""
    return np.random.default_rng(4).permutation(N)[: 2 * n].reshape(2, n)


def test_encoders_and_kinds_are_found() -> None:
    assert set(READERS) == {kind for _, kind in ENCODERS}


@pytest.mark.parametrize(("name", "kind"), ENCODERS)
class TestEncoder:
    def test_shapes_and_the_same_bytes(self, name: str, kind: InputKind) -> None:
        encoder = component("network_encoders", name)
        fitted, batches = loaded(structured_raw(kind), kind)
        first, second = (embeddings(encoder, fitted.facts, batches, two_rows()) for _ in range(2))
        assert first.shape == (2, 12, WIDTH) and first.dtype == np.float32 and np.isfinite(first).all()
        assert first.tobytes() == second.tobytes()
        other = embeddings(encoder, fitted.facts, batches, two_rows(), seeds=(1, 3))
        assert other[0].tobytes() == first[0].tobytes() and not np.allclose(other[1], first[1])

    def test_a_sample_depends_on_nothing_else_in_its_batch(self, name: str, kind: InputKind) -> None:
        """Neither on other samples, nor on how far a batch is padded, nor on the other network's rows."""
        encoder = component("network_encoders", name)
        fitted, batches = loaded(structured_raw(kind), kind)
        rows = two_rows()
        together = embeddings(encoder, fitted.facts, batches, rows)
        for place in range(rows.shape[1]):
            alone = embeddings(encoder, fitted.facts, batches, rows[:, [place]])
            assert alone[:, 0] == pytest.approx(together[:, place], rel=1e-5, abs=1e-5)
        one = embeddings(encoder, fitted.facts, batches, rows[:1], seeds=(1,))
        assert one[0] == pytest.approx(together[0], rel=1e-5, abs=1e-5)

    def test_the_gradient_reaches_every_weight(self, name: str, kind: InputKind) -> None:
        encoder = component("network_encoders", name)
        fitted, batches = loaded(structured_raw(kind), kind)
        weights = StackedWeights((1, 2))
        encode = encoder.make(fitted.facts, WIDTH, weights)
        batch = {part: torch.from_numpy(values) for part, values in batches(np.tile(np.arange(N), (2, 1))).items()}
        (encode(batch) * torch.linspace(-1, 1, WIDTH)).sum().backward()
        for part, tensor in weights.tensors.items():
            gradient = tensor.grad.reshape(2, -1)
            assert (gradient != 0).any(dim=1).all(), part

    def test_input_is_not_changed_and_values_of_other_rows_are_not_learned(self, name: str, kind: InputKind) -> None:
        """What is fitted on some rows is the same whatever the others hold."""
        raw, rows = structured_raw(kind), np.arange(0, N, 2)
        fitted, batches = loaded(raw, kind, rows)
        mixed = np.where(np.arange(N) % 2, np.random.default_rng(1).permutation(N) // 2 * 2 + 1, np.arange(N))
        other, _ = loaded(raw.taken(mixed), kind, rows)
        assert other.facts == fitted.facts and fitted.arrays.keys() == other.arrays.keys()
        for part, values in fitted.arrays.items():
            assert values.tobytes() == other.arrays[part].tobytes()
        before = {part: values.copy() for part, values in batches(rows[None]).items()}
        embeddings(component("network_encoders", name), fitted.facts, batches, rows[None], seeds=(1,))
        assert all(np.array_equal(values, before[part]) for part, values in batches(rows[None]).items())


def order_of(raw: Raw, column: str, change: str) -> Raw:
    """Return a block whose lists are in another order: sorted, or reversed."""
    lists: Ragged = raw.structure.columns[column]
    parts = [lists.values[a:b] for a, b in zip(lists.offsets[:-1], lists.offsets[1:], strict=True)]
    changed = [part[::-1] if change == "reversed" else part[np.lexsort(part.T[::-1])] for part in parts]
    return replace(raw, structure=replace(raw.structure, columns={**raw.structure.columns, column: ragged(changed)}))


@pytest.mark.parametrize("name", [name for name, kind in ENCODERS if kind == "set"])
def test_a_set_encoder_does_not_depend_on_the_order_of_points(name: str) -> None:
    encoder, raw, rows = component("network_encoders", name), structured_raw("set"), two_rows()
    limits = ReadLimits(9, 25)

    def embedded(block: Raw) -> np.ndarray:
        found = Structured(block.encode(block.fit(rows, {})), block.structure)
        fitted = READERS["set"].fit(found, block.fit(rows, {}), np.arange(N), limits)
        return embeddings(encoder, fitted.facts, READERS["set"].load(found, fitted), rows)

    assert embedded(order_of(raw, "points", "reversed")) == pytest.approx(embedded(raw), abs=1e-6)
    reversed_and_sorted = order_of(order_of(raw, "points", "reversed"), "points", "sorted")
    assert embedded(reversed_and_sorted).tobytes() == embedded(order_of(raw, "points", "sorted")).tobytes()


def test_a_graph_does_not_depend_on_the_numbers_of_its_nodes() -> None:
    raw, rows = structured_raw("graph"), two_rows()
    columns = raw.structure.columns
    last = np.repeat(columns["n_nodes"], columns["source"].lengths) - 1
    turned = {part: replace(columns[part], values=(last - columns[part].values).astype(np.int32)) for part in ("source", "target")}
    other = replace(raw, structure=replace(raw.structure, columns={**columns, **turned}))
    (fitted, batches), (_, of_other) = loaded(raw, "graph"), loaded(other, "graph")
    encoder = component("network_encoders", "gin")
    assert embeddings(encoder, fitted.facts, of_other, rows) == pytest.approx(embeddings(encoder, fitted.facts, batches, rows), abs=1e-5)


def test_message_passing_adds_the_neighbors() -> None:
    """One network by a plain loop over nodes."""
    raw = structured_raw("graph", n=5)
    columns, width = raw.structure.columns, 4
    block = Structured(raw.values, raw.structure)
    fitted = READERS["graph"].fit(block, raw.fit(np.arange(5), {}), np.arange(5), ReadLimits(6, 25))
    weights = StackedWeights((3,))
    encode = component("network_encoders", "gin").make(fitted.facts, width, weights)
    batch = {part: torch.from_numpy(values) for part, values in READERS["graph"].load(block, fitted)(np.arange(5)[None]).items()}
    found = encode(batch).detach().numpy()[0]
    stored = {part.removeprefix("/"): values.astype(np.float64) for part, values in weights.arrays().items()}

    def layer(part: str, values: np.ndarray) -> np.ndarray:
        return values @ stored[part] + stored[f"{part} bias"]

    for graph in range(5):
        edges = list(zip(*(columns[part].values[columns[part].offsets[graph] : columns[part].offsets[graph + 1]].tolist()
                           for part in ("source", "target")), strict=True))  # fmt: skip
        degree, loops = np.zeros(columns["n_nodes"][graph]), np.zeros(columns["n_nodes"][graph])
        for a, b in edges:
            degree[a] += 1
            degree[b] += a != b
            loops[a] += a == b
        values = np.log1p(np.stack([degree, loops], axis=1))
        nodes = np.maximum(layer("start", (values - fitted.arrays["mean"]) / fitted.arrays["deviation"]), 0)
        for index in range(3):
            received = np.zeros_like(nodes)
            for a, b in edges:
                received[b] += nodes[a]
                if a != b:
                    received[a] += nodes[b]
            nodes = np.maximum(layer(f"outer {index}", np.maximum(layer(f"inner {index}", (nodes + received) / 2), 0)), 0)
        mean_size = columns["n_nodes"].mean()
        expected = layer("last", np.concatenate([nodes.sum(axis=0) / mean_size, nodes.mean(axis=0)]))
        assert found[graph] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_recurrent_encoders_are_those_of_torch(name: str) -> None:
    raw, rows = structured_raw("sequence"), np.arange(10)[None]
    fitted, batches = loaded(raw, "sequence")
    weights = StackedWeights((5,))
    encode = component("network_encoders", name).make(fitted.facts, WIDTH, weights)
    with torch.no_grad():
        for part, tensor in weights.tensors.items():
            if part.endswith("bias"):
                tensor.copy_(torch.linspace(-0.5, 0.5, tensor.numel()).reshape(tensor.shape))
    batch = {part: torch.from_numpy(values) for part, values in batches(rows).items()}
    stored = {part.removeprefix("/"): tensor[0].detach() for part, tensor in weights.tensors.items()}
    peer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[name](3, WIDTH, batch_first=True)
    # torch orders an LSTM's gates input, forget, candidate, output; here the candidate is last
    order = list(range(4 * WIDTH)) if name == "lstm" else list(range(3 * WIDTH))
    if name == "lstm":
        order = [*range(2 * WIDTH), *range(3 * WIDTH, 4 * WIDTH), *range(2 * WIDTH, 3 * WIDTH)]
    with torch.no_grad():
        for ours, theirs in (("input", "ih"), ("recurrent", "hh")):
            getattr(peer, f"weight_{theirs}_l0").copy_(stored[ours].T[order])
            getattr(peer, f"bias_{theirs}_l0").copy_(stored[f"{ours} bias"][order])
        for place in range(rows.shape[1]):
            length = int(batch["lengths"][0, place])
            steps, _ = peer(batch["values"][0, place : place + 1, :length])
            pooled = torch.cat([steps[0, -1], steps[0].mean(dim=0)])
            expected = pooled @ stored["last"] + stored["last bias"]
            assert encode(batch)[0, place].detach().numpy() == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in ENCODERS if pair[1] in ("sequence", "words", "set", "graph", "terms")])
def test_samples_without_steps_points_edges_or_terms_have_an_embedding(name: str, kind: InputKind) -> None:
    raw = structured_raw(kind)
    fitted, _ = loaded(raw, kind)
    if kind == "terms":
        empty: Raw = replace(raw, offsets=np.zeros(N + 1, np.int32), indices=raw.indices[:0], values=raw.values[:0])
        state = raw.fit(np.arange(N), FITTED)
        batches = READERS[kind].load(Structured(empty.encode(state), empty.structure), fitted)
    else:
        columns = {part: replace(lists, offsets=np.zeros(N + 1, np.int64), values=lists.values[:0]) if isinstance(lists, Ragged) else lists
                   for part, lists in raw.structure.columns.items()}  # fmt: skip
        _, batches = loaded(replace(raw, structure=replace(raw.structure, columns=columns)), kind, fitted=fitted)
    found = embeddings(component("network_encoders", name), fitted.facts, batches, two_rows())
    assert np.isfinite(found).all()


def test_a_convolution_keeps_networks_apart() -> None:
    """The convolution with a group per network is that of each network alone, by torch."""
    raw, rows = structured_raw("grid"), two_rows()
    fitted, batches = loaded(raw, "grid")
    encoder = component("network_encoders", "cnn")
    weights = StackedWeights((1, 2))
    found = encoder.make(fitted.facts, WIDTH, weights)({"values": torch.from_numpy(batches(rows)["values"])})
    for network in range(2):
        values = torch.from_numpy(batches(rows)["values"])[network]
        for index in range(2):
            kernel, bias = (weights.tensors[f"/convolution {index}{part}"][network] for part in ("", " bias"))
            values = torch.relu(torch.nn.functional.conv2d(values, kernel, bias, stride=2, padding=2))
        expected = values.flatten(1) @ weights.tensors["/last"][network] + weights.tensors["/last bias"][network]
        assert found[network].detach().numpy() == pytest.approx(expected.detach().numpy(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("shape", [(3, 6, 8), (1, 7, 5)])
def test_a_pooled_convolution_is_that_of_torch(shape: tuple[int, int, int]) -> None:
    """Layer by layer by torch's own, of even sides and of odd ones, whose last row and column are pooled by themselves."""
    weights = StackedWeights((1, 2))
    values = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 4, *shape), np.float32))
    facts = dict(zip(("channels", "height", "width"), shape, strict=True))
    encode = component("network_encoders", "cnn_pooled").make(facts, WIDTH, weights)
    found = encode({"values": values})
    for network in range(2):
        expected = values[network]
        for index in range(2):
            kernel, bias = (weights.tensors[f"/convolution {index}{part}"][network] for part in ("", " bias"))
            expected = torch.nn.functional.conv2d(expected, kernel, bias, padding="same").relu()
            expected = torch.nn.MaxPool2d(2, ceil_mode=True)(expected)
        assert expected.shape[1:] == (64, -(-shape[1] // 4), -(-shape[2] // 4))
        expected = expected.flatten(1) @ weights.tensors["/last"][network] + weights.tensors["/last bias"][network]
        assert found[network].detach().numpy() == pytest.approx(expected.detach().numpy(), rel=1e-4, abs=1e-5)


def test_a_convolution_of_a_spectrogram_is_pooled_over_its_own_length() -> None:
    """Each sample alone, without padding, by torch: strides 3 and 2, then the mean and the maximum over time."""
    raw, rows = structured_raw("sequence"), np.arange(12)[None]
    fitted, batches = loaded(raw, "sequence")
    weights = StackedWeights((1,))
    found = component("network_encoders", "cnn").make(fitted.facts, WIDTH, weights)(
        {part: torch.from_numpy(values) for part, values in batches(rows).items()}
    )
    batch = batches(rows)
    for place in range(rows.shape[1]):
        values = torch.from_numpy(batch["values"][0, place, : batch["lengths"][0, place]])[None, None]
        for index, stride in enumerate((3, 2)):
            kernel, bias = (weights.tensors[f"/convolution {index}{part}"][0] for part in ("", " bias"))
            values = torch.relu(torch.nn.functional.conv2d(values, kernel, bias, stride=stride, padding=2))
        pooled = torch.stack([values[0].mean(dim=1), values[0].amax(dim=1)])
        expected = pooled.flatten() @ weights.tensors["/last"][0] + weights.tensors["/last bias"][0]
        assert found[0, place].detach().numpy() == pytest.approx(expected.detach().numpy(), rel=1e-4, abs=1e-5)


def test_the_sum_of_neighbors_has_right_derivatives() -> None:
    """First and second ones, against differences, on a graph with a loop and a node without neighbors."""
    edges = [(0, 1), (1, 0), (1, 2), (2, 1), (2, 2)]
    neighbors, offsets = torch.tensor([b for _, b in edges]), torch.tensor([0, 1, 3, 5])
    nodes = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    dense = torch.zeros(4, 4, dtype=torch.float64)
    for a, b in edges:
        dense[a, b] = 1

    def squared(values: torch.Tensor) -> torch.Tensor:
        return gin.summed_neighbors(values**2, neighbors, offsets) ** 2

    assert torch.allclose(squared(nodes), (dense @ nodes**2) ** 2)
    assert torch.autograd.gradcheck(squared, (nodes,)) and torch.autograd.gradgradcheck(squared, (nodes,))


def test_deep_sets_pool_the_points_of_each_set() -> None:
    raw, rows = structured_raw("set"), two_rows()
    fitted, batches = loaded(raw, "set")
    weights = StackedWeights((1, 2))
    encode = component("network_encoders", "deep_sets").make(fitted.facts, WIDTH, weights)
    found = encode({part: torch.from_numpy(values) for part, values in batches(rows).items()}).detach().numpy()
    points = raw.structure.columns["points"]
    limits = READERS["set"].fit(Structured(raw.values, raw.structure), raw.fit(np.arange(N), {}), np.arange(N), ReadLimits(6, 25)).arrays
    for network in range(2):
        stored = {part.removeprefix("/"): tensor[network].detach().numpy() for part, tensor in weights.tensors.items()}
        for place, row in enumerate(rows[network]):
            values = points.values[points.offsets[row] : points.offsets[row + 1]]
            values = values[np.arange(min(len(values), 6)) * len(values) // min(len(values), 6)]
            values = (values - limits["mean"]) / limits["deviation"]
            for layer in ("first", "second"):
                values = np.maximum(values @ stored[layer] + stored[f"{layer} bias"], 0)
            pooled = np.concatenate([values.mean(axis=0), values.max(axis=0), [np.log1p(len(values))]])
            assert found[network, place] == pytest.approx(pooled @ stored["last"] + stored["last bias"], rel=1e-4, abs=1e-5)


def test_a_table_has_a_linear_part_that_begins_at_zero() -> None:
    """Next to a hidden layer on compressed values: relu(asinh(x)·W + b)·V + c + x·U."""
    raw, rows = structured_raw("table"), two_rows()
    fitted, batches = loaded(raw, "table")
    weights = StackedWeights((1, 2))
    encode = component("network_encoders", "category_embeddings").make(fitted.facts, WIDTH, weights)
    assert not weights.tensors["/direct"].any()
    with torch.no_grad():
        weights.tensors["/direct"].normal_(generator=torch.Generator().manual_seed(0))
    batch = batches(rows)
    found = encode({part: torch.from_numpy(values) for part, values in batch.items()}).detach().numpy()
    for network in range(2):
        stored = {part.removeprefix("/"): tensor[network].detach().numpy() for part, tensor in weights.tensors.items()}
        codes = batch["codes"][network]
        vectors = [stored[f"category {index}"][codes[:, index]] for index in range(codes.shape[1])]
        values = np.hstack([batch["values"][network], *vectors])
        hidden = np.maximum(np.arcsinh(values) @ stored["first"] + stored["first bias"], 0)
        expected = hidden @ stored["second"] + stored["second bias"] + values @ stored["direct"]
        assert found[network] == pytest.approx(expected, rel=1e-4, abs=1e-5)
