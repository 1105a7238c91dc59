"""Time-domain features of a series: each function returns name → float64 (c,), one value per channel.

`known` is a series (T, c) without gaps, `centred` the same minus its mean, `standard` that divided by its standard deviation (0 for a
constant channel). The package's docstring defines the features.
"""

import itertools

import numpy as np

from stages.samples.points import between

Row = dict[str, np.ndarray]


def level(known: np.ndarray) -> Row:
    ordered = np.sort(known, axis=0)
    quartiles = between(ordered, np.array([0.25, 0.5, 0.75]) * (len(ordered) - 1))
    names = ("mean", "first quartile", "median", "third quartile", "min", "max", "first", "last")
    return dict(zip(names, [known.mean(axis=0), *quartiles, ordered[0], ordered[-1], known[0], known[-1]], strict=True))


def spread(known: np.ndarray, standard: np.ndarray, deviation: np.ndarray) -> Row:
    return {
        "deviation": deviation,
        "skewness": (standard**3).mean(axis=0),
        "kurtosis": np.where(deviation > 0, (standard**4).mean(axis=0) - 3, 0.0),
        "root mean square": np.sqrt((known**2).mean(axis=0)),
    }


def change(known: np.ndarray, centred: np.ndarray, rate_hz: float) -> Row:
    n_steps = len(known) - 1
    time = (np.arange(n_steps + 1) - n_steps / 2) / rate_hz
    steps = np.abs(np.diff(known, axis=0)).sum(axis=0) / max(1, n_steps)
    crossings = np.count_nonzero(np.diff(centred < 0, axis=0), axis=0)
    return {
        "slope": (time[:, None] * centred).sum(axis=0) / max((time**2).sum(), np.finfo(float).tiny),
        "mean step": steps * rate_hz,
        "crossings": crossings * (rate_hz / len(known)),
    }


def autocorrelation(standard: np.ndarray, lags: tuple[int, ...]) -> Row:
    n, width = standard.shape
    missing = np.full(width, np.nan)
    return {f"lag {lag}": (standard[lag:] * standard[: n - lag]).sum(axis=0) / n if lag < n else missing for lag in lags}


def spectrum(standard: np.ndarray, rate_hz: float, octaves: int) -> Row:
    """Return features of the periodogram without its constant; the shares of the octaves from low to high."""
    n = len(standard)
    waves = np.fft.rfft(standard, axis=0)[1:]
    power = waves.real**2 + waves.imag**2
    if len(power) == 0:  # a single point
        power = np.zeros((1, standard.shape[1]))
    hz = np.arange(1, len(power) + 1) * (rate_hz / n)
    total = power.sum(axis=0)
    share = power / np.where(total > 0, total, 1.0)
    band = np.searchsorted(_edges(rate_hz, octaves), hz * (1 - 1e-9))  # an edge belongs to the octave below it
    shares = [share[band == i].sum(axis=0) for i in range(octaves + 1)]
    strongest = np.where(total > 0, hz[power.argmax(axis=0)], 0.0)
    named = dict(zip((f"power {span}" for span in _spans(rate_hz, octaves)), shares, strict=True))
    return {"strongest Hz": strongest, "centre Hz": (hz[:, None] * share).sum(axis=0), **named}


def resampled_values(known: np.ndarray, n_points: int) -> Row:
    points = between(known, np.linspace(0, len(known) - 1, n_points))
    return {f"value {i}": point for i, point in enumerate(points)}


def _edges(rate_hz: float, octaves: int) -> np.ndarray:
    """Return the frequencies between octaves in Hz, ascending."""
    return rate_hz / 2.0 ** np.arange(octaves + 1, 1, -1)


def _spans(rate_hz: float, octaves: int) -> list[str]:
    edges = [f"{hz:.3g}" for hz in (*_edges(rate_hz, octaves), rate_hz / 2)]
    return [f"below {edges[0]} Hz", *(f"{low}–{high} Hz" for low, high in itertools.pairwise(edges))]
