"""Hostile sounds, images, arrays, point clouds and graphs."""

import io
import struct
import zipfile
import zlib

import numpy as np

from hostile import Case, file


# ---------------------------------------------------------------- sounds
def wav(
    *,
    channels: int = 1,
    rate: int = 8_000,
    bits: int = 16,
    code: int = 1,
    width: int | None = None,
    data: bytes = bytes(16_000),
    size: int | None = None,
) -> bytes:
    width = channels * bits // 8 if width is None else width
    form = struct.pack("<HHIIHH", code, channels, rate, min(rate * width, 2**32 - 1), width % 2**16, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def flac(n_samples: int, *, rate: int = 8_000) -> bytes:
    """Return a FLAC file whose header declares a number of samples, and that has none."""
    fields = rate << 44 | 0 << 41 | 15 << 36 | n_samples
    return (
        b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + fields.to_bytes(8, "big") + bytes(16) + b"\xff\xf8" + bytes(100)
    )


HEADER = "WAV header is inconsistent"
SOUNDS = {
    "WAV of 0 bits": (lambda: wav(bits=0), "WAV encoding 1 with 0 bits"),
    "WAV of 0 channels": (lambda: wav(channels=0), HEADER),
    "WAV of 0 Hz": (lambda: wav(rate=0), HEADER),
    "WAV of 4 GHz": (lambda: wav(rate=2**32 - 1), HEADER),
    "WAV of 65,535 channels": (lambda: wav(channels=65_535, bits=8), "shorter than one window"),
    "WAV of 65,535 channels of 16 bits": (lambda: wav(channels=65_535), HEADER),
    "WAV of 65,535 bits": (lambda: wav(bits=65_535, width=8_192), "WAV"),
    "WAV of 1 bit": (lambda: wav(bits=1, width=0), HEADER),
    "WAV of 64-bit integers": (lambda: wav(bits=64), "WAV encoding 1 with 64 bits"),
    "WAV of NaN": (lambda: wav(code=3, bits=32, data=np.full(800, np.nan, "f4").tobytes()), "not finite"),
    "WAV of 1e38": (lambda: wav(code=3, bits=32, data=np.full(800, 1e38, "f4").tobytes()), "not finite, or beyond"),
    "WAV without samples": (lambda: wav(data=b"", size=0), "shorter than one window"),
    "WAV of an unknown code": (lambda: wav(code=0x7777), "WAV encoding 30583"),
    "WAV of chunks alone": (lambda: b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 100_000, "without complete 'fmt '"),
    "WAV of ten hours at 1 kHz": (lambda: wav(rate=1_000, bits=8, data=bytes(36_000_000)), "longer than max_seconds"),
    "ADPCM of 0 bytes a block": (lambda: wav(code=0x11, bits=4, width=0), "WAV"),
    "MP3 in WAV, of nothing": (lambda: wav(code=0x55), "MP3"),
    "FLAC of 2^36 samples": (lambda: flac(2**36 - 1), "longer than max_seconds"),
    "FLAC of 0 Hz": (lambda: flac(8_000, rate=0), "FLAC"),
    "FLAC without frames": (lambda: flac(8_000), "FLAC file"),
    "FLAC of no length": (lambda: flac(0), "does not declare the length"),
    "Ogg of empty pages": (lambda: b"OggS" + bytes(23) + b"\xff" * 100_000, "Ogg file"),
    "ID3 tags of 256 MB": (lambda: b"ID3\4\0\0\x7f\x7f\x7f\x7f", "MP3|ID3"),
    "ID3 tags alone": (lambda: b"ID3\4\0\0\0\0\0\0" * 10_000, "MP3 file is damaged"),
    "2 MB of MP3's marks": (lambda: b"\xff\xfb" * 1_000_000, "MP3"),
}


# ---------------------------------------------------------------- images
def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *more: bytes, bits: int = 8, colour: int = 2, data: bytes = zlib.compress(bytes(100))) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bomb(n_bytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(n_bytes // 2**20)) + packer.flush()


def tiff(width: int, height: int, **tags: int) -> bytes:
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 100} | {
        int(k[1:]): v for k, v in tags.items()
    }
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + struct.pack("<I", 8)  # the next directory is this one


PIXELS, UNREADABLE = r"pixels are more than max_pixels|Image size \(\d+ pixels\) exceeds limit", "not a readable image"
IMAGES = {
    "PNG of 100,000 × 100,000": (lambda: png(100_000, 100_000), PIXELS),
    "PNG of 2^31 × 1": (lambda: png(2**31 - 1, 1), f"{PIXELS}|{UNREADABLE}"),
    "PNG of 0 × 0": (lambda: png(0, 0), UNREADABLE),
    "PNG of 9,000 × 9,000": (lambda: png(9_000, 9_000), PIXELS),
    "PNG of 2^32-1 × 2^32-1": (lambda: png(2**32 - 1, 2**32 - 1), f"{PIXELS}|{UNREADABLE}"),
    "PNG with a zTXt bomb": (lambda: png(4, 4, chunk(b"zTXt", b"k\0\0" + bomb(2**28))), UNREADABLE),
    "PNG with an iTXt bomb": (lambda: png(4, 4, chunk(b"iTXt", b"k\0\1\0\0\0" + bomb(2**28))), UNREADABLE),
    "PNG with an iCCP bomb": (lambda: png(4, 4, chunk(b"iCCP", b"k\0\0" + bomb(2**28))), UNREADABLE),
    "PNG with 200 texts of a megabyte": (
        lambda: png(4, 4, *[chunk(b"zTXt", b"k%d\0\0" % i + zlib.compress(bytes(2**20))) for i in range(200)]),
        UNREADABLE,
    ),
    "PNG with 100,000 chunks": (lambda: png(4, 4, *[chunk(b"tEXt", b"k\0v")] * 100_000, data=b""), UNREADABLE),
    "PNG with a chunk of 2 GB": (lambda: png(4, 4, struct.pack(">I", 2**31 - 1) + b"tEXt"), UNREADABLE),
    "PNG of pixels that never end": (lambda: png(4_000, 4_000, data=bomb(2**20)), UNREADABLE),
    "GIF of 65,535 × 65,535": (lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;", PIXELS),
    "BMP of 2^31 × 2^31": (
        lambda: b"BM" + bytes(8) + struct.pack("<IIiiHHIIIIII", 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0),
        PIXELS,
    ),
    "PPM of 10^9 × 10^9": (lambda: b"P6 999999999 999999999 255 ", PIXELS),
    "PPM of 5,000 digits": (lambda: b"P6 " + b"9" * 5_000 + b" 1 255 ", UNREADABLE),
    "PGM of text that never ends": (lambda: b"P2 4000 4000 255 " + b"1 " * 1_000_000, f"{UNREADABLE}"),
    "TIFF of 2^32 × 2^32": (lambda: tiff(2**32 - 1, 2**32 - 1), f"{PIXELS}|{UNREADABLE}"),
    "TIFF of 60,000 samples": (lambda: tiff(4, 4, t277=60_000), UNREADABLE),
    "TIFF of nothing": (lambda: b"II*\0" + struct.pack("<I", 2**32 - 1), UNREADABLE),
    "WebP of 16,383 × 16,383": (lambda: b"RIFF\x22\0\0\0WEBPVP8L\x16\0\0\0\x2f\xfe\xff\xff\x0f" + bytes(30), f"{PIXELS}|{UNREADABLE}"),
    "JPEG of 65,535 × 65,535": (
        lambda: b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0\xff\xda\0\x08\1\1\0\0?\0" + bytes(100),
        PIXELS,
    ),
    "EPS, which is a program": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(touch pwned) run\n", UNREADABLE),
    "SVG with entities": (lambda: b'<!DOCTYPE a [<!ENTITY b "x">]><svg>&b;</svg>', UNREADABLE),
}


# ---------------------------------------------------------------- arrays, clouds, graphs
def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode("latin-1") + body


def shaped(shape: str, kind: str = "<f8") -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}")


def npz(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(f"{name}.npy", raw)
    return content.getvalue()


def xml(body: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<graphml><graph edgedefault="directed">{body}</graph></graphml>'.encode()


ENTITIES = "<!DOCTYPE a [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{i + 1} '{f'&a{i};' * 9}'>" for i in range(12)) + "]>"
PLY = "ply\nformat {} 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
FILES: dict[str, tuple[Case, str]] = {
    "npy of 10^12 numbers": (file("series", "a.npy", lambda: shaped("1000000000000,")), "1,000,000,000,000 numbers; expected at most"),
    "npy of 10^18 × 10^18": (file("series", "a.npy", lambda: shaped(f"{10**17}, {10**17}")), "numbers; expected at most"),
    "npy of a shape of 5,000 digits": (file("series", "a.npy", lambda: shaped("9" * 5_000 + ",")), "expected whole numbers"),
    "npy of 10^12 × 0": (file("series", "a.npy", lambda: shaped("1000000000000, 0")), "empty"),
    "npy of -1": (file("series", "a.npy", lambda: shaped("-1,")), "expected an array of"),
    "npy of 2,000 axes": (file("series", "a.npy", lambda: shaped("1," * 2_000, "<f8")), ".npy"),
    "npy of code": (file("series", "a.npy", lambda: npy("__import__('os').system('touch pwned')")), "expected an array of"),
    "npy of a shape of code": (file("series", "a.npy", lambda: shaped("__import__('os').mkdir('pwned'),")), "expected an array of"),
    "npy of objects": (file("series", "a.npy", lambda: shaped("1,", "|O") + b"\x80\4c"), "Python objects"),
    "npy of bytes of 10^9": (file("series", "a.npy", lambda: shaped("1,", "|S999999999")), "expected an array of"),
    "npy with a header of 4 GB": (file("series", "a.npy", lambda: b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1)), "truncated or damaged"),
    "npz of a gigabyte of zeros": (
        file("series", "a.npz", lambda: npz(series=bytes(2**28 + 1))),
        "unpacks to 268,435,457 bytes; expected at most",
    ),
    "npz of 100,000 arrays": (file("series", "a.npz", lambda: npz(**{f"a{i}": b"" for i in range(2_000)})), "too many arrays"),
    "npz in npz": (file("series", "a.npz", lambda: npz(series=npz(series=b"x"))), "not an .npy file"),
    "csv of a line of 2 MB": (file("series", "a.csv", lambda: b"1," * 2**20), "more than 1,048,576 characters"),
    "xyz of 10^12 atoms": (file("set", "a.xyz", lambda: b"1000000000000\n\nO 1 2 3\n"), "1,000,000,000,000 atoms; expected at most"),
    "xyz of 5,000 digits": (file("set", "a.xyz", lambda: b"9" * 5_000 + b"\n\nO 1 2 3\n"), "line 2 is blank"),
    "off of 10^12 vertices": (file("set", "a.off", lambda: b"OFF\n1000000000000 1 0\n"), "1,000,000,000,000 vertices; expected at most"),
    "off of -1 vertices": (file("set", "a.off", lambda: b"OFF\n-1 1 0\n"), "expected the numbers of vertices"),
    "ply of 10^12 vertices": (
        file("set", "a.ply", lambda: PLY.format("ascii", 10**12).encode()),
        "1,000,000,000,000 vertex; expected at most",
    ),
    "binary ply of 10^12 vertices": (file("set", "a.ply", lambda: PLY.format("binary_little_endian", 10**12).encode()), "expected at most"),
    "binary ply of 6 million vertices": (file("set", "a.ply", lambda: PLY.format("binary_little_endian", 6 * 10**6).encode()), "truncated"),
    "ply of 300 properties": (
        file(
            "set",
            "a.ply",
            lambda: (
                PLY.format("ascii", 1).replace("end_header", "".join(f"property float p{i}\n" for i in range(300)) + "end_header").encode()
            ),
        ),
        "more than 256 properties",
    ),
    "ply without the end of its header": (file("set", "a.ply", lambda: b"ply\n" + b"comment x\n" * 100_000), "incomplete header"),
    "graph JSON of 100,000 brackets": (file("graph", "a.json", lambda: b"[" * 100_000), "nested too deeply"),
    "graph JSON of 100,000 braces": (file("graph", "a.json", lambda: b'{"nodes":' * 100_000), "nested too deeply"),
    "graph JSON of a node of 5,000 digits": (
        file("graph", "a.json", lambda: b'{"n_nodes": ' + b"9" * 5_000 + b', "source": [], "target": []}'),
        "an integer of 5,000 digits",
    ),
    "graph JSON of 10^12 nodes": (
        file("graph", "a.json", lambda: b'{"n_nodes": 1000000000000, "source": [], "target": []}'),
        "n_nodes is .*expected a whole number",
    ),
    "graph JSON of -1 nodes": (file("graph", "a.json", lambda: b'{"n_nodes": -1, "source": [], "target": []}'), "nodes|whole number"),
    "graph JSON of 1e999 nodes": (
        file("graph", "a.json", lambda: b'{"n_nodes": 1e999, "source": [], "target": []}'),
        "a number beyond 1e308|n_nodes",
    ),
    "graph JSON of a weight of 1e999": (
        file("graph", "a.json", lambda: b'{"n_nodes": 2, "source": [0], "target": [1], "weight": [1e999]}'),
        "weight|1e308",
    ),
    "graph JSON of an edge to 2^70": (
        file("graph", "a.json", lambda: b'{"n_nodes": 2, "source": [0], "target": [%d]}' % 2**70),
        "target|node",
    ),
    "graph JSON of NaN": (file("graph", "a.json", lambda: b'{"n_nodes": NaN, "source": [], "target": []}'), "n_nodes|NaN"),
    "graph JSON of 17 MB": (file("graph", "a.json", lambda: b" " * 17 * 2**20), "expected at most"),
    "GraphML of entities": (file("graph", "a.graphml", lambda: xml('<node id="&a12;"/>', ENTITIES)), "DOCTYPE|entit"),
    "GraphML of one long entity": (
        file("graph", "a.graphml", lambda: xml('<node id="&a;"/>' * 9, f"<!DOCTYPE a [<!ENTITY a '{'x' * 10**6}'>]>")),
        "DOCTYPE",
    ),
    "GraphML of a file": (
        file("graph", "a.graphml", lambda: xml('<node id="&f;"/>', '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>')),
        "DOCTYPE",
    ),
    "GraphML of a parameter entity": (
        file("graph", "a.graphml", lambda: xml("", '<!DOCTYPE a [<!ENTITY % f SYSTEM "http://x/">%f;]>')),
        "DOCTYPE",
    ),
    "GraphML of a foreign DTD": (file("graph", "a.graphml", lambda: xml("", '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">')), "DOCTYPE"),
    "GraphML of 100,000 levels": (file("graph", "a.graphml", lambda: xml("<graph>" * 100_000)), "GraphML|XML|nested|graph"),
    "GraphML of an edge to nowhere": (file("graph", "a.graphml", lambda: xml('<edge source="a" target="b"/>')), "is not the id of a node"),
    "GraphML of an unknown encoding": (file("graph", "a.graphml", lambda: b'<?xml version="1.0" encoding="x-bomb"?><graphml/>'), "XML"),
    "edges of a weight of 1e999": (file("graph", "a.csv", lambda: b"source,target,weight\na,b,1e999\n"), "weight|number"),
    "text of 65 MB": (file("text", "a.txt", lambda: b"x" * (64 * 2**20 + 1)), "expected at most 67,108,864"),
    "text of NULs in UTF-32": (file("text", "a.txt", lambda: b"\xff\xfe\0\0" + b"\xff" * 1_000), "not utf-32"),
}
