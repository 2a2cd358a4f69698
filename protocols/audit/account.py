"""The account of a gateway over a range: every billing leaf in order, held against all others.

Pure: scans and earlier leaves are asked for by functions. What cannot be proven for want of leaves
is told, and is no flaw; what contradicts anything else is one.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from protocols.audit.bodies import config_of, interval_of, map_of
from protocols.audit.remake import Proven, Remade, Scans, judge, remake
from protocols.audit.run_account import Place, RunAccount
from protocols.evidence.errors import EvidenceError, Malformed, NotHeld
from protocols.evidence.facts import STALE, EpochBody, Loss, parse_epoch, parse_loss
from protocols.evidence.key_change import KeyChange, verify_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, Was
from protocols.evidence.statement import parse_statement
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig
from protocols.registers.register_map import RegisterMap

MAX_KEPT: Final = 4096
"""Configurations, register maps, runs, losses and epochs that are kept of one range, each."""

MAX_REASONS: Final = 32
_Kept = TypeVar("_Kept")

HashAt = Callable[[int, int], bytes | None]
"""Epoch, seq -> hash of the billing leaf that is held there."""


class Account:
    """Takes the billing leaves of a range in order; then tells what they come to."""

    def __init__(self, logs: KeySchedule, scans: Scans, billing_hash: HashAt) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.runs: dict[str, RunAccount] = {}
        self.losses: list[tuple[Leaf, Loss]] = []
        self.epochs: list[tuple[Leaf, EpochBody]] = []
        self.repeated = 0
        self.of_old_image = 0  # intervals that an old state of the gateway made: booked nowhere
        self.not_proven: Counter[str] = Counter()
        self._logs = logs
        self._scans = scans
        self._billing_hash = billing_hash
        self._configs: dict[bytes, RunConfig] = {}
        self._maps: dict[bytes, RegisterMap] = {}
        self._made: dict[str, Remade] = {}

    def explain(self, leaf: Leaf) -> None:
        """Take a configuration or register map of before the range. Raises ValueError."""
        if leaf.kind is Kind.REGISTER_MAP:
            self._maps[leaf.reference] = _kept(self._maps, map_of(leaf))
        elif leaf.kind is Kind.CONFIGURATION and leaf.subject:
            self._configs[leaf.reference] = _kept(self._configs, config_of(leaf))

    def take(self, leaf: Leaf) -> list[str]:
        """Book one billing leaf; what is wrong with it."""
        self.kinds[leaf.kind] += 1
        if leaf.was is not None:
            held = self._billing_hash(leaf.was.epoch, leaf.was.seq)
            if held is not None:
                self.repeated += 1
                if held != leaf.was.hash:
                    place = f"leaf {leaf.was.seq} of epoch {leaf.was.epoch}"
                    return [f"says to repeat {place}, whose hash is another"]
                return []
            if leaf.kind is Kind.INTERVAL and self._is_of_old_image(leaf, leaf.was):
                self.of_old_image += 1
                return []
        try:
            return self._book(leaf)
        except (ValueError, EvidenceError) as error:
            return [f"{leaf.kind.name}: {error}"]

    def _is_of_old_image(self, leaf: Leaf, was: Was) -> bool:
        """Such a state counts once more from where it stood: booked, it would count twice.

        It was found out when an epoch above `was` began, not always the one the leaf comes in.
        """
        return any(
            told.reason in STALE and was.epoch < (opened.was or opened).epoch <= leaf.epoch
            for opened, told in self.epochs
        )

    def law_faults(self) -> list[tuple[str, str]]:
        """(Run, what contradicts the first law) over the range."""
        return [(run, fault) for run, one in self.runs.items() for fault in one.law_faults()]

    def _book(self, leaf: Leaf) -> list[str]:
        if leaf.kind is Kind.INTERVAL:
            return self._interval(leaf)
        if leaf.kind in (Kind.REGISTER_MAP, Kind.CONFIGURATION):
            self.explain(leaf)
            if leaf.kind is Kind.CONFIGURATION and leaf.subject in self.runs:
                self.runs[leaf.subject].configure()
        elif leaf.kind is Kind.LOSS:
            _bounded(self.losses).append((leaf, parse_loss(leaf.body)))
        elif leaf.kind is Kind.EPOCH:
            _bounded(self.epochs).append((leaf, parse_epoch(leaf.body)))
        elif leaf.kind is Kind.KEY and leaf.was is None:
            self._key(leaf)
        elif leaf.kind is Kind.STATEMENT:
            parse_statement(leaf.body)
        return []

    def _key(self, leaf: Leaf) -> None:
        """A rotation must be signed by both keys, and be in the published schedule."""
        change = KeyChange.from_body(leaf.body)
        verify_change(change, leaf.epoch, leaf.seq)
        origin = Origin(leaf.gateway, Log.BILLING, leaf.epoch)
        if self._logs.key_for(origin, leaf.seq + 1).vkey != change.old_vkey:
            raise Malformed("its old key is not the published one of this place")
        spans = self._logs.spans(Log.BILLING)
        if (leaf.epoch, leaf.seq + 1, change.new_vkey) not in {span[:3] for span in spans}:
            raise Malformed("its new key is not published from this place on")

    def _interval(self, leaf: Leaf) -> list[str]:
        record = interval_of(leaf)
        account = self.runs.get(record.run)
        if account is None:
            account = self.runs[record.run] = _kept(self.runs, RunAccount(record.run))
        epoch = leaf.epoch if leaf.was is None else leaf.was.epoch
        config = self._configs.get(record.config_hash)
        faults = []
        handed = None
        if config is None or config.run != record.run:
            config = None
            faults.append(f"names configuration {record.config_hash.hex()[:16]}, which never came")
        else:
            match self._judged(epoch, record, config):
                case Proven(carry):
                    handed = carry
                case NotHeld() as missing:
                    why = str(missing) if len(self.not_proven) < MAX_REASONS else "other scans"
                    self.not_proven[why] += 1
                case str(difference):
                    faults.append(f"interval of {record.run}: {difference}")
        return faults + account.take(Place(epoch, leaf.seq), record, config, handed)

    def _judged(
        self, epoch: int, record: IntervalRecord, config: RunConfig
    ) -> Proven | NotHeld | str:
        of = epoch, record.config_hash, record.carry, record.telemetry_end
        made = self._made.get(record.run)
        if made is None or made.of != of or record.part == 0:
            made = remake(epoch, record, config, self._maps, self._scans)
            self._made[record.run] = made
        return judge(record, made)


def _kept(table: Mapping[Any, _Kept], item: _Kept) -> _Kept:
    if len(table) >= MAX_KEPT:
        raise ValueError(f"more than {MAX_KEPT} configurations, register maps or runs")
    return item


def _bounded(rows: list[_Kept]) -> list[_Kept]:
    if len(rows) >= MAX_KEPT:
        raise ValueError(f"more than {MAX_KEPT} losses or epochs")
    return rows
