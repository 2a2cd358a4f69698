"""gateway.toml and central.toml of a plant: what an installer writes after a walk round it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from protocols.metering.composition import COMPONENTS, Composition
from protocols.metering.conversion import Detail, FixedK, Sgerg88
from simulators.readings import ZERO_CELSIUS_K

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from protocols.metering.conversion import Method, SgergGas
    from simulators.site import Place, RegulatorSpec, RunSpec, Site, StationSpec, Tap

    Fields = Mapping[str, Any]


# A heating value at 25/0 by that at China's 20/20: 1.07315 to 1.07342 over ISO 12213's gases 1 to 6
HS_25_0_TO_20_20 = 1.0733


class Gateway(NamedTuple):
    """The gateway's own part, and how it reaches central; paths relative to the file."""

    gateway: str
    url: str
    receipt_key: str
    ca: str = "ca.pem"
    state_dir: str = "state"


class Pace(NamedTuple):
    """How often the agent polls, closes intervals, uploads; what it still takes for fresh."""

    poll_s: float = 2.0
    interval_s: float = 6.0
    stale_s: float = 20.0
    batch_s: float = 5.0
    timeout_s: float = 1.0


def gateway_toml(site: Site, buses: Mapping[str, Fields], gateway: Gateway, pace: Pace) -> str:
    """The whole file; `buses` is the part of plant.json that tells where the plant answers."""
    tables = [
        _table("[gateway]", {"id": gateway.gateway, "state_dir": gateway.state_dir}),
        _table(
            "[site]",
            {
                "name": site.name,
                "zone": site.zone,
                "gas_day_start_hour": site.gas_day_start_hour,
                "atmospheric_pressure_kpa": site.atmosphere_pa / 1000.0,
            },
        ),
        _table(
            "[central]",
            {
                "url": gateway.url,
                "ca": gateway.ca,
                "receipt_key": gateway.receipt_key,
                "batch_seconds": pace.batch_s,
            },
        ),
    ]
    tables += [
        _table("[[bus]]", {"name": name, **bus, "timeout_s": pace.timeout_s})
        for name, bus in buses.items()
    ]
    tables += [_device(place, site.runs, pace) for place in site.places]
    tables += [_table("[[gas]]", {"name": name, **_gas(gas)}) for name, gas in site.gases.items()]
    tables += [_run(spec, site, pace) for spec in site.runs]
    tables += [_regulator(spec, site, pace) for spec in site.regulators]
    return "\n".join(tables)


def central_toml(store: str, intake: str, web: str) -> str:
    """The server's file; `intake` and `web` are address:port, the certificate lies beside it."""
    return "\n".join(
        [
            _table("[store]", {"dir": store}),
            _table(
                "[intake]",
                {"listen": intake, "cert": "server.pem", "key": "server.key", "ca": "ca.pem"},
            ),
            _table("[web]", {"listen": web}),
        ]
    )


def _device(place: Place, runs: Iterable[RunSpec], pace: Pace) -> str:
    instrument = place.instrument
    fields: dict[str, Any] = {
        "name": instrument.name,
        "bus": place.bus,
        "unit": instrument.unit,
        "profile": instrument.profile.id,
        "serial": instrument.serial,
        "poll_seconds": pace.poll_s,
    }
    taps = [tap for spec in runs for tap in (spec.pressure, spec.temperature)]
    wanted = {tap.point for tap in taps if tap.instrument == instrument.name}
    default = instrument.profile.default_points
    if not wanted <= set(default):
        fields["points"] = [*default, *sorted(wanted - set(default))]
    return _table("[[device]]", fields)


def _run(spec: RunSpec, site: Site, pace: Pace) -> str:
    no_load_kpa = spec.physics.pressure_pa / 1000.0
    return _table(
        "[[run]]",
        {
            "id": spec.run,
            "meter": spec.meter,
            "qmax_m3_h": 1000.0,
            "index_digits": len(str(spec.line.modulus)) - 1,
            "line_resolution_m3": _resolution(spec.line.exponent),
            "base_resolution_m3": _resolution(spec.base.exponent),
            "interval_seconds": pace.interval_s,
            "stale_seconds": pace.stale_s,
            "conversion": _conversion(spec.method, spec.gas),
            "base": {
                "temperature_c": round(site.base.temperature_k - ZERO_CELSIUS_K, 3),
                "pressure_kpa": site.base.pressure_pa / 1000.0,
            },
            "pressure": {
                "device": spec.pressure.instrument,
                "point": spec.pressure.point,
                "gauge": spec.pressure.gauge,
                "substitute_kpa_abs": no_load_kpa,
                "low_kpa_abs": 90.0,
                "high_kpa_abs": 2.0 * no_load_kpa,
            },
            "temperature": {
                "device": spec.temperature.instrument,
                "point": spec.temperature.point,
                "substitute_c": 15.0,
                "low_c": -40.0,
                "high_c": 80.0,
            },
        },
    )


def _regulator(spec: RegulatorSpec, site: Site, pace: Pace) -> str:
    fields: dict[str, Any] = {
        "id": spec.regulator,
        "set_kpa_gauge": spec.no_load_pa_gauge / 1000.0,
        "outlet_pressure": _tap(spec.outlet),
    }
    for station in site.stations:
        if station.name == spec.regulator:
            fields |= _station(station, pace)
    return _table("[[regulator]]", fields)


def _station(spec: StationSpec, pace: Pace) -> Fields:
    """What the station promises, with a little room for its instruments' noise."""
    main, *standby = spec.station.regulators
    return {
        "run": spec.run,
        "droop_kpa": main.droop_pa / 1000.0,
        "lock_up_kpa": main.lockup_pa / 1000.0 + 0.05,
        "low_kpa_gauge": (main.set_pa - 1_000.0) / 1000.0,
        "high_kpa_gauge": (main.closed_pa + 1_500.0) / 1000.0,
        "standby_set_kpa_gauge": standby[0].set_pa / 1000.0 if standby else 0.0,
        "inlet_pressure": _tap(spec.inlet),
        "inlet_low_kpa_gauge": spec.station.inlet_pa / 2_000.0,
        "inlet_high_kpa_gauge": spec.station.inlet_pa / 800.0,
        "contacts": [
            {"name": name, "kind": kind, "device": spec.module, "point": point, "normal": normal}
            for name, kind, point, normal in spec.contacts
        ],
        "drift_kpa": 0.6,
        "drift_window_seconds": 60,
        "hunting_kpa": 0.3,
        "hunting_window_seconds": 60,
        "hysteresis_kpa": 0.1,
        "flow_window_seconds": 2.5 * pace.poll_s,
        "hold_seconds": 5.0 * pace.poll_s,
        "stale_seconds": pace.stale_s,
    }


def _tap(tap: Tap) -> Fields:
    return {"device": tap.instrument, "point": tap.point, "gauge": tap.gauge}


def _gas(gas: SgergGas | Composition) -> Fields:
    """A composition tells its heating value; beside figures the contract states one, at 20/20."""
    if isinstance(gas, Composition):
        shares = zip(COMPONENTS, gas.fractions, strict=True)
        return {"composition": {name: share for name, share in shares if share}}
    return {
        "hs_25_0_mj_m3": gas.hs_mj_m3,
        "relative_density_0": gas.relative_density,
        "x_co2": gas.x_co2,
        "x_h2": gas.x_h2,
        "heating_value": {
            "superior_mj_m3": round(gas.hs_mj_m3 / HS_25_0_TO_20_20, 2),
            "reference": "20/20",
        },
    }


def _conversion(method: Method, gas: str) -> Fields:
    energy = {"gas": gas, "energy_combustion": "20"}
    match method:
        case Sgerg88():
            return {"method": "SGERG-88", **energy}
        case Detail():
            return {"method": "AGA8-DETAIL", **energy}
        case FixedK(k):
            return {"method": "fixed-K", "k": k, **energy}
        case _:
            raise ValueError(f"no line of gateway.toml for {method}")


def _resolution(exponent: int) -> str:
    return f"{10.0**exponent:.{max(0, -exponent)}f}"


def _table(head: str, fields: Fields) -> str:
    lines = [head, *(f"{name} = {_value(value)}" for name, value in fields.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A TOML value; a JSON string is a TOML basic string for text within the BMP."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)
