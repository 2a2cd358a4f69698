"""Offers of central, kept until something has become of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import History, Told, Waiting
from edge_agent.config_store.offers import (
    MOST_WAITING,
    accept,
    done,
    doubt,
    take,
    wait_for_consent,
)


@pytest.fixture
def files(tmp_path: Path) -> ConfigFiles:
    return ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")


def history(files: ConfigFiles) -> History:
    with files.locked():
        return files.history()


def codes(files: ConfigFiles) -> list[tuple[str, object]]:
    return [(told.code, told.new) for told in history(files).untold]


def test_an_offer_is_taken_once(files: ConfigFiles) -> None:
    """An old number, or the same again, changes nothing."""
    assert take(files, Waiting(5, "configuration"), b"five")
    assert take(files, Waiting(5, "configuration"), b"other")
    assert take(files, Waiting(4, "configuration"), b"four")
    assert files.read_offer(5) == b"five"
    assert files.read_offer(4) is None
    assert codes(files) == [("offer_taken", 5)]


def test_too_many_wait(files: ConfigFiles) -> None:
    """Central keeps the rest."""
    for number in range(1, MOST_WAITING + 1):
        assert take(files, Waiting(number, "read_now"), b"x")
    assert not take(files, Waiting(99, "read_now"), b"x")
    assert history(files).offer_number == MOST_WAITING


def test_consent_is_asked_for_and_given_by_a_person(files: ConfigFiles) -> None:
    """Each once, in the log, with who and why."""
    take(files, Waiting(5, "configuration"), b"five")
    assert "no offer 5 waits" in accept(files, 5, "Li Wei", "agreed")
    wait_for_consent(files, 5, "run[R1].qmax_m3_h")
    assert "who:" in accept(files, 5, "\x1b[2J", "agreed")
    assert accept(files, 5, "Li Wei", "agreed") == ""
    assert "no offer 5 waits" in accept(files, 5, "Li Wei", "agreed")
    assert codes(files) == [("offer_taken", 5), ("offer_waits", 5), ("offer_accepted", 5)]
    (waiting,) = history(files).waiting
    assert (waiting.who, waiting.why) == ("Li Wei", "agreed")


def test_what_is_done_goes(files: ConfigFiles) -> None:
    """Its number stays."""
    take(files, Waiting(5, "read_now"), b"five")
    done(files, 5, Told("offer_done", None, 5, "agent", ""))
    assert files.read_offer(5) is None
    assert (history(files).waiting, history(files).offer_number) == ((), 5)


def test_what_cannot_be_believed_uses_up_no_number(files: ConfigFiles) -> None:
    """It is told, and the true offer of that number is still taken."""
    doubt(files, "bad signature")
    assert codes(files) == [("offer_refused", None)]
    assert history(files).offer_number == 0
