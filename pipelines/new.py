"""Guess the lines of params.yaml for own data: `python -m pipelines.new NAME PATH`.

PATH is a table (.csv, .tsv, .jsonl, .parquet, .arrow), a folder with one file per sample, or a text file of blocks (a line with the
label, then rows of numbers). Every guess is printed with its reason; only --write adds these lines to
params.yaml, and keeps the rest byte for byte.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from stages.checking.check_params import problems
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, read_params
from stages.foundation.plain_output import plain_output
from stages.foundation.registry import names
from stages.foundation.tables import write_text
from stages.own_data.guess_folder import guess_folder
from stages.own_data.guess_table import guess_table
from stages.own_data.guesses import Guess, GuessedModality
from stages.own_data.roles import NAME
from stages.own_data.sources.blocks import BlocksSourceSettings, open_rows
from stages.own_data.sources.table import ARROW, DELIMITERS, JSON_LINES, PARQUET

SECTIONS = ("datasets", "features")
MOST_CHARACTERS = 140
PLAIN = re.compile(r"(\.\./|/)*[A-Za-z_](?:[\w./ -]*[\w/])?")
RESERVED = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def guess(path: str, target: str | None) -> Guess:
    """Return the guess for a path."""
    place = Path(path).expanduser()
    if place.is_dir():
        return guess_folder(path, target)
    if place.suffix.lower() in (*DELIMITERS, *JSON_LINES, *PARQUET, *ARROW):
        return guess_table(path, target)
    try:
        rows = open_rows(BlocksSourceSettings(blocks=path), "PATH")
    except InputError as error:
        raise InputError(f"{error}\n(read as a file of blocks, as it is neither a folder nor a table)") from error
    modality = GuessedModality("series", {"modality": "series"}, f"{len(rows.ids)} blocks of numbers")
    labels = {"column": "label", "task": "multiclass"}
    return Guess(({"blocks": path}, "a line with the label, then rows of numbers"), (labels, "the line above each block"),
                 (None, "nothing says which blocks belong together"), [modality])  # fmt: skip


def lines_of(name: str, found: Guess) -> dict[str, list[str]]:
    """Return the lines for each section, indented by two, every guess with its reason."""
    source, target, group = found.source, found.target, found.group
    data = [f"  {name}:", *(f"    # {note}" for note in found.notes), *_lines(4, "source", source[0], source[1])]
    data += _lines(4, "target", target[0], target[1])
    data += _lines(4, "group", group[0], group[1]) if group[0] else [f"    # group: {group[1]}"]
    data += _lines(4, "split", *found.split) if found.split else []
    data.append("    modalities:")
    for modality in found.modalities:
        data += _lines(6, modality.name, modality.entry, modality.why)
    kinds = {modality.name: modality.entry["modality"] for modality in found.modalities}
    features = [f"  {name}-{modality}: {_flow({'dataset': name, 'modality': kind})}" for modality, kind in kinds.items()]
    return {"datasets": data, "features": features}


def inserted(text: str, lines: Mapping[str, Sequence[str]]) -> str:
    """Return the text of params.yaml with the lines added at the end of each section.

    Raises:
        InputError: if a section is missing, or is written in braces.
    """
    document = YAML().load(text)
    written = text.splitlines()
    for section in SECTIONS[::-1]:
        entries: CommentedMap | None = document.get(section, CommentedMap())
        if entries is not None and (not entries or entries.fa.flow_style()):  # None: it holds only comments
            raise InputError(f"{PARAMS}: {section}: expected a section with an entry per line; add these lines manually")
        after = [document.lc.key(key)[0] for key in document if document.lc.key(key)[0] > document.lc.key(section)[0]]
        end = min(after, default=len(written))
        while not written[end - 1].strip() or written[end - 1].startswith("#"):
            end -= 1
        indent = 2 if entries is None else entries.lc.col
        written[end:end] = [" " * (indent - 2) + line for line in lines[section]]
    return "\n".join(written) + "\n"


def write(name: str, lines: Mapping[str, Sequence[str]]) -> None:
    """Add the lines to params.yaml; raise InputError, and write nothing, if the result is not valid."""
    before = read_params()
    new = inserted(PARAMS.read_text(encoding="utf-8"), lines)
    after = YAML(typ="safe", pure=True).load(new)
    if {key: value for key, value in after["datasets"].items() if key != name} != (before["datasets"] or {}):
        raise InputError(f"{PARAMS}: the lines cannot be added without changing others; add them manually")
    mistakes = [line for line in problems(after) if line not in problems(before)]
    if mistakes:
        raise InputError("the lines are not valid:\n" + "\n".join(f"  {line}" for line in mistakes))
    write_text(PARAMS, new)


def refuse_name(name: str, params: Mapping[str, Any]) -> None:
    """Raise InputError if a data set cannot have this name."""
    if not NAME.fullmatch(name):
        raise InputError(f"NAME: {name!r}: use letters, digits and _, a letter first")
    entries = params.get("datasets") or {}
    if name in entries or name in names("datasets"):
        raise InputError(f"NAME: {name!r} is taken by {'an entry under datasets' if name in entries else 'a data set'}; choose another")


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the lines, or add them; return the exit status."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m pipelines.new", description=__doc__, formatter_class=plain)
    parser.add_argument("name", metavar="NAME", help="name of the data set")
    parser.add_argument("path", metavar="PATH", help="a table, a folder or a text file of blocks")
    parser.add_argument("--target", metavar="COLUMN", help="the target: a column, or a field of the files' names")
    parser.add_argument("--write", action="store_true", help=f"add the lines to {PARAMS}")
    options = parser.parse_args(arguments)
    try:
        refuse_name(options.name, read_params())
        lines = lines_of(options.name, guess(options.path, options.target))
        print("\n".join(line for section in SECTIONS for line in (f"{section}:", *lines[section])))
        if options.write:
            write(options.name, lines)
            print(f"\nAdded to {PARAMS}; check the guesses, then: make run")
        else:
            print(f"\nNothing is written. Add these lines to {PARAMS}, or repeat the command with --write; then: make run")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _flow(value: Any) -> str:
    """Return a value as YAML on one line, texts in quotes unless they are plain words and paths.

    DVC's parser needs quotes around a colon in braces, which YAML emitters omit.
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain = isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in RESERVED
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def _lines(indent: int, key: str, value: Any, reason: str) -> list[str]:
    """Return a line with its reason as a comment, on the line before if it is long."""
    line = " " * indent + f"{key}: {_flow(value)}"
    reason = " ".join(reason.split())
    if len(line) + len(reason) + 4 > MOST_CHARACTERS:
        return [" " * indent + f"# {reason}", line]
    return [f"{line}  # {reason}"]


if __name__ == "__main__":
    sys.exit(main())
