"""What to write in params.yaml against a leak: own data have keys for it, those that a package carries have a file."""

from stages.contracts.detector import ExaminedDataSet, ExaminedModality


def keep_together(examined: ExaminedDataSet, which: str, column: str = "<column>") -> str:
    """Return how to keep samples in one fold."""
    if examined.official:
        return f"the official split has {which} in both parts: leave them out of one, or score without the official split"
    if examined.own:
        return f"datasets.{examined.name}.group: {column}  # a column that is equal for {which}; or leave all but one of them out"
    return f"let stages/datasets/{examined.name}.py give {which} one group"


def leave_out(examined: ExaminedDataSet, modality: ExaminedModality, column: str) -> str:
    """Return how to leave a column of a table out."""
    if examined.own:
        return f"datasets.{examined.name}.modalities.{modality.name}.without: [{column}]"
    return f"leave {column!r} out in stages/datasets/{examined.name}.py, and say so in its docstring"
