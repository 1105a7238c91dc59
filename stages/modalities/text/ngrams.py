"""Compiled: the n-grams of many texts, with their counts.

All of it stands in one file: numba keeps what it has compiled until the file changes, and does not look at others that it calls.
"""

import numba
import numpy as np

BLANK, APOSTROPHE = 0x20, 0x27
_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # of the FNV-1a hash
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # spreads it over the high bits
_compiled = numba.njit(cache=True, nogil=True)
_inner = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_compiled
def count_ngrams(letters, offsets, rows, is_text, n_rows, belongs, of_words, shortest, longest):  # type: ignore[no-untyped-def]
    """Return the different terms of each row in the order in which they come, with their counts, and all rows' different terms.

    Every n-gram is a run of units in `line`: of words, joined by blanks, or of the characters of a word with a blank on each side.

    Args:
        rows: int64, of each item; in order.
        is_text: bool, of each item; the others are terms as they stand.
    Returns:
        bounds (n_rows + 1,), ids and counts of the rows' terms; the terms' letters, and where in them each starts and stops.
    """
    most = 2
    for item in range(len(rows)):
        most = max(most, offsets[item + 1] - offsets[item] + 2)
    line, starts, stops = np.empty(most, np.uint8), np.empty(most, np.int32), np.empty(most, np.int32)
    hashes, last_row, place = np.empty(1 << 11, np.int64), np.empty(1 << 11, np.int64), np.empty(1 << 11, np.int64)
    shift = np.uint64(64 - 12)
    slots = _dealt(hashes, 0, shift)
    terms, pool, n_terms = np.zeros((1 << 11) + 1, np.int64), np.empty(1 << 15, np.uint8), 0
    bounds, ids, counts, n_found = np.zeros(n_rows + 1, np.int64), np.empty(1 << 12, np.int64), np.empty(1 << 12, np.int64), 0
    for item in range(len(rows)):
        row, at, end = rows[item], offsets[item], offsets[item + 1]
        while True:
            if not is_text[item]:
                n_units, at = _whole(letters, at, end, line, starts, stops)
            elif of_words:
                n_units, at = _words(letters, at, end, belongs, line, starts, stops)
            else:
                n_units, at = _characters(letters, at, end, belongs, line, starts, stops)
            if n_units == 0:
                break
            for first in range(n_units):
                value, upto = _BASIS, starts[first]
                for last in range(first, min(n_units, first + longest)):
                    for byte in range(upto, stops[last]):
                        value = (value ^ np.uint64(line[byte])) * _PRIME
                    upto = stops[last]
                    if last - first + 1 < shortest and ((of_words and is_text[item]) or last - first + 1 < n_units):
                        continue  # too short, but for what counts once as a whole
                    start, length = starts[first], upto - starts[first]
                    slot = (value * _SPREAD) >> shift
                    term = slots[slot]
                    while term >= 0 and (hashes[term] != np.int64(value) or _differ(pool, terms, term, line, start, length)):
                        slot = (slot + np.uint64(1)) & np.uint64(len(slots) - 1)
                        term = slots[slot]
                    if term < 0:
                        if n_terms == len(hashes):
                            hashes, last_row, place, terms = _larger(hashes), _larger(last_row), _larger(place), _larger(terms)
                        while terms[n_terms] + length > len(pool):
                            pool = _larger(pool)
                        term = n_terms
                        slots[slot] = term
                        hashes[term], last_row[term] = np.int64(value), -1
                        for byte in range(length):
                            pool[terms[term] + byte] = line[start + byte]
                        terms[term + 1] = terms[term] + length
                        n_terms += 1
                        if 2 * n_terms > len(slots):
                            shift -= np.uint64(1)
                            slots = _dealt(hashes, n_terms, shift)
                    if last_row[term] == row:
                        counts[place[term]] += 1
                    else:
                        if n_found == len(ids):
                            ids, counts = _larger(ids), _larger(counts)
                        last_row[term], place[term] = row, n_found
                        ids[n_found], counts[n_found] = term, 1
                        n_found += 1
            if at >= end:
                break
        bounds[row + 1] = n_found
    return bounds, ids[:n_found], counts[:n_found], pool[: terms[n_terms]], terms[: n_terms + 1]


@_inner
def _whole(letters, at, end, line, starts, stops):  # type: ignore[no-untyped-def]
    for byte in range(at, end):
        line[byte - at] = letters[byte]
    starts[0], stops[0] = 0, end - at
    return 1, end


@_inner
def _words(letters, at, end, belongs, line, starts, stops):  # type: ignore[no-untyped-def]
    """Write all words to `line`, a blank between them; return how many they are, and the end."""
    n_words, length = 0, 0
    start, at = _next_word(letters, at, end, belongs, True)
    while start < at:
        if n_words:
            line[length] = BLANK
            length += 1
        starts[n_words] = length
        for byte in range(start, at):
            line[length] = letters[byte]
            length += 1
        stops[n_words] = length
        n_words += 1
        start, at = _next_word(letters, at, end, belongs, True)
    return n_words, end


@_inner
def _characters(letters, at, end, belongs, line, starts, stops):  # type: ignore[no-untyped-def]
    """Write the next word to `line`, a blank on each side; return how many characters that makes (none: no word), and where it stops."""
    start, at = _next_word(letters, at, end, belongs, False)
    if start == at:
        return 0, end
    line[0] = BLANK
    starts[0], stops[0], n_units, length = 0, 1, 1, 1
    for byte in range(start, at):
        if letters[byte] & 0xC0 != 0x80:  # the first byte of a character
            starts[n_units] = length
            n_units += 1
        line[length] = letters[byte]
        length += 1
        stops[n_units - 1] = length
    line[length] = BLANK
    starts[n_units], stops[n_units] = length, length + 1
    return n_units + 1, at


@_inner
def _next_word(letters, at, stop, belongs, apostrophes):  # type: ignore[no-untyped-def]
    """Return where the next word starts and stops; both are `stop` where there is none.

    Args:
        letters: uint8, UTF-8.
        at, stop: where to look, from the first byte of a character to the last one's end.
        belongs: bool, by a character's code, whether it stands in words.
        apostrophes: whether an apostrophe between two such characters joins them.
    """
    while at < stop:
        code, after = _character(letters, at)
        if belongs[code]:
            break
        at = after
    start = at
    while at < stop:
        code, after = _character(letters, at)
        joins = apostrophes and code == APOSTROPHE and after < stop and belongs[_character(letters, after)[0]]
        if not (belongs[code] or joins):
            break
        at = after
    return start, at


@_inner
def _character(letters, at):  # type: ignore[no-untyped-def]
    """Return the code of the character that starts at a byte, and where the next one does."""
    first = np.int64(letters[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0:
        return (first & 0x1F) << 6 | letters[at + 1] & 0x3F, at + 2
    if first < 0xF0:
        return (first & 0x0F) << 12 | (np.int64(letters[at + 1]) & 0x3F) << 6 | letters[at + 2] & 0x3F, at + 3
    tail = (np.int64(letters[at + 1]) & 0x3F) << 12 | (np.int64(letters[at + 2]) & 0x3F) << 6 | letters[at + 3] & 0x3F
    return (first & 0x07) << 18 | tail, at + 4


@_inner
def _differ(pool, terms, term, line, at, length):  # type: ignore[no-untyped-def]
    start = terms[term]
    if terms[term + 1] - start != length:
        return True
    for byte in range(length):  # noqa: SIM110  # numba has no any()
        if pool[start + byte] != line[at + byte]:
            return True
    return False


@_inner
def _larger(values):  # type: ignore[no-untyped-def]
    grown = np.empty(2 * len(values), values.dtype)
    for i in range(len(values)):  # an assignment to a slice takes seconds to compile
        grown[i] = values[i]
    return grown


@_inner
def _dealt(hashes, n_terms, shift):  # type: ignore[no-untyped-def]
    """Return a hash table of all terms, open addressing: int64 (2**(64 - shift),), -1 where there is none."""
    slots = np.empty(np.int64(1) << np.int64(np.uint64(64) - shift), np.int64)
    for slot in range(len(slots)):
        slots[slot] = -1
    for term in range(n_terms):
        slot = (np.uint64(hashes[term]) * _SPREAD) >> shift
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & np.uint64(len(slots) - 1)
        slots[slot] = term
    return slots


@_compiled
def merge_rows(bounds, ids, counts, order, pool, terms, indices):  # type: ignore[no-untyped-def]
    """Return what Counts holds of what `count_ngrams` returns, the terms' indices, and the order of the counts by row and index."""
    n = len(ids)
    kept, sums, n_kept, n_letters = np.empty(n, np.int32), np.empty(n, np.float32), 0, 0
    new_bounds = np.zeros(len(bounds), np.int32)
    for row in range(len(bounds) - 1):
        for at in range(bounds[row], bounds[row + 1]):
            term = ids[order[at]]
            if n_kept > new_bounds[row] and indices[kept[n_kept - 1]] == indices[term]:  # another term has the same index
                sums[n_kept - 1] += counts[order[at]]
                other = kept[n_kept - 1]
                if _before(pool, terms[term], terms[term + 1], terms[other], terms[other + 1]):
                    kept[n_kept - 1] = term
            else:
                kept[n_kept], sums[n_kept] = term, counts[order[at]]
                n_kept += 1
        new_bounds[row + 1] = n_kept
    term_bounds, new_indices = np.zeros(n_kept + 1, np.int32), np.empty(n_kept, np.int32)
    for at in range(n_kept):
        new_indices[at] = indices[kept[at]]
        n_letters += terms[kept[at] + 1] - terms[kept[at]]
        term_bounds[at + 1] = n_letters
    letters = np.empty(n_letters, np.uint8)
    for at in range(n_kept):
        start = terms[kept[at]] - term_bounds[at]
        for byte in range(term_bounds[at], term_bounds[at + 1]):
            letters[byte] = pool[start + byte]
    return new_bounds, new_indices, sums[:n_kept], letters, term_bounds


@_inner
def _before(pool, start, stop, other, other_stop):  # type: ignore[no-untyped-def]
    """Return whether a term is before another in the order of their bytes."""
    while start < stop and other < other_stop:
        if pool[start] != pool[other]:
            return pool[start] < pool[other]
        start, other = start + 1, other + 1
    return start == stop and other < other_stop
