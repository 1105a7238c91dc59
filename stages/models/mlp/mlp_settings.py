"""Settings of multilayer perceptrons, and their grid."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.foundation.seeds import derived_seed
from stages.model_selection.grid import product

Activation = Literal["relu", "tanh", "logistic", "softplus", "identity"]
LossName = Literal["auto", "log", "hinge", "hinge_max", "squared"]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(min_length=1, max_length=16)]
Rate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, le=10)]
Count = Annotated[int, Field(ge=1)]

HINGES = ("hinge", "hinge_max")
FORMS: dict[str, tuple[TargetForm, ...]] = {
    **dict.fromkeys(("log", *HINGES), ("classes", "labels")),
    "squared": ("continuous",),
    "auto": ("classes", "labels", "continuous"),
}


class MlpSettings(Settings):
    hidden_layer_sizes: tuple[Sizes, ...] = Field(
        ((32,), (128,), (32, 32), (128, 128)), min_length=1, description="lists of hidden layers' widths, one to 16 layers"
    )
    activation: tuple[Activation, ...] = Field(
        ("relu", "tanh"), min_length=1, description="any of relu, tanh, logistic, softplus, identity"
    )
    loss: tuple[LossName, ...] = Field(
        ("auto",), min_length=1, description="any of auto (log; of continuous targets squared), log, hinge, hinge_max, squared"
    )
    margin: float = Field(1.0, gt=0, description="hinges: by how much Δ the right class's output should be above the others")
    optimizer: tuple[str, ...] = Field(("adamw",), min_length=1, description="update rules, of stages/optimizers/; adamw is the fast one")
    optimizer_settings: Mapping[str, Mapping[str, Any]] = Field(
        {}, description="by the name of an optimizer, settings that are not the default"
    )
    schedule: tuple[str, ...] = Field(("constant",), min_length=1, description="of the learning rate, of stages/schedules/")
    learning_rate_init: tuple[Rate, ...] = Field((0.001, 0.003), min_length=1, description="first step sizes, each above 0, at most 10")
    weight_decay: tuple[Decay, ...] = Field(
        (0.0001, 0.01),
        min_length=1,
        description="decoupled weight decays (AdamW), 0 to 10; of full-batch optimizers half the penalty's factor",
    )
    n_iter: Literal["all"] | Count = Field("all", description="'all', or the size of a seeded random sample of the grid")
    n_components: int | None = Field(128, ge=1, description="principal components of each dense block, or null for its own columns")
    n_terms: int | None = Field(
        4096, ge=1, description="most columns of each sparse block, those of the largest variance; null: `n_components` instead"
    )
    max_iter: int = Field(60, ge=1, le=100_000, description="most epochs")
    n_iter_no_change: int = Field(8, ge=1, description="epochs without a lower held-out loss before a network stops")
    batch_size: int = Field(64, ge=1, description="rows per step; full-batch optimizers take one step per epoch")
    critical_points: bool = Field(True, description="gradient and extreme curvature of the loss where training on an outer fold ended")

    renamed: ClassVar[Mapping[str, str]] = {
        "width": "hidden_layer_sizes", "depth": "hidden_layer_sizes", "learning_rate": "learning_rate_init", "configurations": "n_iter",
        "components": "n_components", "epochs": "max_iter", "patience": "n_iter_no_change", "batch": "batch_size",
    }  # fmt: skip

    @field_validator("optimizer", "schedule")
    @classmethod
    def _known_rules(cls, values: tuple[str, ...], info: Any) -> tuple[str, ...]:
        known = names(f"{info.field_name}s")
        if unknown := [name for name in values if name not in known]:
            raise ValueError(f"no {unknown[0]!r} under stages/{info.field_name}s/; there are: {', '.join(known)}")
        return values

    @model_validator(mode="after")
    def _known_optimizer_settings(self) -> Self:
        if strange := [name for name in self.optimizer_settings if name not in self.optimizer]:
            raise ValueError(f"optimizer_settings.{strange[0]}: it is not in optimizer: {', '.join(self.optimizer)}")
        for name, given in self.optimizer_settings.items():
            if "weight_decay" in given:
                raise ValueError(f"optimizer_settings.{name}.weight_decay: it is swept by weight_decay of the model")
            allowed = component("optimizers", name).settings
            try:
                allowed(**given)
            except ValidationError as error:
                wrong = error.errors()[0]
                where, there_are = ".".join(map(str, (name, *wrong["loc"]))), ", ".join(allowed.model_fields) or "none"
                raise ValueError(f"optimizer_settings.{where}: {wrong['msg']}; known are {there_are}") from error
        return self


def grid(settings: MlpSettings, seed: int) -> list[Config]:
    """Return the configurations, small networks first: the whole product, or a seeded random sample of those of each form of target.

    Configurations of networks with the usual loss and rule alone name none of them; what a configuration does not have is null.
    """
    configs = list[Config]()
    for sizes in sorted(settings.hidden_layer_sizes, key=lambda sizes: (len(sizes), sizes)):
        for activation in settings.activation:
            for loss in settings.loss:
                for optimizer in settings.optimizer:
                    configs += product(
                        hidden_layer_sizes=[list(sizes)], activation=[activation], **_loss_of(settings, loss),
                        weight_decay=sorted(settings.weight_decay, reverse=True), **_rule_of(settings, optimizer),
                    )  # fmt: skip
    if settings.n_iter == "all":
        return configs
    drawn = {index for form in get_args(TargetForm) for index in _drawn(configs, form, settings.n_iter, seed)}
    return [configs[index] for index in sorted(drawn)]


def of_form(configs: list[Config], form: TargetForm) -> list[Config]:
    """Return the configurations whose loss targets of a form allow; two that are the same there are one."""
    found = dict[str, Config]()
    for config in configs:
        loss = config.get("loss", "auto")
        if form in FORMS[loss]:
            usual = "squared" if form == "continuous" else "log"
            found.setdefault(repr({**config, "loss": usual if loss == "auto" else loss}), config)
    return list(found.values())


def _drawn(configs: list[Config], form: TargetForm, n: int, seed: int) -> list[int]:
    """Return the places of a seeded random sample of the configurations that targets of a form allow."""
    allowed = of_form(configs, form)
    places = [place for place, config in enumerate(configs) if any(config is one for one in allowed)]
    if n >= len(places):
        return places
    rng = np.random.default_rng(derived_seed(seed, "mlp", "configurations"))
    return [places[i] for i in rng.choice(len(places), n, replace=False)]


def _loss_of(settings: MlpSettings, loss: str) -> dict[str, tuple[Any, ...]]:
    """Return the values of a configuration that tell its loss; none if no network of the grid has another than the usual one."""
    if settings.loss == ("auto",):
        return {}
    margin = {"margin": (settings.margin if loss in HINGES else None,)} if set(HINGES) & set(settings.loss) else {}
    return {"loss": (loss,), **margin}


def _rule_of(settings: MlpSettings, optimizer: str) -> dict[str, tuple[Any, ...]]:
    """Return the values of a configuration that tell how it is trained."""
    searches = component("optimizers", optimizer).searches_step
    found: dict[str, tuple[Any, ...]] = {"learning_rate_init": (None,) if searches else tuple(sorted(settings.learning_rate_init))}
    if settings.optimizer != ("adamw",) or settings.optimizer_settings:
        found |= {"optimizer": (optimizer,), "optimizer_settings": (dict(settings.optimizer_settings.get(optimizer, {})) or None,)}
    if settings.schedule != ("constant",):
        found |= {"schedule": (None,) if searches else settings.schedule}
    return found


def applicable(configs: list[Config], settings: MlpSettings, problem: Problem) -> list[Config]:
    """Return the configurations whose loss the targets allow.

    Raises:
        InputError: if there is none.
    """
    kept = of_form(configs, problem.form)
    if not kept:
        fitting = ", ".join(name for name, forms in FORMS.items() if problem.form in forms)
        raise InputError(
            f"params.yaml: models.mlp.loss: {', '.join(settings.loss)} is not a loss of targets that are {problem.form}; "
            f"add one of {fitting}"
        )
    return kept
