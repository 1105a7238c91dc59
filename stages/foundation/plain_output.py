"""What is printed, without codes that a terminal would obey: names and values of the data may hold any character."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

# Control characters but tab and line feed, among them escape (ESC, C1), carriage return and bell; line and paragraph separators; and marks
# that change the direction of writing, so that a line reads as another one.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return text with what a terminal would obey written as \\x1b or \\u202e."""
    return OBEYED.sub(lambda mark: ascii(mark[0])[1:-1], text)


class PlainStream:
    """A text stream that writes `plain` text to `stream`; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write plain text; return the number of characters given."""
        self.stream.write(plain(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def plain_output() -> Iterator[None]:
    """Print plain text within the context, on standard output and standard error."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", PlainStream(terminal(stream))) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def terminal(stream: TextIO) -> TextIO:
    """Return the stream itself, for progress bars, whose codes a terminal is to obey."""
    return cast("TextIO", getattr(stream, "stream", stream)) if isinstance(stream, PlainStream) else stream
