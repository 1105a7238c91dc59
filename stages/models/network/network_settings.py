"""Settings of networks, and their grid."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts.model import Config
from stages.contracts.settings import Settings
from stages.foundation.registry import names
from stages.foundation.seeds import derived_seed
from stages.model_selection.grid import product

# The encoder of each modality where params.yaml names none.
DEFAULT_ENCODERS: Mapping[str, tuple[str, ...]] = {
    "image": ("cnn",), "tactile": ("cnn",), "audio": ("cnn",), "series": ("cnn_1d",), "set": ("deep_sets",), "graph": ("gin",),
    "text": ("embedding_bag",), "table": ("category_embeddings",), "vector": ("plain",),
}  # fmt: skip

Rate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, le=10)]
Share = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(ge=1, le=4096)]
Count = Annotated[int, Field(ge=1)]


class NetworkSettings(Settings):
    encoders: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        {}, description="by modality, any of the encoders that read it: {image: [cnn, cnn_pooled], series: [gru, lstm, cnn_1d]}"
    )
    with_features: tuple[bool, ...] = Field((True,), min_length=1, description="whether the flat features stand next to a structured form")
    width: tuple[Width, ...] = Field((32,), min_length=1, description="values of an embedding and of the hidden layer on all of them")
    learning_rate_init: tuple[Rate, ...] = Field(
        (0.01,), min_length=1, description="largest step sizes, each above 0, at most 10; they rise over the first 20 steps"
    )
    weight_decay: tuple[Decay, ...] = Field((0.3,), min_length=1, description="decoupled weight decays, 0 to 10")
    dropout: tuple[Share, ...] = Field((0.0, 0.1), min_length=1, description="shares of embedded and hidden values that are dropped")
    modality_dropout: tuple[Share, ...] = Field((0.0,), min_length=1, description="shares of modalities that are dropped; one is kept")
    class_weight: tuple[Literal["none", "balanced"], ...] = Field(
        ("none",), min_length=1, description="none, or balanced: rows weigh as if classes had equal shares"
    )
    optimizer: tuple[str, ...] = Field(("adam",), min_length=1, description="update rules, of stages/optimizers/")
    schedule: tuple[str, ...] = Field(("linear_decay",), min_length=1, description="of the learning rate, of stages/schedules/")
    n_iter: Literal["all"] | Count = Field(4, description="'all', or the size of a seeded random sample of the grid")
    max_iter: int = Field(16, ge=1, le=100_000, description="most epochs")
    n_iter_no_change: int = Field(4, ge=1, description="epochs without a lower held-out loss before a network stops")
    batch_size: int = Field(64, ge=1, description="rows per step")
    max_steps: int = Field(48, ge=4, le=4096, description="most steps of a sequence, to which longer ones are averaged, and most points")
    n_terms: int = Field(4096, ge=1, le=1_000_000, description="most terms of a vocabulary, the most frequent ones")
    critical_points: bool = Field(False, description="gradient and extreme curvature of the loss where training on an outer fold ended")
    device: Literal["cpu", "cuda", "auto"] = Field("auto", description="cpu, cuda, or auto: cuda if there is one, with bytes of its own")

    renamed: ClassVar[Mapping[str, str]] = {
        "epochs": "max_iter", "patience": "n_iter_no_change", "batch": "batch_size", "learning_rate": "learning_rate_init",
    }  # fmt: skip

    @field_validator("encoders")
    @classmethod
    def _of_known_names(cls, values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for modality, chosen in values.items():
            if modality not in DEFAULT_ENCODERS:
                raise ValueError(f"{modality!r} is no modality with encoders; there are {', '.join(DEFAULT_ENCODERS)}")
            for name in chosen:
                _require("network_encoders", name)
        return values

    @field_validator("optimizer")
    @classmethod
    def _known_optimizers(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for name in values:
            _require("optimizers", name)
        return values

    @field_validator("schedule")
    @classmethod
    def _known_schedules(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for name in values:
            _require("schedules", name)
        return values


def _require(kind: str, name: str) -> None:
    if name not in names(kind):
        raise ValueError(f"no {name!r} among {kind.replace('_', ' ')}; there are {', '.join(names(kind))}")


def grid(settings: NetworkSettings, seed: int) -> list[Config]:
    """Return the configurations, small networks first: the whole product, or a seeded random sample of it."""
    encoders = {**DEFAULT_ENCODERS, **settings.encoders}
    configs = product(
        encoders=[dict(chosen) for chosen in product(**encoders)],
        with_features=settings.with_features,
        width=sorted(settings.width),
        dropout=sorted(settings.dropout, reverse=True),
        modality_dropout=settings.modality_dropout,
        class_weight=settings.class_weight,
        weight_decay=sorted(settings.weight_decay, reverse=True),
        learning_rate_init=sorted(settings.learning_rate_init),
        optimizer=settings.optimizer,
        schedule=settings.schedule,
    )
    if settings.n_iter == "all" or settings.n_iter >= len(configs):
        return configs
    rng = np.random.default_rng(derived_seed(seed, "network", "configurations"))
    return [configs[i] for i in sorted(rng.choice(len(configs), settings.n_iter, replace=False))]
