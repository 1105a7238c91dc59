"""Embedding bag: a vector per term of the vocabulary; a text is the sum of its terms' vectors, each times the term's weight."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch

SMALL = 2000  # first vectors are small: those of rare terms stay so, and are no noise


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return Σ weight · E[term]."""
    import torch
    from torch.nn.functional import embedding_bag

    table = weights.tensor("embedding", (facts["n_terms"], width), SMALL)

    def encode(batch: Batch) -> "torch.Tensor":
        n_networks, n_terms, _ = table.shape
        rows = table.reshape(n_networks * n_terms, width)
        if table.dtype == torch.float64:  # where second derivatives are wanted, which embedding_bag has not
            bag = torch.bucketize(torch.arange(len(batch["ids"]), device=table.device), batch["offsets"], right=True) - 1
            bags = rows.new_zeros(len(batch["offsets"]), width).index_add(0, bag, rows[batch["ids"]] * batch["weights"][:, None])
        else:
            bags = embedding_bag(batch["ids"], rows, batch["offsets"], mode="sum", per_sample_weights=batch["weights"])
        return bags.reshape(n_networks, -1, width)

    return encode


ENCODER = NetworkEncoder(
    name="embedding_bag",
    title="embedding bag",
    reads=("terms",),
    make=make,
    source="Iyyer et al. 2015, Deep Unordered Composition Rivals Syntactic Methods for Text Classification, ACL; Joulin et al. 2017, EACL",
)
