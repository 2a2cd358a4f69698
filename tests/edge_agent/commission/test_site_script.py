"""Site and central: what is asked, and what is known already."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.commission.question import BadAnswer, Note
from edge_agent.commission.seen import Enrolment, Keys
from edge_agent.commission.site_script import token_text, zone_text
from tests.edge_agent.commission.test_session import TOKEN
from tests.edge_agent.commission.walking import World, session_of, until

SITE = {"site.name": "A", "site.zone": "UTC", "site.altitude_m": "1892", "central.url": "https://c"}


def test_a_token_is_whole_or_none() -> None:
    """A character that is missing is told before anybody is asked."""
    assert token_text(TOKEN) == TOKEN
    assert token_text("-") == "-"
    for text in (TOKEN[:-1], "x"):
        with pytest.raises(BadAnswer):
            token_text(text)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("asia/shanghai", "Asia/Shanghai"), ("america/new_york", "America/New_York"),
        ("Asia/Shanghai", "Asia/Shanghai"), ("utc", "utc"), ("六", "六"),
    ],
)  # fmt: skip
def test_a_zone_needs_no_capitals(typed: str, zone: str) -> None:
    """Whether there is such a zone, the configuration's check says."""
    assert zone_text(typed) == zone


def test_the_altitude_gives_the_default_of_the_atmosphere(tmp_path: Path) -> None:
    """By the standard atmosphere; without it there is none."""
    session = session_of(tmp_path)
    assert (
        until(session, "site.atmospheric_pressure_kpa", SITE).default == "80.567"
    )  # 101.325 (1 - 2.25577e-5 x 1892)^5.25588
    session = session_of(tmp_path)
    typed = {**SITE, "site.altitude_m": "-"}
    assert until(session, "site.atmospheric_pressure_kpa", typed).default is None


def test_a_gateway_that_is_known_needs_no_token(tmp_path: Path) -> None:
    """Its keys and central's are in the state directory."""
    keys = Keys("gw-9", "gw-9+1+K", {"ca": "ca.pem", "receipt_key": "central+1+K"})
    session = session_of(tmp_path, world=World({"keys": keys}))
    until(session, "bus.type", SITE)
    assert session.answers["gateway", "id"] == "gw-9"
    assert ("central", "token") not in session.answers
    assert Note("central.known", {"gateway": "gw-9"}) in session.notes


def test_a_central_that_is_not_there_can_be_asked_later(tmp_path: Path) -> None:
    """The other questions need not wait for a link."""
    failed = Enrolment("failed", "gw-7", ("no route",))
    session = session_of(tmp_path, world=World({"enrol": failed, "approval": failed}))
    typed = {**SITE, "central.token": TOKEN, "central.enrol": "later"}
    assert until(session, "central.enrol", typed).values["said"] == "no route"
    until(session, "bus.type", typed)
    assert session.answers["gateway", "id"] == "gw-7"


def test_another_address_is_asked_anew(tmp_path: Path) -> None:
    """What one central said is not said of the next."""
    failed = Enrolment("failed", "gw-7", ("no route",))
    world = World({"enrol": failed})
    session = session_of(tmp_path, world=world)
    typed = {**SITE, "central.token": TOKEN}
    until(session, "central.enrol", typed)
    session.back()
    session.open_question()
    session.back()
    world.seen["enrol"] = Enrolment("pending", "gw-7", fingerprint="0011")
    until(session, "bus.type", {**typed, "central.url": "https://d"})
    assert Note("central.pending", {"fingerprint": "0011"}) in session.notes
