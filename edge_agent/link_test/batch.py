"""One batch there and back: what waits is sent, and its receipt verified.

By the running agent, which owns the journal; without one by this program, under the state's lock.
Nothing is made up for the test: an empty log has nothing to send, and its last receipt counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final

from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.journal.journal import FILE_NAME, JournalError
from edge_agent.journal.memory import LOGS
from edge_agent.journal.reader import JournalReader, ReadFailed
from edge_agent.keys.keys import KeyFileError, load_keys
from edge_agent.keys.receipt_keys import ReceiptKeys, keys_for, stored_receipt_keys
from edge_agent.link_test.judge import duration
from edge_agent.link_test.step import BATCH, Step, bad, doubtful, good
from edge_agent.parcel.receipt_import import settling
from edge_agent.state_lock import state_lock
from edge_agent.uplink.batch_exchange import Exchange, Progress
from edge_agent.uplink.failure import Failure
from edge_agent.uplink.heads_check import HeadsCheck
from edge_agent.uplink.lane import Lane
from edge_agent.uplink.start_check import GoOn
from edge_agent.uplink.transport import Transport
from protocols.evidence.errors import EvidenceError
from protocols.evidence.upload import check_receipt

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, ControlConfig
    from edge_agent.keys.keys import Keys

WAIT_S: Final = 60.0
LOOK_S: Final = 0.2
MOST_TURNS: Final = 10_000
"""Of the exchange: each is at most one batch, or a stretch of a backlog looked at."""
ALL_S: Final = 120.0
"""A backlog goes on with the agent; a test is over after that."""
Why = Callable[[], str]


def by_agent(control: ControlConfig, why: Why) -> Step:
    """`why`: what the agent says of its last failure, asked where nothing came back.

    Raises NoAgent.
    """
    try:
        first = ask_agent(control.read_socket, Call("receipted"))
    except SocketError as error:
        return doubtful(BATCH, "batch_not_asked", said=str(error))
    try:
        before = _figures(first, "receipted")
        wanted = _figures(ask_agent(control.act_socket, Call("flush")), "sizes")
        unsent = _unsent(wanted, before)
        until = monotonic() + WAIT_S
        pause = threading.Event()
        while (left := _unsent(wanted, before)) and monotonic() < until:
            pause.wait(LOOK_S)
            before = _figures(ask_agent(control.read_socket, Call("receipted")), "receipted")
    except (SocketError, ValueError) as error:
        return doubtful(BATCH, "batch_not_asked", said=str(error))
    except NoAgent as error:
        return doubtful(BATCH, "batch_not_asked", said=f"nobody listens at {error}")
    if left:
        said = why() or f"no receipt within {WAIT_S:g} s"
        return bad(BATCH, "batch_not_sent", unsent=str(left), said=said, remedy="edge-agent status")
    return good(BATCH, "batch.good", leaves=str(unsent))


def alone(config: AgentConfig, utc_s: int) -> Step:
    """Without an agent. Raises AlreadyRunning."""
    path = config.state_dir / FILE_NAME
    if not path.exists():
        return good(BATCH, "batch.nothing", age="-")
    with state_lock(config.state_dir):
        try:
            keys = load_keys(config.state_dir)
        except (KeyFileError, PermissionError):
            return good(BATCH, "batch.no_key")
        reader = JournalReader(path, config.gateway)
        try:
            return _send(config, keys, reader, utc_s)
        except (ReadFailed, EvidenceError, JournalError, OSError) as error:
            remedy = "edge-agent doctor"
            return bad(BATCH, "batch_not_sent", unsent="?", said=str(error), remedy=remedy)
        finally:
            reader.close()


def _send(config: AgentConfig, keys: Keys, reader: JournalReader, utc_s: int) -> Step:
    receipts = stored_receipt_keys(config.central.receipt_key, config.state_dir)
    central = config.central
    transport = Transport(central.url, central.ca, central.deadline_s, central.proxy)
    if central.client_certificate is not None:
        transport.present(central.client_certificate)
    try:
        meaning = HeadsCheck(reader, transport, keys, receipts).ask(running=False)
        if isinstance(meaning, Failure):
            return _failed("?", meaning)
        if not isinstance(meaning, GoOn):  # what the agent's next start has to settle
            told = Failure(type(meaning).__name__, "start the agent: it settles that first")
            return _failed("?", told)
        with settling(config, keys) as settle:
            exchange = Exchange(reader, transport, keys, receipts, settle)
            waiting = exchange.pending()
            failure = _exchange_all(exchange, monotonic() + ALL_S)
            left = exchange.pending()
    finally:
        transport.close()
    if failure is not None:
        return _failed(str(left), failure)
    if not waiting:
        return good(BATCH, "batch.nothing", age=_age(reader, receipts, utc_s))
    return good(BATCH, "batch.good", leaves=str(waiting - left))


def _exchange_all(exchange: Exchange, until: float) -> Failure | None:
    """Each log to its end, billing first; None where nothing failed."""
    now = monotonic()
    for log in LOGS:
        lane = Lane(0.0, now, most_leaves=1024)
        for _ in range(MOST_TURNS):
            if monotonic() > until:
                return None
            outcome = exchange.send(log, lane)
            if outcome is None:
                break
            if isinstance(outcome, Failure):
                return outcome
            if isinstance(outcome, Progress):
                lane.succeeded(monotonic())
    return None


def _age(reader: JournalReader, receipts: ReceiptKeys, utc_s: int) -> str:
    """Of the newest receipt that central gave."""
    times = []
    for log in LOGS:
        _, frontier, checkpoint, receipt = reader.last_receipt(log)
        if frontier.size:
            times.append(check_receipt(checkpoint, receipt, keys_for(receipts, receipt)).time_s)
    return duration(max(0, utc_s - max(times))) if times else "-"


def _failed(unsent: str, failure: Failure) -> Step:
    return bad(BATCH, "batch_not_sent", unsent=unsent, said=failure.problem, remedy=failure.remedy)


def _figures(answer: Mapping[str, object], key: str) -> dict[str, int]:
    """Raises ValueError with what the agent said instead."""
    found = answer.get(key)
    if not answer.get("ok") or not isinstance(found, dict):
        raise ValueError(str(answer.get("error", "an answer that this program does not know")))
    return {str(log): size for log, size in found.items() if isinstance(size, int)}


def _unsent(wanted: Mapping[str, int], receipted: Mapping[str, int]) -> int:
    return sum(max(0, size - receipted.get(log, 0)) for log, size in wanted.items())
