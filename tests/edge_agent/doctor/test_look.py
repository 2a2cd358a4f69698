"""What is looked at, and what is said where it cannot be; the rest: `test_faults*.py`."""

from __future__ import annotations

import socket
import threading

from edge_agent.doctor.host import AgentState
from edge_agent.doctor.look import Wanted, ask, look
from edge_agent.state_lock import state_lock
from tests.edge_agent.gateway import TOML, config_of, write_ca


def test_nobody_is_there(tmp_path) -> None:
    """No socket and no lock."""
    config = config_of(tmp_path)
    assert ask(config).state is AgentState.NONE


def test_a_deaf_agent(tmp_path) -> None:
    """The lock is held and nobody listens; or who listens speaks of something else."""
    config = config_of(tmp_path)
    with state_lock(config.state_dir):
        asked = ask(config)
        assert asked.state is AgentState.DEAF
        assert str(config.control.read_socket) in asked.error
        config.control.directory.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(config.control.read_socket))
            listener.listen()

            def answer() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b'{"ok": false, "error": "status: not known here"}\n')

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            assert ask(config).state is AgentState.DEAF
            thread.join(5)
            hung = ask(config, 0.2)  # the connection waits in the backlog
            assert hung.state is AgentState.DEAF
            assert "gave no answer within 0.2 s: it hangs" in hung.error


def test_a_file_with_faults_is_all_that_is_known(tmp_path) -> None:
    """Each fault is told; nothing else is guessed of such a file."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML.replace("sick-flowsic500", "sick-flowsic501").replace("qmax_m3_h", "qmx"))
    looked = look(path, Wanted(), lambda _part: None)
    assert looked.snapshot is None
    assert looked.config is None
    assert len(looked.host.config_faults) >= 2
    assert any("sick-flowsic501" in fault for fault in looked.host.config_faults)
