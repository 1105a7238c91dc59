"""Find each comparative on a rendered page and what supports it: a paired test in evaluation.json, a rank, or a fixed explanation.

The wording is parsed here anew, without the module that makes it (stages/reporting/findings.py), so that a sentence which goes further than
its tests is found, whoever wrote it.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence

from stages.contracts.candidate import Candidate
from stages.contracts.documents.control_findings import ProtocolGap
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import Comparison, Results, ScoredCandidate
from stages.reporting.formatting import candidate_name, model_name, number, signed

COMPARATIVE = re.compile(
    r"\b(better|worse|best|worst|beat|beats|beaten|outperform\w*|improve\w*|superior|inferior|higher|highest|lower|lowest|greater|greatest|"
    r"larger|largest|smaller|smallest|stronger|strongest|weaker|weakest|more than|less than|fewer than|above|below|exceed\w*|surpass\w*|"
    r"ahead|lead|leads|win|wins|won|lost|loses|gain|gains|helps?|suffices?|too good|as good|equal|equals|moved up|moved down)\b",
    re.IGNORECASE)
BLOCK = re.compile(r"</?(?:p|td|th|tr|h[1-6]|dt|dd|li|summary|caption|figcaption|small|title|text|tspan|a|span|div|details|desc)\b[^>]*>")
HIDDEN = re.compile(r"<style\b.*?</style>|<!--.*?-->", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z“0-9∅])")
TESTED_ROW = re.compile(r'<tr><th scope="row" class="name">(?P<a>[^<]*)</th><td><span class="tag [a-z-]*">(?P<verdict>[^<]*)</span></td>'
                        r'<td class="name">(?P<b>[^<]*)</td>')
HEAD = re.compile(r'<th scope="col"[^>]*>.*?</th>')


def sentences_of_html(page: str) -> list[str]:
    """Return the sentences of a page; those in heads of tables and in attributes too. Rows of paired tests are not among them."""
    page = TESTED_ROW.sub("<tr>", HIDDEN.sub("", page))
    labels = re.findall(r'(?:title|aria-label)="([^"]*)"', page)
    heads = [re.sub(r"<[^>]+>", " ", head) for head in HEAD.findall(page)]
    blocks = [re.sub(r"<[^>]+>", "", block) for block in BLOCK.split(_joined_inline(HEAD.sub("", page)))]
    return _sentences([*labels, *heads, *blocks])


def _joined_inline(page: str) -> str:
    """Return the page without tags that may stand within a sentence."""
    return re.sub(r"</?(?:strong|b|em|code|a|span)\b[^>]*>", "", page)


def sentences_of_markdown(text: str) -> list[str]:
    """Return the sentences of a note; each cell of a table is one."""
    return _sentences([cell for line in text.splitlines() for cell in _cells(line) or [line.removeprefix("- ")]])


def _cells(line: str) -> list[str]:
    """Return the cells of a row of a Markdown table; none of another line."""
    return [cell.replace("&nbsp;", "").strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def _sentences(blocks: Sequence[str]) -> list[str]:
    texts = [re.sub(r"\s+", " ", html.unescape(block)).replace("&nbsp;", "").strip() for block in blocks]
    return [part.strip("* ") for text in texts for part in SENTENCE_END.split(text) if part.strip("* ")]


def comparative(sentences: Sequence[str]) -> list[str]:
    """Return the sentences that compare, each once."""
    return [text for text in dict.fromkeys(sentences) if COMPARATIVE.search(text)]


def rows_of_tests(page: str) -> list[tuple[str, str, str]]:
    """Return (a, verdict, b) of each row of a table of paired tests."""
    return [tuple(map(html.unescape, row)) for row in TESTED_ROW.findall(page)]


def unsupported(sentences: Sequence[str], evaluation: Results, fixed: Sequence[str]) -> list[str]:
    """Return the comparative sentences that neither a test nor a rank of the evaluation supports and that explain nothing fixed.

    Args:
        fixed: sentences, as they are; * stands for a name or number, which does not compare.
    """
    explanations = [re.compile(re.escape(text).replace(r"\*", "(.+?)")) for text in fixed]
    found = []
    for text in comparative(sentences):
        matches = [match for pattern in explanations if (match := pattern.fullmatch(text))]
        if any(not COMPARATIVE.search(" ".join(match.groups())) for match in matches):
            continue
        supports = [holds(match, evaluation) for pattern, holds in CLAIMS if (match := re.fullmatch(pattern, text))]
        if supports != [True]:
            found.append(text)
    return found


def unsupported_rows(rows: Sequence[tuple[str, str, str]], evaluation: Results) -> list[tuple[str, str, str]]:
    """Return the rows of tables whose verdict is not that of a test between the two, from the side of the first."""
    known = {(candidate_name(a, evaluation), said, candidate_name(b, evaluation)) for test in evaluation.comparisons
             for a, said, b in ((test.a, test.verdict, test.b), (test.b, turned(test.verdict), test.a))}
    return [row for row in rows if row not in known]


def unjustified(evaluation: Results, confidence: float) -> list[Comparison]:
    """Return the tests whose verdict does not follow from their own numbers."""
    return [test for test in evaluation.comparisons if test.verdict != "not shown" and not _follows(test, evaluation, confidence)]


def _follows(test: Comparison, evaluation: Results, confidence: float) -> bool:
    if test.verdict == "equal":
        return test.practical is not None and test.practical.equal >= confidence
    gain, tests = gain_of(test, evaluation), (test.p_fold, test.p_row, test.p_corrected)
    return (gain > 0) == (test.verdict == "better") and all(p is None or p < 1 - confidence for p in tests) and test.p_corrected is not None


def turned(verdict: str) -> str:
    """Return a verdict from the other side."""
    return {"better": "worse", "worse": "better"}.get(verdict, verdict)


def gain_of(test: Comparison, evaluation: Results) -> float:
    """Return by how much a is better than b."""
    difference = test.difference or 0.0
    return difference if evaluation.metric(test.metric).greater_is_better else -difference


def names(listing: str) -> list[str]:
    """Return the parts of "a, b and c"."""
    return [name for part in listing.split(", ") for name in re.split(r" (?:and|or) ", part)]


# ---------------------------------------------------------------- what a sentence claims
def _tests(evaluation: Results, family: str, *, a: str | None = None, b: str | None = None) -> list[Comparison]:
    """Return the tests of a family by the name of the learner of a and of the combination of b."""
    return [test for test in evaluation.comparisons if test.family == family and a in (None, model_name(test.a.model, evaluation.form))
            and b in (None, " + ".join(test.b.modalities))]  # fmt: skip


def _are(tests: Sequence[Comparison], verdict: str) -> bool:
    return bool(tests) and all(test.verdict == verdict for test in tests)


def _gains_are(said: str, tests: Sequence[Comparison], evaluation: Results) -> bool:
    gains = [gain_of(test, evaluation) for test in tests if test.difference is not None]
    return said.split(" to ") == list(dict.fromkeys(signed(end) for end in (min(gains), max(gains))))


def _learners(listing: str, evaluation: Results) -> list[str]:
    return list(map(model_name, evaluation.learners)) if listing == "every learner" else names(listing)


def _fusing_beats_each(match: re.Match[str], evaluation: Results) -> bool:
    claimed = [test for name in _learners(match["who"], evaluation) for test in _tests(evaluation, "fusion", a=name)]
    covers = set(names(match["parts"])) == {name for test in claimed for name in test.b.modalities}
    return covers and _are(claimed, "better") and _gains_are(match["by"], claimed, evaluation)


def _not_for(match: re.Match[str], evaluation: Results) -> bool:
    return all(not _are(_tests(evaluation, "fusion", a=name), "better") for name in names(match["who"]))


def _fusing_beats_some(match: re.Match[str], evaluation: Results) -> bool:
    claims = re.findall(r"beats (\S+) alone for ((?:(?! and beats|; |, beats).)+)", match["claims"])
    claimed = [test for single, who in claims for name in _learners(who, evaluation)
               for test in _tests(evaluation, "fusion", a=name, b=single)]
    return bool(claims) and _are(claimed, "better") and not _any_beats_all(evaluation)


def _any_beats_all(evaluation: Results) -> bool:
    return any(_are(_tests(evaluation, "fusion", a=model_name(model)), "better") for model in evaluation.learners)


def _no_gain(match: re.Match[str], evaluation: Results) -> bool:
    return all(test.verdict != "better" for test in _tests(evaluation, "fusion"))


def _fused_is(verdict: str) -> Callable[[re.Match[str], Results], bool]:
    def holds(match: re.Match[str], evaluation: Results) -> bool:
        claims = re.findall(r"(\S+) alone for (\S+)(?:,| and|$)", match["claims"])
        return bool(claims) and all(_are(_tests(evaluation, "fusion", a=who, b=single), verdict) for single, who in claims)

    return holds


def _weakest(evaluation: Results) -> dict[Candidate, list[Comparison]]:
    """Return by learner and combination its tests against the baselines, that of the smallest gain first."""
    found: dict[Candidate, list[Comparison]] = {}
    for test in sorted(evaluation.family("baseline"), key=lambda test: gain_of(test, evaluation)):
        found.setdefault(test.a, []).append(test)
    return found


def _all_beat_baselines(match: re.Match[str], evaluation: Results) -> bool:
    tests = evaluation.family("baseline")
    n = len({test.a for test in tests})
    return (_are(tests, "better") and match["n"] in (None, f"{n} of {n}")
            and _gains_are(match["by"], [of_one[0] for of_one in _weakest(evaluation).values()], evaluation))  # fmt: skip


def _none_beats_baseline(match: re.Match[str], evaluation: Results) -> bool:
    return all(any(test.verdict != "better" for test in tests) for tests in _weakest(evaluation).values())


def _some_beat_baseline(match: re.Match[str], evaluation: Results) -> bool:
    found = _weakest(evaluation)
    failed = {candidate_name(a, evaluation) for a, tests in found.items() if not _are(tests, "better")}
    return (int(match["k"]), int(match["n"])) == (len(found) - len(failed), len(found)) and set(names(match["failed"])) == failed


def _worse_than_baseline(match: re.Match[str], evaluation: Results) -> bool:
    worse = {candidate_name(test.a, evaluation) for test in evaluation.family("baseline")
             if test.verdict == "worse" and model_name(test.b.model, evaluation.form) == match["baseline"]}
    return set(names(match["who"])) == worse != set()


def _means(evaluation: Results) -> list[tuple[float, ScoredCandidate]]:
    """Return (mean, candidate) of what ranks, the highest goodness first: of several ways of fusing only the chosen one."""
    sign = 1 if evaluation.primary.greater_is_better else -1
    several = {(found.model, found.modalities) for found in evaluation.candidates if found.fusion == "chosen"}
    ranking = [found for found in evaluation.candidates if found.model not in evaluation.diagnostics
               and (found.fusion == "chosen" or (found.model, found.modalities) not in several)]
    scored = [(sign * mean, found) for found in ranking if (mean := evaluation.primary_score(found).mean) is not None]
    return sorted(scored, key=lambda one: -one[0])


def _leads(match: re.Match[str], evaluation: Results) -> bool:
    """Check who has the highest mean, alone or with others, and whose lead over whom is shown, equal, or open."""
    means = _means(evaluation)
    top = {candidate_name(found.candidate, evaluation): found for mean, found in means if mean > means[0][0] - 1e-12}
    shared = match["shared"] or ""
    twins = int(shared.split()[0]) if shared.endswith(" more") else set(names(shared)) if shared else set()
    if match["who"] not in top or twins != (len(top) - 1 if isinstance(twins, int) else set(top) - {match["who"]}):
        return False
    first = top[match["who"]]
    rivals = {model_name(test.b.model): test.verdict for test in evaluation.family("learners") if test.a == first.candidate}
    for said, clause in (("better", "shown"), ("not shown", "open"), ("equal", "equal")):
        if set(names(match[clause]) if match[clause] else []) != {name for name, verdict in rivals.items() if verdict == said}:
            return False
    return True


def _none_above_baseline(match: re.Match[str], evaluation: Results) -> bool:
    best = _means(evaluation)[0][1]
    return best.model in evaluation.baselines and model_name(best.model, evaluation.form) == match["baseline"]


def _none_suffices(match: re.Match[str], evaluation: Results) -> bool:
    tests = [test for test in _tests(evaluation, "sufficient", a=match["who"]) if len(test.b.modalities) < len(test.a.modalities)]
    whole = {" + ".join(test.a.modalities) for test in tests}
    shown = [test for test in _tests(evaluation, "sufficient", a=match["who"]) if test.verdict == "better"]
    return whole == {match["a"]} and _are(tests, "better") and _gains_are(match["by"], shown, evaluation)


def _suffices(match: re.Match[str], evaluation: Results) -> bool:
    return _are(_tests(evaluation, "sufficient", a=match["who"], b=match["b"]), "equal")


def _smallest(match: re.Match[str], evaluation: Results) -> bool:
    tests = _tests(evaluation, "sufficient", a=match["who"])
    smaller = [test for test in tests if len(test.b.modalities) < len(names(match["b"].replace(" + ", ", ")))]
    own = [test for test in tests if " + ".join(test.b.modalities) == match["b"]]
    return bool(own) and own[0].verdict == "not shown" and all(test.verdict == "better" for test in smaller)


def _one_is(match: re.Match[str], evaluation: Results) -> bool:
    row = match["a"], match["verdict"], match["b"]
    return not unsupported_rows([row], evaluation)


def _short_verdict(match: re.Match[str], evaluation: Results) -> bool:
    claimed = [test for name in _learners(match["who"], evaluation) for test in _tests(evaluation, "fusion", a=name)]
    return _are(claimed, "better")


def _short_denial(match: re.Match[str], evaluation: Results) -> bool:
    return not _any_beats_all(evaluation)


def _boosting(match: re.Match[str], evaluation: Results) -> bool:
    """Check that gradient boosting beats the best candidate of every other learner, by as much as is said."""
    tests = evaluation.family("boosting")
    if match["which"] != "with default settings":
        tests = [test for test in evaluation.family("learners") if "hist_gradient_boosting" in (test.a.model, test.b.model)]
    rivals = {test.b.model for test in tests} == set(evaluation.learners) - {test.a.model for test in tests}
    named = set(names(match["whom"])) == {candidate_name(test.b, evaluation) for test in tests}
    return rivals and named and _are(tests, "better") and _gains_are(match["by"], tests, evaluation)


def _gaps(match: re.Match[str], evaluation: Results) -> dict[str, ProtocolGap]:
    assert isinstance(evaluation, Evaluation)
    return {" + ".join(gap.modalities): gap for gap in evaluation.protocol_gaps
            if (gap.what, model_name(gap.model), evaluation.primary.title) == (match["what"], match["who"], match["metric"])}  # fmt: skip


def _too_good(match: re.Match[str], evaluation: Results) -> bool:
    """Check that exactly the gaps that are shown are named, each with its size and interval on the same side of zero."""
    claims = re.findall(r"(\S+(?: \+ \S+)*) ([+−]\S+) \(([+−]\S+) to ([+−]\S+)\)", match["claims"].replace(" and ", ", "))
    sign, shown = (1 if evaluation.primary.greater_is_better else -1), {}
    for name, gap in _gaps(match, evaluation).items():
        ends = [sign * end for end in (gap.lo, gap.hi, gap.difference) if end is not None]
        if gap.p_corrected is not None and gap.p_corrected < 0.05 and ends and min(ends) > 0:
            shown[name] = tuple(map(signed, (gap.difference, gap.lo, gap.hi)))
    return bool(claims) and {name: tuple(said) for name, *said in claims} == shown


def _not_too_good(match: re.Match[str], evaluation: Results) -> bool:
    gaps = _gaps(match, evaluation)
    return bool(gaps) and all(gap.verdict != "better" for gap in gaps.values()) and any(gap.p is not None for gap in gaps.values())


def _untested(match: re.Match[str], evaluation: Results) -> bool:
    gaps = _gaps(match, evaluation)
    return bool(gaps) and all(gap.p is None and gap.lo is None and gap.hi is None for gap in gaps.values())


def _some_verdict(match: re.Match[str], evaluation: Results) -> bool:
    """Check a verdict that stands alone in a cell or tag; which row it is in is checked with its row."""
    gaps = evaluation.protocol_gaps if isinstance(evaluation, Evaluation) else ()
    examined = evaluation.robustness if isinstance(evaluation, Evaluation) else ()
    changed = [point for found in examined for curve in found.curves for point in curve.points]
    learners = evaluation.representations if isinstance(evaluation, Evaluation) else ()
    return any(match[0] in (test.verdict, turned(test.verdict)) for test in (*evaluation.comparisons, *gaps, *changed, *learners))


def _is_represented(match: re.Match[str], evaluation: Results) -> bool:
    """Return whether a learner is better, worse or equal on a representation by its test, with the difference that is said."""
    assert isinstance(evaluation, Evaluation)
    said = {"better": "better", "worse": "worse", "equal in practice": "equal"}.get(match["said"], "not shown")
    return any((one.verdict, signed(one.difference)) == (said, match["by"]) for one in evaluation.representations
               if (model_name(one.learner), model_name(one.model), list(one.modalities)) == (match["who"], match["network"],
                                                                                             names(match["parts"])))  # fmt: skip


NUMBER = r"[−0-9.,]*[0-9]"
DETECTABLE = r"(?: \([^()]*would have been shown with 80 %\))?"
def _adds(match: re.Match[str], evaluation: Results) -> bool:
    """Return whether each "adding text to image changes accuracy by +0.1 [0, 0.2] (better)" is a test of all against all but one."""
    for part in match["claims"].split("; "):
        said = re.fullmatch(r"adding (?P<new>\S+) to (?P<rest>.+) changes .+ by (?P<by>\S+)(?: \[.+\])? \((?P<verdict>[^()]+)\)", part)
        tests = [test for family in ("fusion", "left_out") for test in _tests(evaluation, family, a=match["who"])
                 if said and set(test.b.modalities) == set(names(said["rest"])) == set(test.a.modalities) - {said["new"]}]
        if not said or not tests or any((test.verdict, signed(test.difference)) != (said["verdict"], said["by"]) for test in tests):
            return False
    return True


def _way_is(match: re.Match[str], evaluation: Results) -> bool:
    """Return whether each "better than fusing with equal weights for SVM (+0.1)" is a test of the ways of fusing."""
    parts = re.findall(r"(better|worse) than fusing with equal weights for (.+?)(?= and (?:better|worse) than|$)", match["claims"].replace(
        " and is ", " and "))
    for verdict, who in parts:
        for name, by in re.findall(r"(\S+) \(([^()]+)\)", who):
            tests = _tests(evaluation, "ways", a=name)
            if not _are(tests, verdict) or any(signed(test.difference) != by for test in tests):
                return False
    return bool(parts)


def _no_way(match: re.Match[str], evaluation: Results) -> bool:
    tests = _tests(evaluation, "ways")
    return bool(tests) and all(test.verdict in ("not shown", "equal") for test in tests)


def _is_kept(match: re.Match[str], evaluation: Results) -> bool:
    """Return whether a modality that is gone changes the score by as much as is said, with that verdict, and leaves that share of it."""
    assert isinstance(evaluation, Evaluation)
    for found in evaluation.robustness:
        if candidate_name(found.candidate, evaluation) in (match["who"], match["owner"]) and found.clean:
            gone = [point for curve in found.curves if (curve.modality, curve.corruption) == (match["gone"], "missing")
                    for point in curve.points if point.strength == 1 and point.mean is not None]  # fmt: skip
            return [(number(point.mean / found.clean), signed(point.change), point.verdict) for point in gone] == [
                (match["kept"] or match["times"], match["by"], match["verdict"])]
    return False


CLAIMS: list[tuple[str, Callable[[re.Match[str], Results], bool]]] = [
    (r"Fusing (?P<parts>.+?) beats each modality alone for (?P<who>[^;]+?), by (?P<by>.+?)\.", _fusing_beats_each),
    (r"For (?P<who>.+) this is not shown\.", _not_for),
    (r"Fusing .+? (?P<claims>beats \S+ alone for .+); a gain over .+ (?:alone )?is not shown for any (?:one )?learner\.",
     _fusing_beats_some),
    (rf"No gain from fusing .+ alone is shown{DETECTABLE}\.", _no_gain),
    (r"It is worse than (?P<claims>\S+ alone for \S+) \([^()]*\)\.", _fused_is("worse")),
    (r"It is equal in practice \(within ±[^()]*\) to (?P<claims>.+)\.", _fused_is("equal")),
    (r"(?:Every learner|\S+) beats the (?:\S+ baseline|baselines)(?: on every modality combination)?(?: \((?P<n>\d+ of \d+)\))?, "
     r"by (?P<by>.+?)(?: over the strongest)?\.", _all_beat_baselines),
    (rf"No learner is shown to beat the .*(?:baseline|baselines|baseline, \S+){DETECTABLE}\.", _none_beats_baseline),
    (r"(?P<k>\d+) of (?P<n>\d+) learners × modality combinations beat the (?:\S+ baseline|baselines); not shown for (?P<failed>.+)\.",
     _some_beat_baseline),
    (r"Worse than the (?P<baseline>\S+) baseline: (?P<who>.+)\.", _worse_than_baseline),
    (rf"(?P<who>.+?) has the (?:highest|lowest) (?:mean )?[^,;]+(?:, shared with (?P<shared>[^;0-9]+|\d+ more))?, "
     rf"(?:{NUMBER} when corrected for being the best of \d+, as it stands )?{NUMBER}(?: \([^()]*\))?"
     r"(?:; its lead over the best (?P<shown>[^;(]+?) is shown)?"
     rf"(?:[;,] (?:its lead over|that over) the best (?P<open>[^;(]+?) is not(?: shown)?{DETECTABLE})?"
     r"(?:[;,] it is equal in practice \(within ±[^()]*\) to the best (?P<equal>[^;(]+?))?\.", _leads),
    (r"No learner's (?:mean )?.+ is (?:above|below) .+, that of the (?P<baseline>\S+) baseline\.", _none_above_baseline),
    (r"For (?P<who>\S+) no smaller modality combination suffices: (?P<a>.+) is better than each, by (?P<by>.+)\.", _none_suffices),
    (r"(?P<b>.+) suffices for (?P<who>\S+): .+ is equal in practice \(within ±[^()]*\)\.", _suffices),
    (rf"(?P<b>.+) is the smallest modality combination that is not shown to be worse than .+ for (?P<who>\S+?){DETECTABLE}\.", _smallest),
    (r"(?P<a>.+) is (?P<verdict>better|worse) than (?P<b>.+): [^:]+ \(corrected p [^()]+\)", _one_is),
    (r"If (?P<what>[^,]+), (?P<metric>.+) of (?P<who>\S+) would be too good: (?P<claims>.+), with [0-9.]+ % intervals\.", _too_good),
    (r"If (?P<what>[^,]+), (?P<metric>.+) of (?P<who>\S+) is not shown to be too good\.", _not_too_good),
    (r"Whether (?P<metric>.+) of (?P<who>\S+) would be too good if (?P<what>[^,]+) could not be tested: .+\.", _untested),
    (r"Gradient boosting (?P<which>with default settings|\(hist_gradient_boosting\)) beats every (?:other )?learner: on .+ it is better "
     r"than (?P<whom>.+), by (?P<by>.+?)\.", _boosting),
    (r"For (?P<who>\S+), (?P<claims>adding .+); [0-9.]+ % intervals\.", _adds),
    (rf"With (?P<gone>\S+) gone, (?:(?P<who>.+) keeps (?P<kept>{NUMBER}) of its clean .+|the .+ of (?P<owner>.+) is (?P<times>{NUMBER}) "
     r"times the clean one) \((?P<by>[+−]?[0-9.]+)(?: \[[^\]]*\])?, (?P<verdict>[^()]+)\)(?:; .+ alone (?:has|have) [−0-9.,]+)?\.",
     _is_kept),
    (r"Fusing .+ in the way that was chosen on the inner folds is (?P<claims>(?:better|worse) than .+)\.", _way_is),
    (rf"Fusing .+ in the way that was chosen on the inner folds is not shown to differ from fusing with equal weights for any "
     rf"learner{DETECTABLE}\.", _no_way),
    (r"beats each modality alone for (?P<who>.+)", _short_verdict),
    (r"not shown to beat each modality alone", _short_denial),
    (r"better|worse|equal", _some_verdict),
    (r"(?P<who>\S+) is (?P<said>better|worse|equal in practice|not shown to be better or worse) on "
     r"(?P<network>\S+)'s representation of (?P<parts>.+) (?:than|and) on the features themselves: "
     r".+? (?P<by>[+−]?[0-9][^ ]*?)(?: \([^()]*\))?\.", _is_represented),
]


def rows_of_note(note: str, who: str) -> Iterator[tuple[str, str, str]]:
    """Yield (who, verdict, other) of a run's table of tests, the run itself on the left."""
    for row in map(_cells, note.splitlines()):
        if len(row) == 8 and row[0] not in ("against", "---"):
            yield who, row[6], row[0]
