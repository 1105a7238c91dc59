"""What the bytes of a file are, where they are not what its ending promises."""

import io

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

from stages.foundation.registry import component
from stages.samples.file_kinds import foreign_kind
from stages.samples.read import SampleError


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, kind)
    return file.getvalue()


def sound(kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(4_000), 8_000, format=kind)
    return file.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
FOREIGN = {
    "html": (b"\n<!DOCTYPE html>\n<html><title>404</title></html>", "an HTML page; download the file again"),
    "xhtml": (b'<?xml version="1.0"?>\n<!-- x --><HTML>', "an HTML page; download the file again"),
    "xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
    "svg": (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', "an SVG drawing; convert it to PNG or JPEG"),
    "lfs": (LFS, "a Git LFS pointer in place of the file; fetch the file with `git lfs pull`"),
    "zeros": (bytes(5_000), "zeros only, as an interrupted copy leaves them; copy the file again"),
    "json": (b'{"error": "not found"}', "text"),
    "utf-16": ("naïve words".encode("utf-16"), "text"),
    "utf-8": (("x" + "ß" * 2_000).encode(), "text"),  # the limit cuts a character
    "pdf": (b"%PDF-1.7\n", "a PDF document"),
    "gzip": (b"\x1f\x8b\x08\0", "compressed by gzip; unpack it"),
    "mac": (b"\0\x05\x16\x07\0\x02\0\0", "an AppleDouble file, which macOS writes next to the file itself; exclude it"),
}


@pytest.mark.parametrize("modality", ["image", "audio"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_neither_modality_reads_is_named_by_both(kind: str, modality: str) -> None:
    encoded, what = FOREIGN[kind]
    assert foreign_kind(encoded, modality) == what
    with pytest.raises(SampleError) as caught:
        component("modalities", modality).featurize(pa.array([encoded]), component("modalities", modality).settings())
    assert str(caught.value).endswith(f": {what}")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_picture_is_foreign_to_sound_alone(kind: str) -> None:
    assert foreign_kind(picture(kind)[:40], "image") is None
    assert f"{kind} image".lower() in str(foreign_kind(picture(kind), "audio")).lower()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "RF64"])
def test_a_sound_is_foreign_to_images_alone(kind: str) -> None:
    assert foreign_kind(sound(kind)[:40], "audio") is None
    assert str(foreign_kind(sound(kind), "image")).endswith(" file")


@pytest.mark.parametrize("kind", ["AIFF", "AU", "CAF", "W64", "VOC", "NIST"])
def test_sound_of_other_formats_has_a_remedy(kind: str) -> None:
    assert str(foreign_kind(sound(kind), "audio")).endswith("file; convert it to WAV or FLAC")


def test_an_image_of_another_format_has_a_remedy() -> None:
    with pytest.raises(SampleError, match="not a readable image of 24 bytes: a HEIC image; convert it to PNG or JPEG"):
        component("modalities", "image").featurize(pa.array([HEIC]), component("modalities", "image").settings())


@pytest.mark.parametrize("encoded", [b"", b"RIFF", b"\x89PN", bytes(range(200, 256)), b"\0\1\2\3" * 9])
def test_of_other_bytes_nothing_is_said(encoded: bytes) -> None:
    assert foreign_kind(encoded, "image") is None and foreign_kind(encoded, "audio") is None
