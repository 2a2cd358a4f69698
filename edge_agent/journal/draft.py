"""The next memory while a tick is made: leaves are appended, nothing counts before the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.journal.memory import AlarmTold, LogHead, Memory, NewLeaf, RunMemory, Tick
from protocols.evidence.cbor import Body
from protocols.evidence.leaf import (
    NO_REFERENCE,
    Kind,
    Leaf,
    Log,
    Origin,
    Was,
    encode_leaf,
    leaf_hash,
)
from protocols.evidence.salt import BLOCK, block_salt, leaf_salt
from protocols.metering.events import MAX_TEXT_CHARS, MAX_WHO_CHARS, OFF, ON
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality

if TYPE_CHECKING:
    from edge_agent.journal.memory import ClockRelation


def repeated(leaf: Leaf, hashed: bytes, epoch: int, seq: int, salt: bytes) -> Leaf:
    """The leaf at its place in a later epoch. `hashed`: its hash at the place that it has now."""
    was = leaf.was or Was(leaf.epoch, leaf.seq, hashed)
    return leaf._replace(epoch=epoch, seq=seq, salt=salt, was=was)


def _short(value: int | str | None) -> int | str | None:
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) else value


class Salts:
    """Leaf salts of one gateway; keeps the salt of each log's current block."""

    def __init__(self, gateway: str, secret: bytes) -> None:
        self._gateway = gateway
        self._secret = secret
        self._blocks: dict[Log, tuple[int, int, bytes]] = {}

    def of(self, log: Log, epoch: int, seq: int) -> bytes:
        block = seq // BLOCK
        held = self._blocks.get(log)
        if held is None or held[:2] != (epoch, block):
            origin = Origin(self._gateway, log, epoch)
            held = (epoch, block, block_salt(self._secret, origin, block))
            self._blocks[log] = held
        return leaf_salt(held[2], seq)


class Draft:
    """Changes are made on copies; `tick` gives them, together with the memory they began with."""

    def __init__(self, memory: Memory, salts: Salts) -> None:
        self.before = memory
        self._salts = salts
        self._leaves: list[NewLeaf] = []
        self._hashes: dict[Log, list[bytes]] = {log: [] for log in memory.heads}
        self._last_mono_ms = 0
        self._stored_ms = memory.stored_ms
        self.runs = dict(memory.runs)
        self.maps = set(memory.maps)
        self.configuration = memory.configuration
        self.regulators = dict(memory.regulators)
        self.orders = dict(memory.orders)
        self.order_number = memory.order_number
        self.changing = memory.changing  # runs that take a new gas with their meter's next scan
        self.disk = memory.disk  # conditions of the disk that were told
        self.devices = memory.devices
        self.clock: ClockRelation | None = memory.clock
        self.running = memory.running
        self.alarms = memory.alarms
        self.urgent = False  # central should hear of it at once

    @property
    def leaves(self) -> tuple[NewLeaf, ...]:
        """What was appended so far."""
        return tuple(self._leaves)

    @property
    def is_empty(self) -> bool:
        """Nothing was recorded."""
        return not self._leaves

    @property
    def epoch(self) -> int:
        """Of the leaves that are appended."""
        return self.before.heads[Log.BILLING].epoch

    @property
    def new_epoch(self) -> int | None:
        """The epoch of the billing log where it has no leaf before this tick."""
        epoch, frontier = self.before.heads[Log.BILLING]
        return None if frontier.size else epoch

    def append(
        self,
        kind: Kind,
        subject: str,
        body: Body,
        instant: Instant,
        reference: bytes = NO_REFERENCE,
        quality: int = Quality.GOOD,
    ) -> int:
        """One more leaf; its seq. Raises Malformed for a field outside the leaf's limits."""
        log = kind.log
        epoch, seq = self.before.heads[log].epoch, self.next_seq(log)
        salt = self._salts.of(log, epoch, seq)
        gateway = self.before.gateway
        fields = (kind, gateway, epoch, seq, subject, reference, *instant, quality, body, salt)
        if kind is Kind.SCAN:  # whatever else is recorded says nothing of the polls that wait
            self._stored_ms = max(self._stored_ms, instant.mono_ms)
        return self._add(Leaf._make((*fields, None)), instant.mono_ms)

    def repeat(self, leaf: Leaf, hashed: bytes, now: Instant) -> int:
        """A leaf of an earlier epoch once more, as it was; `hashed` is its hash there. Its seq."""
        log = leaf.kind.log
        epoch, seq = self.before.heads[log].epoch, self.next_seq(log)
        salt = self._salts.of(log, epoch, seq)
        return self._add(repeated(leaf, hashed, epoch, seq, salt), now.mono_ms)

    def _add(self, leaf: Leaf, mono_ms: int) -> int:
        data = encode_leaf(leaf)
        hashed = leaf_hash(data)
        log = leaf.kind.log
        self._leaves.append(NewLeaf(log, leaf.seq, data, hashed))
        self._hashes[log].append(hashed)
        self._last_mono_ms = max(self._last_mono_ms, mono_ms)
        return leaf.seq

    def event(
        self,
        instant: Instant,
        code: str,
        subject: str,
        old: int | str | None,
        new: int | str | None,
        who: str,
        detail: str = "",
    ) -> None:
        """One EVENT leaf, its words as long as central reads them. From off to on it is an alarm,
        which stands until the way back.
        """
        words = (who[:MAX_WHO_CHARS], detail[:MAX_TEXT_CHARS])
        self.append(Kind.EVENT, subject, (code, _short(old), _short(new), *words), instant)
        if (old, new) == (OFF, ON):
            self.alarms = {**self.alarms, (code, subject): AlarmTold(instant, detail)}
        elif (old, new) == (ON, OFF):
            self.alarms = {key: at for key, at in self.alarms.items() if key != (code, subject)}

    def next_seq(self, log: Log) -> int:
        """The seq that the log's next leaf gets."""
        return self.before.heads[log].size + len(self._hashes[log])

    def adopt(self, memory: Memory) -> None:
        """Go on with what another journal remembered, but for its logs."""
        self.runs = dict(memory.runs)
        self.maps = set(memory.maps)
        self.configuration = memory.configuration
        self.regulators = dict(memory.regulators)
        self.orders = dict(memory.orders)
        self.order_number = memory.order_number
        self.changing = memory.changing
        self.disk = memory.disk
        self.devices = memory.devices
        self.clock = memory.clock
        self.running = memory.running
        self.alarms = memory.alarms

    def set_run(self, memory: RunMemory) -> None:
        self.runs[memory.config.run] = memory

    def tick(self) -> Tick:
        before = self.before
        heads = {
            log: LogHead(head.epoch, head.frontier.extend(self._hashes[log]))
            for log, head in before.heads.items()
        }
        after = Memory(
            before.gateway,
            before.boot_id,
            before.boot_no,
            heads,
            self.runs,
            frozenset(self.maps) if len(self.maps) != len(before.maps) else before.maps,
            self.configuration,
            self.clock,
            self.regulators,
            self.orders,
            self.order_number,
            self.devices,
            self.changing,
            self.disk,
            self.running,
            self.alarms,
            stored_ms=self._stored_ms,
        )
        return Tick(tuple(self._leaves), before, after, self._last_mono_ms)
