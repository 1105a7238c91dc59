"""Settings of the set modality."""

from typing import Literal, get_args

from pydantic import Field

from stages.samples.points import Channels
from stages.samples.pooling import PoolableSettings

Group = Literal["moments", "extent", "axes", "distances", "grid", "count"]
GROUPS: tuple[Group, ...] = get_args(Group)


class SetSettings(PoolableSettings):
    channels: Channels | None = Field(None, min_length=1, description="names of the coordinates, in their order, or null: 0, 1, …")
    centre: bool = Field(True, description="whether the centroid is moved to the origin, so that features do not depend on position")
    scale: bool = Field(True, description="whether the set is scaled to unit size, so that features do not depend on size")
    features: tuple[Group, ...] = Field(GROUPS, min_length=1, description=f"groups of features, of {', '.join(GROUPS)}")
    bins: int = Field(10, ge=2, le=256, description="bins of the histograms of distances")
    grid: int = Field(3, ge=2, le=64, description="parts of every coordinate's range")
    max_pairs: int = Field(20_000, ge=1, le=10_000_000, description="pairs of points whose distance is computed, at most")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of sets of one point, or copies of one, at most")
