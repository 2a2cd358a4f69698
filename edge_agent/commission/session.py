"""Where a commissioning stands: its answers, what was seen, and which question is open.

The script is run anew from its beginning each time: whatever is answered already is answered again
by itself, so going back or coming back later is only another set of answers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.commission.answers import WIZARD, Answers, Key
from edge_agent.commission.checking import faults_of_answer
from edge_agent.commission.question import (
    AGAIN,
    NO,
    NONE,
    YES,
    BadAnswer,
    Look,
    Note,
    Question,
    Script,
)
from edge_agent.commission.script import script
from edge_agent.config.fields import Fault

See = Callable[[Look], Any]
MAX_STEPS: Final = 20_000
SHOWN: Final = 40
"""Characters of an answer that is not taken."""
ALTITUDE: Final = ("site", "altitude_m")


class Problem(NamedTuple):
    """Why an answer is not taken: words of our own, or a fault of the configuration."""

    words: str
    values: dict[str, object]


class Session:
    """`answers` is changed in place: the script and the looks read it."""

    def __init__(self, answers: dict[Key, str], path: Path, state_dir: Path, see: See) -> None:
        self.answers = answers
        self.path = path
        self.asked: dict[Key, Question] = {}  # in the last run of the script, in its order
        self.notes: list[Note] = []  # those of the last run
        self._ever_asked: set[Key] = set()
        self._state_dir = state_dir
        self._see = see
        self._seen: dict[Look, Any] = {}

    def open_question(self) -> Question | None:
        """The first question without an answer; None where all are answered."""
        steps = self.begin()
        reply: Any = None
        for _ in range(MAX_STEPS):
            try:
                step = steps.send(reply)
            except StopIteration:
                return None
            reply = None
            match step:
                case Look():
                    reply = self.look(step)
                case Note():
                    self.notes.append(step)
                case Question():
                    self.asked[step.key] = step
                    self._ever_asked.add(step.key)
                    if step.key not in self.answers and step.quiet and step.default is not None:
                        self.answers[step.key] = step.default
                    if step.key not in self.answers:
                        return step
                    reply = self.answers[step.key]
        raise RuntimeError(f"more than {MAX_STEPS} steps: the script does not end")

    def look(self, look: Look) -> Any:
        """What is seen: looked at once, until it is forgotten."""
        if look not in self._seen:
            self._seen[look] = self._see(look)
        return self._seen[look]

    def forget(self, *looks: Look) -> None:
        """Look anew when it is asked for again."""
        for look in looks:
            self._seen.pop(look, None)

    def answer(self, question: Question, text: str) -> Problem | None:
        """Take an answer, or say what is wrong with it. AGAIN forgets what was seen."""
        if question.forgets and text == AGAIN:
            self.forget(*question.forgets)
            return None
        found = judged(self.answers, question, text, self.path)
        if isinstance(found, Problem):
            self.forget(*question.forgets)
            return found
        self.answers[question.key] = found
        return None

    def back(self) -> dict[Key, str]:
        """Undo the last answer that a person gave, and what followed from it; what was undone."""
        order = list(self.asked)
        for place in range(len(order) - 1, -1, -1):
            question = self.asked[order[place]]
            if question.key in self.answers and not question.quiet:
                gone = [key for key in order[place:] if key in self.answers]
                return {key: self.answers.pop(key) for key in gone}
        return {}

    def prune(self) -> None:
        """Drop the answers of branches that were left; what no question asks for stays."""
        for key in list(self.answers):
            if key in self._ever_asked and key not in self.asked:
                del self.answers[key]

    def begin(self) -> Script:
        """The script from its beginning."""
        self.asked, self.notes = {}, []
        return script(self.answers, self._state_dir)


def judged(answers: Answers, question: Question, text: str, path: Path) -> str | Problem:
    """The answer as it is kept, or why it is none."""
    known = {choice.answer for choice in question.choices}
    if text == "" or not text.isprintable():
        return Problem("bad.empty", {})
    if known and not question.open_choice and text not in known:
        choices = ", ".join(choice.answer for choice in question.choices)
        words = "bad.yes_no" if known == {YES, NO} else "bad.choice"
        return Problem(words, {"choices": choices, "text": text[:SHOWN]})
    try:
        taken = text if text in known else question.takes(text)
    except BadAnswer as error:
        return Problem(error.words, error.values)
    faults = faults_of_answer(answers, question, taken, path)
    return _told(faults[0], text) if faults else taken


def missing(
    answers: dict[Key, str], path: Path, state_dir: Path
) -> tuple[tuple[Key, ...], Session]:
    """The questions that nobody answers, without a look at the world; `answers` grows."""
    session = Session(answers, path, state_dir, lambda _: None)
    found: list[Key] = []
    steps = session.begin()
    reply: Any = None
    for _ in range(MAX_STEPS):
        try:
            step = steps.send(reply)
        except StopIteration:
            break
        reply = None
        if not isinstance(step, Question):
            continue
        session.asked[step.key] = step
        reply = answers.get(step.key) or default_of_file(step)
        if reply is not None:
            answers[step.key] = reply
        else:
            reply = ""
            if not step.can_wait:
                found.append(step.key)
    return tuple(found), session


def default_of_file(question: Question) -> str | None:
    """What a file says that does not say it: no more than what it names, nothing looked for, and an
    instrument that is silent is nothing that nobody has to know."""
    kind = question.key[1].partition(" ")[0] if question.key[0] == WIZARD else ""
    if kind in ("more", "scan"):
        return NO
    if question.key == ALTITUDE:  # it need not be told where the pressure is
        return NONE
    return None if kind in ("silent", "unset", "approval", "enrol") else question.default


def _told(fault: Fault, text: str) -> Problem:
    """What the check says of it; a fault of its own form names no value, so it is put before it."""
    problem = fault.problem
    if problem.startswith("is "):
        problem = f"{text[:SHOWN]!r} {problem}"
    return Problem("bad.fault", {"problem": problem, "remedy": fault.remedy})
