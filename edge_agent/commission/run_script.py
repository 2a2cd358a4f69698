"""Meter runs: the meter and its transmitters, the contract's conversion, regulators. Pure."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from decimal import Decimal
from typing import Any, Final

from edge_agent.commission.answers import Answers, names_of, table_of
from edge_agent.commission.bus_script import known_profile, read_look, readings_of
from edge_agent.commission.figures import celsius_range, kpa_range, number, plain
from edge_agent.commission.gas_script import conversion
from edge_agent.commission.instrument_kinds import (
    BASE,
    LINE,
    counters,
    is_meter,
    pressures,
    resolution_of,
    temperatures,
    usual_digits,
)
from edge_agent.commission.question import (
    NO,
    NONE,
    YES,
    BadAnswer,
    Choice,
    Look,
    Question,
    Script,
    Step,
    yes_no,
)
from edge_agent.commission.seen import Readings
from protocols.registers.profile import Profile

GAUGE, ABSOLUTE = "gauge", "absolute"
MAX_RUNS: Final = 64
READ_AGO_S: Final = 300
"""A display is compared with what was read at most so long ago."""
SPARE_COUNTS: Final = 2
_RESOLUTION: Final = "0.001"
_TRANSMITTERS: Final = {"pressure": pressures, "temperature": temperatures}


def run_part(answers: Answers) -> Script:
    """Each meter run of the site, as long as there is a meter that has none."""
    names = names_of(answers, "run")
    for name in names:
        yield from _run(answers, name)
    for count in range(len(names), MAX_RUNS):
        free = _free_meters(answers)
        if not free:
            return
        more = yield yes_no(
            ("wizard", f"more run {count}"), "run.more", YES, meters=", ".join(free)
        )
        if more != YES:
            return
        yield from _run(answers, f"R{count + 1}")


def regulator_part(answers: Answers) -> Script:
    """Each regulator whose outlet pressure is read here: none, mostly."""
    names = names_of(answers, "regulator")
    for name in names:
        yield from _regulator(answers, name)
    for count in range(len(names), 16):
        more = yield yes_no(("wizard", f"more regulator {count}"), "regulator.more", NO)
        if more != YES:
            return
        yield from _regulator(answers, f"PR{count + 1}")


# ---- a run ----------------------------------------------------------------------------------


def _run(answers: Answers, run: str) -> Script:
    free = _free_meters(answers)
    meter = yield _of(run, "meter", free[0] if len(free) == 1 else None,
                      choices=tuple(map(Choice, free)))  # fmt: skip
    yield _of(run, "qmin_m3_h", takes=decimal_text)
    yield _of(run, "qmax_m3_h", takes=decimal_text)
    yield from _indexes(answers, run, meter)
    fixed = yield from conversion(answers, run)
    if not fixed:
        yield from _transmitter(answers, run, "pressure", meter)
    yield from _transmitter(answers, run, "temperature", meter)
    yield _of(run, "interval_seconds", "300", quiet=True)
    yield _of(run, "stale_seconds", "60", quiet=True)


def _indexes(answers: Answers, run: str, meter: str) -> Script:
    """Which registers are the totals, how they count, and where they stand now."""
    profile = known_profile(answers.get(("device", meter, "profile"), ""))
    line, base = LINE, BASE
    if profile is not None and LINE not in counters(profile):
        which = tuple(map(Choice, counters(profile)))
        line = yield _of(run, "total_line", choices=which, fields=(f"run[{run}].totals",))
        base = yield _of(run, "total_base", NONE, choices=(*which, Choice(NONE)),
                         fields=(f"run[{run}].totals",))  # fmt: skip
    readings = yield from readings_of(answers, meter, "read_start")
    shown = {} if readings is None or readings.failure else dict(readings.values)
    digits = str(usual_digits(profile, line)) if profile else "9"
    fields = (f"run[{run}].index_digits", f"run[{run}].totals")
    yield _of(run, "index_digits", digits, fields=fields)
    for quantity, total in (("line", line), ("base", base)):
        power = shown.get(f"resolution_{total}")
        told = _power(power.number) if power else ""
        told = told or (resolution_of(profile, total) if profile else "") or _RESOLUTION
        yield _of(run, f"{quantity}_resolution_m3", told)
    for quantity, total in (("line", line), ("base", base)):
        if readings is not None and profile is not None and total in shown:
            look = read_look(answers, meter, profile, "read_start")
            yield from _start(answers, run, quantity, (readings.values[total].number, look))


def _start(answers: Answers, run: str, quantity: str, read: tuple[str | None, Look]) -> Script:
    """The index on the display, held against the one that was read."""
    own = table_of(answers, "run", run)
    count_m3, qmax = (
        number(own.get(f"{quantity}_resolution_m3", "")),
        number(own.get("qmax_m3_h", "")),
    )
    counted = number(read[0] or "")
    if count_m3 is None or counted is None or qmax is None:
        return
    read_m3 = counted * count_m3
    yield _of(
        run, f"{quantity}_start_m3", f"{read_m3:f}", fields=(),  # all digits, as a display
        values={"run": run, "read": f"{read_m3:f}"}, forgets=(read[1],),
        takes=lambda text: near(text, read_m3, qmax * READ_AGO_S / 3600 + SPARE_COUNTS * count_m3),
    )  # fmt: skip


def _transmitter(answers: Answers, run: str, quantity: str, meter: str) -> Script:
    """Which instrument shows it, what range it has, what counts while it fails."""
    able = _able(answers, quantity)
    others = [name for name in able if name != meter]
    default = others[0] if len(others) == 1 else meter if able == [meter] else None
    prefix = f"run[{run}].{quantity}"
    choices = yield from _with_readings(answers, able, quantity)
    device = yield _of(run, f"{quantity}_device", default, fields=(f"{prefix}.device",),
                       choices=choices)  # fmt: skip
    profile = known_profile(answers.get(("device", device, "profile"), ""))
    points = _TRANSMITTERS[quantity](profile) if profile else ()
    point = yield _of(
        run, f"{quantity}_point", points[0] if points else None, fields=(f"{prefix}.point",),
        choices=tuple(map(Choice, points)), open_choice=True, quiet=len(points) == 1,
    )  # fmt: skip
    readings = yield from readings_of(answers, device)
    shows = _shown(readings, point)
    if quantity == "pressure":
        yield _of(run, "pressure_kind", None, fields=(f"{prefix}.gauge",),
                  choices=(Choice(GAUGE), Choice(ABSOLUTE)),
                  values={"run": run, "device": device, "shows": shows})  # fmt: skip
        yield _of(run, "pressure_range", None, takes=_kpa_text, fields=(
            f"{prefix}.low_kpa_abs", f"{prefix}.high_kpa_abs"))  # fmt: skip
        yield _of(run, "pressure_substitute_kpa_abs", takes=decimal_text,
                  fields=(f"{prefix}.substitute_kpa_abs",))  # fmt: skip
    else:
        ends = (f"{prefix}.low_c", f"{prefix}.high_c")
        yield _of(run, "temperature_range", "-40 to 80 C", takes=_celsius_text, fields=ends,
                  values={"run": run, "device": device, "shows": shows})  # fmt: skip
        yield _of(run, "temperature_substitute_c", "15", takes=decimal_text,
                  fields=(f"{prefix}.substitute_c",))  # fmt: skip


def _with_readings(
    answers: Answers, able: Sequence[str], quantity: str
) -> Generator[Step, Any, tuple[Choice, ...]]:
    """Instruments to choose from, each with what it shows now."""
    choices = []
    for name in able:
        profile = _profile(answers, name)
        points = _TRANSMITTERS[quantity](profile) if profile else ()
        readings = (yield read_look(answers, name, profile)) if profile else None
        shown = _shown(readings, points[0]) if points else ""
        choices.append(Choice(name, "" if shown == "-" else shown))
    return tuple(choices)


def _regulator(answers: Answers, name: str) -> Script:
    prefix = f"regulator[{name}]"
    able = tuple(map(Choice, _able(answers, "pressure")))

    def of(setting: str, default: str | None = None, **more: Any) -> Question:
        fields = more.pop("fields", (f"{prefix}.{setting}",))
        key = ("regulator", name, setting)
        return Question(key, f"regulator.{setting}", default, fields, **more)

    yield of("set_kpa_gauge", takes=decimal_text)
    outlet = f"{prefix}.outlet_pressure"
    device = yield of("outlet_device", choices=able, fields=(f"{outlet}.device",))
    profile = known_profile(answers.get(("device", device, "profile"), ""))
    points = pressures(profile) if profile else ()
    yield of("outlet_point", points[0] if points else None, choices=tuple(map(Choice, points)),
             fields=(f"{outlet}.point",), open_choice=True, quiet=len(points) == 1)  # fmt: skip
    yield of("outlet_kind", choices=(Choice(GAUGE), Choice(ABSOLUTE)), fields=(f"{outlet}.gauge",))
    yield of("outlet_range", takes=_kpa_text, fields=(
        f"{outlet}.low_kpa_abs", f"{outlet}.high_kpa_abs"))  # fmt: skip
    runs = tuple(map(Choice, (*names_of(answers, "run"), NONE)))
    yield of("run", NONE, choices=runs)


# ---- answers --------------------------------------------------------------------------------


def decimal_text(text: str) -> str:
    """A number with a comma is one with a point; what is none the configuration's check tells."""
    found = number(text)
    return text.strip() if found is None else plain(found)


def near(text: str, read_m3: Decimal, spare_m3: Decimal) -> str:
    """The index of a display, which must be what was read but for the gas since then."""
    shown = number(text)
    if shown is None:
        raise BadAnswer("bad.number", text=text[:40])
    if abs(shown - read_m3) > spare_m3:
        raise BadAnswer("bad.index", shown=f"{shown:f}", read=f"{read_m3:f}")
    return f"{shown:f}"


def _kpa_text(text: str) -> str:
    kpa_range(text)
    return text.strip()


def _celsius_text(text: str) -> str:
    celsius_range(text)
    return text.strip()


def _of(run: str, setting: str, default: str | None = None, **more: Any) -> Question:
    more.setdefault("fields", (f"run[{run}].{setting}",))
    more.setdefault("values", {"run": run})
    return Question(("run", run, setting), f"run.{setting}", default, **more)


def _free_meters(answers: Answers) -> tuple[str, ...]:
    """Instruments that count gas and belong to no run yet."""
    taken = {answers.get(("run", run, "meter")) for run in names_of(answers, "run")}
    return tuple(
        name
        for name in names_of(answers, "device")
        if name not in taken and (profile := _profile(answers, name)) and is_meter(profile)
    )


def _able(answers: Answers, quantity: str) -> list[str]:
    """Instruments that can show it."""
    points = _TRANSMITTERS[quantity]
    return [
        name
        for name in names_of(answers, "device")
        if (profile := _profile(answers, name)) and points(profile)
    ]


def _profile(answers: Answers, device: str) -> Profile | None:
    return known_profile(answers.get(("device", device, "profile"), ""))


def _shown(readings: Readings | None, point: str) -> str:
    value = None if readings is None else readings.values.get(point)
    return value.text if value is not None else "-"


def _power(exponent: str | None) -> str:
    """The resolution that a register of powers of ten tells."""
    found = number(exponent or "")
    if found is None or found != found.to_integral_value() or abs(found) > 6:
        return ""
    return f"{Decimal(1).scaleb(int(found)):f}"
