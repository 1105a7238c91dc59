"""What can happen to sensors that are read T times, whatever their arrangement: to the values (T, …) of one sample.

NaN (no reading) stays NaN. Nothing is changed in place. Draws depend on the shape of the sample alone, never on the strength.
"""

import numpy as np


def with_noise(values: np.ndarray, strength: float, random: np.random.Generator, spread: np.ndarray) -> np.ndarray:
    """Return values with independent Gaussian noise of standard deviation `strength` · `spread`, of a shape that broadcasts to (…)."""
    return values + strength * spread * random.standard_normal(values.shape)


def without_sensors(values: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return values in which each sensor is dead (NaN) throughout with probability `strength`; one that has readings always stays."""
    chance = random.random(values.shape[1:])
    has_readings = ~np.isnan(values).all(axis=0)
    if not has_readings.any():
        return values
    last = np.unravel_index(np.where(has_readings, chance, -1.0).argmax(), chance.shape)
    dead = chance < strength
    dead[last] = False
    return np.where(dead, np.nan, values)


def with_drift(values: np.ndarray, strength: float, random: np.random.Generator, spread: np.ndarray) -> np.ndarray:
    """Return values with an offset that grows linearly from 0 to ±`strength` · `spread`, a sign per sensor; one reading does not drift."""
    sign = random.choice([-1.0, 1.0], values.shape[1:])
    ramp = np.linspace(0.0, 1.0, len(values)).reshape(-1, *[1] * (values.ndim - 1))
    return values + strength * spread * sign * ramp


def shifted(values: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return values moved by the share `strength` of the T readings, earlier or later; the first or last reading is repeated."""
    direction = int(random.choice([-1, 1]))
    steps = direction * round(strength * len(values))
    return values[np.clip(np.arange(len(values)) - steps, 0, max(0, len(values) - 1))]


def spreads(samples: list[np.ndarray]) -> np.ndarray:
    """Return the standard deviation of each sensor over all readings of all samples (T_i, …); 0 where there is none."""
    if not samples:
        return np.zeros(1)
    values = np.concatenate(samples)
    known = ~np.isnan(values)
    n_known = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, values, 0.0).sum(axis=0) / n_known
    return np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(axis=0) / n_known)
