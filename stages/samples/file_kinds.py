"""Say what the bytes of a file are by its first ones, where a modality cannot read them: its ending may promise something else."""

import re

CONVERT_IMAGE = "convert it to PNG or JPEG"
CONVERT_SOUND = "convert it to WAV or FLAC"
UNPACK = "unpack it"
# first bytes, as a regular expression → what they are, what to do about it, and the modality that reads such files
_BINARY: tuple[tuple[bytes, str, str, str], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "a PNG image", "", "image"),
    (rb"\xff\xd8\xff", "a JPEG image", "", "image"),
    (rb"GIF8[79]a", "a GIF image", "", "image"),
    (rb"RIFF....WEBP", "a WebP image", "", "image"),
    (rb"II\*\0|MM\0\*", "a TIFF image", "", "image"),
    (rb"BM....\0\0\0\0", "a BMP image", "", "image"),
    (rb"....ftyp(?:hei|hev|mif1|msf1)", "a HEIC image", CONVERT_IMAGE, ""),
    (rb"....ftypavi[fs]", "an AVIF image", CONVERT_IMAGE, ""),
    (rb"\0\0\0\x0cJXL \r\n|\xff\x0a", "a JPEG XL image", CONVERT_IMAGE, ""),
    (rb"\0\0\0\x0cjP  \r\n|\xff\x4f\xff\x51", "a JPEG 2000 image", CONVERT_IMAGE, ""),
    (rb"8BPS\0", "a Photoshop file", CONVERT_IMAGE, ""),
    (rb"\0\0\x01\0[\x01-\xff]\0", "an icon (ICO)", CONVERT_IMAGE, ""),
    (rb"(?:RIFF|RIFX|RF64|BW64)....WAVE", "a WAV file", "", "audio"),
    (rb"fLaC", "a FLAC file", "", "audio"),
    (rb"OggS", "an Ogg file", "", "audio"),
    (rb"ID3[\x02-\x04]", "an MP3 file", "", "audio"),
    (rb"FORM....AIF[FC]", "an AIFF file", CONVERT_SOUND, ""),
    (rb"\.snd\0", "an AU file", CONVERT_SOUND, ""),
    (rb"caff\0\x01", "a CAF file", CONVERT_SOUND, ""),
    (rb"riff\x2e\x91\xcf\x11", "a Wave64 file", CONVERT_SOUND, ""),
    (rb"....ftypM4[AB]", "an M4A file", CONVERT_SOUND, ""),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "an AAC file", CONVERT_SOUND, ""),
    (rb"#!AMR", "an AMR file", CONVERT_SOUND, ""),
    (rb"NIST_1A\n", "a SPHERE file", CONVERT_SOUND, ""),
    (rb"wvpk", "a WavPack file", CONVERT_SOUND, ""),
    (rb"MAC \x96", "a Monkey's Audio file", CONVERT_SOUND, ""),
    (rb"Creative Voice File\x1a", "a VOC file", CONVERT_SOUND, ""),
    (rb"MThd\0\0\0\x06", "a MIDI file, which holds notes and no sound", "", ""),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMA or WMV file", "convert it", ""),
    (rb"....ftyp", "an MP4 file", "convert it", ""),
    (rb"RIFF....AVI ", "an AVI film", "", ""),
    (rb"\x1a\x45\xdf\xa3", "a Matroska or WebM file", "convert it", ""),
    (rb"\0\x05\x16[\0\x07]\0\x02", "an AppleDouble file, which macOS writes next to the file itself", "exclude it", ""),
    (rb"%PDF-", "a PDF document", "", ""),
    (rb"%!PS", "a PostScript file", CONVERT_IMAGE, ""),
    (rb"PK\x03\x04", "a ZIP archive", UNPACK, ""),
    (rb"\x1f\x8b\x08", "compressed by gzip", UNPACK, ""),
    (rb"BZh[1-9]", "compressed by bzip2", UNPACK, ""),
    (rb"\xfd7zXZ\0", "compressed by xz", UNPACK, ""),
    (rb"\x28\xb5\x2f\xfd", "compressed by Zstandard", UNPACK, ""),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", "a 7z or RAR archive", UNPACK, ""),
)
_TEXT: tuple[tuple[bytes, str, str], ...] = (
    (rb"version https://git-lfs", "a Git LFS pointer in place of the file", "fetch the file with `git lfs pull`"),
    (rb"(?:<\?xml[^>]*>\s*|<!--[^>]*-->\s*)*<(?:!doctype html|html|head|body)\b", "an HTML page", "download the file again"),
    (rb"(?:<\?xml[^>]*>\s*|<!--[^>]*-->\s*|<!doctype svg[^>]*>\s*)*<svg\b", "an SVG drawing", CONVERT_IMAGE),
    (rb"<\?xml", "an XML document", ""),
)
_KINDS = tuple((re.compile(start, re.DOTALL), what, remedy, reader) for start, what, remedy, reader in _BINARY)
_TEXTS = tuple((re.compile(start, re.DOTALL | re.IGNORECASE), what, remedy) for start, what, remedy in _TEXT)
_LOOKED_AT = 1_024  # bytes
_LEAST_TEXT = 12  # bytes: fewer may be the start of anything
_TEXT_BYTES = re.compile(rb"[\t\n\f\r\x20-\x7e\x80-\xff]+")


def foreign_kind(encoded: bytes, modality: str) -> str | None:
    """Return what a file is and what to do about it, as "an HTML page; download the file again".

    None if the bytes are of no known kind, or of one that `modality` reads: then the file is damaged, and its decoder knows how.
    """
    start = encoded[:_LOOKED_AT]
    for pattern, what, remedy, reader in _KINDS:
        if pattern.match(start):
            return None if reader == modality else _phrase(what, remedy)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, what, remedy in _TEXTS:
        if pattern.match(text):
            return _phrase(what, remedy)
    if start and encoded.count(0) == len(encoded):
        return "zeros only, as an interrupted copy leaves them; copy the file again"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(text) >= _LEAST_TEXT and _TEXT_BYTES.fullmatch(text) and _is_utf8(text)):
        return "text"
    return None


def _phrase(what: str, remedy: str) -> str:
    return f"{what}; {remedy}" if remedy else what


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start >= _LOOKED_AT - 8  # a character cut by the limit
    return True
