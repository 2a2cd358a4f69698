"""Log lines as systemd's journal gets them, over a real datagram socket."""

import logging
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.observe.journald import (
    MAX_VALUE,
    Folded,
    JournaldHandler,
    encode,
    fields_of,
    is_journal,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "socket"))
        made.settimeout(10.0)
        yield made


def parse(entry: bytes) -> dict[str, str]:
    """As systemd reads it (JOURNAL_NATIVE_PROTOCOL), written apart from what writes it."""
    fields = {}
    while entry:
        head, _, rest = entry.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        fields[name.decode()] = value.decode()
        entry = rest
    return fields


def record(text: str, *words: object, level: int = logging.WARNING, **extra: object):
    made = logging.LogRecord("edge_agent.bus", level, "/x/bus.py", 145, text, words, None, "_fail")
    made.__dict__.update(extra)
    return made


def test_an_entry_names_bus_device_and_place(journal: socket.socket, tmp_path: Path) -> None:
    """So that `journalctl GAS_BUS=line-1` shows what concerns one line."""
    handler = JournaldHandler(tmp_path / "socket")
    logger = logging.Logger("edge_agent.bus.poller")
    logger.addHandler(handler)

    def say() -> None:
        logger.error("%s: silent since\n%d s", "meter-1", 7, extra={"device": "meter-1"})

    thread = threading.Thread(target=say, name="bus-line-1")
    thread.start()
    thread.join()
    fields = parse(journal.recv(65_536))
    assert fields["MESSAGE"] == "meter-1: silent since\n7 s"
    assert fields["PRIORITY"] == "3"
    assert fields["GAS_BUS"] == "line-1"
    assert fields["GAS_DEVICE"] == "meter-1"
    assert fields["SYSLOG_IDENTIFIER"] == "edge-agent"
    assert fields["CODE_FUNC"] == "say"
    assert fields["CODE_FILE"] == __file__
    handler.close()


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.CRITICAL, "2"), (logging.ERROR, "3"), (logging.WARNING, "4"), (logging.INFO, "6"),
     (logging.DEBUG, "7"), (35, "4"), (5, "7")],
)  # fmt: skip
def test_levels_are_syslogs(level: int, priority: str) -> None:
    """journalctl -p warning shows warnings and worse."""
    assert fields_of(record("x", level=level))["PRIORITY"] == priority


def test_values_are_bounded_and_never_break_an_entry() -> None:
    """Whatever a text holds, it is one value."""
    fields = parse(encode({"MESSAGE": "a\nPRIORITY=0\n" + "b" * 100_000, "X": "\ud800"}))
    assert set(fields) == {"MESSAGE", "X"}
    assert len(fields["MESSAGE"]) == MAX_VALUE
    assert fields["X"] == "\\ud800"


def test_an_exception_comes_with_its_traceback() -> None:
    """In the message, as one entry."""
    try:
        int("what")
    except ValueError:
        told = record("failed", exc_info=sys.exc_info())
    assert "ValueError: invalid literal" in fields_of(told)["MESSAGE"]


def test_a_journal_that_takes_nothing_holds_up_nobody(
    journal: socket.socket, tmp_path: Path
) -> None:
    """Its socket fills up; once it reads again the next entry says how many were lost."""
    handler = JournaldHandler(tmp_path / "socket")
    for number in range(3000):  # far more than a socket holds
        handler.handle(record("line %d", number))
    journal.setblocking(False)
    taken = 0
    while True:
        try:
            journal.recv(65_536)
            taken += 1
        except BlockingIOError:
            break
    assert 0 < taken < 3000
    handler.handle(record("again"))
    fields = parse(journal.recv(65_536))
    assert (fields["MESSAGE"], fields["GAS_LINES_LOST"]) == ("again", f"{3000 - taken}")
    handler.close()


def test_a_journal_that_was_started_again_is_found(tmp_path: Path) -> None:
    """Another socket at the same place."""
    place = tmp_path / "socket"
    first = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    first.bind(str(place))
    handler = JournaldHandler(place)
    first.close()
    handler.handle(record("lost"))
    place.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second:
        second.bind(str(place))
        second.settimeout(10.0)
        handler.handle(record("found"))
        assert parse(second.recv(65_536))["MESSAGE"] == "found"
    handler.close()


def test_only_the_stream_that_systemd_reads_is_the_journal(tmp_path: Path) -> None:
    """A child whose output goes to a file has JOURNAL_STREAM too, and must not follow it."""
    with (tmp_path / "file").open("wb") as file:
        found = os.fstat(file.fileno())
        right = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(right, file.fileno())
        assert not is_journal({"JOURNAL_STREAM": "8:1"}, file.fileno())
        assert not is_journal({}, file.fileno())


def test_the_end_tells_the_counts_that_wait() -> None:
    """A line that came again is in the log before the process is gone."""
    code = (
        "import logging, sys; logging.basicConfig(stream=sys.stderr, format='%(message)s')\n"
        "from edge_agent.observe.journald import log_of_agent\n"
        "assert log_of_agent() is not None\n"
        "for _ in range(5): logging.warning('port gone')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.splitlines() == ["port gone", "port gone (4 times more in 1 min)"]


def test_somebody_elses_logging_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """A handler passes on by the target's own format."""
    target = logging.StreamHandler(sys.stdout)
    target.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    folded = Folded(target)
    folded.handle(record("once"))
    folded.handle(record("once"))
    folded.close()
    told = capsys.readouterr().out.splitlines()
    assert told == ["WARNING once", "WARNING once (once more in 1 min)"]
