"""What read_weights writes for the report and the tracking server: margins, and weights and support vectors as a page shows them."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.documents.gallery_document import Base64, ShownModality
from stages.contracts.quantities import Count, CountFromOne, Finite, MaybeNonNegative, NonNegative, repeated
from stages.contracts.task import TargetForm


class WeightImage(Document):
    """Weights as a PNG of height × width pixels: zero is grey, `limit` the largest size of a weight, of full color.

    parts: names of images that lie next to one another. rows, columns: what the axes are, if not pixels.
    """

    kind: Literal["image"] = "image"
    png: Base64
    height: CountFromOne
    width: CountFromOne
    limit: NonNegative
    colours: Literal["signed", "channels"] = Field(description="signed: red above zero, blue below; channels: of each color of the pixel")
    parts: tuple[str, ...] = ()
    rows: str = ""
    columns: str = ""


class WeightBars(Document):
    """The features with the largest weights for and against the output: [name, weight] each, descending, of n_features.

    per: a unit of the feature, or its standard deviation over the training rows.
    """

    kind: Literal["bars"] = "bars"
    bars: tuple[tuple[str, Finite], ...]
    n_features: Count
    per: Literal["unit", "deviation"]


class ShownWeights(Document):
    """The weights of one modality in the function of one output."""

    output: str
    modality: str
    exhibit: WeightImage | WeightBars = Field(discriminator="kind")


class MarginFacts(Document):
    """One binary SVM. negative: null: without the label. norm: ‖w‖. width: 2 / norm, between the planes f = 1 and f = −1.

    Support vectors: n_plus and n_minus on the planes, n_inside between its plane and the boundary, n_wrong beyond the boundary.
    """

    positive: str
    negative: str | None
    norm: NonNegative
    width: MaybeNonNegative
    n_rows: Count
    n_plus: Count
    n_minus: Count
    n_inside: Count
    n_wrong: Count

    @property
    def n_support_vectors(self) -> int:
        return self.n_plus + self.n_minus + self.n_inside + self.n_wrong

    def contradictions(self) -> Iterable[str]:
        if self.n_support_vectors > self.n_rows:
            yield f"n_rows: expected at least its support vectors, {self.n_support_vectors}, found {self.n_rows}"
        if self.width is not None and abs(self.width * self.norm - 2) > 1e-6:
            yield f"width: expected 2 / norm, {2 / self.norm:g}, found {self.width:g}"


class ShownSupportVector(Document):
    """A support vector of the margin `positive` against `negative`; slack: by how much it violates its plane."""

    sample_id: str
    side: Literal["plus", "minus"]
    place: Literal["plane", "inside", "wrong"]
    alpha: NonNegative
    slack: NonNegative
    shown: tuple[ShownModality, ...]


class SupportVectorGallery(Document):
    """Some support vectors of one binary SVM: of each plane, and of the largest slacks."""

    positive: str
    negative: str | None
    vectors: tuple[ShownSupportVector, ...]


class ReadCombination(Document):
    """One modality combination, by its best linear configuration, fitted on all training rows.

    inner_score: of the configuration, mean over the inner folds. margins: none of other models than SVMs. without_margins: why, of an SVM.
    """

    modalities: tuple[str, ...]
    config: dict[str, Any]
    inner_score: Number
    n_rows: CountFromOne
    margins: tuple[MarginFacts, ...] = ()
    n_support_vectors: Count = Field(0, description="different samples that are a support vector of any margin")
    without_margins: str | None = None
    weights: tuple[ShownWeights, ...]
    gallery: SupportVectorGallery | None = None

    @property
    def narrowest(self) -> MarginFacts | None:
        """Return the margin of the least width; None without margins."""
        defined = [margin for margin in self.margins if margin.width is not None]
        return min(defined, key=lambda margin: (margin.width or 0.0, margin.positive, margin.negative or ""), default=None)


class LinearWeights(Document):
    """What is read of a linear model on one data set."""

    dataset: str = Field(description="name in params.yaml")
    model: str = Field(description="a folder under stages/models/")
    form: TargetForm
    scoring: str = Field(description="the metric that chose the configurations")
    combinations: tuple[ReadCombination, ...]
    not_read: dict[str, str] = Field(description="combination → why it is not read")
    not_applicable: str | None = Field(description="why there is no combination")

    def contradictions(self) -> Iterable[str]:
        if bool(self.combinations) == bool(self.not_applicable):
            yield "not_applicable: expected a reason where there is no combination, and none where there is one"
        for value in repeated("+".join(one.modalities) for one in self.combinations):
            yield f"combinations: {value} is there twice"


DOCUMENT = DocumentSchema(
    name="linear_weights",
    path="data/evaluation/{dataset}/weights/{model}/weights.json",
    meaning="margins of a linear SVM, and weights and support vectors as the report shows them",
    kinds=(LinearWeights,),
)
