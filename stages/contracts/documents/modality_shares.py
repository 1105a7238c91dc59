"""What each modality brings to a learner's score: Shapley values and interactions, as evaluation.json holds them."""

from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import Verdict


class Share(Document):
    """A Shapley value, or an interaction, on one metric, with an interval that holds for all of its kind together.

    modalities: one, or the two that interact. value: the mean over all orders in which modalities are added of what it adds to the score;
    of two, of what they add together beyond what each adds. p_corrected: of no value at all, by Bonferroni, over all of its kind.
    verdict: whether it improves the score.
    """

    modalities: tuple[str, ...]
    value: Number
    lo: Number
    hi: Number
    p: Number
    p_corrected: Number
    verdict: Verdict


class Contributions(Document):
    """What the modalities bring to one learner on one metric.

    none: the score without any, that of the control `none_is`. all: the score of all together. shares add up to all − none.
    interactions: of two modalities each; above 0 they complete, below they repeat one another (of errors the other way round).
    """

    model: str
    metric: str
    none_is: str
    none: Number
    all: Number
    shares: tuple[Share, ...]
    interactions: tuple[Share, ...]
