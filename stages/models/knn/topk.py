"""The nearest of many rows, for every fold and subset of modalities, out of one tile of distances per modality.

Compiled by numba, all in one file, as its cache does not see a change of a function that another file calls. A row is scanned chunk by
chunk: the scaled tiles are summed, and only sums under a bound, which a sample of the row suggests, are looked at more closely: rounded,
checked against the fold, kept. What was under a somewhat higher bound serves the other folds, whose scales differ a little. A bound that
was wrong is noticed, and the row scanned again. Equal distances are ordered by row number.
"""

import numba
import numpy as np

L1, L2, COSINE = 0, 1, 2
ABSENT = -2  # code of a row that has no part in a fold; a test row has −1, a training row the inner fold that holds it out

NO_LIMIT = 1e150  # finite, as is its square: a bound of 0 · ∞ would be no number

_CHUNK = 1024  # columns summed at once: they stay in the first cache
_SLACK = 1e-9  # distances are rounded to 9 decimals: half of the last one, and as much again
_BY_RANK = 256  # up to so many, comparing every pair without a branch is quicker than sorting
_SPARE = 64
_SAMPLE = 128
_HALVINGS = 24


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bound(limit: float, distance: int, norm: float) -> float:
    """Return what a sum may be at most if its rounded distance is not above `limit`: a little too much rather than too little."""
    above = limit + _SLACK + 1e-12 * limit
    if distance == L1:
        return above
    if distance == L2:
        return above * above
    return (above - 1.0) * norm


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _rounded(total: float, distance: int, norms: float) -> float:
    """Return the distance of a sum over blocks, to 9 decimals; `norms` is the product of the two rows' norms."""
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep_nearest(distances: np.ndarray, rows: np.ndarray, m: int, k: int, scratch: np.ndarray) -> float:
    """Keep the k nearest of the first m, in the order of their rows, in place; return the largest distance kept.

    By halving the range of distances until k lie in the lower part: counting needs no branch. Equal distances at the k-th place, or a
    range in which they lie very unevenly, are left to a selection.
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
        return farthest
    limit = _select(distances[:m], k, scratch)
    spare = k
    for i in range(m):
        spare -= distances[i] < limit
    for i in range(m):
        if distances[i] < limit or (distances[i] == limit and spare > 0):
            spare -= distances[i] == limit
            distances[at] = distances[i]
            rows[at] = rows[i]
            at += 1
    return limit


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _order(distances: np.ndarray, rows: np.ndarray, ranks: np.ndarray, near_distances: np.ndarray, near_rows: np.ndarray) -> None:
    """Write k distances and their rows by (distance, row); they stand in the order of their rows."""
    k = near_rows.shape[0]
    if k <= _BY_RANK:
        for i in range(k):
            ranks[i] = 0
            near_rows[i] = -1
        for j in range(k):
            other = distances[j]
            for i in range(k):
                ranks[i] += 1 if other < distances[i] else 0
        for i in range(k):
            rank = ranks[i]
            while near_rows[rank] >= 0:  # equal ones, of which those of the first rows stand already
                rank += 1
            near_distances[rank] = distances[i]
            near_rows[rank] = rows[i]
        return
    for i in range(k):
        near_distances[i], near_rows[i] = distances[i], rows[i]
    gap = k // 2
    while gap > 0:  # Shell's sort
        for i in range(gap, k):
            distance, row, j = near_distances[i], near_rows[i], i
            while j >= gap and (near_distances[j - gap] > distance or (near_distances[j - gap] == distance and near_rows[j - gap] > row)):
                near_distances[j], near_rows[j] = near_distances[j - gap], near_rows[j - gap]
                j -= gap
            near_distances[j], near_rows[j] = distance, row
        gap = 1 if gap == 2 else int(gap / 2.2)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _passing(
    tiles: np.ndarray, r: int, start: int, size: int, members: np.ndarray, n_members: int, factors: np.ndarray, distance: int,
    bound: float, norms: np.ndarray, sums: np.ndarray, found: np.ndarray,
) -> int:  # fmt: skip
    """Sum a chunk of a row's scaled tiles into `sums`; write the columns under the bound to `found` and return how many they are."""
    one, factor = tiles[members[0], r, start : start + size], factors[0]
    for c in range(size):
        sums[c] = factor * one[c]
    for b in range(1, n_members):
        other, factor = tiles[members[b], r, start : start + size], factors[b]
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
    tiles: np.ndarray, r: int, members: np.ndarray, n_members: int, factors: np.ndarray, codes: np.ndarray, code: int, distance: int,
    norms: np.ndarray, norm: float, k: int, sample: np.ndarray, scratch: np.ndarray,
) -> float:  # fmt: skip
    """Return about the distance under which somewhat more than k neighbours of a row lie, by a sample of its columns."""
    n = codes.shape[0]
    step = max(1, n // sample.shape[0])
    m = n_valid = 0
    for column in range(step // 2, step * min(n // step, sample.shape[0]), step):
        total = factors[0] * tiles[members[0], r, column]
        for b in range(1, n_members):
            total += factors[b] * tiles[members[b], r, column]
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
    tiles: np.ndarray, r: int, members: np.ndarray, n_members: int, factors: np.ndarray, codes: np.ndarray, code: int, distance: int,
    norms: np.ndarray, norm: float, limit: float, k: int, kept: np.ndarray, kept_rows: np.ndarray, scratch: np.ndarray, sums: np.ndarray,
    passing: np.ndarray,
) -> int:  # fmt: skip
    """Write the k nearest, and perhaps some more, to `kept` and `kept_rows`, in the order of rows; return how many,
    or 0 if fewer lie under `limit`.
    """
    n, capacity = codes.shape[0], kept.shape[0]
    full, m = False, 0
    for start in range(0, n, _CHUNK):
        bound = _bound(limit, distance, norm)
        size = min(_CHUNK, n - start)
        n_passing = _passing(tiles, r, start, size, members, n_members, factors, distance, bound, norms, sums, passing)
        for p in range(n_passing):
            column = start + passing[p]
            value = _rounded(sums[passing[p]], distance, norm * norms[column] if distance == COSINE else 0.0)
            kept[m], kept_rows[m] = value, column
            # of equals the first rows are kept
            m += (codes[column] >= 0) & (codes[column] != code) & (value < limit or (value == limit and not full))
            if m == capacity:
                limit, full, m = _keep_nearest(kept, kept_rows, m, k, scratch), True, k
    return m if m >= k else 0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _gather(
    tiles: np.ndarray, r: int, members: np.ndarray, n_members: int, factors: np.ndarray, distance: int, limit: float, sums: np.ndarray,
    passing: np.ndarray, near: np.ndarray, columns: np.ndarray,
) -> int:  # fmt: skip
    """Write the columns under a limit, training rows or not, and what is in the tiles there; return how many, 0 if there is no room."""
    n, m = tiles.shape[2], 0
    bound = _bound(limit, distance, 0.0)
    for start in range(0, n, _CHUNK):
        size = min(_CHUNK, n - start)
        n_passing = _passing(tiles, r, start, size, members, n_members, factors, distance, bound, sums, sums, passing)
        if m + n_passing > columns.shape[0]:
            return 0
        for p in range(n_passing):
            columns[m + p] = start + passing[p]
        m += n_passing
    for b in range(n_members):
        tile, to = tiles[members[b], r], near[b]
        for i in range(m):
            to[i] = tile[columns[i]]
    return m


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sift(
    near: np.ndarray, columns: np.ndarray, n_near: int, n_members: int, factors: np.ndarray, codes: np.ndarray, code: int, distance: int,
    limit: float, sums: np.ndarray, kept: np.ndarray, kept_rows: np.ndarray,
) -> int:  # fmt: skip
    """Write the neighbours up to a limit among gathered columns to `kept` and `kept_rows`; return how many."""
    one, factor = near[0], factors[0]
    for i in range(n_near):
        sums[i] = factor * one[i]
    for b in range(1, n_members):
        other, factor = near[b], factors[b]
        for i in range(n_near):
            sums[i] += factor * other[i]
    if distance == L2:
        for i in range(n_near):
            sums[i] = np.sqrt(sums[i])
    for i in range(n_near):
        sums[i] = np.rint(sums[i] * 1e9) / 1e9
    m = 0
    for i in range(n_near):
        column = columns[i]
        kept[m], kept_rows[m] = sums[i], column
        m += (codes[column] >= 0) & (codes[column] != code) & (sums[i] <= limit)
    return m


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _covered(limit: float, distance: int, factors: np.ndarray, others: np.ndarray, n_members: int) -> float:
    """Return up to which distance all columns of a fold with other factors are among those gathered under `limit`."""
    ratio = 0.0
    for b in range(n_members):
        ratio = max(ratio, factors[b] / others[b])
    if distance == L2:
        ratio = np.sqrt(ratio)
    return limit / ratio * (1 - 1e-12) - _SLACK


@numba.njit(cache=True, nogil=True, error_model="numpy")
def nearest_in_tile(
    tiles: np.ndarray, members: np.ndarray, n_members: np.ndarray, scales: np.ndarray, codes: np.ndarray, row_codes: np.ndarray,
    distance: int, norms: np.ndarray, row_norms: np.ndarray, near_distances: np.ndarray, near_rows: np.ndarray,
) -> bool:  # fmt: skip
    """Find the nearest columns of every row of a tile, in every fold and subset.

    A column is a neighbour of a row if it is for training in the fold and not held out by the same inner fold.

    Args:
        tiles: float64 (n_blocks, n_rows, n), each block's L1 distances, squared distances or inner products.
        members: int64 (n_subsets, n_blocks), the blocks of a subset, the first n_members (n_subsets,) of each row.
        scales: float64 (n_folds, n_subsets, n_blocks), factors, in the order of `members`.
        codes, row_codes: int16 (n_folds, n), (n_folds, n_rows): see ABSENT.
        distance: L1, L2 or COSINE.
        norms, row_norms: float64 (n_folds, n_subsets, n), (n_folds, n_subsets, n_rows), of the fused rows; used by COSINE.
        near_distances, near_rows: float64, int32 (n_folds, n_subsets, n_rows, k), by (distance, row): the result.
    Returns:
        whether every row had k neighbours.
    """
    n_folds, n_subsets, k = scales.shape[0], scales.shape[1], near_rows.shape[3]
    room = 8 * k + 4 * _SPARE  # for columns that serve several folds
    kept, kept_rows, scratch = np.empty(2 * k + _SPARE), np.empty(2 * k + _SPARE, np.int32), np.empty(max(2 * k + _SPARE, _SAMPLE))
    near, columns, near_sums = np.empty((tiles.shape[0], room)), np.empty(room, np.int32), np.empty(room)
    sifted, sifted_rows, sifted_scratch = np.empty(room + 1), np.empty(room + 1, np.int32), np.empty(room)
    ranks, sums, passing, sample = np.empty(k, np.int64), np.empty(_CHUNK), np.empty(_CHUNK, np.int32), np.empty(_SAMPLE)
    for r in range(tiles.shape[1]):
        for s in range(n_subsets):
            hint, gathered, n_near, base = NO_LIMIT, NO_LIMIT, 0, -1
            for f in range(n_folds):
                code = row_codes[f, r]
                if code == ABSENT:
                    continue
                factors, of_fold = scales[f, s], codes[f]
                norm = row_norms[f, s, r] if distance == COSINE else 0.0
                if base < 0:
                    hint = _guess(tiles, r, members[s], n_members[s], factors, of_fold, code, distance, norms[f, s], norm, k,
                                  sample, scratch)  # fmt: skip
                    base, gathered = f, hint * 1.03
                    if n_folds > 1 and distance != COSINE and hint < NO_LIMIT:
                        n_near = _gather(tiles, r, members[s], n_members[s], factors, distance, gathered, sums, passing, near, columns)
                m = 0
                if n_near > 0:
                    limit = _covered(gathered, distance, factors, scales[base, s], n_members[s])
                    m = _sift(near, columns, n_near, n_members[s], factors, of_fold, code, distance, limit, near_sums, sifted, sifted_rows)
                if m >= k:
                    if m > k:
                        _keep_nearest(sifted, sifted_rows, m, k, sifted_scratch)
                    _order(sifted, sifted_rows, ranks, near_distances[f, s, r], near_rows[f, s, r])
                else:
                    for limit in (hint, NO_LIMIT):
                        m = _scan(tiles, r, members[s], n_members[s], factors, of_fold, code, distance, norms[f, s], norm, limit, k,
                                  kept, kept_rows, scratch, sums, passing)  # fmt: skip
                        if m > 0:
                            break
                    if m == 0:
                        return False
                    if m > k:
                        _keep_nearest(kept, kept_rows, m, k, scratch)
                    _order(kept, kept_rows, ranks, near_distances[f, s, r], near_rows[f, s, r])
                found = near_distances[f, s, r]
                hint = 1.02 * found[k - 1] + 0.5 * (found[k - 1] - found[k // 2])
    return True
