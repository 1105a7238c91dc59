"""Compiled: the power of spectra in overlapping bands. A frame's values do not depend on the other frames, unlike in a matrix product."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def band_power(spectra: np.ndarray, firsts: np.ndarray, ends: np.ndarray, weights: np.ndarray, found: np.ndarray) -> None:
    """Fill `found`, float64 (n, bands), with each band's weighted sum of |spectra|², complex128 (n, bins).

    Args:
        firsts: int64 (bands,), the first bin of each band. ends: int64 (bands + 1,): weights[ends[b]:ends[b + 1]], float64, are those of
            band b's bins from the first one on.
    """
    n, n_bins = spectra.shape
    power = np.empty(n_bins)
    for i in range(n):
        row = spectra[i]
        for j in range(n_bins):
            power[j] = row[j].real * row[j].real + row[j].imag * row[j].imag
        for b in range(len(firsts)):
            own, bins = weights[ends[b] : ends[b + 1]], power[firsts[b] : firsts[b] + ends[b + 1] - ends[b]]
            total = 0.0
            for j in range(own.size):
                total += own[j] * bins[j]
            found[i, b] = total
