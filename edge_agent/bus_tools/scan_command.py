"""`edge-agent bus scan`: asks, shows how far it is, names the instruments, tells what to write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from edge_agent.bus_tools.borrow import CannotUse, borrowed, bus_named
from edge_agent.bus_tools.causes import cause_json, cause_lines
from edge_agent.bus_tools.identify import Reason
from edge_agent.bus_tools.progress import Bar
from edge_agent.bus_tools.recognise import Instrument, opened, recognise
from edge_agent.bus_tools.scan import (
    BAUDS,
    PARITIES,
    TIMEOUT_S,
    PortUnusable,
    Scanned,
    Step,
    Wanted,
    hasty,
    ordered_units,
    scan,
    setups_of,
)
from edge_agent.bus_tools.showing import fitted, lines, say, tell, to_json
from edge_agent.config.model import BusConfig
from edge_agent.console import FINDINGS, GOOD
from protocols.modbus.diagnosis import Sure

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

EXTRA_S: Final = 120
"""Beside the estimate: for those who answer, and to be recognised."""
MAX_REASONS: Final = 3


class Ordered(NamedTuple):
    """What the command line asks for. Nothing given: the configuration's own line, or the usual."""

    bus: str = ""
    port: str = ""
    tcp: str = ""
    units: tuple[int, ...] = ()
    bauds: tuple[int, ...] = ()
    parities: tuple[str, ...] = ()
    timeout_s: float = TIMEOUT_S
    kind: str = ""  # rtu, ascii; "": what is usual there


def scan_command(config: AgentConfig | None, ordered: Ordered, *, as_json: bool) -> int:
    """The exit status. Raises CannotUse, SocketError."""
    bus = target(config, ordered)
    wanted = _wanted(config, bus, ordered)
    if not as_json:
        count = len(wanted.setups)
        setup = _shown(wanted.setups[0]) if count == 1 else say("scan.setups", count=count)
        limit = _minutes(wanted.seconds())
        told = {"port": _name(bus), "units": len(wanted.units), "setup": setup, "limit": limit}
        tell(lines(say("scan.begin", **told)))
    scanned, instruments = Scanned(), []
    with borrowed(config, bus, int(wanted.seconds()) + EXTRA_S, "bus scan"):
        try:
            _search(wanted, scanned, quiet=as_json)
            with Bar(say("scan.recognising"), shown=not as_json) as bar:
                instruments = list(recognise(config, bus, scanned, bar))
        except KeyboardInterrupt:
            scanned.stopped = True
        except PortUnusable as error:
            raise CannotUse(str(error)) from error
    if scanned.stopped:
        instruments = [Instrument(present, ()) for present in scanned.present]
    return _tell(bus, wanted, scanned, instruments, as_json=as_json)


def target(config: AgentConfig | None, ordered: Ordered) -> BusConfig:
    """The line or peer that is meant. Raises CannotUse."""
    if ordered.tcp:
        host, _, port = ordered.tcp.rpartition(":")
        if not host or not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
            raise CannotUse(f"{ordered.tcp[:80]!r}: must be HOST:PORT, as 192.168.1.20:502")
        kind: Literal["rtu-over-tcp", "tcp"] = "rtu-over-tcp" if ordered.kind == "rtu" else "tcp"
        return BusConfig("scan", kind, host=host.strip("[]"), tcp_port=int(port))
    if ordered.port:
        return BusConfig("scan", "ascii" if ordered.kind == "ascii" else "rtu", port=ordered.port)
    if config is None:
        raise CannotUse("name a port: --port /dev/ttyUSB0 (edge-agent bus ports lists them)")
    if ordered.bus:
        return bus_named(config, ordered.bus)
    if len(config.buses) == 1:
        return config.buses[0]
    names = ", ".join(bus.name for bus in config.buses)
    raise CannotUse(f"there are several buses: name one with --bus ({names})")


def _wanted(config: AgentConfig | None, bus: BusConfig, ordered: Ordered) -> Wanted:
    own = config is not None and not (ordered.port or ordered.tcp)
    bauds = ordered.bauds or ((bus.baud,) if own else BAUDS)
    parities = ordered.parities or ((bus.parity,) if own else PARITIES)
    setups = setups_of(hasty(bus, ordered.timeout_s), bauds, parities)
    known = [device.unit for device in config.devices if device.bus == bus.name] if config else []
    return Wanted(setups, ordered_units(ordered.units, known))


def _search(wanted: Wanted, scanned: Scanned, *, quiet: bool) -> None:
    with Bar(say("scan.asking"), shown=not quiet) as bar:
        for step in scan(wanted, opened, scanned):
            bar.show(step.done_s, step.total_s, _where(step))


def _where(step: Step) -> str:
    return say("scan.where", unit=step.unit, setup=_shown(step.setup), found=step.found)


# ---- what is told -------------------------------------------------------------------------------


def _tell(
    bus: BusConfig, wanted: Wanted, scanned: Scanned, found: Sequence[Instrument], *, as_json: bool
) -> int:
    last = scanned.setup or wanted.setups[0]
    likely = () if scanned.stopped and not found else scanned.likely(last)
    status = GOOD if found and not scanned.stopped and not likely else FINDINGS
    if as_json:
        tell([to_json({
            "ok": bool(found), "stopped": scanned.stopped, "port": _name(bus),
            "setup": _setup_json(scanned.setup), "asked": scanned.asked,
            "any_unit": scanned.any_unit,
            "instruments": [_instrument_json(one) for one in found],
            "likely": [cause_json(one) for one in likely],
            "toml": toml_lines(bus, scanned, found),
        })])  # fmt: skip
        return status
    told: list[str] = []
    if scanned.stopped:
        told += lines(say("scan.stopped"))
    told += _table(scanned, found)
    told += cause_lines(likely)
    to_add = toml_lines(bus, scanned, found)
    if to_add:
        told += ["", *lines(say("scan.toml")), "", *to_add]
    tell(told)
    return status


def _table(scanned: Scanned, found: Sequence[Instrument]) -> list[str]:
    if scanned.setup is None:
        return lines(say("scan.nobody", asked=scanned.asked))
    count, setup = len(found), _shown(scanned.setup)
    told = lines(say("scan.found", count=count, setup=setup, asked=scanned.asked))
    if scanned.any_unit:
        told += lines(say("scan.any_unit"), 2)
    for one in found:
        told.append("")
        head = f"{say('scan.unit')} {one.present.unit:<4} "
        if not one.guesses:
            told += lines(head + say(f"scan.how.{one.present.how}", code=one.present.code), 0, 10)
            told += lines(say("scan.says", text=one.says), 10) if one.says else []
            continue
        best = one.guesses[0]
        told.append(head + fitted(best.profile, 30) + say(f"sure.{best.sure}"))
        told += lines(_reasons(best.reasons), 10)
        told += lines(say("scan.says", text=one.says), 10) if one.says else []
        if one.known_as:
            told += lines(say("scan.known", name=one.known_as), 10)
            if one.known_profile != best.profile and best.sure == Sure.CERTAIN:
                told += lines(say("scan.differs", profile=one.known_profile), 10)
        others = ", ".join(guess.profile for guess in one.guesses[1:3])
        if others and best.sure != "certain":
            told += lines(say("scan.others", others=others), 10)
    return told


def _reasons(reasons: Sequence[Reason]) -> str:
    """The weightiest for it, and the weightiest against it."""
    told = [reason for reason in reasons if reason.weight > 0][:MAX_REASONS]
    told += [reason for reason in reasons if reason.weight < 0][-1:]
    return "; ".join(say(f"id.{reason.key}", **dict(reason.figures)) for reason in told)


def toml_lines(bus: BusConfig, scanned: Scanned, found: Sequence[Instrument]) -> list[str]:
    """What to add to gateway.toml: the line as it was found, and who is on it."""
    setup = scanned.setup
    if setup is None:
        return []
    name = bus.name if bus.name != "scan" else ("line-1" if setup.is_serial else "lan-1")
    told = []
    if bus.name == "scan" or (setup.baud, setup.parity) != (bus.baud, bus.parity):
        told += ["[[bus]]", f'name = "{name}"', f'type = "{setup.kind}"']
        if setup.is_serial:
            told += [f'port = "{setup.port}"', f"baud = {setup.baud}", f'parity = "{setup.parity}"']
        else:
            told += [f'host = "{setup.host}"', f"tcp_port = {setup.tcp_port}"]
    for one in found:
        if one.known_as:
            continue
        profile = one.guesses[0].profile if one.guesses else "?"
        doubt = (
            "" if one.guesses and one.guesses[0].sure == "certain" else f"  # {say('scan.check')}"
        )
        told += [
            "[[device]]",
            f'name = "device-{one.present.unit}"',
            f'bus = "{name}"',
            f"unit = {one.present.unit}",
            f'profile = "{profile}"{doubt}',
            f'serial = "{one.serial}"' if one.serial else f'serial = "?"  # {say("scan.serial")}',
            "poll_seconds = 10",
        ]
    return told


def _instrument_json(one: Instrument) -> dict[str, object]:
    return {
        "unit": one.present.unit,
        "answers": one.present.how,
        "exception": one.present.code,
        "serial": one.serial,
        "known_as": one.known_as,
        "says": one.says,
        "guesses": [
            {
                "profile": guess.profile,
                "sure": str(guess.sure),
                "score": guess.score,
                "reasons": [say(f"id.{r.key}", **dict(r.figures)) for r in guess.reasons],
            }
            for guess in one.guesses[:3]
        ],
    }


def _setup_json(setup: BusConfig | None) -> dict[str, object] | None:
    if setup is None:
        return None
    return {"type": setup.kind, "baud": setup.baud, "parity": setup.parity}


def _name(bus: BusConfig) -> str:
    return bus.port if bus.is_serial else f"{bus.host}:{bus.tcp_port}"


def _shown(bus: BusConfig) -> str:
    """9600 8N1, or TCP."""
    if not bus.is_serial:
        return bus.kind
    return f"{bus.baud} {bus.data_bits}{bus.parity}{bus.stop_bits}"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
