"""Sequential minimal optimisation of support vector machines, compiled.

The problem, with one signed coefficient per row (β = yα for classes, α − α* for regression), is
    maximise  yᵀβ − ½ βᵀKβ − tube Σ|β|   subject to  Σβ = 0,  lower ≤ β ≤ upper.
As Σβ = 0, K may be replaced by −½M, where M(a, b) = |φ(a) − φ(b)|²: for a linear kernel the squared distances of the rows, for an RBF
kernel 2 − 2 exp(−γ d²). M has a zero diagonal and needs no inner products; float32 represents it more precisely than K = 1 − M/2.

Pairs are selected by the second-order rule. Shrinking removes rows that stay at a bound, by copying the remaining ones (Fan, Chen, Lin:
Working set selection using second order information for training support vector machines, JMLR 6, 2005; libsvm). Differs: all free rows
(strictly between their bounds) are also moved together by an exact Newton step, whenever it is cheap compared with the pair steps since
the last one, because pairs alone need many steps at a large C. Each C starts from the solution of the previous C, scaled by the best
factor. One thread and a fixed order: the same input gives the same bytes.
"""

import numba
import numpy as np

# The search ends when the largest violation of the optimality conditions is below TOLERANCE; decision values are then about as exact.
# libsvm's default is 1e-3; Newton steps usually make a tenth of it cheap. After _LONG + _LONG_PER_ROW · n steps the tolerance becomes
# libsvm's, and it doubles after each further as many: many rows in few dimensions at a large C would take millions of steps (as in
# libsvm) for differences below rounding.
TOLERANCE, _LOOSE = 1e-4, 1e-3
_LONG, _LONG_PER_ROW = 50_000, 20
_SAME = 1e-12  # squared distance of equal rows, as in libsvm
_DEPENDENT = 1e-6  # least share of a variable's curvature that is independent of the previous ones; M is float32
_SHRINK_FROM, _SHRINK_TO = 200, 0.7  # fewest rows to shrink, and the largest share of them that may remain
_STEPS, _ROUNDS = 10_000_000, 20  # most pair steps per search, most searches per problem
_OPTIMAL, _SHRINKS, _EXHAUSTED = 0, 1, 2
_ALL_BITS, _LEAST = np.int64(0x7FFFFFFFFFFFFFFF), np.int64(-0x7FFFFFFFFFFFFFFF)


@numba.njit(cache=True, nogil=True)
def _rise(g, b, upper, tube):  # type: ignore[no-untyped-def]
    """Return the objective's slope for an increase of b; −∞ at the upper bound."""
    if b >= upper:
        return -np.inf
    return g + tube if b < 0.0 else g - tube


@numba.njit(cache=True, nogil=True)
def _fall(g, b, lower, tube):  # type: ignore[no-untyped-def]
    """Return the negative of the objective's slope for a decrease of b; ∞ at the lower bound."""
    if b <= lower:
        return np.inf
    return g - tube if b > 0.0 else g + tube


@numba.njit(cache=True, nogil=True)
def _top_end(b, upper, tube):  # type: ignore[no-untyped-def]
    """Return the value up to which b may rise before its slope changes."""
    return 0.0 if b < 0.0 and tube > 0.0 else upper


@numba.njit(cache=True, nogil=True)
def _low_end(b, lower, tube):  # type: ignore[no-untyped-def]
    return 0.0 if b > 0.0 and tube > 0.0 else lower


@numba.njit(cache=True, nogil=True)
def _is_free(b, lower, upper, tube):  # type: ignore[no-untyped-def]
    return lower < b < upper and not (tube > 0.0 and b == 0.0)


@numba.njit(cache=True, nogil=True)
def _ordered(value):  # type: ignore[no-untyped-def]
    """Map a float64 to an int64 of the same order: integer maxima need no branches, and the low bits can hold a row number."""
    bits = np.float64(value).view(np.int64)
    return bits ^ ((bits >> 63) & _ALL_BITS)


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _factorise(H):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of H by its Cholesky factor with inverted diagonal; linearly dependent variables become 0."""
    for a in range(len(H)):
        row = H[a]
        own = row[a]
        for b in range(a):
            other = H[b]
            total = 0.0
            for c in range(b):
                total += row[c] * other[c]
            row[b] = (row[b] - total) * other[b]
        total = 0.0
        for c in range(a):
            total += row[c] * row[c]
        if own - total > _DEPENDENT * own + _SAME:
            row[a] = 1.0 / np.sqrt(own - total)
        else:
            for c in range(a + 1):
                row[c] = 0.0


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _substitute(H, x):  # type: ignore[no-untyped-def]
    """Replace the first len(H) of x by the solution of the factorised system."""
    for a in range(len(H)):
        row = H[a]
        total = 0.0
        for c in range(a):
            total += row[c] * x[c]
        x[a] = (x[a] - total) * row[a]
    for a in range(len(H) - 1, -1, -1):
        row = H[a]
        x[a] *= row[a]
        for c in range(a):
            x[c] -= row[c] * x[a]


@numba.njit(cache=True, nogil=True)
def _newton(M, g, lower, upper, tube, beta, n_free):  # type: ignore[no-untyped-def]
    """Move all free rows to their joint optimum, or as far towards it as the bounds allow; update beta and g."""
    free = np.empty(n_free, np.int64)
    slope = np.empty(n_free)
    f = 0
    for k in range(len(g)):
        if _is_free(beta[k], lower[k], upper[k], tube):
            free[f] = k
            slope[f] = g[k] - (tube if beta[k] > 0.0 else -tube)
            f += 1
    f -= 1  # the last free row balances the others: Σβ = 0
    last = M[free[f]]
    H = np.empty((f, f))
    for a in range(f):
        row = M[free[a]]
        own = np.float64(last[free[a]])
        for b in range(a + 1):
            H[a, b] = 0.5 * (own + np.float64(last[free[b]]) - np.float64(row[free[b]]))
    _factorise(H)
    move = np.empty(n_free)
    for a in range(f):
        move[a] = slope[a] - slope[f]
    _substitute(H, move)
    move[f] = 0.0
    for a in range(f):
        move[f] -= move[a]
    room, first = np.inf, -1
    change = np.zeros(len(g))
    for a in range(n_free):
        d, b = move[a], beta[free[a]]
        if d == 0.0:
            continue
        end = _top_end(b, upper[free[a]], tube) if d > 0.0 else _low_end(b, lower[free[a]], tube)
        if (end - b) / d < room:
            room, first = (end - b) / d, a
        row = M[free[a]]
        for k in range(len(g)):
            change[k] += 0.5 * d * np.float64(row[k])
    gain, curvature = 0.0, 0.0
    for a in range(n_free):
        gain += move[a] * slope[a]
        curvature -= move[a] * change[free[a]]
    if not (gain > 0.0 and room > 0.0):
        return
    step = room
    if curvature > 0.0 and gain / curvature < room:
        step, first = gain / curvature, -1
    for a in range(n_free):
        k, d = free[a], move[a]
        if a != first:
            beta[k] += step * d
        else:
            beta[k] = _top_end(beta[k], upper[k], tube) if d > 0.0 else _low_end(beta[k], lower[k], tube)
    for k in range(len(g)):
        g[k] += step * change[k]


@numba.njit(cache=True, nogil=True)
def _slopes(rise, fall, beta, upper, tube, g):  # type: ignore[no-untyped-def]
    """Write y − Kβ to g, from the slopes for an increase and a decrease; at least one of them is finite."""
    for k in range(len(g)):
        if beta[k] < upper[k]:
            g[k] = rise[k] - tube if beta[k] < 0.0 else rise[k] + tube
        else:
            g[k] = fall[k] + tube if beta[k] > 0.0 else fall[k] - tube


@numba.njit(cache=True, nogil=True)
def _may_move(rise, fall, top, bottom):  # type: ignore[no-untyped-def]
    """Return whether a row could be part of a violating pair; `top` is the largest rise, `bottom` the smallest fall."""
    return not ((rise == -np.inf and fall > top) or (fall == np.inf and rise < bottom))


@numba.njit(cache=True, nogil=True)
def _search(M, g, lower, upper, tube, tolerance, beta, done):  # type: ignore[no-untyped-def]
    """Improve beta and g pair by pair.

    Args:
        done: number of steps that this problem has already taken.
    Returns:
        (state, number of steps including `done`). _OPTIMAL: no pair violates the conditions by `tolerance`. _SHRINKS: enough rows stay at
        their bounds that removing them pays. _EXHAUSTED: the limit of steps is reached.
    """
    n = len(g)
    bits = 1
    while (1 << bits) < n:
        bits += 1
    low_bits = np.int64((1 << bits) - 1)
    high_bits = ~low_bits
    rise, fall = np.empty(n), np.empty(n)
    stale = True
    n_steps, since, newton_at, shrink_at = 0, 0, n // 2 + 50, n + 100
    best, state = _LEAST, _EXHAUSTED
    patience = _LONG + _LONG_PER_ROW * n
    looser_at, allowed = patience, tolerance
    while n_steps < _STEPS:
        while done + n_steps >= looser_at:
            looser_at, allowed = looser_at + patience, max(_LOOSE, 2.0 * allowed)
        if n_steps >= newton_at:
            n_free = np.int64(0)
            for k in range(n):
                if _is_free(beta[k], lower[k], upper[k], tube):
                    n_free += 1
            cost = (0.04 * n_free**3 + n_free**2 + 0.35 * n_free * n) / (0.8 * n + 50)  # in steps, measured
            if n_free > 2 and cost <= n_steps - since:
                _slopes(rise, fall, beta, upper, tube, g)
                _newton(M, g, lower, upper, tube, beta, n_free)
                since, stale = n_steps, True
            newton_at = n_steps + 10
        if stale:
            best, stale = _LEAST, False
            for k in range(n):
                rise[k] = _rise(g[k], beta[k], upper[k], tube)
                fall[k] = _fall(g[k], beta[k], lower[k], tube)
                best = max(best, (_ordered(rise[k]) & high_bits) | (low_bits - k))
        i = low_bits - (best & low_bits)
        top = rise[i]
        from_i = M[i]
        widest = gain = np.int64(0)
        for k in range(n):
            width = max(top - fall[k], 0.0)
            widest = max(widest, np.float64(width).view(np.int64))
            value = width * width / max(np.float64(from_i[k]), _SAME)
            gain = max(gain, (np.float64(value).view(np.int64) & high_bits) | (low_bits - k))
        violation = np.int64(widest).view(np.float64)
        if violation < allowed:
            state = _OPTIMAL
            break
        if n_steps >= shrink_at:
            n_active = 0
            for k in range(n):
                if _may_move(rise[k], fall[k], top, top - violation):
                    n_active += 1
            if n >= _SHRINK_FROM and n_active <= _SHRINK_TO * n:
                state = _SHRINKS
                break
            shrink_at = n_steps + n
        j = low_bits - (gain & low_bits)
        from_j = M[j]
        old_i, old_j = beta[i], beta[j]
        end_i, end_j = _top_end(old_i, upper[i], tube), _low_end(old_j, lower[j], tube)
        step = min((top - fall[j]) / max(np.float64(from_i[j]), _SAME), end_i - old_i, old_j - end_j)
        g_i = top - tube if old_i < 0.0 else top + tube
        g_j = fall[j] + tube if old_j > 0.0 else fall[j] - tube
        beta[i] = end_i if step == end_i - old_i else old_i + step
        beta[j] = end_j if step == old_j - end_j else old_j - step
        rise[i], fall[i] = _rise(g_i, beta[i], upper[i], tube), _fall(g_i, beta[i], lower[i], tube)
        rise[j], fall[j] = _rise(g_j, beta[j], upper[j], tube), _fall(g_j, beta[j], lower[j], tube)
        half = 0.5 * step
        best = _LEAST
        for k in range(n):  # i and j among them
            change = half * (np.float64(from_i[k]) - np.float64(from_j[k]))
            value = rise[k] + change
            rise[k] = value
            fall[k] += change
            best = max(best, (_ordered(value) & high_bits) | (low_bits - k))
        n_steps += 1
    _slopes(rise, fall, beta, upper, tube, g)
    return state, done + n_steps


@numba.njit(cache=True, nogil=True)
def taken(values, places):  # type: ignore[no-untyped-def]
    """Return values[places], contiguous; loops compile in a tenth of the time of numpy's indexing."""
    found = np.empty(len(places), values.dtype)
    for a in range(len(places)):
        found[a] = values[places[a]]
    return found


@numba.njit(cache=True, nogil=True)
def _active(g, lower, upper, tube, beta):  # type: ignore[no-untyped-def]
    """Return the rows that could be part of a violating pair: int64, sorted."""
    n = len(g)
    top, bottom = -np.inf, np.inf
    for k in range(n):
        top, bottom = max(top, _rise(g[k], beta[k], upper[k], tube)), min(bottom, _fall(g[k], beta[k], lower[k], tube))
    kept = np.empty(n, np.int64)
    n_kept = 0
    for k in range(n):
        if _may_move(_rise(g[k], beta[k], upper[k], tube), _fall(g[k], beta[k], lower[k], tube), top, bottom):
            kept[n_kept] = k
            n_kept += 1
    return taken(kept, np.arange(n_kept))


@numba.njit(cache=True, nogil=True)
def gather(M, rows, columns, target):  # type: ignore[no-untyped-def]
    """Write M[rows][:, columns] to `target`, in its precision; several times as fast as numpy's indexing by two arrays."""
    for a in range(len(rows)):
        source, into = M[rows[a]], target[a]
        for b in range(len(columns)):
            into[b] = source[columns[b]]


@numba.njit(cache=True, nogil=True)
def square(M, rows):  # type: ignore[no-untyped-def]
    """Return M[rows][:, rows]: float32 (n_rows, n_rows), contiguous."""
    found = np.empty((len(rows), len(rows)), np.float32)
    gather(M, rows, rows, found)
    return found


@numba.njit(cache=True, nogil=True)
def _gradient(M, y, beta, g):  # type: ignore[no-untyped-def]
    """Write y − Kβ to g."""
    for k in range(len(g)):
        g[k] = y[k]
    for j in range(len(beta)):
        if beta[j] != 0.0:
            half, row = 0.5 * beta[j], M[j]
            for k in range(len(g)):
                g[k] += half * np.float64(row[k])


@numba.njit(cache=True, nogil=True)
def _solve(M, y, g, lower, upper, tube, tolerance, beta):  # type: ignore[no-untyped-def]
    """Improve beta until it is optimal; g holds y − Kβ before and after."""
    n = len(g)
    active_M, rows, active_g, active_beta, active_lower, active_upper = M, np.arange(n), g, beta, lower, upper
    n_rounds, done = 0, 0
    while n_rounds < _ROUNDS:
        state, done = _search(active_M, active_g, active_lower, active_upper, tube, tolerance, active_beta, done)
        for k in range(len(rows)):
            beta[rows[k]] = active_beta[k]
        if state == _SHRINKS:  # fewer rows each time, until the remaining ones are optimal
            kept = _active(active_g, active_lower, active_upper, tube, active_beta)
            active_M, rows = square(active_M, kept), taken(rows, kept)
            active_g, active_beta = taken(active_g, kept), taken(active_beta, kept)
            active_lower, active_upper = taken(active_lower, kept), taken(active_upper, kept)
        elif len(rows) == n:
            return
        else:
            _gradient(M, y, beta, g)
            active_M, rows, active_g, active_beta, active_lower, active_upper = M, np.arange(n), g, beta, lower, upper
            n_rounds += 1


@numba.njit(cache=True, nogil=True)
def _intercept(g, lower, upper, tube, beta):  # type: ignore[no-untyped-def]
    """Return b of the decision Kβ + b: the mean over the free rows' conditions, else the middle of the interval that the others allow."""
    total, n_free = 0.0, 0
    top, bottom = -np.inf, np.inf
    for k in range(len(g)):
        if _is_free(beta[k], lower[k], upper[k], tube):
            total += g[k] - (tube if beta[k] > 0.0 else -tube)
            n_free += 1
        top, bottom = max(top, _rise(g[k], beta[k], upper[k], tube)), min(bottom, _fall(g[k], beta[k], lower[k], tube))
    return total / n_free if n_free else 0.5 * (top + bottom)


@numba.njit(cache=True, nogil=True)
def _scale_up(y, g, lower, upper, tube, beta, ratio):  # type: ignore[no-untyped-def]
    """Multiply beta by the best factor in [1, ratio] for bounds that are `ratio` times as wide; update g."""
    linear = quadratic = 0.0
    for k in range(len(g)):
        linear += y[k] * beta[k] - tube * abs(beta[k])
        quadratic += beta[k] * (y[k] - g[k])
    scale = min(max(linear / quadratic, 1.0), ratio) if quadratic > 0.0 else 1.0
    for k in range(len(g)):
        g[k] = y[k] - scale * (y[k] - g[k])
        if scale == ratio and beta[k] != 0.0 and (beta[k] == lower[k] or beta[k] == upper[k]):
            beta[k] = np.inf if beta[k] > 0.0 else -np.inf  # clipped to the new bound later, so rounding cannot move it off the bound
        else:
            beta[k] *= scale


@numba.njit(cache=True, nogil=True)
def solve_path(M, y, lowest, highest, penalties, tube, tolerance):  # type: ignore[no-untyped-def]
    """Return the SVMs of one binary or regression problem for every C.

    Args:
        M: float32 (n, n), squared distances in the feature space, contiguous.
        y: float64 (n,), ±1 for two classes, else the target.
        lowest, highest: float64 (n,), the coefficients' bounds in units of C.
        penalties: float64 (n_C,), C, ascending.
        tube: errors below it cost nothing; 0 for classes.
    Returns:
        coefficients float64 (n_C, n), intercepts float64 (n_C,): the decision is Σ coefficient · K + intercept, K = −½M or any
        kernel with these distances and the same value for each row with itself.
    """
    n = len(y)
    coefficients, intercepts = np.zeros((len(penalties), n)), np.zeros(len(penalties))
    beta, g = np.zeros(n), np.zeros(n)
    for k in range(n):
        g[k] = y[k]
    lower, upper = np.zeros(n), np.zeros(n)
    for c in range(len(penalties)):
        if c > 0:
            _scale_up(y, g, lower, upper, tube, beta, penalties[c] / penalties[c - 1])
        for k in range(n):
            lower[k], upper[k] = penalties[c] * lowest[k], penalties[c] * highest[k]
            beta[k] = min(max(beta[k], lower[k]), upper[k])
        _solve(M, y, g, lower, upper, tube, tolerance, beta)
        for k in range(n):
            coefficients[c, k] = beta[k]
        intercepts[c] = _intercept(g, lower, upper, tube, beta)
    return coefficients, intercepts


@numba.njit(cache=True, nogil=True)
def solve_pairs(M, ends, penalties, tolerance):  # type: ignore[no-untyped-def]
    """Return the SVMs of every pair of classes for every C.

    Args:
        M: float32 (n, n), squared distances in the feature space, contiguous; rows sorted by class.
        ends: int64 (m + 1,): class a is the rows from ends[a] to ends[a + 1] − 1.
        penalties: float64 (n_C,), C, ascending.
    Returns:
        dual float64 (n_C, m − 1, n): of a pair a < b, a being +1, row b − 1 holds the coefficients of class a's rows and row a those of
        class b's, as in libsvm. intercept float64 (n_C, m (m − 1) / 2), in libsvm's order.
    """
    m = len(ends) - 1
    dual, intercept = np.zeros((len(penalties), m - 1, len(M))), np.zeros((len(penalties), m * (m - 1) // 2))
    pair = 0
    for a in range(m):
        for b in range(a + 1, m):
            n_a = ends[a + 1] - ends[a]
            n = n_a + ends[b + 1] - ends[b]
            rows, y, lowest, highest = np.empty(n, np.int64), np.empty(n), np.empty(n), np.empty(n)
            for k in range(n):
                is_a = k < n_a
                rows[k] = ends[a] + k if is_a else ends[b] + k - n_a
                y[k], lowest[k], highest[k] = (1.0, 0.0, 1.0) if is_a else (-1.0, -1.0, 0.0)
            coefficients, found = solve_path(M if m == 2 else square(M, rows), y, lowest, highest, penalties, 0.0, tolerance)
            for c in range(len(penalties)):
                intercept[c, pair] = found[c]
                for k in range(n):
                    dual[c, b - 1 if k < n_a else a, rows[k]] = coefficients[c, k]
            pair += 1
    return dual, intercept
