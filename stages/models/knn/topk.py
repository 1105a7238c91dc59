"""Find the k nearest neighbors of a chunk of rows, for every fold and modality combination, from each modality's distances.

Compiled by numba, in one file: numba's cache does not notice changes in functions of other files. Each row is scanned in ranges of
columns. The modalities' scaled distances are summed; a sample of the row gives an upper bound, and only sums below it are rounded,
checked against the fold and kept. Columns below a slightly higher bound are gathered once and reused by the other folds, whose scales
differ little. If the bound turns out too low, the row is scanned again.

Of the rows at the k-th distance those with the lowest row numbers are kept, and the others counted: `n_tied` is their number, `tied_sums`
holds their classes' numbers or the sums of their targets, so that all tied rows can vote, however many they are.
"""

import numba
import numpy as np

L1, L2, COSINE = 0, 1, 2
ABSENT = -2  # code of a row that is not used in a fold; −1: test row; otherwise a training row's validation fold

NO_LIMIT = 1e150  # finite, as is its square: a bound of 0 · ∞ would be NaN

_N_COLUMNS = 1024  # columns summed at once; they fit in the L1 cache
_SLACK = 1e-9  # distances are rounded to 9 decimals: twice the rounding error
_BY_RANK = 256  # largest k for which comparing all pairs without branches is faster than sorting
_SPARE = 64
_SAMPLE = 128
_HALVINGS = 24


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bound(limit: float, distance: int, norm: float) -> float:
    """Return the largest sum whose rounded distance is at most `limit`, rounded up."""
    above = limit + _SLACK + 1e-12 * limit
    if distance == L1:
        return above
    if distance == L2:
        return above * above
    return (above - 1.0) * norm


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _rounded(total: float, distance: int, norms: float) -> float:
    """Convert a sum over blocks to a distance, to 9 decimals; `norms` is the product of the two rows' norms."""
    if distance == L2:
        total = np.sqrt(total)
    elif distance == COSINE:
        total = max(1.0 - total / (norms if norms > 0.0 else 1.0), 0.0)
    return np.rint(total * 1e9) / 1e9


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _select(values: np.ndarray, k: int, scratch: np.ndarray) -> float:
    """Return the k-th smallest of `values` (Hoare's selection on a copy)."""
    m = values.shape[0]
    for i in range(m):
        scratch[i] = values[i]
    low, high = 0, m - 1
    while low < high:
        pivot = scratch[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while scratch[i] < pivot:
                i += 1
            while scratch[j] > pivot:
                j -= 1
            if i <= j:
                scratch[i], scratch[j] = scratch[j], scratch[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    return scratch[k - 1]


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _add_tied(row: int, n_tied: int, classes: np.ndarray, values: np.ndarray, tied_sums: np.ndarray) -> int:
    """Add a row that is tied and not kept to `tied_sums`, which holds n_tied rows; return n_tied + 1.

    Sums of targets carry their rounding error along (Neumaier's sum): they are exact, so that the order of rows does not matter, unless
    targets differ by a factor of 1e10 or more.
    """
    if n_tied == 0:
        tied_sums[:] = 0.0
    if classes.shape[0] > 0:
        tied_sums[classes[row]] += 1.0
        return n_tied + 1
    n_outputs = values.shape[1]
    for j in range(n_outputs):
        value, before = values[row, j], tied_sums[j]
        if not np.isnan(value):
            total = before + value
            shift = total - before
            tied_sums[j] = total
            tied_sums[n_outputs + j] += (before - (total - shift)) + (value - shift)
            tied_sums[2 * n_outputs + j] += 1.0
    return n_tied + 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep_nearest(
    distances: np.ndarray, rows: np.ndarray, m: int, k: int, scratch: np.ndarray, tied_at: float, n_tied: int, classes: np.ndarray,
    values: np.ndarray, tied_sums: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """Keep the k nearest of the first m in place, ordered by row; return the largest distance kept and the number of other rows there.

    Bisects the range of distances until exactly k are in the lower half; counting needs no branch. If bisection does not separate k
    (ties at the k-th place, very uneven distances), a selection does.

    Args:
        tied_at, n_tied: the distance of the rows in `tied_sums`, and their number.
        classes, values, tied_sums: as for `nearest_in_chunk`, of one row.
    """
    low, high = distances[0], distances[0]
    for i in range(m):
        low, high = min(low, distances[i]), max(high, distances[i])
    limit, n_nearer = high, m
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        count = 0
        for i in range(m):
            count += 1 if distances[i] <= middle else 0
        if count >= k:
            high, limit, n_nearer = middle, middle, count
            if count == k:
                break
        else:
            low = middle
    at = 0
    if n_nearer == k:
        for i in range(m):
            distance, row = distances[i], rows[i]
            distances[at], rows[at] = distance, row
            at += 1 if distance <= limit else 0
        farthest = distances[0]
        for i in range(k):
            farthest = max(farthest, distances[i])
        return farthest, n_tied if farthest == tied_at else 0
    limit = _select(distances[:m], k, scratch)
    if limit != tied_at:
        n_tied = 0
    spare = k
    for i in range(m):
        spare -= distances[i] < limit
    for i in range(m):
        if distances[i] < limit or (distances[i] == limit and spare > 0):
            spare -= distances[i] == limit
            distances[at] = distances[i]
            rows[at] = rows[i]
            at += 1
        elif distances[i] == limit:
            n_tied = _add_tied(rows[i], n_tied, classes, values, tied_sums)
    return limit, n_tied


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _order(distances: np.ndarray, rows: np.ndarray, ranks: np.ndarray, neighbor_distances: np.ndarray, neighbor_rows: np.ndarray) -> None:
    """Write k distances and their rows sorted by (distance, row); the input is sorted by row."""
    k = neighbor_rows.shape[0]
    if k <= _BY_RANK:
        for i in range(k):
            ranks[i] = 0
            neighbor_rows[i] = -1
        for j in range(k):
            other = distances[j]
            for i in range(k):
                ranks[i] += 1 if other < distances[i] else 0
        for i in range(k):
            rank = ranks[i]
            while neighbor_rows[rank] >= 0:  # ties: lower rows are already written
                rank += 1
            neighbor_distances[rank] = distances[i]
            neighbor_rows[rank] = rows[i]
        return
    for i in range(k):
        neighbor_distances[i], neighbor_rows[i] = distances[i], rows[i]
    gap = k // 2
    while gap > 0:  # Shell's sort
        for i in range(gap, k):
            distance, row, j = neighbor_distances[i], neighbor_rows[i], i
            while j >= gap and (
                neighbor_distances[j - gap] > distance or (neighbor_distances[j - gap] == distance and neighbor_rows[j - gap] > row)
            ):
                neighbor_distances[j], neighbor_rows[j] = neighbor_distances[j - gap], neighbor_rows[j - gap]
                j -= gap
            neighbor_distances[j], neighbor_rows[j] = distance, row
        gap = 1 if gap == 2 else int(gap / 2.2)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _passing(
    chunk: np.ndarray, r: int, start: int, size: int, members: np.ndarray, n_members: int, factors: np.ndarray, distance: int,
    bound: float, norms: np.ndarray, sums: np.ndarray, found: np.ndarray,
) -> int:  # fmt: skip
    """Sum a range of a row's scaled distances over blocks into `sums`; write the columns below the bound to `found`, return their count."""
    one, factor = chunk[members[0], r, start : start + size], factors[0]
    for c in range(size):
        sums[c] = factor * one[c]
    for b in range(1, n_members):
        other, factor = chunk[members[b], r, start : start + size], factors[b]
        for c in range(size):
            sums[c] += factor * other[c]
    m = 0
    if distance == COSINE:
        for c in range(size):
            found[m] = c
            m += -sums[c] <= bound * norms[start + c]
    else:
        for c in range(size):
            found[m] = c
            m += sums[c] <= bound
    return m


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _guess(
    chunk: np.ndarray, r: int, members: np.ndarray, n_members: int, factors: np.ndarray, codes: np.ndarray, code: int, distance: int,
    norms: np.ndarray, norm: float, k: int, sample: np.ndarray, scratch: np.ndarray,
) -> float:  # fmt: skip
    """Estimate from a sample of columns a distance within which slightly more than k neighbors of a row lie."""
    n = codes.shape[0]
    step = max(1, n // sample.shape[0])
    m = n_valid = 0
    for column in range(step // 2, step * min(n // step, sample.shape[0]), step):
        total = factors[0] * chunk[members[0], r, column]
        for b in range(1, n_members):
            total += factors[b] * chunk[members[b], r, column]
        sample[m] = -total / max(norms[column], 1e-150) if distance == COSINE else total
        m += (codes[column] >= 0) & (codes[column] != code)
    n_valid = m * step
    wanted = m * k / max(n_valid, 1)
    wanted = int(wanted + 2.0 * np.sqrt(wanted) + 1.0)
    if 2 * wanted > m:
        return NO_LIMIT
    found = _select(sample[:m], wanted, scratch)
    if distance == COSINE:
        return 1.0 + found / max(norm, 1e-150)
    return np.sqrt(found) if distance == L2 else found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _scan(
    chunk: np.ndarray, r: int, members: np.ndarray, n_members: int, factors: np.ndarray, codes: np.ndarray, code: int, distance: int,
    norms: np.ndarray, norm: float, limit: float, k: int, kept: np.ndarray, kept_rows: np.ndarray, scratch: np.ndarray, sums: np.ndarray,
    passing: np.ndarray, classes: np.ndarray, values: np.ndarray, tied_sums: np.ndarray,
) -> int:  # fmt: skip
    """Write the k nearest to `kept` and `kept_rows`, ordered by row; return n_tied, −1 if fewer than k are below `limit`."""
    n, capacity = codes.shape[0], kept.shape[0]
    m, n_tied, tied_at = 0, 0, -1.0
    for start in range(0, n, _N_COLUMNS):
        bound = _bound(limit, distance, norm)
        size = min(_N_COLUMNS, n - start)
        n_passing = _passing(chunk, r, start, size, members, n_members, factors, distance, bound, norms, sums, passing)
        for p in range(n_passing):
            column = start + passing[p]
            value = _rounded(sums[passing[p]], distance, norm * norms[column] if distance == COSINE else 0.0)
            kept[m], kept_rows[m] = value, column
            valid = (codes[column] >= 0) & (codes[column] != code)
            m += valid & (value <= limit) & (value != tied_at)  # ties: the lowest rows are kept
            if value == tied_at and valid:
                n_tied = _add_tied(column, n_tied, classes, values, tied_sums)
            if m == capacity:
                tied_at, n_tied = _keep_nearest(kept, kept_rows, m, k, scratch, tied_at, n_tied, classes, values, tied_sums)
                limit, m = tied_at, k
    if m > k:
        _, n_tied = _keep_nearest(kept, kept_rows, m, k, scratch, tied_at, n_tied, classes, values, tied_sums)
    return n_tied if m >= k else -1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _gather(
    chunk: np.ndarray, r: int, members: np.ndarray, n_members: int, factors: np.ndarray, distance: int, limit: float, sums: np.ndarray,
    passing: np.ndarray, gathered: np.ndarray, columns: np.ndarray,
) -> int:  # fmt: skip
    """Write the columns below a limit (training rows or not) and their distances; return their count, 0 if the buffer is too small."""
    n, m = chunk.shape[2], 0
    bound = _bound(limit, distance, 0.0)
    for start in range(0, n, _N_COLUMNS):
        size = min(_N_COLUMNS, n - start)
        n_passing = _passing(chunk, r, start, size, members, n_members, factors, distance, bound, sums, sums, passing)
        if m + n_passing > columns.shape[0]:
            return 0
        for p in range(n_passing):
            columns[m + p] = start + passing[p]
        m += n_passing
    for b in range(n_members):
        source, to = chunk[members[b], r], gathered[b]
        for i in range(m):
            to[i] = source[columns[i]]
    return m


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _filter_gathered(
    gathered: np.ndarray, columns: np.ndarray, n_gathered: int, n_members: int, factors: np.ndarray, codes: np.ndarray, code: int,
    distance: int, limit: float, sums: np.ndarray, kept: np.ndarray, kept_rows: np.ndarray,
) -> int:  # fmt: skip
    """Write the gathered columns that are neighbors within the limit to `kept` and `kept_rows`; return their count."""
    one, factor = gathered[0], factors[0]
    for i in range(n_gathered):
        sums[i] = factor * one[i]
    for b in range(1, n_members):
        other, factor = gathered[b], factors[b]
        for i in range(n_gathered):
            sums[i] += factor * other[i]
    if distance == L2:
        for i in range(n_gathered):
            sums[i] = np.sqrt(sums[i])
    for i in range(n_gathered):
        sums[i] = np.rint(sums[i] * 1e9) / 1e9
    m = 0
    for i in range(n_gathered):
        column = columns[i]
        kept[m], kept_rows[m] = sums[i], column
        m += (codes[column] >= 0) & (codes[column] != code) & (sums[i] <= limit)
    return m


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _covered(limit: float, distance: int, factors: np.ndarray, others: np.ndarray, n_members: int) -> float:
    """Return the distance by `factors` up to which the columns gathered below `limit` by `others` are complete.

    A column beyond the limit is farther than limit · min(factors / others).
    """
    ratio = 0.0
    for b in range(n_members):
        if others[b] > 0.0:
            ratio = max(ratio, others[b] / factors[b])
    if distance == L2:
        ratio = np.sqrt(ratio)
    return limit / ratio * (1 - 1e-12) - _SLACK


@numba.njit(cache=True, nogil=True, error_model="numpy")
def nearest_in_chunk(
    chunk: np.ndarray, members: np.ndarray, n_members: np.ndarray, scales: np.ndarray, codes: np.ndarray, row_codes: np.ndarray,
    distance: int, norms: np.ndarray, row_norms: np.ndarray, classes: np.ndarray, values: np.ndarray, neighbor_distances: np.ndarray,
    neighbor_rows: np.ndarray, n_tied: np.ndarray, tied_sums: np.ndarray,
) -> bool:  # fmt: skip
    """Find the nearest columns of every row of a chunk, in every fold and modality combination.

    A column is a candidate neighbor of a row if it is a training row of the fold and not in the same validation fold.

    Args:
        chunk: float64 (n_blocks, n_rows, n), each block's L1 distances, squared distances or inner products.
        members: int64 (n_combinations, n_blocks), the blocks of a combination: the first n_members (n_combinations,) of each row.
        scales: float64 (n_folds, n_combinations, n_blocks), factors, in the order of `members`.
        codes, row_codes: int16 (n_folds, n), (n_folds, n_rows), as described at ABSENT.
        distance: L1, L2 or COSINE.
        norms, row_norms: float64 (n_folds, n_combinations, n), (n_folds, n_combinations, n_rows), of the fused rows; used by COSINE.
        classes, values: int32 (n,), class codes, and float64 (0, 0); or of length 0 and float64 (n, n_outputs), NaN where not known.
        neighbor_distances, neighbor_rows: float64, int32 (n_folds, n_combinations, n_rows, k), the result, sorted by (distance, row).
        n_tied: int32 (n_folds, n_combinations, n_rows), the number of other candidates at the k-th distance.
        tied_sums: float64 (n_folds, n_combinations, n_rows, n_sums), written where n_tied > 0: these candidates' number per class; or
            the sums of their known targets, the rounding errors of the sums, and the numbers of known targets, n_outputs each.
    Returns:
        True if every row has k neighbors.
    """
    n_folds, n_combinations, k = scales.shape[0], scales.shape[1], neighbor_rows.shape[3]
    room = 8 * k + 4 * _SPARE  # for columns reused by several folds
    kept, kept_rows, scratch = np.empty(2 * k + _SPARE), np.empty(2 * k + _SPARE, np.int32), np.empty(max(2 * k + _SPARE, _SAMPLE))
    gathered, columns, gathered_sums = np.empty((chunk.shape[0], room)), np.empty(room, np.int32), np.empty(room)
    filtered, filtered_rows, filtered_scratch = np.empty(room + 1), np.empty(room + 1, np.int32), np.empty(room)
    ranks, sums, passing, sample = np.empty(k, np.int64), np.empty(_N_COLUMNS), np.empty(_N_COLUMNS, np.int32), np.empty(_SAMPLE)
    for r in range(chunk.shape[1]):
        for s in range(n_combinations):
            hint, gather_limit, n_gathered, base = NO_LIMIT, NO_LIMIT, 0, -1
            for f in range(n_folds):
                code = row_codes[f, r]
                if code == ABSENT:
                    continue
                factors, fold_codes = scales[f, s], codes[f]
                norm = row_norms[f, s, r] if distance == COSINE else 0.0
                if base < 0:
                    hint = _guess(chunk, r, members[s], n_members[s], factors, fold_codes, code, distance, norms[f, s], norm, k,
                                  sample, scratch)  # fmt: skip
                    base, gather_limit = f, hint * 1.03
                    if n_folds > 1 and distance != COSINE and hint < NO_LIMIT:
                        n_gathered = _gather(chunk, r, members[s], n_members[s], factors, distance, gather_limit, sums, passing, gathered,
                                             columns)  # fmt: skip
                m = 0
                if n_gathered > 0:
                    limit = _covered(gather_limit, distance, factors, scales[base, s], n_members[s])
                    m = _filter_gathered(gathered, columns, n_gathered, n_members[s], factors, fold_codes, code, distance, limit,
                                         gathered_sums, filtered, filtered_rows)  # fmt: skip
                n_others = 0
                if m >= k:
                    if m > k:
                        _, n_others = _keep_nearest(filtered, filtered_rows, m, k, filtered_scratch, -1.0, 0, classes, values,
                                                    tied_sums[f, s, r])  # fmt: skip
                    _order(filtered, filtered_rows, ranks, neighbor_distances[f, s, r], neighbor_rows[f, s, r])
                else:
                    for limit in (hint, NO_LIMIT):
                        n_others = _scan(chunk, r, members[s], n_members[s], factors, fold_codes, code, distance, norms[f, s], norm, limit,
                                         k, kept, kept_rows, scratch, sums, passing, classes, values, tied_sums[f, s, r])  # fmt: skip
                        if n_others >= 0:
                            break
                    if n_others < 0:
                        return False
                    _order(kept, kept_rows, ranks, neighbor_distances[f, s, r], neighbor_rows[f, s, r])
                n_tied[f, s, r] = n_others
                found = neighbor_distances[f, s, r]
                hint = 1.02 * found[k - 1] + 0.5 * (found[k - 1] - found[k // 2])
    return True
