"""Kinds of arguments."""

import argparse
from pathlib import Path

import pytest

from edge_agent.bus_tools.arguments import (
    MAX_TOLD,
    bauds,
    guarded,
    load_any,
    parities,
    seconds,
    units,
)
from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.scan import BAUDS
from edge_agent.control.client import NoAgent, SocketError


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600), ("1", 1)]
)
def test_times(text, value):
    """Seconds, minutes, an hour."""
    assert seconds(text) == value


def test_lists():
    """Each once, in the order given."""
    assert units("1,5,40-42,5") == (1, 5, 40, 41, 42)
    assert units("0-255") == tuple(range(256))
    assert bauds("19200,9600,19200") == (19200, 9600)
    assert bauds("all") == BAUDS
    assert (parities("e,n"), parities("all")) == (("E", "N"), ("N", "E", "O"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [(seconds, "0"), (seconds, "2h"), (seconds, "-1"), (seconds, "1d"), (units, "1-256"),
     (units, ""), (units, "3-2"), (bauds, "1"), (parities, "M"), (parities, "")],
)  # fmt: skip
def test_what_is_none(kind, text):
    """Told with what may be given."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"must be|choose of"):
        kind(text)


@pytest.mark.parametrize(
    ("error", "status"),
    [(CannotUse("x " * 2000), 2), (SocketError("s"), 2), (NoAgent("n"), 2), (OSError("o"), 2),
     (KeyboardInterrupt(), 1)],
)  # fmt: skip
def test_what_cannot_be_done(error, status, capsys):
    """Is told as far as a screen holds it, and is a status; Ctrl-C says nothing."""

    def fail() -> int:
        raise error

    assert guarded(fail) == status
    told = capsys.readouterr().err
    assert bool(told) == (status == 2)
    assert len(told) <= MAX_TOLD + len("edge-agent: \n")


def test_a_configuration_that_is_not_there_yet(tmp_path: Path):
    """Only who needs it hears of that."""
    assert load_any(tmp_path / "none", needs=False) is None
    assert load_any(tmp_path / "none", needs=True) is None
