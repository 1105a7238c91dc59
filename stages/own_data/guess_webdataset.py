"""Guess whether an archive is a shard of WebDataset, and what its fields are."""

from collections.abc import Sequence

from stages.foundation.params_file import parse
from stages.own_data.guess_table import guess_rows
from stages.own_data.guesses import Guess, Hints
from stages.own_data.sources.webdataset import WebdatasetSourceSettings, by_key, open_rows

MOST = 0.5  # share of the keys from which on it is one


def is_webdataset(names: Sequence[str]) -> bool:
    """Return whether most keys have several files of different endings."""
    sizes = [len(files) for files in by_key(names).values()]
    return sum(size > 1 for size in sizes) > MOST * len(sizes)


def guess_webdataset(path: str, hints: Hints) -> Guess:
    """Return the entry for an archive whose files of one key are a sample.

    Raises:
        InputError: if it cannot be read, or no field can be a target.
    """
    source = {"webdataset": path}
    rows = open_rows(parse(source, "PATH", WebdatasetSourceSettings), "PATH")
    return guess_rows(source, rows, path, hints, ["files of one key are one sample; several shards: a pattern such as train-*.tar"])
