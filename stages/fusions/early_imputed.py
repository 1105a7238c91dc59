"""Blocks next to one another, each with the same weight; a block that a sample lacks is imputed, so that no sample is left out of training.

Vectors by the mean of the training samples that have one, terms by none, cells of tables by their own encoder, which marks them. Only where
samples lack modalities.
"""

from stages.contracts.fusion import ImputedFusion
from stages.contracts.settings import Settings

FUSION = ImputedFusion(name="early_imputed", title="early, missing ones imputed", settings=Settings)
