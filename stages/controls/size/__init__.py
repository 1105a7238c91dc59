"""Control of sizes alone: a learner that sees how much there is of a modality, never what is in it.

Sizes by modality:

    image                 bytes of the file, width, height
    audio                 bytes of the file, frames
    text                  characters, words, different terms
    graph                 nodes, edges
    set, series, tactile  points, samples or frames
    table, vector         missing values

Of several files of a sample also their number. A modality combination has the sizes of all its modalities. Where the sizes of no modality
differ between samples the control is not applicable. A model that does not beat it may have learned no more than sizes: classes of
molecules differ by their number of atoms, images by where they were scraped.
"""

import numpy as np

from stages.contracts.control import ControlData, Restricted
from stages.contracts.settings import Settings
from stages.controls.size.sizes import feature_lengths, sample_sizes


class SizeSettings(Settings):
    """No settings."""


def columns(data: ControlData, settings: SizeSettings) -> dict[str, np.ndarray]:
    """Return by modality the sizes of each sample, -1 where it has none."""
    found = {}
    for name, features in data.features.items():
        sizes = [*sample_sizes(data.samples.schema.field(name), data.samples[name]), *feature_lengths(features)]
        found[name] = np.stack(sizes, axis=1) if sizes else np.zeros((len(data.samples), 0))
    return found


CONTROL = Restricted(name="size", settings=SizeSettings, columns=columns, by_combination=True)
