"""Shared preprocessing: what a linear learner scores if its features are fitted on the test rows too, next to its score by the protocol.

Vocabulary, idf, imputation, standardisation, categories, the blocks' scales and principal components are fitted once on training and test
rows of each outer fold, as where a data set is scaled as a whole before it is split. No target is involved. The gap is what that adds to
the score; the folds are the same.
"""

from dataclasses import replace

from stages.contracts.control import ControlData, Leaking
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings


class SharedFitSettings(Settings):
    """It has no settings."""


def leaking(data: ControlData, settings: SharedFitSettings) -> Problem:
    """Return the problem whose preprocessing sees the test rows."""
    return replace(data.problem, fits_on_test_rows=True)


CONTROL = Leaking(name="shared_fit", settings=SharedFitSettings, what="features were fitted on test rows too", leaking=leaking)
