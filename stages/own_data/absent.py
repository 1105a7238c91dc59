"""A sample that lacks a modality, which is no mistake: its cell is empty, or the file that it names is not there."""

from dataclasses import dataclass, field


class AbsentError(ValueError):
    """A sample lacks a modality. `looked_for`: the name or pattern of a file that is not there; "" if no file is named."""

    def __init__(self, reason: str, looked_for: str = "") -> None:
        self.looked_for = looked_for
        super().__init__(reason)


@dataclass
class Faults:
    """Why samples have no value of one modality. bad: sample → why it cannot be read. absent: sample → what says that it lacks it."""

    bad: dict[str, str]
    absent: dict[str, AbsentError] = field(default_factory=dict)

    def add(self, sample: str, error: ValueError) -> None:
        """Note why a sample has no value; the first reason that it cannot be read stays."""
        if isinstance(error, AbsentError):
            self.absent.setdefault(sample, error)
        else:
            self.bad.setdefault(sample, str(error))
