"""Compiled training of one network: forward and backward passes, losses, AdamW and early stopping, several epochs per call.

Training one network at a time keeps its weights, moments and mini-batch in the core's cache: it is faster than batched products of many
networks, for 16 inputs and for 784 (docs/decisions/0006-mlp.md), and networks cannot affect each other. Weights are stored in one flat
float32 array, layer by layer: (in, out) row by row, then the biases (out,). Each product is one call of BLAS; the loops around it are
vectorised by the compiler.

All in one file: numba's cache does not notice changes in functions of other files.
"""

import math
from typing import Any

import numba
import numpy as np

ACTIVATIONS = {"relu": 0, "tanh": 1, "logistic": 2, "softplus": 3, "identity": 4}
LOSSES = {"classes": 0, "labels": 1, "continuous": 2}

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
_f = np.float32  # Python floats are float64 in compiled code and would promote the whole loop


@_compiled
def layer(flat: np.ndarray, start: int, n_in: int, n_out: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return views of a layer's weights (n_in, n_out) and biases (n_out,) from `start`, and the start of the next layer."""
    end = start + n_in * n_out
    return flat[start:end].reshape(n_in, n_out), flat[end : end + n_out], end + n_out


@_compiled
def exponential(values: np.ndarray) -> None:
    """Replace each of `values` (n,) by its exponential, to 2 units in the last place; inputs are clipped to [−87, 88].

    2**k · e**r with |r| ≤ ln 2 / 2 and the polynomial of Cephes' expf; unlike the C library's it is vectorised.
    """
    whole = np.empty(values.size, np.int32)
    for i in range(values.size):
        x = min(max(values[i], _f(-87.0)), _f(88.0))
        k = math.floor(x * _f(1.44269504088896341) + _f(0.5))
        r = x - k * _f(0.693359375) + k * _f(2.12194440e-4)
        p = _f(1.9875691500e-4) * r + _f(1.3981999507e-3)
        p = p * r + _f(8.3334519073e-3)
        p = p * r + _f(4.1665795894e-2)
        p = p * r + _f(1.6666665459e-1)
        p = p * r + _f(5.0000001201e-1)
        values[i] = p * r * r + r + _f(1.0)
        whole[i] = (np.int32(k) + np.int32(127)) << np.int32(23)
    power = whole.view(np.float32)
    for i in range(values.size):
        values[i] *= power[i]


@_compiled
def _tanh(x: Any) -> Any:
    """Return tanh with an error of at most 4e-7. Source: Eigen's generic_fast_tanh_float, a quotient of polynomials."""
    x = min(max(x, _f(-7.90531110763549805)), _f(7.90531110763549805))
    s = x * x
    p = _f(-2.76076847742355e-16) * s + _f(2.00018790482477e-13)
    p = p * s + _f(-8.60467152213735e-11)
    p = p * s + _f(5.12229709037114e-08)
    p = p * s + _f(1.48572235717979e-05)
    p = p * s + _f(6.37261928875436e-04)
    p = p * s + _f(4.89352455891786e-03)
    q = _f(1.19825839466702e-06) * s + _f(1.18534705686654e-04)
    q = q * s + _f(2.26843463243900e-03)
    q = q * s + _f(4.89352518554385e-03)
    return x * p / q


@_compiled
def _activate(hidden: np.ndarray, biases: np.ndarray, activation: int) -> None:
    """Add the biases to `hidden` (m, width) and apply the activation, in place."""
    m, width = hidden.shape
    if activation == 0:
        for i in range(m):
            for j in range(width):
                hidden[i, j] = max(hidden[i, j] + biases[j], _f(0.0))
    elif activation == 1:
        for i in range(m):
            for j in range(width):
                hidden[i, j] = _tanh(hidden[i, j] + biases[j])
    elif activation == 2:
        for i in range(m):
            for j in range(width):
                hidden[i, j] = _f(0.5) + _f(0.5) * _tanh(_f(0.5) * (hidden[i, j] + biases[j]))
    elif activation == 3:
        for i in range(m):
            for j in range(width):
                z = hidden[i, j] + biases[j]
                hidden[i, j] = max(z, _f(0.0)) + math.log1p(math.exp(-abs(z)))
    else:
        for i in range(m):
            for j in range(width):
                hidden[i, j] += biases[j]


@_compiled
def _damp(delta: np.ndarray, hidden: np.ndarray, activation: int, total: np.ndarray) -> None:
    """Multiply `delta` (m, width) by the activation's slope, computed from its output; write the sum over rows to `total` (width,)."""
    m, width = hidden.shape
    for j in range(width):
        total[j] = _f(0.0)
    if activation == 0:
        for i in range(m):
            for j in range(width):
                slope = _f(1.0) if hidden[i, j] > _f(0.0) else _f(0.0)
                delta[i, j] *= slope
                total[j] += delta[i, j]
    elif activation == 1:
        for i in range(m):
            for j in range(width):
                delta[i, j] *= _f(1.0) - hidden[i, j] * hidden[i, j]
                total[j] += delta[i, j]
    elif activation == 2:
        for i in range(m):
            for j in range(width):
                delta[i, j] *= hidden[i, j] * (_f(1.0) - hidden[i, j])
                total[j] += delta[i, j]
    elif activation == 3:
        for i in range(m):
            for j in range(width):
                delta[i, j] *= _f(1.0) - math.exp(-hidden[i, j])
                total[j] += delta[i, j]
    else:
        for i in range(m):
            for j in range(width):
                total[j] += delta[i, j]


@_compiled
def forward(weights: np.ndarray, activation: int, inputs: np.ndarray, hidden: np.ndarray, outputs: np.ndarray) -> None:
    """Write the hidden layers' outputs for `inputs` (m, d) to `hidden` (depth, m, width), the last layer's to `outputs` (m, n_outputs)."""
    depth, m, width = hidden.shape
    start = 0
    kernel, biases, start = layer(weights, start, inputs.shape[1], width)
    np.dot(inputs, kernel, hidden[0])
    _activate(hidden[0], biases, activation)
    for i in range(1, depth):
        kernel, biases, start = layer(weights, start, width, width)
        np.dot(hidden[i - 1], kernel, hidden[i])
        _activate(hidden[i], biases, activation)
    kernel, biases, start = layer(weights, start, width, outputs.shape[1])
    np.dot(hidden[depth - 1], kernel, outputs)
    for i in range(m):
        for j in range(outputs.shape[1]):
            outputs[i, j] += biases[j]


@_compiled
def backward(
    weights: np.ndarray, activation: int, inputs: np.ndarray, hidden: np.ndarray, delta: np.ndarray, spare: np.ndarray,
    transposed: np.ndarray, gradient: np.ndarray
) -> None:
    """Write the gradient by the weights to `gradient`, given `delta` (m, n_outputs), the loss's gradient by the outputs.

    gradient: same layout as `weights`. hidden: as written by `forward`.
    spare: float32 (2, m, width), and transposed: float32 (weights of the largest layer but the first,): buffers, overwritten.
    """
    depth, width, n_outputs = hidden.shape[0], hidden.shape[2], delta.shape[1]
    start = weights.size - (width + 1) * n_outputs
    kernel, _, _ = layer(weights, start, width, n_outputs)
    by_kernel, by_biases, _ = layer(gradient, start, width, n_outputs)
    for j in range(n_outputs):
        by_biases[j] = _f(0.0)
    for i in range(delta.shape[0]):
        for j in range(n_outputs):
            by_biases[j] += delta[i, j]
    np.dot(hidden[depth - 1].T, delta, by_kernel)
    np.dot(delta, _transposed(kernel, transposed), spare[0])
    for i in range(depth - 1, 0, -1):
        start -= (width + 1) * width
        above, below = spare[(depth - 1 - i) % 2], spare[(depth - i) % 2]
        kernel, _, _ = layer(weights, start, width, width)
        by_kernel, by_biases, _ = layer(gradient, start, width, width)
        _damp(above, hidden[i], activation, by_biases)
        np.dot(hidden[i - 1].T, above, by_kernel)
        np.dot(above, _transposed(kernel, transposed), below)
    start = 0
    by_kernel, by_biases, _ = layer(gradient, start, inputs.shape[1], width)
    last = spare[(depth - 1) % 2]
    _damp(last, hidden[0], activation, by_biases)
    np.dot(inputs.T, last, by_kernel)


@_compiled
def _transposed(kernel: np.ndarray, buffer: np.ndarray) -> np.ndarray:
    """Return the transposed kernel, contiguous, in `buffer`: BLAS multiplies small contiguous matrices faster than transposed views."""
    n_in, n_out = kernel.shape
    transposed = buffer[: n_in * n_out].reshape(n_out, n_in)
    for j in range(n_out):
        for i in range(n_in):
            transposed[j, i] = kernel[i, j]
    return transposed


@_compiled
def to_probabilities(outputs: np.ndarray, loss: int) -> float:
    """Replace outputs (m, n_outputs) by probabilities (classes, labels); continuous outputs stay. Return the sum of the log-normalisers.

    Classes: Σ over rows of ln Σ e**(output − the row's largest). Labels: Σ of ln(1 + e**−|output|). The logarithm of a product of factors
    is taken once.
    """
    m, k = outputs.shape
    total, product = 0.0, 1.0
    if loss == 0:
        for i in range(m):
            most = outputs[i, 0]
            for j in range(1, k):
                most = max(most, outputs[i, j])
            for j in range(k):
                outputs[i, j] -= most
        exponential(outputs.ravel())
        for i in range(m):
            row = _f(0.0)
            for j in range(k):
                row += outputs[i, j]
            share = _f(1.0) / row
            for j in range(k):
                outputs[i, j] *= share
            product *= float(row)
            if product > 1e200:
                total, product = total + math.log(product), 1.0
    elif loss == 1:
        for i in range(m):
            for j in range(k):
                outputs[i, j] = -outputs[i, j]
        exponential(outputs.ravel())
        for i in range(m):
            for j in range(k):
                e = outputs[i, j]
                product *= _f(1.0) + (e if e < _f(1.0) else _f(1.0) / e)
                if product > 1e200:
                    total, product = total + math.log(product), 1.0
                outputs[i, j] = _f(1.0) / (_f(1.0) + e)
    return total + math.log(product)


@_compiled
def loss_and_probabilities(outputs: np.ndarray, codes: np.ndarray, values: np.ndarray, loss: int) -> float:
    """Return the sum over rows of the loss of `outputs` (m, n_outputs); replace them by probabilities (classes, labels)."""
    m, k = outputs.shape
    total = 0.0
    if loss == 0:
        for i in range(m):
            most = outputs[i, 0]
            for j in range(1, k):
                most = max(most, outputs[i, j])
            total += most - outputs[i, codes[i]]
        return total + to_probabilities(outputs, loss)
    if loss == 1:
        for i in range(m):
            for j in range(k):
                total += max(outputs[i, j], _f(0.0)) - outputs[i, j] * values[i, j]
        return (total + to_probabilities(outputs, loss)) / k
    for i in range(m):
        row, known = 0.0, 0
        for j in range(k):
            if not math.isnan(values[i, j]):
                row += (outputs[i, j] - values[i, j]) ** 2
                known += 1
        total += row / max(known, 1)
    return total


@_compiled
def loss_gradient(outputs: np.ndarray, codes: np.ndarray, values: np.ndarray, loss: int) -> None:
    """Replace outputs (m, n_outputs) by the gradient of the mean loss over the m rows."""
    m, k = outputs.shape
    if loss == 0:
        to_probabilities(outputs, loss)
        share = _f(1.0) / _f(m)
        for i in range(m):
            outputs[i, codes[i]] -= _f(1.0)
            for j in range(k):
                outputs[i, j] *= share
    elif loss == 1:
        to_probabilities(outputs, loss)
        share = _f(1.0) / _f(m * k)
        for i in range(m):
            for j in range(k):
                outputs[i, j] = (outputs[i, j] - values[i, j]) * share
    else:
        for i in range(m):
            known = 0
            for j in range(k):
                known += not math.isnan(values[i, j])
            share = _f(2.0) / _f(m * max(known, 1))
            for j in range(k):
                outputs[i, j] = _f(0.0) if math.isnan(values[i, j]) else (outputs[i, j] - values[i, j]) * share


@_compiled
def adamw_step(
    weights: np.ndarray, gradient: np.ndarray, mean: np.ndarray, square: np.ndarray, step: int, rate: float, decay: float
) -> None:
    """Take step number `step` (from 1) of Adam with decoupled weight decay. Source: Loshchilov and Hutter, 2019, algorithm 2."""
    correction = _f(1.0 / (1.0 - 0.999**step))
    length, kept = _f(rate / (1.0 - 0.9**step)), _f(1.0 - rate * decay)
    for i in range(weights.size):
        g = gradient[i]
        mean[i] += (g - mean[i]) * _f(0.1)
        square[i] = square[i] * _f(0.999) + g * g * _f(0.001)
        weights[i] = weights[i] * kept - length * mean[i] / (math.sqrt(square[i] * correction) + _f(1e-8))


@_compiled
def train_epochs(
    inputs: np.ndarray, codes: np.ndarray, values: np.ndarray, used: np.ndarray, orders: np.ndarray,
    scored: np.ndarray, scored_codes: np.ndarray, scored_values: np.ndarray,
    weights: np.ndarray, mean: np.ndarray, square: np.ndarray, hyper: np.ndarray, counts: np.ndarray,
    best: np.ndarray, curve: np.ndarray, best_outputs: np.ndarray,
) -> bool:  # fmt: skip
    """Train one network for the epochs of `orders` or until it stops; continues where the previous call ended.

    Args:
        inputs: float32 (n, d). codes: int64 (n,) for classes; values: float32 (n, n_outputs) for other forms; the unused one is empty.
        used: bool (n,), the training rows: mini-batches skip the others.
        orders: int32 (n_epochs, n), the order of rows in each epoch.
        scored, scored_codes, scored_values: the rows whose loss is computed after each epoch, in the same forms.
        weights, mean, square: float32 (n_weights,), the network and Adam's moments; updated.
        hyper: float64 (2,), learning rate and weight decay.
        counts: int64 (9,): width, depth, activation, loss (codes as above), batch size, patience; updated: epochs done, steps done,
            best epoch.
        best: float64 (1,), the lowest loss so far; updated.
        curve: float64 (all epochs,), the scored rows' loss per epoch; updated.
        best_outputs: float32 (n_scored, n_outputs), the outputs of the scored rows in the best epoch; updated.
    Returns:
        True if the network has stopped: no lower loss for `patience` epochs.
    """
    n, d = inputs.shape
    width, depth, activation, loss, batch, patience = counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]
    n_scored, n_outputs = best_outputs.shape
    capacity = max(min(batch, n), min(256, n_scored))
    rows = np.empty(min(batch, n), np.int64)
    batch_inputs, hidden = np.empty((min(batch, n), d), np.float32), np.empty(depth * capacity * width, np.float32)
    spare, outputs = np.empty(2 * capacity * width, np.float32), np.empty((capacity, n_outputs), np.float32)
    scored_outputs, gradient = np.empty((n_scored, n_outputs), np.float32), np.empty(weights.size, np.float32)
    transposed = np.empty(width * max(width, n_outputs), np.float32)
    batch_codes, batch_values = np.empty(min(batch, n), np.int64), np.empty((min(batch, n), values.shape[1]), np.float32)
    for epoch in range(orders.shape[0]):
        for start in range(0, n, batch):
            m = 0
            for i in range(start, min(start + batch, n)):
                if used[orders[epoch, i]]:
                    rows[m] = orders[epoch, i]
                    m += 1
            if m > 0:
                X, batch_outputs = batch_inputs[:m], outputs[:m]
                layers = hidden[: depth * m * width].reshape(depth, m, width)
                _gather(inputs, rows, X)
                if loss == 0:
                    for i in range(m):
                        batch_codes[i] = codes[rows[i]]
                else:
                    _gather(values, rows, batch_values[:m])
                forward(weights, activation, X, layers, batch_outputs)
                loss_gradient(batch_outputs, batch_codes, batch_values, loss)
                backward(weights, activation, X, layers, batch_outputs, spare[: 2 * m * width].reshape(2, m, width), transposed, gradient)
            else:
                for i in range(gradient.size):
                    gradient[i] = _f(0.0)
            counts[7] += 1
            adamw_step(weights, gradient, mean, square, counts[7], hyper[0], hyper[1])
        total = 0.0
        for start in range(0, n_scored, capacity):
            end = min(start + capacity, n_scored)
            X, batch_outputs = scored[start:end], scored_outputs[start:end]
            layers = hidden[: depth * (end - start) * width].reshape(depth, end - start, width)
            forward(weights, activation, X, layers, batch_outputs)
            total += loss_and_probabilities(batch_outputs, scored_codes[start:end], scored_values[start:end], loss)
        curve[counts[6]] = total / n_scored
        counts[6] += 1
        if total / n_scored < best[0]:
            best[0], counts[8] = total / n_scored, counts[6]
            for i in range(n_scored):
                for j in range(n_outputs):
                    best_outputs[i, j] = scored_outputs[i, j]
        if counts[6] - counts[8] >= patience:
            return True
    return False


@_compiled
def _gather(source: np.ndarray, rows: np.ndarray, target: np.ndarray) -> None:
    for i in range(target.shape[0]):
        row = rows[i]
        if row >= 0:  # always true; it spares the compiler a check per value, and copying is four times as fast
            for j in range(target.shape[1]):
                target[i, j] = source[row, j]
