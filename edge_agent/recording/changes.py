"""What differs between two configurations, field by field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from protocols.metering.regulator_config import RegulatorConfig
from protocols.metering.run_config import RunConfig, Total

if TYPE_CHECKING:
    from protocols.evidence.cbor import Body

Flat = dict[str, int | str]


def run_fields(config: RunConfig) -> Flat:
    """Each field by its name: `pressure.low`, `totals.vm.modulus`."""
    return dict(_run_fields(config))


def _run_fields(config: RunConfig) -> Iterator[tuple[str, int | str]]:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name == "totals":
            for total in config.totals:
                yield f"totals.{total.point}.role", str(total.role)
                yield f"totals.{total.point}.modulus", total.modulus
        else:
            yield from _flat(field.name, value)


def _flat(name: str, value: object) -> Iterator[tuple[str, int | str]]:
    """A value or the parts of it: `pressure.low`, `gas.composition[2]`; None is no field."""
    if isinstance(value, bool):
        yield name, int(value)
    elif isinstance(value, (int, str)):
        yield name, value
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        for part, inner in value._asdict().items():
            yield from _flat(f"{name}.{part}", inner)
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from _flat(f"{name}[{place}]", inner)


def gateway_fields(body: Body) -> Flat:
    """Each field of the gateway's own configuration: `zone`, `device[meter-1].serial`.

    The body is one that `AgentConfig.to_body` made.
    """
    _kind, site, zone, hour, atmosphere_dpa, software, devices, gases, regulators, *more = body
    found: list[tuple[str, object]] = [
        ("site", site),
        ("zone", zone),
        ("gas_day_start_hour", hour),
        ("atmosphere_dpa", atmosphere_dpa),
        ("software", software),
    ]
    names = ("serial", "profile", "bus", "poll_ms", "slow_points", "slow_ms")
    for entry in devices if isinstance(devices, tuple) else ():
        if isinstance(entry, tuple):
            # a body of an earlier version ends before the slow points
            for name, value in zip(names, entry[1:], strict=False):
                found.extend(_flat(f"device[{entry[0]!s}].{name}", value))
    for entry in gases if isinstance(gases, tuple) else ():
        if isinstance(entry, tuple):
            name = f"gas[{entry[0]!s}]"
            found += [(f"{name}.sum_e9", entry[1]), (f"{name}.rule", entry[2])]
    for entry in regulators if isinstance(regulators, tuple) else ():
        regulator = RegulatorConfig.from_body(entry)
        for field in dataclasses.fields(regulator)[1:]:
            value = getattr(regulator, field.name)
            found.extend(_flat(f"regulator[{regulator.regulator}].{field.name}", value))
    for entry in more:  # an earlier version's body has none
        if isinstance(entry, tuple) and entry[0] == "remote":
            found += [("remote.operator_key", entry[1]), ("remote.consent", entry[2])]
    return {name: value for name, value in found if isinstance(value, (int, str))}


def other_profiles(old: Body | None, new: Body) -> frozenset[str]:
    """Serials of devices whose profile is another one than in the gateway's configuration before:
    a total of the same name is another register then.
    """
    before, after = ({} if body is None else _profiles(body) for body in (old, new))
    return frozenset(
        serial for serial in before if after.get(serial, before[serial]) != before[serial]
    )


def _profiles(body: Body) -> dict[str, str]:
    """By serial number."""
    devices = body[6]
    entries = devices if isinstance(devices, tuple) else ()
    return {f"{one[1]!s}": f"{one[2]!s}" for one in entries if isinstance(one, tuple)}


def same_totals(old: RunConfig, new: RunConfig) -> frozenset[str]:
    """Points whose old index the new one goes on from: same meter, register, digits, resolution.

    So a base total that is added, or whose resolution was wrong, costs no line volume.
    """
    if old.meter_serial != new.meter_serial:
        return frozenset()
    counted = {(total, _exponent(old, total)) for total in old.totals}
    return frozenset(
        total.point for total in new.totals if (total, _exponent(new, total)) in counted
    )


def _exponent(config: RunConfig, total: Total) -> int:
    return config.line_exponent if total.role.of_line else config.base_exponent
