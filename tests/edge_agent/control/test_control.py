"""Technicians' commands over real sockets, real ports and real journals."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from edge_agent.bus.device_reading import drive, reach
from edge_agent.bus.joining import Failed
from edge_agent.cli import main
from edge_agent.config.file import load_config
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.control import Control
from edge_agent.control.protocol import (
    MAX_LINE,
    Call,
    ClockRequest,
    ReadRequest,
    Request,
    Route,
    Routes,
    WriteRequest,
)
from edge_agent.control.server import (
    LINE_S,
    MAX_OF_ONE,
    MOST_TOLD,
    NO_ROUTES,
    ControlServer,
    read_line,
)
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import create_keys
from edge_agent.recording.device_recording import Fact
from protocols.evidence.leaf import Kind
from protocols.metering.instant import ClockState
from protocols.registers.library import load_profile
from simulators.plausible import Given
from tests.edge_agent.descriptors import none_left
from tests.edge_agent.gateway import GATEWAY, TOML, SetClock, wait_until, write_ca
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.served import NOON_MS, Served, serving

TIMEOUT_S = 30.0
UNIFLO = load_profile("flonidan-uniflo1200")


# ---- the socket itself --------------------------------------------------------------------------


@contextmanager
def server(
    path: Path,
    *,
    acts: bool = False,
    hold: threading.Event | None = None,
    routes: Routes = NO_ROUTES,
) -> Iterator[ControlServer]:
    """Answers with what it understood; `hold` keeps it thinking."""
    stop = threading.Event()

    def answer(request: Request, peer: str) -> dict[str, object]:
        if hold is not None:
            hold.wait(TIMEOUT_S)
        assert not isinstance(request, Call)
        return {"ok": True, "device": request.device, "peer": peer}

    thread = ControlServer(path, "", answer, stop, acts=acts, routes=routes)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        if hold is not None:
            hold.set()
        thread.join(5.0)


def connected(path: Path, uid: int | None = None) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(TIMEOUT_S)
    before = os.geteuid()
    try:
        os.seteuid(before if uid is None else uid)
        made.connect(str(path))
    finally:
        os.seteuid(before)
    return made


def test_a_socket_is_its_groups_and_knows_its_peer(tmp_path: Path) -> None:
    """0660, whatever the umask; the kernel's word for who asks; gone at the end."""
    path = tmp_path / "control" / "read.sock"
    with server(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        answer = ask_agent(path, ReadRequest("meter-1"))
        assert answer == {"ok": True, "device": "meter-1", "peer": f"uid {os.getuid()}"}
    assert not path.exists()
    with pytest.raises(NoAgent):
        ask_agent(path, ReadRequest("meter-1"))


def test_a_socket_left_by_a_kill_is_replaced(tmp_path: Path) -> None:
    """Until then nobody listens there, and that is found out at once."""
    path = tmp_path / "read.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NoAgent):
        ask_agent(path, ReadRequest("m"))
    with server(path):
        assert ask_agent(path, ReadRequest("m"))["ok"]


def test_each_socket_has_its_purpose(tmp_path: Path) -> None:
    """Nothing is written over the one for reading, nor the other way round."""
    path = tmp_path / "a.sock"
    with server(path):
        answer = ask_agent(path, WriteRequest("m", "p", "1", "w", "r"))
        assert answer == {"ok": False, "error": "this is not the socket for acting"}
    with server(path, acts=True):
        assert ask_agent(path, WriteRequest("m", "p", "1", "w", "r"))["ok"]
        assert "for reading" in str(ask_agent(path, ReadRequest("m"))["error"])


def test_a_call_goes_to_its_route(tmp_path: Path) -> None:
    """On the socket that it belongs to; what is not known is told with what is."""

    def told(call: Call, peer: str) -> dict[str, object]:
        return {"ok": True, "bus": call.name("bus"), "peer": peer}

    routes = {"take": Route(told, acts=True), "status": Route(told)}
    path = tmp_path / "a.sock"
    with server(path, acts=True, routes=routes):
        answer = ask_agent(path, Call("take", {"bus": "line-1"}))
        assert answer == {"ok": True, "bus": "line-1", "peer": f"uid {os.getuid()}"}
        assert "bus: must" in str(ask_agent(path, Call("take"))["error"])
        assert "for reading" in str(ask_agent(path, Call("status", {"bus": "b"}))["error"])
        unknown = str(ask_agent(path, Call("dance"))["error"])
        assert "'dance' is not known here; there are: clock, read, status, take, write" in unknown


def test_lines_are_bounded_and_several_are_answered(tmp_path: Path) -> None:
    """A connection may ask again; an endless line is closed without an answer."""
    path = tmp_path / "read.sock"
    with server(path):
        with connected(path) as client:
            for _ in range(3):
                client.sendall(b'{"do": "read", "device": "m"}\n')
                assert json.loads(client.recv(4096))["ok"]
            client.sendall(b"nonsense\n")
            assert "no JSON object" in json.loads(client.recv(4096))["error"]
        with connected(path) as client:
            client.sendall(b"x" * (MAX_LINE + 1))
            assert client.recv(4096) == b""


def test_a_line_byte_by_byte_has_the_deadline_of_a_line() -> None:
    """Whoever sends a byte a second, and each in time, keeps no place for an hour."""
    here, there = socket.socketpair()
    turns = 0

    def now_ms() -> int:
        nonlocal turns
        turns += 1
        there.sendall(b"x")
        return 1000 * turns

    with here, there:
        assert read_line(here, now_ms) is None
    assert turns == 1 + LINE_S


def test_only_so_many_are_served_at_once(tmp_path: Path) -> None:
    """One more is told so, and the place of one that left is free again."""
    path, hold = tmp_path / "read.sock", threading.Event()
    with server(path, hold=hold):
        clients = [connected(path) for _ in range(MAX_OF_ONE)]
        for client in clients:
            client.sendall(b'{"do": "read", "device": "m"}\n')
        with connected(path) as one_more:
            assert f"{MAX_OF_ONE} others" in json.loads(one_more.recv(4096))["error"]
        hold.set()
        for client in clients:
            assert json.loads(client.recv(4096))["ok"]
            client.close()
        assert wait_until(lambda: bool(ask_agent(path, ReadRequest("m"))["ok"]))


def test_whoever_hangs_in_all_places_is_seen(tmp_path: Path) -> None:
    """A server turns while it has a place or answers somebody; else its turn stands still, and
    hanging up frees whoever waits for his line."""
    path, hold = tmp_path / "read.sock", threading.Event()
    with server(path, hold=hold) as thread:
        began_ms = thread.last_turn_mono_ms
        assert wait_until(lambda: thread.last_turn_mono_ms > began_ms), "nobody asks"
        clients = [connected(path) for _ in range(MAX_OF_ONE)]
        for client in clients:
            client.sendall(b'{"do": "read", "device": "m"}\n')
        with connected(path) as one_more:
            one_more.recv(4096)  # it was refused: all places are taken
        stood_ms = thread.last_turn_mono_ms
        with connected(path) as one_more:
            one_more.recv(4096)
        assert thread.last_turn_mono_ms == stood_ms
        hold.set()
        assert wait_until(lambda: thread.last_turn_mono_ms > stood_ms), "answered"
        assert json.loads(clients[0].recv(4096))["ok"]
        thread.hang_up()
        assert clients[0].recv(4096) == b""
        for client in clients:
            client.close()


def test_a_process_without_descriptors_serves_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever connects then waits for his answer; the socket does not die of it."""
    path = tmp_path / "read.sock"
    with server(path) as thread, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT_S)
        with none_left():
            client.connect(str(path))
            assert wait_until(lambda: "Too many open files" in caplog.text)
        client.sendall(b'{"do": "read", "device": "m"}\n')
        assert json.loads(client.recv(4096))["ok"]
        assert thread.is_alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else by a call")
def test_nobody_takes_all_the_places() -> None:
    """One user's clients that never leave do not keep another one out."""
    with TemporaryDirectory() as folder, contextlib.ExitStack() as held:
        path = Path(folder) / "read.sock"
        path.parent.chmod(0o755)
        held.enter_context(server(path))
        path.chmod(0o666)
        for _ in range(MAX_OF_ONE):
            held.enter_context(connected(path)).sendall(b'{"do": "read", "device": "m"}\n')
        other = held.enter_context(connected(path, uid=65534))
        other.sendall(b'{"do": "read", "device": "m"}\n')
        assert json.loads(other.recv(4096))["peer"] == "uid 65534"


@pytest.mark.parametrize("acts", [False, True], ids=["read", "act"])
def test_a_flood_of_looks_becomes_a_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, acts: bool
) -> None:
    """So that it hides nobody's line; whoever acts is told each time."""
    path = tmp_path / "one.sock"
    caplog.set_level("INFO", logger="edge_agent.control.server")
    with server(path, acts=acts):
        for _ in range(MOST_TOLD + 5):
            ask_agent(path, ReadRequest("m"))
    lines = [one for one in caplog.records if "pid" in one.msg]
    told = sum(getattr(one, "is_told_each", False) for one in lines)
    assert len(lines) == MOST_TOLD + 5
    assert told == len(lines) if acts else MOST_TOLD <= told < len(lines)


def test_a_peer_that_closes_is_said(tmp_path: Path) -> None:
    """A peer that closes without a word is no answer."""
    path = tmp_path / "read.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        closing = threading.Thread(target=lambda: listening.accept()[0].close())
        closing.start()
        with pytest.raises(SocketError, match="see"):
            ask_agent(path, ReadRequest("m"))
        closing.join()


# ---- the commands -------------------------------------------------------------------------------


def write_config(directory: Path, port: int, control: str = "writes = true") -> Path:
    """One corrector on TCP."""
    head, _, rest = TOML.partition("[[bus]]")
    gas = rest[rest.index("[[gas]]") : rest.index("[[run]]")]
    device = f"""
[control]
{control}
[[bus]]
name = "lan"
type = "tcp"
host = "127.0.0.1"
tcp_port = {port}
timeout_s = 1.0
[[device]]
name = "corrector"
bus = "lan"
unit = 1
profile = "flonidan-uniflo1200"
serial = "U1"
poll_seconds = 0.5
clock_seconds = 0
write_limits = {{ press_low_limit = [1.0, 5.0] }}
"""
    write_ca(directory)
    path = directory / "gateway.toml"
    text = head.replace("batch_seconds = 300", "batch_seconds = 300\ndrain_seconds = 0")
    path.write_text(text + device + gas, encoding="utf-8")
    create_keys(directory / "state", GATEWAY, os.urandom)
    return path


def command(path: Path, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    """The command in this process: to start Python costs more than all that it does."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(answer))
        status = main([arguments[0], "--config", str(path), *arguments[1:]])
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def child_command(
    path: Path, *arguments: str, answer: str = ""
) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with all that it logs."""
    return subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", arguments[0], "--config", str(path),
         *arguments[1:]],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, input=answer,
    )  # fmt: skip


@contextmanager
def agent(path: Path) -> Iterator[None]:
    arguments = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(path)]
    log = path.parent / "agent.log"
    with log.open("w") as told, subprocess.Popen(arguments, stderr=told) as child:
        try:
            assert wait_until((path.parent / "state/control/read.sock").exists, TIMEOUT_S)
            yield
            child.send_signal(signal.SIGTERM)
            assert child.wait(TIMEOUT_S) == 0, log.read_text()
            assert "Traceback" not in log.read_text()
        finally:
            child.kill()


@pytest.fixture
def served() -> Served:
    return Served(UNIFLO, {"press_low_limit": Given(1.5)})


def writes(path: Path) -> list[tuple[object, ...]]:
    found = read_journal(path.parent / "state" / FILE_NAME)
    return [
        leaf.body for leaf in found.of(Kind.EVENT)
        if str(leaf.body[0]).startswith(("value_", "write_"))
    ]  # fmt: skip


WRITE = ("--who", "Li Wei", "--reason", "order 7", "--yes")


@pytest.mark.parametrize("running", [True, False])
def test_read_and_write(tmp_path: Path, served: Served, running: bool) -> None:
    """The same through a running agent and without one: shown, written, read back, recorded."""
    with serving(served) as port:
        path = write_config(tmp_path, port)
        with agent(path) if running else nullcontext():
            shown = command(path, "read", "--device", "corrector", "--point", "press_low_limit")
            assert shown.returncode == 0, shown.stderr
            assert shown.stdout.splitlines() == [
                "corrector, serial U1",
                "press_low_limit                  1.5 bar(a)",
            ]
            polled = command(path, "read", "--device", "corrector", "--json")
            values = {one["name"]: one for one in json.loads(polled.stdout)["values"]}
            assert set(UNIFLO.default_points) < set(values)
            assert values["vm"]["text"] == f"{values['vm']['number'] / 10_000:.4f} m3"
            change = ("write", "--device", "corrector", "--point", "press_low_limit")
            done = command(path, *change, "2.5", *WRITE)
            assert (done.returncode, done.stdout) == (0, "was 1.5 bar(a)\nis  2.5 bar(a)\n")
            refused = command(path, *change, "5.5", *WRITE)
            assert refused.returncode == 1
            assert "not written: 5.5 is outside 1.0 to 5.0 bar(a)" in refused.stderr
            unknown = command(path, "read", "--device", "nobody")
            assert "there are: corrector" in unknown.stderr
    asked, written, denied = writes(path)
    who = f"Li Wei (own word; {f'uid {os.getuid()}' if running else 'command line, no agent'})"
    assert asked == (
        "value_asked", "1.5 bar(a)", "2.5", who, "corrector press_low_limit: order 7",
    )  # fmt: skip
    assert written[:4] == ("value_written", "1.5 bar(a)", "2.5 bar(a)", who)
    assert denied[:4] == ("write_refused", None, "5.5", who)
    assert "outside 1.0 to 5.0" in str(denied[4])


@pytest.mark.parametrize("running", [True, False])
def test_a_password_is_recorded_nowhere(tmp_path: Path, served: Served, running: bool) -> None:
    """It goes to the device before the write, and is in no log and no answer."""
    with serving(served) as port:
        path = write_config(tmp_path, port)
        change = ("write", "--device", "corrector", "--point", "press_low_limit", "2", "--login")
        with agent(path) if running else nullcontext():
            done = child_command(path, *change, *WRITE, answer="geheim42\n")
    assert done.returncode == 0, done.stderr
    log = tmp_path / "agent.log"
    told = log.read_text() if running else ""
    leaves = read_journal(tmp_path / "state" / FILE_NAME).leaves
    assert "geheim42" not in f"{leaves}{told}{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    ("device", "state", "why"),
    [
        ("corrector", ClockState.UNSYNCHRONISED, "own clock is not synchronised"),
        ("corrector", ClockState.UNKNOWN, "own clock is not synchronised"),
        ("corrector", ClockState.SYNCHRONISED, ""),
    ],
)
def test_a_clock_is_set_to_believed_utc_only(
    tmp_path: Path, served: Served, device: str, state: ClockState, why: str
) -> None:
    """Recorded with what the device showed before and after, or refused and recorded too."""
    config = load_config(write_config(tmp_path, 1))
    clock = SetClock(1_000)
    clock.offset_ms, clock.state = NOON_MS - 1_000, state
    served.offset_ms = 300_000
    facts: list[Fact] = []

    def ask(device, names, make):  # type: ignore[no-untyped-def]
        to = reach(device, names, served.exchange)
        return to if isinstance(to, Failed) else drive(make(to), served.exchange)

    def note(told: Sequence[Fact]) -> bool:
        facts.extend(told)
        return True

    control = Control(config, ask, note, clock)
    answer = control.answer(ClockRequest(device, "Li", "after a reset"), "uid 7")
    codes = [fact.code for fact in facts]
    if why:
        assert why in str(answer["error"])
        assert codes == ["write_refused"]
    else:
        assert answer == {"ok": True, "old": "2026-08-01 12:05:00", "new": "2026-08-01 20:00:00"}
        assert codes == ["value_asked", "value_written"]
        assert facts[1].old == "2026-08-01 12:05:00"
        assert facts[1].who == "Li (own word; uid 7)"


def test_nothing_is_written_that_cannot_be_recorded(tmp_path: Path, served: Served) -> None:
    """A journal that takes nothing stops the write before it is sent."""
    config = load_config(write_config(tmp_path, 1))

    def ask(device, names, make):  # type: ignore[no-untyped-def]
        to = reach(device, names, served.exchange)
        return to if isinstance(to, Failed) else drive(make(to), served.exchange)

    control = Control(config, ask, lambda _: False, SetClock())
    request = WriteRequest("corrector", "press_low_limit", "2", "Li", "r")
    assert "the journal takes nothing" in str(control.answer(request, "uid 7")["error"])
    shown = control.answer(ReadRequest("corrector", ("press_low_limit",)), "uid 7")
    assert shown["values"][0]["text"] == "1.5 bar(a)"  # type: ignore[index]


def test_writes_are_off_by_default(tmp_path: Path, served: Served) -> None:
    """Nothing sent, and what to do about it; the socket for other acts refuses them too."""
    with serving(served) as port:
        path = write_config(tmp_path, port, control="")
        change = ("write", "--device", "corrector", "--point", "press_low_limit", "2")
        told = command(path, *change, *WRITE)
        assert (told.returncode, served.asked) == (2, 0)
        assert "[control] writes = true" in told.stderr
        with agent(path):
            assert command(path, *change, *WRITE).returncode == 2
            request = WriteRequest("corrector", "press_low_limit", "2", "Li", "why")
            answer = ask_agent(tmp_path / "state/control/act.sock", request)
            assert (answer["ok"], "writes are off" in str(answer["error"])) == (False, True)


def test_somebody_must_confirm(tmp_path: Path, served: Served) -> None:
    """Without a terminal nothing is written unless --yes says so."""
    with serving(served) as port:
        path = write_config(tmp_path, port)
        told = command(
            path, "write", "--device", "corrector", "--point", "press_low_limit", "2",
            "--who", "Li", "--reason", "r", answer="y\n",
        )  # fmt: skip
    assert told.returncode == 2
    assert "give --yes" in told.stderr
    assert served.asked == 0


@pytest.mark.parametrize(("said", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_a_terminal_is_asked(tmp_path: Path, served: Served, said: str, status: int) -> None:
    """What is written, over what, within which limits and by whom; in 80 columns."""
    with serving(served) as port:
        path = write_config(tmp_path, port)
        mine, its = os.openpty()
        arguments = [
            sys.executable, "-m", "edge_agent.cli", "write", "--config", str(path),
            "--device", "corrector", "--point", "press_low_limit", "2",
            "--who", "Li Wei", "--reason", "the order of Monday " * 6,
        ]  # fmt: skip
        with subprocess.Popen(arguments, stdin=its, stdout=subprocess.PIPE, text=True) as child:
            os.write(mine, f"{said}\n".encode())
            told, _ = child.communicate(timeout=TIMEOUT_S)
        os.close(mine)
        os.close(its)
    assert child.returncode == status
    assert all(len(line) <= 80 for line in told.splitlines())
    assert "device  corrector, serial U1, flonidan-uniflo1200" in told
    assert "point   press_low_limit, now 1.5 bar(a)" in told
    assert "write   2, allowed 1.0 to 5.0" in told
    assert "write it? [y/N]" in told
    assert ("is  2 bar(a)" in told) == (status == 0)
    assert ("nothing was written" in told) == (status == 1)


def test_a_device_that_does_not_answer_is_said(tmp_path: Path, served: Served) -> None:
    """The attempt is on record, with why."""
    served.silent = True
    with serving(served) as port:
        path = write_config(tmp_path, port)
        read = command(path, "read", "--device", "corrector")
        assert (read.returncode, "no answer" in read.stderr) == (1, True)
        told = command(
            path, "write", "--device", "corrector", "--point", "press_low_limit", "2", *WRITE
        )
    assert told.returncode == 1
    [refused] = writes(path)
    assert refused[0] == "write_refused"
    assert "its old value cannot be read" in str(refused[4])


def test_an_agent_that_does_not_listen_is_said(tmp_path: Path, served: Served) -> None:
    """One that runs with another configuration: nobody else may touch the port."""
    with serving(served) as port:
        path = write_config(tmp_path, port)
        with agent(path):
            (tmp_path / "state/control/read.sock").unlink()
            told = command(path, "read", "--device", "corrector")
    assert told.returncode == 2
    assert "does not listen at" in told.stderr
    assert "restart it" in told.stderr


def test_a_socket_that_ends_late_leaves_the_next_ones_file(tmp_path: Path) -> None:
    """An agent that begins anew has its own there already: else nobody could ask it any more."""
    path = tmp_path / "read.sock"
    with server(path) as late, server(path):
        late._stop_event.set()  # its own, not the other's
        late.join(TIMEOUT_S)
        assert ask_agent(path, ReadRequest("m"))["ok"]
    assert not path.exists()
