"""One interval made again from its scans, by the same pure pipeline as on the gateway."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from protocols.audit.bodies import scan_of
from protocols.evidence.errors import NotHeld
from protocols.evidence.leaf import Kind, Leaf
from protocols.metering.carry import Carry
from protocols.metering.interval import ALGORITHM, IntervalRecord
from protocols.metering.run import Agrees, Replay, compare, replay
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan
from protocols.registers.register_map import RegisterMap

MAX_SCANS: Final = 300_000
"""Scans of the run's own devices in one interval, which are held in memory."""
MAX_LEAVES: Final = 1 << 24
"""Scans of all devices that one interval may span."""

Scans = Callable[[int, int, int], Iterator[tuple[int, Leaf]]]
"""Epoch, first, end -> (seq in that epoch's numbers, leaf) for each; raises NotHeld."""


class Remade(NamedTuple):
    """What the scans make again, or why that cannot be told; for the parts of one gap once."""

    of: tuple[int, bytes, Carry, int]
    again: Replay | NotHeld | str


class Proven(NamedTuple):
    """The record follows from its scans; ``carry`` is what the next one must open with."""

    carry: Carry


def remake(
    epoch: int, record: IntervalRecord, config: RunConfig, maps: Mapping[bytes, RegisterMap],
    scans: Scans,
) -> Remade:  # fmt: skip
    """Make again what the record's scans make; ``epoch`` is the one that its seqs count in."""
    of = epoch, record.config_hash, record.carry, record.telemetry_end
    if record.telemetry_end - record.telemetry_first > MAX_LEAVES:
        return Remade(of, f"telemetry: a range of more than {MAX_LEAVES} scans")
    try:
        found = _of_run(scans(epoch, record.telemetry_first, record.telemetry_end), config, maps)
        return Remade(of, replay(config, record.carry, record.telemetry_end, found))
    except NotHeld as error:
        return Remade(of, error)
    except (ValueError, ArithmeticError) as error:
        return Remade(of, f"cannot be made again: {error}")


def judge(record: IntervalRecord, made: Remade) -> Proven | NotHeld | str:
    """Proven, NotHeld where scans are missing, or what differs, in words."""
    if record.algorithm != ALGORITHM:
        return f"algorithm: recorded {record.algorithm}, known here {ALGORITHM}"
    if isinstance(made.again, str | NotHeld):
        return made.again
    found = compare(record, made.again)
    if isinstance(found, Agrees):
        return Proven(found.carry)
    return f"{found.field}: recorded {found.recorded!r:.200}, recomputed {found.recomputed!r:.200}"


def _of_run(
    leaves: Iterator[tuple[int, Leaf]], config: RunConfig, maps: Mapping[bytes, RegisterMap]
) -> Iterator[Scan]:
    """The scans of the run's devices, with the points that the run looks at."""
    serials, points = config.serials, config.points
    count = 0
    for seq, leaf in leaves:
        if leaf.subject not in serials or leaf.kind is not Kind.SCAN:
            continue
        register_map = maps.get(leaf.reference)
        if register_map is None:
            raise ValueError(f"register map {leaf.reference.hex()[:16]} is not known")
        count += 1
        if count > MAX_SCANS:
            raise ValueError(f"more than {MAX_SCANS} scans of the run's devices")
        scan = scan_of(leaf, register_map, seq)
        yield scan._replace(values={k: v for k, v in scan.values.items() if k in points})
