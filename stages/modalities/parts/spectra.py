"""Spectra of sound: resampling, power in mel bands, cepstra and their slopes. Rows are frames, in the order of time."""

import math
import threading
from functools import lru_cache

import numpy as np

N_AT_ONCE = 64  # frames transformed at once: what one step hands on to the next stays in the processor's cache (of 8,192: a third as fast)
SLOPE_REACH = 2  # frames on each side over which a slope is fitted
LEAST_SPREAD = 0.1  # in natural logarithms of power: added to a standard deviation, so that what does not vary is not blown up


def resample(signal: np.ndarray, rate_hz: int, to_hz: int) -> np.ndarray:
    """Return `signal` (n,) at `to_hz`: a polyphase filter with a Kaiser window, scipy's default."""
    if rate_hz == to_hz or len(signal) == 0:
        return signal
    divisor = math.gcd(rate_hz, to_hz)
    up, down = to_hz // divisor, rate_hz // divisor
    from scipy.signal import resample_poly  # 0.6 s that only resampling needs: checking params.yaml imports this file too

    return resample_poly(signal, up, down, window=_low_pass(max(up, down)))


@lru_cache(maxsize=16)
def _low_pass(factor: int) -> np.ndarray:
    """Return the filter that `resample_poly` would design anew for every clip (two thirds of its time)."""
    from scipy.signal import firwin

    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0))


def mel_power(signal: np.ndarray, rate_hz: int, *, n_window: int, n_offset: int, bands: int) -> np.ndarray:
    """Return the power in each mel band of each frame, float64 (n_frames, bands).

    Frames of `n_window` samples every `n_offset` (only whole ones), periodic Hann window w, power |FFT(w·x)|² / (Σw)² · n_window / n_fft,
    so that a sine of amplitude 1 adds up to 0.375 (1/4, times the window's noise bandwidth of 1.5 bins) whatever the window and the
    padding. The FFT is padded until every filter has a bin. Filters: triangles of height 1 between points equally spaced on
    O'Shaughnessy's mel scale, 2595·log10(1 + f/700), from 0 to rate_hz/2.
    """
    window, filters, n_fft = _filters(rate_hz, n_window, bands)
    strided = np.lib.stride_tricks.sliding_window_view(signal, n_window)[::n_offset]
    padded, spectra, squares, power = _room(n_window, n_fft)
    powers = np.empty((len(strided), bands))
    for start in range(0, len(strided), N_AT_ONCE):
        frames = strided[start : start + N_AT_ONCE]
        np.multiply(frames, window, out=padded[: len(frames), :n_window])
        spectrum = np.fft.rfft(padded[: len(frames)], axis=1, out=spectra[: len(frames)])
        np.square(spectrum.view(np.float64), out=squares[: len(frames)])
        np.add(squares[: len(frames), ::2], squares[: len(frames), 1::2], out=power[: len(frames)])
        np.matmul(power[: len(frames)], filters, out=powers[start : start + len(frames)])
    powers *= n_window / n_fft / window.sum() ** 2
    return powers


_rooms = threading.local()


def _room(n_window: int, n_fft: int) -> list[np.ndarray]:
    """Return where this thread keeps padded frames (zeros beyond the window), spectra, squares of their parts, and power.

    Made anew for each clip they would take half of its time.
    """
    if getattr(_rooms, "made_for", None) != (n_window, n_fft):
        n_bins = n_fft // 2 + 1
        shapes = [(n_fft, np.float64), (n_bins, np.complex128), (2 * n_bins, np.float64), (n_bins, np.float64)]
        _rooms.made_for, _rooms.kept = (n_window, n_fft), [np.zeros((N_AT_ONCE, width), dtype) for width, dtype in shapes]
    kept: list[np.ndarray] = _rooms.kept
    return kept


@lru_cache(maxsize=4)
def _filters(rate_hz: int, n_window: int, bands: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the window (n_window,), the mel filters (n_fft // 2 + 1, bands) and n_fft."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_window) / n_window)
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate_hz / 2 / 700), bands + 2) / 2595) - 1)
    n_fft = 1 << (n_window - 1).bit_length()
    while True:
        hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)[:, None]
        rising = (hz - corners[:-2]) / (corners[1:-1] - corners[:-2])
        falling = (corners[2:] - hz) / (corners[2:] - corners[1:-1])
        filters = np.maximum(0, np.minimum(rising, falling))
        if filters.any(axis=0).all():
            return window, filters, n_fft
        n_fft *= 2


def cepstra(log_bands: np.ndarray, coefficients: int) -> np.ndarray:
    """Return the first coefficients of the orthonormal DCT-II of each row, float64 (n_frames, coefficients).

    Orthonormal, so that with as many coefficients as bands distances stay as they are. The first is √bands times the mean band.
    Source: S. Davis, P. Mermelstein (1980), doi:10.1109/TASSP.1980.1163420. Differs: scaled to be orthonormal; not liftered.
    """
    from scipy.fft import dct  # 0.2 s that only cepstra need

    return dct(log_bands, type=2, norm="ortho", axis=1)[:, :coefficients]


def slopes(rows: np.ndarray) -> np.ndarray:
    """Return each column's least-squares slope per frame over ±SLOPE_REACH frames, the first and last row repeated beyond the ends."""
    reach = np.arange(1, SLOPE_REACH + 1)
    padded = np.pad(rows, ((SLOPE_REACH, SLOPE_REACH), (0, 0)), mode="edge")
    n = len(rows)
    rises = [k * (padded[SLOPE_REACH + k :][:n] - padded[SLOPE_REACH - k :][:n]) for k in reach]
    return np.sum(rises, axis=0) / (2 * np.sum(reach**2))


def normalised(rows: np.ndarray, *, spread: bool) -> np.ndarray:
    """Return each column less its mean and, with `spread`, divided by its standard deviation plus LEAST_SPREAD.

    Of logarithmic spectra, this takes off whatever filters the whole clip alike: microphone, room, the voice's average.
    Source: B. S. Atal (1974), doi:10.1121/1.1914702 (the mean). Differs: LEAST_SPREAD.
    """
    centred = rows - rows.mean(axis=0)
    return centred / (rows.std(axis=0) + LEAST_SPREAD) if spread else centred
