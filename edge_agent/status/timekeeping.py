"""`edge-agent time`: what the gateway's clock is worth, and how the others stand to it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge_agent.clock import EARLIEST_UTC_MS, LATEST_UTC_MS, Discipline, discipline, wall_ms
from edge_agent.status.words_of_time import Local, clock_time
from protocols.evidence.leaf import Kind, Leaf, Log
from protocols.metering.instant import ClockState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_agent.journal.newest import NewestReader
    from edge_agent.language import Words
    from edge_agent.status.model import Snapshot

MOST_LOOKED: Final = 50_000  # leaves of the log, for the steps
MOST_STEPS: Final = 5
APART_S: Final = 10.0  # to central's clock: a receipt tells it to a second, and took its way
RTC: Final = "sys/class/rtc/rtc0/name"


class Step(NamedTuple):
    """A CLOCK leaf: UTC by the relation of before, UTC then, both None where unknown; the state."""

    boot_no: int
    before_ms: int | None
    utc_ms: int | None
    state: str

    @property
    def moved_ms(self) -> int | None:
        """By how much UTC was set; None where one of both is not known."""
        if self.before_ms is None or self.utc_ms is None:
            return None
        return self.utc_ms - self.before_ms


class DeviceDrift(NamedTuple):
    """A device's clock less the gateway's when it was read last."""

    name: str
    offset_ms: int
    is_told: bool


class Timekeeping(NamedTuple):
    """`rtc`: the chip's name, "" where there is none; `central_ahead_ms`: as in the snapshot."""

    utc_ms: int | None
    kernel: Discipline
    steps: tuple[Step, ...]
    central_ahead_ms: int | None
    receipt_age_ms: int | None
    devices: tuple[DeviceDrift, ...]
    rtc: str


def read_time(
    reader: NewestReader | None, agent: Snapshot | None, root: Path = Path("/")
) -> Timekeeping:
    """Now; by the agent's word alone where the journal may not be read. Raises ReadFailed."""
    now_ms = wall_ms()
    uplink = None if agent is None else agent.uplink
    return Timekeeping(
        now_ms if EARLIEST_UTC_MS <= now_ms <= LATEST_UTC_MS else None,
        discipline(),
        () if reader is None else _steps(reader),
        None if uplink is None else uplink.central_ahead_ms,
        None if uplink is None else uplink.last_receipt_age_ms,
        _told_devices(agent) if reader is None else _devices(reader, agent),
        _rtc(root),
    )


def steps_of(leaves: Iterable[Leaf]) -> tuple[Step, ...]:
    """The newest CLOCK leaves among them."""
    found: list[Step] = []
    for leaf in leaves:
        if leaf.kind is not Kind.CLOCK or len(leaf.body) != 3:
            continue
        before_ms, utc_ms, _old = leaf.body
        state = ClockState(leaf.clock_state).name.lower()
        if isinstance(before_ms, int | None) and isinstance(utc_ms, int | None):
            found.append(Step(leaf.boot_no, before_ms, utc_ms, state))
        if len(found) == MOST_STEPS:
            break
    return tuple(found)


def _steps(reader: NewestReader) -> tuple[Step, ...]:
    with closing(reader.leaves(Log.BILLING)) as leaves:
        return steps_of(leaf for leaf, _ in zip(leaves, range(MOST_LOOKED), strict=False))


def _told_devices(agent: Snapshot | None) -> tuple[DeviceDrift, ...]:
    """By the agent's word."""
    if agent is None:
        return ()
    drifting = {one.subject for one in agent.alarms if one.code == "device_clock_drifts"}
    return tuple(
        DeviceDrift(one.name, one.clock_offset_ms, one.serial in drifting)
        for one in agent.devices
        if one.clock_offset_ms is not None
    )


def _devices(reader: NewestReader, agent: Snapshot | None) -> tuple[DeviceDrift, ...]:
    """By the devices' names; without an agent by their serials."""
    clocks = reader.memory().devices.clocks
    names = {} if agent is None else {one.serial: one.name for one in agent.devices}
    return tuple(
        DeviceDrift(names.get(serial, serial), clock.offset_ms, clock.drifts)
        for serial, clock in sorted(clocks.items())
    )


def _rtc(root: Path) -> str:
    try:
        with (root / RTC).open("rb") as file:
            return file.read(64).decode("ascii", errors="replace").strip()
    except OSError:
        return ""


def to_json(time: Timekeeping) -> dict[str, Any]:
    """Schema 1."""
    kernel = time.kernel
    return {
        "schema": 1,
        "utc_ms": time.utc_ms,
        "clock_state": kernel.state.name.lower(),
        "kernel": {
            "status": kernel.status,
            "offset_us": kernel.offset_us,
            "frequency_ppm": kernel.frequency_ppm,
            "max_error_us": kernel.max_error_us,
            "estimated_error_us": kernel.estimated_error_us,
            "tai_s": kernel.tai_s,
        },
        "steps": [{**step._asdict(), "moved_ms": step.moved_ms} for step in time.steps],
        "central_ahead_ms": time.central_ahead_ms,
        "receipt_age_ms": time.receipt_age_ms,
        "devices": [one._asdict() for one in time.devices],
        "rtc": time.rtc,
    }


def is_good(time: Timekeeping) -> bool:
    """Somebody steers it, and nobody else's clock says otherwise."""
    return not (
        time.utc_ms is None
        or time.kernel.state is not ClockState.SYNCHRONISED
        or abs(time.central_ahead_ms or 0) > 1000 * APART_S
        or any(one.is_told for one in time.devices)
    )


def lines(time: Timekeeping, words: Words, now_ms: int, local: Local) -> list[tuple[str, str]]:
    """Label and text."""
    kernel = time.kernel
    shown = (
        words("clock.none") if time.utc_ms is None else f"{local(time.utc_ms):%Y-%m-%d %H:%M:%S}"
    )
    told = [
        (words("time.local"), shown),
        (words("time.state"), words(f"time.state.{kernel.state.name.lower()}")),
        (
            words("time.kernel"),
            words(
                "time.figures",
                offset=f"{kernel.offset_us / 1000:+.3f}",
                frequency=f"{kernel.frequency_ppm:+.3f}",
                error=f"{kernel.max_error_us / 1000:.1f}",
            ),
        ),
        (words("time.rtc"), time.rtc or words("time.no_rtc")),
        (words("time.central"), _central(time, words)),
    ]
    for device in time.devices:
        text = words("time.drift", seconds=f"{device.offset_ms / 1000:+.1f}")
        if device.is_told:
            text = words("join").join((text, words("code.device_clock_drifts")))
        told.append((device.name, text))
    for place, step in enumerate(time.steps):
        label = "" if place else words("time.steps")
        told.append((label, _step(step, words, now_ms, local)))
    return told


def _central(time: Timekeeping, words: Words) -> str:
    ahead_ms = time.central_ahead_ms
    if ahead_ms is None:
        return words("time.not_compared")
    return words("time.apart", seconds=f"{-ahead_ms / 1000:+.0f}")


def _step(step: Step, words: Words, now_ms: int, local: Local) -> str:
    at = "-" if step.utc_ms is None else clock_time(step.utc_ms, now_ms, local)
    state = words(f"time.state.{step.state}")
    if step.moved_ms is None:
        return words("time.begun", at=at, state=state, boot=step.boot_no)
    return words("time.moved", at=at, state=state, seconds=f"{step.moved_ms / 1000:+.3f}")
