"""What the uplink takes of an operator's offers, and what it refuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pytest

from edge_agent.uplink.offer_fetch import RETRY_S, OfferFetch, OfferSide
from edge_agent.uplink.transport import Answer, LinkFailure
from protocols.evidence.note import Signer
from protocols.evidence.offer import (
    READ_NOW,
    Offer,
    check_request,
    encode_offers,
    open_offer,
    sign_offer,
)
from protocols.evidence.order import REQUEST_HEADER
from tests.edge_agent.gateway import GATEWAY, KEYS, UTC_MS

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)
STRANGER = Signer.from_private_bytes("operator", b"x" * 32)


def signed(number: int, signer: Signer = OPERATOR, gateway: str = GATEWAY) -> bytes:
    offer = Offer(gateway, number, READ_NOW, UTC_MS + 1000, "Li Wei", "why", ("meter-1",))
    return sign_offer(offer, signer)


class Link:
    """Answers in the place of the transport; remembers what was asked."""

    def __init__(self, *answers: Answer | LinkFailure | Sequence[bytes]) -> None:
        self.asked: list[tuple[str, str]] = []
        self._answers = list(answers)

    def get(self, path: str, headers: Mapping[str, str]) -> Answer | LinkFailure:
        self.asked.append((path, headers[REQUEST_HEADER]))
        answer = self._answers.pop(0)
        if isinstance(answer, Answer | LinkFailure):
            return answer
        return Answer(200, "application/cbor", encode_offers(answer))


class Desk:
    """A fetch, what it handed over, and what it doubted."""

    def __init__(self, link: Link, *, room: int = 99, utc_ms: int | None = UTC_MS) -> None:
        self.link = link
        self.taken: list[int] = []
        self.doubts: list[str] = []
        self.known = 0  # what whoever keeps them has seen so far
        self._room = room
        side = OfferSide(lambda: self.known, self._take, self.doubts.append, lambda: utc_ms)
        self.fetch = OfferFetch(link, KEYS, OPERATOR.verifier, side)  # type: ignore[arg-type]

    def _take(self, offer: Offer, data: bytes) -> bool:
        assert open_offer(data, OPERATOR.verifier, GATEWAY) == offer
        if len(self.taken) >= self._room:
            return False
        self.taken.append(offer.number)
        return True


def test_nothing_is_asked_before_central_tells_of_something() -> None:
    """Nor again once it was taken, though whoever keeps them has not looked yet."""
    desk = Desk(Link([signed(5), signed(7)]))
    assert desk.fetch.wait_s(0.0) == float("inf")
    desk.fetch.tell(7)
    assert desk.fetch.wait_s(0.0) == 0
    desk.fetch.fetch(0.0)
    assert desk.taken == [5, 7]
    assert desk.fetch.wait_s(0.0) == float("inf")
    ((path, request),) = desk.link.asked
    assert path == f"/v1/offers/{GATEWAY}?after=0"
    check_request(GATEWAY, 0, request, KEYS.signer.verifier)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([signed(5, STRANGER)], "key"),
        ([signed(5, gateway="gw-2")], "is for gateway gw-2"),
        ([signed(3)], "it is an old one"),
        ([signed(5), signed(5)], "it is an old one"),
        ([signed(6), signed(5)], "it is an old one"),
        ([], "gives none"),
        ([b"noise"], "offer"),
        (Answer(200, "application/cbor", b"\xff"), "offers"),
    ],
)
def test_what_cannot_be_believed_is_told_once(
    answer: Answer | Sequence[bytes], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log of events; asked again in five minutes."""
    desk = Desk(Link(answer, answer))
    desk.known = 3
    desk.fetch.tell(9)
    for now in (0.0, RETRY_S - 1, RETRY_S):
        desk.fetch.fetch(now)
    assert len(desk.link.asked) == 2
    assert why in desk.doubts[0]
    assert len(desk.doubts) == len(set(desk.doubts)), "told again"
    assert set(desk.taken) <= {5, 6}


@pytest.mark.parametrize(
    "answer",
    [
        LinkFailure("no link", "look"),
        Answer(503, "text/plain", b""),
        Answer(403, "text/plain", b""),
    ],
)
def test_a_link_that_is_down_is_no_forgery(
    answer: Answer | LinkFailure, caplog: pytest.LogCaptureFixture
) -> None:
    """Told in the log alone, and tried again."""
    desk = Desk(Link(answer, [signed(5)]))
    desk.fetch.tell(5)
    with caplog.at_level(logging.WARNING):
        desk.fetch.fetch(0.0)
    assert "no offer taken" in caplog.text
    assert desk.doubts == []
    desk.fetch.fetch(RETRY_S)
    assert desk.taken == [5]


def test_what_has_no_room_is_asked_for_again() -> None:
    """After those that were taken."""
    desk = Desk(Link([signed(5), signed(6)]), room=1)
    desk.fetch.tell(6)
    desk.fetch.fetch(0.0)
    assert desk.taken == [5]
    assert 0 < desk.fetch.wait_s(0.0) <= RETRY_S
    assert desk.doubts == []


def test_without_a_clock_nothing_is_taken() -> None:
    """Whether its time is over cannot be known."""
    desk = Desk(Link(), utc_ms=None)
    desk.fetch.tell(5)
    desk.fetch.fetch(0.0)
    assert desk.link.asked == []
