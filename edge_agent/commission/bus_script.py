"""Lines, connections and the instruments on them. Pure."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from typing import Any, Final

from edge_agent.commission.answers import Answers, Key, names_of, table_of
from edge_agent.commission.instrument_kinds import name_for, serial_point
from edge_agent.commission.question import (
    AGAIN,
    GO_ON,
    NO,
    NONE,
    YES,
    BadAnswer,
    Choice,
    Look,
    Note,
    Question,
    Script,
    Step,
    yes_no,
)
from edge_agent.commission.seen import LineSetup, Port, Readings, Scanned
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Profile

SKIP: Final = "skip"
SERIAL_KINDS: Final = ("rtu", "ascii")
MAX_UNIT: Final = 247
MAX_BUSES: Final = 32
MAX_DEVICES: Final = 256
POLL_S: Final = 10
_SHOWN: Final = 6


def bus_part(answers: Answers) -> Script:
    """Each line or connection of the site; there must be one."""
    names = names_of(answers, "bus")
    for name in names:
        yield from _bus(answers, name)
    for count in range(len(names), MAX_BUSES):
        if count:
            more = yield yes_no(("wizard", f"more bus {count}"), "bus.more", NO)
            if more != YES:
                return
        yield from _bus(answers, f"bus-{count + 1}")


def device_part(answers: Answers) -> Script:
    """Each instrument: those that a scan finds, those of a file, those that are named by hand.

    What made an instrument is asked each time, so that going back comes by it.
    """
    done: set[str] = set()
    for bus in names_of(answers, "bus"):
        yield from _found_on(answers, bus, done)
    by_hand = [answers.get(("wizard", f"device {count + 1}")) for count in range(MAX_DEVICES)]
    for name in names_of(answers, "device"):
        if name not in done and name not in by_hand:
            done.add(name)
            yield from device(answers, name)
    for count in range(MAX_DEVICES):
        default = NO if done else YES
        more = yield yes_no(("wizard", f"more device {count}"), "device.more", default)
        if more != YES:
            return
        name = yield named(answers, ("wizard", f"device {count + 1}"), None)
        if name:
            done.add(name)
            yield from device(answers, name)


def bus_key(answers: Answers, bus: str) -> tuple[tuple[str, str], ...]:
    """The settings of a bus, as part of a look: another rate is another look."""
    return tuple(sorted(table_of(answers, "bus", bus).items()))


# ---- a bus ----------------------------------------------------------------------------------


def _bus(answers: Answers, name: str) -> Script:
    kind = yield _of(name, "type", "rtu", choices=tuple(
        Choice(kind, f"bus.{kind}") for kind in ("rtu", "tcp", "rtu-over-tcp", "ascii")
    ))  # fmt: skip
    if kind in SERIAL_KINDS:
        ports: tuple[Port, ...] = (yield Look("ports")) or ()
        if not ports and ("bus", name, "port") not in answers:
            yield Note("bus.no_ports")
        yield Question(
            ("bus", name, "port"), "bus.port", ports[0].path if len(ports) == 1 else None,
            (f"bus[{name}].port", "bus.port {}"), tuple(Choice(*port) for port in ports),
            open_choice=True,
        )  # fmt: skip
        found = yield from _found_setup(answers, name)
        yield _of(name, "baud", str(found.baud or 9600))
        yield _of(
            name, "parity", found.parity or "N", choices=(Choice("N"), Choice("E"), Choice("O"))
        )
        yield _of(name, "stop_bits", "1", quiet=True)
    else:
        yield _of(name, "host")
        yield _of(name, "tcp_port", "502")


def _found_setup(answers: Answers, bus: str) -> Generator[Step, Any, LineSetup]:
    """Rate and parity that somebody answers at, where the person wants them looked for."""
    wanted = yield yes_no(("wizard", f"find {bus}"), "bus.find", NO)
    if wanted != YES:
        return LineSetup()
    look = Look("setup", (bus, answers.get(("bus", bus, "port"), "")))
    found: LineSetup | None = yield look
    if found is None:
        return LineSetup()
    if found.baud:
        yield Note("bus.found", {"baud": found.baud, "parity": found.parity})
        return found
    yield Question(
        ("wizard", f"unset {bus}"), "bus.not_asked" if found.failure else "bus.not_found", GO_ON,
        forgets=(look,), choices=(Choice(AGAIN), Choice(GO_ON)), values={"why": found.failure},
    )  # fmt: skip
    return found


def _of(bus: str, setting: str, default: str | None = None, **more: Any) -> Question:
    key = ("bus", bus, setting)
    return Question(key, f"bus.{setting}", default, (f"bus[{bus}].{setting}",), **more)


# ---- instruments ----------------------------------------------------------------------------


def _found_on(answers: Answers, bus: str, done: set[str]) -> Script:
    """Who answers on it: each is taken with the profile that fits, or passed over."""
    units = yield Question(
        ("wizard", f"scan {bus}"), "device.scan", "1-8", values={"bus": bus}, takes=unit_range
    )
    if units in (NO, ""):
        return
    look = Look("scan", (bus, bus_key(answers, bus), units))
    scanned: Scanned | None = yield look
    if scanned is None:
        return
    if scanned.failure or not scanned.instruments:
        yield Question(
            ("wizard", f"nobody {bus}"), "device.nobody", GO_ON, forgets=(look,),
            choices=(Choice(AGAIN), Choice(GO_ON)),
            values={"bus": bus, "why": scanned.failure or units},
        )  # fmt: skip
        return
    known = {
        table_of(answers, "device", name).get("unit")
        for name in names_of(answers, "device")
        if table_of(answers, "device", name).get("bus") == bus
    }
    for unit, profile, about in scanned.instruments:
        at = f"{bus} {unit}"
        key = ("wizard", f"take {at}")
        if str(unit) in known and key not in answers:
            continue
        taken = yield Question(
            key, "device.take", profile or SKIP, takes=profile_or_skip,
            choices=(*((Choice(profile),) if profile else ()), Choice(SKIP)),
            open_choice=True, values={"bus": bus, "unit": unit, "about": about or "-"},
        )  # fmt: skip
        if taken in (SKIP, ""):
            continue
        usual = name_for(load_profile(taken), frozenset(names_of(answers, "device")))
        name = yield named(answers, ("wizard", f"name {at}"), usual)
        if name:
            done.add(name)
            yield from device(answers, name, (bus, str(unit), taken))


def device(answers: Answers, name: str, found: tuple[str, str, str] | None = None) -> Script:
    """One instrument; `found`: its bus, unit and profile, where a scan told them."""
    buses = names_of(answers, "bus")
    bus, unit, profile = found or (buses[0] if len(buses) == 1 else None, None, None)
    is_found = found is not None
    bus = yield _device(
        name, "bus", bus, quiet=len(buses) == 1 or is_found, choices=tuple(map(Choice, buses))
    )
    unit_fields = (f"device[{name}].unit", f"bus[{bus}] unit {{}}")
    unit = yield Question(("device", name, "unit"), "device.unit", unit, unit_fields,
                          quiet=is_found, values={"device": name})  # fmt: skip
    profile = yield _device(
        name, "profile", profile, quiet=is_found, open_choice=True,
        choices=tuple(Choice(one) for one in profile_ids()),
    )  # fmt: skip
    known = known_profile(profile)
    readings = yield from readings_of(answers, name)
    answered = readings is not None and not readings.failure
    if known is not None and readings is not None and answered:
        settings = {point.name for point in known.points if point.kind == "setting"}
        values = [
            f"{point} {value.text}"
            for point, value in readings.values.items()
            if point not in settings
        ]
        yield Note("device.shows", {"device": name, "shown": ", ".join(values[:_SHOWN])})
    told = readings.serial if readings is not None else ""
    yield Question(
        ("device", name, "serial"), "device.serial.read" if told else "device.serial",
        told or None, (f"device[{name}].serial", "device.serial {}"), values={"device": name},
        can_wait=readings is None and known is not None and serial_point(known) is not None,
    )  # fmt: skip
    poll_s = max(POLL_S, known.min_poll_s if known else 0)
    yield _device(name, "poll_seconds", str(poll_s), quiet=True)


def readings_of(
    answers: Answers, name: str, what: str = "read"
) -> Generator[Step, Any, Readings | None]:
    """What an instrument shows now; where it does not answer the person says what to do."""
    table = table_of(answers, "device", name)
    profile = known_profile(table.get("profile", ""))
    if profile is None or not table.get("unit", "").isdecimal():
        return None
    look = read_look(answers, name, profile, what)
    readings: Readings | None = yield look
    if readings is not None and readings.failure:
        yield Question(
            ("wizard", f"silent {name}"), "device.silent", GO_ON, forgets=(look,),
            choices=(Choice(AGAIN), Choice(GO_ON)),
            values={"device": name, "why": readings.failure},
        )  # fmt: skip
    return readings


def read_look(answers: Answers, name: str, profile: Profile, what: str = "read") -> Look:
    """The look at an instrument's usual points and its serial number."""
    serial = serial_point(profile)
    bus, unit = (answers.get(("device", name, key), "") for key in ("bus", "unit"))
    place = (bus, unit, profile.id, profile.default_points)
    return Look(what, (name, bus_key(answers, bus), *place, serial.name if serial else ""))


@lru_cache(maxsize=256)  # asked many times for each question
def known_profile(name: str) -> Profile | None:
    """A packaged profile; None for a file of the site, which the configuration's check reads."""
    return load_profile(name) if name in profile_ids() else None


def unit_range(text: str) -> str:
    """`1-8`, `3`, or no."""
    text = text.strip().lower()
    if text in (NO, "n", NONE):
        return NO
    first, _, last = text.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal() and len(text) <= 7):
        raise BadAnswer("bad.units")
    if not 1 <= int(first) <= int(last or first) <= MAX_UNIT:
        raise BadAnswer("bad.units")
    return text


def profile_or_skip(text: str) -> str:
    """A profile that comes with the program, or skip."""
    if text != SKIP and known_profile(text) is None:
        raise BadAnswer("bad.profile", profile=text)
    return text


def named(answers: Answers, key: Key, default: str | None) -> Question:
    """What an instrument shall be called."""
    return Question(
        key, "device.name", default, ("device[{}].name",), names="device",
        takes=lambda text: new_name(answers, text),
    )  # fmt: skip


def new_name(answers: Answers, text: str) -> str:
    """A name that no other instrument has."""
    if text in names_of(answers, "device"):
        raise BadAnswer("bad.taken", name=text)
    return text


def _device(name: str, setting: str, default: str | None = None, **more: Any) -> Question:
    key: Key = ("device", name, setting)
    field = f"device[{name}].{setting}"
    return Question(key, f"device.{setting}", default, (field,), values={"device": name}, **more)
