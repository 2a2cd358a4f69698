"""Looks at real sockets, files and a real central."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.commission.bus_script import read_look
from edge_agent.commission.question import Look
from edge_agent.commission.sight import Sight, known_keys, new_keys
from protocols.registers.library import load_profile
from tests.edge_agent.commission.site import site
from tests.edge_agent.enrolling import Central, approve, enrolling

METER = load_profile("sick-flowsic500")


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with enrolling(tmp_path / "central") as found:
        yield found


def sight_of(answers: dict[tuple[str, ...], str], directory: Path) -> Sight:
    return Sight(answers, directory / "gateway.toml", 0.0, lambda _: None)


def test_an_instrument_is_read_before_all_is_answered(tmp_path: Path) -> None:
    """What it shows, and its own serial number; of other questions nothing is needed."""
    with site(tmp_path) as (answers, _, _):
        known = {key: text for key, text in answers.items() if key[0] in ("bus", "device")}
        del known["device", "meter-1", "serial"]
        readings = sight_of(known, tmp_path)(read_look(known, "meter-1", METER))
    assert readings.failure == ""
    assert readings.serial == "21450301"
    assert readings.values["vm"].number == "123456789"
    assert readings.values["resolution_vm"].number == "-3"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A silent device, a port that is none, a bus that is wrong."""
    with site(tmp_path) as (answers, meter, _):
        meter.silent = True
        sight = sight_of(answers, tmp_path)
        look = read_look(answers, "meter-1", METER)
        assert "answer" in sight(look).failure
        answers["bus", "lan-1", "tcp_port"] = "1"
        assert "does not accept a connection" in sight(look).failure
        answers["bus", "lan-1", "tcp_port"] = "70000"
        assert "out of range" in sight(look).failure
        answers["device", "meter-1", "profile"] = "none"
        answers["bus", "lan-1", "tcp_port"] = "1"
        assert "no profile" in sight(look).failure


def test_a_scan_names_who_answers(tmp_path: Path) -> None:
    """With the profile that fits, and why."""
    with site(tmp_path) as (answers, _, _):
        found = sight_of(answers, tmp_path)(Look("scan", ("lan-1", (), "1-2")))
        assert [(one.unit, one.profile) for one in found.instruments] == [(1, "sick-flowsic500")]
        assert "SICK" in found.instruments[0].about
        answers["bus", "lan-1", "tcp_port"] = "1"
        failed = sight_of(answers, tmp_path)(Look("scan", ("lan-1", (), "1")))
        assert "does not accept a connection" in failed.failure
        assert sight_of(answers, tmp_path)(Look("scan", ("lan-9", (), "1"))).failure


def test_keys_are_made_once(tmp_path: Path) -> None:
    """Called again they are those that are there; where none can be made nothing is told."""
    state = str(tmp_path / "state")
    assert known_keys(state) is None
    vkey = new_keys(state, "gw-1")
    assert vkey.startswith("gw-1+")
    assert new_keys(state, "gw-1") == vkey
    keys = known_keys(state)
    assert keys is not None
    assert (keys.gateway, keys.vkey, dict(keys.settings)) == ("gw-1", vkey, {})
    (tmp_path / "file").write_text("")
    assert new_keys(str(tmp_path / "file"), "gw-1") == ""


def test_an_enrolment_from_pending_to_approved(tmp_path: Path, central: Central) -> None:
    """The same look later; then the lines of gateway.toml are known without a token."""
    state = str(tmp_path / "state")
    answers = {("central", "url"): central.url, ("central", "token"): central.token.to_text()}
    sight = sight_of(answers, tmp_path)
    pending = sight(Look("enrol", (state, "", 0)))
    assert (pending.state, pending.gateway) == ("pending", "gw-1")
    assert pending.fingerprint.count("-") == 7
    assert sight(Look("keys", (state,))) is None
    central.decide = approve
    approved = sight(Look("approval", (state,)))
    assert approved.state == "approved"
    assert Path(approved.settings["ca"]).is_file()
    keys = sight(Look("keys", (state,)))
    assert keys.settings == approved.settings
    assert os.stat(state).st_mode & 0o077 == 0


def test_an_enrolment_that_fails_says_why(tmp_path: Path, central: Central) -> None:
    """Nobody listens there; without a token there is nothing to wait for."""
    state = str(tmp_path / "state")
    answers = {
        ("central", "url"): "https://127.0.0.1:1",
        ("central", "token"): central.token.to_text(),
    }
    failed = sight_of(answers, tmp_path)(Look("enrol", (state, "", 0)))
    assert failed.state == "failed"
    assert failed.said
    assert sight_of({}, tmp_path)(Look("approval", (state,))) is None
