"""What stands before the uploads: central's heads are asked, and what they mean is done.

Closed at the start of a process, and again when an answer raises a doubt. At a start a journal that
was set back, or forked, begins a new epoch. Later the same finding means that another machine signs
with this key: then the uplink stands still, over restarts, until an operator decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.uplink.failure import Failure
from edge_agent.uplink.standstill import FILE_NAME, stand_still, stands_still
from edge_agent.uplink.start_check import CloneSuspected, GoOn, OpenEpoch
from protocols.evidence.facts import EpochReason

if TYPE_CHECKING:
    from edge_agent.uplink.heads_check import HeadsCheck
    from edge_agent.uplink.lane import Lane
    from protocols.evidence.facts import Citation
    from protocols.evidence.leaf import Log

CLONE_SUSPECTED: Final = "clone_suspected"
LOST_AT_CENTRAL: Final = "lost_at_central"
_log = logging.getLogger(__name__)


class RecorderSide(NamedTuple):
    """What the recorder does for it; each True when it is durable.

    `note`: an event (code, old, new, detail). `open_epoch`: a reason, what it cites, and the epoch
    that the new one must be above. `damaged`: rows that are not what was recorded.
    """

    note: Callable[[str, int | str | None, int | str | None, str], bool]
    open_epoch: Callable[[EpochReason, tuple[Citation, ...], int], bool]
    damaged: Callable[[Log, tuple[int, ...]], bool]


class Gate:
    """For the uplink's thread. Raises OSError where the state directory cannot be read."""

    def __init__(
        self, check: HeadsCheck, recorder: RecorderSide, state_dir: Path, vkey: str
    ) -> None:
        self._check = check
        self._recorder = recorder
        self._state_dir = state_dir
        self._vkey = vkey
        self._running = False
        self.is_open = False
        why = stands_still(state_dir, vkey)
        self.stands_still = why is not None
        if why is not None:
            self._tell(why)

    def doubt(self) -> None:
        """An answer that needs central's heads to be understood."""
        self.is_open = False

    def knock(self, lanes: Mapping[Log, Lane], now: float) -> Failure | None:
        """Ask once and act; None where that went well, which may leave it closed."""
        decision = self._check.ask(running=self._running)
        if isinstance(decision, Failure):
            return decision
        if isinstance(decision, OpenEpoch):
            return self._open_epoch(decision, lanes, now)
        if isinstance(decision, CloneSuspected):
            return self._stop(decision)
        return self._go_on(decision, lanes)

    def _go_on(self, decision: GoOn, lanes: Mapping[Log, Lane]) -> Failure | None:
        for log in decision.adopt:
            lost = self._check.adopt(log)
            if isinstance(lost, Failure):
                return lost
            first, size = lost
            _log.error(
                "%s: central lost leaves %d to %d, this gateway no longer holds them; central took "
                "its own receipt for them",
                log.value,
                first,
                size,
            )
            self._recorder.note(LOST_AT_CENTRAL, first, size, f"leaves of {log.value}")
            lanes[log].position = None
        for log, size in decision.again.items():
            lanes[log].position = size
            _log.warning("%s: central ends at %d; what it lost is sent again", log.value, size)
        self._running = self.is_open = True
        return None

    def _open_epoch(
        self, decision: OpenEpoch, lanes: Mapping[Log, Lane], now: float
    ) -> Failure | None:
        _log.error("central holds another log than this journal (%s): a new epoch", decision.reason)
        reason = EpochReason(decision.reason.value)
        if not self._recorder.open_epoch(reason, self._check.citations, decision.above):
            return Failure("a new epoch could not be stored", "look at the disk")
        for lane in lanes.values():
            lane.begin_anew(now)
        return None

    def _stop(self, decision: CloneSuspected) -> Failure | None:
        told = ", ".join(f"{one.log.value} {one.size}" for one in self._check.citations)
        why = f"{decision.reason}: central holds what this gateway never recorded ({told})"
        try:
            stand_still(self._state_dir, self._vkey, why)
        except OSError as error:
            return Failure(f"{self._state_dir}: {error}", "look at the disk")
        self.stands_still = True
        self._recorder.note(CLONE_SUSPECTED, None, decision.reason.value, why)
        self._tell(why)
        return None

    def _tell(self, why: str) -> None:
        _log.critical(
            "nothing is sent any more, polling goes on: another machine seems to use the key of "
            "this gateway (%s); find it, then enrol this gateway again, or delete %s and restart",
            why,
            self._state_dir / FILE_NAME,
        )
