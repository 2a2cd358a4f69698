"""A profile from a file: one that a site brings along, or that somebody is writing."""

from __future__ import annotations

from pathlib import Path

from edge_agent.regular_file import read_regular
from protocols.registers.profile import Profile, ProfileErrors
from protocols.registers.profile_file import MAX_FILE_CHARS, parse_profile


def read_profile(path: Path) -> Profile:
    """Raises OSError, or ProfileErrors with every fault; never reads more than a profile may be."""
    data = read_regular(path, 4 * MAX_FILE_CHARS)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = f"no UTF-8 text: byte {error.start} is {data[error.start]:#04x}"
        raise ProfileErrors(path.name, [fault]) from error
    return parse_profile(text, path.name)
