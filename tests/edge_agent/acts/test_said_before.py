"""A statement whose answer was lost is not made twice."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_agent.acts.act import Act, Who
from edge_agent.acts.configuration import InForceNow, record_after
from edge_agent.acts.routes import Desk, Notices, state_here
from edge_agent.acts.said_before import was_said
from edge_agent.control.protocol import Call, parse_request
from edge_agent.journal.journal import FILE_NAME
from edge_agent.recording.device_recording import Fact, Said
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.statement import Statement
from tests.edge_agent.gateway import GATEWAY, config_of, new_journal
from tests.edge_agent.opened import Rig

BY = Who("Li Wei", "a leak")
ACT = Act("R1", "meter_replaced", BY, (("old_serial", "M1"), ("new_serial", "M2")), ())


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    config = config_of(tmp_path)
    new_journal(config).close()
    made = Rig(config)
    assert made.recorder.begin()
    yield made
    made.journal.close()


def note(rig: Rig, facts: Sequence[Fact | Said]) -> bool:
    """As the recorder does, in its own time."""
    rig.recorder.note(facts, 0.0)
    return rig.recorder.turn()


def statements(rig: Rig) -> list[str]:
    return [leaf.body[0] for leaf in rig.all_leaves(Log.BILLING) if leaf.kind is Kind.STATEMENT]


def serve(rig: Rig, listening: socket.socket, *, dies: bool) -> None:
    """One call, as an agent answers it; `dies`: it is killed when the statement is durable."""
    path = rig.config.state_dir / FILE_NAME
    desk = Desk(
        lambda facts: note(rig, facts), rig.polls.clock, Notices(rig.config.state_dir),
        lambda said: was_said(path, GATEWAY, said),
    )  # fmt: skip
    connection, _ = listening.accept()
    with connection, connection.makefile("rb") as lines:
        call = parse_request(lines.readline().rstrip(b"\n"))
        assert isinstance(call, Call)
        answer = state_here(call, "uid 0", desk)
        if not dies:
            connection.sendall(json.dumps(answer).encode() + b"\n")


def test_a_kill_between_the_statement_and_its_answer_makes_no_second_one(rig: Rig) -> None:
    """The command asks again, since it cannot know; the next agent finds it in the log."""
    assert rig.config.control is not None
    path, done = rig.config.control.act_socket, InForceNow(2, trial=False, running=True)
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening, ThreadPoolExecutor(1) as command:
        listening.settimeout(20)
        listening.bind(str(path))
        listening.listen()
        told = command.submit(record_after, rig.config, ACT, done)
        serve(rig, listening, dies=True)
        serve(rig, listening, dies=False)
        assert told.result(20)["ok"]
        assert statements(rig) == ["meter_replaced"]
        # said once more by a person it is another act
        told = command.submit(record_after, rig.config, ACT, done)
        serve(rig, listening, dies=False)
        assert told.result(20)["ok"]
    assert statements(rig) == ["meter_replaced"] * 2


def test_only_the_very_same_was_said(rig: Rig) -> None:
    """By the same person, about the same, with the same fields; whoever the kernel knows him as."""
    path = rig.config.state_dir / FILE_NAME
    statement = Statement("compared", "Li Wei (own word; uid 7)", "why", (("a", 1),))
    said = Said(rig.polls.clock.now(), "R1", statement)
    assert not was_said(path, GATEWAY, said)
    assert note(rig, [said])
    assert was_said(path, GATEWAY, said)
    assert was_said(path, GATEWAY, _by(said, "Li Wei (own word; command line, no agent)"))
    assert not was_said(path, GATEWAY, _by(said, "Wang (own word; uid 7)"))
    assert not was_said(path, GATEWAY, said._replace(subject="R2"))
    other = statement._replace(fields=(("a", 2),))
    assert not was_said(path, GATEWAY, said._replace(statement=other))
    assert not was_said(rig.config.state_dir / "none", GATEWAY, said)


def _by(said: Said, who: str) -> Said:
    return said._replace(statement=said.statement._replace(who=who))
