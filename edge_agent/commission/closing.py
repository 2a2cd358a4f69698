"""The end of a commissioning: the file checked and put in force, the act recorded, the sheet."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from edge_agent.acts.act import Act, NotDone, Who, record
from edge_agent.clock import wall_ms
from edge_agent.commands.check_command import FOLDER, check_lines
from edge_agent.commands.plan_command import plan_lines
from edge_agent.commission.answers import Answers, answers_text, names_of
from edge_agent.commission.config_text import config_text
from edge_agent.commission.document import document
from edge_agent.commission.question import NONE
from edge_agent.commission.record import CODE, Done, gateway_fields, run_fields, sheet
from edge_agent.commission.seen import Readings
from edge_agent.config.file import read_config
from edge_agent.config.model import AgentConfig
from edge_agent.config_store.apply import COMMISSIONING, Applied, Refused, apply
from edge_agent.control.client import SocketError
from edge_agent.control.command import CannotAsk
from edge_agent.control.protocol import BadRequest
from edge_agent.journal.journal import JournalError
from edge_agent.journal.schema import MigrationError
from edge_agent.keys.key_files import KeyFileError
from edge_agent.language import Words, load_words
from edge_agent.ownership import hand_over
from edge_agent.remote.waiting import until_begun
from edge_agent.state_lock import AlreadyRunning, state_lock

PACKAGE: Final = "edge_agent.commission"
REASON: Final = "commissioning"
RECORD_TRIES: Final = 30
SHEET_MODE: Final = 0o644
ANSWERS_MODE: Final = 0o600
ANSWERS_FILE: Final = "commission.toml"
"""In the state directory: what was answered, for the next time. No secret is in it."""
_SAME: Final = "nothing changes"


class CannotClose(Exception):  # noqa: N818 - what was found is the name
    """It could not be brought to its end; says what and the remedy."""


class Closed(NamedTuple):
    """What was made."""

    config: AgentConfig
    sheet: Path
    statements: int
    agent_runs: bool


def candidate_of(answers: Answers, words: Words) -> bytes:
    """The text of gateway.toml."""
    head = (words("toml.head"), words("toml.head2"))
    return config_text(document(answers), words, head).encode("utf-8")


def overview(config: AgentConfig, *, chinese: bool) -> tuple[str, ...]:
    """What `check` and `plan` say of it."""
    words = load_words(FOLDER, chinese=chinese)
    return (*check_lines(config, words), "", *plan_lines(config, words))


Reread = Callable[[AgentConfig, Path], Mapping[str, Readings]]


def close(answers: Answers, given: Answers, path: Path, words: Words, reread: Reread) -> Closed:
    """Put the configuration in force, record the act, write the sheet. Raises CannotClose.

    `given`: the answers of a person, or of a file: no default was read off a display.
    """
    candidate = candidate_of(answers, words)
    config = read_config(candidate, path)
    who, remark = answers["commission", "who"], answers.get(("commission", "remark"), NONE)
    done = Done(
        config, hashlib.sha256(candidate).hexdigest(), f"gas-gateway {version('gas-gateway')}",
        who, "" if remark == NONE else remark, reread(config, path), _displays(given),
    )  # fmt: skip
    try:
        applied = apply(path, candidate, who, REASON, COMMISSIONING)
        if isinstance(applied, Refused) and not applied.why.startswith(_SAME):
            raise CannotClose("; ".join([applied.why, *applied.faults[:3]]))
        if isinstance(applied, Applied) and applied.back and _agent_runs(config):
            until_begun(config, applied.number)  # what is recorded now is the new one's
        kept = answers_text(answers, progress=True).encode("utf-8")
        put_file(config.state_dir / ANSWERS_FILE, kept, ANSWERS_MODE)
        place = _write_sheet(done, path)
        count = _record(done)
        hand_over(config.state_dir, (path, place, path.with_name(".gateway-state")))
    except OSError as error:
        where = error.filename or path
        raise CannotClose(f"{where}: {error.strerror or error}; check the directory") from error
    return Closed(config, place, count, _agent_runs(config))


def _record(done: Done) -> int:
    """A statement of the gateway, then one of each run; how many."""
    by = Who(done.who, done.remark or REASON)
    acts = [Act("", CODE, by, gateway_fields(done), ())]
    acts += [Act(run.run, CODE, by, run_fields(done, run), ()) for run in done.config.runs]
    for act in acts:
        _record_one(done, act)
    return len(acts)


def _record_one(done: Done, act: Act) -> None:
    """A running agent reads its new configuration just now, and listens again in a moment."""
    pause, again = threading.Event(), False
    for left in range(RECORD_TRIES - 1, -1, -1):
        try:
            record(done.config, act, again=again)
        except (BadRequest, NotDone, JournalError, KeyFileError, MigrationError) as error:
            raise CannotClose(f"the act is not recorded: {error}") from error
        except (CannotAsk, SocketError) as error:
            if not left:
                raise CannotClose(f"the act is not recorded: {error}") from error
            again = again or isinstance(error, SocketError)
        else:
            return
        pause.wait(1.0)


def _agent_runs(config: AgentConfig) -> bool:
    """Whether one has the state directory; it takes the new configuration over by itself."""
    try:
        with state_lock(config.state_dir):
            return False
    except AlreadyRunning:
        return True


def _write_sheet(done: Done, path: Path) -> Path:
    """Raises OSError."""
    zone = done.config.site.zone
    now = datetime.fromtimestamp(wall_ms() // 1000, ZoneInfo(zone))
    when = f"{now:%Y-%m-%d %H:%M} {zone} ({now.astimezone(UTC):%H:%M} UTC)"
    text = sheet(done, when, load_words(PACKAGE, chinese=False), load_words(PACKAGE, chinese=True))
    place = path.parent / f"commissioning-{done.config.gateway}.txt"
    put_file(place, text.encode("utf-8"), SHEET_MODE)
    return place


def put_file(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # never through a link that somebody put there
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _displays(answers: Answers) -> dict[tuple[str, str], str]:
    """What a person read on each meter's display, where he was asked."""
    return {
        (run, quantity): answers["run", run, f"{quantity}_start_m3"]
        for run in names_of(answers, "run")
        for quantity in ("line", "base")
        if ("run", run, f"{quantity}_start_m3") in answers
    }
