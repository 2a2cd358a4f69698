"""`edge-agent read POINT|ADDRESS --device D`: the bytes, the words in every order, the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus.device_reading import Read, blocks_of, reach
from edge_agent.bus.joining import Failed, failure
from edge_agent.bus.link import Answer
from edge_agent.bus.poll_steps import step_of
from edge_agent.bus_tools.address import Place, parse_place
from edge_agent.bus_tools.borrow import CannotUse, bus_named
from edge_agent.bus_tools.read_lines import Shown, read_json, read_lines
from edge_agent.bus_tools.reading import FORMS, Exchange
from edge_agent.bus_tools.showing import say, tell, to_json
from edge_agent.bus_tools.talk import Talk, device_named, talking
from edge_agent.console import FINDINGS, GOOD
from edge_agent.control.control import value_lines
from protocols.metering.quality import Quality
from protocols.modbus.answer import Registers
from protocols.modbus.frames import BIT_FUNCTIONS, Request
from protocols.registers.profile import ProfileError
from protocols.registers.register_map import RegisterMap

if TYPE_CHECKING:
    from edge_agent.bus_tools.second_opinion import Compared
    from edge_agent.config.model import AgentConfig, DeviceConfig
    from protocols.modbus.answer import Asked

DEFAULT_COUNT: Final = 2


class What(NamedTuple):
    """What the command line names. `function` and `registers` are None where it leaves them out."""

    device: str
    what: str
    function: int | None = None
    registers: int | None = None


class Recorder:
    """Passes requests on and keeps their bytes."""

    def __init__(self, talk: Talk, kept: list[Exchange]) -> None:
        self._talk = talk
        self._kept = kept

    def __call__(self, asked: Asked) -> Answer:
        answer = self._talk.exchange(asked)
        if isinstance(asked, Request):
            self._kept.append(Exchange(asked, answer, *self._talk.frames))
        return answer


def read_command(config: AgentConfig, what: What, *, raw: bool, as_json: bool) -> int:
    """The exit status. Raises CannotUse, SocketError."""
    device = device_named(config, what.device)
    bus = bus_named(config, device.bus)
    place = _place(what)
    with talking(config, device) as talk:
        if place is None:
            shown = read_point(device, what.what, talk)
        else:
            shown = read_place(device, place, what.registers or DEFAULT_COUNT, talk)
    with_bytes = raw or place is not None
    if as_json or with_bytes:
        shown.second = second_opinions(shown)
    if as_json:
        tell([to_json(read_json(device, bus, shown, what.what))])
    else:
        tell(read_lines(device, bus, shown, what.what, with_bytes=with_bytes))
    return GOOD if shown.is_good else FINDINGS


def _place(what: What) -> Place | None:
    try:
        return parse_place(what.what, what.function)
    except ValueError as error:
        raise CannotUse(str(error)) from error


def read_place(device: DeviceConfig, place: Place, count: int, talk: Talk) -> Shown:
    """Registers or bits from an address on, whatever the profile says of them."""
    shown = Shown()
    request = Request(device.unit, place.function, place.address, count)
    try:
        request.pdu  # noqa: B018 - it is its check
    except ValueError as error:
        raise CannotUse(str(error)) from error
    answer = Recorder(talk, shown.exchanges)(request)
    if isinstance(answer, Registers):
        shown.words = answer.words
    else:
        _fail(shown, failure(answer))
    return shown


def read_point(device: DeviceConfig, name: str, talk: Talk) -> Shown:
    """A point or total of the profile. Raises CannotUse where it has none of that name."""
    profile = device.profile
    if name not in profile.names:
        known = ", ".join(profile.names)
        raise CannotUse(
            f"{profile.id} has no point {name!r}, and it is no address; it has: {known}"[:900]
        )
    shown = Shown()
    to = reach(device, (name,), talk.exchange)
    if isinstance(to, Failed):
        _fail(shown, to)
        return shown
    try:
        map_ = RegisterMap.of(profile, (name,), to.how.order, to.how.shift)
    except ProfileError as error:
        raise CannotUse(str(error)) from error
    ask = Recorder(talk, shown.exchanges)
    found: dict[str, int] = {}
    for block in blocks_of(device, (name,)):
        answer = ask(to.request(block))
        if not isinstance(answer, Registers):
            _fail(shown, failure(answer))
            return shown
        step_of(block, map_).take(answer.words, found)
        for point in block.points:
            if point.name == name:
                shown.words = tuple(block.words_of(point, answer.words))
    shown.point = next((point for point in map_.points if point.name == name), None)
    raws = tuple(found.get(point.name) for point in map_.points)
    shown.values = [one for one in value_lines(Read(map_, raws)) if one["name"] == name]
    shown.raw = found.get(name)
    is_text = shown.point is not None and shown.point.type.startswith("text")
    if not is_text and shown.values and shown.values[0]["number"] is None:
        shown.quality, shown.detail = Quality.BAD_VALUE, say("read.no_value")
    return shown


def second_opinions(shown: Shown) -> tuple[Compared, ...]:
    """What pymodbus makes of the same words; loaded here, since a plain read needs none of it."""
    from edge_agent.bus_tools.second_opinion import Compared, opinions_on, second_opinion

    point = shown.point
    if point is not None and shown.words:
        opinion = second_opinion(point, shown.words, shown.raw)
        return (Compared(point.type, point.order, opinion),) if opinion else ()
    is_bit = bool(shown.exchanges) and shown.exchanges[-1].request.function in BIT_FUNCTIONS
    return () if is_bit else opinions_on(shown.words, FORMS.get(len(shown.words), ()))


def _fail(shown: Shown, failed: Failed) -> None:
    shown.quality, shown.detail = failed.quality, failed.detail
