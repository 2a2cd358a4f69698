"""The questions at a terminal: one after the other, at 80x24, on a serial console too."""

from __future__ import annotations

import contextlib
import getpass
import sys
from collections.abc import Callable
from typing import Final

from edge_agent.commission.answers import Answers, Key
from edge_agent.commission.question import NO, YES, Choice, Note, Question
from edge_agent.commission.session import Problem, Session
from edge_agent.language import Words
from edge_agent.screen import is_ascii
from edge_agent.terminal import WIDTH, columns, printable, wrapped

BACK: Final = "<"
WHY: Final = "?"
MAX_LINE: Final = 1_000
PARTS: Final = ("site", "central", "bus", "device", "run", "regulator", "sign")
_PART_OF: Final = {"gas": "run", "gateway": "central"}
_SHORTS: Final = {"y": YES, "j": YES, "是": YES, "n": NO, "否": NO}
_SHOWN_CHOICES: Final = 12
LONGEST_CHOICE: Final = 24
PATTERN: Final = "must match "
"""How the check begins a remedy that is no sentence."""

Read = Callable[[str, bool], str]
Say = Callable[[str], None]
Keep = Callable[[], None]


class Wizard:
    """`read` gets a prompt and whether it is a secret; `keep` stores the answers so far."""

    def __init__(self, session: Session, words: Words, read: Read, say: Say, keep: Keep) -> None:
        self._session = session
        self._words = words
        self._read = read
        self._say = say
        self._keep = keep
        self._before: dict[Key, str] = {}  # what was answered before somebody went back
        self._told: set[tuple[str, str]] = set()
        self._part = ""

    def run(self) -> None:
        """Until all is answered. KeyboardInterrupt or EOFError where the person stops."""
        while (question := self._session.open_question()) is not None:
            for note in self._session.notes:
                self._note(note)
            self._ask(question)
            self._keep()
        for note in self._session.notes:
            self._note(note)

    def remember(self, answers: Answers) -> None:
        """What stands in the brackets: the answers of the last commissioning."""
        self._before |= answers

    def ask_again(self, key: Key) -> None:
        """One answer that is to be changed."""
        if key in self._session.answers:
            self._before[key] = self._session.answers.pop(key)

    # ---- one question -------------------------------------------------------------------------

    def _ask(self, question: Question) -> None:
        """Until it has an answer, or the person goes back."""
        self._head(question)
        self._text(question)
        default = question.default
        if not question.forgets:  # what was seen just now is better than what was answered then
            default = self._before.get(question.key, default)
        while True:
            typed = printable(self._read(self._prompt(question, default), question.secret))
            typed = typed.strip()[:MAX_LINE]
            if typed in (WHY, "？"):
                self._why(question)
            elif typed in (BACK, "《", "＜"):
                self.back()
                return
            else:
                given = self._given(question, typed, default)
                problem = self._session.answer(question, given)
                if problem is None:
                    self._before.pop(question.key, None)
                    return
                self._problem(question, problem)
                if question.forgets:  # asked anew, by what is seen now
                    return

    def _given(self, question: Question, typed: str, default: str | None) -> str:
        """What was meant: Enter takes the default, a number the choice of that place."""
        if typed == "":
            return default or ""
        choices = [choice.answer for choice in question.choices]
        if choices and typed not in choices:
            short = _SHORTS.get(typed.lower(), typed)
            if short in choices:
                return short
            same = [answer for answer in choices if answer.lower() == typed.lower()]
            if len(same) == 1:
                return same[0]
            if typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= len(choices):
                return choices[int(typed) - 1]
            begun = [answer for answer in choices if answer.lower().startswith(typed.lower())]
            if len(begun) == 1 and not question.open_choice:  # g and a, as plates say it
                return begun[0]
        return typed

    def back(self) -> None:
        """To the question before; what was answered there stands in its brackets."""
        gone = self._session.back()
        if not gone:
            self._say(self._words("first"))
        self._before |= gone
        self._part = ""

    def _head(self, question: Question) -> None:
        """A line where another part begins."""
        part = _PART_OF.get(question.part, question.part)
        if part != self._part and part in PARTS:
            self._part = part
            title = self._words("part", number=PARTS.index(part) + 1, count=len(PARTS),
                                title=self._words(f"part.{part}"))  # fmt: skip
            self._say("")
            self._say(f"== {title} ".ljust(WIDTH - _wide(title) - 1, "="))

    def _text(self, question: Question) -> None:
        self._say("")
        values = {name: self._shown(value) for name, value in question.values.items()}
        for line in self._words(question.words, **values).split("\n"):
            self._lines(line)
        choices = question.choices
        if {choice.answer for choice in choices} <= {YES, NO}:
            return
        if len(choices) > _SHOWN_CHOICES and not any(choice.about for choice in choices):
            self._lines(", ".join(choice.answer for choice in choices), 2)
            return
        room = max((columns(one.answer) for one in choices if self._about(one)), default=0)
        for place, choice in enumerate(choices, 1):
            self._choice(f"{place:>{len(str(len(choices)))}}", choice, room)

    def _about(self, choice: Choice) -> str:
        """What an answer means: as found, by its own words, or by those that it always has."""
        found = choice.about or f"choice.{choice.answer}"
        return self._words.get(found, choice.about)

    def _choice(self, place: str, choice: Choice, room: int) -> None:
        """What it is stands in one column, but for names as long as ports have."""
        about, answer = self._about(choice), choice.answer
        if about:
            answer += " " * (room - columns(answer) if room <= LONGEST_CHOICE else 0)
        self._lines(f"{place}  {answer}" + (f"  {about}" if about else ""), 2, 5)

    def _prompt(self, question: Question, default: str | None) -> str:
        if {choice.answer for choice in question.choices} == {YES, NO}:
            return "  [Y/n] > " if default == YES else "  [y/N] > " if default == NO else "  y/n > "
        return "  > " if default is None else f"  [{default}] > "

    def _why(self, question: Question) -> None:
        self._lines(self._words.get(f"{question.words}.why", self._words("no_why")), 2)
        self._lines(self._words("keys"), 2)

    def _problem(self, question: Question, problem: Problem) -> None:
        """What is wrong, and what the question is about: who errs has not asked why."""
        words, values = problem
        if words == "bad.fault" and str(values["remedy"]).startswith(PATTERN):
            words = "bad.form"  # what it should be like, the explanation says in words
        self._lines(f"! {self._words(words, **values)}", 2, 4)
        why = self._words.get(f"{question.words}.why", "")
        if why and problem.words == "bad.fault":
            self._lines(why, 4)

    def _note(self, note: Note) -> None:
        """Each once."""
        text = self._words(note.words, **note.values)
        if (note.words, text) not in self._told:
            self._told.add((note.words, text))
            self._say("")
            for line in text.split("\n"):
                self._lines(line, 2)

    def _lines(self, text: str, indent: int = 0, hanging: int | None = None) -> None:
        for line in wrapped(text, indent, hanging):
            self._say(line)

    def _shown(self, value: object) -> object:
        return self._words.get(value, value) if isinstance(value, str) else value


def for_terminal(text: str, encoding: str | None) -> str:
    """A serial console has no signs beyond ASCII; instruments have degrees."""
    if not is_ascii(encoding):
        return text
    plain = text.replace("\u00b0C", "degC").replace("\u00b0F", "degF")
    return plain.encode("ascii", "replace").decode("ascii")


def read_line(prompt: str, secret: bool) -> str:
    """A line of the terminal; a secret is not shown. EOFError at its end."""
    if secret and sys.stdin.isatty():
        return getpass.getpass(prompt)
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # the arrow keys, where this Python has them
    return input(prompt)


def _wide(text: str) -> int:
    """Columns beyond the characters: Han take two."""
    return columns(text) - len(text)
