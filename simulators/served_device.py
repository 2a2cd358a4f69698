"""One device of any profile: reads, writes within limits, archives, its base probe."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Final

from protocols.modbus.frames import (
    BIT_FUNCTIONS,
    READ_FUNCTIONS,
    FrameError,
    Request,
    answer_pdu,
    exception_pdu,
    parse_read_request,
)
from protocols.modbus.write import WRITE_COIL, WRITE_COILS, WRITE_FUNCTIONS, Write, parse_write
from protocols.registers.clock import decode_clock
from protocols.registers.codec import assemble, decode, disassemble, encode
from protocols.registers.command import is_within
from protocols.registers.point import FLOATS
from simulators.register_image import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    answer_read,
    register_bytes_at,
)
from simulators.served_archive import archives_of, place_in_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from protocols.registers.point import Point
    from protocols.registers.profile import Profile
    from simulators.plausible import Now, Plausible

_COILS: Final = (WRITE_COIL, WRITE_COILS)


class ServedDevice:
    """Answers for its unit, and for the next ones where its memory is banked over them."""

    def __init__(self, profile: Profile, unit: int, values: Plausible) -> None:
        self.profile = profile
        self.unit = unit
        self._values = values
        self._archives = archives_of(profile, values)
        self._written: dict[str, int] = {}
        self._clock_ms = 0  # what a write has moved the clock by
        self._setting: dict[str, int] = {}  # of the clock, while its fields make no date together
        self._banks = max([profile.banks, *(one.last_bank + 1 for one in self._archives)])
        points = {point.name: point for point in profile.points}
        self._constants = {
            name: encode(points[name], number)
            for archive in self._archives
            for name, number in archive.constants().items()
        }
        self._pointers = {one.archive.newest_point: one for one in self._archives}

    def answer(self, unit: int, pdu: bytes, now: Now) -> bytes | None:
        """The answer's PDU; None for another unit, and for a broadcast."""
        bank = unit - self.unit
        if not 0 <= bank < self._banks or not pdu:
            return None
        function = pdu[0] & 0x7F
        now = now._replace(utc_ms=now.utc_ms + self._clock_ms)
        if function in WRITE_FUNCTIONS:
            return self._write(pdu, bank, now)
        if function not in READ_FUNCTIONS:
            return exception_pdu(function, ILLEGAL_FUNCTION)
        address = int.from_bytes(pdu[1:3], "big")
        if record := self._record(pdu, address, now):
            return record
        try:
            width = register_bytes_at(self.profile, function, address)
            request = parse_read_request(unit, pdu, width)
        except FrameError:
            return exception_pdu(function, ILLEGAL_VALUE)
        probed = self._probed(request) or self._memory(request, bank, now)
        if probed is not None:
            return probed
        return answer_read(self.profile, request, lambda p: self._words(p, now), bank).pdu

    def raw(self, point: Point, now: Now) -> int:
        """What a point shows."""
        if point.name in self._written:
            return self._written[point.name]
        if point.name in self._constants:
            return self._constants[point.name]
        if point.name in self._pointers:
            return encode(point, self._pointers[point.name].pointer(now))
        return self._values.raw(point.name, now)

    def _words(self, point: Point, now: Now) -> Sequence[int]:
        raw = self.raw(point, now)
        if now.order is not None and point.type in FLOATS:
            point = replace(point, order=now.order)
        return disassemble(point, raw)

    def _record(self, pdu: bytes, address: int, now: Now) -> bytes | None:
        """An archive's record, where the quantity is its number (Enron)."""
        for archive in self._archives:
            if archive.archive.ring is None and (pdu[0], address) == (
                archive.archive.function, archive.archive.address,
            ):  # fmt: skip
                words = archive.record(int.from_bytes(pdu[3:5], "big"), now)
                if words is None or len(pdu) != 5:
                    return exception_pdu(pdu[0], ILLEGAL_ADDRESS)
                return answer_pdu(pdu[0], words)
        return None

    def _memory(self, request: Request, bank: int, now: Now) -> bytes | None:
        """A stretch of a ring."""
        for archive in self._archives:
            if request.function == archive.archive.function and request.register_bytes == 2:
                first = place_in_memory(bank, request.address)
                words = archive.registers(first, request.count, now)
                if words is not None:
                    return answer_pdu(
                        request.function, self._with_points(words, request, bank, now)
                    )
        return None

    def _with_points(self, words: list[int], request: Request, bank: int, now: Now) -> list[int]:
        """A ring's header tells its size and width by registers that are points, too."""
        placed: dict[int, int] = {}
        for point in self.profile.points:
            if (point.function, point.bank) == (request.function, bank):
                for address, word in enumerate(self._words(point, now), point.address):
                    placed[address] = placed.get(address, 0) | word
        return [placed.get(request.address + n, word) for n, word in enumerate(words)]

    def _probed(self, request: Request) -> bytes | None:
        """One register that no point is: it tells the base, or a command's result."""
        if request.count != 1:
            return None
        at, profile = (request.function, request.address), self.profile
        if any((p.function, p.address, p.end) == (*at, at[1] + 1) for p in profile.points):
            return None
        probe = profile.base_probe
        if probe is not None and at == (probe.function, probe.address):
            outcome = next(one for one in probe.outcomes if one.shift == 0)
            if outcome.value is None:
                return exception_pdu(request.function, outcome.exception or ILLEGAL_ADDRESS)
            return answer_pdu(request.function, [outcome.value])
        for command in profile.commands:
            status = command.status
            if status is not None and at == (status.function, status.address):
                return answer_pdu(request.function, [status.good[0]])
        return None

    def _write(self, pdu: bytes, bank: int, now: Now) -> bytes:
        function = pdu[0]
        try:
            width = register_bytes_at(self.profile, 3, int.from_bytes(pdu[1:3], "big"))
            write = parse_write(self.unit, pdu, width)
        except FrameError:
            return exception_pdu(function, ILLEGAL_VALUE)
        if self._is_step(write, bank):
            return write.echo
        points = self._written_points(write, bank)
        if points is None:
            return exception_pdu(function, ILLEGAL_ADDRESS)
        raws = {point.name: self._taken(point, write) for point in points}
        for point in points:
            rule = self.profile.writes[point.name]
            number = decode(point, raws[point.name]).number
            # where the source gives no limit, the device itself takes everything
            limited = bool(rule.low and rule.high)
            if number is None or rule.function != function:
                return exception_pdu(function, ILLEGAL_VALUE)
            if limited and not is_within(rule, number):
                return exception_pdu(function, ILLEGAL_VALUE)
        self._take(raws, now)
        return write.echo

    def _take(self, raws: dict[str, int], now: Now) -> None:
        """A clock that was set runs on from there; everything else stays as it was written."""
        clock = self.profile.clock
        if clock is None or not set(raws) & set(clock.points):
            self._written |= raws
            return
        self._setting |= raws
        shown = {name: self.raw(self.profile.point(name), now) for name in clock.points}
        shown |= self._setting
        numbers = {
            name: decode(self.profile.point(name), raw).number for name, raw in shown.items()
        }
        moment = decode_clock(clock, numbers)
        if moment is not None:
            utc_ms = round(moment.replace(tzinfo=UTC).timestamp() * 1000)
            self._clock_ms += utc_ms - now.utc_ms
            self._setting.clear()

    def _is_step(self, write: Write, bank: int) -> bool:
        """A command is taken, and does nothing here."""
        return any(
            (step.function, step.address, command.bank) == (write.function, write.address, bank)
            and write.values[: len(step.words)] == step.words
            and len(write.values) == len(step.words) + bool(step.argument) + (step.text + 1) // 2
            for command in self.profile.commands
            for step in command.steps
        )

    def _written_points(self, write: Write, bank: int) -> list[Point] | None:
        """The points that the write covers exactly; None where it covers anything else."""
        reads = BIT_FUNCTIONS[:1] if write.function in _COILS else (3, 4)
        end = write.address + len(write.values)
        found = sorted(
            (p for p in self.profile.points
             if p.function in reads and p.bank == bank and p.name in self.profile.writes
             and p.address < end and p.end > write.address),
            key=lambda p: p.address,
        )  # fmt: skip
        at = write.address
        for point in found:
            if point.address != at:
                return None
            at = point.end
        return found if found and at == end else None

    def _taken(self, point: Point, write: Write) -> int:
        values = write.values[point.address - write.address : point.end - write.address]
        words: list[int] = []
        for value in values:
            words += [value >> 16, value & 0xFFFF] if write.register_bytes == 4 else [value]
        return assemble(point, words)
