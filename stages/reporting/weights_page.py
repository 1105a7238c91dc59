"""What is read of linear models as the page shows it: weights as images and bars, margins as a table, support vectors as samples."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.weights_document import (
    LinearWeights,
    MarginFacts,
    ReadCombination,
    ShownSupportVector,
    ShownWeights,
    WeightBars,
    WeightImage,
)
from stages.reporting.formatting import SPACE, interval, model_name, number, settings_text, signed
from stages.reporting.gallery_page import drawn, enlarged

MOST_MARGINS = 3  # in the table of a combination, the narrowest
OTHERS = "the others"
PLACES = {"plane": "on its plane", "inside": "inside the margin", "wrong": "beyond the boundary"}
COLOURS = {"signed": "red for the output, blue against it", "channels": "each color brighter than grey for the output, darker against it"}


class Tile(NamedTuple):
    """The weights of one output in one modality."""

    output: str
    content: Markup


class WeightsOf(NamedTuple):
    """The weights of one modality, how they were found, and what colors and axes mean."""

    modality: str
    found: str
    key: str
    tiles: Sequence[Tile]


class MarginRow(NamedTuple):
    """One combination, or one of its binary SVMs."""

    combination: str
    sides: str
    width: str
    rows: str
    on_planes: str
    inside: str
    wrong: str


class SupportCard(NamedTuple):
    """A support vector in the gallery."""

    side: str
    place: str
    contents: Sequence[Markup]
    sample_id: str


def weights_section(evaluation: Evaluation, read: Sequence[LinearWeights]) -> dict[str, Any]:
    """Return what the section of a data set shows of its linear models; nothing of one that is not applicable."""
    found = [one for one in read if one.combinations]
    return {
        "linear_models": [{"name": model_name(one.model, evaluation.form), "weights": [weights_of(one, part) for part in one.combinations
                                                                                       if part.weights]} for one in found],
        "margins": [{"name": model_name(one.model, evaluation.form), "rows": rows, "galleries": galleries_of(one)}
                    for one in found if (rows := margin_rows(one))],
    }  # fmt: skip


def weights_of(one: LinearWeights, part: ReadCombination) -> WeightsOf:
    """Return the weights of one modality."""
    how = f"{settings_text(configured(part.config))}; {one.scoring} {number(part.inner_score)} on the inner folds"
    tiles = [Tile(shown.output, drawn_weights(shown)) for shown in part.weights]
    return WeightsOf(" + ".join(part.modalities), how, key_of(part.weights), tiles)


def configured(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a configuration that say which model it is, without the solver's."""
    return {name: value for name, value in config.items() if name not in ("max_iter", "tol")}


def key_of(weights: Sequence[ShownWeights]) -> str:
    """Return what colors, axes and numbers mean."""
    first = weights[0].exhibit
    if isinstance(first, WeightBars):
        unit = "unit of the weighted count" if first.per == "unit" else "standard deviation of the feature"
        return f"Weight per {unit}; of {first.n_features:,} features the first and the last by weight."
    axes = f" From left to right: {', '.join(first.parts) or first.columns}." if first.parts or first.columns else ""
    rows = f" Upwards: {first.rows}." if first.rows else ""
    return f"Grey: weight 0; {COLOURS[first.colours]}.{axes}{rows} Each image has its own scale, whose end is written with it."


def drawn_weights(shown: ShownWeights) -> Markup:
    """Return the markup of the weights of one output."""
    label, exhibit = f"weights of {shown.modality} for {shown.output}", shown.exhibit
    return weight_bars(exhibit) if isinstance(exhibit, WeightBars) else weight_image(exhibit, label)


def weight_image(found: WeightImage, label: str) -> Markup:
    """Return the image, with the weight of full color."""
    image = enlarged(found.png, found.height, found.width, label, n_parts=max(1, len(found.parts)))
    return image + Markup('<p class="quiet">±{}</p>').format(number(found.limit))


def weight_bars(found: WeightBars) -> Markup:
    """Return a line per feature: its name, a bar from the middle, and the weight."""
    limit = max((abs(value) for _, value in found.bars), default=0.0) or 1.0
    rows = Markup("").join(_bar(name, value, abs(value) / limit) for name, value in found.bars)
    return Markup('<table class="cells bars">{}</table>').format(rows)


def _bar(name: str, value: float, share: float) -> Markup:
    side = "against" if value < 0 else "for"
    return Markup('<tr><th scope="row">{}</th><td><svg class="{}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
                  '<rect x="{}" width="{}" height="10"/></svg></td><td class="n">{}</td></tr>').format(
        name, side, f"{50 - 50 * share if value < 0 else 50:.1f}", f"{50 * share:.1f}", signed(value))


def margin_rows(one: LinearWeights) -> list[MarginRow]:
    """Return the margins of each combination: the narrowest ones; empty if none has any."""
    return [row for part in one.combinations for row in rows_of(part)]


def rows_of(part: ReadCombination) -> list[MarginRow]:
    """Return the lines of one combination."""
    name = " + ".join(part.modalities)
    ordered = sorted(part.margins, key=lambda margin: (margin.width is None, margin.width, margin.positive, margin.negative or ""))
    rows = [MarginRow(name, sides(margin), number(margin.width), f"{margin.n_rows:,}", f"{margin.n_plus:,} + {margin.n_minus:,}",
                      f"{margin.n_inside:,}", f"{margin.n_wrong:,}") for margin in ordered[:MOST_MARGINS]]  # fmt: skip
    if rest := ordered[MOST_MARGINS:]:
        what = ("pair" if part.margins[0].negative else "label") + ("s" if len(rest) > 1 else "")
        rows.append(MarginRow(name, f"{len(rest)} other {what}", interval(rest[0].width, rest[-1].width), "", "", "", ""))
    return rows


def sides(margin: MarginFacts) -> str:
    """Return the class on the plus side, and that on the minus side."""
    return f"{margin.positive} | {margin.negative or OTHERS}"


def galleries_of(one: LinearWeights) -> list[dict[str, Any]]:
    """Return the support vectors that are shown, by modality."""
    return [{"modality": " + ".join(part.modalities), "plus": part.gallery.positive, "minus": part.gallery.negative or OTHERS,
             "cards": [support_card(vector, part.gallery.positive, part.gallery.negative or OTHERS) for vector in part.gallery.vectors]}
            for part in one.combinations if part.gallery is not None]  # fmt: skip


def support_card(vector: ShownSupportVector, plus: str, minus: str) -> SupportCard:
    """Return one support vector: its own side, where it lies, and the sample."""
    place = PLACES[vector.place] + ("" if vector.place == "plane" else f", slack{SPACE}{number(vector.slack)}")
    return SupportCard(plus if vector.side == "plus" else minus, place, [drawn(shown, vector.sample_id) for shown in vector.shown],
                       vector.sample_id)
