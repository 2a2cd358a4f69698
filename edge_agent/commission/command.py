"""`edge-agent commission`: by questions at a terminal, or by a file of answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_agent.commission.answers import (
    WIZARD,
    AnswersError,
    Key,
    answers_text,
    dotted,
    parse_answers,
    parse_row,
)
from edge_agent.commission.batch import Trouble, fill, gather
from edge_agent.commission.checking import faults_of, owner_of
from edge_agent.commission.closing import (
    PACKAGE,
    CannotClose,
    Closed,
    candidate_of,
    close,
    overview,
    put_file,
)
from edge_agent.commission.question import NO, YES
from edge_agent.commission.review import reread, review_lines
from edge_agent.commission.session import Session
from edge_agent.commission.sight import Sight
from edge_agent.commission.wizard import BACK, Wizard, read_line
from edge_agent.config.file import read_config
from edge_agent.console import CONFIG, COULD_NOT, FINDINGS, GOOD, could_not, show
from edge_agent.language import Words, load_words
from edge_agent.terminal import is_chinese, wrapped

if TYPE_CHECKING:
    import argparse

SCHEMA: Final = 1
STATE_DIR: Final = Path("/var/lib/edge-agent")
PROGRESS_MODE: Final = 0o600
PAGE: Final = 20
"""Lines that a terminal of 24 shows before the person has seen them."""
_KINDS: Final = frozenset(
    {"site", "gateway", "central", "bus", "device", "gas", "run", "regulator", "commission"}
    | {"wizard"}
)


def commission(options: argparse.Namespace) -> int:
    """The exit status."""
    words = load_words(PACKAGE, chinese=is_chinese(os.environ))
    path: Path = options.config.absolute()
    progress = path.with_name(f"{path.name}.answers")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            return could_not(words("no_leave", path=path.parent))
        if options.answers or options.table:
            return _by_file(options, path, words)
        if options.json:
            return could_not("--json goes with --answers: a wizard is for people")
        if not sys.stdin.isatty():
            return could_not(words("no_terminal"))
        given = parse_answers(progress.read_bytes(), str(progress)) if options.resume else {}
    except AnswersError as error:
        return could_not(error)
    except OSError as error:
        return could_not(f"{error.filename}: {error.strerror or error}; check the path")
    if not options.resume and progress.exists():
        show(words("unfinished", path=progress))
    return _Interview(options, path, progress, words).run(given)


# ---- by a file --------------------------------------------------------------------------------


def _by_file(options: argparse.Namespace, path: Path, words: Words) -> int:
    given: dict[Key, str] = {}
    if options.answers:
        given |= parse_answers(options.answers.read_bytes(), str(options.answers))
    if options.table:
        if not options.row:
            return could_not("--table needs --row: which site of it")
        given |= parse_row(options.table.read_bytes(), str(options.table), options.row)
    say: Callable[[str], None] = (lambda _: None) if options.json else show
    state = _state_dir(options, path)
    trouble = [
        Trouble(dotted(key), words("unknown_answer"), False)
        for key in given
        if key[0] not in _KINDS
    ]
    trouble += gather(given, path, state, words)
    if trouble:
        return _tell(trouble, options, words)
    answers = dict(given)
    session = Session(answers, path, state, Sight(answers, path, options.wait, say))
    trouble = fill(session, given, words)
    if trouble:
        return _tell(trouble, options, words)
    if options.write_answers:
        _keep(options.write_answers, answers, progress=False)
    try:
        closed = close(answers, given, path, words, reread)
    except CannotClose as error:
        return could_not(error)
    if not options.json:
        _done(closed, path, words)
    status = GOOD if options.no_link else _link(closed, quiet=options.json)
    if options.json:
        told = {"schema": SCHEMA, "commissioned": True, "gateway": closed.config.gateway,
                "config": str(path), "sheet": str(closed.sheet),
                "statements": closed.statements, "link_good": status == GOOD,
                "missing": [], "wrong": []}  # fmt: skip
        show(json.dumps(told, ensure_ascii=False))
    return status


def _tell(trouble: list[Trouble], options: argparse.Namespace, words: Words) -> int:
    """All that is missing or wrong, at once."""
    if options.json:
        told: Mapping[str, Any] = {
            "schema": SCHEMA, "commissioned": False,
            "missing": [one.answer for one in trouble if one.is_missing],
            "wrong": [{"answer": one.answer, "problem": one.problem}
                      for one in trouble if not one.is_missing],
        }  # fmt: skip
        show(json.dumps(told, ensure_ascii=False))
        return FINDINGS
    for one in trouble:
        for line in wrapped(f"{one.answer}: {one.problem}", 0, 4):
            sys.stderr.write(line + "\n")
    sys.stderr.write(words("trouble", count=len(trouble)) + "\n")
    return FINDINGS


# ---- by questions -----------------------------------------------------------------------------


class _Interview:
    """A person at the terminal."""

    def __init__(
        self, options: argparse.Namespace, path: Path, progress: Path, words: Words
    ) -> None:
        self._options = options
        self._path = path
        self._progress = progress
        self._words = words

    def run(self, given: dict[Key, str]) -> int:
        answers = dict(given)
        sight = Sight(answers, self._path, self._options.wait, show)
        session = Session(answers, self._path, _state_dir(self._options, self._path), sight)

        def keep() -> None:
            _keep(self._progress, answers, progress=True)

        wizard = Wizard(session, self._words, read_line, show, keep)
        show(self._words("welcome", path=self._path))
        show(self._words("keys"))
        try:
            while True:
                self._answered(wizard, session, given)
                if self._is_signed(wizard, session):
                    break
        except (KeyboardInterrupt, EOFError):
            keep()
            show("\n" + self._words("stopped", path=self._progress))
            return FINDINGS
        except OSError as error:
            return could_not(
                self._words("not_kept", path=self._progress, why=error.strerror or error)
            )
        return self._close(answers)

    def _answered(self, wizard: Wizard, session: Session, given: Mapping[Key, str]) -> None:
        """All questions, until the whole configuration has no fault."""
        while True:
            wizard.run()
            session.prune(given)
            faults = faults_of(session.answers, self._path)
            if not faults:
                return
            show("")
            owners: dict[Key, None] = {}
            for fault in faults:
                for line in wrapped(f"! {fault}", 2, 4):
                    show(line)
                owner = owner_of(fault, session.asked, session.answers)
                if owner is not None:
                    owners[owner] = None
            for key in owners or [next(reversed(session.asked))]:
                wizard.ask_again(key)

    def _is_signed(self, wizard: Wizard, session: Session) -> bool:
        """The whole is shown; yes signs it, < and a name change an answer."""
        candidate = candidate_of(session.answers, self._words)
        config = read_config(candidate, self._path)
        lines = [
            *overview(config),
            "",
            *review_lines(config, reread(config, self._path), self._words),
        ]
        for place, line in enumerate(lines, 1):
            show(line)
            if place % PAGE == 0 and place < len(lines):
                read_line(self._words("more"), False)
        names = {
            dotted(key): key for key in session.asked if key in session.answers and key[0] != WIZARD
        }
        while True:
            show("")
            for line in wrapped(self._words("sign.sign"), 0):
                show(line)
            typed = read_line("  y/n > ", False).strip()
            if typed.lower() in ("y", YES, "是"):
                return True
            if typed == BACK:
                wizard.back()
                return False
            if typed in names:
                wizard.ask_again(names[typed])
                return False
            if typed.lower() in ("n", NO, "否"):
                raise KeyboardInterrupt
            for line in wrapped(self._words("sign.names", names=", ".join(names)), 2):
                show(line)

    def _close(self, answers: dict[Key, str]) -> int:
        try:
            closed = close(answers, answers, self._path, self._words, reread)
            if self._options.write_answers:
                _keep(self._options.write_answers, answers, progress=False)
        except CannotClose as error:
            return could_not(error)
        self._progress.unlink(missing_ok=True)
        _done(closed, self._path, self._words)
        return GOOD if self._options.no_link else _link(closed, quiet=False)


# ---- both -------------------------------------------------------------------------------------


def _state_dir(options: argparse.Namespace, path: Path) -> Path:
    if options.state:
        return Path(options.state).absolute()
    return STATE_DIR if path.parent == CONFIG.parent else path.parent / "state"


def _keep(path: Path, answers: Mapping[Key, str], *, progress: bool) -> None:
    put_file(path, answers_text(answers, progress=progress).encode("utf-8"), PROGRESS_MODE)


def _done(closed: Closed, path: Path, words: Words) -> None:
    done = words("done", gateway=closed.config.gateway, path=path, sheet=closed.sheet,
                 count=closed.statements)  # fmt: skip
    for line in (*done.split("\n"), words("agent_runs" if closed.agent_runs else "start_agent")):
        for part in wrapped(line, 0, 2):
            show(part)


def _link(closed: Closed, *, quiet: bool) -> int:
    """The link's test: what was recorded goes to central, and its receipt is verified."""
    from edge_agent.link_test.command import link, walk
    from edge_agent.screen import BAD

    if quiet:
        good = all(step.light != BAD for step in walk(closed.config))
        return GOOD if good else FINDINGS
    status = link(closed.config, as_json=False, with_batch=True)
    return FINDINGS if status == COULD_NOT else status
