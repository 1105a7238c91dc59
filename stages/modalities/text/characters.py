"""Which characters of Unicode words are made of.

Word characters are letters and their marks, decimal digits, connectors such as _, and the two joiners (UTS #18, annex C).
"""

from functools import cache

import numpy as np

N_ASCII, N_CODES = 128, 0x110000  # characters of ASCII, of Unicode
SURROGATES = slice(0xD800, 0xE000)  # no characters; UTF-8 has none


@cache
def word_characters(n_codes: int) -> np.ndarray:
    """Return which of the first characters of Unicode stand in words: bool (n_codes,)."""
    if n_codes <= N_ASCII:
        return np.array([chr(code).isalnum() or chr(code) == "_" for code in range(n_codes)])
    import polars as pl  # for its regular expressions: those of Python leave out the marks of letters

    codes = np.arange(n_codes, dtype="<u4")
    there = np.concatenate([codes[: SURROGATES.start], codes[SURROGATES.stop :]]).tobytes().decode("utf-32-le")
    found = np.zeros(n_codes, dtype=bool)
    for run in pl.Series([there]).str.extract_all(r"\w+")[0]:
        found[ord(run[0]) : ord(run[-1]) + 1] = True
    return found


@cache
def visible_characters(n_codes: int) -> np.ndarray:
    """Return which of the first characters of Unicode are no blanks, as `str.split` has it: bool (n_codes,)."""
    return np.array([not chr(code).isspace() for code in range(n_codes)])
