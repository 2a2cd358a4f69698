"""A commissioning by questions: asked, shown as a whole, signed or changed, brought to its end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.commission.answers import (
    MAX_BYTES,
    WIZARD,
    Answers,
    AnswersError,
    Key,
    dotted,
    names_of,
    parse_answers,
    table_of,
)
from edge_agent.commission.checking import faults_of, owner_of
from edge_agent.commission.closing import (
    ANSWERS_FILE,
    CannotClose,
    candidate_of,
    close,
    overview,
)
from edge_agent.commission.ending import check_link, tell, tell_done, unbroken
from edge_agent.commission.ending import keep as keep_answers
from edge_agent.commission.question import NO, YES
from edge_agent.commission.record import contract_lines
from edge_agent.commission.review import reread, review_lines
from edge_agent.commission.session import Session
from edge_agent.commission.sight import Sight, known_keys
from edge_agent.commission.wizard import BACK, Wizard, read_line
from edge_agent.config.file import read_config
from edge_agent.console import FINDINGS, GOOD, could_not
from edge_agent.language import Words
from edge_agent.ownership import hand_over
from edge_agent.regular_file import read_regular
from edge_agent.terminal import is_chinese, wrapped

if TYPE_CHECKING:
    import argparse

PAGE: Final = 20
"""Lines that a terminal of 24 shows before the person has seen them."""


class Interview:
    """A person at the terminal."""

    def __init__(
        self, options: argparse.Namespace, path: Path, state_dir: Path, words: Words
    ) -> None:
        self._options = options
        self._state_dir = state_dir
        self._path = path
        self._progress = progress_of(path)
        self._words = words

    def run(self, given: dict[Key, str]) -> int:
        answers = dict(given)
        sight = Sight(answers, self._path, self._options.wait, tell)
        session = Session(answers, self._path, self._state_dir, sight)

        def keep() -> None:
            keep_answers(self._progress, answers, progress=True)

        wizard = Wizard(session, self._words, read_line, tell, keep)
        tell(self._words("welcome", path=self._path))
        tell(self._words("keys"))
        if _lacks_token(given) and known_keys(self._state_dir) is None:
            tell(self._words("no_token"))
        last = last_answers(self._state_dir)
        if last and not given:
            wizard.remember(last)
            tell(self._words("last_time"))
        try:
            while True:
                self._answered(wizard, session)
                if self._is_signed(wizard, session):
                    break
        except (KeyboardInterrupt, EOFError):
            with unbroken():
                keep()
                hand_over(self._state_dir, (self._progress,))
            tell("")
            for line in wrapped(self._words("stopped", path=self._progress)):
                tell(line)
            return FINDINGS
        except OSError as error:
            return could_not(
                self._words("not_kept", path=self._progress, why=error.strerror or error)
            )
        return self._close(answers)

    def _answered(self, wizard: Wizard, session: Session) -> None:
        """All questions, until the whole configuration has no fault."""
        while True:
            wizard.run()
            session.prune()
            faults = faults_of(session.answers, self._path)
            if not faults:
                return
            tell("")
            owners: dict[Key, None] = {}
            for fault in faults:
                for line in wrapped(f"! {fault}", 2, 4):
                    tell(line)
                owner = owner_of(fault, session.asked, session.answers)
                if owner is not None:
                    owners[owner] = None
            for key in with_its_gas(owners, session.asked) or [next(reversed(session.asked))]:
                wizard.ask_again(key)

    def _is_signed(self, wizard: Wizard, session: Session) -> bool:
        """The whole is shown; yes signs it, < and a name change an answer."""
        candidate = candidate_of(session.answers, self._words)
        config = read_config(candidate, self._path)
        lines = [
            *overview(config, chinese=is_chinese(os.environ)),
            "",
            *contract_lines(config, _gases(session.answers), self._words),
            "",
            *review_lines(config, reread(config, self._path), self._words),
        ]
        self._tell_pages(lines)
        names = {
            dotted(key): key for key in session.asked if key in session.answers and key[0] != WIZARD
        }
        while True:
            tell("")
            for line in wrapped(self._words("sign.sign"), 0):
                tell(line)
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
            shown = (f"{name} = {session.answers[key]}" for name, key in names.items())
            told = (line for one in shown for line in wrapped(one, 2, 6))
            self._tell_pages([self._words("sign.names"), *told])

    def _tell_pages(self, lines: Sequence[str]) -> None:
        """So many that a person has seen them before they are gone."""
        for place, line in enumerate(lines, 1):
            tell(line)
            if place % PAGE == 0 and place < len(lines):
                read_line(self._words("more"), False)

    def _close(self, answers: dict[Key, str]) -> int:
        try:
            with unbroken():
                closed = close(answers, answers, self._path, self._words, reread)
                if self._options.write_answers:
                    keep_answers(self._options.write_answers, answers, progress=False)
                self._progress.unlink(missing_ok=True)
        except CannotClose as error:
            return could_not(error)
        tell_done(closed, self._path, self._words)
        return GOOD if self._options.no_link else check_link(closed, quiet=False)


def _gases(answers: Answers) -> dict[str, dict[str, str]]:
    """Figures or composition of each, as they were answered."""
    return {
        name: {key: text for key, text in table_of(answers, "gas", name).items() if key != "by"}
        for name in names_of(answers, "gas")
    }


def _lacks_token(given: Mapping[Key, str]) -> bool:
    """Whether it was answered already, and is asked for again because it is kept nowhere."""
    return ("central", "url") in given and ("central", "token") not in given


def with_its_gas(owners: Iterable[Key], asked: Iterable[Key]) -> list[Key]:
    """Any figure of a gas may be the wrong one of those that do not fit each other."""
    gases = {key[:2] for key in owners if key[0] == "gas"}
    return list(dict.fromkeys((*owners, *(key for key in asked if key[:2] in gases))))


def progress_of(path: Path) -> Path:
    """Where the answers of an unfinished commissioning lie."""
    return path.with_name(f"{path.name}.answers")


def last_answers(state_dir: Path) -> dict[Key, str]:
    """The answers of the last commissioning of this machine; none where they cannot be read."""
    try:
        return parse_answers(read_regular(state_dir / ANSWERS_FILE, MAX_BYTES), ANSWERS_FILE)
    except (OSError, AnswersError):
        return {}
