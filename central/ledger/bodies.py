"""What the body of a leaf says, parsed strictly; pure.

A gateway's signature vouches for who wrote a body, not that it makes sense: every parser raises
ValueError (BodyError is one) with the field and the reason.
"""

import json
from typing import Final, NamedTuple

from protocols.evidence.cbor import Item
from protocols.evidence.key_change import KeyChange
from protocols.evidence.leaf import Leaf
from protocols.evidence.statement import Statement
from protocols.metering.body import Fields
from protocols.metering.events import MAX_TEXT_CHARS, MAX_WHO_CHARS
from protocols.metering.interval import IntervalRecord
from protocols.metering.regulator_config import parse_regulator_config
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import parse_run_config
from protocols.registers.register_map import RegisterMap

MAX_REGULATORS: Final = 256
MAX_DEVICES: Final = 1024
MAX_GASES: Final = 64
MAX_UTC_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: what a date can show."""
MAX_COUNTS: Final = 10**18
"""Of a total: far more than any register, and what is worked out of two stays within 64 bits."""


class RegulatorEntry(NamedTuple):
    """A regulator, where its outlet pressure is read, and what it should be (0.1 Pa, absolute)."""

    regulator: str
    serial: str
    point: str
    gauge: bool
    set_dpa: int
    low_dpa: int
    high_dpa: int


class SiteEntry(NamedTuple):
    """The gateway's own configuration."""

    name: str
    zone: str
    gas_day_start_hour: int
    atmosphere_dpa: int
    software: str
    regulators: tuple[RegulatorEntry, ...]


class EventEntry(NamedTuple):
    """A fact; `old` and `new` as JSON."""

    code: str
    old: str
    new: str
    who: str
    detail: str


def utc_of(leaf: Leaf) -> int | None:
    """The leaf's UTC; None also where no calendar could show it."""
    return None if leaf.utc_ms is None or leaf.utc_ms > MAX_UTC_MS else leaf.utc_ms


def interval_of(leaf: Leaf) -> IntervalRecord:
    """The interval record that this leaf carries."""
    record = IntervalRecord.from_body(leaf.body)
    if record.run != leaf.subject or record.config_hash != leaf.reference:
        raise ValueError("interval: run or configuration is not the leaf's subject or reference")
    if max(record.start.utc_ms or 0, record.end.utc_ms or 0) > MAX_UTC_MS:
        raise ValueError("interval: begins or ends after the year 9999")
    if any(figure > MAX_COUNTS for total in record.totals for figure in total[1:]):
        raise ValueError(f"interval: a total has more than {MAX_COUNTS} counts or segments")
    named = [(total.point, total.segment) for total in record.totals]
    if len(set(named)) != len(named):
        raise ValueError("interval: a total appears twice in one segment")
    return record


def run_config_of(leaf: Leaf) -> RunConfig:
    """The configuration of the run that this leaf's subject names."""
    config = parse_run_config(leaf.body)
    if config.run != leaf.subject or config.hash() != leaf.reference:
        raise ValueError("configuration: run or hash is not the leaf's subject or reference")
    return config


def register_map_of(leaf: Leaf) -> RegisterMap:
    """The register map, which must have the hash that the leaf names."""
    found = RegisterMap.from_body(leaf.body)
    if found.hash() != leaf.reference:
        raise ValueError("register map: hash is not the leaf's reference")
    return found


def site_of(leaf: Leaf) -> SiteEntry:
    """The gateway's own configuration: site, devices, regulators."""
    # a gateway that believes a distant operator says whom, and whether it wants consent on site
    believes = len(leaf.body) == 10
    fields = Fields("gateway configuration", leaf.body, 10 if believes else 9)
    if fields.text("kind") != "gateway":
        raise ValueError("gateway configuration: kind must be 'gateway'")
    name, zone = fields.text("name"), fields.text("zone")
    hour = fields.integer("gas_day_start_hour", 0, 23)
    atmosphere_dpa = fields.integer("atmosphere_dpa")
    software = fields.text("software")
    fields.items("devices", MAX_DEVICES)
    fields.items("gases", MAX_GASES)
    regulators = tuple(_regulator(item) for item in fields.items("regulators", MAX_REGULATORS))
    if len({one.regulator for one in regulators}) != len(regulators):
        raise ValueError("gateway configuration: a regulator appears twice")
    if believes:
        remote = Fields("remote", fields.item(), 3)
        if remote.text("kind") != "remote" or not remote.text("operator_key", 512):
            raise ValueError("gateway configuration: remote is not [remote, key, consent]")
        remote.integer("consent", 0, 1)
    return SiteEntry(name, zone, hour, atmosphere_dpa, software, regulators)


def event_of(leaf: Leaf) -> EventEntry:
    """The event that this leaf carries."""
    fields = Fields("event", leaf.body, 5)
    code = fields.text("code", 64)
    old, new = _number_or_text(fields.item()), _number_or_text(fields.item())
    who, detail = fields.text("who", MAX_WHO_CHARS), fields.text("detail", MAX_TEXT_CHARS)
    return EventEntry(code, json.dumps(old), json.dumps(new), who, detail)


def key_of(leaf: Leaf) -> EventEntry:
    """A change of the log key as an event: name and id of both keys. Raises Malformed."""
    change = KeyChange.from_body(leaf.body)
    old, new = (_key_id(vkey) for vkey in (change.old_vkey, change.new_vkey))
    detail = f"telemetry from leaf {change.telemetry_size} on"
    return EventEntry("key", json.dumps(old), json.dumps(new), "", detail)


def _key_id(vkey: str) -> str:
    return vkey.rpartition("+")[0][:MAX_TEXT_CHARS]


def statement_event(said: Statement) -> EventEntry:
    """What somebody stated as an event: its verdict, or what replaced what; and why."""
    old, new = said.change
    return EventEntry(said.code, json.dumps(old), json.dumps(new), said.who, said.why)


def other_of(leaf: Leaf) -> EventEntry:
    """A clock leaf as an event, its body shown as far as there is room."""
    shown = json.dumps(leaf.body, default=lambda item: item.hex(), ensure_ascii=False)
    return EventEntry(leaf.kind.name.lower(), "null", "null", "", shown[:MAX_TEXT_CHARS])


def _regulator(body: object) -> RegulatorEntry:
    config = parse_regulator_config(body)
    outlet = config.outlet
    return RegulatorEntry(
        config.regulator,
        outlet.serial,
        outlet.point,
        outlet.gauge,
        config.set_dpa,
        config.low_dpa - config.droop_dpa,  # at full flow; what the load is, no page knows
        config.high_dpa,
    )


def _number_or_text(item: object) -> Item:
    if item is None or type(item) is int:
        return item
    if type(item) is str and len(item) <= MAX_TEXT_CHARS:
        return item
    raise ValueError("event: old and new must be an integer, a text or null")
