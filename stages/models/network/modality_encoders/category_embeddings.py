"""Embeddings of categories: each category of a column has a vector; those of a row stand next to its numbers, below a hidden layer.

A linear part stands next to that layer. It begins at zero, so that it stays zero along directions in which training rows do not differ. The
hidden layer sees asinh of its inputs: a value of 20 deviations would otherwise decide alone what a unit does.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stages.contracts.network_encoder import Batch, Encode, NetworkEncoder, NetworkWeights

if TYPE_CHECKING:
    import torch

WIDEST = 16  # values of a category's vector, at most


def make(facts: Mapping[str, Any], width: int, weights: NetworkWeights) -> Encode:
    """Return relu(asinh(x)·W + b)·V + c + x·U of x = [numbers, vectors]; a column of k categories has vectors of √k values, rounded up."""
    import torch
    from torch.nn.functional import relu

    sizes = [min(WIDEST, math.ceil(math.sqrt(n))) for n in facts["n_categories"]]
    # code 0 is another category, or one that no training row has
    shapes = [(n + 1, size) for n, size in zip(facts["n_categories"], sizes, strict=True)]
    tables = [weights.tensor(f"category {index}", shape, shape[1]) for index, shape in enumerate(shapes)]
    first = weights.linear("first", facts["width"] + sum(sizes), 2 * width)
    second = weights.linear("second", 2 * width, width)
    direct = weights.tensor("direct", (facts["width"] + sum(sizes), width), 0)

    def encode(batch: Batch) -> "torch.Tensor":
        codes = batch["codes"]
        network = torch.arange(len(codes), device=codes.device)[:, None]
        vectors = [table[network, codes[:, :, j]] for j, table in enumerate(tables)]
        values = torch.cat([batch["values"], *vectors], dim=-1)
        return second(relu(first(torch.asinh(values)))) + torch.bmm(values, direct)

    return encode


ENCODER = NetworkEncoder(
    name="category_embeddings",
    title="embeddings of categories",
    reads=("table",),
    make=make,
    source="Guo & Berkhahn 2016, Entity Embeddings of Categorical Variables, arXiv:1604.06737; a linear part is added",
)
