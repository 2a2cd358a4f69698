"""`edge-sim demo`: plant, central and agent as separate processes on loopback, then the judgement.

Everything it makes lies in one directory. What each program is told is what an installer would do:
its own CA and certificate, the gateway's keys, the allow-list, two configuration files.
"""

from __future__ import annotations

import datetime
import json
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from simulators.central_page import NoAnswerError, get_json
from simulators.certificates import make_certificates
from simulators.children import Child, Children, tail
from simulators.config_files import Gateway, Pace, central_toml, gateway_toml
from simulators.demo_directory import demo_directory
from simulators.failure import DemoAborted, DemoError
from simulators.plant_process import PLANT_FILE, read_books
from simulators.progress import Progress
from simulators.site import demo_site, with_station
from simulators.verdict import Evidence, Verdict, judge, table

if TYPE_CHECKING:
    from types import FrameType

GATEWAY: Final = "gw-1"
HOST: Final = "127.0.0.1"
PAGE_PORT: Final = 8080
ABORTED: Final = 143
_PLANT_DIR: Final = "plant"
_STORE_DIR: Final = "central"
_STATE_DIR: Final = "state"
_EXPORT_DIR: Final = "export"
_START_S: Final = 60.0
_STOP_S: Final = 60.0
_RECOMPUTE_S: Final = 60.0
_LOOK_S: Final = 1.0


class DemoOptions(NamedTuple):
    """`seconds` None: until Ctrl-C."""

    directory: Path
    seconds: float | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> DemoOptions:
        """DEMO_DIR and DEMO_SECONDS; raises DemoError for a duration that is none."""
        text = environment.get("DEMO_SECONDS", "").strip()
        try:
            seconds = float(text) if text else None
        except ValueError:
            seconds = 0.0
        if seconds is not None and not 1.0 <= seconds <= 1e7:
            raise DemoError(f"DEMO_SECONDS={text[:40]}: must be a number of seconds, at least 1")
        return cls(Path(environment.get("DEMO_DIR") or ".demo"), seconds)


class Running(NamedTuple):
    """The demo as it runs."""

    children: Children
    directory: Path
    plant: Child
    central: Child
    agent: Child
    page_port: int


def run_demo(options: DemoOptions) -> int:
    """Run it all; the exit status. Raises DemoError where it cannot go on."""
    stop = threading.Event()
    _take_signals(stop)
    try:
        with demo_directory(options.directory) as directory:
            with Children(directory, Path(sys.executable).parent) as children:
                running = _start(children, directory)
                _watch(running, options.seconds, stop)
                verdict = _finish(running)
                exported = _export(running, verdict)
            _say(f"{table(verdict)}\n{exported}")
            _say(f"Everything stays in {directory}: logs, journal, store.")
            _say(json.dumps(verdict.to_json()))
    except DemoAborted:
        return ABORTED
    return 0 if verdict.passed else 1


def _take_signals(stop: threading.Event) -> None:
    """Ctrl-C once: a good end. Again, or SIGTERM, or the terminal closed: the end at once."""

    def abort(*_: object) -> None:
        raise DemoAborted

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise DemoAborted
        stop.set()

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, abort)
    signal.signal(signal.SIGHUP, abort)


def _start(children: Children, directory: Path) -> Running:
    """Central first, so that the agent finds it; the plant before the agent's configuration."""
    _say(f"Making keys and configuration in {directory} ...")
    make_certificates(directory, datetime.datetime.now(datetime.UTC))
    children.run(["edge-central", "init", "--store", _STORE_DIR])
    receipt_key = _last_word(children.run(["edge-central", "receipt-key", "--store", _STORE_DIR]))
    children.run(["edge-agent", "key", "new", "--state", _STATE_DIR, "--gateway", GATEWAY])
    shown = children.run(["edge-agent", "key", "show", "--state", _STATE_DIR])
    children.run(
        ["edge-central", "gateway", "add", "--store", _STORE_DIR, GATEWAY, _find_vkey(shown)]
    )
    central, page_port, intake_port = _start_central(children, directory)
    plant = children.start("plant", ["edge-sim", "plant", "--dir", _PLANT_DIR])
    place = directory / _PLANT_DIR / PLANT_FILE
    _wait(children, "the plant", place.exists)
    gateway = Gateway(GATEWAY, f"https://{HOST}:{intake_port}", receipt_key, state_dir=_STATE_DIR)
    buses = json.loads(place.read_text(encoding="utf-8"))["buses"]
    (directory / "gateway.toml").write_text(
        gateway_toml(with_station(demo_site()), buses, gateway, Pace()), encoding="utf-8"
    )
    agent = children.start("agent", ["edge-agent", "run", "--config", "gateway.toml"])
    _say(f"Page: http://{HOST}:{page_port}/")
    return Running(children, directory, plant, central, agent, page_port)


def _start_central(children: Children, directory: Path) -> tuple[Child, int, int]:
    """Central, the ports of its page and its intake; another page port where somebody was quicker.

    Its own log must name the page: on that port somebody else's central may answer too.
    """
    for wanted in (PAGE_PORT, 0, 0):
        page_port, intake_port = _free_port(wanted), _free_port(0)
        text = central_toml(_STORE_DIR, f"{HOST}:{intake_port}", f"{HOST}:{page_port}")
        (directory / "central.toml").write_text(text, encoding="utf-8")
        central = children.start("central", ["edge-central", "serve", "--config", "central.toml"])
        page = f"http://{HOST}:{page_port}"

        def ready(central: Child = central, page: str = page, port: int = page_port) -> bool:
            return _lost_its_port(central) or (page in tail(central.log) and _answers(port))

        _wait(children, "central's page", ready)
        if not _lost_its_port(central):
            return central, page_port, intake_port
    raise DemoError(f"central finds no free port:\n{tail(central.log)}")


def _lost_its_port(central: Child) -> bool:
    return central.process.poll() is not None and "Address already in use" in tail(central.log)


def _watch(running: Running, seconds: float | None, stop: threading.Event) -> None:
    """Until the time is over or Ctrl-C: look after the children, show where central stands."""
    begin_s = time.monotonic()
    end_s = float("inf") if seconds is None else begin_s + seconds
    _say("Running until Ctrl-C." if seconds is None else f"Running for {seconds:g} s.")
    progress = Progress(sys.stdout)
    while not stop.is_set() and (left_s := end_s - time.monotonic()) > 0:
        stop.wait(min(_LOOK_S, left_s))
        running.children.check()
        try:
            summary = get_json(HOST, running.page_port, "/api/summary")
        except NoAnswerError:
            continue  # busy; if it were dead, the check above would tell
        progress.show(time.monotonic() - begin_s, summary)
    progress.end()


def _finish(running: Running) -> Verdict:
    """Stop the agent, let central finish, stop the rest, compare."""
    _say("Stopping the agent: it closes its intervals and uploads everything ...")
    stopped_utc_ms = time.time_ns() // 1_000_000
    running.children.stop(running.agent, _STOP_S)
    _wait_for_recompute(running)
    running.children.stop(running.plant, _STOP_S)
    port = running.page_port
    try:
        summary = get_json(HOST, port, "/api/summary")
        runs = own_runs(get_json(HOST, port, "/api/runs")["runs"])
        last_index = {row["run"]: _last_index(port, row) for row in runs}
    except NoAnswerError as error:
        raise DemoError(f"{error}\n{running.central.log} says more") from error
    running.children.stop(running.central, _STOP_S)
    books = read_books(running.directory / _PLANT_DIR)
    return judge(Evidence(books, summary, runs, last_index, stopped_utc_ms))


def _export(running: Running, verdict: Verdict) -> str:
    """What a customer could take away, checked as he would. Raises DemoError for a flaw."""
    if not verdict.summary["receipts"]:
        return "Nothing was uploaded: there is nothing to export."
    where = ["--store", _STORE_DIR, "--gateway", GATEWAY]
    running.children.run(["edge-central", "export", *where, "--out", _EXPORT_DIR])
    told = running.children.run(["edge-agent", "verify", _EXPORT_DIR]).splitlines()
    place = running.directory / _EXPORT_DIR
    return f"edge-agent verify {place}\n  {told[0]}"


def _wait_for_recompute(running: Running) -> None:
    """Until the ledger has followed the whole log; after the deadline the judgement says what
    is missing."""
    deadline_s = time.monotonic() + _RECOMPUTE_S
    pause = threading.Event()
    while time.monotonic() < deadline_s:
        running.children.check()
        try:
            summary = get_json(HOST, running.page_port, "/api/summary")
        except NoAnswerError:
            summary = {}
        if summary and has_followed(summary):
            return
        pause.wait(0.2)


def has_followed(summary: dict[str, Any]) -> bool:
    """Whether the ledger is through with all that central holds; there may be no interval yet."""
    return bool(summary["ledger_leaves"] == summary["leaves"] and not summary["recompute_pending"])


def own_runs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the demo's gateway: somebody may have commissioned another one beside it."""
    return [row for row in rows if row["gateway"] == GATEWAY]


def _last_index(port: int, row: dict[str, Any]) -> int | None:
    path = f"/api/runs/{row['gateway']}/{row['run']}/intervals?limit=1"
    intervals = get_json(HOST, port, path)["intervals"]
    return intervals[-1]["index_end"] if intervals else None


def _wait(children: Children, what: str, ready: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _START_S
    pause = threading.Event()
    while not ready():
        children.check()
        if time.monotonic() > deadline_s:
            raise DemoError(f"{what} was not there within {_START_S:.0f} s; see the logs")
        pause.wait(0.1)


def _answers(port: int) -> bool:
    try:
        get_json(HOST, port, "/healthz")
    except NoAnswerError:
        return False
    return True


def _free_port(wanted: int) -> int:
    """The wanted port if nobody has it, else any."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError(f"no free port on {HOST}")


def _last_word(output: str) -> str:
    words = output.split()
    if not words:
        raise DemoError("edge-central receipt-key printed nothing")
    return words[-1]


def _find_vkey(output: str) -> str:
    found = re.search(rf"{re.escape(GATEWAY)}\+[0-9a-f]{{8}}\+[A-Za-z0-9+/=]+", output)
    if found is None:
        raise DemoError(f"edge-agent key show printed no verifier key:\n{output}")
    return found[0]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
