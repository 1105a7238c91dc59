"""Guess the lines of params.yaml for own data: `python -m pipelines.new NAME PATH`.

PATH is a table (.csv, .tsv, .jsonl, .json, also compressed; .xlsx, .parquet, .arrow), an SQLite database, a folder or archive (.zip,
.tar) with one file per sample, or a text file of blocks (a line with the label, then rows of numbers). Every guess is printed with its
reason; only --write adds these lines to params.yaml, and keeps the rest byte for byte. What cannot be guessed can be declared: see the
options.

A name or path with blanks or other marks of the shell needs quotes inside ARGS: make new ARGS="mine 'data/raw/my file.csv'". Without the
shell's rules: make new NAME=mine DATA="data/raw/my file (2).csv" ARGS=--write.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, get_args

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from stages.checking.check_params import problems
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest, parse, read_params
from stages.foundation.plain_output import plain_output
from stages.foundation.registry import names
from stages.foundation.tables import write_text
from stages.own_data.archives import is_archive, open_archive
from stages.own_data.foreign_formats import foreign_format
from stages.own_data.guess_blocks import guess_blocks
from stages.own_data.guess_folder import described_by, guess_folder
from stages.own_data.guess_sqlite import guess_sqlite, is_database
from stages.own_data.guess_table import guess_table
from stages.own_data.guess_webdataset import guess_webdataset, is_webdataset
from stages.own_data.guesses import Guess, Hints
from stages.own_data.roles import NAME
from stages.own_data.source_rows import Kind
from stages.own_data.sources.table import ARROW, DELIMITERS, JSON, JSON_LINES, PARQUET
from stages.own_data.unpacked import WORKBOOKS, table_ending
from stages.splitting.split_settings import SplitEntry

SECTIONS = ("datasets", "features")
MOST_CHARACTERS = 140
PLAIN = re.compile(r"(\.\./|/)*[A-Za-z_](?:[\w./ -]*[\w/])?")
RESERVED = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def guess(path: str, hints: Hints) -> Guess:
    """Return the guess for a path."""
    place = Path(path).expanduser()
    if place.is_dir():
        table = described_by(place)
        if hints.label is None and (found := guess_table(str(Path(path, table)), hints) if table else guess_around(path, hints)):
            return found
        return guess_folder(path, hints)
    if place.is_file() and (what := foreign_format(place.name)):
        raise InputError(f"{path}: is {what}")
    if place.is_file() and place.suffix.lower() in WORKBOOKS and hints.label is None:
        return guess_table(path, hints)
    if place.is_file() and is_archive(place):
        is_shard = hints.label is None and is_webdataset(open_archive(place, path).names())
        return guess_webdataset(path, hints) if is_shard else guess_folder(path, hints)
    if hints.label is not None:
        raise InputError(f"--label: {path} is not a folder; its columns hold the classes: name one with --target")
    if table_ending(place) in (*DELIMITERS, *JSON_LINES, *JSON, *PARQUET, *ARROW):
        return guess_table(path, hints)
    if place.is_file() and is_database(place):
        return guess_sqlite(path, hints)
    return guess_blocks(path, hints)


def guess_around(path: str, hints: Hints) -> Guess | None:
    """Return the guess for the only table in a folder if files next to it are those of its rows; None if there is no such table."""
    tables = [place for place in sorted(Path(path).expanduser().iterdir()) if place.is_file() and not place.name.startswith(".")
              and table_ending(place) in (*DELIMITERS, *JSON_LINES, *JSON, *PARQUET, *ARROW)]  # fmt: skip
    if len(tables) == 1:
        with suppress(InputError):  # it may be another kind of file
            found = guess_table(str(Path(path, tables[0].name)), hints)
            if any("files" in part.entry or part.entry["modality"] in ("image", "audio") for part in found.modalities):
                return found
    return None


def lines_of(name: str, found: Guess) -> dict[str, list[str]]:
    """Return the lines for each section, indented by two, every guess with its reason."""
    source, target, group = found.source, found.target, found.group
    data = [f"  {name}:", *(f"    # {note}" for note in found.notes), *_lines(4, "source", source[0], source[1])]
    data += _lines(4, "target", target[0], target[1])
    data += _lines(4, "group", group[0], group[1]) if group[0] else [f"    # group: {group[1]}"]
    data += [f"    {line}" for line in found.other_groups]
    data += [f"    {found.time}"] if found.time else []
    data += _lines(4, "split", *found.split) if found.split else []
    for key, value, reason in found.more:
        data += _lines(4, key, value, reason)
    data.append("    modalities:")
    for modality in found.modalities:
        data += _lines(6, modality.name, modality.entry, modality.why)
    features = [f"  {name}-{part.name}: {_flow({'dataset': name, 'modality': part.entry['modality'], **part.settings})}"
                for part in found.modalities]  # fmt: skip
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
        plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_0123456789")[:64]
        raise InputError(f"NAME: {name!r}: use letters, digits and _, a letter first" + (f", such as {plain}" if plain else ""))
    entries = params.get("datasets") or {}
    if name in entries or name in names("datasets"):
        raise InputError(f"NAME: {name!r} is taken by {'an entry under datasets' if name in entries else 'a data set'}; choose another")


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the lines, or add them; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        params = read_params()
        refuse_name(options.name, params)
        found = guess(options.path, _hints(options, params))
        lines = lines_of(options.name, found)
        print("\n".join([f"# {found.counts}", *(line for section in SECTIONS for line in (f"{section}:", *lines[section]))]))
        if options.write:
            write(options.name, lines)
            print(f"\nAdded to {PARAMS}; check the guesses, then: make run")
        else:
            print(f"\nNothing is written. Add these lines to {PARAMS}, or repeat the command with --write; then: make run")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    """Explains how to write what the shell, or this command, reads in another way than it was meant."""

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}\n{QUOTES}")


QUOTES = """A path with blanks, brackets or quotes needs quotes inside ARGS: make new ARGS="mine 'data/raw/my file.csv'";
or name it without the shell's rules: make new NAME=mine DATA="data/raw/my file.csv". A path that begins with a dash: ./-file.csv"""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m pipelines.new", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", metavar="NAME", help="name of the data set")
    parser.add_argument("path", metavar="PATH", help="a table, a database, a folder, an archive or a text file of blocks")
    parser.add_argument("--target", metavar="COLUMN", help="the target: a column, or a field of the files' names")
    parser.add_argument("--task", metavar="NAME", help=f"what is predicted: {', '.join(names('tasks'))}")
    parser.add_argument("--group", metavar="COLUMN", help="what several samples come from: a column, or a field of the files' names")
    parser.add_argument("--label", metavar="PATTERN", help="folders: the pattern of the files' names, such as '{class}/{patient}_{n}.png'")
    several: Any = {"nargs": "+", "action": "extend", "default": []}
    parser.add_argument("--types", metavar="COLUMN=TYPE", help=f"tables: {', '.join(get_args(Kind))}", **several)
    parser.add_argument("--missing", metavar="MARK", help="tables: cells that count as missing", **several)
    parser.add_argument("--encoding", metavar="NAME", help="of text that is not UTF-8, such as cp1252")
    parser.add_argument("--sheet", metavar="NAME", help="Excel: the sheet whose rows are the samples")
    parser.add_argument("--header", metavar="N", type=int, help="Excel: number of the row that names the columns")
    parser.add_argument("--write", action="store_true", help=f"add the lines to {PARAMS}")
    return parser


def _hints(options: argparse.Namespace, params: Mapping[str, Any]) -> Hints:
    """Return what the options declare; raise InputError where one is not valid by itself."""
    types: dict[str, str] = {}
    for pair in options.types:
        column, mark, kind = pair.rpartition("=")
        if not mark or not column or kind not in get_args(Kind):
            raise InputError(f"--types: expected COLUMN=TYPE with a type of {', '.join(get_args(Kind))}, found {pair!r}"
                             f"{nearest(kind, get_args(Kind)) if mark else ''}")
        types[column] = kind
    if options.encoding is not None:
        try:
            b"x".decode(options.encoding)
        except LookupError as error:
            raise InputError(f"--encoding: no encoding {options.encoding!r}; expected a name such as cp1252 or shift_jis") from error
    if options.task is not None and options.task not in names("tasks"):
        raise InputError(f"--task: no task {options.task!r}{nearest(options.task, names('tasks'))}; there are: {', '.join(names('tasks'))}")
    split: SplitEntry = parse(params.get("split"), "split", SplitEntry)
    return Hints(options.target, options.group, options.task, options.label, options.encoding, options.sheet, options.header, types,
                 options.missing, n_splits=split.n_splits)  # fmt: skip


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
