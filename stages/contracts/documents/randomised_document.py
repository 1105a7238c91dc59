"""What control writes of a learner on data in which a relation is destroyed at random: its scores there, and on the data as it is."""

from collections.abc import Iterable

from pydantic import Field

from stages.contracts.document import Document, DocumentSchema, Number

FoldScoresByCombination = dict[str, tuple[Number, ...]]


class Draw(Document):
    """The scores of one random draw: by modality combination, one per repeat and outer fold. what: was destroyed."""

    what: str
    scores: FoldScoresByCombination


class RandomisedScores(Document):
    """Scores on the test folds by the metric that chooses."""

    dataset: str = Field(description="name in params.yaml")
    control: str = Field(description="a file under stages/controls/")
    model: str = Field(description="the learner")
    metric: str = Field(description="of the scores")
    observed: FoldScoresByCombination = Field(description="on the data as it is")
    draws: tuple[Draw, ...] = Field(min_length=1, description="on the data with a relation destroyed")

    def contradictions(self) -> Iterable[str]:
        if not self.observed or not all(self.observed.values()):
            yield "observed: expected a combination or more, each of one fold or more"
        lengths = {name: len(folds) for name, folds in self.observed.items()}
        for place, draw in enumerate(self.draws):
            if {name: len(folds) for name, folds in draw.scores.items()} != lengths:
                yield f"draws.{place}.scores: has not the combinations and folds of observed"


DOCUMENT = DocumentSchema(
    name="randomised",
    path="data/predictions/{dataset}/controls/{control}/randomised.json",
    meaning="scores of a learner on the data as it is and with a relation destroyed at random",
    kinds=(RandomisedScores,),
)
