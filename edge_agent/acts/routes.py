"""What the running agent answers of acts: `state` records one, `acts` and `run` tell what it knows.

| call | socket | does |
|---|---|---|
| `state`: subject, code, who, reason, fields | act | one STATEMENT leaf, durable when it answers |
| `acts` | read | due dates, and what is under maintenance |
| `run`: run | read | the run's configuration in force, its last indexes in counts |

`state` with `again` 1: the answer to the same call was lost; what is in the log stays there once.
Without an agent `state_here` does the same on the journal itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.acts import kept
from edge_agent.acts.said_before import OWN_WORD, was_said
from edge_agent.control.protocol import BadRequest, Call, Route, refusal
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.recording.device_recording import Fact, Said
from protocols.evidence import cbor
from protocols.evidence.errors import Malformed
from protocols.evidence.statement import MAX_FIELDS, Statement, Value

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.bus.poller import Now
    from edge_agent.journal.memory import Memory

NOTE_S: Final = 10.0
OF_THE_AGENT: Final = ("health", "read_now")
"""What the gateway says of itself nobody else may say."""
_NOT_YET: Final = (
    "not recorded in time: the journal is slow or takes nothing; see edge-agent's log, and the"
    " events before you say it again"
)
Note = Callable[[Sequence[Fact | Said]], bool]
_log = logging.getLogger(__name__)


class Notices:
    """`acts.json` in the state directory; thread-safe."""

    def __init__(self, state_dir: Path) -> None:
        self._files = StateFiles(state_dir)
        self._lock = threading.Lock()

    def read(self) -> kept.Kept:
        """What is remembered; nothing where the file cannot be read, which is logged."""
        try:
            data = self._files.read(kept.FILE_NAME, kept.MAX_BYTES)
            return kept.Kept() if data is None else kept.parse(data)
        except (KeyFileError, ValueError) as error:
            _log.warning("%s: %s; its dates are at central", kept.FILE_NAME, error)
            return kept.Kept()

    def take(self, said: Said) -> None:
        """After the statement is in the log. A disk that takes nothing is logged."""
        with self._lock:
            before = self.read()
            now = kept.after(before, said.subject, said.statement, said.instant.utc_ms)
            if now == before:
                return
            try:
                self._files.write(kept.FILE_NAME, kept.encode(now))
            except OSError as error:
                _log.error("%s is not written: %s", kept.FILE_NAME, error)


class Desk(NamedTuple):
    """What a statement needs to become a leaf."""

    note: Note
    clock: Now
    notices: Notices
    was_said: Callable[[Said], bool] = lambda _said: False


def act_routes(
    note: Callable[[Sequence[Fact | Said], float], bool],
    memory: Callable[[], Memory],
    clock: Now,
    state_dir: Path,
) -> Mapping[str, Route]:
    """For the agent's table of routes."""
    desk = Desk(
        lambda facts: note(facts, NOTE_S), clock, Notices(state_dir),
        lambda said: was_said(state_dir / FILE_NAME, memory().gateway, said),
    )  # fmt: skip
    return {
        "state": Route(lambda call, peer: state_here(call, peer, desk), acts=True),
        "acts": Route(lambda call, peer: {"ok": True, **desk.notices.read().to_json()}),
        "run": Route(lambda call, peer: run_answer(call, memory())),
    }


def state_here(call: Call, peer: str, desk: Desk) -> dict[str, object]:
    """Record it. `peer`: as whom the kernel knows who asks. Raises BadRequest."""
    said = said_of(call, peer, desk.clock)
    is_held = bool(call.integer("again", 0, 1, 0)) and desk.was_said(said)
    if not (is_held or desk.note([said])):
        return refusal(_NOT_YET)
    desk.notices.take(said)
    return {"ok": True, "who": said.statement.who, "utc_ms": said.instant.utc_ms}


def said_of(call: Call, peer: str, clock: Now) -> Said:
    """The statement that is asked for. Raises BadRequest."""
    subject = call.fields.get("subject")
    subject = "" if subject == "" else call.name("subject")
    code = call.name("code")
    if code in OF_THE_AGENT:
        raise BadRequest(f"code: {code} is said by the gateway itself only")
    who = f"{call.text('who')}{OWN_WORD}{peer})"
    fields = call.fields.get("fields", [])
    if not isinstance(fields, list) or len(fields) > MAX_FIELDS:
        raise BadRequest(f"fields: a list of at most {MAX_FIELDS} pairs of name and value")
    statement = Statement(code, who, call.text("reason"), tuple(_field(one) for one in fields))
    try:
        statement.to_body()
    except Malformed as error:
        raise BadRequest(f"{error}") from error
    return Said(clock.now(), subject, statement)


def _field(pair: object) -> tuple[str, Value]:
    match pair:
        case [str(name), None | int() | str() as value] if not isinstance(value, bool):
            if isinstance(value, str) and not value.replace("\u3000", " ").isprintable():
                raise BadRequest(f"fields: {name[:64]}: must be printable text")
            return name, value
        case _:
            raise BadRequest("fields: each must be [name, whole number, text or null]")


def run_answer(call: Call, memory: Memory) -> dict[str, object]:
    """The run as the pipeline has it. A flow of l/h is no part of it: see `status`."""
    run = call.name("run")
    held = memory.runs.get(run)
    if held is None or not held.active:
        known = ", ".join(name for name, one in memory.runs.items() if one.active)
        return refusal(f"no run {run!r}; there are: {known[:500]}")
    now = held.state.now
    return {
        "ok": True,
        "run": run,
        "config": cbor.encode(held.config.to_body()).hex(),
        "indexes": {position.point: position.index_counts for position in now.positions},
        "utc_ms": None if now.reference is None else now.reference.utc_ms,
    }
