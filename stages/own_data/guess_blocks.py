"""Guess the entry for a text file of blocks."""

import numpy as np

from stages.foundation.errors import InputError
from stages.own_data.guess_rows import rare_of, usable_rows
from stages.own_data.guesses import Guess, GuessedModality, Hints
from stages.own_data.sources.blocks import LABEL, BlocksSourceSettings, open_rows


def guess_blocks(path: str, hints: Hints) -> Guess:
    """Return the entry for a file of blocks: a line with the label, then rows of numbers.

    Raises:
        InputError: if it is none, or a hint is for tables or folders.
    """
    try:
        rows = open_rows(BlocksSourceSettings(blocks=path), "PATH")
    except InputError as error:
        raise InputError(f"{error}\n(read as a file of blocks, as it is neither a folder nor a table)") from error
    for option in ("target", "group", "task", "encoding", "types", "missing"):
        if getattr(hints, option):
            raise InputError(f"--{option}: {path} is a file of blocks, which has a label and rows of numbers; write a table for more")
    labels = [[name] for name in rows.read([LABEL], None)[LABEL].to_pylist()]
    kept = np.ones(len(labels), dtype=bool)
    usable = usable_rows(labels, {"": ~kept}, rare_of(labels, None, kept), what="blocks")
    return Guess(({"blocks": path}, "a line with the label, then rows of numbers"),
                 ({"column": LABEL, "task": "multiclass"}, "the line above each block"),
                 (None, "nothing says which blocks belong together"),
                 [GuessedModality("series", {"modality": "series"}, f"{len(labels)} blocks of numbers")],
                 counts=usable.counts, more=usable.more)  # fmt: skip
