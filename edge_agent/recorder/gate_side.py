"""What the uplink asks the recorder for, when central's heads want it: an event, a new epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.recording.device_recording import AGENT, Fact
from edge_agent.recording.epoch_opening import Opening
from edge_agent.uplink.gate import RecorderSide

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.recorder.recorder import Recorder
    from protocols.evidence.facts import Citation, EpochReason
    from protocols.evidence.leaf import Log

NOTE_S: Final = 30.0
HEAL_S: Final = 120.0  # all rows of a log are looked at
OPEN_EPOCH_S: Final = 600.0  # a backlog is appended again; asked again after that, it goes on


def recorder_side(recorder: Recorder, clock: Now) -> RecorderSide:
    """Each waits until it is durable, within its time."""

    def note(code: str, old: int | str | None, new: int | str | None, detail: str) -> bool:
        fact = Fact(clock.now(), code, "", old, new, AGENT, detail)
        return recorder.note([fact], NOTE_S)

    def open_epoch(reason: EpochReason, citations: tuple[Citation, ...], above: int) -> bool:
        return recorder.open_epoch(Opening(reason, citations, above), OPEN_EPOCH_S)

    def damaged(log: Log, seqs: tuple[int, ...]) -> bool:
        return recorder.damaged(log, seqs, HEAL_S)

    return RecorderSide(note, open_epoch, damaged)
