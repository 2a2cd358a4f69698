"""A procedure on one device as a job of its bus: joined first, then a few requests a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from edge_agent.bus.device_reading import Driven, Procedure, Reach, reach
from edge_agent.bus.joining import Failed
from edge_agent.bus.link import Answer
from edge_agent.config.model import DeviceConfig
from protocols.metering.quality import Quality
from protocols.modbus.answer import Asked

Result = TypeVar("Result")


class DeviceJob(Generic[Result]):
    """`make` gives the procedure once the device is joined; `tell` gets its result, or why not.

    `names` are the points that it will read. `may_go_on` says False while what was found last
    cannot be handed on yet: then the bus does nothing for this job.
    """

    def __init__(
        self,
        device: DeviceConfig,
        names: Sequence[str],
        make: Callable[[Reach], Procedure[Result | Failed]],
        tell: Callable[[Result | Failed], None],
        deadline_mono_ms: int,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self.deadline_mono_ms = deadline_mono_ms
        self._device = device
        self._names = names
        self._make = make
        self._tell = tell
        self._may_go_on = may_go_on
        self._driven: Driven[Result | Failed] | None = None

    @property
    def bus(self) -> str:
        """Whose thread does it."""
        return self._device.bus

    def step(self, exchange: Callable[[Asked], Answer]) -> bool | None:
        """Join, or a few requests."""
        if not self._may_go_on():
            return None
        if self._driven is None:
            to = reach(self._device, self._names, exchange)
            if isinstance(to, Failed):
                self._tell(to)
                return True
            self._driven = Driven(self._make(to))
        if self._driven.step(exchange):
            self._tell(self._driven.result)
            return True
        return False

    def abandon(self, reason: str) -> None:
        """Nothing of it is done any more. What was asked already may have been a write."""
        if self._driven is not None:
            reason = f"{reason}; it had begun, and how much of it was done is not known"
        self._tell(Failed(Quality.BAD_PORT, reason))
