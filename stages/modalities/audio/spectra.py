"""Spectra of audio: resampling, power in mel bands, cepstra and their slopes. Rows are frames, in order of time."""

import math
from functools import lru_cache

import numpy as np

CHUNK_FRAMES = 256  # frames transformed at once: few calls, and intermediate results fit the processor's cache
SLOPE_REACH = 2  # frames on each side over which a slope is fitted
LEAST_SPREAD = 0.1  # in natural logarithms of power: added to a standard deviation, so that constant values are not amplified


def resample(signal: np.ndarray, rate_hz: int, to_hz: int) -> np.ndarray:
    """Return `signal` (n,) at `to_hz`: a polyphase filter with a Kaiser window, scipy's default."""
    if rate_hz == to_hz or len(signal) == 0:
        return signal
    divisor = math.gcd(rate_hz, to_hz)
    up, down = to_hz // divisor, rate_hz // divisor
    from scipy.signal import resample_poly  # here: the import takes 0.6 s, and checking params.yaml imports this file

    return resample_poly(signal, up, down, window=_low_pass(max(up, down)))


@lru_cache(maxsize=16)
def _low_pass(factor: int) -> np.ndarray:
    """Return the filter of `resample_poly`, which would otherwise design it for every clip (two thirds of its time)."""
    from scipy.signal import firwin

    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0))


class MelBank:
    """Power in each mel band of each frame of many signals, CHUNK_FRAMES frames at a time, across signals.

    Frames of `n_window` samples every `n_offset` (only whole ones), periodic Hann window w, power |FFT(w·x)|² / (Σw)² · n_window / n_fft,
    so that a sine of amplitude 1 adds up to 0.375 (1/4, times the window's noise bandwidth of 1.5 bins) whatever the window and the
    padding. The FFT is padded until every filter has a bin. Filters: triangles of height 1 between points equally spaced on
    O'Shaughnessy's mel scale, 2595·log10(1 + f/700), from 0 to rate_hz/2.
    """

    def __init__(self, rate_hz: int, *, n_window: int, n_offset: int, bands: int) -> None:
        self.window, filters, n_fft = _filters(rate_hz, n_window, bands)
        self.n_offset, self.bands = n_offset, bands
        filters = filters * (n_window / n_fft / self.window.sum() ** 2)
        within = [np.flatnonzero(band) for band in filters.T]
        self.firsts, self.ends = np.array([bins[0] for bins in within]), np.cumsum([0, *map(len, within)])
        self.weights = np.concatenate([band[bins] for band, bins in zip(filters.T, within, strict=True)])
        self.padded, self.spectra = np.zeros((CHUNK_FRAMES, n_fft)), np.empty((CHUNK_FRAMES, n_fft // 2 + 1), np.complex128)
        self.n_buffered = 0
        self.found: list[np.ndarray] = []

    def add(self, signal: np.ndarray) -> int:
        """Add the frames of a signal (n,), float64, at least as long as the window; return their number."""
        n_window, step = len(self.window), self.n_offset * signal.itemsize
        shape = (1 + (len(signal) - n_window) // self.n_offset, n_window)
        frames = np.ndarray(shape, signal.dtype, np.ascontiguousarray(signal), strides=(step, signal.itemsize))
        done = 0
        while done < len(frames):
            chunk = frames[done : done + CHUNK_FRAMES - self.n_buffered]
            np.multiply(chunk, self.window, out=self.padded[self.n_buffered : self.n_buffered + len(chunk), :n_window])
            done, self.n_buffered = done + len(chunk), self.n_buffered + len(chunk)
            if self.n_buffered == CHUNK_FRAMES:
                self._transform()
        return len(frames)

    def _transform(self) -> None:
        from stages.modalities.audio.compiled_mel import band_power  # here: numba takes 0.3 s to import

        spectra = np.fft.rfft(self.padded[: self.n_buffered], axis=1, out=self.spectra[: self.n_buffered])
        power = np.empty((self.n_buffered, self.bands))
        band_power(spectra, self.firsts, self.ends, self.weights, power)
        self.found.append(power)
        self.n_buffered = 0

    def power(self) -> np.ndarray:
        """Return the power in each band of all frames, float64 (Σ n_frames, bands), in the order of `add`."""
        if self.n_buffered:
            self._transform()
        return np.concatenate(self.found) if self.found else np.empty((0, self.bands))


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

    Orthonormal: with as many coefficients as bands, distances are preserved. The first is √bands times the mean band.
    Source: S. Davis, P. Mermelstein (1980), doi:10.1109/TASSP.1980.1163420. Differs: scaled to be orthonormal; not liftered.
    """
    from scipy.fft import dct  # here: the import takes 0.2 s

    return dct(log_bands, type=2, norm="ortho", axis=1)[:, :coefficients]


def slopes(rows: np.ndarray) -> np.ndarray:
    """Return each column's least-squares slope per frame over ±SLOPE_REACH frames, the first and last row repeated beyond the ends."""
    reach = np.arange(1, SLOPE_REACH + 1)
    padded = np.pad(rows, ((SLOPE_REACH, SLOPE_REACH), (0, 0)), mode="edge")
    n = len(rows)
    rises = [k * (padded[SLOPE_REACH + k :][:n] - padded[SLOPE_REACH - k :][:n]) for k in reach]
    return np.sum(rises, axis=0) / (2 * np.sum(reach**2))


def normalized(rows: np.ndarray, *, spread: bool) -> np.ndarray:
    """Return each column minus its mean and, with `spread`, divided by its standard deviation plus LEAST_SPREAD.

    For logarithmic spectra, this removes every constant filter of the clip: microphone, room, the voice's average.
    Source: B. S. Atal (1974), doi:10.1121/1.1914702 (the mean). Differs: LEAST_SPREAD.
    """
    centered = rows - rows.mean(axis=0)
    return centered / (rows.std(axis=0) + LEAST_SPREAD) if spread else centered
