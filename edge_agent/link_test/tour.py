"""The way to central from our own interface to central's clock, for `link` and for `doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.link_test.central_answer import judge_answer, question_of
from edge_agent.link_test.judge import Now, duration, judge_clock
from edge_agent.link_test.modem import WEAK_PERCENT, Modem
from edge_agent.link_test.network import Network
from edge_agent.link_test.step import CENTRAL, INTERFACE, MODEM, Step, bad, doubtful, good
from edge_agent.link_test.way import Target, Way
from edge_agent.uplink.resolver import Resolver

if TYPE_CHECKING:
    from edge_agent.config.model import CentralConfig
    from edge_agent.keys.receipt_keys import ReceiptKeys
    from protocols.evidence.note import Signer, Verifier

_HERE: Final = ("localhost", "127.", "::1")
_MODEM_BAD: Final = ("failed", "locked", "disabled", "disabling")


class Own(NamedTuple):
    """This gateway: its name, its log key where it may be read, whose receipts it believes."""

    gateway: str
    signer: Signer | None
    receipts: Verifier | ReceiptKeys


class Surroundings(NamedTuple):
    """This machine at this moment."""

    network: Network
    modem: Modem | None
    now: Now


def target_of(central: CentralConfig) -> Target:
    return Target(central.url, central.ca, central.proxy, central.client_certificate)


def tour(target: Target, own: Own, around: Surroundings, resolver: Resolver) -> Iterator[Step]:
    """Step by step; ends with the first that makes the others pointless."""
    for step in (judge_interfaces(around.network, target.first[0]), judge_modem(around.modem)):
        if step is not None:
            yield step
            if step.ends_it:
                return
    way = Way(target, around.network, around.now, resolver)
    for step in way.steps(question_of(own.gateway, own.signer)):
        yield step
        if step.ends_it:
            return
    assert way.heard is not None  # nothing was bad
    answer = judge_answer(way.heard, own.gateway, own.receipts, signed=own.signer is not None)
    yield answer
    if answer.ends_it and answer.code in ("central_page", "central_redirect", "central_other"):
        return  # it is not central whose clock we would compare
    yield judge_clock(way.heard, around.now)


def judge_interfaces(network: Network, host: str) -> Step:
    """Any with an address will do: the route says which one is used."""
    if host.startswith(_HERE):
        return good(INTERFACE, "interface.local")
    shown = ", ".join(
        f"{one.name} {' '.join(one.addresses) or '-'}" for one in network.outward if one.is_up
    )
    if network.usable:
        return good(INTERFACE, "interface.good", interfaces=shown or "-")
    names = ", ".join(one.name for one in network.outward)
    return bad(INTERFACE, "link_no_interface", interfaces=names or "-")


def judge_modem(modem: Modem | None) -> Step | None:
    """None where there is no modem, or nobody tells of it."""
    if modem is None:
        return None
    signal = "-" if modem.signal_percent is None else str(modem.signal_percent)
    facts = {"state": modem.state, "signal": signal, "technology": modem.technology}
    facts |= {"operator": modem.operator, "failure": modem.failure or "-"}
    if modem.state in _MODEM_BAD:
        return doubtful(MODEM, "modem_failed", **facts)  # the link may be another one
    if modem.signal_percent is not None and modem.signal_percent < WEAK_PERCENT:
        return doubtful(MODEM, "modem_weak", **facts)
    return good(MODEM, "modem.good", None, **facts)


def judge_windows(central: CentralConfig, utc_ms: int) -> Step | None:
    """None where the link may be used now."""
    wait_s = central.windows.wait_s(utc_ms)
    if not wait_s:
        return None
    return doubtful(CENTRAL, "window_closed", wait=duration(round(wait_s)))
