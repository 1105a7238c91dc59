"""Images: every format and mode, the camera's orientation, what is refused, and the histograms of oriented gradients."""

import struct
import warnings
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from toy_columns import encoded, png

from stages.featurize import featurize_column
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.modalities.image import ImageSettings
from stages.modalities.image.hog import hog
from stages.samples.read import SampleError

MODALITY = component("modalities", "image")
COLOURS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 255], [0, 0, 0], [51, 102, 153]]], dtype=np.uint8)
PICTURE = np.kron(COLOURS, np.ones((8, 8, 1), dtype=np.uint8))  # 16 × 24, six even squares
GREY16 = np.array([[0, 1, 300], [32768, 65534, 65535]], dtype=np.uint16)


def featurized(file: bytes, **settings: Any) -> np.ndarray:
    features = MODALITY.featurize(pa.array([file]), MODALITY.settings(**settings))
    return column_values(features.columns["vector"]).reshape(features.shape)


def corners(file: bytes) -> list[list[int]]:
    """Return what a picture of white but for black quarters looks like: 2 × 2 rounded grey values."""
    return np.rint(featurized(file, size=(2, 2), colour="grey")[:, :, 0]).astype(int).tolist()


# ---------------------------------------------------------------- formats and modes
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("PPM", {}),
        ("GIF", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_deflate"}),
    ],
)
def test_every_lossless_format_is_read_exactly(kind: str, options: Mapping[str, Any]) -> None:
    read = featurized(encoded(Image.fromarray(PICTURE), kind, **options), size=(16, 24))
    np.testing.assert_array_equal(read, PICTURE.astype(np.float32) / 255)


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("JPEG", {"progressive": True}), ("WEBP", {"quality": 95})])
def test_a_lossy_format_is_read_nearly(kind: str, options: Mapping[str, Any]) -> None:
    read = featurized(encoded(Image.fromarray(PICTURE), kind, **options), size=(2, 3))
    np.testing.assert_allclose(read, featurized(png(PICTURE), size=(2, 3)), atol=0.06)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_of_several_frames_the_first_is_read(kind: str) -> None:
    first, second = Image.new("RGB", (4, 4), "white"), Image.new("RGB", (4, 4), "black")
    file = encoded(first, kind, save_all=True, append_images=[second])
    np.testing.assert_array_equal(featurized(file, size=(2, 2)), np.ones((2, 2, 3)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_sixteen_bits_of_grey_are_kept(kind: str, colour: str) -> None:
    read = featurized(encoded(Image.fromarray(GREY16), kind), size=(2, 3), colour=colour)
    np.testing.assert_allclose(read, np.repeat(GREY16[:, :, None] / 65535, read.shape[2], axis=2), atol=1e-7)


def test_sixteen_bits_in_big_endian_order_are_kept() -> None:
    little = encoded(Image.fromarray(GREY16), "TIFF")
    big = encoded(Image.frombytes("I;16B", (3, 2), GREY16.astype(">u2").tobytes()), "TIFF")
    assert big[:2] == b"MM"
    np.testing.assert_array_equal(*(featurized(file, size=(2, 3)) for file in (little, big)))


def test_a_palette_s_transparent_colour_shows_the_background() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    assert featurized(encoded(image, "PNG"), size=(1, 1)).tolist() == [[[0, 0, 1]]]
    for kind in ("PNG", "GIF"):
        assert featurized(encoded(image, kind, transparency=1), size=(1, 1), background="black").tolist() == [[[0, 0, 0]]]
    half = encoded(image, "PNG", transparency=bytes([255, 0]))  # one opacity per colour of the palette
    assert featurized(half, size=(1, 1)).tolist() == [[[1, 1, 1]]]


def test_half_transparent_grey_is_laid_over_the_background() -> None:
    file = encoded(Image.merge("LA", (Image.new("L", (2, 2), 0), Image.new("L", (2, 2), 51))), "PNG")
    np.testing.assert_allclose(featurized(file, size=(1, 1), colour="grey"), 0.8, atol=0.005)
    assert featurized(file, size=(1, 1), colour="grey", background="black").tolist() == [[[0]]]


def test_ink_is_not_light() -> None:
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    np.testing.assert_allclose(featurized(encoded(cyan, "JPEG"), size=(1, 1))[0, 0], [0, 1, 1], atol=0.02)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_of_the_camera_is_undone(kind: str) -> None:
    scene = Image.new("L", (32, 32), 255)
    scene.paste(0, (0, 0, 16, 16))  # the upper left corner is black
    turned = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how Pillow numbers what the camera did to it
    for orientation, method in turned.items():
        image = scene if method is None else scene.transpose(Image.Transpose(method))
        exif = Image.Exif()
        exif[0x0112] = orientation
        assert corners(encoded(image.convert("RGB"), kind, exif=exif)) == [[0, 1], [1, 1]], orientation


def test_sixteen_bits_are_turned_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    read = featurized(encoded(Image.fromarray(GREY16), "PNG", exif=exif), size=(3, 2), colour="grey")
    np.testing.assert_allclose(read[:, :, 0], np.rot90(GREY16, -1) / 65535, atol=1e-7)


def test_a_damaged_entry_beside_the_orientation_does_not_lose_the_picture() -> None:
    scene = Image.new("RGB", (32, 32), "white")
    scene.paste("black", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 3, 72.0  # orientation; resolution, a fraction
    block = exif.tobytes()
    at = block.index(struct.pack(">HH" if b"MM" in block[:8] else "<HH", 0x011A, 5)) + 2
    damaged = block[:at] + struct.pack(">H" if b"MM" in block[:8] else "<H", 7) + block[at + 2 :]  # undefined bytes instead
    assert corners(encoded(scene, "JPEG", exif=damaged)) == [[1, 1], [1, 0]]


# ---------------------------------------------------------------- decoding no more than is of use
def scene(height: int, width: int) -> Image.Image:
    """Return a picture with coarse colours, a little grain, and no symmetry."""
    random = np.random.default_rng(11)
    colours = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray(np.clip(np.asarray(colours) + random.integers(-9, 10, (height, width, 1)), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("settings", [{"size": (20, 30)}, {"size": (20, 30), "colour": "grey"}, {"size": (90, 7)}])
def test_a_jpeg_decoded_at_a_fraction_looks_the_same(orientation: int, settings: dict[str, Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(scene(170, 230), "JPEG", quality=90, exif=exif)
    full, scaled = featurized(file, **settings), featurized(file, **settings, decode="scaled")
    assert np.abs(scaled - full).mean() < 3 / 255
    assert np.abs(scaled - full).max() < 25 / 255


def test_scaled_decodes_less_and_full_what_pillow_does(monkeypatch: pytest.MonkeyPatch) -> None:
    file, sizes = encoded(scene(256, 256), "JPEG"), []
    load = JpegImageFile.load

    def noted(image: JpegImageFile) -> Any:
        sizes.append(image.size)
        return load(image)

    monkeypatch.setattr(JpegImageFile, "load", noted)
    featurized(file, size=(40, 40), decode="scaled")
    assert set(sizes) == {(64, 64)}
    sizes.clear()
    read = featurized(file, size=(40, 40))
    assert set(sizes) == {(256, 256)}
    plain = Image.open(BytesIO(file)).convert("RGB").resize((40, 40), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(read, np.asarray(plain, dtype=np.float32) / 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "BMP", "WEBP", "PPM"])
def test_other_formats_are_decoded_whole(kind: str) -> None:
    file = encoded(scene(60, 90), kind)
    np.testing.assert_array_equal(featurized(file, size=(5, 6), decode="scaled"), featurized(file, size=(5, 6)))


def test_a_jpeg_larger_than_may_be_decoded_is_refused_however_little_is_decoded() -> None:
    with pytest.raises(SampleError, match=r"row 0: 100×100 pixels are more than max_pixels = 9999"):
        featurized(encoded(scene(100, 100), "JPEG"), size=(5, 5), decode="scaled", max_pixels=9_999)


SIDE = st.integers(1, 200)


@settings(max_examples=100, deadline=None)
@given(height=SIDE, width=SIDE, size=st.tuples(st.integers(1, 80), st.integers(1, 80)), seed=st.integers(0, 2**32 - 1))
def test_pixels_are_those_of_pillows_bilinear_filter(height: int, width: int, size: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    colours = random.choice([0, 1, 127, 254, 255], (height, width, 3)) if seed % 2 else random.integers(0, 256, (height, width, 3))
    image = Image.fromarray(colours.astype(np.uint8))
    expected = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR), dtype=np.float32) / 255
    np.testing.assert_array_equal(featurized(encoded(image, "PNG"), size=size), expected)


def test_threads_leave_warnings_as_they_were() -> None:
    before, files = warnings.filters[:], [png(PICTURE), png_header(10_000, 10_000)] * 8
    with ThreadPoolExecutor(4) as pool:
        found = [future.exception() for future in [pool.submit(featurized, file) for file in files]]
    assert [error is None for error in found] == [True, False] * 8
    assert warnings.filters == before


# ---------------------------------------------------------------- what is refused
def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that declares a size and has next to no pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((8_000, 8_000), r"8000×8000 pixels are more than max_pixels = 50000000"),
        ((10_000, 10_000), r"not a readable image of \d+ bytes \(DecompressionBombWarning: Image size \(100000000 pixels\)"),
        ((100_000, 100_000), r"not a readable image of \d+ bytes \(DecompressionBombError: Image size \(10000000000 pixels\)"),
    ],
)
def test_a_header_that_claims_a_hundred_million_pixels_is_refused_by_itself(size: tuple[int, int], reason: str) -> None:
    with pytest.raises(SampleError, match=f"row 0: {reason}"):  # and not for the pixels that are not there: nothing was decoded
        featurized(png_header(*size))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_a_truncated_file_is_named(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    file = encoded(Image.fromarray(noise), kind)
    with pytest.raises(SampleError, match=r"row 0: not a readable image of \d+ bytes \(\w+: "):
        featurized(file[: len(file) // 2])


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "not a readable image of 0 bytes"),
        (b"\0" * 100, "not a readable image of 100 bytes"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n", "not a readable image"),  # runs Ghostscript
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "not a readable image"),
        (encoded(Image.new("RGB", (16, 16)), "ICO"), "not a readable image"),
        (b"P6 4 4 2x5\n" + bytes(48), "not a readable image of 59 bytes"),
        (encoded(Image.new("F", (2, 2), 0.5), "TIFF"), "pixels of mode 'F' have no fixed range; save the image with 8 or 16 bits"),
        (encoded(Image.new("I", (2, 2), 5), "TIFF"), "pixels of mode 'I' have no fixed range"),
    ],
)
def test_what_is_no_picture_is_named(file: bytes, reason: str) -> None:
    with pytest.raises(SampleError, match=f"row 0: .*{reason}"):
        featurized(file)


# ---------------------------------------------------------------- oriented gradients
def hog_of(pixels: np.ndarray, **settings: Any) -> np.ndarray:
    return hog(pixels, **{"cell": 8, "block": 1, "orientations": 9, **settings})


def test_an_edge_votes_for_its_orientation() -> None:
    down, across = np.mgrid[:8, :8] / 8
    for degrees in range(0, 180, 20):
        angle = np.radians(degrees + 10)  # the middle of a part, so that rounding does not matter
        ramp = across * np.cos(angle) + down * np.sin(angle)
        histogram = np.zeros(9)
        for strength, part in zip(*votes(ramp), strict=True):
            histogram[part] += strength
        assert np.argmax(histogram) == degrees // 20
        np.testing.assert_allclose(hog_of(ramp[:, :, None])[0, 0, 0, 0], clipped(histogram / 64), atol=1e-12)


def votes(ramp: np.ndarray) -> tuple[list[float], list[int]]:
    """Return each pixel's strength and part of nine, by the definition, one pixel after the other."""
    height, width = ramp.shape
    strengths, parts = [], []
    for row in range(height):
        for column in range(width):
            down = ramp[row + 1, column] - ramp[row - 1, column] if 0 < row < height - 1 else 0.0
            across = ramp[row, column + 1] - ramp[row, column - 1] if 0 < column < width - 1 else 0.0
            strengths.append(float(np.hypot(down, across)))
            parts.append(int(np.degrees(np.arctan2(down, across)) % 180 // 20))
    return strengths, parts


def clipped(histogram: np.ndarray) -> np.ndarray:
    once = np.minimum(histogram / np.sqrt(np.sum(histogram**2) + 1e-10), 0.2)
    return once / np.sqrt(np.sum(once**2) + 1e-10)


def test_a_cell_computed_by_hand() -> None:
    picture = np.zeros((4, 4))
    picture[:, 2:] = 1.0  # a vertical edge: strength 1 in columns 1 and 2 of every row, at 0°
    picture[3, 0] = 0.5  # in row 2, column 0: 0.5 down, at 90°; in row 3, column 1: across 1 - 0.5, at 0°
    histograms = hog_of(picture[:, :, None], cell=4, orientations=2)[0, 0, 0, 0]
    first, second = (7 + 0.5) / 16, 0.5 / 16
    second_clipped = second / np.hypot(first, second)
    np.testing.assert_allclose(histograms, np.array([0.2, second_clipped]) / np.hypot(0.2, second_clipped), rtol=1e-6)


# scikit-image 0.26: one cell of one block, and the sums of the blocks, of the picture below
GOLDEN = ([0.2786271, 0.2786271, 0.25819114, 0.0371152, 0.12352734], [[3.9185413, 4.0811953], [3.9230382, 4.088907]])


def test_agrees_with_scikit_image() -> None:
    rows, columns, colours = np.mgrid[:13, :14, :2]
    picture = ((7 * rows + 3 * columns * columns + 5 * rows * columns + 11 * colours) % 17) / 16
    found = hog_of(picture, cell=4, block=2, orientations=5)
    assert found.shape == (2, 2, 2, 2, 5)
    np.testing.assert_allclose(found[1, 0, 0, 1], GOLDEN[0], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=(2, 3, 4)), GOLDEN[1], atol=1e-6)


def test_neither_brightness_nor_contrast_matters() -> None:
    picture = np.random.default_rng(1).random((16, 16, 3))
    np.testing.assert_allclose(hog_of(0.5 + picture), hog_of(picture), atol=1e-9)
    np.testing.assert_allclose(hog_of(0.3 * picture), hog_of(picture), atol=1e-6)
    assert not hog_of(np.full((16, 16, 1), 0.7)).any()


def test_of_several_colours_the_strongest_gradient_counts() -> None:
    picture = np.random.default_rng(2).random((16, 16, 1))
    np.testing.assert_array_equal(hog_of(np.concatenate([0.1 * picture, picture], axis=2)), hog_of(picture))


def test_what_no_cell_covers_does_not_count() -> None:
    picture = np.random.default_rng(3).random((16, 16, 1))
    wider = np.pad(picture, ((0, 7), (0, 5), (0, 0)), mode="edge")
    np.testing.assert_array_equal(hog_of(wider)[0, 0], hog_of(picture)[0, 0])
    assert hog_of(wider).shape == hog_of(picture).shape


def test_hog_is_a_setting_of_the_modality() -> None:
    pictures = [png(np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)) for seed in range(3)]
    samples = pa.table({"sample_id": ["a", "b", "c"], "image": pa.array(pictures)})
    settings = ImageSettings(size=(28, 28), colour="grey", features="hog", cell=7)
    table, metadata = featurize_column(samples, "image", MODALITY, settings, dataset="toy", chunk_rows=2)
    assert metadata.shape == (3, 3, 2, 2, 9) and metadata.encoding == "dense"
    vectors = column_values(table["vector"])
    alone = featurized(pictures[2], size=(28, 28), colour="grey", features="hog", cell=7)
    np.testing.assert_array_equal(vectors[2], alone.reshape(-1))
    pixels = featurized(pictures[2], size=(28, 28), colour="grey")
    np.testing.assert_allclose(alone, hog(pixels, cell=7, block=2, orientations=9), atol=1e-7)
    summary = MODALITY.summarise(table, metadata)
    assert summary["finite"].all() and (summary["min"] >= 0).all() and (summary["max"] <= 1).all() and (summary["contrast"] > 0).all()
    notes = [arguments.get("notes", "") for _, arguments in MODALITY.expectations(metadata)]
    assert "largest share of an orientation in its block" in notes


def test_a_block_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"features\.toy: a hog block of 2 cells of 8 pixels does not fit into size \[15, 40\]; use"):
        parse({"features": "hog", "size": [15, 40]}, "features.toy", ImageSettings)
    assert parse({"size": [15, 40]}, "features.toy", ImageSettings).features == "pixels"
