"""What is likely wrong with a bus, and why: from counters, samples of bad answers, and its setup.

| cause | told by |
|---|---|
| two_masters | requests that we did not make |
| echo | answers that begin with our own request |
| swapped, wrong_rate, wrong_parity | the bytes are what our port would hear of the answer then |
| line_dead | nothing at all was heard, of nobody |
| unit_dead | one is silent, others answer |
| shared_unit | answers of one unit alone are destroyed, or are another's |
| late | bytes came after the deadline |
| behind | sound answers of the unit that was asked, to something else |
| babble | more bytes than any answer has: the line never falls silent |
| termination, noise | damaged answers; they grow with the answer's length, or do not |
| unsteady | now and then no answer, nothing late |
| busy, refuses | exceptions: it is there, and says no |

**What bytes cannot tell.** An instrument that hears us at the wrong rate, with the wrong parity or
over swapped wires understands nothing and stays silent: then all of these, a broken wire and a
missing supply look alike (`line_dead`), and only trying (`bus scan`) or a voltmeter tells them
apart. By bytes they are told where the instrument answers all the same, or others talk. On a
pseudo terminal there are neither levels nor parity; `uart.py` models them. Termination and noise
both damage long answers more often; a scope tells them apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from protocols.modbus.damage import Sample, Wrapping, is_behind, is_endless, is_sound
from protocols.modbus.foreign import foreign_request
from protocols.modbus.other_setup import is_rest, other_setup
from protocols.modbus.uart import Setup

MIN_REQUESTS: Final = 3
"""Fewer tell nothing."""
FEW: Final = 0.005
"""A share of lost answers that a sound line may have."""
SHORT_BELOW: Final = 5
LONG_FROM: Final = 6
"""Places of the counters by length: PDUs below 16 bytes are short, from 32 on long."""
ALIKE: Final = 0.6
"""Of the samples of a device that went wrong in one way."""
MIN_OF_SIZE: Final = 20
_GROWS: Final = 2.0


class Cause(StrEnum):
    """See the table above."""

    TWO_MASTERS = "two_masters"
    ECHO = "echo"
    SWAPPED = "swapped"
    WRONG_RATE = "wrong_rate"
    WRONG_PARITY = "wrong_parity"
    LINE_DEAD = "line_dead"
    UNIT_DEAD = "unit_dead"
    SHARED_UNIT = "shared_unit"
    LATE = "late"
    BEHIND = "behind"
    BABBLE = "babble"
    TERMINATION = "termination"
    NOISE = "noise"
    UNSTEADY = "unsteady"
    BUSY = "busy"
    REFUSES = "refuses"


class Sure(StrEnum):
    """How sure: proven by bytes; the usual cause of such figures; one of several."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


Figures = Mapping[str, int | str]


class Likely(NamedTuple):
    """One cause. `device` is "" for the whole bus; `figures` are what it was told by."""

    cause: Cause
    sure: Sure
    device: str
    figures: Figures


class DeviceFacts(NamedTuple):
    """One device: its counters by their names (`requests`, `good`, `no_answer`, ...), samples.

    `silent_run`: so many requests without a byte, up to the newest; it may have answered before.
    """

    name: str
    unit: int
    counts: Mapping[str, int]
    samples: Sequence[Sample] = ()
    silent_run: int = 0

    def n(self, name: str) -> int:
        return self.counts.get(name, 0)

    @property
    def is_mute(self) -> bool:
        """Whether not one byte of it is heard, or has been for some requests."""
        asked = self.n("requests")
        if self.silent_run >= MIN_REQUESTS:
            return True
        return asked >= MIN_REQUESTS and self.n("no_answer") == asked and not self.n("late")

    @property
    def answers(self) -> bool:
        """Now, as far as is known."""
        answered = self.n("good") + self.n("exception") + self.n("busy")
        return answered > 0 and not self.is_mute


class BusFacts(NamedTuple):
    """One bus. `setup` is None where there is no line of ours (TCP). By size: `counters.py`."""

    wrapping: Wrapping
    setup: Setup | None
    devices: Sequence[DeviceFacts]
    unasked_bytes: int = 0
    other_master: str = ""
    asked_by_size: Sequence[int] = ()
    lost_by_size: Sequence[int] = ()


def diagnose_bus(facts: BusFacts) -> tuple[Likely, ...]:
    """The likely causes, the surest and widest first; empty where nothing is wrong."""
    found = [*_of_line(facts)]
    named = {likely.cause for likely in found}
    if not named & {Cause.ECHO, Cause.SWAPPED, Cause.WRONG_RATE, Cause.WRONG_PARITY}:
        shaped = [] if Cause.TWO_MASTERS in named else list(_shaped(facts))
        found += shaped or _damage(facts, Cause.TWO_MASTERS in named)
    if Cause.LINE_DEAD not in named:
        for device in facts.devices:
            found += _of_device(device, facts)
    order = tuple(Sure)
    return tuple(sorted(found, key=lambda likely: (bool(likely.device), order.index(likely.sure))))


# ---- the whole line -----------------------------------------------------------------------------


def _of_line(facts: BusFacts) -> Iterator[Likely]:
    samples = [sample for device in facts.devices for sample in device.samples]
    told = facts.other_master
    if not told and facts.wrapping == "rtu":
        others = (foreign_request(sample.heard, sample.sent) for sample in samples)
        told = next((other for other in others if other), "")
    if told:
        yield Likely(Cause.TWO_MASTERS, Sure.CERTAIN, "", {"asked": told})
    echo, damaged = _sum(facts, "echo"), _sum(facts, "damaged")
    if echo >= MIN_REQUESTS and 2 * echo >= damaged:
        yield Likely(Cause.ECHO, Sure.CERTAIN, "", {"echo": echo, "damaged": damaged})
        return
    bad = [sample for sample in samples if sample.heard and damaged]
    sound = any(is_sound(sample.heard, facts.wrapping) for sample in bad)
    if facts.setup is not None and bad and not sound:  # a sound frame proves the setup
        setup = other_setup(bad, facts.setup)
        if setup is not None:
            yield _as_setup(setup, facts.setup)
            return
        if all(is_rest(sample.heard) for sample in bad):
            count = sum(len(sample.heard) for sample in bad)
            yield Likely(Cause.SWAPPED, Sure.LIKELY, "", {"bytes": count})
    mute = [device for device in facts.devices if device.is_mute]
    if mute and len(mute) == len(facts.devices):
        asked = _sum(facts, "requests")
        sure = Sure.LIKELY if len(mute) > 1 else Sure.POSSIBLE
        if any(device.silent_run for device in mute):
            asked = sum(device.silent_run or device.n("requests") for device in mute)
        figures = {"devices": len(mute), "requests": asked, "unasked": facts.unasked_bytes}
        yield Likely(Cause.LINE_DEAD, sure, "", figures)


def _as_setup(setup: Setup, ours: Setup) -> Likely:
    figures: Figures = {"baud": setup.baud, "parity": setup.parity, "our_baud": ours.baud}
    if setup.swapped != ours.swapped:
        return Likely(Cause.SWAPPED, Sure.LIKELY, "", {"bytes": 0})
    if setup.baud != ours.baud:
        return Likely(Cause.WRONG_RATE, Sure.LIKELY, "", figures)
    return Likely(Cause.WRONG_PARITY, Sure.LIKELY, "", {**figures, "our_parity": ours.parity})


def _shaped(facts: BusFacts) -> Iterator[Likely]:
    """Where nearly all that went wrong looks alike; of the line where that is so on all of it."""
    bad = [device for device in facts.devices if device.n("damaged") >= MIN_REQUESTS]
    bad = [device for device in bad if device.n("damaged") > FEW * device.n("requests")]
    for cause in (Cause.BEHIND, Cause.BABBLE):
        # a converter behind gives one unit's answer to the next one's request
        units = {device.unit for device in facts.devices} if len(bad) > 1 else ()
        struck = [device for device in bad if _looks(device, cause, facts.wrapping, units)]
        if not struck or len(struck) < len(bad):
            continue
        if len(struck) > 1 or len(facts.devices) == 1:
            damaged = sum(device.n("damaged") for device in struck)
            figures: Figures = {"damaged": damaged, "requests": _sum(facts, "requests")}
            yield Likely(cause, Sure.LIKELY, "", figures)
            continue
        (one,) = struck
        of_it = {"damaged": one.n("damaged"), "requests": one.n("requests"), "unit": one.unit}
        yield Likely(cause, Sure.LIKELY, one.name, of_it)


def _looks(device: DeviceFacts, cause: Cause, wrapping: Wrapping, units: Collection[int]) -> bool:
    alike = sum(
        is_behind(sample, wrapping, units) if cause is Cause.BEHIND else is_endless(sample)
        for sample in device.samples
    )
    return alike > 0 and alike >= ALIKE * len(device.samples)


def _damage(facts: BusFacts, other_master: bool) -> Iterator[Likely]:
    """Answers that were damaged on the way: one device's alone, by their length, or by chance."""
    bad = {device.name: _damaged(device) for device in facts.devices}
    total, asked = sum(bad.values()), _sum(facts, "requests")
    if other_master or total < MIN_REQUESTS or total <= FEW * asked:
        return
    worst = max(facts.devices, key=lambda device: bad[device.name])
    others = total - bad[worst.name]
    share = bad[worst.name] / max(1, worst.n("requests"))
    alone = len(facts.devices) > 1 and others <= FEW * (asked - worst.n("requests"))
    if alone and share >= 0.3:
        of_it = {"damaged": bad[worst.name], "requests": worst.n("requests"), "unit": worst.unit}
        yield Likely(Cause.SHARED_UNIT, Sure.LIKELY, worst.name, of_it)
        return
    short, long = _share(facts, 0, SHORT_BELOW), _share(facts, LONG_FROM, None)
    figures: Figures = {"damaged": total, "requests": asked}
    if facts.setup is None or facts.wrapping == "tcp":
        yield Likely(Cause.NOISE, Sure.POSSIBLE, "", figures)
    elif short is not None and long is not None and long > _GROWS * max(short, FEW):
        grown: Figures = {**figures, "short": f"{100 * short:.1f}", "long": f"{100 * long:.1f}"}
        yield Likely(Cause.TERMINATION, Sure.LIKELY, "", grown)
        yield Likely(Cause.NOISE, Sure.POSSIBLE, "", figures)
    else:
        yield Likely(Cause.NOISE, Sure.LIKELY, "", figures)


def _share(facts: BusFacts, begin: int, end: int | None) -> float | None:
    """Damaged answers among those of these lengths; None where too few were asked."""
    asked = sum(facts.asked_by_size[begin:end])
    return sum(facts.lost_by_size[begin:end]) / asked if asked >= MIN_OF_SIZE else None


# ---- one device ---------------------------------------------------------------------------------


def _of_device(device: DeviceFacts, facts: BusFacts) -> Iterator[Likely]:
    asked, none, late = device.n("requests"), device.n("no_answer"), device.n("late")
    if asked < MIN_REQUESTS:
        return
    figures: Figures = {"requests": asked, "no_answer": none, "unit": device.unit}
    foreign = device.n("foreign")
    if foreign >= MIN_REQUESTS and foreign > FEW * asked:
        yield Likely(Cause.SHARED_UNIT, Sure.POSSIBLE, device.name, {**figures, "damaged": foreign})
    if device.is_mute:
        others = sum(other.answers for other in facts.devices)
        if device.silent_run:
            figures = {**figures, "requests": device.silent_run, "no_answer": device.silent_run}
        yield Likely(Cause.UNIT_DEAD, Sure.CERTAIN, device.name, {**figures, "others": others})
        if device.silent_run:
            return  # what it answered before is over
    elif late >= MIN_REQUESTS and late > FEW * asked and 5 * late >= none:
        yield Likely(Cause.LATE, Sure.CERTAIN, device.name, {**figures, "late": late})
    elif none >= MIN_REQUESTS and none > FEW * asked:
        yield Likely(Cause.UNSTEADY, Sure.POSSIBLE, device.name, figures)
    for name, cause in (("busy", Cause.BUSY), ("exception", Cause.REFUSES)):
        count = device.n(name)
        if count >= MIN_REQUESTS and 5 * count >= asked:
            yield Likely(cause, Sure.CERTAIN, device.name, {**figures, name: count})


def _damaged(device: DeviceFacts) -> int:
    """By the line: not what is somebody else's, nor an echo."""
    return device.n("crc") + device.n("length")


def _sum(facts: BusFacts, name: str) -> int:
    return sum(device.n(name) for device in facts.devices)
