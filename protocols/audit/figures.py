"""What a proven leaf says, as figures with units: for a person's eyes, exact to the last digit.

A figure's label is a key; whoever shows it has the words. No number passes through a float but what
the instrument itself sent as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from protocols.audit.bodies import interval_of, raws_of
from protocols.evidence.cbor import Item
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.statement import parse_statement
from protocols.metering.interval import IntervalRecord, TotalRecord
from protocols.metering.quality import Flag, Quality
from protocols.metering.run_config import RunConfig
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap

ICE_POINT_MK: Final = 273_150
E9: Final = 1_000_000_000
MAX_SHOWN_CHARS: Final = 500
_QUALITIES: Final = {quality.value: quality.name for quality in Quality}


class Figure(NamedTuple):
    """``label`` is a key of the words; ``subject`` a point or total, "" where there is one only."""

    label: str
    subject: str
    value: str
    unit: str = ""


class Explanation(NamedTuple):
    """What is needed to read a leaf, each proven like the leaf itself; None where not needed."""

    config: RunConfig | None = None
    register_map: RegisterMap | None = None


def figures_of(leaf: Leaf, by: Explanation) -> tuple[Figure, ...]:
    """All figures of the leaf. Raises ValueError where its body does not fit its explanation."""
    if leaf.kind is Kind.SCAN:
        return tuple(_scan(leaf, by.register_map))
    if leaf.kind is Kind.INTERVAL:
        return tuple(_interval(interval_of(leaf), by.config))
    if leaf.kind is Kind.EVENT:
        return tuple(_event(leaf))
    if leaf.kind is Kind.STATEMENT:
        return tuple(_statement(leaf))
    return (Figure("body", "", _json(leaf.body)),)


def decimal(value: int, exponent: int) -> str:
    """``value`` x 10^``exponent`` with all its digits, without a power of ten: "1234.500"."""
    if exponent >= 0:
        return f"{value * 10**exponent}"
    whole, part = divmod(abs(value), 10**-exponent)
    return f"{'-' if value < 0 else ''}{whole}.{part:0{-exponent}d}"


def quality_name(quality: int) -> str:
    """The name of a reading's quality, or its number where this version does not know it."""
    return _QUALITIES.get(quality, f"{quality}")


def flag_names(flags: int) -> tuple[str, ...]:
    """The names of an interval's flags; unknown ones as one number."""
    known = tuple(str(flag.name) for flag in Flag if flags & flag)
    rest = flags & ~int(sum(Flag))
    return (*known, f"{rest}") if rest else known


def _scan(leaf: Leaf, register_map: RegisterMap | None) -> Iterator[Figure]:
    raws = raws_of(leaf)
    yield Figure("quality", "", quality_name(leaf.quality))
    if register_map is None:
        for at, raw in enumerate(raws):
            yield Figure("raw", f"{at}", "-" if raw is None else f"{raw}")
        return
    for name, value in decode_scan(register_map, raws).items():
        yield Figure("value", name, _number(value.number), value.unit)


def _number(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number}" if isinstance(number, int) else f"{number:.9g}"  # 9 digits tell an f32


def _interval(record: IntervalRecord, config: RunConfig | None) -> Iterator[Figure]:
    yield Figure("base_main", "", decimal(record.base_main_cm3, -6), "m3")
    yield Figure("base_error", "", decimal(record.base_error_cm3, -6), "m3")
    yield Figure("line_main", "", decimal(record.line_main_cm3, -6), "m3")
    yield Figure("line_error", "", decimal(record.line_error_cm3, -6), "m3")
    if record.line_reverse_cm3:
        yield Figure("line_reverse", "", decimal(record.line_reverse_cm3, -6), "m3")
    for total in record.totals:
        yield from _total(total, config)
    yield Figure("pressure", "", decimal(record.p_dpa, -4), "kPa")
    yield Figure("temperature", "", decimal(record.t_mk - ICE_POINT_MK, -3), "degC")
    yield Figure("z", "", decimal(record.z_e9, -9))
    yield Figure("conversion", "", decimal(record.c_e9, -9))
    if record.cf_e9 != E9:
        yield Figure("correction", "", decimal(record.cf_e9, -9))
    if record.hs_j_m3:
        yield Figure("heating_value", "", decimal(record.hs_j_m3, -6), "MJ/m3")
        energy = (record.base_main_cm3 + record.base_error_cm3) * record.hs_j_m3
        yield Figure("energy", "", decimal(energy, -12), "MJ")
    yield Figure("flow_time", "", decimal(record.flow_time_ms, -3), "s")
    yield Figure("polls", "", f"{record.polls}")
    yield Figure("polls_failed", "", f"{record.polls_failed}")
    yield Figure("flags", "", " ".join(flag_names(record.flags)) or "-")


def _total(total: TotalRecord, config: RunConfig | None) -> Iterator[Figure]:
    """The indexes as the register showed them, in m3 where the configuration tells the count."""
    known = () if config is None else config.totals
    role = next((one.role for one in known if one.point == total.point), None)
    exponent, unit = 0, "counts"
    if config is not None and role is not None:
        exponent = config.line_exponent if role.of_line else config.base_exponent
        unit = "m3"
    yield Figure("index_start", total.point, decimal(total.start, exponent), unit)
    yield Figure("index_end", total.point, decimal(total.end, exponent), unit)


def _event(leaf: Leaf) -> Iterator[Figure]:
    match leaf.body:
        case (str(code), old, new, str(who), str(detail)):
            yield Figure("code", "", code)
            yield Figure("old", "", _json(old))
            yield Figure("new", "", _json(new))
            yield Figure("who", "", who or "-")
            yield Figure("detail", "", detail or "-")
        case _:
            raise ValueError("event: not its five fields")


def _statement(leaf: Leaf) -> Iterator[Figure]:
    said = parse_statement(leaf.body)
    yield Figure("code", "", said.code)
    yield Figure("who", "", said.who or "-")
    yield Figure("why", "", said.why or "-")
    for name, value in said.fields:
        yield Figure("field", name, value if isinstance(value, str) else _json(value))


def _json(item: Item) -> str:
    text = json.dumps(item, default=lambda data: data.hex(), ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
