"""What the running agent shows to the keeper of its configuration, and what that may ask of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.clock import mono_ms
from edge_agent.config_store import offers
from edge_agent.config_store.history import Waiting
from edge_agent.control.control import Control
from edge_agent.control.jobs import BusAsk
from edge_agent.remote.custody import Custody, Shown
from edge_agent.remote.offer_work import OfferWork, Requests
from edge_agent.remote.requests import Reading
from edge_agent.uplink.offer_fetch import OfferFetch, OfferSide
from edge_agent.uplink.transport import LinkFailure, Transport
from protocols.evidence.note import Verifier
from protocols.evidence.offer import BUNDLE_PATH, Offer, sign_bundle
from protocols.evidence.order import REQUEST_HEADER

if TYPE_CHECKING:
    from edge_agent.bus.bus import BusThread
    from edge_agent.bus.poller import Now
    from edge_agent.config.model import AgentConfig
    from edge_agent.config_store.start import Started
    from edge_agent.keys.keys import Keys
    from edge_agent.recorder.recorder import Recorder
    from edge_agent.uplink.uplink import Uplink

NOTE_S: Final = 30.0


class Parts(NamedTuple):
    """Of the running agent. `transport` is the uplink's; `bundle` makes what support looks at."""

    buses: Sequence[BusThread]
    uplink: Uplink
    recorder: Recorder
    transport: Transport
    keys: Keys
    clock: Now
    bundle: Callable[[], bytes]


def custody_of(started: Started, parts: Parts, hang_up: threading.Event) -> Custody:
    """The thread, not started; offers are asked for by the uplink where an operator is known."""
    buses, uplink = parts.buses, parts.uplink

    def answers() -> dict[str, int]:
        return {
            name: counts.good for bus in buses for name, counts in bus.counters.by_device.items()
        }

    shown = Shown(
        answers,
        lambda: uplink.reaches_central,
        lambda: uplink.is_closed,
        parts.recorder.record,
        parts.clock,
        lambda: any(bus.loans.current is not None for bus in buses),
    )
    custody = Custody(started, shown, hang_up)
    key = started.config.remote.operator_key
    if key:
        verifier = Verifier.from_vkey(key)
        uplink.offers = OfferFetch(
            parts.transport, parts.keys, verifier, _side(started, custody, parts.clock)
        )
        bundles = _Bundles(started.config, parts.keys, lambda: uplink.is_closed)
        requests = _requests(started, parts, bundles)
        clocks = (lambda: parts.clock.now().utc_ms, mono_ms)
        work = OfferWork(started.files, started.config, verifier, requests, clocks)
        custody.also, custody.abort = work.look, bundles.abort
    return custody


def _side(started: Started, custody: Custody, clock: Now) -> OfferSide:
    files = started.files

    def take(offer: Offer, data: bytes) -> bool:
        return offers.take(files, Waiting(offer.number, offer.kind, offer.valid_until_ms), data)

    def taken() -> int:
        return custody.history.offer_number

    return OfferSide(taken, take, lambda why: offers.doubt(files, why), lambda: clock.now().utc_ms)


def _requests(started: Started, parts: Parts, bundles: _Bundles) -> Requests:
    config, recorder = started.config, parts.recorder
    ask = BusAsk({bus.bus.name: bus.jobs for bus in parts.buses}, parts.clock)
    control = Control(config, ask, lambda facts: recorder.note(facts, NOTE_S), parts.clock)
    reading = Reading(config, control, recorder.note, recorder.tell, parts.clock)
    return Requests(reading.now, reading.range, parts.bundle, bundles.send)


class _Bundles:
    """A connection of its own: a bundle takes its time on a slow link."""

    def __init__(self, config: AgentConfig, keys: Keys, is_closed: Callable[[], bool]) -> None:
        self._config = config
        self._is_closed = is_closed
        self._keys = keys
        self._transport: Transport | None = None

    def send(self, number: int, bundle: bytes) -> str:
        """Why it is not at central; "" where it is."""
        if self._is_closed():
            return "the link is closed by the windows of the day"
        central, gateway = self._config.central, self._config.gateway
        transport = Transport(central.url, central.ca, central.deadline_s, central.proxy)
        self._transport = transport
        if central.client_certificate is not None:
            transport.present(central.client_certificate)
        try:
            signed = sign_bundle(gateway, number, bundle, self._keys.signer)
            path = f"{BUNDLE_PATH}{gateway}?offer={number}"
            answer = transport.post(path, bundle, more={REQUEST_HEADER: signed})
        finally:
            transport.close()
            self._transport = None
        if isinstance(answer, LinkFailure):
            return answer.problem
        return "" if answer.status == 200 else f"central answered {answer.status}"

    def abort(self) -> None:
        """The agent ends."""
        transport = self._transport
        if transport is not None:
            transport.abort()
