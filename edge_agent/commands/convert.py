"""`edge-agent convert`: conversions asked for on standard input, one JSON object a line.

Each line is answered by one line and flushed, so it works in a pipe between two programs. A line
without end is read no further than its bound.
"""

from __future__ import annotations

from typing import BinaryIO, TextIO

from protocols.metering.convert_request import answer_line
from protocols.metering.request_object import MAX_BYTES


def convert_lines(source: BinaryIO, sink: TextIO) -> None:
    """Answer every line of the source until it ends, or until nobody reads the answers."""
    while line := source.readline(MAX_BYTES + 1):
        if not line.endswith(b"\n") and len(line) > MAX_BYTES:
            _skip_line(source)
        sink.write(answer_line(line.rstrip(b"\r\n")) + "\n")
        sink.flush()


def _skip_line(source: BinaryIO) -> None:
    """The rest of a line that is too long to be a request."""
    while (rest := source.readline(MAX_BYTES)) and not rest.endswith(b"\n"):
        pass
