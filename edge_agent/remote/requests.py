"""What a distant operator may ask of a running gateway beside a configuration.

Values read now become a statement in the log. A range is read again from the archives of the run's
meter: what central has a receipt for it holds already, so the device's own memory is what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from edge_agent.clock import EARLIEST_UTC_MS, LATEST_UTC_MS
from edge_agent.config_store.apply import Refused
from edge_agent.control.control import Control
from edge_agent.control.protocol import ReadRequest
from edge_agent.recording.device_recording import Fact, News, RangeAsked, Said
from protocols.evidence.errors import Malformed
from protocols.evidence.statement import MAX_TEXT_CHARS, Statement, Value

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.config.model import AgentConfig
    from protocols.evidence.offer import Offer

NOTE_S: Final = 30.0
READ: Final = "read_now"
Note = Callable[[Sequence[Fact | Said], float], bool]


class Reading:
    """Answers `read_now` and `read_range`; `tell` puts a request into the recorder's queue."""

    def __init__(
        self,
        config: AgentConfig,
        control: Control,
        note: Note,
        tell: Callable[[News], bool],
        clock: Now,
    ) -> None:
        self._config = config
        self._control = control
        self._note = note
        self._tell = tell
        self._clock = clock

    def now(self, offer: Offer) -> str | Refused:
        """Scan the device between two polls; a statement of its values when it is durable."""
        name, *points = (str(each) for each in offer.item)
        told = self._control.answer(ReadRequest(name, tuple(points)), "central")
        if not told["ok"]:
            return Refused(str(told["error"])[:500])
        values = told["values"]
        assert isinstance(values, list)
        fields: list[tuple[str, Value]] = [("offer", offer.number)]
        fields += [(one["name"].lower(), str(one["text"])[:MAX_TEXT_CHARS]) for one in values]
        statement = Statement(READ, f"central: {offer.who}", offer.why, tuple(fields))
        try:
            statement.to_body()
        except Malformed as error:
            return Refused(str(error))
        said = Said(self._clock.now(), str(told["serial"]), statement)
        if not self._note([said], NOTE_S):
            return Refused("the journal takes nothing now; offer it again")
        return f"{len(values)} values of {name}"

    def range(self, offer: Offer) -> str | Refused:
        """Ask the archives of the run's meter for it, where it has any that can be read."""
        run_id, start_ms, end_ms = offer.item
        run = next((each for each in self._config.runs if each.run == run_id), None)
        if run is None:
            known = ", ".join(each.run for each in self._config.runs)
            return Refused(f"no meter run {run_id!r}; there are: {known[:300]}")
        serial = run.meter_serial
        device = next(each for each in self._config.devices if each.serial == serial)
        if not device.archives:
            return Refused(
                f"{device.name} ({device.profile.id}) has no archive that can be read; what was "
                "recorded is at central, or goes there: edge-agent export carries it by hand"
            )
        assert isinstance(start_ms, int)
        assert isinstance(end_ms, int)
        if start_ms < EARLIEST_UTC_MS or end_ms > LATEST_UTC_MS:
            return Refused("from and to lie between 2025 and 2100; sign it again with such times")
        asked = RangeAsked(self._clock.now(), run.run, serial, (start_ms, end_ms), offer.number)
        if not self._tell(asked):
            return Refused("the queue is full now; offer it again")
        return f"archives {', '.join(device.archives)} of {device.name} are read; see archive_read"
