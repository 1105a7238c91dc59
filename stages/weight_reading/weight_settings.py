"""The settings of an entry of the section `read_weights:`."""

from pydantic import Field

from stages.contracts.settings import Settings


class ReadWeightsEntry(Settings):
    datasets: tuple[str, ...] | None = Field(None, min_length=1, description="data sets on which the model is read; null: all")
    n_terms: int = Field(50, ge=1, le=100_000, description="terms of sparse features that are kept of each output: those with the largest "
                         "weights for it, and as many against it; of other features all weights are kept")
    n_shown: int = Field(2, ge=0, le=20, description="support vectors shown of each plane and of the largest slacks, of each modality; "
                         "evaluate.gallery: 0 shows none")
