"""What the uplink takes of central's orders, and what it refuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from edge_agent.uplink.order_fetch import RETRY_S, OrderFetch
from edge_agent.uplink.transport import Answer, LinkFailure
from protocols.evidence.note import Signer, Verifier
from protocols.evidence.order import (
    REQUEST_HEADER,
    Order,
    check_request,
    encode_orders,
    sign_order,
)
from tests.edge_agent.gateway import GATEWAY, KEYS
from tests.edge_agent.recording.test_order_recording import ORDERS, gas, order

STRANGER = Signer.from_private_bytes("central-orders", b"x" * 32)


def note(number: int, signer: Signer = ORDERS, **changes: Any) -> bytes:
    return sign_order(order(number, gas())._replace(**changes), signer)


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
        return Answer(200, "application/cbor", encode_orders(answer))


class Desk:
    """A fetch, and the orders that it handed over."""

    def __init__(
        self, link: Link, verifier: Verifier | None = ORDERS.verifier, stores: bool = True
    ) -> None:
        self.taken: list[int] = [0]
        self._stores = stores
        self.link = link
        self.fetch = OrderFetch(link, KEYS, verifier, lambda: self.taken[-1], self._obey)  # type: ignore[arg-type]

    def _obey(self, order: Order, data: bytes, _timeout_s: float) -> bool:
        assert sign_order(order, ORDERS) == data
        if self._stores:
            self.taken.append(order.number)
        return self._stores

    def told(self, newest: int, now: float = 0.0) -> list[int]:
        """After an answer that names the newest order: what was taken."""
        self.fetch.tell(newest)
        self.fetch.fetch(now)
        return self.taken[1:]


def test_nothing_is_asked_before_central_tells_of_something() -> None:
    """No order, or none that is newer, costs no request."""
    desk = Desk(Link())
    assert desk.fetch.wait_s(0.0) == float("inf")
    assert desk.told(0) == []
    desk.taken.append(3)
    desk.told(3)
    assert desk.link.asked == []


def test_orders_are_asked_for_with_the_gateways_key_and_taken_in_turn() -> None:
    """After the last number; what an answer left over is asked for at once."""
    desk = Desk(Link([note(1), note(2)], [note(3)]))
    assert desk.told(3) == [1, 2]
    assert desk.fetch.wait_s(0.0) == 0.0
    assert desk.told(3) == [1, 2, 3]
    assert desk.fetch.wait_s(0.0) == float("inf")
    for (path, header), after in zip(desk.link.asked, (0, 2), strict=True):
        assert path == f"/v1/orders/{GATEWAY}?after={after}"
        check_request(GATEWAY, after, header, KEYS.signer.verifier)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ([note(1), note(2, STRANGER)], "another key"),
        ([note(1, gateway="gw-2")], "for gateway gw-2"),
        ([note(2), note(1)], "order 1 comes after order 2"),
        ([note(1), note(1)], "order 1 comes after order 1"),
        ([note(1)[:-9] + b"AAAAAAA=\n"], "does not verify"),
        ([note(1).replace(b"\n1\n", b"\n2\n")], "does not verify"),
        ([b"nonsense"], "note: no empty line"),
        ([], "gives none"),
        (Answer(200, "text/html", b"<html>"), "orders: "),
        (Answer(404, "text/plain", b"no"), "central answered 404"),
        (Answer(401, "application/json", b'{"error": "who", "remedy": "ask"}'), "401: who; ask"),
        (LinkFailure("the link is down", "look at it"), "the link is down; look at it"),
    ],
)
def test_what_is_not_right_is_refused_whole(
    caplog: pytest.LogCaptureFixture, answer: Any, told: str
) -> None:
    """Nothing of the answer is taken; the reason is told once, and after a pause it asks again."""
    desk = Desk(Link(answer, answer, [note(1), note(2)]))
    assert desk.told(2) == []
    assert told in caplog.text
    assert desk.fetch.wait_s(0.0) == RETRY_S
    assert desk.told(2, RETRY_S / 2) == []
    assert len(desk.link.asked) == 1
    assert desk.told(2, RETRY_S) == []
    assert len(caplog.records) == 1
    assert desk.told(2, 3 * RETRY_S) == [1, 2]


def test_an_old_order_again_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Central's own signature does not make an order new."""
    desk = Desk(Link([note(3)]))
    desk.taken.append(5)
    assert desk.told(6) == [5]
    assert "order 3 comes after order 5: it is an old one" in caplog.text


def test_an_order_that_cannot_be_stored_is_asked_for_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A disk that takes nothing loses no order."""
    desk = Desk(Link([note(1)]), stores=False)
    assert desk.told(1) == []
    assert "order 1 could not be stored; look at the disk" in caplog.text
    assert desk.fetch.wait_s(0.0) == RETRY_S


def test_without_a_key_orders_are_ignored_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody is believed whom the technician did not name."""
    caplog.set_level(logging.INFO)
    desk = Desk(Link(), verifier=None)
    for newest in (0, 1, 2, 2):
        assert desk.told(newest) == []
    assert desk.link.asked == []
    assert desk.fetch.wait_s(0.0) == float("inf")
    assert [record.message for record in caplog.records] == [
        "central has orders; they are ignored, [central] order_key is not set"
    ]


def test_a_central_that_was_set_back_is_told_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its next numbers would be old ones here."""
    desk = Desk(Link())
    desk.taken.append(5)
    assert desk.told(3) == [5]
    assert "edge-central gas send --after 5" in caplog.text
