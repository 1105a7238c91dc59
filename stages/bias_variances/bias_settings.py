"""The settings of an entry of the section `bias_variance:`."""

from typing import Any

from pydantic import Field

from stages.contracts.settings import Settings


class BiasVarianceEntry(Settings):
    parameter: str = Field(description="parameter of the model whose values are compared: n_neighbors, C, min_samples_leaf")
    values: tuple[Any, ...] | None = Field(None, min_length=2, description="of the parameter, in the order of growing or falling capacity; "
                                           "null: those of models.<model>")
    n_bootstraps: int = Field(10, ge=2, le=1000, description="bootstraps of each outer fold's training rows, by groups")
    datasets: tuple[str, ...] | None = Field(
        None, min_length=1, description="data sets for which it is computed; null: all; for none, leave the entry of the model out"
    )

    def swept(self, model_settings: dict[str, Any]) -> dict[str, Any]:
        """Return what params.yaml says of a model, with the values of the parameter."""
        return model_settings if self.values is None else {**model_settings, self.parameter: list(self.values)}
