"""Statements over the socket: what is taken, what is not, and what is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.acts.kept import Kept
from edge_agent.acts.routes import Desk, Notices, act_routes, run_answer, state_here
from edge_agent.control.protocol import BadRequest, Call
from edge_agent.journal.memory import RunMemory, first_memory
from edge_agent.recording.device_recording import Fact, Said
from protocols.evidence import cbor
from protocols.metering.carry import Position
from protocols.metering.run import RunState
from protocols.metering.run_config import RunConfig
from tests.edge_agent.gateway import UTC_MS, SetClock, config_of

GOOD = {
    "subject": "R1", "code": "verification_due", "who": "李伟", "reason": "周检",
    "fields": [["until", "2027-03-01"], ["counts", 5], ["seal", None]],
}  # fmt: skip


class Noted:
    """A recorder that keeps what it gets, or takes nothing."""

    def __init__(self, takes: bool = True) -> None:
        self.said: list[Fact | Said] = []
        self.takes = takes

    def __call__(self, facts: Sequence[Fact | Said]) -> bool:
        if self.takes:
            self.said += facts
        return self.takes


def desk(directory: Path, noted: Noted) -> Desk:
    return Desk(noted, SetClock(), Notices(directory))


def test_it_is_recorded_with_the_kernels_word(tmp_path: Path) -> None:
    """And what is due is remembered."""
    noted = Noted()
    answer = state_here(Call("state", GOOD), "uid 1000", desk(tmp_path, noted))
    assert answer == {"ok": True, "who": "李伟 (own word; uid 1000)", "utc_ms": UTC_MS}
    (said,) = noted.said
    assert isinstance(said, Said)
    assert said.statement.fields == (("until", "2027-03-01"), ("counts", 5), ("seal", None))
    assert [due.until for due in Notices(tmp_path).read().due] == ["2027-03-01"]
    assert (tmp_path / "acts.json").stat().st_mode & 0o077 == 0


def test_what_is_not_recorded_is_not_remembered(tmp_path: Path) -> None:
    """A journal that takes nothing: refused."""
    answer = state_here(Call("state", GOOD), "uid 0", desk(tmp_path, Noted(takes=False)))
    assert not answer["ok"]
    assert Notices(tmp_path).read() == Kept()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"who": ""}, "who"),
        ({"reason": "   "}, "reason"),
        ({"who": "x\x1b[2J"}, "who"),
        ({"who": None}, "who"),
        ({"subject": 5}, "subject"),
        ({"subject": None}, "subject"),
        ({"code": "health"}, "gateway itself"),
        ({"code": "read_now"}, "gateway itself"),
        ({"code": "Has-Capitals"}, "code"),
        ({"fields": "x"}, "fields"),
        ({"fields": [["a"]]}, "fields"),
        ({"fields": [["a", 1.5]]}, "fields"),
        ({"fields": [["a", True]]}, "fields"),
        ({"fields": [["a", 1], ["a", 2]]}, "twice"),
        ({"fields": [["a", "\ud800"]]}, "printable"),
        ({"fields": [["a", "x" * 501]]}, "500"),
        ({"fields": [["a", 1 << 70]]}, "above"),
        ({"fields": [[f"a{n}", 1] for n in range(300)]}, "256"),
        ({"fields": [[f"a{n}", "检" * 500] for n in range(50)]}, "bytes"),
    ],
)
def test_what_is_no_statement_is_refused(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    """Each with its field; nothing is recorded."""
    noted = Noted()
    with pytest.raises(BadRequest, match=told):
        state_here(Call("state", {**GOOD, **change}), "uid 0", desk(tmp_path, noted))
    assert noted.said == []


def test_a_damaged_notice_is_begun_anew(tmp_path: Path) -> None:
    """The record is the log."""
    (tmp_path / "acts.json").write_bytes(b"{")
    (tmp_path / "acts.json").chmod(0o600)
    state_here(Call("state", GOOD), "uid 0", desk(tmp_path, Noted()))
    assert len(Notices(tmp_path).read().due) == 1


def test_the_run_in_force(tmp_path: Path) -> None:
    """Its configuration and its last indexes; a run that is none names those there are."""
    (run,) = config_of(tmp_path).runs
    state = RunState.new()
    state = replace(state, now=state.now._replace(positions=(Position("vm", 0, 1234),)))
    memory = replace(first_memory("gw-1", "b"), runs={"R1": RunMemory(run, state, active=True)})
    answer = run_answer(Call("run", {"run": "R1"}), memory)
    assert answer["indexes"] == {"vm": 1234}
    body = cbor.decode(bytes.fromhex(str(answer["config"])), "run", 65_536, 65_536)
    assert RunConfig.from_body(body) == run
    assert "there are: R1" in str(run_answer(Call("run", {"run": "R2"}), memory)["error"])


def test_each_route_has_its_socket(tmp_path: Path) -> None:
    """Only `state` acts."""
    memory = first_memory("gw-1", "b")
    routes = act_routes(lambda facts, timeout_s: True, lambda: memory, SetClock(), tmp_path)
    assert {name: route.acts for name, route in routes.items()} == {
        "state": True, "acts": False, "run": False,
    }  # fmt: skip
    answer = routes["acts"].answer(Call("acts"), "uid 0")
    assert answer == {"ok": True, "due": [], "maintenance": []}
