"""Compiled training of one network: forward and backward passes, losses, AdamW and early stopping, several epochs per call.

Training one network at a time keeps its weights, moments and mini-batch in the core's cache: it is faster than batched products of many
networks, for 16 inputs and for 784 (docs/decisions/0006-mlp.md), and networks cannot affect each other. Weights are stored in one flat
float32 array, layer by layer: (in, out) row by row, then the biases (out,). Each product is one call of BLAS; the loops around it are
vectorised by the compiler.

Inputs are dense columns followed by sparse ones. A sparse column that no row of a batch has gets a gradient of 0, of which AdamW makes a
step that depends on nothing but its moments: such steps are not taken one by one but made up for together, when the column is next read
(`_make_up`, docs/decisions/0098-fair-mlp.md).

All in one file: numba's cache does not notice changes in functions of other files.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np

ACTIVATIONS = {"relu": 0, "tanh": 1, "logistic": 2, "softplus": 3, "identity": 4}
LOSSES = {("log", "classes"): 0, ("log", "labels"): 1, ("squared", "continuous"): 2, ("hinge", "classes"): 3,
          ("hinge_max", "classes"): 4, ("hinge", "labels"): 5, ("hinge_max", "labels"): 5}  # fmt: skip
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # AdamW's, as stages/optimizers/adamw.py has them by default

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
_f = np.float32  # Python floats are float64 in compiled code and would promote the whole loop


class Inputs(NamedTuple):
    """Rows of inputs: float32 (n, d) dense columns, and the sparse ones as CSR: int32 (n + 1,), int32 (nnz,), float32 (nnz,)."""

    dense: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray


class Targets(NamedTuple):
    """The rows' targets: int64 (n,) codes of classes; float32 (n, n_outputs) of other forms; the unused one has no row."""

    codes: np.ndarray
    values: np.ndarray


class AdamState(NamedTuple):
    """A network and Adam's moments, float32 (n_weights,) each; updated."""

    weights: np.ndarray
    mean: np.ndarray
    square: np.ndarray


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
def layer_starts(sizes: np.ndarray) -> np.ndarray:
    """Return where each layer's weights start in the flat array: int64 (depth + 2,), the last is the number of weights."""
    starts = np.zeros(sizes.size, np.int64)
    for i in range(sizes.size - 1):
        starts[i + 1] = starts[i] + (sizes[i] + 1) * sizes[i + 1]
    return starts


@_compiled
def hidden_layer(hidden: np.ndarray, m: int, sizes: np.ndarray, i: int) -> np.ndarray:
    """Return the part of the buffer that holds the outputs of hidden layer i, 1 and up, for m rows: (m, width)."""
    start = 0
    for k in range(1, i):
        start += m * sizes[k]
    return hidden[start : start + m * sizes[i]].reshape(m, sizes[i])


@_compiled
def forward(
    weights: np.ndarray, sizes: np.ndarray, activation: int, inputs: Inputs, rows: np.ndarray, hidden: np.ndarray, outputs: np.ndarray
) -> None:
    """Write the hidden layers' outputs to `hidden`, layer by layer, and the last layer's to `outputs` (m, n_outputs).

    sizes: int64 (depth + 2,), numbers of inputs, of units of each hidden layer, and of outputs. inputs: the dense columns of the m rows,
    and the sparse ones of all. rows: int64 (m,), the rows' places among all.
    """
    m, d = inputs.dense.shape
    starts, depth = layer_starts(sizes), sizes.size - 2
    kernel, biases, _ = layer(weights, 0, sizes[0], sizes[1])
    below = hidden_layer(hidden, m, sizes, 1)
    if d > 0:
        np.dot(inputs.dense, kernel[:d], below)
    else:
        below[:] = _f(0.0)
    if sizes[0] > d:
        _add_sparse(inputs, rows, kernel[d:], below)
    _activate(below, biases, activation)
    for i in range(1, depth):
        kernel, biases, _ = layer(weights, starts[i], sizes[i], sizes[i + 1])
        above = hidden_layer(hidden, m, sizes, i + 1)
        np.dot(below, kernel, above)
        _activate(above, biases, activation)
        below = above
    kernel, biases, _ = layer(weights, starts[depth], sizes[depth], sizes[depth + 1])
    np.dot(below, kernel, outputs)
    for i in range(m):
        for j in range(outputs.shape[1]):
            outputs[i, j] += biases[j]


@_compiled
def _add_sparse(inputs: Inputs, rows: np.ndarray, kernel: np.ndarray, hidden: np.ndarray) -> None:
    """Add the products of the rows' sparse columns and their weights (d, width) to `hidden` (m, width)."""
    for i in range(rows.size):
        row = rows[i]
        for k in range(inputs.indptr[row], inputs.indptr[row + 1]):
            column, value = inputs.indices[k], inputs.values[k]
            if column >= 0:  # always true, as in _gather
                for j in range(hidden.shape[1]):
                    hidden[i, j] += value * kernel[column, j]


@_compiled
def backward(
    weights: np.ndarray, sizes: np.ndarray, activation: int, inputs: Inputs, rows: np.ndarray, hidden: np.ndarray, delta: np.ndarray,
    spare: np.ndarray, transposed: np.ndarray, gradient: np.ndarray
) -> None:  # fmt: skip
    """Write the gradient by the weights to `gradient`, given `delta` (m, n_outputs), the loss's gradient by the outputs.

    Of the first layer's weights of sparse columns, what the rows add is added to what is there.

    gradient: same layout as `weights`. inputs, rows, hidden: as `forward` had and wrote them.
    spare: float32 (2, m · widest layer), and transposed: float32 (weights of the largest layer but the first,): buffers, overwritten.
    """
    m, d = inputs.dense.shape
    starts, above = layer_starts(sizes), delta
    for i in range(sizes.size - 2, -1, -1):
        kernel, _, _ = layer(weights, starts[i], sizes[i], sizes[i + 1])
        by_kernel, by_biases, _ = layer(gradient, starts[i], sizes[i], sizes[i + 1])
        if i == sizes.size - 2:
            _damp(above, above, 4, by_biases)
        else:
            _damp(above, hidden_layer(hidden, m, sizes, i + 1), activation, by_biases)
        if i > 0:
            below = spare[i % 2, : m * sizes[i]].reshape(m, sizes[i])
            np.dot(hidden_layer(hidden, m, sizes, i).T, above, by_kernel)
            np.dot(above, _transposed(kernel, transposed), below)
            above = below
        else:
            if d > 0:
                np.dot(inputs.dense.T, above, by_kernel[:d])
            if sizes[0] > d:
                _add_products(inputs, rows, above, by_kernel[d:])


@_compiled
def _add_products(inputs: Inputs, rows: np.ndarray, delta: np.ndarray, gradient: np.ndarray) -> None:
    """Add the products of the rows' sparse columns and `delta` (m, width) to `gradient` (d, width)."""
    for i in range(rows.size):
        row = rows[i]
        for k in range(inputs.indptr[row], inputs.indptr[row + 1]):
            column, value = inputs.indices[k], inputs.values[k]
            if column >= 0:
                for j in range(delta.shape[1]):
                    gradient[column, j] += value * delta[i, j]


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
def loss_and_probabilities(outputs: np.ndarray, codes: np.ndarray, values: np.ndarray, loss: int, margin: float) -> float:
    """Return the sum over rows of the loss of `outputs` (m, n_outputs); replace them by probabilities (classes, labels).

    Those of a hinge are the ones that the log loss would have: in the order of the outputs, but not fitted as probabilities.
    """
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
    if loss == 2:
        for i in range(m):
            row, known = 0.0, 0
            for j in range(k):
                if not math.isnan(values[i, j]):
                    row += (outputs[i, j] - values[i, j]) ** 2
                    known += 1
            total += row / max(known, 1)
        return total
    if loss == 5:
        for i in range(m):
            for j in range(k):
                total += max(0.0, margin - (2.0 * values[i, j] - 1.0) * outputs[i, j])
        to_probabilities(outputs, 1)
        return total / k
    for i in range(m):
        most = 0.0
        for j in range(k):
            gap = outputs[i, j] - outputs[i, codes[i]] + margin
            if j != codes[i] and gap > 0.0:
                most = max(most, gap) if loss == 4 else most + gap
        total += most
    to_probabilities(outputs, 0)
    return total


@_compiled
def loss_gradient(outputs: np.ndarray, codes: np.ndarray, values: np.ndarray, loss: int, margin: float) -> None:
    """Replace outputs (m, n_outputs) by the gradient of the mean loss over the m rows; at a hinge's kink it is 0."""
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
    elif loss == 2:
        for i in range(m):
            known = 0
            for j in range(k):
                known += not math.isnan(values[i, j])
            share = _f(2.0) / _f(m * max(known, 1))
            for j in range(k):
                outputs[i, j] = _f(0.0) if math.isnan(values[i, j]) else (outputs[i, j] - values[i, j]) * share
    elif loss == 5:
        share = _f(1.0) / _f(m * k)
        for i in range(m):
            for j in range(k):
                side = _f(2.0) * values[i, j] - _f(1.0)
                outputs[i, j] = -side * share if _f(margin) - side * outputs[i, j] > _f(0.0) else _f(0.0)
    else:
        _hinge_gradient(outputs, codes, of_maximum=loss == 4, margin=_f(margin))


@_compiled
def _hinge_gradient(outputs: np.ndarray, codes: np.ndarray, of_maximum: bool, margin: float) -> None:
    """Replace outputs by the gradient of a hinge: of each wrong class above the right one's output less the margin, or of the highest."""
    m, k = outputs.shape
    share = _f(1.0) / _f(m)
    for i in range(m):
        right, highest = codes[i], -1
        least = outputs[i, right] - margin
        for j in range(k):
            if j != right and (highest < 0 or outputs[i, j] > outputs[i, highest]):
                highest = j
        n_above = 0
        for j in range(k):
            above = j != right and outputs[i, j] > least and (j == highest or not of_maximum)
            n_above += above
            outputs[i, j] = share if above else _f(0.0)
        outputs[i, right] = -share * _f(n_above)


@_compiled
def adamw_step(
    weights: np.ndarray, gradient: np.ndarray, mean: np.ndarray, square: np.ndarray, step: int, rate: float, decay: float
) -> None:
    """Take step number `step` (from 1) of Adam with decoupled weight decay. Source: Loshchilov and Hutter, 2019, algorithm 2."""
    correction = _f(1.0 / (1.0 - BETA2**step))
    length, kept = _f(rate / (1.0 - BETA1**step)), _f(1.0 - rate * decay)
    for i in range(weights.size):
        g = gradient[i]
        mean[i] += (g - mean[i]) * _f(1.0 - BETA1)
        square[i] = square[i] * _f(BETA2) + g * g * _f(1.0 - BETA2)
        weights[i] = weights[i] * kept - length * mean[i] / (math.sqrt(square[i] * correction) + _f(EPS))


@_compiled
def _note_step(moved: np.ndarray, kept: np.ndarray, n_before: int, step: int, rate: float, decay: float) -> None:
    """Add a step to what columns have missed that had their last one after 0, 1, … n_before steps of the epoch.

    Of a weight w with the moments m, v after its last step, the steps that are missed make kept · w − moved · m / √v.
    """
    length, still = rate / (1.0 - BETA1**step) * math.sqrt(1.0 - BETA2**step), 1.0 - rate * decay
    ratio, power = BETA1 / math.sqrt(BETA2), 1.0
    for n in range(n_before, -1, -1):
        power *= ratio
        moved[n] = moved[n] * still + length * power
        kept[n] *= still


@_compiled
def _make_up(state: AdamState, start: int, end: int, missed: int, moved: float, kept: float, step: int) -> None:
    """Take the steps that the weights from `start` to `end` have missed, `missed` steps up to number `step`, all of gradient 0.

    The same as one by one, but for ε, which stands next to √v as it does at the first of these steps, the longest one.
    """
    eps = _f(EPS * math.sqrt(1.0 - BETA2 ** (step - missed + 1)))
    by_mean, by_square, still, length = _f(BETA1**missed), _f(BETA2**missed), _f(kept), _f(moved)
    weights, mean, square = state.weights[start:end], state.mean[start:end], state.square[start:end]
    for i in range(weights.size):
        weights[i] = weights[i] * still - length * mean[i] / (math.sqrt(square[i]) + eps)
        mean[i] *= by_mean
        square[i] *= by_square


@_compiled
def train_epochs(
    inputs: Inputs, targets: Targets, used: np.ndarray, orders: np.ndarray, scored: Inputs, scored_targets: Targets,
    scored_rows: np.ndarray, state: AdamState, sizes: np.ndarray, rates: np.ndarray, hyper: np.ndarray, counts: np.ndarray,
    best: np.ndarray, curve: np.ndarray, best_outputs: np.ndarray,
) -> bool:  # fmt: skip
    """Train one network for the epochs of `orders` or until it stops; continues where the previous call ended.

    Args:
        inputs, targets: of n rows. used: bool (n,), the training rows: mini-batches skip the others.
        orders: int32 (n_epochs, n), the order of rows in each epoch.
        scored, scored_targets: the rows whose loss is computed after each epoch; the sparse columns are those of all rows, in which
            scored_rows, int64, are their places.
        sizes: int64 (depth + 2,), numbers of inputs, of units of each hidden layer, and of outputs.
        rates: float64 (all steps,), learning rates. hyper: float64 (2,), weight decay and the hinges' margin.
        counts: int64 (7,): activation, loss (codes as above), batch size, patience; updated: epochs done, steps done, best epoch.
        best: float64 (1,), the lowest loss so far; updated.
        curve: float64 (all epochs,), the scored rows' loss per epoch; updated.
        best_outputs: float32 (n_scored, n_outputs), the outputs of the scored rows in the best epoch; updated.
    Returns:
        True if the network has stopped: no lower loss for `patience` epochs.
    """
    n, d = inputs.dense.shape
    activation, loss, batch, patience = counts[0], counts[1], counts[2], counts[3]
    decay, margin = hyper[0], hyper[1]
    weights, mean, square = state.weights, state.mean, state.square
    n_scored, n_outputs = best_outputs.shape
    size, n_steps = min(batch, n), -(-n // batch)
    capacity, width = max(size, min(256, n_scored)), sizes[1:-1].max()
    rows, batch_inputs = np.empty(size, np.int64), np.empty((size, d), np.float32)
    hidden, spare = np.empty(capacity * sizes[1:-1].sum(), np.float32), np.empty((2, capacity * width), np.float32)
    outputs, scored_outputs = np.empty((capacity, n_outputs), np.float32), np.empty((n_scored, n_outputs), np.float32)
    gradient, transposed = np.zeros(weights.size, np.float32), np.empty(max(1, (sizes[1:-1] * sizes[2:]).max()), np.float32)
    batch_codes, batch_values = np.empty(size, np.int64), np.empty((size, targets.values.shape[1]), np.float32)
    first, after = d * sizes[1], sizes[0] * sizes[1]  # between them, the weights of sparse columns
    last, touched = np.zeros(sizes[0] - d, np.int64), np.empty(sizes[0] - d, np.int64)  # their last steps in this epoch
    moved, kept = np.zeros(n_steps + 1), np.ones(n_steps + 1)
    if counts[5] + orders.shape[0] * n_steps > rates.size:
        raise ValueError("fewer learning rates than steps")
    for epoch in range(orders.shape[0]):
        for in_epoch in range(n_steps):
            m = 0
            for i in range(in_epoch * batch, min((in_epoch + 1) * batch, n)):
                if used[orders[epoch, i]]:
                    rows[m] = orders[epoch, i]
                    m += 1
            n_touched = 0
            if sizes[0] > d:
                n_touched = _touch(inputs, rows[:m], state, (first, sizes[1]), gradient, last, touched, moved, kept, in_epoch, counts[5])
            if m > 0:
                X, batch_outputs = Inputs(batch_inputs[:m], inputs.indptr, inputs.indices, inputs.values), outputs[:m]
                _gather(inputs.dense, rows, X.dense)
                if targets.codes.size > 0:
                    for i in range(m):
                        batch_codes[i] = targets.codes[rows[i]]
                else:
                    _gather(targets.values, rows, batch_values[:m])
                forward(weights, sizes, activation, X, rows[:m], hidden, batch_outputs)
                loss_gradient(batch_outputs, batch_codes, batch_values, loss, margin)
                backward(weights, sizes, activation, X, rows[:m], hidden, batch_outputs, spare, transposed, gradient)
            else:
                for i in range(first):
                    gradient[i] = _f(0.0)
                for i in range(after, gradient.size):
                    gradient[i] = _f(0.0)
            rate = rates[counts[5]]
            counts[5] += 1
            if sizes[0] > d:
                adamw_step(weights[:first], gradient[:first], mean[:first], square[:first], counts[5], rate, decay)
                adamw_step(weights[after:], gradient[after:], mean[after:], square[after:], counts[5], rate, decay)
                for i in range(n_touched):
                    start = first + touched[i] * sizes[1]
                    end = start + sizes[1]
                    adamw_step(weights[start:end], gradient[start:end], mean[start:end], square[start:end], counts[5], rate, decay)
                _note_step(moved, kept, in_epoch, counts[5], rate, decay)
            else:
                adamw_step(weights, gradient, mean, square, counts[5], rate, decay)
        for column in range(sizes[0] - d):
            if last[column] < n_steps:
                start = first + column * sizes[1]
                _make_up(state, start, start + sizes[1], n_steps - last[column], moved[last[column]], kept[last[column]], counts[5])
            last[column] = 0
        moved[:], kept[:] = 0.0, 1.0
        total = 0.0
        for start in range(0, n_scored, capacity):
            end = min(start + capacity, n_scored)
            X, batch_outputs = Inputs(scored.dense[start:end], inputs.indptr, inputs.indices, inputs.values), scored_outputs[start:end]
            forward(weights, sizes, activation, X, scored_rows[start:end], hidden, batch_outputs)
            total += loss_and_probabilities(batch_outputs, scored_targets.codes[start:end], scored_targets.values[start:end], loss, margin)
        curve[counts[4]] = total / n_scored
        counts[4] += 1
        if total / n_scored < best[0]:
            best[0], counts[6] = total / n_scored, counts[4]
            for i in range(n_scored):
                for j in range(n_outputs):
                    best_outputs[i, j] = scored_outputs[i, j]
        if counts[4] - counts[6] >= patience:
            return True
    return False


@_compiled
def _touch(
    inputs: Inputs, rows: np.ndarray, state: AdamState, place: tuple[int, int], gradient: np.ndarray, last: np.ndarray, touched: np.ndarray,
    moved: np.ndarray, kept: np.ndarray, in_epoch: int, step: int,
) -> int:  # fmt: skip
    """Bring the weights of the rows' sparse columns up to step number `step`, set their gradients to 0, note that they take the next one.

    place: where the weights of sparse columns start, and how many a column has. Return the number of these columns, written to `touched`.
    """
    first, width = place
    n = 0
    for i in range(rows.size):
        row = rows[i]
        for k in range(inputs.indptr[row], inputs.indptr[row + 1]):
            column = inputs.indices[k]
            before = last[column]
            if before == in_epoch + 1:
                continue
            start = first + column * width
            if before < in_epoch:
                _make_up(state, start, start + width, in_epoch - before, moved[before], kept[before], step)
            for j in range(start, start + width):
                gradient[j] = _f(0.0)
            last[column], touched[n] = in_epoch + 1, column
            n += 1
    return n


@_compiled
def _gather(source: np.ndarray, rows: np.ndarray, target: np.ndarray) -> None:
    for i in range(target.shape[0]):
        row = rows[i]
        if row >= 0:  # always true; it spares the compiler a check per value, and copying is four times as fast
            for j in range(target.shape[1]):
                target[i, j] = source[row, j]
