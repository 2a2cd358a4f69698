"""What the body of a leaf says, held against the leaf's own subject and reference.

Every function raises ValueError (BodyError is one) that names what does not fit.
"""

from protocols.evidence.leaf import Kind, Leaf
from protocols.metering.instant import Instant
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import parse_run_config
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap


def instant_of(leaf: Leaf) -> Instant:
    """When the leaf was recorded."""
    return Instant(leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state)


def interval_of(leaf: Leaf) -> IntervalRecord:
    """The interval record of an INTERVAL leaf."""
    _check_kind(leaf, Kind.INTERVAL)
    record = IntervalRecord.from_body(leaf.body)
    if record.run != leaf.subject or record.config_hash != leaf.reference:
        raise ValueError("interval: run or configuration is not the leaf's subject or reference")
    return record


def config_of(leaf: Leaf) -> RunConfig:
    """The run's configuration of a CONFIGURATION leaf that has a subject."""
    _check_kind(leaf, Kind.CONFIGURATION)
    config = parse_run_config(leaf.body)
    if config.run != leaf.subject or config.hash() != leaf.reference:
        raise ValueError("configuration: run or hash is not the leaf's subject or reference")
    return config


def map_of(leaf: Leaf) -> RegisterMap:
    """The register map of a REGISTER_MAP leaf."""
    _check_kind(leaf, Kind.REGISTER_MAP)
    found = RegisterMap.from_body(leaf.body)
    if found.hash() != leaf.reference:
        raise ValueError("register map: its hash is not the leaf's reference")
    return found


def scan_of(leaf: Leaf, register_map: RegisterMap, seq: int | None = None) -> Scan:
    """The values of a SCAN leaf; ``seq`` where it counts in an earlier epoch's numbers."""
    raws = raws_of(leaf)
    values = decode_scan(register_map, raws)
    number = leaf.seq if seq is None else seq
    return Scan(number, leaf.subject, instant_of(leaf), leaf.quality, values)


def raws_of(leaf: Leaf) -> list[int | None]:
    """The raw integers of a SCAN leaf, in the order of its register map."""
    _check_kind(leaf, Kind.SCAN)
    raws = [raw for raw in leaf.body if raw is None or type(raw) is int]
    if len(raws) != len(leaf.body):
        raise ValueError(f"scan {leaf.seq}: a raw value is no integer")
    return raws


def _check_kind(leaf: Leaf, kind: Kind) -> None:
    if leaf.kind is not kind:
        raise ValueError(f"leaf {leaf.seq} is a {leaf.kind.name}, not a {kind.name}")
