"""What `edge-agent bus sniff` has heard, in lines of 80 columns or as JSON.

Frames are found, checked and paired by `protocols/modbus/sniff.py`; what each says is pymodbus's
word, so a fault of our own decoder shows here, and functions that it does not know are told, too.
pymodbus does not search: its framer takes the first byte with a function that it knows behind it
for a frame's begin, waits for the length that follows from that, and where the CRC is wrong then
drops all that was heard: of junk it makes frames, and of frames after junk nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from edge_agent.bus_tools.address import Place
from edge_agent.bus_tools.second_decoder import Said, described
from edge_agent.bus_tools.showing import fitted, lines, say
from edge_agent.config.model import BusConfig
from protocols.modbus.frames import READ_FUNCTIONS
from protocols.modbus.sniff import Heard, Kind, Sniffer, UnitSeen
from protocols.modbus.write import WRITE_FUNCTIONS

MAX_BLOCKS_SHOWN: Final = 8
MAX_JUNK: Final = 0.25
"""The share of what is heard on a line without a single read or write."""
MAX_TEXT: Final = 240
"""Of one request or answer that has lines of its own."""
NAMED: Final = (7, 8, 11, 12, 17, 20, 21, 22, 23, 24, 43)
"""Functions with a name in the words, and lines of their own for what they say."""
_WORDS_SHOWN: Final = 6
_HEADS: Final = (9, 5, 28, 20)
_INDENT: Final = 13
_HEX: Final[Mapping[str, str]] = {"and_mask": "04X", "or_mask": "04X", "status": "02X"}
"""Fields that are bits, not numbers."""


@dataclass
class Told:
    """What was heard, at which setup; the newest MAX_KEPT frames."""

    setup: BusConfig
    sniffer: Sniffer = field(default_factory=Sniffer)
    frames: list[Heard] = field(default_factory=list)
    bytes: int = 0
    began_s: float = 0.0

    @property
    def is_understood(self) -> bool:
        """Whether it is Modbus at this setup. Junk, as another rate makes it, has frames, too."""
        sniffer = self.sniffer
        few = sniffer.junk_bytes < MAX_JUNK * self.bytes
        return sniffer.plain > 0 or (sniffer.frames > 0 and few)


def said_by(heard: Heard) -> Said | None:
    """What pymodbus makes of it; None where it cannot decode it."""
    said = described(_pdu(heard), is_request=heard.kind is Kind.REQUEST)
    if said is None or heard.quantity is None or heard.function not in (1, 2):
        return said
    bits = said.fields.get("bits")  # it cannot know how many of the last byte were asked for
    if not isinstance(bits, list):
        return said
    return Said(said.function, {"bits": bits[: heard.quantity]})


def _pdu(heard: Heard) -> bytes:
    return heard.frame[1:-2]


def head_line() -> str:
    """Over the lines of `frame_lines`."""
    cells = (say("sniff.time"), say("sniff.unit_head"), say("sniff.asked"), say("sniff.answer"))
    return "".join(map(fitted, cells, _HEADS)).rstrip()


def frame_lines(asked: Heard | None, answer: Heard | None) -> list[str]:
    """Within 80 columns: when, unit, what was asked, what was answered, how long it took."""
    first = asked or answer
    if first is None:
        return []
    request = None if asked is None else said_by(asked)
    reply = None if answer is None else said_by(answer)
    delay = "" if answer is None or answer.delay_s is None else f"{1000 * answer.delay_s:.0f} ms"
    head = f"{first.at_s:>8.3f} {first.unit:>3} "
    if first.function not in (*READ_FUNCTIONS, *WRITE_FUNCTIONS):
        return _long(f"{head}{_name(first.function)}", (asked, request), (answer, reply), delay)
    verb = say("sniff.read" if first.function in READ_FUNCTIONS else "sniff.write")
    told = _place(first.function, request or reply) if request or reply else _bytes(asked)
    left = f"{head}{verb}{first.function:<3}{fitted(told, 20)}"
    if answer is None:
        return [fitted(f"{left} {say('sniff.unanswered')}", 80).rstrip()]
    right = _data(reply) if reply else _bytes(answer)
    return [f"{fitted(f'{left} {right}', 71)}{delay:>9}".rstrip()]


def _long(
    head: str,
    asked: tuple[Heard | None, Said | None],
    answer: tuple[Heard | None, Said | None],
    delay: str,
) -> list[str]:
    """The function by its name; below it what was asked, if anything is to tell, and answered."""
    told = [f"{fitted(head, 71)}{delay:>9}".rstrip()]
    for key, (heard, said) in (("sniff.q", asked), ("sniff.a", answer)):
        if heard is not None:
            text = _all(said) if said else _bytes(heard)
            told += lines(say(key, text=text), _INDENT, _INDENT + 8) if text else []
        elif key == "sniff.a":
            told += lines(say("sniff.unanswered"), _INDENT)
    return told


def _name(function: int) -> str:
    name = say(f"pdu.{function}") if function in NAMED else say("pdu.unknown")
    return f"{function} {name}"


def _place(function: int, said: Said | None) -> str:
    """Address and count, with the old form of a read and the data of a write."""
    fields = said.fields if said else {}
    if "address" not in fields:
        return ""
    number = f" x{fields['count']}" if "count" in fields else ""
    if function in READ_FUNCTIONS:
        reference = Place(function, int(str(fields["address"]))).reference
        return f"{fields['address']}{number} ({reference})"
    data = _list(fields)
    return f"{fields['address']}{number}" + (f" = {data}" if data else "")


def _data(said: Said) -> str:
    """Of an answer: the exception, the first words, or nothing where it is an echo's block."""
    if "exception" in said.fields:
        return say("sniff.exception", code=said.fields["exception"])
    return _list(said.fields, _WORDS_SHOWN)


def _list(fields: Mapping[str, object], most: int = 64) -> str:
    bits, words = fields.get("bits"), fields.get("values")
    if _is_list(bits):
        return "".join(map(str, bits[: 4 * most])) + ("~" if len(bits) > 4 * most else "")
    return _hex(words, most) if _is_list(words) else ""


def _hex(words: Sequence[object], most: int) -> str:
    told = " ".join(f"{word:04X}" for word in words[:most])
    return told if len(words) <= most else f"{told[:-5]}~"  # its mark has room, too


def _all(said: Said) -> str:
    """Every field with its name."""
    if "exception" in said.fields:
        return say("sniff.exception", code=said.fields["exception"])
    told = [item for item in said.fields.items() if item != ("more", False)]  # as nearly always
    return _cut(", ".join(_field(name, value) for name, value in told))


def _field(name: str, value: object) -> str:
    items = [one for one in value if isinstance(one, Mapping)] if _is_list(value) else []
    if name == "records":
        return "; ".join(", ".join(_field(*item) for item in one.items()) for one in items)
    label = say(f"field.{name}")
    if name == "objects":
        return f"{label} " + "; ".join(f"{one['object']} = {one['text']}" for one in items)
    if isinstance(value, bool):
        return f"{label} {say('sniff.yes' if value else 'sniff.no')}"
    if _is_list(value):
        return f"{label} {_hex(value, 64) or '-'}"
    return f"{label} {value:{_HEX.get(name, '')}}"


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, (list, tuple))


def _bytes(heard: Heard | None) -> str:
    """The data of its PDU as they came: what cannot be decoded is not guessed at."""
    return "" if heard is None else _cut(_pdu(heard)[1:].hex(" ").upper())


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}~"


# ---- sums ---------------------------------------------------------------------------------------


def summary(told: Told) -> list[str]:
    """The units, what they were asked, and what did not fit."""
    setup = told.setup
    shown = f"{setup.baud} {setup.data_bits}{setup.parity}{setup.stop_bits}"
    sniffer = told.sniffer
    if not told.is_understood:
        key = "sniff.silent" if not told.bytes else "sniff.junk_only"
        return lines(say(key, bytes=told.bytes))
    junk = sniffer.junk_bytes
    found = ["", *lines(say("sniff.end", frames=sniffer.frames, setup=shown, junk=junk))]
    for unit, seen in sorted(sniffer.units.items()):
        found += lines(say("sniff.unit", unit=unit, **_figures(seen)), 0, 4)
        blocks = sorted(seen.blocks.items(), key=lambda item: -item[1])
        for (function, address, count), times in blocks[:MAX_BLOCKS_SHOWN]:
            if function not in (*READ_FUNCTIONS, *WRITE_FUNCTIONS):  # no place that we know
                found += lines(say("sniff.times", name=_name(function), times=times), 4)
                continue
            block = {"function": function, "address": address, "count": count, "times": times}
            found += lines(say("sniff.block", **block), 4)
    return found


def _figures(seen: UnitSeen) -> Mapping[str, int]:
    return {
        "requests": seen.requests,
        "answers": seen.answers,
        "exceptions": seen.exceptions,
        "unanswered": seen.unanswered,
        "slowest": round(1000 * seen.slowest_s),
    }


def sums_json(told: Told) -> dict[str, object]:
    """One object, without its schema; `says`: the fields by pymodbus, null where it cannot."""
    setup = told.setup
    return {
        "ok": told.is_understood,
        "setup": {"baud": setup.baud, "parity": setup.parity},
        "bytes": told.bytes,
        "junk_bytes": told.sniffer.junk_bytes,
        "frames": [
            {
                "at_s": round(one.at_s, 4),
                "kind": str(one.kind),
                "unit": one.unit,
                "function": one.function,
                "address": one.address,
                "count": one.quantity,
                "words": list(one.words),
                "exception": one.code,
                "delay_ms": None if one.delay_s is None else round(1000 * one.delay_s, 1),
                "says": says.fields if (says := said_by(one)) else None,
                "frame": one.frame.hex(),
            }
            for one in told.frames
        ],
        "units": [
            {
                "unit": unit,
                **_figures(seen),
                "blocks": [
                    {"function": block[0], "address": block[1], "count": block[2], "times": times}
                    for block, times in seen.blocks.items()
                ],
            }
            for unit, seen in sorted(told.sniffer.units.items())
        ],
    }
