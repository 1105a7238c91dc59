"""What evaluate writes for the report's gallery of errors: the samples that one candidate is most wrong about, small enough for a page."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.quantities import Count, CountFromOne, MaybeShare, NonNegative

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class TextExhibit(Document):
    """The beginning of a text of n_characters."""

    kind: Literal["text"] = "text"
    text: str
    n_characters: Count


class TableExhibit(Document):
    """The first cells of a row, or facts of a sample: [name, value] each, of n_cells."""

    kind: Literal["table"] = "table"
    cells: tuple[tuple[str, str], ...]
    n_cells: Count


class ImageExhibit(Document):
    """A PNG of height × width pixels, reduced if the image was larger."""

    kind: Literal["image"] = "image"
    png: Base64
    height: CountFromOne
    width: CountFromOne


class SoundExhibit(Document):
    """The beginning of a clip as WAV (16 bit, mono). wave: its least and greatest value in equal parts, in percent of full scale."""

    kind: Literal["sound"] = "sound"
    wav: Base64
    shown_seconds: NonNegative
    seconds: NonNegative
    wave: tuple[tuple[int, int], ...]


class LinesExhibit(Document):
    """The first channels of a series of n_points, each as means of equal parts, in its own unit."""

    kind: Literal["lines"] = "lines"
    lines: tuple[tuple[Number, ...], ...]
    n_channels: Count
    n_points: Count


class PointsExhibit(Document):
    """The first two coordinates of some of n_points points."""

    kind: Literal["points"] = "points"
    points: tuple[tuple[float, float], ...]
    n_points: Count


class NoExhibit(Document):
    """Why a modality of a sample is not shown."""

    kind: Literal["none"] = "none"
    why: str


Exhibit = TextExhibit | TableExhibit | ImageExhibit | SoundExhibit | LinesExhibit | PointsExhibit | NoExhibit


class ShownModality(Document):
    """A modality of a sample. n_files: of which the first is shown."""

    modality: str
    n_files: Count
    exhibit: Exhibit = Field(discriminator="kind")


class Mistake(Document):
    """A sample that is predicted wrong. true, predicted: the class, the labels or the values of `targets` (the most wrong ones), as text.

    confidence: the probability of the predicted class; null for labels and targets. loss: what the samples are ranked by.
    """

    sample_id: str
    repeat: Count
    fold: Count
    true: tuple[str, ...]
    predicted: tuple[str, ...]
    targets: tuple[str, ...] = Field((), exclude_if=lambda value: not value)
    confidence: MaybeShare
    loss: NonNegative
    shown: tuple[ShownModality, ...]


class Gallery(Document):
    """The most wrong samples of one candidate, the worst first; none where the gallery is off."""

    dataset: str
    candidate: Candidate = Field(description="the best learner, or the best control without one")
    ranked_by: Literal["confidence", "log-loss", "residual"] = Field(
        description="confidence in the wrong class; mean log-loss of the labels; root mean squared error in standard deviations")
    n_wrong: Count = Field(description="tested samples that are predicted wrong; for regression all whose target is known")
    n_tested: Count = Field(description="tested samples")
    mistakes: tuple[Mistake, ...]

    def contradictions(self) -> Iterable[str]:
        if len(self.mistakes) > self.n_wrong:
            yield f"mistakes: are {len(self.mistakes)}; expected at most n_wrong, {self.n_wrong}"
        if self.n_wrong > self.n_tested:
            yield f"n_wrong: expected at most n_tested, {self.n_tested}, found {self.n_wrong}"


DOCUMENT = DocumentSchema(
    name="gallery",
    path="data/evaluation/{dataset}/gallery.json",
    meaning="samples of the largest errors, with what the report shows of them",
    kinds=(Gallery,),
)
