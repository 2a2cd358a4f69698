"""What the report of a gas day is made of, out of a journal that the agent may be writing to.

A leaf is recorded after what it tells of, so all that concerns a day stands behind its first
instant; how far behind nobody knows (a gap is filled after it), so the log is read to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.reader import JournalReader, ReadFailed
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.statement import parse_statement
from protocols.metering.body import BodyError
from protocols.metering.interval import IntervalRecord
from protocols.metering.period import Period
from protocols.metering.period_slice import Slice, begin_of, slices_of
from protocols.metering.run_config_faults import parse_run_config

if TYPE_CHECKING:
    from edge_agent.journal.memory import Memory
    from protocols.evidence.cbor import Body, Item
    from protocols.metering.run_config import RunConfig

# Central's clock signed the receipt, the gateway's wrote the leaf: they may differ by this much
CLOCKS_DIFFER_S: Final = 6 * 3600
AROUND_MS: Final = 4 * 3_600_000  # intervals around the day that are kept: longer ones are none
HEALTH: Final = "health"  # what the gateway says of itself each hour
_SOFTWARE: Final = 5  # its place in the body of the gateway's own configuration


class Told(NamedTuple):
    """An event of the log."""

    utc_ms: int
    code: str
    subject: str
    old: int | str | None
    new: int | str | None
    who: str
    detail: str


class Material(NamedTuple):
    """Of one run and gas day; `slices` with those around the day.

    `configs`: those known by hash. `software`: in force at the day's end, "" where unknown.
    `untimed`: intervals between those of the day that no clock tells the time of, and their line
    volume, which is in no day. `held`: first and last instant that the journal has intervals of,
    of what was read.
    """

    slices: tuple[Slice, ...]
    events: tuple[Told, ...]
    configs: dict[bytes, RunConfig]
    software: str
    untimed: tuple[int, int]
    held: tuple[int, int] | None


def read_material(path: Path, gateway: str, run: str, day: Period) -> Material:
    """All of it, in two snapshots at most. Raises ReadFailed."""
    reader = JournalReader(path, gateway)
    try:
        memory = reader.memory()
        gathered = _Gathered(run, day, memory)
        with closing(reader.billing_since(day.start_ms // 1000 - CLOCKS_DIFFER_S)) as leaves:
            gathered.take(leaves)
        unknown = {one.config_hash for one in gathered.inside()} - gathered.configs.keys()
        if unknown:  # a configuration that was changed since, and made long before the day
            with closing(reader.billing_since(0)) as leaves:
                gathered.configs |= _configurations(leaves, run, unknown)
    except BodyError as error:
        raise ReadFailed(f"{path} holds a record that this program cannot read: {error}") from error
    finally:
        reader.close()
    return gathered.material()


def _configurations(leaves: Iterable[Leaf], run: str, wanted: set[bytes]) -> dict[bytes, RunConfig]:
    found: dict[bytes, RunConfig] = {}
    for leaf in leaves:
        if leaf.kind is Kind.CONFIGURATION and leaf.subject == run and leaf.reference in wanted:
            found[leaf.reference] = parse_run_config(leaf.body)
            if found.keys() == wanted:
                break
    return found


class _Gathered:
    """What one pass over the log found."""

    def __init__(self, run: str, day: Period, memory: Memory) -> None:
        self.run, self.day = run, day
        self.configs: dict[bytes, RunConfig] = {}
        self.slices: list[Slice] = []
        self.events: list[Told] = []
        self.untimed = (0, 0)
        self.held: tuple[int, int] | None = None
        self.software = _software(memory.configuration)
        self._software_after = False  # whether `software` is that of the day, whatever comes
        known = memory.runs.get(run)
        if known is not None:
            self.configs[known.config.hash()] = known.config
        self._devices = known.config.serials if known else frozenset[str]()
        self._in_day = False

    def take(self, leaves: Iterable[Leaf]) -> None:
        for one in slices_of(self._records(leaves)):
            first, last = self.held or (one.begin_ms, one.end_ms)
            self.held = (min(first, one.begin_ms), max(last, one.end_ms))
            near = self.day.start_ms - AROUND_MS <= one.begin_ms < self.day.end_ms
            if near or (one.begin_ms >= self.day.end_ms and not self._is_over()):
                self.slices.append(one)

    def inside(self) -> Iterator[Slice]:
        return (s for s in self.slices if self.day.start_ms <= s.begin_ms < self.day.end_ms)

    def material(self) -> Material:
        return Material(
            tuple(self.slices), tuple(self.events), self.configs, self.software, self.untimed,
            self.held,
        )  # fmt: skip

    def _is_over(self) -> bool:
        return any(one.end_ms >= self.day.end_ms for one in self.slices[-1:])

    def _records(self, leaves: Iterable[Leaf]) -> Iterator[IntervalRecord]:
        """The run's interval records; other leaves are looked at on the way."""
        for leaf in leaves:
            if leaf.kind is Kind.INTERVAL and leaf.subject == self.run:
                record = IntervalRecord.from_body(leaf.body)
                self._count_untimed(record)
                yield record
            elif leaf.kind is Kind.CONFIGURATION:
                self._configuration(leaf)
            elif leaf.kind is Kind.EVENT:
                self._event(leaf)
            elif leaf.kind is Kind.STATEMENT:
                self._statement(leaf)

    def _count_untimed(self, record: IntervalRecord) -> None:
        begin_ms = begin_of(record.start.utc_ms, record.end.utc_ms, record.elapsed_ms)
        if begin_ms is not None:
            self._in_day = self.day.start_ms <= begin_ms < self.day.end_ms
        elif self._in_day:
            count, line_cm3 = self.untimed
            line_cm3 += record.line_main_cm3 + record.line_error_cm3
            self.untimed = (count + 1, line_cm3)

    def _configuration(self, leaf: Leaf) -> None:
        if leaf.subject == self.run:
            config = parse_run_config(leaf.body)
            self.configs[leaf.reference] = config
            self._devices |= config.serials

    def _event(self, leaf: Leaf) -> None:
        code, old, new, who, detail = leaf.body
        utc_ms = leaf.utc_ms
        if utc_ms is None:
            return
        if (code, detail) == ("configuration_changed", "software") and not self._software_after:
            self._software_after = utc_ms >= self.day.end_ms
            self.software = str(old if self._software_after else new)
        told = (str(code), leaf.subject, _side(old), _side(new), str(who), str(detail))
        self._tell(Told(utc_ms, *told))

    def _statement(self, leaf: Leaf) -> None:
        """What people did; the gateway's own health is no event of a day."""
        said = parse_statement(leaf.body)
        if leaf.utc_ms is not None and said.code != HEALTH:
            self._tell(Told(leaf.utc_ms, said.code, leaf.subject, *said.change, said.who, said.why))

    def _tell(self, told: Told) -> None:
        in_day = self.day.start_ms <= told.utc_ms < self.day.end_ms
        if in_day and told.subject in {"", self.run, *self._devices}:
            self.events.append(told)


def _side(value: Item) -> int | str | None:
    return value if isinstance(value, (int, str)) else None


def _software(configuration: Body | None) -> str:
    """Of the gateway's own configuration as it is now."""
    return "" if configuration is None else str(configuration[_SOFTWARE])
