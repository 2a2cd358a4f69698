"""Technicians' requests to a running agent: as jobs on its buses, recorded by its recorder."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from edge_agent.bus.device_job import DeviceJob
from edge_agent.bus.device_reading import Procedure, Reach
from edge_agent.bus.jobs import Jobs
from edge_agent.bus.joining import Failed
from edge_agent.bus.poller import Now
from edge_agent.config.model import AgentConfig, DeviceConfig
from edge_agent.control.control import Control
from edge_agent.control.protocol import Routes
from edge_agent.control.server import NO_ROUTES, ControlServer
from edge_agent.recording.device_recording import Fact, Said
from protocols.metering.quality import Quality

ASK_S: Final = 20.0
NOTE_S: Final = 10.0
GRACE_S: Final = 5.0
"""A job that has begun by its deadline is waited for a little longer."""
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class BusAsk:
    """`Ask` by the bus threads."""

    def __init__(self, jobs: Mapping[str, Jobs], clock: Now) -> None:
        self._jobs = jobs
        self._clock = clock

    def __call__(
        self,
        device: DeviceConfig,
        names: Sequence[str],
        make: Callable[[Reach], Procedure[Result | Failed]],
    ) -> Result | Failed:
        found: list[Result | Failed] = []
        done = threading.Event()

        def tell(result: Result | Failed) -> None:
            found.append(result)
            done.set()

        deadline_ms = self._clock.now().mono_ms + round(1000 * ASK_S)
        job = DeviceJob(device, names, make, tell, deadline_ms)
        if not self._jobs[device.bus].put(job):
            return Failed(Quality.BAD_PORT, f"bus {device.bus} has too much to do: try again")
        if not done.wait(ASK_S + GRACE_S):
            detail = f"not done within {ASK_S + GRACE_S:g} s; whether it was done is not known"
            return Failed(Quality.BAD_PORT, detail)
        return found[0]


def control_servers(
    config: AgentConfig,
    jobs: Mapping[str, Jobs],
    note: Callable[[Sequence[Fact | Said], float], bool],
    clock: Now,
    stop: threading.Event,
    routes: Routes = NO_ROUTES,
) -> list[ControlServer]:
    """The sockets; a machine that cannot have them still meters, and says so.

    There is one for acting where writes are on, or anything that acts may be asked.
    """
    if config.control is None:
        return []
    control = Control(config, BusAsk(jobs, clock), lambda facts: note(facts, NOTE_S), clock)
    wanted = [(config.control.read_socket, config.control.read_group, False)]
    if config.control.writes or any(route.acts for route in routes.values()):
        wanted.append((config.control.act_socket, config.control.act_group, True))
    servers = []
    for path, group, acts in wanted:
        try:
            server = ControlServer(path, group, control.answer, stop, acts=acts, routes=routes)
            servers.append(server)
        except (OSError, KeyError) as error:
            _log.error(
                "no control socket %s: %s; edge-agent read and write must do without the agent"
                " (check [control] dir and groups)",
                path,
                error,
            )
    return servers
