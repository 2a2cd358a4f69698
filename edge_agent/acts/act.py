"""One way for all acts: shown, confirmed, recorded; by the running agent, or in its journal.

The command makes an `Act`: what will be recorded, and the lines that a person reads before he says
yes. Whoever it is says so himself; the agent adds as whom the kernel knows him.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.acts.fault import Fault
from edge_agent.acts.fault import NotDone as NotDone
from edge_agent.acts.kept import Kept, of_json
from edge_agent.acts.routes import Desk, Notices, run_answer, state_here
from edge_agent.acts.said_before import was_said
from edge_agent.clock import Clock
from edge_agent.console import COULD_NOT, FINDINGS, GOOD, could_not, show
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.command import CannotAsk
from edge_agent.control.offline import journal_open
from edge_agent.control.protocol import BadRequest, Call, encode_request, parse_request
from edge_agent.journal.journal import FILE_NAME, JournalError
from edge_agent.journal.schema import MigrationError
from edge_agent.keys.keys import KeyFileError
from edge_agent.screen import is_ascii
from edge_agent.state_lock import AlreadyRunning
from edge_agent.terminal import printable, wrapped
from protocols.evidence import cbor

if TYPE_CHECKING:
    import argparse

    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words
    from protocols.evidence.statement import Value
    from protocols.metering.run_config import RunConfig

SCHEMA: Final = 1
_HERE: Final = "command line, no agent"
_YES: Final = ("y", "yes", "是")


class Who(NamedTuple):
    """Who acts and why, by his own word."""

    who: str
    reason: str


class Act(NamedTuple):
    """What will be recorded. `lines`: how a person reads it; `good`: nothing is outside its limits;
    `told`: what else `--json` has of it.
    """

    subject: str
    code: str
    by: Who
    fields: tuple[tuple[str, Value], ...]
    lines: tuple[str, ...]
    good: bool = True
    told: Mapping[str, object] = {}

    def call(self, *, again: bool = False) -> Call:
        """As the socket takes it; `again`: it was asked before, and no answer came."""
        return Call(
            "state",
            {
                "subject": self.subject,
                "code": self.code,
                "who": self.by.who,
                "reason": self.by.reason,
                "fields": [list(field) for field in self.fields],
                **({"again": 1} if again else {}),
            },
        )


class Asking(NamedTuple):
    """How a command was called: `yes` without asking, `json` for a program."""

    yes: bool
    json: bool
    words: Words


def perform(config: AgentConfig, act: Act, asking: Asking) -> int:
    """Show, ask, record. The exit status. Raises what `record` raises."""
    if not confirmed(act, asking):
        return FINDINGS
    recorded = record(config, act)
    tell(act, asking, recorded)
    return GOOD if act.good else FINDINGS


def confirmed(act: Act, asking: Asking) -> bool:
    """Whether a person said yes to what he was shown. Raises NotDone where nobody can."""
    words = asking.words
    by = words("by", who=act.by.who, reason=act.by.reason)
    lines = [*act.lines, *wrapped(by, 2, 4)]
    if asking.yes:
        if not asking.json:
            say("\n".join(lines), asking)
        return True
    if not sys.stdin.isatty():
        raise NotDone("nobody")
    say("\n".join(lines), asking)
    if ask(words("record"), asking).lower() in _YES:
        return True
    sys.stderr.write(words("not_recorded") + "\n")
    if asking.json:
        show(json.dumps({"schema": SCHEMA, "recorded": False}))
    return False


def say(text: str, asking: Asking, end: str = "\n") -> None:
    """To the person, where no program reads it."""
    stream = sys.stderr if asking.json else sys.stdout
    stream.write(plain_text(text) + end)
    stream.flush()


def plain_text(text: str) -> str:
    """On a terminal that knows ASCII only a degree is spelled."""
    return text.replace("°C", "degC") if is_ascii(sys.stdout.encoding) else text


def ask(question: str, asking: Asking) -> str:
    """A line of the person at the terminal, without what steers one. The end of input is ""."""
    say(question, asking, " ")
    return printable(sys.stdin.readline(400)).strip()


def tell(act: Act, asking: Asking, recorded: Mapping[str, object]) -> None:
    """What was recorded."""
    if not asking.json:
        show(asking.words("recorded", code=act.code, subject=act.subject or "-"))
        return
    told = {
        "schema": SCHEMA,
        "recorded": True,
        "code": act.code,
        "subject": act.subject,
        "who": recorded.get("who"),
        "reason": act.by.reason,
        "utc_ms": recorded.get("utc_ms"),
        "good": act.good,
        "fields": dict(act.fields),
        **act.told,
    }
    show(json.dumps(told, ensure_ascii=False))


def record(
    config: AgentConfig, act: Act, *, here: bool = True, again: bool = False
) -> Mapping[str, object]:
    """The agent's answer, or that of the journal itself where none runs. Raises NotDone, CannotAsk,
    SocketError, and what opening the journal raises.

    `here` False: only by the agent. One that begins anew would find its journal in use. `again`:
    the answer was lost, so it may stand in the log already.
    """
    call = parse_request(encode_request(act.call(again=again)).removesuffix(b"\n"))
    assert isinstance(call, Call)
    control = config.control
    assert control is not None  # every file has the section or its defaults
    try:
        answer: Mapping[str, object] = ask_agent(control.act_socket, call)
    except NoAgent:
        if not here:
            raise
        answer = _here(config, lambda desk, _: state_here(call, _HERE, desk))
    if not answer.get("ok"):
        raise NotDone("other", text=answer.get("error"))
    return answer


def run_in_force(config: AgentConfig, run: str) -> Mapping[str, object]:
    """The `run` answer of the agent. Without one the file's run, and what the journal knows of it:
    the gas is then the file's. Raises as `record` does.
    """
    control = config.control
    assert control is not None
    call = Call("run", {"run": run})
    try:
        answer: Mapping[str, object] = ask_agent(control.read_socket, call)
    except NoAgent:
        held = next((one for one in config.runs if one.run == run), None)
        if held is None:
            known = ", ".join(one.run for one in config.runs)
            raise NotDone("no_run", run=run, known=known[:500]) from None
        found = _here(config, lambda _, memory: run_answer(call, memory))
        answer = {"indexes": {}, "utc_ms": None, **found, "ok": True, "config": _hex(held)}
    if not answer.get("ok"):
        raise NotDone("other", text=answer.get("error"))
    return answer


def remembered(config: AgentConfig) -> Kept:
    """Due dates and maintenance, from the agent or its file. Raises as `record` does."""
    control = config.control
    assert control is not None
    try:
        return of_json(ask_agent(control.read_socket, Call("acts")))
    except NoAgent:
        return Notices(config.state_dir).read()
    except ValueError as error:
        raise NotDone("other", text=error) from error


def _hex(run: RunConfig) -> str:
    return cbor.encode(run.to_body()).hex()


def _here(config: AgentConfig, answer: Callable[..., Mapping[str, object]]) -> Mapping[str, object]:
    try:
        with journal_open(config) as note:
            path = config.state_dir / FILE_NAME
            desk = Desk(
                note, Clock(note.memory.boot_no), Notices(config.state_dir),
                lambda said: was_said(path, config.gateway, said),
            )  # fmt: skip
            return answer(desk, note.memory)
    except AlreadyRunning as error:
        raise CannotAsk(
            f"an agent runs on {config.state_dir}, but does not listen at"
            f" {config.control and config.control.directory}: restart it with this configuration"
        ) from error


def guarded(run: Callable[[], int], asking: Asking) -> int:
    """The exit status; what could not be done is told with its remedy, to a program too."""
    known = (BadRequest, CannotAsk, SocketError)
    journal = (JournalError, KeyFileError, MigrationError)
    try:
        return run()
    except Fault as error:
        return _failed(error.told(asking.words), asking)
    except (*known, *journal, OSError) as error:
        return _failed(f"{error}", asking)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("\n")
        return COULD_NOT


def _failed(why: str, asking: Asking) -> int:
    if asking.json:
        show(json.dumps({"schema": SCHEMA, "recorded": False, "error": why}, ensure_ascii=False))
    return could_not(why)


def asking_of(options: argparse.Namespace, words: Words) -> Asking:
    """Out of the command line."""
    return Asking(options.yes, options.json, words)


def rows(found: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right, Han 2 wide."""
    from edge_agent.terminal import columns

    widths = [max(columns(row[at]) for row in found) for at in range(len(found[0]))]
    lines = []
    for row in found:
        first, *rest = row
        line = "  " + first + " " * (widths[0] - columns(first))
        for text, width in zip(rest, widths[1:], strict=True):
            line += " " * (gap + width - columns(text)) + text
        lines.append(line.rstrip())
    return lines
