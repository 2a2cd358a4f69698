"""`edge-agent link`: looks at the machine, walks the way, tells each step as it is known."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.clock import clock_state, wall_ms
from edge_agent.commands.clock_floor import floor_of
from edge_agent.console import FINDINGS, GOOD, overwrite, show
from edge_agent.control.client import Conversation, NoAgent, SocketError
from edge_agent.control.protocol import Call
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.reader import JournalReader, ReadFailed
from edge_agent.keys.keys import KeyFileError, load_keys
from edge_agent.keys.receipt_keys import ReceiptKeys, stored_receipt_keys
from edge_agent.language import load_words
from edge_agent.link_test import batch
from edge_agent.link_test.judge import Now
from edge_agent.link_test.lines import as_json, lines_of, show_lines
from edge_agent.link_test.modem import read_modem
from edge_agent.link_test.network import read_network
from edge_agent.link_test.step import BATCH, TRAFFIC, Step, doubtful, good
from edge_agent.link_test.tour import Own, Surroundings, judge_windows, target_of, tour
from edge_agent.screen import GOOD as GREEN
from edge_agent.screen import is_ascii
from edge_agent.state_lock import AlreadyRunning
from edge_agent.terminal import is_chinese
from edge_agent.uplink.resolver import Resolver

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words
    from protocols.evidence.note import Signer

STATUS_S: Final = 10.0
LEAST_UP_S: Final = 600  # before that, bytes a day would be a guess
_DAY_S: Final = 86_400
Snapshot = Mapping[str, object]


def link(config: AgentConfig, *, as_json: bool, with_batch: bool) -> int:
    """The exit status."""
    words = load_words("edge_agent.link_test", chinese=is_chinese(os.environ))
    steps: list[Step] = []
    overwrite(words("testing"))
    try:
        for step in walk(config, with_batch=with_batch):
            steps.append(step)
            overwrite("")
            if not as_json:
                show_lines(lines_of(step, words, sys.stdout.encoding), sys.stdout.encoding)
            overwrite(words("testing"))
    finally:
        overwrite("")
    if as_json:
        show(_json(steps, config.gateway, words))
    elif any(step.ends_it for step in steps if step.name != BATCH):
        show(words("skipped"))
    return GOOD if all(step.light == GREEN for step in steps) else FINDINGS


def _json(steps: list[Step], gateway: str, words: Words) -> str:
    return json.dumps(as_json(steps, gateway, words), ensure_ascii=is_ascii(sys.stdout.encoding))


def walk(config: AgentConfig, *, with_batch: bool = True) -> Iterator[Step]:
    """Each step as soon as it is known."""
    now = now_of(config)
    window = judge_windows(config.central, 1000 * now.utc_s)
    if window is not None:
        yield window  # a person asks: the test is made all the same
    around = Surroundings(read_network(), read_modem(), now)
    is_blocked = False
    for step in tour(target_of(config.central), own_of(config), around, Resolver()):
        is_blocked = is_blocked or step.ends_it
        yield step
    if is_blocked:
        return
    if with_batch:
        yield _batch(config, now)
    yield judge_traffic(ask_status(config), config.central.batch_s)


def now_of(config: AgentConfig) -> Now:
    """This clock, and what central's last receipt says of it."""
    receipts = stored_receipt_keys(config.central.receipt_key, config.state_dir)
    return Now(wall_ms() // 1000, clock_state(), _floor_s(config, receipts))


def _floor_s(config: AgentConfig, receipts: ReceiptKeys) -> int:
    """0 where nothing is known, or the journal is not ours to read."""
    path = config.state_dir / FILE_NAME
    try:
        if not path.exists():
            return 0
        reader = JournalReader(path, config.gateway)
        try:
            return floor_of(reader, receipts).utc_s
        finally:
            reader.close()
    except (ReadFailed, OSError):
        return 0


def own_of(config: AgentConfig) -> Own:
    return Own(
        config.gateway,
        _signer(config),
        stored_receipt_keys(config.central.receipt_key, config.state_dir),
    )


def _signer(config: AgentConfig) -> Signer | None:
    """None where the log key may not be read, or is not there."""
    try:
        return load_keys(config.state_dir).signer
    except (KeyFileError, OSError):
        return None


def ask_status(config: AgentConfig) -> Snapshot | None:
    """The running agent's snapshot; None without one, or where it does not let us ask."""
    assert config.control is not None  # every file has the section or its defaults
    try:
        with Conversation(config.control.read_socket, STATUS_S) as agent:
            answer = agent.ask(Call("status"))
    except (NoAgent, SocketError):
        return None
    return answer if answer.get("schema") == 1 else None


def _batch(config: AgentConfig, now: Now) -> Step:
    """By whoever owns the journal."""
    assert config.control is not None
    try:
        try:
            return batch.by_agent(config.control, lambda: _failure(config))
        except NoAgent:
            return batch.alone(config, now.utc_s)
    except AlreadyRunning as error:
        return doubtful(BATCH, "batch_not_asked", said=str(error))


def _failure(config: AgentConfig) -> str:
    """What the agent says of its last try; "" where it says nothing."""
    snapshot = ask_status(config) or {}
    uplink = snapshot.get("uplink")
    return str(uplink.get("failure") or "") if isinstance(uplink, dict) else ""


def judge_traffic(snapshot: Snapshot | None, batch_s: float) -> Step:
    """Kilobytes a day at the rate since the agent's start."""
    told = snapshot or {}
    uplink, up_s = told.get("uplink"), told.get("up_s")
    if not isinstance(uplink, dict) or not isinstance(up_s, int | float) or up_s < LEAST_UP_S:
        return good(TRAFFIC, "traffic.unknown")
    rates = []
    for key in ("bytes_out", "bytes_in"):
        count = uplink.get(key)
        if not isinstance(count, int):
            return good(TRAFFIC, "traffic.unknown")
        rates.append(f"{count * _DAY_S / up_s / 1000:.0f}")
    return good(TRAFFIC, "traffic.good", out=rates[0], back=rates[1], batch=f"{batch_s:g}")
