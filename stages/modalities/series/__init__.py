"""Multivariate time series (force and torque, joint sensors, inertial sensors, pen strokes): time-domain features per channel, as one row.

A series is T points of c channels at one declared rate; T differs between samples. A gap (NaN) inside a channel is filled by linear
interpolation over time, a gap at an end with the nearest value; a channel without any value stays missing (NaN), and a series without any
value cannot be read.

Features by group; one per channel unless stated otherwise. t is in seconds, a step is one sample of the series.
    level            mean, median, quartiles, min, max, first, last
    spread           standard deviation, skewness, kurtosis (minus 3), root mean square
    change           slope (least squares, per second), mean |difference| per second, crossings of the mean per second
    autocorrelation  at lags of `lags` steps; missing if the series is not longer than the lag
    spectrum         of the series minus its mean: frequency of the strongest bin and spectral centroid in Hz, and the shares of the power
                     in octaves below half the rate (the last share: all lower frequencies)
    correlation      of every pair of channels
    length           of the series in seconds (one)
    values           the series itself, resampled to `points` points in equal steps by linear interpolation
For a constant channel, skewness, kurtosis, correlations, autocorrelation and spectrum are 0.

Units are mixed, so the encoding is `table` (numeric only): train standardizes the columns on its training rows.
Source: the features are a subset of tsfresh's, doi:10.1016/j.neucom.2018.03.067. Differs: in seconds and Hz, not in points.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values
from stages.modalities.series.series_corruptions import CORRUPTIONS
from stages.modalities.series.time_domain import Row, autocorrelation, change, level, resampled_values, spectrum, spread
from stages.samples.exhibits import show_series
from stages.samples.points import Channels, extremes, numeric_columns, points_column, read_points
from stages.samples.pooling import PoolableSettings

Group = Literal["level", "spread", "change", "autocorrelation", "spectrum", "correlation", "length", "values"]
GROUPS: tuple[Group, ...] = get_args(Group)
Lag = Annotated[int, Field(ge=1, le=100_000)]


class SeriesSettings(PoolableSettings):
    rate_hz: float = Field(1.0, gt=0, le=1e9, description="points per second")
    channels: Channels | None = Field(None, min_length=1, description="names of the channels, in their order, or null: 0, 1, …")
    features: tuple[Group, ...] = Field(GROUPS, min_length=1, description=f"groups of features, of {', '.join(GROUPS)}")
    points: int = Field(8, ge=2, le=4096, description="points to which `values` are resampled")
    lags: tuple[Lag, ...] = Field((1, 2, 4, 8), description="lags of the autocorrelation, in points of the series")
    octaves: int = Field(5, ge=1, le=24, description="octaves below half the rate with a share of the power each")
    max_missing_share: float = Field(0.5, ge=0, le=1, description="validate: share of samples that lack a channel, at most")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of constant series, at most")


def featurize(column: pa.Array | pa.ChunkedArray, settings: SeriesSettings) -> Features:
    """Return numeric float64 (n, p) (NaN: missing), no categorical columns, and `series`: the series with gaps filled."""
    samples, channels = read_points(column, settings.channels, _filled)
    names = _names(channels, settings)
    rows = [np.concatenate([values.ravel() for values in _features(series, settings).values()]) for series in samples]
    columns = {**numeric_columns(rows, len(names)), "series": points_column(samples, len(channels))}
    fit = {"max_categories": 2}  # of the encoder of tables; there are no categories
    return Features(columns, "table", (len(names), 0), {"numeric": names, "categorical": [], "channels": list(channels)}, fit)


def _filled(series: np.ndarray) -> np.ndarray:
    """Return the series with the gaps inside each channel filled; raise ValueError if it holds no value."""
    gaps = np.isnan(series)
    if not gaps.any():
        return series
    if gaps.all():
        raise ValueError(f"no values: all {len(series)} points are missing (NaN) in every channel")
    steps, whole = np.arange(len(series)), series.copy()
    for channel in np.flatnonzero(gaps.any(axis=0) & ~gaps.all(axis=0)):
        gap = gaps[:, channel]
        whole[gap, channel] = np.interp(steps[gap], steps[~gap], series[~gap, channel])
    return whole


def _features(series: np.ndarray, settings: SeriesSettings) -> Row:
    """Return the features of float64 (T, c), in the order of their names."""
    missing = np.isnan(series[0])
    known = np.where(missing, 0.0, series)
    constant = (known == known[0]).all(axis=0)
    centred = np.where(constant, 0.0, known - known.mean(axis=0))
    deviation = np.sqrt((centred**2).mean(axis=0))
    standard = centred / np.where(deviation > 0, deviation, 1.0)
    row: Row = {}
    if "level" in settings.features:
        row |= level(known)
    if "spread" in settings.features:
        row |= spread(known, standard, deviation)
    if "change" in settings.features:
        row |= change(known, centred, settings.rate_hz)
    if "autocorrelation" in settings.features:
        row |= autocorrelation(standard, settings.lags)
    if "spectrum" in settings.features:
        row |= spectrum(standard, settings.rate_hz, settings.octaves)
    if "values" in settings.features:
        row |= resampled_values(known, settings.points)
    row = {name: np.where(missing, np.nan, values) for name, values in row.items()}
    if "correlation" in settings.features:
        a, b = _pairs(series.shape[1])
        row["correlation"] = np.where(missing[a] | missing[b], np.nan, (standard[:, a] * standard[:, b]).mean(axis=0))
    if "length" in settings.features:
        row["length"] = np.array([len(series) / settings.rate_hz])
    return row


@lru_cache(maxsize=8)
def _pairs(width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(width, 1)


def _names(channels: tuple[str, ...], settings: SeriesSettings) -> list[str]:
    """Return the names of the columns, in the order of `_features`."""
    names: list[str] = []
    for feature in _features(np.zeros((1, len(channels))), settings):
        if feature == "length":
            names.append("length")
        elif feature == "correlation":
            names += [f"{channels[a]}, {channels[b]}: correlation" for a, b in zip(*_pairs(len(channels)), strict=True)]
        else:
            names += [f"{channel}: {feature}" for channel in channels]
    return names


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per series: finite, missing_share (of its channels), n_points, variation (the largest range of a channel) and every
    channel's maximum as `channel:<name>` (NaN: missing).
    """
    channels = metadata.names["channels"]
    first, low, high, counts = extremes(table["series"])
    missing = np.isnan(first)
    return {
        "finite": ~np.isinf(column_values(table["numeric"])).any(axis=1),
        "missing_share": missing.mean(axis=1),
        "n_points": counts,
        "variation": np.where(missing, 0.0, high - low).max(axis=1, initial=0.0),
        **{f"channel:{name}": high[:, i] for i, name in enumerate(channels)},
    }


MISSING = "share of the series' channels without any value"
VARIATION = "largest range of a channel over the series; 0 is a dead sensor"


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: finite numbers, no channel missing too often, few constant series (`max_constant_share`)."""
    mostly, varied = 1 - metadata.settings["max_missing_share"], 1 - metadata.settings["max_constant_share"]
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "n_points", "min_value": 1}),
        (
            "expect_column_values_to_be_between",
            {"column": "missing_share", "min_value": 0.0, "max_value": 1.0, "strict_max": True, "notes": MISSING},
        ),
        (
            "expect_column_values_to_be_between",
            {"column": "variation", "min_value": 0.0, "strict_min": True, "mostly": varied, "notes": VARIATION},
        ),
        *(("expect_column_values_to_not_be_null", {"column": f"channel:{n}", "mostly": mostly}) for n in metadata.names["channels"]),
    ]


MODALITY = Modality(
    name="series",
    settings=SeriesSettings,
    column_types=("list", "large_list", "fixed_size_list"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_series,
    corruptions=CORRUPTIONS,
)
