"""What evaluate says of controls that have no candidate, as parts of its document: destroyed relations, and leaks let in on purpose."""

from collections.abc import Iterable

from stages.contracts.document import Document, Number
from stages.contracts.documents.results_document import Verdict
from stages.contracts.quantities import SUMS, CountFromOne, Interval, MaybeShare, Share, agree, corrected_mistakes, is_above


class RandomisedTest(Document):
    """A learner on the data as it is and with a relation destroyed at random (what), mean scores over outer folds of the metric that ranks.

    mean: over the draws. p: (1 + draws at least as good as observed) / (1 + draws).
    """

    control: str
    model: str
    what: str
    modalities: tuple[str, ...]
    observed: Number
    mean: Number
    n_draws: CountFromOne
    p: Share

    def contradictions(self) -> Iterable[str]:
        if is_above(least := 1 / (1 + self.n_draws), self.p):
            yield f"p: expected at least {least:g}, as there are {self.n_draws} draws, found {self.p:g}"


class ProtocolGap(Interval):
    """A learner's mean score without a leak (honest), and with it, on the metric that ranks.

    control: that lets the leak in. what: the leak, as the end of "if …". difference: leaking − honest, paired by groups. lo, hi: of its
    interval. p: the larger of a t and a sign-flip test over groups; null as lo and hi: of one test split with too few groups, or where no
    group differs. p_corrected: by Holm, over the combinations of the control. verdict: on the leaking score; "better": the leak makes it
    too good.
    """

    control: str
    model: str
    what: str
    modalities: tuple[str, ...]
    honest: Number
    leaking: Number
    difference: Number
    p: MaybeShare
    p_corrected: MaybeShare
    verdict: Verdict
    n_groups: CountFromOne

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        yield from self.around(self.difference, "difference")
        yield from corrected_mistakes(self.p, self.p_corrected)
        if self.honest is not None and self.leaking is not None and not agree(self.leaking - self.honest, self.difference, SUMS):
            yield f"difference: expected {self.leaking - self.honest:g}, leaking − honest, found {self.difference:g}"
