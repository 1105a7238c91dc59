"""What the report states of learners whose features are a network's representation."""

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.representation_scores import RepresentedLearner
from stages.reporting.formatting import level_name, listed, model_name, signed

# by verdict: what stands before and after the name of the representation
VERDICTS = {
    "better": ("better", "than"), "worse": ("worse", "than"), "equal": ("equal in practice", "and"),
    "not shown": ("not shown to be better or worse", "than"),
}  # fmt: skip


def representation_sentence(evaluation: Evaluation, found: RepresentedLearner) -> str:
    """Return what the test of one learner supports, with the difference and its interval."""
    network, learner = (model_name(name, evaluation.form) for name in (found.model, found.learner))
    interval = "" if found.lo is None else f" ({level_name(evaluation)} interval {signed(found.lo)} to {signed(found.hi)})"
    verdict, than = VERDICTS[found.verdict]
    return (f"{learner} is {verdict} on {network}'s representation of {listed(found.modalities)} {than} on the features themselves: "
            f"{evaluation.primary.title} {signed(found.difference)}{interval}.")  # fmt: skip


def representation_sentences(evaluation: Evaluation) -> list[str]:
    """Return a sentence for each learner of a representation."""
    return [representation_sentence(evaluation, found) for found in evaluation.representations]
