"""Lay evaluations out as one self-contained page: what the template shows, in the order that it shows it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.contracts.documents.control_findings import ProtocolGap
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.gallery_document import Gallery
from stages.contracts.documents.results_document import Comparison, Family, MeanScore, MetricInfo, ScoredCandidate
from stages.contracts.documents.weights_document import LinearWeights
from stages.contracts.paths import evaluation_path
from stages.foundation.plain_output import plain
from stages.pages.drawing import padded, themed
from stages.pages.page_parts import DASHBOARD, page_css
from stages.reporting import formatting
from stages.reporting.cell_intervals import cell_interval
from stages.reporting.critical_sentences import critical_rows, critical_sentence
from stages.reporting.evaluation_figures import DrawnFigure, page_figures
from stages.reporting.findings import findings, verdict
from stages.reporting.gallery_page import cards, gallery_lead
from stages.reporting.leaderboard import baseline_level, colour_names, ranked
from stages.reporting.prediction_figures import output_metrics, output_table
from stages.reporting.reliability_figures import reliability_table
from stages.reporting.reliability_sentences import holding
from stages.reporting.representation_sentences import representation_sentences
from stages.reporting.robustness_sentences import area_rows, change_rows, examined, way_names
from stages.reporting.together import ShareRow, WayRow, other_shares, share_rows, way_rows
from stages.reporting.weights_page import weights_section

TEMPLATES = Path(__file__).parent / "templates"
FAMILIES: tuple[Family, ...] = ("fusion", "ways", "left_out", "sufficient", "learners", "boosting", "baseline")


def render(evaluations: Sequence[Evaluation], drawn: Mapping[str, Mapping[str, DrawnFigure]], left_out: Sequence[str] = (), *,
           hashes: Mapping[str, str] | None = None, galleries: Mapping[str, Gallery] | None = None,
           linear: Mapping[str, Sequence[LinearWeights]] | None = None) -> str:
    """Return the report as one HTML document that needs nothing else.

    Args:
        drawn: by data set, its figures by file name. left_out: data sets whose stages failed. hashes: by data set, that of its
            evaluation in dvc.lock; without it the section names none. galleries: by data set, samples of the largest errors. linear: by
            data set, what is read of its linear models.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)
    environment.filters |= {
        "number": formatting.number, "signed": formatting.signed, "p": formatting.p_value, "interval": formatting.interval,
        "fixed": formatting.fixed, "listed": formatting.listed, "model": formatting.model_name, "combination": formatting.combination_name,
        "candidate": formatting.candidate_name, "outputs": formatting.outputs_name,
        "baseline": formatting.baseline_name, "heading": heading, "way": formatting.way_name, "outer_folds": formatting.outer_folds,
        "inner_folds": formatting.inner_folds,
    }
    page = environment.get_template("page.html.j2")
    learners = list(dict.fromkeys(model for evaluation in evaluations for model in evaluation.learners))
    heads = ["best baseline", *map(formatting.model_name, learners)]
    rows = [summary_row(evaluation, learners) for evaluation in evaluations]
    known, shown = hashes or {}, galleries or {}
    sections = [{**section(evaluation, drawn.get(evaluation.dataset, {}), known.get(evaluation.dataset)),
                 **gallery_section(evaluation, shown.get(evaluation.dataset)),
                 **weights_section(evaluation, (linear or {}).get(evaluation.dataset, ()))} for evaluation in evaluations]
    return plain(page.render(css=page_css(), heads=heads, summary=rows, sections=sections, left_out=left_out, dashboard=DASHBOARD))


def summary_row(evaluation: Evaluation, learners: Sequence[str]) -> dict[str, Any]:
    """Return one data set's line of the summary: the best control, then each learner's best candidate, with its score; None: not run."""
    best = [evaluation.best_of(evaluation.baselines), *(evaluation.best_of([model]) for model in learners)]
    return {"evaluation": evaluation, "cells": [(found, evaluation.primary_score(found)) if found else None for found in best],
            "verdict": verdict(evaluation)}


def section(evaluation: Evaluation, drawn: Mapping[str, DrawnFigure], evaluation_hash: str | None) -> dict[str, Any]:
    """Return all that the section of one data set shows."""
    ways = examined(evaluation)
    return {
        "evaluation": evaluation,
        "hash": evaluation_hash,
        "path": evaluation_path(evaluation.dataset).as_posix(),
        "findings": findings(evaluation),
        "leaderboard": leaderboard(evaluation),
        "has_complete": any(found.complete for found in evaluation.candidates),
        "has_seeds": any(found.seeds for found in evaluation.candidates),
        "comparisons": {family: compared(evaluation, evaluation.family(family)) for family in FAMILIES},
        "figures": [figure._replace(svg=Markup(themed(figure.svg))) for figure in page_figures(evaluation, drawn)],
        "output_metrics": output_metrics(evaluation),
        "output_table": output_table(evaluation),
        "reliability": reliability_table(evaluation),
        "holding": holding(evaluation),
        "configurations": configurations(evaluation),
        "representation_sentences": representation_sentences(evaluation),
        "critical_rows": critical_rows(evaluation),
        "critical_sentence": critical_sentence(evaluation),
        "ways": drawn_ways(evaluation),
        "shares": [drawn_shares(evaluation, rows) for rows in share_rows(evaluation)],
        "other_shares": other_shares(evaluation),
        "robust_ways": way_names(evaluation),
        "robust_model": formatting.model_name(ways[0].model, evaluation.form) if ways else "",
        "robust_name": formatting.candidate_name(ways[0].candidate, evaluation) if ways else "",
        "areas": area_rows(evaluation),
        "changes": change_rows(evaluation),
        "gaps": gap_rows(evaluation),
        "level": formatting.level_name(evaluation),
        "outputs": [evaluation.outputs[index] for index in formatting.reading_order(evaluation.outputs, evaluation.form)],
        "averaged": formatting.averaged(evaluation),
    }


def gallery_section(evaluation: Evaluation, gallery: Gallery | None) -> dict[str, Any]:
    """Return what the section shows of the largest errors; no cards where there are none."""
    if gallery is None or not gallery.mistakes:
        return {"gallery_lead": "", "cards": []}
    return {"gallery_lead": gallery_lead(evaluation, gallery), "cards": cards(gallery)}


def heading(metric: MetricInfo) -> Markup:
    """Return a metric's title for the head of a column, whose lines end between words alone; ↓: less is better."""
    *first, last = metric.title.split()
    parts = [*first, last if metric.greater_is_better else f"{last}{formatting.SPACE}↓"]
    return Markup(" ").join(Markup('<span class="nowrap">{}</span>').format(part) for part in parts)


class GapRow(NamedTuple):
    """What a leak in the protocol adds to a score, with its interval drawn."""

    gap: ProtocolGap
    drawn: Markup


class LeaderboardRow(NamedTuple):
    """rank: among the rows shown. score: on the metric that ranks. drawn: its interval."""

    rank: int
    found: ScoredCandidate
    score: MeanScore
    is_control: bool
    drawn: Markup


class ComparisonRow(NamedTuple):
    """A test with its interval drawn."""

    test: Comparison
    drawn: Markup


def leaderboard(evaluation: Evaluation) -> list[LeaderboardRow]:
    """Return the leaderboard with a drawn interval in each row, all on one scale."""
    rows = [(found, evaluation.primary_score(found)) for found in ranked(evaluation)]
    scale = padded([value for _, score in rows for value in (score.mean, score.lo, score.hi) if value is not None] or [0.0], 0.03)
    colours, level = colour_names(evaluation), baseline_level(evaluation)
    table = []
    for rank, (found, score) in enumerate(rows, start=1):
        name = formatting.candidate_name(found.candidate, evaluation)
        label = f"{name}: {formatting.number(score.mean)}, interval {formatting.interval(score.lo, score.hi)}"
        drawn = "" if score.mean is None else cell_interval(score.mean, score.lo, score.hi, scale=scale, reference=level,
                                                      colour=colours[found.model], label=label)
        table.append(LeaderboardRow(rank, found, score, found.model in evaluation.controls, Markup(drawn)))
    return table


def drawn_ways(evaluation: Evaluation) -> list[tuple[WayRow, Markup]]:
    """Return the ways of fusing all modalities, each with its interval drawn, all on one scale."""
    rows, colours, level = way_rows(evaluation), colour_names(evaluation), baseline_level(evaluation)
    scale = padded([value for row in rows for value in (row.score.mean, row.score.lo, row.score.hi) if value is not None] or [0.0], 0.03)
    table = []
    for row in rows:
        label = f"{formatting.model_name(row.model)}, {row.way}: {formatting.number(row.score.mean)}"
        drawn = "" if row.score.mean is None else cell_interval(row.score.mean, row.score.lo, row.score.hi, scale=scale, reference=level,
                                                      colour=colours[row.model], label=label)
        table.append((row, Markup(drawn)))
    return table


def drawn_shares(evaluation: Evaluation, rows: Sequence[ShareRow]) -> list[tuple[ShareRow, Markup]]:
    """Return Shapley values or interactions, each with its interval drawn, all on one scale."""
    colours = colour_names(evaluation)
    scale = padded([*(value for _, share in rows for value in (share.value, share.lo, share.hi) if value is not None), 0.0], 0.03)
    table = []
    for row in rows:
        share, label = row.share, f"{formatting.model_name(row.model)}, {' and '.join(row.share.modalities)}"
        drawn = "" if share.value is None else cell_interval(share.value, share.lo, share.hi, scale=scale, reference=0.0,
                                                       colour=colours[row.model], label=f"{label}: {formatting.signed(share.value)}")
        table.append((row, Markup(drawn)))
    return table


def compared(evaluation: Evaluation, tests: Sequence[Comparison]) -> list[ComparisonRow]:
    """Return one family's tests with a drawn interval each."""
    # an empty family has a scale too: of zero alone
    ends = [value for test in tests for value in (test.difference, test.lo, test.hi) if value is not None]
    scale = padded([*ends, 0.0], 0.03)
    colours = colour_names(evaluation)
    table = []
    for test in tests:
        a, b = (formatting.candidate_name(candidate, evaluation) for candidate in (test.a, test.b))
        label = f"{a} minus {b}: {formatting.signed(test.difference)}"
        drawn = "" if test.difference is None else cell_interval(
            test.difference, test.lo, test.hi, scale=scale, reference=0.0, colour=colours[test.a.model], label=label)
        table.append(ComparisonRow(test, Markup(drawn)))
    return table


def gap_rows(evaluation: Evaluation) -> list[GapRow]:
    """Return the gaps of leaks in the protocol with a drawn interval each, all on one scale."""
    gaps, colours = evaluation.protocol_gaps, colour_names(evaluation)
    scale = padded([*(value for gap in gaps for value in (gap.difference, gap.lo, gap.hi) if value is not None), 0.0], 0.03)
    table = []
    for gap in gaps:
        label = f"{gap.control}, {' + '.join(gap.modalities)}: {formatting.signed(gap.difference)}"
        drawn = "" if gap.difference is None else cell_interval(gap.difference, gap.lo, gap.hi, scale=scale, reference=0.0,
                                                                colour=colours.get(gap.model, "baseline"), label=label)
        table.append(GapRow(gap, Markup(drawn)))
    return table


def configurations(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return by learner and modality combination the chosen configurations, the most frequent first, with their numbers of outer folds.

    A setting with one value in the grid is not chosen and stands apart (fixed). notes: shares of the test rows that help to judge the
    scores, in words.
    """
    found = []
    compared = {found.candidate for found in evaluation.ranked()}
    for result in evaluation.candidates:
        if result.model in evaluation.learners and result.candidate in compared:
            fixed = result.fixed_settings
            counts = Counter(formatting.settings_text({setting: value for setting, value in fold.settings.items() if setting not in fixed})
                             for fold in result.configs)  # fmt: skip
            apart = {setting: value for setting, value in result.configs[0].settings.items() if setting in fixed} if result.configs else {}
            chosen = [{"settings": settings, "n_folds": n} for settings, n in counts.most_common()]
            notes = [f"{name.replace('_', ' ')}: {share:.0%}" for name, share in result.notes.items() if share]
            found.append({"candidate": result.candidate, "chosen": chosen, "n_folds": len(result.configs),
                          "fixed": formatting.settings_text(apart) if apart else "", "notes": notes})
    return found
