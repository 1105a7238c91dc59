"""Sizes of the networks on paper, classes of sequences read off the events, and states that do not see the zeros after a sequence."""

from dataclasses import replace

import numpy as np
import pytest

from stages.contracts.lesson import Measured
from stages.lessons import sequences
from stages.lessons.sequences import LESSON, NAMES, last_event, mlp, recurrent
from stages.teaching.modules import n_parameters, nearest_width, seeded_module


@pytest.mark.parametrize("units", [1, 8, 13])
def test_parameters_on_paper(units: int) -> None:
    """Each gate has weights for 2 inputs and all units, and torch's two biases; the last layer has 2 scores."""
    gate = units * (2 + units) + 2 * units
    assert n_parameters(recurrent("LSTM", units)) == 4 * gate + 2 * units + 2
    assert n_parameters(recurrent("GRU", units)) == 3 * gate + 2 * units + 2
    assert n_parameters(mlp(32, units)) == 64 * units + units + 2 * units + 2


def test_equal_sizes() -> None:
    size = 4 * (8 * 10 + 16) + 18  # of an LSTM of 8 units
    gru = nearest_width(lambda units: recurrent("GRU", units), size, range(1, 128))
    width = nearest_width(lambda units: mlp(32, units), size, range(1, 400))
    assert (gru, width) == (9, 6)  # 3·(9·11 + 18) + 20 = 371 and 67·6 + 2 = 404, next to 402; a GRU of 10 units has 442
    assert [n_parameters(recurrent("GRU", gru)), n_parameters(mlp(32, width))] == [371, 404]


def test_the_class_is_the_kind_of_the_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "NOISE", 0.0)
    values, target = last_event(np.random.default_rng(0), 500, 8, 32)
    assert set(np.unique(values[..., 0])) == {-2.0, 0.0, 2.0} and not values[..., 1].any() and not values[:, 8:].any()
    for row, code in zip(values[..., 0], target, strict=True):
        assert code == (row[row != 0][-1] > 0)
    assert (values[:, 1:8, 0] != 0).mean() == pytest.approx(0.25, abs=0.03) and target.mean() == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_zeros_after_a_sequence_change_nothing(kind: str) -> None:
    import torch

    values, _ = last_event(np.random.default_rng(1), 6, 8, 32)
    module = seeded_module(lambda: recurrent(kind, 5), 0)
    longer = values.copy()
    longer[0, :20] = 0.5  # another sequence of the batch is longer
    with torch.no_grad():
        known = module(torch.from_numpy(values[:, :8])).numpy()
        assert module(torch.from_numpy(values)).numpy() == pytest.approx(known, abs=1e-14)
        assert module(torch.from_numpy(longer)).numpy()[1:] == pytest.approx(known[1:], abs=1e-14)


def test_a_gru_by_hand() -> None:
    """One unit, by the formula of the lesson: h_t = (1 − z_t)·n_t + z_t·h_{t−1}; torch names the gates r, z, n."""
    import torch

    module = seeded_module(lambda: recurrent("GRU", 1), 3)
    w, u, b, c = (getattr(module.cells, name).detach().numpy() for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"))
    rows, h = np.array([[1.0, -0.5], [0.3, 2.0], [-1.0, 0.1]]), 0.0
    for x in rows:
        r, z = (1 / (1 + np.exp(-(w[k] @ x + b[k] + u[k, 0] * h + c[k]))) for k in (0, 1))
        h = (1 - z) * np.tanh(w[2] @ x + b[2] + r * (u[2, 0] * h + c[2])) + z * h
    with torch.no_grad():
        found = module(torch.from_numpy(rows[None])).numpy()[0]
    assert found == pytest.approx((module.last.weight[:, 0] * h + module.last.bias).detach().numpy(), rel=1e-12)


def test_who_loses_most_is_measured_by_the_fall_and_not_by_the_end() -> None:
    ends = {"lstm": (0.99, 0.70), "gru": (0.65, 0.60), "mlp": (0.9, 0.8)}
    numbers = {f"{name}_{times}": Measured("", [pair[place]] * 2) for name, pair in ends.items() for place, times in enumerate((1, 4))}
    assert "the LSTM loses most" in LESSON.sentences(numbers)[1] and NAMES[0] == "LSTM"
    numbers["mlp_4"] = replace(numbers["mlp_4"], values=[0.1, 0.1])
    assert "the MLP loses most" in LESSON.sentences(numbers)[1]
