"""One form for texts that look the same: composed characters (NFC), and nothing invisible around them."""

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # zero-width spaces and joiners, marks of direction and byte order


def normal(text: str) -> str:
    """Return a text in NFC, without white space and invisible characters at its ends."""
    return unicodedata.normalize("NFC", text.strip().strip(INVISIBLE + " \t\r\n\u00a0").strip())


def normal_column(text: pa.Array) -> pa.Array:
    """Return `normal` of every text.

    Python composes the characters: Arrow 25 decomposes them, whatever form it is asked for.
    """
    if pc.all(pc.string_is_ascii(text)).as_py() is not False:
        return pc.utf8_trim_whitespace(text)
    encoded = text.dictionary_encode()
    return pa.array([normal(one) for one in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)
