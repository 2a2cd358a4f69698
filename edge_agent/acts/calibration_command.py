"""`edge-agent cal pressure|temperature`: points as found, then as left, against a reference."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.acts import kept
from edge_agent.acts.act import (
    Act,
    Asking,
    Who,
    ask,
    perform,
    record,
    remembered,
    rows,
    say,
)
from edge_agent.acts.calibration import (
    FOUND,
    LEFT,
    LIMITS,
    MOST_POINTS,
    Instrument,
    Kind,
    Series,
    check_instrument,
    point_of,
    series,
    series_fields,
)
from edge_agent.acts.due_command import date_of
from edge_agent.acts.fault import BadFigure, NotDone
from edge_agent.acts.figures import ICE_POINT_C, figure, plain, points
from edge_agent.acts.readings import device_of, read_values
from edge_agent.clock import wall_ms
from edge_agent.console import GOOD
from edge_agent.terminal import wrapped
from protocols.metering.units import UnitError, to_kelvin, to_pascal

if TYPE_CHECKING:
    import argparse

    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words
    from protocols.evidence.statement import Value

_YES: Final = ("", "y", "yes", "是")
Pairs = list[tuple[Decimal, Decimal]]


class Target(NamedTuple):
    """What is calibrated: the subject of the record, the device and its point."""

    subject: str
    device: str
    serial: str
    point: str
    kind: Kind


class Frame(NamedTuple):
    """What is told beside the points: the instrument, whether its certificate is good, the air."""

    instrument: Instrument
    current: bool
    ambient_c: Decimal
    until: str
    own_certificate: str


def run_cal(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status: 1 where it is left outside its limits. Raises what `record` raises."""
    by = Who(options.who, options.reason)
    target = target_of(config, options)
    if options.begin:
        return _mark(config, target, by, asking, kept.BEGAN)
    frame = _frame(config, options)
    began_ms = _began(config, target)
    if not options.as_found and not options.as_left and sys.stdin.isatty() and not asking.yes:
        began_ms = _offer_mark(config, target, by, asking, began_ms)
        found, left = _ask_points(config, target, asking)
    else:
        found, left = points(options.as_found), points(options.as_left)
    taken = series(target.kind, found, left)
    act = Act(
        target.subject,
        f"calibrated_{target.kind.what}",
        by,
        _fields(target, frame, taken, (began_ms, wall_ms())),
        tuple(_lines(target, frame, taken, asking.words)),
        taken.good and frame.current,
    )
    status = perform(config, act, asking)
    if _began(config, target) is not None:
        _mark(config, target, by, asking._replace(yes=True, json=False), kept.ENDED)
    return status


def _fields(
    target: Target, frame: Frame, taken: Series, time_ms: tuple[int | None, int]
) -> tuple[tuple[str, Value], ...]:
    """The statement; `time_ms`: when it began and ended, UTC."""
    return (
        ("device", target.device),
        ("device_serial", target.serial),
        ("point", target.point),
        ("began_utc_ms", time_ms[0]),
        ("ended_utc_ms", time_ms[1]),
        ("reference", frame.instrument.name),
        ("reference_certificate", frame.instrument.certificate),
        ("reference_due", frame.instrument.due),
        ("reference_verdict", "good" if frame.current else "over"),
        ("ambient_c", plain(frame.ambient_c)),
        ("limit_percent", plain(target.kind.percent)),
        *series_fields(target.kind, taken),
        ("adjusted", int(bool(taken.left))),
        ("verdict", "within" if taken.good else "outside"),
        ("until", frame.until or None),
        ("certificate", frame.own_certificate),
    )


def target_of(config: AgentConfig, options: argparse.Namespace) -> Target:
    """A run's transmitter, or a device with a point. Raises NotDone."""
    what = options.what
    percent = figure(options.limit) if options.limit else LIMITS[what]
    if percent <= 0:
        raise BadFigure("limit")
    atmosphere = Decimal(config.site.atmosphere_dpa) / 10_000
    run = next((run for run in config.runs if run.run == options.target), None)
    if run is not None:
        source = run.pressure if what == kept.PRESSURE else run.temperature
        if source.is_fixed:
            raise NotDone(f"fixed_{what}", run=run.run)
        device = device_of(config, source.serial)
        kind = Kind(what, source.gauge, atmosphere, percent)
        return Target(run.run, device.name, source.serial, source.point, kind)
    named = next((one for one in config.devices if one.name == options.target), None)
    if named is None:
        known = ", ".join([run.run for run in config.runs] + [one.name for one in config.devices])
        raise NotDone("no_target", target=options.target, known=known[:500])
    if not options.point or options.point not in named.points:
        raise NotDone("no_point", known=", ".join(named.points)[:500])
    kind = Kind(what, options.gauge, atmosphere, percent)
    return Target(named.name, named.name, named.serial, options.point, kind)


def _frame(config: AgentConfig, options: argparse.Namespace) -> Frame:
    """Raises NotDone for what is missing, BadFigure for what is none."""
    needed = {
        "--reference": options.reference,
        "--certificate": options.certificate,
        "--certificate-due": options.certificate_due,
        "--ambient": options.ambient,
    }
    missing = [name for name, text in needed.items() if not text]
    if missing:
        raise NotDone("no_reference", missing=", ".join(missing))
    if options.until and not kept.is_date(options.until):
        raise NotDone("date", option="--until", text=options.until[:40])
    instrument = Instrument(options.reference, options.certificate, options.certificate_due)
    current = check_instrument(instrument, date_of(config))
    own = options.own_certificate
    return Frame(instrument, current, figure(options.ambient), options.until, own)


# ---- maintenance --------------------------------------------------------------------------------


def _began(config: AgentConfig, target: Target) -> int | None:
    work = (one for one in remembered(config).work if one[:2] == (target.subject, target.kind.what))
    return next((one.since_ms for one in work), None)


def _offer_mark(
    config: AgentConfig, target: Target, by: Who, asking: Asking, began_ms: int | None
) -> int | None:
    """While it is calibrated its readings are not the gas: the log should say so."""
    if began_ms is not None:
        return began_ms
    say("\n".join(wrapped(asking.words("cal.not_gas", subject=target.subject))), asking)
    if ask(asking.words("cal.mark"), asking).lower() not in _YES:
        return wall_ms()
    _mark(config, target, by, asking._replace(yes=True, json=False), kept.BEGAN)
    return _began(config, target)


def _mark(config: AgentConfig, target: Target, by: Who, asking: Asking, code: str) -> int:
    fields = (
        ("what", target.kind.what),
        ("device", target.device),
        ("device_serial", target.serial),
    )
    line = asking.words(f"cal.{code}", subject=target.subject)
    act = Act(target.subject, code, by, fields, (line,))
    if not asking.yes or asking.json:
        return perform(config, act, asking)
    record(config, act)
    sys.stderr.write(line + "\n")
    return GOOD


# ---- points -------------------------------------------------------------------------------------


def _ask_points(config: AgentConfig, target: Target, asking: Asking) -> tuple[Pairs, Pairs]:
    """As found, then as left; the transmitter is read at each."""
    words, found = asking.words, dict[str, Pairs]()
    for phase in (FOUND, LEFT):
        say("\n".join(wrapped(words(f"cal.ask_{phase}"))), asking)
        found[phase] = []
        while len(found[phase]) < MOST_POINTS:
            question = words("cal.point", number=len(found[phase]) + 1, unit=target.kind.unit)
            text = ask(question, asking)
            if not text:
                break
            try:
                pair = (figure(text), read_point(config, target))
            except (BadFigure, NotDone) as error:
                say(f"  {error.told(words)}", asking)
                continue
            found[phase].append(pair)
            point = point_of(target.kind, *pair)
            told = words(
                "cal.read",
                reading=plain(point.reading),
                deviation=f"{point.deviation:+f}",
                allowed=plain(point.allowed),
                verdict=words("within" if point.good else "outside"),
            )
            say(f"  {told}", asking)
    return found[FOUND], found[LEFT]


def read_point(config: AgentConfig, target: Target) -> Decimal:
    """The transmitter now, in the kind's unit. Raises NotDone."""
    number, unit = read_values(config, target.device, (target.point,))[target.point]
    if number is None:
        raise NotDone("no_value", device=target.device, point=target.point)
    try:
        if target.kind.what == kept.PRESSURE:
            value = Decimal(repr(to_pascal(float(number), unit))) / 1000
        else:
            value = Decimal(repr(to_kelvin(float(number), unit))) - ICE_POINT_C
    except UnitError as error:
        raise NotDone("other", text=error) from error
    return value.quantize(Decimal("0.0001"))


def _lines(target: Target, frame: Frame, taken: Series, words: Words) -> list[str]:
    kind, instrument = target.kind, frame.instrument
    what, device = words(f"what.{kind.what}"), target.device
    title = words(
        "cal.title", what=what, subject=target.subject, device=device, serial=target.serial
    )
    lines = [*wrapped(title), *wrapped(words("cal.reference", **instrument._asdict()), 2, 4)]
    if not frame.current:
        lines += wrapped(words("cal.reference_over", due=instrument.due), 2, 4)
    head = ("", f"{words('col.reference')} {kind.unit}", words("col.read"),
            words("col.deviation"), words("col.allowed"), "")  # fmt: skip
    table = [head]
    for phase, found in ((FOUND, taken.found), (LEFT, taken.left)):
        for number, point in enumerate(found):
            table.append(
                (
                    words(f"cal.{phase}") if not number else "",
                    plain(point.reference),
                    plain(point.reading),
                    f"{point.deviation:+f}",
                    plain(point.allowed),
                    words("within" if point.good else "outside"),
                )
            )
    lines += rows(table)
    if not taken.left:
        lines.append("  " + words("cal.not_adjusted"))
    return lines
