"""Weights as a page shows them: an image where features have places, terms by their names, else bars."""

import base64
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from toy_samples import features_metadata

from stages.contracts.documents.weights_document import WeightImage
from stages.contracts.modality import Modality
from stages.foundation.registry import component, names
from stages.modalities.text.terms import index_of
from stages.samples.weight_images import channel_image, signed_image


def pixels_of(image: WeightImage) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(image.png))) as opened:
        found = np.asarray(opened.convert("RGB")).astype(int)
    assert found.shape[:2] == (image.height, image.width)
    return found


def modality(name: str) -> Modality:
    found: Modality = component("modalities", name)
    return found


def test_zero_is_grey_and_the_sign_is_a_color() -> None:
    image = signed_image([np.array([[0.0, 2.0], [-2.0, 1.0]])])
    assert (image.limit, image.colours) == (2.0, "signed")
    grey, above, below, half = pixels_of(image).reshape(-1, 3)
    assert len(set(grey)) == 1
    assert above[0] > above[2] and below[2] > below[0]
    assert np.abs(2 * half - grey - above).max() <= 2, "half of the largest weight has half of the color"


def test_parts_stand_next_to_one_another_on_one_scale() -> None:
    image = signed_image([np.full((2, 2), 1.0), np.full((2, 2), 4.0)], names=("mean", "max"))
    found = pixels_of(image)
    assert (image.parts, image.limit, found.shape) == (("mean", "max"), 4.0, (2, 5, 3))
    assert (found[:, 2] == 255).all() and (found[0, 0] != found[0, 4]).any()


def test_weights_of_colors_brighten_or_darken_their_channel() -> None:
    found = pixels_of(channel_image(np.array([[[0.0, 3.0, -3.0], [0.0, 0.0, 0.0]]])))
    assert found[0, 0].tolist() == [128, 255, 0] and found[0, 1].tolist() == [128, 128, 128]


def test_weights_that_are_all_zero_are_grey() -> None:
    assert len(np.unique(pixels_of(signed_image([np.zeros((3, 4))])))) == 1
    assert np.unique(pixels_of(channel_image(np.zeros((3, 4, 3))))).tolist() == [128]


def test_a_large_image_is_reduced() -> None:
    image = channel_image(np.random.default_rng(0).normal(size=(300, 200, 3)))
    assert (image.height, image.width) == (128, 85)


# ---------------------------------------------------------------- by modality
def test_pixels_keep_their_places() -> None:
    show = modality("image").show_weights
    assert show is not None
    weights = np.zeros((4, 5, 1))
    weights[1, 3] = 1.0
    grey = show(weights.ravel(), features_metadata("image", shape=[4, 5, 1], settings={"features": "pixels"}))
    assert grey is not None and np.argwhere(pixels_of(grey)[:, :, 2] < 100).tolist() == [[1, 3]]
    color = show(np.zeros(60), features_metadata("image", shape=[4, 5, 3], settings={"features": "pixels"}))
    assert color is not None and color.colours == "channels"
    assert show(np.zeros(36), features_metadata("image", shape=[1, 1, 36], settings={"features": "hog"})) is None


def test_bands_of_sound_go_upwards_and_parts_of_the_clip_to_the_right() -> None:
    show = modality("audio").show_weights
    assert show is not None
    weights = np.zeros((2, 3))
    weights[1, 0] = 1.0  # of the second row of the vector, the lowest band
    about = features_metadata("audio", shape=[2, 3], names=["mean", "deviation"], settings={"features": "log_mel", "summary": "clip"})
    image = show(weights.ravel(), about)
    assert image is not None and image.columns == "mean, deviation" and "lowest at the bottom" in image.rows
    found = np.argwhere(pixels_of(image)[:, :, 2] < 100)
    assert set(found[:, 0]) == {2} and found[:, 1].min() >= image.width // 2


def test_frames_of_pressure_stand_next_to_one_another() -> None:
    show = modality("tactile").show_weights
    assert show is not None
    weights = np.zeros((2, 3, 3))
    weights[1, 0, 2] = -1.0
    image = show(weights.ravel(), features_metadata("tactile", shape=[2, 3, 3], names=["peak", "mean"]))
    assert image is not None and image.parts == ("peak", "mean")
    assert np.argwhere(pixels_of(image)[:, :, 0] < 100).tolist() == [[0, 6]]


@pytest.mark.parametrize("name", names("modalities"))
def test_a_modality_shows_images_or_none(name: str) -> None:
    assert (modality(name).show_weights is not None) == (name in {"image", "audio", "tactile"})
    assert (modality(name).name_terms is not None) == (name in {"text", "vector"})


@pytest.mark.parametrize("settings", [{"ngrams": [1, 2]}, {"analyzer": "char", "characters": [2, 3]}])
def test_every_index_of_a_text_has_the_name_of_a_term_with_it(settings: dict[str, object]) -> None:
    text = modality("text")
    column = pa.array(["The cat sat on the mat", "Don't sit, ÉCOLE naïve", "", "so sad :-("])
    declared = text.settings.model_validate_json(json.dumps(settings))
    indices = text.featurize(column, declared).columns["indices"].flatten().to_pylist()
    assert text.name_terms is not None
    found = text.name_terms(column, declared, indices)
    assert set(found) == set(indices) and all(index_of(term) == index for index, term in found.items())
    if "ngrams" in settings:
        assert {"the cat", "école", "don't sit"} <= set(found.values())
    assert text.name_terms(column, declared, indices[:2]) == {index: found[index] for index in indices[:2]}
    assert text.name_terms(column.take(pa.array([3, 2, 1, 0])), declared, indices) == found


def test_a_word_with_its_neighbors_is_named_by_its_place() -> None:
    text = modality("text")
    column = pa.array([["the", "cat", None]], pa.list_(pa.string()))
    declared = text.settings.model_validate({"window": 1})
    indices = text.featurize(column, declared).columns["indices"].flatten().to_pylist()
    assert text.name_terms is not None
    assert set(text.name_terms(column, declared, indices).values()) == {"-1 the", "0 cat", "+1"}
