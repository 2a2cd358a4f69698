"""Eight meter runs of three instruments each, and a small central: what memory is measured with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocols.registers.library import load_profile
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange
from simulators.framing import TCP
from simulators.plausible import Given, Now, Plausible
from simulators.served_device import ServedDevice
from simulators.tcp_bus import TcpBus, TcpKind
from tests.edge_agent.gateway import TOML
from tests.edge_agent.tls_central import Request, TlsCentral

RUNS = 8
# its resolutions as configured, and a flow within Qmax: else nothing is metered or converted
METER = {
    "resolution_vm": Given(-3.0),
    "resolution_vb": Given(-3.0),
    "vm": Given(5_000.0, 100.0),
    "vb": Given(9_000.0, 400.0),
}
PROFILES = {"meter": "sick-flowsic500", "p": "keller-33x", "t": "rosemount-3095fb"}


def eight_runs_toml(poll_s: float, interval_s: int, batch_s: float, port: int, url: str) -> str:
    """gateway.toml: all on one TCP bus, unit 1 to 24; converted by three methods."""
    head = TOML[: TOML.index("[[bus]]")].replace("https://localhost:1", url)
    head = head.replace("batch_seconds = 300", f"batch_seconds = {batch_s}")
    head = head.replace("queue_scans = 50", "queue_scans = 1000")
    parts = [head, f'[[bus]]\nname = "lan"\ntype = "tcp"\nhost = "127.0.0.1"\ntcp_port = {port}\n']
    for n in range(1, RUNS + 1):
        for place, (kind, profile) in enumerate(PROFILES.items()):
            parts.append(
                f'[[device]]\nname = "{kind}-{n}"\nbus = "lan"\nunit = {3 * n - 2 + place}\n'
                f'profile = "{profile}"\nserial = "{kind.upper()}{n}"\npoll_seconds = {poll_s}\n'
            )
    parts.append(TOML[TOML.index("[[gas]]") : TOML.index("[[run]]")])
    run = TOML[TOML.index("[[run]]") : TOML.index("[[regulator]]")]
    run = run.replace("interval_seconds = 6", f"interval_seconds = {interval_s}")
    stale_s = min(3600, max(20, round(20 * poll_s)))
    run = run.replace("stale_seconds = 20", f"stale_seconds = {stale_s}")
    for n in range(1, RUNS + 1):
        text = run.replace('"R1"', f'"R{n}"')
        for kind in PROFILES:
            text = text.replace(f'"{kind}-1"', f'"{kind}-{n}"')
        parts.append(text)
    return "".join(parts)


class ForgetfulCentral(TlsCentral):
    """Keeps heads and no leaf: what it remembers would be taken for the agent's memory.

    Says nothing while it is away.
    """

    is_away = False

    def answer(self, request: Request, body: bytes) -> None:
        if self.is_away:
            request.close_connection = True
        else:
            super().answer(request, body)

    def take(self, body: bytes) -> tuple[int, bytes]:
        status, answer = super().take(body)
        for leaves in self.leaves.values():
            leaves.clear()
        del self.requests[:-1], self.unsent[:]
        return status, answer


def instruments() -> dict[int, ServedDevice]:
    """All of them, by unit."""
    profiles = {kind: load_profile(name) for kind, name in PROFILES.items()}
    devices = {}
    for n in range(1, RUNS + 1):
        for place, profile in enumerate(profiles.values()):
            unit = 3 * n - 2 + place
            given = METER if profile.id == PROFILES["meter"] else {}
            devices[unit] = ServedDevice(profile, unit, Plausible(profile, unit, given))
    return devices


@contextmanager
def served_instruments() -> Iterator[int]:
    """The port on which all of them answer."""
    devices = instruments()
    began_ms = time.time_ns() // 1_000_000

    def answer(unit: int, pdu: bytes) -> bytes | None:
        utc_ms = time.time_ns() // 1_000_000
        elapsed_ms = utc_ms - began_ms + 3_600_000
        device = devices.get(unit)
        return (
            None
            if device is None
            else device.answer(unit, pdu, Now(elapsed_ms, elapsed_ms, utc_ms))
        )

    stop = threading.Event()
    exchange = FaultyExchange(TCP, answer, parse_faults(""), 1, lambda: 0)
    bus = TcpBus("127.0.0.1", 0, exchange, stop, TcpKind(TCP))
    bus.start()
    try:
        yield bus.port
    finally:
        stop.set()
        bus.join(5)


def rss_kb(pid: int | str) -> int:
    """Resident, of a process, as the kernel adds it up page by page."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("Rss:")).split()[1])
